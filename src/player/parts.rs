//! The programmes of each channel as a part of every guide that holds it: written and packed when they are first asked for,
//! and kept until the guide is another one, or nobody has asked for a while.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use actix_web::{rt::task::spawn_blocking, web::Data};
use parking_lot::Mutex;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};

use super::{guide::GuideChannel, packed::Part};
use crate::{
    domain::{Error, Result, fields::time::UnixTime, guide::xmltv, ids::StreamId},
    ops::{Ops, clock},
};

const DAY: i64 = 86_400;
/// Programmes of one channel that a guide holds: two weeks of five minutes each.
const MOST_PROGRAMMES: usize = 4_032;
/// The bytes of all parts that are kept; what is over it is made anew each time.
const MOST_BYTES: usize = 96 << 20;
/// Parts that nobody has asked for in so long are not kept.
const UNASKED: Duration = Duration::from_mins(5);
/// Channels whose parts are made in one go.
const AT_ONCE: usize = 16;

/// What the parts of a moment have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    generation: u64,
    /// Whole days, so that one part serves a day.
    from: UnixTime,
    to: UnixTime,
    zone: String,
}

impl Edition {
    /// The one of this moment.
    pub fn now(ops: &Ops) -> Self {
        let generation = ops.guide.generation();
        let settings = &ops.snapshot().settings;
        let now = clock::now().seconds();
        let (past, future) = (settings.guide_past_days.get(), settings.guide_future_days.get());
        let begun = now - now % DAY;
        Self {
            generation,
            from: UnixTime::clamped(begun - past * DAY),
            to: UnixTime::clamped(begun + (future + 1) * DAY),
            zone: settings.time_zone.as_str().to_owned(),
        }
    }
}

/// What tells it apart from every other one.
impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.generation, self.from.seconds(), self.to.seconds(), self.zone)
    }
}

/// The parts of the latest edition that was asked for.
pub struct Parts {
    kept: Arc<Mutex<Cached>>,
    /// Parts are made one after the other: they cost a processor, and viewers come first.
    making: Semaphore,
}

#[derive(Default)]
struct Cached {
    edition: Option<Edition>,
    parts: HashMap<StreamId, (Box<str>, Part)>,
    bytes: usize,
    /// When one was last asked for; `None` while there is none that would have to be forgotten.
    asked: Option<Instant>,
}

impl Default for Parts {
    fn default() -> Self {
        Self { kept: Arc::default(), making: Semaphore::new(1) }
    }
}

impl Parts {
    /// The part of that stream under that guide id, if it is there.
    pub fn get(&self, ops: &Ops, stream: StreamId, guide_id: &str) -> Option<Part> {
        let edition = Edition::now(ops);
        let mut kept = self.kept.lock();
        let part = kept.get(&edition, stream, guide_id);
        if part.is_some() {
            kept.asked = Some(Instant::now());
        }
        part
    }

    /// The part of that stream, and those of the first streams of the channels that come next.
    pub async fn make(
        &self,
        ops: &Data<Ops>,
        stream: StreamId,
        channels: &[GuideChannel],
    ) -> Result<HashMap<StreamId, Part>> {
        let _turn = self.making.acquire().await.map_err(|_| Error::Busy)?;
        let edition = Edition::now(ops);
        let mut wanted = Vec::new();
        let mut made = HashMap::new();
        {
            let kept = self.kept.lock();
            let first = channels.first().map(|channel| (stream, channel.guide_id.clone()));
            let rest = channels.iter().skip(1).take(AT_ONCE - 1);
            let rest = rest.filter_map(|channel| Some((*channel.streams.first()?, channel.guide_id.clone())));
            for (stream, guide_id) in first.into_iter().chain(rest) {
                // Somebody else may have made it while this one waited.
                match kept.get(&edition, stream, &guide_id) {
                    Some(part) => drop(made.insert(stream, part)),
                    None => wanted.push((stream, guide_id)),
                }
            }
        }
        let (ops, of) = (ops.clone(), edition.clone());
        let new = spawn_blocking(move || {
            let zone = ops.snapshot().settings.time_zone.zone();
            let part = |(stream, guide_id): (StreamId, std::sync::Arc<str>)| {
                // Apps show what can be watched again by what the guide says of it.
                let oldest =
                    ops.viewing.archive().oldest(stream).and_then(|ms| i64::try_from(ms / 1000).ok());
                let from = oldest.map_or(of.from, |oldest| of.from.min(UnixTime::clamped(oldest)));
                let programmes = ops.guide.programmes(stream, from, of.to, MOST_PROGRAMMES)?;
                let part = Part::of(&xmltv::programmes(&guide_id, &programmes, &zone));
                Ok((stream, Box::from(&*guide_id), part))
            };
            wanted.into_iter().map(part).collect::<Result<Vec<_>>>()
        });
        let new = new.await.unwrap_or(Err(Error::Busy))?;
        let mut kept = self.kept.lock();
        kept.turn_to(edition);
        for (stream, guide_id, part) in new {
            kept.keep(stream, guide_id, &part);
            made.insert(stream, part);
        }
        if kept.asked.replace(Instant::now()).is_none() {
            actix_web::rt::spawn(forget(self.kept.clone(), UNASKED));
        }
        Ok(made)
    }
}

/// Waits until nobody has asked for that time, and gives the memory back.
async fn forget(kept: Arc<Mutex<Cached>>, unasked: Duration) {
    loop {
        let until = {
            let mut kept = kept.lock();
            let until = kept.asked.map(|asked| asked + unasked);
            let Some(until) = until.filter(|until| *until > Instant::now()) else {
                *kept = Cached::default();
                return;
            };
            until
        };
        sleep_until(until).await;
    }
}

impl Cached {
    fn get(&self, edition: &Edition, stream: StreamId, guide_id: &str) -> Option<Part> {
        let (of, part) = self.parts.get(&stream).filter(|_| self.edition.as_ref() == Some(edition))?;
        (**of == *guide_id).then(|| part.clone())
    }

    /// Forgets what is of another edition.
    fn turn_to(&mut self, edition: Edition) {
        if self.edition.as_ref() != Some(&edition) {
            *self = Self { edition: Some(edition), asked: self.asked, ..Self::default() };
        }
    }

    fn keep(&mut self, stream: StreamId, guide_id: Box<str>, part: &Part) {
        let bytes = |(of, part): &(Box<str>, Part)| part.bytes.len() + of.len() + 128;
        let entry = (guide_id, part.clone());
        let weight = bytes(&entry);
        let before = self.parts.get(&stream).map_or(0, bytes);
        if self.bytes - before + weight <= MOST_BYTES {
            self.bytes = self.bytes - before + weight;
            self.parts.insert(stream, entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_are_kept_as_long_as_somebody_asks_and_not_much_longer() {
        const UNASKED: Duration = Duration::from_millis(500);
        let kept = Arc::new(Mutex::new(Cached { asked: Some(Instant::now()), ..Cached::default() }));
        kept.lock().keep(StreamId(1), "one".into(), &Part::of("<programme/>"));
        let forgetting = tokio::spawn(forget(kept.clone(), UNASKED));
        for _ in 0..8 {
            tokio::time::sleep(UNASKED / 4).await;
            kept.lock().asked = Some(Instant::now());
        }
        assert!(kept.lock().parts.len() == 1 && !forgetting.is_finished());
        forgetting.await.unwrap();
        let kept = kept.lock();
        assert!(kept.parts.is_empty() && kept.bytes == 0 && kept.asked.is_none());
    }
}
