//! Whether the clock can be believed. As long as it cannot, nothing is deleted for its age.

use std::time::Instant;

use parking_lot::{Mutex, MutexGuard};
use serde_json::json;

use crate::{
    domain::{
        Resource, Result,
        fields::time::UnixTime,
        machine::leap::{Even, Leap},
        people::actor::Actor,
    },
    ops::{Act, Action, Ops, clock},
    store,
};

const CONFIRM: Action = Action { resource: Resource::Settings, name: "confirm_clock" };

/// What a server knows of the time; `None` on the command line, which deletes nothing.
pub type Known = Mutex<Option<Time>>;

/// What is known of the time, beside a clock that only counts.
#[derive(Clone, Copy)]
pub struct Time {
    /// The last time that was believed, and when that was.
    believed: (UnixTime, Instant),
    /// When the server was started, and since when its clock runs evenly.
    start: Instant,
    even: Even,
    /// Whether the leap was there at the start already, and whether the log has it.
    from_start: bool,
    is_told: bool,
    /// Whether what the logs take in is noted as doubtful; `None` as long as this server has not looked.
    rows_doubted: Option<bool>,
}

impl Time {
    fn leap(&self, now: UnixTime) -> Option<Leap> {
        let (at, since) = self.believed;
        let passed = i64::try_from(since.elapsed().as_secs()).unwrap_or(i64::MAX);
        Leap::between(UnixTime::clamped(at.seconds().saturating_add(passed)), now)
    }

    /// Seconds since the start.
    fn counted(&self) -> i64 {
        i64::try_from(self.start.elapsed().as_secs()).unwrap_or(i64::MAX)
    }

    /// Whether the server was only off, as far as anybody can tell by now.
    fn was_off(&self, leap: Leap, now: UnixTime) -> bool {
        self.from_start && leap.is_absence(&self.even, self.counted(), now)
    }
}

/// What the log says of a clock that has leapt.
const TOLD: &str = "Nothing is deleted because of its age until the clock is right again, or somebody confirms it on the dashboard or \
                    with linecard confirm-clock; after being switched off for at most 60 days, a server trusts its clock again after \
                    an hour";

impl Ops {
    /// At the start of a server, before anything is deleted for its age: what the database knows of the time.
    pub fn learn_time(&self) -> Result<()> {
        let now = clock::now();
        let origin = store::housekeeping(now, "clock");
        let known = self.store.read(&origin, |read| read.known_time())?.unwrap_or(now);
        let start = Instant::now();
        let mut time = Time {
            believed: (known, start),
            start,
            even: Even::from(now, 0),
            from_start: false,
            is_told: false,
            rows_doubted: None,
        };
        time.from_start = time.leap(now).is_some();
        *self.time() = Some(time);
        self.tell_leap(now);
        Ok(())
    }

    /// Each second: what the clock says of the age of kept answers is doubted if it was set meanwhile, before it is taken
    /// for even again.
    ///
    /// # Errors
    /// A database error; then it is done the next time.
    pub async fn watch_clock(&self) -> Result<()> {
        let now = clock::now();
        let was_set = self.time().as_ref().is_some_and(|time| !time.even.is_even(now, time.counted()));
        if was_set {
            let origin = store::housekeeping(now, "clock");
            self.store.write(origin, |tx| tx.doubt_answers()).wait().await?;
        }
        self.tell_leap(now);
        self.note_doubt(now).await
    }

    /// Rows of the logs whose times cannot be believed are noted, so that they are not taken for old ones once the clock is right.
    async fn note_doubt(&self, now: UnixTime) -> Result<()> {
        let (is_doubted, noted) = match self.time().as_ref() {
            Some(time) => (time.leap(now).is_some(), time.rows_doubted),
            None => return Ok(()),
        };
        if noted == Some(is_doubted) {
            return Ok(());
        }
        let note = move |tx: &store::Write<'_>| if is_doubted { tx.doubt_rows() } else { tx.trust_rows(now) };
        self.store.write(store::housekeeping(now, "clock"), note).wait().await?;
        if let Some(time) = self.time().as_mut() {
            time.rows_doubted = Some(is_doubted);
        }
        Ok(())
    }

    /// A leap is told once in the log, and so is its end.
    fn tell_leap(&self, now: UnixTime) {
        let mut known = self.time();
        let Some(time) = known.as_mut() else { return };
        time.even = time.even.after(now, time.counted());
        match time.leap(now) {
            Some(leap) if !time.is_told => log::warn!("{}. {TOLD}", leap.words()),
            None if time.is_told => log::warn!("The clock of this machine is trusted again"),
            _ => {}
        }
        time.is_told = time.leap(now).is_some();
        time.from_start &= time.is_told;
    }

    /// Whether the clock has leapt since the last time that was believed.
    pub fn leap(&self) -> Option<Leap> {
        self.time().as_ref().and_then(|time| time.leap(clock::now()))
    }

    /// The time, if it can be believed.
    pub fn believed_now(&self) -> Option<UnixTime> {
        self.leap().is_none().then(clock::now)
    }

    /// From when on rows are young enough to be kept that are kept for `seconds`; all of them while the clock cannot be
    /// believed.
    pub(crate) fn kept_since(&self, seconds: i64) -> UnixTime {
        let now = clock::now();
        UnixTime::clamped(if self.leap().is_some() { 0 } else { now.seconds() - seconds })
    }

    /// The same of kept answers; a clock that was set a moment ago does not make them older.
    pub(crate) fn answers_since(&self, seconds: i64) -> UnixTime {
        let since = self.kept_since(seconds);
        let steady = self.time().as_ref().map(|time| time.even.steady(time.counted()).seconds() - seconds);
        steady.map_or(since, |steady| since.min(UnixTime::clamped(steady)))
    }

    /// Once a minute: a time that can be believed is written down, and one that somebody confirmed is taken over. So is that
    /// of a server that was only off.
    pub async fn note_time(&self) -> Result<()> {
        let now = clock::now();
        let origin = store::housekeeping(now, "clock");
        let time = *self.time();
        let doubted = time.and_then(|time| time.leap(now).filter(|leap| !time.was_off(*leap, now)));
        if doubted.is_some() {
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

    fn believe(&self, now: UnixTime) {
        if let Some(time) = self.time().as_mut() {
            time.believed = (now, Instant::now());
        }
    }

    fn time(&self) -> MutexGuard<'_, Option<Time>> {
        self.known.lock()
    }
}

fn confirm(act: &Act<'_>) -> Result<()> {
    let known = act.tx.known_time()?;
    if known.and_then(|known| Leap::between(known, act.now)).is_some_and(Leap::is_no_absence) {
        // A clock that was wrong until now has said when they were kept.
        act.tx.doubt_answers()?;
        act.tx.renew_rows(act.now)?;
    }
    act.tx.age_answers(act.now)?;
    act.tx.know_time(act.now)?;
    let before = known.map(UnixTime::seconds);
    act.audit(None, "clock", &json!({ "known": before }), &json!({ "known": act.now.seconds() }))
}
