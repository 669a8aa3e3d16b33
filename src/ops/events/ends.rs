//! Events that time makes: a line or MAG is about to end, or has ended. A server that was stopped tells them when it is back, and
//! none twice.

use serde_json::json;

use super::told::{Event, tell_of};
use crate::{
    domain::{Resource, Result, fields::time::UnixTime, people::actor::Actor},
    ops::{Ops, clock},
    store::{
        self, Read, Write,
        events::ends::{EndCursor, Watch},
    },
};

/// Told of in one transaction, at most.
const AT_ONCE: usize = 200;
/// This many seconds at most the place is behind while nothing ends.
const BEHIND: i64 = 60;
const DAY: i64 = 86_400;

impl Ops {
    /// Tells of the ends that have come nearer since it was last looked; not while the clock is in doubt.
    ///
    /// # Errors
    /// A database error; then it is told the next time.
    pub async fn tell_ends(&self) -> Result<()> {
        if self.leap().is_some() {
            return Ok(());
        }
        let now = clock::now();
        let days: Vec<i64> =
            self.snapshot().settings.expiring_days.get().iter().copied().chain([0]).collect();
        let watches: Vec<Watch> = [Resource::Line, Resource::Mag]
            .iter()
            .flat_map(|resource| days.iter().map(|days| Watch { resource: *resource, days: *days }))
            .collect();
        let origin = || store::housekeeping(now, "ends");
        let looked = watches.clone();
        let is_due = self.store.point(&origin(), |read| {
            looked.iter().try_fold(false, |due, watch| Ok(due || is_due(read, *watch, now)?))
        })?;
        let mut more = is_due;
        while more {
            let (watches, days) = (watches.clone(), days.clone());
            let job = move |tx: &Write<'_>| {
                tx.keep_ends_told(&days)?;
                watches.iter().try_fold(false, |more, watch| Ok(tell_some(tx, *watch, now)? || more))
            };
            more = self.store.write(origin(), job).wait().await?;
        }
        Ok(())
    }
}

/// Ends up to there are told.
fn target(watch: Watch, now: UnixTime) -> i64 {
    now.seconds() + watch.days * DAY
}

/// A place behind every end up to that one.
fn behind(end: i64) -> EndCursor {
    (end, i64::MAX)
}

fn is_due(read: &Read<'_>, watch: Watch, now: UnixTime) -> Result<bool> {
    let to = target(watch, now);
    let Some(told) = read.ends_told(watch)? else { return Ok(true) };
    Ok(to - told.0 >= BEHIND || (told.0 < to && !read.ending(watch, told, to, 1)?.is_empty()))
}

/// Tells of some; whether more may be left.
fn tell_some(tx: &Write<'_>, watch: Watch, now: UnixTime) -> Result<bool> {
    let to = target(watch, now);
    let Some(told) = tx.ends_told(watch)? else {
        // What came near before anybody watched is no news.
        tx.note_ends_told(watch, behind(to))?;
        return Ok(false);
    };
    // The clock was set back: what was told is told.
    if told.0 >= to {
        return Ok(false);
    }
    let found = tx.ending(watch, told, to, AT_ONCE)?;
    // What has ended is told of as that.
    for ending in found.iter().filter(|ending| watch.days == 0 || ending.end > now.seconds()) {
        let object = watch.resource.singular();
        let (kind, after) = match watch.days {
            0 => (format!("{object}.expired"), json!({ "expire_date": ending.end })),
            days => (format!("{object}.expiring"), json!({ "expire_date": ending.end, "days": days })),
        };
        let event = Event {
            kind: &kind,
            resource: watch.resource,
            id: Some(ending.id),
            key: &ending.name,
            before: json!({}),
            after,
        };
        let reference = Some(ending.reference.as_str()).filter(|reference| !reference.is_empty());
        tell_of(tx, &Actor::LINECARD, now, &event, (reference, ending.reseller))?;
    }
    let more = found.len() == AT_ONCE;
    let place = found.last().filter(|_| more).map_or(behind(to), |last| (last.end, last.id));
    tx.note_ends_told(watch, place)?;
    Ok(more)
}
