//! The supervisor of one stream: starts ffmpeg, reads what it sends into the ring, and starts it
//! anew when it ends, stalls or sends nothing that can be played.

use std::{
    convert::Infallible,
    os::unix::process::ExitStatusExt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::{
    process::Child,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{sleep, timeout},
};

use super::{
    Timing, Wanted,
    channel::Channel,
    ffmpeg::{Care, Ffmpeg, Line, Unclear},
    lines::{Heard, describe, each_line, listen},
    reading::{Reading, Stopped},
    status::Status,
};
use crate::domain::{ids::StreamId, run::Event, stream::SourceUrl};

/// What the supervisor is told.
pub enum Order {
    /// Other sources, or another mode.
    Set(Wanted),
    /// Start anew, from the first source.
    Restart,
}

/// Runs a stream until its orders end.
pub async fn supervise(
    id: StreamId,
    channel: Arc<Channel>,
    ffmpeg: Arc<Ffmpeg>,
    timing: Timing,
    mut wanted: Wanted,
    mut orders: UnboundedReceiver<Order>,
) {
    let runs = AtomicU64::new(0);
    loop {
        let mut runner =
            Runner { id, channel: &channel, ffmpeg: &ffmpeg, timing, wanted: &wanted, runs: &runs };
        let order = tokio::select! {
            order = orders.recv() => order,
            never = runner.run() => match never {},
        };
        // What was running is dropped here, and ffmpeg with it.
        match order {
            Some(Order::Set(new)) => wanted = new,
            Some(Order::Restart) => {}
            None => break,
        }
        // It begins anew: neither its uptime nor a failure of what it was goes on.
        channel.state().note(Event::Dropped, Instant::now());
    }
    channel.state().note(Event::Dropped, Instant::now());
    channel.close();
}

struct Runner<'a> {
    id: StreamId,
    channel: &'a Channel,
    ffmpeg: &'a Ffmpeg,
    timing: Timing,
    wanted: &'a Wanted,
    /// Numbers the runs of ffmpeg for this stream.
    runs: &'a AtomicU64,
}

/// How the playing of a source ended.
enum Ended {
    /// By itself or by a fault.
    Lost { lasted: Duration, why: String },
    /// The first source is back.
    FirstIsBack,
}

/// How one run of ffmpeg ended.
enum Run {
    /// For good, as far as this source goes.
    Over(Ended),
    /// The source is there, but is no longer what ffmpeg was started for.
    Changed(String),
    /// Before it sent anything: it has several programs, of which this is to be played.
    Several(u64),
    /// Before it sent anything, as it could not make out those tracks.
    Unclear { tracks: Vec<Unclear>, why: String },
}

impl Runner<'_> {
    async fn run(&mut self) -> Infallible {
        if !self.wanted.on_demand {
            return self.play_sources().await;
        }
        let mut demand = self.channel.wanted();
        let linger = self.timing.linger;
        loop {
            self.note(Event::Dropped);
            self.channel.forget();
            // The channel holds the sender.
            let _ = demand.wait_for(|count| *count > 0).await;
            tokio::select! {
                () = unwanted(&mut demand, linger) => {}
                never = self.play_sources() => match never {},
            }
        }
    }

    /// Plays one source after the other, for ever.
    async fn play_sources(&mut self) -> Infallible {
        if self.wanted.sources.is_empty() {
            self.note(Event::Hopeless { why: "it has no sources: set one".into() });
            return std::future::pending().await;
        }
        let mut back_off = self.timing.back_off.0;
        loop {
            let why = match self.play_round().await {
                Round::Steady => {
                    back_off = self.timing.back_off.0;
                    continue;
                }
                Round::Failed(why) => why,
            };
            self.note(Event::Exhausted { retry_in: back_off, why });
            sleep(back_off).await;
            back_off = (back_off * 2).min(self.timing.back_off.1);
        }
    }

    /// Tries the sources in order, until one has run for a while or all have failed.
    async fn play_round(&mut self) -> Round {
        let sources = &self.wanted.sources;
        let mut last = String::new();
        for (place, source) in sources.iter().enumerate() {
            self.channel.state().source = Some(place);
            self.note(Event::Begun);
            match self.play(place, source).await {
                Ended::FirstIsBack => return Round::Steady,
                Ended::Lost { lasted, why } => {
                    log::warn!("stream {}: source {} ended: {why}", self.id.0, place + 1);
                    if lasted >= self.timing.steady {
                        self.note(Event::Lost);
                        return Round::Steady;
                    }
                    self.channel.state().complain(format!("source {}: {why}", place + 1));
                    last = why;
                }
            }
            if place + 1 < sources.len() {
                self.note(Event::Lost);
                sleep(self.timing.pause).await;
            }
        }
        Round::Failed(last)
    }

    /// Plays a source, again and again while it only changes.
    async fn play(&mut self, place: usize, source: &SourceUrl) -> Ended {
        let mut care = Care::default();
        loop {
            match self.play_once(place, source, &care).await {
                Run::Changed(why) => {
                    log::warn!("stream {}: source {}: {why}", self.id.0, place + 1);
                    self.channel.state().complain(format!("source {}: {why}", place + 1));
                    self.note(Event::Lost);
                    care = Care::default();
                }
                Run::Several(program) => care = care.of_program(program),
                Run::Unclear { tracks, why } => match care.after(&tracks) {
                    Some(next) => care = next,
                    None => return Ended::Lost { lasted: Duration::ZERO, why },
                },
                Run::Over(ended) => return ended,
            }
        }
    }

    async fn play_once(&mut self, place: usize, source: &SourceUrl, care: &Care) -> Run {
        let begun = Instant::now();
        let heard = self.channel.state().complaints;
        for number in care.without() {
            let what = format!("source {}: track {number} cannot be made out: playing without it", place + 1);
            self.channel.state().complain(what);
        }
        let mut child = match self.ffmpeg.play(source, care) {
            Ok(child) => child,
            Err(why) => return Run::Over(Ended::Lost { lasted: Duration::ZERO, why }),
        };
        if self.runs.fetch_add(1, Relaxed) > 0 {
            self.channel.state().restarts += 1;
        }
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            let why = "ffmpeg has no output".into();
            return Run::Over(Ended::Lost { lasted: Duration::ZERO, why });
        };
        let mut unclear = Vec::new();
        let (beginnings, changed) = unbounded_channel();
        let mut reading = Reading::new(self.channel, self.runs, beginnings);
        let stopped = tokio::select! {
            stopped = reading.read(output, self.timing) => stopped,
            heard = listen(self.channel, errors, &mut unclear, care, self.timing.stall) => match heard {
                Heard::Several(program) => return Run::Several(program),
                Heard::Change(change) => {
                    // A table that changes all the time must leave something to watch.
                    sleep(self.timing.stall.saturating_sub(begun.elapsed())).await;
                    Stopped::Changed(change.into())
                }
            },
            never = describe(self.channel, self.ffmpeg, changed) => match never {},
            () = self.first_is_back(place) => return Run::Over(Ended::FirstIsBack),
        };
        let entered = reading.entered;
        let why = match stopped {
            Stopped::Changed(why) => return Run::Changed(why),
            Stopped::Given(why) => why,
            Stopped::Ended => self.reason(&mut child, heard).await,
        };
        if !entered && !unclear.is_empty() {
            return Run::Unclear { tracks: unclear, why };
        }
        Run::Over(Ended::Lost { lasted: if entered { begun.elapsed() } else { Duration::ZERO }, why })
    }

    /// The last complaint of ffmpeg's says more than that its output ended, unless somebody killed it.
    async fn reason(&self, child: &mut Child, heard: u64) -> String {
        let status = timeout(Duration::from_secs(1), child.wait()).await.ok().and_then(Result::ok);
        let said = |status: &Status| status.errors.back().filter(|_| status.complaints > heard).cloned();
        let complaint =
            said(&self.channel.state()).filter(|_| status.and_then(|status| status.signal()).is_none());
        let code = status.map_or_else(|| "no exit code".into(), |status| status.to_string());
        complaint.unwrap_or_else(|| format!("ffmpeg ended ({code})"))
    }

    /// On a later source: looks at the first one from time to time.
    async fn first_is_back(&self, place: usize) {
        let Some(first) = self.wanted.sources.first().filter(|_| place > 0) else {
            return std::future::pending().await;
        };
        let (mut wait, longest) = self.timing.look_back;
        loop {
            sleep(wait).await;
            wait = (wait * 2).min(longest);
            if self.answers(first).await {
                return;
            }
        }
    }

    /// Whether a source can be played now.
    async fn answers(&self, source: &SourceUrl) -> bool {
        let mut care = Care::default();
        loop {
            let Ok(mut child) = self.ffmpeg.try_out(source, &care) else { return false };
            let Some(errors) = child.stderr.take() else { return false };
            let mut unclear = Vec::new();
            // Its complaints are old news; read, so that it does not wait for a reader.
            let lines = each_line(errors, |line| {
                if let Line::Unclear(track) = line {
                    unclear.push(track);
                }
                true
            });
            let ended = timeout(self.timing.start, async {
                lines.await;
                child.wait().await
            });
            match (ended.await, care.after(&unclear)) {
                (Ok(Ok(status)), _) if status.success() => return true,
                (Ok(_), Some(next)) => care = next,
                _ => return false,
            }
        }
    }

    fn note(&self, event: Event) {
        self.channel.state().note(event, Instant::now());
    }
}

enum Round {
    /// A source ran for a while: begin again from the first.
    Steady,
    /// None did; the last reason.
    Failed(String),
}

/// Ends when nobody has wanted the stream for a while.
async fn unwanted(demand: &mut tokio::sync::watch::Receiver<usize>, linger: Duration) {
    loop {
        let _ = demand.wait_for(|count| *count == 0).await;
        if timeout(linger, demand.wait_for(|count| *count > 0)).await.is_err() {
            return;
        }
    }
}
