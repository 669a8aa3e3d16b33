//! What one run of ffmpeg sends, on its way into the ring.

use std::{
    cell::RefCell,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    io::AsyncReadExt,
    process::ChildStdout,
    sync::mpsc::UnboundedSender,
    time::{sleep, timeout},
};

use super::{
    Timing,
    channel::Channel,
    continuity::Continuity,
    entries::Entries,
    ffmpeg_log::Known,
    late::Late,
    pace::Pacing,
    repetition::{self, Repetition},
    ring::{Chunk, Clock},
    ts::{self, Elementary, Packet, Scanner},
};
use crate::domain::channels::run::Event;

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
/// What has not come for so long is not there, whatever the tables say.
const LISTEN: Duration = Duration::from_secs(10);

/// How often it is asked how long a source may be silent.
const LOOK: Duration = Duration::from_secs(1);

/// The clock of what is whole goes on by less from chunk to chunk, in 1/90,000 second.
const LEAP: u64 = 10 * 90_000;

/// Why a run is read no further.
pub enum Stopped {
    /// Its output ended; ffmpeg may have said why.
    Ended,
    /// The source is given up, for this reason.
    Given(String),
    /// The source is not what it was, or what it says it is.
    Changed(Change),
}

/// Why a source is begun anew.
pub struct Change {
    /// In words.
    pub why: String,
    /// A track of sound that never was what the source says, beside a picture: the source is played without it.
    pub without: Option<u32>,
}

/// What one run of ffmpeg sends, on its way into the ring.
pub struct Reading<'a> {
    channel: &'a Channel,
    scanner: Scanner,
    repetition: Repetition,
    late: Late,
    /// Counts runs, and changes of the picture that viewers are told of as they are of a new run.
    runs: &'a AtomicU64,
    /// What was sent of the runs before.
    continuity: &'a RefCell<Continuity>,
    /// Packets of the chunk under way, whether players can begin with it, its clock then, and that of its last packet.
    chunk: Vec<u8>,
    entry: Option<Bytes>,
    clock: Option<u64>,
    latest: Option<u64>,
    /// The clock of what was sent on last, and how far it went on in all, in 1/90,000 second.
    sent: Option<u64>,
    gone_on: u64,
    /// Between the last two clocks: so long plays what comes with one.
    step: u64,
    /// How much of it the pace knows.
    paced: Duration,
    /// For how long what came was held back, as it came too fast.
    pub held: Duration,
    /// Whether a key frame has come.
    pub entered: bool,
    entries: Entries,
    last_push: Instant,
    last_listen: Instant,
    /// The codecs that were told.
    named: Vec<&'static str>,
    /// What the picture's parameters were, and where the beginning of a picture with others goes.
    parameters: Vec<u8>,
    beginnings: UnboundedSender<Bytes>,
    has_changed: bool,
}

impl<'a> Reading<'a> {
    /// Of a run that begins now; `beginnings` is told of pictures that have changed.
    pub fn new(
        channel: &'a Channel,
        runs: &'a AtomicU64,
        continuity: &'a RefCell<Continuity>,
        beginnings: UnboundedSender<Bytes>,
    ) -> Self {
        let now = Instant::now();
        Self {
            channel,
            scanner: Scanner::default(),
            repetition: Repetition::default(),
            late: Late::default(),
            runs,
            continuity,
            chunk: Vec::with_capacity(CHUNK),
            entry: None,
            clock: None,
            latest: None,
            sent: None,
            gone_on: 0,
            step: 0,
            paced: Duration::ZERO,
            held: Duration::ZERO,
            entered: false,
            entries: Entries::new(now),
            last_push: now,
            last_listen: now,
            named: Vec::new(),
            parameters: Vec::new(),
            beginnings,
            has_changed: false,
        }
    }

    /// Reads to the end of the output, or until the source is given up: sooner if it is not the stream's only one.
    pub async fn read(
        &mut self,
        mut output: ChildStdout,
        timing: Timing,
        known: Known<'_>,
        pacing: &mut Pacing,
        is_only: bool,
    ) -> Stopped {
        // A pipe that holds a gathering's bytes; 64 KiB do for 12 Mbit/s, so it is no loss if it stays.
        let _ = rustix::pipe::fcntl_setpipe_size(&output, 1 << 18);
        let mut buffer = vec![0; CHUNK];
        let begun = Instant::now();
        let mut heard = begun;
        let seconds = |time: Duration| format!("{} seconds", time.as_secs());
        loop {
            // Segments come at once, and then none for a while.
            let stall =
                known.fetching.map_or(timing.stall, |fetching| fetching.patience(timing.stall, is_only));
            let patience = if self.entered {
                stall.saturating_sub(heard.elapsed())
            } else {
                timing.start.saturating_sub(begun.elapsed())
            };
            match timeout(patience.min(LOOK), output.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => {
                    self.push();
                    return Stopped::Ended;
                }
                Ok(Ok(length)) => {
                    let now = Instant::now();
                    let silence = now.duration_since(heard);
                    if silence > timing.stall {
                        self.entries.go_on_after(silence);
                    }
                    heard = now;
                    self.take(&buffer[..length]);
                    if self.scanner.skipped() > RUBBISH {
                        return Stopped::Given(
                            "the source sends something that is not a transport stream".into(),
                        );
                    }
                    let strange = self.scanner.strange().filter(|_| !known.is_borne(begun));
                    if let Some(part) = strange {
                        return Stopped::Changed(self.change(part, known));
                    }
                    if self.entered && self.entries.without_picture(Instant::now()) > timing.start {
                        return Stopped::Given(format!("no video has arrived for {}", seconds(timing.start)));
                    }
                    if self.keep_pace(known, pacing).await {
                        heard = Instant::now();
                    } else if length < buffer.len() {
                        sleep(GATHER).await;
                    }
                }
                // It may be given more time meanwhile, or less.
                Err(_) if patience > LOOK => {
                    if let Some(why) =
                        known.fetching.and_then(super::fetch::Fetching::refusal).filter(|_| !self.entered)
                    {
                        return Stopped::Given(why);
                    }
                }
                Err(_) if self.entered => {
                    return Stopped::Given(format!("the source sent nothing for {}", seconds(stall)));
                }
                Err(_) => {
                    let within = seconds(timing.start);
                    return Stopped::Given(format!("the source sent nothing playable within {within}"));
                }
            }
        }
    }

    /// What is said of a part that is not what the tables promise.
    fn change(&self, part: &Elementary, known: Known<'_>) -> Change {
        let what = if part.is_video { "picture" } else { "sound" };
        if part.is_true {
            return Change { why: format!("its {what} is no longer {}", part.codec), without: None };
        }
        let has_picture = self.scanner.elementary().iter().any(|part| part.is_video);
        let is_spare = has_picture && !part.is_video;
        Change {
            why: format!("its {what} is not {}, as it says", part.codec),
            without: known.number_of(part.pid).filter(|_| is_spare),
        }
    }

    /// Waits until more may be sent on; whether it had to.
    async fn keep_pace(&mut self, known: Known<'_>, pacing: &mut Pacing) -> bool {
        let begun = Instant::now();
        let mut played = self.length().saturating_sub(self.paced);
        self.paced = self.length();
        loop {
            let wait = pacing.wait(played, known.pace.get(), Instant::now());
            played = Duration::ZERO;
            if wait.is_zero() {
                break;
            }
            sleep(wait.min(CHUNK_TIME)).await;
        }
        let waited = begun.elapsed();
        let has_waited = waited >= GATHER;
        if has_waited {
            self.entries.go_on_after(waited);
            self.held += waited;
        }
        has_waited
    }

    /// How long what was read plays, leaps of its clock left out.
    pub fn length(&self) -> Duration {
        Duration::from_millis((self.gone_on + self.step) / 90)
    }

    fn take(&mut self, bytes: &[u8]) {
        let now = Instant::now();
        let mut scanner = std::mem::take(&mut self.scanner);
        scanner.feed(bytes, |scanner, packet| {
            if let Some(parameters) = packet.parameters.filter(|_| packet.begins) {
                self.compare(parameters);
            }
            let leaps = self.goes_over_gap(packet);
            let has_video = scanner.elementary().iter().any(|part| part.is_video);
            if self.entries.admit(packet, has_video, now) {
                self.enter(scanner, packet, now);
            }
            if leaps {
                self.announce(scanner, packet);
            }
            if self.entered && !self.late.keeps(packet, self.latest) {
                self.chunk.extend_from_slice(&self.late.before(packet));
                self.repetition.push(&mut self.chunk, packet, || scanner.tables());
                self.chunk.extend_from_slice(&self.late.behind(packet));
                if let (Some(before), Some(clock)) = (self.latest, packet.clock) {
                    self.step =
                        Some(ts::elapsed(before, clock)).filter(|step| *step < LEAP).unwrap_or(self.step);
                }
                self.latest = scanner.clock();
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

    /// Whether the clock leaps with a packet: too far to be filled in.
    fn goes_over_gap(&mut self, packet: &Packet<'_>) -> bool {
        let (Some(latest), Some(clock)) = (self.latest, packet.clock) else { return false };
        self.late.go_on(latest, clock);
        ts::elapsed(latest, clock) > repetition::GAP
    }

    /// Says before a packet that its clock is a new one; a chunk begins with that.
    fn announce(&mut self, scanner: &Scanner, packet: &Packet<'_>) {
        if self.entry.is_none() {
            self.push();
        }
        let Some(tables) = scanner.tables() else { return };
        let clock = packet.clock.map(|clock| (packet.pid, clock));
        self.chunk.extend_from_slice(&self.continuity.borrow().join(&tables, clock));
    }

    /// Notes when the picture is not coded as it was: players go on, but what is shown of it is old.
    fn compare(&mut self, parameters: &[u8]) {
        if self.parameters != parameters {
            self.has_changed = !self.parameters.is_empty();
            self.parameters = parameters.to_vec();
        }
    }

    /// A chunk begins anew with a key frame.
    fn enter(&mut self, scanner: &mut Scanner, packet: &Packet<'_>, now: Instant) {
        self.push();
        let Some(tables) = scanner.tables() else { return };
        let before = self.entries.before(packet);
        let mut entry = [tables.as_slice(), before.as_slice().as_flattened()].concat();
        let mut continuity = self.continuity.borrow_mut();
        continuity.go_before(&mut entry);
        if !self.entered || self.has_changed {
            let clock = scanner.clock_pid().zip(scanner.clock()).filter(|_| !self.entered);
            self.chunk.extend_from_slice(&continuity.join(&tables, clock));
        }
        drop(continuity);
        if self.has_changed {
            self.runs.fetch_add(1, Relaxed);
        }
        let since = now.duration_since(self.last_listen);
        let named = scanner.elementary().iter().map(|part| part.codec);
        if !self.entered || since >= LISTEN || !named.clone().eq(self.named.iter().copied()) {
            self.named = named.collect();
            self.tell_codecs(scanner, self.entered && since >= LISTEN);
            scanner.listen();
            self.last_listen = now;
        }
        if !self.entered {
            self.channel.state().note(Event::Played, now);
        }
        self.entry = Some(entry.into());
        self.clock = scanner.clock();
        if !self.entered {
            self.sent = self.clock;
        }
        self.entered = true;
    }

    /// At first what the tables promise, later what has come.
    fn tell_codecs(&self, scanner: &Scanner, heard: bool) {
        let codec = |video| {
            let mut parts = scanner.elementary().iter();
            parts
                .find(|part| part.is_video == video && (part.heard || !heard))
                .map(|part| part.codec.to_owned())
        };
        let mut status = self.channel.state();
        (status.video_codec, status.audio_codec) = (codec(true), codec(false));
    }

    fn push(&mut self) {
        if self.chunk.is_empty() {
            return;
        }
        let now = Instant::now();
        // Only what is sent counts: a run may be ended at any moment.
        self.continuity.borrow_mut().go_on(&mut self.chunk);
        let bytes = Bytes::copy_from_slice(&self.chunk);
        self.chunk.clear();
        if let (Some(latest), Some(sent)) = (self.latest, self.sent) {
            let step = latest.wrapping_sub(sent) % ts::CLOCK;
            self.gone_on += if step < LEAP { step } else { 0 };
        }
        self.sent = self.latest;
        let clock = Clock { begins: self.entry.as_ref().and(self.clock), ends: self.latest };
        let entry = self.entry.take();
        if let Some(tables) = entry.as_ref().filter(|_| std::mem::take(&mut self.has_changed)) {
            // It is read as long as this run lasts.
            let _ = self.beginnings.send([tables.clone(), bytes.clone()].concat().into());
        }
        self.channel.push(Chunk::new(bytes, entry, self.runs.load(Relaxed), now), clock);
        self.last_push = now;
    }
}
