//! Whether the clock can be believed. As long as it cannot, nothing is deleted for its age.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use serde_json::json;

use super::{Act, Doing, Ops, clock};
use crate::{
    domain::{Resource, Result, actor::Actor, leap::Leap, time::UnixTime},
    store,
};

const CONFIRM: Doing = Doing { resource: Resource::Settings, action: "confirm_clock" };

/// The last time that was believed, and when that was by the clock that only counts. `None` on the command line, which
/// deletes nothing.
pub type Known = Mutex<Option<(UnixTime, Instant)>>;

impl Ops {
    /// At the start of a server, before anything is deleted for its age: what the database knows of the time.
    ///
    /// # Errors
    /// A database error.
    pub fn learn_time(&self) -> Result<()> {
        let now = clock::now();
        let origin = store::housekeeping(now, "clock");
        let known = self.store.read(&origin, |read| read.known_time())?.unwrap_or(now);
        self.believe(known);
        if let Some(leap) = self.leap() {
            log::warn!(
                "{}. Nothing is deleted for its age until the clock is right again, or somebody confirms it on the \
                 dashboard or with linecard confirm-clock",
                leap.words()
            );
        }
        Ok(())
    }

    /// Whether the clock has leapt since the last time that was believed.
    pub fn leap(&self) -> Option<Leap> {
        let (at, since) = (*self.known.lock().unwrap_or_else(PoisonError::into_inner))?;
        let passed = i64::try_from(since.elapsed().as_secs()).unwrap_or(i64::MAX);
        Leap::between(UnixTime::clamped(at.seconds().saturating_add(passed)), clock::now())
    }

    /// From when on rows are young enough to be kept that are kept for `seconds`; all of them while the clock cannot be
    /// believed.
    pub(super) fn kept_since(&self, seconds: i64) -> UnixTime {
        let now = clock::now();
        UnixTime::clamped(if self.leap().is_some() { 0 } else { now.seconds() - seconds })
    }

    /// Once a minute: a time that can be believed is written down, and one that somebody confirmed is taken over.
    ///
    /// # Errors
    /// A database error.
    pub async fn note_time(&self) -> Result<()> {
        let now = clock::now();
        let origin = store::housekeeping(now, "clock");
        if self.leap().is_some() {
            let known = self.store.point(&origin, |read| read.known_time())?;
            if known.is_none_or(|known| Leap::between(known, now).is_some()) {
                return Ok(());
            }
        }
        self.believe(now);
        self.store.write(origin, move |tx| tx.know_time(now)).wait().await
    }

    /// Somebody says that the clock is right.
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`] without the right to change settings, or a database error.
    pub async fn confirm_clock(&self, actor: Actor) -> Result<()> {
        self.write(actor, CONFIRM, confirm).await?;
        self.believe(clock::now());
        Ok(())
    }

    fn believe(&self, time: UnixTime) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((time, Instant::now()));
    }
}

fn confirm(act: &Act<'_>) -> Result<()> {
    let before = act.tx.known_time()?.map(UnixTime::seconds);
    act.tx.know_time(act.now)?;
    act.audit(None, "clock", &json!({ "known": before }), &json!({ "known": act.now.seconds() }))
}
