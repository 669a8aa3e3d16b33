//! The supervisor of one stream: starts ffmpeg, reads what it sends into the ring, and starts it
//! anew when it ends, stalls or sends nothing that can be played.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStderr, ChildStdout},
    sync::mpsc::UnboundedReceiver,
    time::{sleep, timeout},
};

use super::{
    Timing, Wanted,
    channel::Channel,
    ffmpeg::{Ffmpeg, Line},
    ring::Chunk,
    status::Status,
    ts::{self, Scanner},
};
use crate::domain::{ids::StreamId, run::Event, stream::SourceUrl};

/// A chunk is sent on when it has this many bytes: just over the 32 KiB that actix gathers for a
/// connection before it writes, so that the buffer of each viewer holds one chunk and not two.
const CHUNK: usize = 175 * ts::PACKET;
/// Or after this time.
const CHUNK_TIME: Duration = Duration::from_millis(100);
/// Packets are gathered for this long between two looks into the pipe: reading each as it comes
/// would cost ten times as much.
const GATHER: Duration = Duration::from_millis(40);
/// So much that is no transport stream is no accident.
const RUBBISH: usize = 64 << 10;
/// Radio can be begun with at any sound; once in a while is enough.
const RADIO_ENTRY: Duration = Duration::from_millis(500);
/// The longest line of ffmpeg's that is looked at, in bytes.
const LINE: u64 = 4096;

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
    let mut runs = 0;
    loop {
        let mut runner =
            Runner { id, channel: &channel, ffmpeg: &ffmpeg, timing, wanted: &wanted, runs: &mut runs };
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
    /// How often ffmpeg was started for this stream.
    runs: &'a mut u64,
}

/// How a run of ffmpeg ended.
enum Ended {
    /// By itself or by a fault.
    Lost { lasted: Duration, why: String },
    /// The first source is back.
    FirstIsBack,
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

    async fn play(&mut self, place: usize, source: &SourceUrl) -> Ended {
        let begun = Instant::now();
        let heard = self.channel.state().complaints;
        let mut child = match self.ffmpeg.play(source) {
            Ok(child) => child,
            Err(why) => return Ended::Lost { lasted: Duration::ZERO, why },
        };
        if *self.runs > 0 {
            self.channel.state().restarts += 1;
        }
        *self.runs += 1;
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Ended::Lost { lasted: Duration::ZERO, why: "ffmpeg has no output".into() };
        };
        let mut reading = Reading::new(self.channel, *self.runs);
        let why = tokio::select! {
            why = reading.read(output, self.timing) => why,
            never = listen(self.channel, errors) => match never {},
            () = self.first_is_back(place) => return Ended::FirstIsBack,
        };
        let lasted = if reading.entered { begun.elapsed() } else { Duration::ZERO };
        Ended::Lost { lasted, why: self.reason(&mut child, why, heard).await }
    }

    /// The last complaint of ffmpeg's says more than that its output ended.
    async fn reason(&self, child: &mut Child, why: Option<String>, heard: u64) -> String {
        if let Some(why) = why {
            return why;
        }
        let status = timeout(Duration::from_secs(1), child.wait()).await;
        let said = |status: &Status| status.errors.back().filter(|_| status.complaints > heard).cloned();
        let complaint = said(&self.channel.state());
        let code = status
            .ok()
            .and_then(Result::ok)
            .map_or_else(|| "no exit code".into(), |status| status.to_string());
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
            let Ok(mut child) = self.ffmpeg.try_out(first) else { continue };
            let Some(errors) = child.stderr.take() else { continue };
            // Its complaints are old news; read, so that it does not wait for a reader.
            let drain = async {
                let mut nowhere = tokio::io::sink();
                let mut errors = errors;
                let _ = tokio::io::copy(&mut errors, &mut nowhere).await;
                child.wait().await
            };
            if let Ok(Ok(status)) = timeout(self.timing.start, drain).await
                && status.success()
            {
                return;
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

/// What one run of ffmpeg sends, on its way into the ring.
struct Reading<'a> {
    channel: &'a Channel,
    scanner: Scanner,
    run: u64,
    /// Packets of the chunk under way, whether players can begin with it, and its clock.
    chunk: Vec<u8>,
    entry: Option<Bytes>,
    clock: Option<u64>,
    /// Whether a key frame has come.
    entered: bool,
    last_entry: Instant,
    last_push: Instant,
}

impl<'a> Reading<'a> {
    fn new(channel: &'a Channel, run: u64) -> Self {
        let now = Instant::now();
        Self {
            channel,
            scanner: Scanner::default(),
            run,
            chunk: Vec::with_capacity(CHUNK),
            entry: None,
            clock: None,
            entered: false,
            last_entry: now,
            last_push: now,
        }
    }

    /// Reads to the end of the output; the reason, unless ffmpeg knows it better.
    async fn read(&mut self, mut output: ChildStdout, timing: Timing) -> Option<String> {
        // A pipe that holds a gathering's bytes; 64 KiB do for 12 Mbit/s, so it is no loss if it stays.
        let _ = rustix::pipe::fcntl_setpipe_size(&output, 1 << 18);
        let mut buffer = vec![0; CHUNK];
        let begun = Instant::now();
        loop {
            let patience = if self.entered {
                timing.stall
            } else {
                timing.start.checked_sub(begun.elapsed())?.min(timing.start)
            };
            match timeout(patience, output.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => {
                    self.push();
                    return None;
                }
                Ok(Ok(length)) => {
                    self.take(&buffer[..length]);
                    if self.scanner.skipped() > RUBBISH {
                        return Some("the source sends something that is no transport stream".into());
                    }
                    if length < buffer.len() {
                        sleep(GATHER).await;
                    }
                }
                Err(_) if self.entered => {
                    return Some(format!("the source sent nothing for {} seconds", timing.stall.as_secs()));
                }
                Err(_) => {
                    return Some(format!(
                        "the source sent nothing playable within {} seconds",
                        timing.start.as_secs()
                    ));
                }
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let now = Instant::now();
        let mut scanner = std::mem::take(&mut self.scanner);
        scanner.feed(bytes, |scanner, packet| {
            if packet.begins && self.is_entry(scanner, now) {
                self.enter(scanner, now);
            }
            if self.entered {
                self.chunk.extend_from_slice(packet.bytes);
            }
            if self.chunk.len() + ts::PACKET > CHUNK {
                self.push();
            }
        });
        self.scanner = scanner;
        if self.entered {
            self.channel.state().count(bytes.len(), now);
        }
        if now.duration_since(self.last_push) >= CHUNK_TIME {
            self.push();
        }
    }

    fn is_entry(&self, scanner: &Scanner, now: Instant) -> bool {
        let has_video = scanner.elementary().iter().any(|part| part.is_video);
        has_video || !self.entered || now.duration_since(self.last_entry) >= RADIO_ENTRY
    }

    /// A chunk begins anew with a key frame.
    fn enter(&mut self, scanner: &Scanner, now: Instant) {
        self.push();
        let Some(tables) = scanner.tables() else { return };
        if !self.entered {
            let mut status = self.channel.state();
            let codec = |video| {
                let parts = scanner.elementary().iter();
                parts.filter(|part| part.is_video == video).map(|part| part.codec.to_owned()).next()
            };
            (status.video_codec, status.audio_codec) = (codec(true), codec(false));
            status.note(Event::Played, now);
        }
        self.entry = Some(Bytes::copy_from_slice(&tables));
        self.clock = scanner.clock();
        self.entered = true;
        self.last_entry = now;
    }

    fn push(&mut self) {
        if self.chunk.is_empty() {
            return;
        }
        let now = Instant::now();
        let bytes = Bytes::copy_from_slice(&self.chunk);
        self.chunk.clear();
        let clock = self.entry.as_ref().and(self.clock);
        self.channel.push(Chunk::new(bytes, self.entry.take(), self.run, now), clock);
        self.last_push = now;
    }
}

/// Reads ffmpeg's lines as long as it runs.
async fn listen(channel: &Channel, errors: ChildStderr) -> Infallible {
    let mut lines = BufReader::new(errors);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut lines).take(LINE).read_until(b'\n', &mut line).await;
        match read {
            Ok(0) | Err(_) => return std::future::pending().await,
            Ok(_) => {}
        }
        match Line::of(&String::from_utf8_lossy(&line)) {
            Line::Picture { resolution } => channel.state().resolution = Some(resolution),
            Line::Complaint(complaint) => channel.state().complain(complaint),
            Line::Other => {}
        }
    }
}
