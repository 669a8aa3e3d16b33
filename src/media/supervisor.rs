//! The supervisor of one stream: plays its sources in turn, each with ffmpeg, and begins anew when one ends, stalls or
//! sends nothing that can be played.

mod feeding;
mod first;
mod source;

use std::{
    cell::RefCell,
    convert::Infallible,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use feeding::is_read_once;
use source::Ended;
use tokio::{sync::mpsc::UnboundedReceiver, time::sleep};

use super::{
    Timing, Wanted, channel::Channel, continuity::Continuity, fetch::Fetch, ffmpeg::Ffmpeg,
    multiplex::Multiplexes, pace::Pacing, probe::Look,
};
use crate::domain::{
    channels::{run::Event, stream::SourceUrl},
    ids::StreamId,
};

/// What the supervisor is told.
pub enum Order {
    /// Other sources, or another mode. A channel has room for dozens of orders from the start: they are small.
    Set(Box<Wanted>),
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
            Some(Some(Order::Set(new))) => wanted = *new,
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
            // In a place of its own, which is given back while the next attempt is waited for.
            let ended = Box::pin(self.play(place, &sources[place], look, &mut pacing)).await;
            let (lasted, was_given_up, why) = match ended {
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

    fn note(&self, event: Event) {
        self.channel.state().note(event, Instant::now());
    }
}

/// That time, give or take a quarter: a thousand streams of one provider are not asked for in the same moment.
fn jittered(time: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish();
    time * u32::try_from(75 + random % 51).unwrap_or(100) / 100
}
