//! Following the log of events: what came behind a number, at once or as soon as something does.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep_until, timeout_at},
};

pub use crate::store::events::log::EventSeen;
use crate::{
    domain::{Error, Refused, Resource, Result, events::kinds::Pattern, page::Limit, people::actor::Actor},
    ops::{Action, Look, Ops},
    store::events::log::EventLog,
};

/// This many may wait at once: each holds a connection.
const WAITING: usize = 100;
/// Who waits looks again at most so often, however much happens.
const PACE: Duration = Duration::from_millis(200);

/// Who follows the log.
pub struct Followers {
    places: Semaphore,
    is_closed: AtomicBool,
    closing: watch::Sender<()>,
}

impl Default for Followers {
    fn default() -> Self {
        Self {
            places: Semaphore::new(WAITING),
            is_closed: AtomicBool::new(false),
            closing: watch::Sender::default(),
        }
    }
}

impl Followers {
    /// Nobody waits any longer: the server stops.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        self.closing.send_replace(());
    }
}

/// What somebody wants of the log.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Events behind this number; 0 begins with the oldest.
    pub after: i64,
    /// At most this many.
    pub limit: Limit,
    /// Those that one of the patterns chooses; all if there are none.
    pub types: Vec<Pattern>,
    /// So long at most it is waited for the first one.
    pub wait: Duration,
}

/// A part of the log.
pub struct Part {
    /// The log as a whole.
    pub log: EventLog,
    /// The events, in their order.
    pub events: Vec<EventSeen>,
    /// Up to which number was looked.
    pub last_id: i64,
}

impl Part {
    /// Whether more may be there already.
    pub fn has_more(&self) -> bool {
        self.log.newest.is_some_and(|newest| newest > self.last_id)
    }
}

impl Ops {
    /// Events behind a number; waits for the first one if that is wished. Whoever is confined to a reseller is told of that
    /// one and of its lines and MAGs.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Refused`] for a number of which the log knows nothing any more or not yet,
    /// [`Error::Busy`] while too many wait, or a database error.
    pub async fn follow_events(&self, actor: &Actor, action: Action, wanted: Wanted) -> Result<Part> {
        let end = Instant::now() + wanted.wait;
        let (mut committed, mut closing) =
            (self.store.changes().events(), self.followers.closing.subscribe());
        let mut place = None;
        let mut from = wanted.after;
        loop {
            let (limit, types) = (wanted.limit, wanted.types.clone());
            let begins = from == wanted.after;
            let part = self
                .read(actor, action, move |look| {
                    if begins {
                        check(look, from)?;
                    }
                    part(look, from, limit, &types)
                })
                .await?;
            let is_over = Instant::now() >= end || self.followers.is_closed.load(Ordering::Acquire);
            if !part.events.is_empty() || is_over {
                return Ok(part);
            }
            from = part.last_id;
            if part.has_more() {
                continue;
            }
            if place.is_none() {
                place = Some(self.followers.places.try_acquire().map_err(|_| Error::Busy)?);
            }
            let looked = Instant::now();
            let heard = async {
                tokio::select! {
                    heard = committed.changed() => heard,
                    _ = closing.changed() => Ok(()),
                }
            };
            if matches!(timeout_at(end, heard).await, Ok(Ok(()))) {
                // What comes in one burst is read at once.
                sleep_until((looked + PACE).min(end)).await;
            }
        }
    }
}

/// Refuses a number of which the log knows nothing any more, or not yet.
fn check(look: &Look<'_>, after: i64) -> Result<()> {
    let log = look.read.event_log()?;
    if after > log.last {
        return Err(Refused::EventNotThere(after).into());
    }
    if after > 0 && after < log.forgotten {
        return Err(Refused::EventsGone(log.oldest.unwrap_or(log.forgotten + 1)).into());
    }
    Ok(())
}

/// The newest events, or those before a number, the newest first.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn latest(look: &Look<'_>, before: Option<i64>, most: usize) -> Result<Vec<EventSeen>> {
    look.may(Resource::Events)?;
    look.read.latest_events(before, most)
}

fn part(look: &Look<'_>, after: i64, limit: Limit, types: &[Pattern]) -> Result<Part> {
    look.may(Resource::Events)?;
    let log = look.read.event_log()?;
    let (events, last_id) =
        look.read.events_after(after, limit.rows().into(), types, look.actor.reseller())?;
    Ok(Part { log, events, last_id })
}
