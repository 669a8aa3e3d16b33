//! The supervisor of one stream: starts ffmpeg, reads what it sends into the ring, and starts it
//! anew when it ends, stalls or sends nothing that can be played.

mod first;

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    hash::{BuildHasher, Hasher, RandomState},
    os::unix::process::ExitStatusExt,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::FusedFuture};
use tokio::{
    process::{Child, ChildStdin},
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::{sleep, timeout},
};

use super::{
    Timing, Wanted,
    channel::Channel,
    continuity::Continuity,
    feed::{self, Feed},
    fetch::{Fetch, Fetching},
    ffmpeg::Ffmpeg,
    ffmpeg_log::{Heard, Known, describe, listen},
    hidden::Hidden,
    multiplex::Multiplexes,
    pace::{self, Pace, Pacing},
    probe::{Look, Playback, Probe, Unclear},
    reading::{Change, Reading, Stopped},
    reasons,
};
use crate::domain::{
    channels::{
        run::Event,
        stream::{AtEnd, SourceUrl},
    },
    ids::StreamId,
};

/// How long ffmpeg may take to end, and to be heard to its end, once its output has.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is shorter is no film that is played again at once.
const SHORTEST: Duration = Duration::from_secs(1);

/// A source that is again, within this time, not what it was is not begun anew for it a second time.
const RECENTLY: Duration = Duration::from_mins(20);

/// What the supervisor is told.
pub enum Order {
    /// Other sources, or another mode.
    Set(Wanted),
    /// Start anew, from the first source.
    Restart,
}

/// What every supervisor works with.
pub struct Means {
    /// How ffmpeg is run.
    pub ffmpeg: Arc<Ffmpeg>,
    /// Sources that several streams read together.
    pub multiplexes: Arc<Multiplexes>,
    /// Fetches sources of http and https for ffmpeg.
    pub fetch: Fetch,
    /// How long things may take.
    pub timing: Timing,
}

/// Runs a stream until its orders end, or until one on demand is wanted by nobody and `retire` agrees that this is
/// the end.
pub async fn supervise(
    id: StreamId,
    channel: Arc<Channel>,
    means: Means,
    mut wanted: Wanted,
    mut orders: UnboundedReceiver<Order>,
    retire: impl Fn() -> bool,
) {
    let runs = AtomicU64::new(0);
    let continuity = RefCell::default();
    loop {
        channel.open();
        let mut runner = Runner {
            id,
            channel: &channel,
            ffmpeg: &means.ffmpeg,
            multiplexes: &means.multiplexes,
            fetch: &means.fetch,
            timing: means.timing,
            wanted: &wanted,
            runs: &runs,
            continuity: &continuity,
            looks: AtomicU32::new(0),
        };
        let order = tokio::select! {
            order = orders.recv() => Some(order),
            () = runner.run() => None,
        };
        // What was running is dropped here, and ffmpeg with it.
        match order {
            Some(Some(Order::Set(new))) => wanted = new,
            Some(Some(Order::Restart)) => {}
            Some(None) => break,
            None => {
                channel.state().note(Event::Dropped, Instant::now());
                channel.forget();
                channel.open();
                if retire() {
                    return;
                }
            }
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
    multiplexes: &'a Multiplexes,
    fetch: &'a Fetch,
    timing: Timing,
    wanted: &'a Wanted,
    /// Numbers the runs of ffmpeg for this stream.
    runs: &'a AtomicU64,
    continuity: &'a RefCell<Continuity>,
    /// How often the first source was looked at while a later one played.
    looks: AtomicU32,
}

/// How the playing of a source ended.
enum Ended {
    /// By itself or by a fault, after it had played for so long; zero if it gave no picture.
    Lost { lasted: Duration, was_given_up: bool, why: String },
    /// At its end, and it is not to be played again.
    Finished,
    /// The first source is back.
    FirstIsBack,
}

impl Ended {
    fn barren(why: String) -> Self {
        Self::Lost { lasted: Duration::ZERO, was_given_up: false, why }
    }
}

/// How one run of ffmpeg ended.
enum Run {
    /// For good, as far as this source goes.
    Over(Ended),
    /// The source is there, but is no longer what ffmpeg was started for.
    Changed(Change),
    /// At its end, and it is played again.
    Turned,
    /// Before it sent anything: it is made of other things than ffmpeg was told.
    Otherwise(Probe),
    /// Before it sent anything, as it could not make out those tracks.
    Unclear { tracks: Vec<Unclear>, why: String },
}

impl Runner<'_> {
    /// Ends when a stream on demand is wanted by nobody.
    async fn run(&mut self) {
        if !self.wanted.on_demand {
            match self.play_sources().await {}
        }
        let channel = self.channel;
        channel.forget();
        if channel.is_wanted() {
            tokio::select! {
                () = channel.unwanted(self.timing.linger) => {}
                never = self.play_sources() => match never {},
            }
        }
    }

    /// Plays one source after the other, for ever. Whoever has just played is asked again at once; the back-off is
    /// for rounds in which none gave anything.
    async fn play_sources(&mut self) -> Infallible {
        let sources = &self.wanted.sources;
        if sources.is_empty() {
            self.note(Event::Hopeless { why: "it has no sources: set one".into() });
            return std::future::pending().await;
        }
        let has_programs = |source: &&SourceUrl| is_read_once(source) && source.program().is_some();
        let multiplexes = self.multiplexes;
        let _wants: Vec<_> =
            sources.iter().filter(has_programs).map(|source| multiplexes.want(source)).collect();
        let mut back_off = self.timing.back_off.0;
        let (mut place, mut short, mut barren) = (0, 0, 0);
        let mut again = None;
        let mut pacing = Pacing::new(Instant::now());
        loop {
            self.channel.state().source = Some(place);
            self.note(Event::Begun);
            let look = if again == Some(place) { Look::Shorter } else { Look::Usual };
            let (lasted, was_given_up, why) = match self.play(place, &sources[place], look, &mut pacing).await
            {
                Ended::Lost { lasted, was_given_up, why } => (lasted, was_given_up, why),
                Ended::FirstIsBack => {
                    (place, short, barren, again) = (0, 0, 0, None);
                    continue;
                }
                Ended::Finished => {
                    self.note(Event::Finished);
                    self.channel.close();
                    return std::future::pending().await;
                }
            };
            log::warn!("stream {}: source {} ended: {why}", self.id.0, place + 1);
            let is_steady = lasted >= self.timing.steady;
            if !is_steady {
                self.channel.state().log_error(format!("source {}: {why}", place + 1));
            }
            again = Some(place).filter(|_| lasted > Duration::ZERO);
            if lasted > Duration::ZERO {
                if place == 0 && is_steady {
                    self.looks.store(0, Relaxed);
                }
                back_off = self.timing.back_off.0;
                barren = 0;
                short = if is_steady { 0 } else { short + 1 };
                // One that falls silent, or drops twice, may leave the picture to the next.
                if was_given_up || short > 1 {
                    (place, short) = ((place + 1) % sources.len(), 0);
                }
                self.note(Event::Lost);
                sleep(jittered(self.timing.again)).await;
                continue;
            }
            (place, short, barren) = ((place + 1) % sources.len(), 0, barren + 1);
            if barren < sources.len() {
                self.note(Event::Lost);
                sleep(self.timing.pause).await;
                continue;
            }
            let wait = jittered(back_off);
            self.note(Event::Exhausted { retry_in: wait, why });
            sleep(wait).await;
            back_off = (back_off * 2).min(self.timing.back_off.1);
            (place, barren) = (0, 0);
        }
    }

    /// Plays a source, again and again while it only changes, and at its end if it is looped.
    async fn play(&mut self, place: usize, source: &SourceUrl, look: Look, pacing: &mut Pacing) -> Ended {
        let mut care = Probe { look, ..self.care(source) };
        let mut changed: Option<(String, Instant)> = None;
        // Whether viewers see no restart in what is begun.
        let mut is_same = false;
        loop {
            let run = self.play_once(place, source, &care, pacing, is_same).await;
            is_same = matches!(run, Run::Turned | Run::Otherwise(_));
            match run {
                Run::Turned => {}
                Run::Changed(Change { why, without }) => {
                    log::warn!("stream {}: source {}: {why}", self.id.0, place + 1);
                    self.channel.state().log_error(format!("source {}: {why}", place + 1));
                    self.note(Event::Lost);
                    let is_again = changed
                        .replace((why.clone(), Instant::now()))
                        .is_some_and(|(before, at)| before == why && at.elapsed() < RECENTLY);
                    let without = without.map_or(Vec::new(), |track| [care.without, vec![track]].concat());
                    care = Probe { without, is_borne: is_again, ..self.care(source) };
                }
                Run::Otherwise(other) => care = other,
                Run::Unclear { tracks, why } => match care.after(&tracks, self.wanted.sources.len() == 1) {
                    Some(next) => care = next,
                    None => return Ended::barren(why),
                },
                Run::Over(ended) => return ended,
            }
        }
    }

    async fn play_once(
        &mut self,
        place: usize,
        source: &SourceUrl,
        care: &Probe,
        pacing: &mut Pacing,
        is_same: bool,
    ) -> Run {
        let begun = Instant::now();
        let heard = self.channel.state().complaints;
        self.tell_left_out(place, care);
        let fetching = match self.fetch.open(source, &self.wanted.request) {
            Ok(fetching) => fetching,
            Err(why) => return Run::Over(Ended::barren(why)),
        };
        let via = fetching.as_ref().map(|fetching| fetching.address.as_str());
        let hidden = Hidden::of(source, via);
        let begun_with = self
            .feed(source)
            .and_then(|feed| Ok((self.ffmpeg.play(source, via, care, feed.as_ref())?, feed)));
        let (mut child, feed) = match begun_with {
            Ok(both) => both,
            Err(why) => return Run::Over(Ended::barren(why)),
        };
        if self.runs.fetch_add(1, Relaxed) > 0 && !is_same {
            self.channel.state().restarts += 1;
        }
        let (Some(output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Run::Over(Ended::barren("ffmpeg has no output".into()));
        };
        let timing = Timing { start: care.patience(self.timing.start), ..self.timing };
        let is_fed = feed.is_some();
        let feeding = write(feed, child.stdin.take());
        let comes = Cell::new(if fetching.is_some() { Pace::Unknown } else { Pace::AsItComes });
        let mapped = RefCell::default();
        let known = Known { care, fetching: fetching.as_ref(), pace: &comes, mapped: &mapped };
        let mut unclear = Vec::new();
        let (beginnings, changed) = unbounded_channel();
        let is_only = self.wanted.sources.len() == 1;
        let mut reading = Reading::new(self.channel, self.runs, self.continuity, beginnings);
        let stopped = {
            let listening =
                listen(self.channel, errors, &hidden, &mut unclear, known, self.timing.stall).fuse();
            let mut listening = pin!(listening);
            let stopped = tokio::select! {
                stopped = reading.read(output, timing, known, pacing, is_only) => stopped,
                why = feeding => Stopped::Given(why),
                Some(heard) = &mut listening => match heard {
                    Heard::Otherwise(care) => return Run::Otherwise(care),
                    Heard::Useless(why) => Stopped::Given(why),
                    Heard::Change(change) => {
                        // A table that changes all the time must leave something to watch.
                        sleep(self.timing.stall.saturating_sub(begun.elapsed())).await;
                        Stopped::Changed(Change { why: change.into(), without: None })
                    }
                },
                never = describe(self.channel, self.ffmpeg, changed) => match never {},
                longest = fragments(fetching.as_ref(), care) => {
                    return Run::Otherwise(Probe { apart: longest, in_segments: true, ..care.clone() });
                }
                () = self.is_to_be_shared(source, is_fed) => return Run::Otherwise(care.clone()),
                () = self.first_is_back(place) => return Run::Over(Ended::FirstIsBack),
            };
            match stopped {
                // What it said last may still be unread.
                Stopped::Ended if !listening.is_terminated() => match timeout(LAST_WORDS, listening).await {
                    Ok(Some(Heard::Otherwise(care))) => return Run::Otherwise(care),
                    Ok(Some(Heard::Useless(why))) => Stopped::Given(why),
                    _ => Stopped::Ended,
                },
                stopped => stopped,
            }
        };
        let entered = reading.entered;
        let (why, was_given_up) = match stopped {
            Stopped::Changed(change) => return Run::Changed(change),
            Stopped::Given(why) => (why, true),
            Stopped::Ended => {
                let (why, is_whole) = self.reason(&mut child, heard).await;
                let (length, lasted) = (reading.length(), begun.elapsed());
                let is_whole = is_whole && entered && fetching.as_ref().and_then(Fetching::trouble).is_none();
                let has_end = match comes.get() {
                    Pace::AsItComes => source.file().is_some(),
                    Pace::Film => true,
                    Pace::Unknown | Pace::MayBeLive => pace::is_film(length, lasted, reading.held),
                };
                if is_whole && has_end && care.wish.at_end == AtEnd::Stop {
                    return Run::Over(Ended::Finished);
                }
                if is_whole && has_end && length >= SHORTEST {
                    return Run::Turned;
                }
                (why, false)
            }
        };
        // Who fetched it knows best.
        let why = fetching.as_ref().and_then(Fetching::trouble).unwrap_or(why);
        if !entered && !unclear.is_empty() {
            return Run::Unclear { tracks: unclear, why };
        }
        let lasted = if entered { begun.elapsed() } else { Duration::ZERO };
        Run::Over(Ended::Lost { lasted, was_given_up, why })
    }

    /// The line of ffmpeg's that says why its output ended, unless somebody killed it.
    /// And whether it ended as it should.
    async fn reason(&self, child: &mut Child, heard: u64) -> (String, bool) {
        let status = timeout(LAST_WORDS, child.wait()).await.ok().and_then(Result::ok);
        let was_killed = status.is_some_and(|status| status.signal().is_some());
        let cause = reasons::cause(self.channel.state().errors_since(heard));
        let is_whole = status.is_some_and(|status| status.success());
        let why = match (cause.filter(|_| !was_killed), status) {
            (Some(cause), _) => cause,
            (None, Some(status)) if status.success() => "it ended".into(),
            (None, Some(status)) => format!("ffmpeg ended ({status}) and did not say why"),
            (None, None) => "ffmpeg closed its output and keeps running".into(),
        };
        (why, is_whole)
    }

    /// Says which tracks are not played.
    fn tell_left_out(&self, place: usize, care: &Probe) {
        let mut status = self.channel.state();
        for number in &care.without {
            let what =
                format!("source {}: track {number} cannot be identified: playing without it", place + 1);
            status.log_error(what);
        }
        for track in &care.not_carried {
            status.log_error(format!(
                "source {}: track {} is {}, which a transport stream cannot carry: playing without it",
                place + 1,
                track.number,
                track.codec
            ));
        }
    }

    /// How a source is begun with.
    fn care(&self, source: &SourceUrl) -> Probe {
        Probe {
            wish: Playback { audio_to_aac: self.wanted.audio_to_aac, at_end: self.wanted.at_end },
            program: source.program().filter(|_| !is_read_once(source)),
            // Playlists go by many names, but hardly by this one; if it is one after all, it is begun anew.
            in_segments: source.is_http() && !is_named_ts(source),
            ..Probe::default()
        }
    }

    /// Waits until another stream wants a program of what this one reads for itself.
    async fn is_to_be_shared(&self, source: &SourceUrl, is_fed: bool) {
        if is_fed || !is_read_once(source) {
            std::future::pending::<Infallible>().await;
        }
        self.multiplexes.wanted(source).await;
    }

    /// What is written into ffmpeg instead of letting it open the source.
    fn feed(&self, source: &SourceUrl) -> Result<Option<Feed>, String> {
        let number = source.program();
        if is_read_once(source) && (number.is_some() || self.multiplexes.is_wanted(source)) {
            let program = self.multiplexes.program(self.ffmpeg, source, number)?;
            return Ok(Some(Feed::Program(Box::new(program))));
        }
        let Some(name) = source.file() else { return Ok(None) };
        let path = self.ffmpeg.file(name)?;
        if feed::is_no_file(&path) {
            return Err(format!("media/{name} is no file, but a folder, a pipe or a device"));
        }
        let is_looped = self.wanted.at_end == AtEnd::Loop && feed::is_transport_stream(&path);
        Ok(is_looped.then_some(Feed::Loop(path)))
    }

    fn note(&self, event: Event) {
        self.channel.state().note(event, Instant::now());
    }
}

/// Whether all streams of programs of a source read it together: a port of UDP or SRT can be opened once only.
fn is_read_once(source: &SourceUrl) -> bool {
    matches!(source.scheme().as_str(), "udp" | "srt")
}

/// Waits until it is known that a source comes in fragments of MP4, unless it was begun as such: in each of them all of
/// the sound follows all of the picture. How long they are at most.
async fn fragments(fetching: Option<&Fetching>, care: &Probe) -> Duration {
    match fetching.filter(|_| care.apart.is_zero()) {
        Some(fetching) => fetching.fragments().await,
        None => std::future::pending().await,
    }
}

/// Feeds ffmpeg, if it is fed; why there is nothing more to feed it with.
async fn write(feed: Option<Feed>, input: Option<ChildStdin>) -> String {
    match (feed, input) {
        (Some(feed), Some(input)) => feed.write(input).await,
        _ => std::future::pending().await,
    }
}

/// That time, give or take a quarter: a thousand streams of one provider are not asked for in the same moment.
fn jittered(time: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    time * u32::try_from(75 + random % 51).unwrap_or(100) / 100
}

/// Whether the address says that it is one transport stream.
fn is_named_ts(source: &SourceUrl) -> bool {
    source.address().split(['?', '|']).next().is_some_and(|path| path.to_ascii_lowercase().ends_with(".ts"))
}
