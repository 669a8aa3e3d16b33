//! What the dashboard shows: subscribers by state, credits sold, and how busy it was.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Doing, Ops, clock};
pub use crate::store::{
    figures::{Ending, Sample},
    resellers::Booking,
};
use crate::{
    domain::{
        Resource, Result,
        actor::Actor,
        figures::{Sold, States},
        ids::ResellerId,
        rights::Access,
        run::State,
        time::UnixTime,
    },
    store::{self, figures::ByReseller},
};

const COUNT: Doing = Doing { resource: Resource::Line, action: "figures" };
const STATEMENT: Doing = Doing { resource: Resource::Resellers, action: "statement" };
/// Samples are kept for so many seconds: 31 days.
const KEPT: i64 = 31 * 86_400;
/// A count is used for so many times as long as it took: counting takes at most a twentieth of a processor.
const SHARE: u32 = 20;
/// A count that takes longer is made in the background, and the one before is shown until it is done.
const QUICK: Duration = Duration::from_millis(20);

/// What was counted, for everybody at once: a million lines take about a quarter of a second.
struct Counted {
    lines: ByReseller<States>,
    mags: ByReseller<States>,
    sold: ByReseller<Sold>,
    at: Instant,
    took: Duration,
}

/// The last count, and the turn to make the next.
#[derive(Default)]
pub struct Kept {
    last: Mutex<Option<Arc<Counted>>>,
    turn: tokio::sync::Mutex<()>,
    sent: Mutex<Option<(Instant, u64)>>,
}

impl Kept {
    fn last(&self) -> Option<Arc<Counted>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Subscribers by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subscribers {
    /// The lines.
    pub lines: States,
    /// The MAGs.
    pub mags: States,
}

impl Ops {
    /// Subscribers by state: all of them, or a reseller's own for its people. With very many lines the
    /// figures may be some seconds old.
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`], or a database error.
    pub async fn subscribers_by_state(&self, actor: &Actor) -> Result<Subscribers> {
        actor.may(COUNT.resource, Access::Read)?;
        let (counted, own) = (self.lately_counted().await?, actor.reseller());
        let add = |all: States, one: &States| States {
            active: all.active + one.active,
            expired: all.expired + one.expired,
            disabled: all.disabled + one.disabled,
            banned: all.banned + one.banned,
            trial: all.trial + one.trial,
            soon: all.soon + one.soon,
        };
        Ok(Subscribers { lines: sum(&counted.lines, own, add), mags: sum(&counted.mags, own, add) })
    }

    /// Credits that were paid for sales and extensions: to the operator, or by a reseller for its people.
    ///
    /// # Errors
    /// As [`Ops::subscribers_by_state`].
    pub async fn credits_sold(&self, actor: &Actor) -> Result<Sold> {
        let own = actor.reseller();
        if own.is_none() {
            actor.may(Resource::Resellers, Access::Read)?;
        }
        let counted = self.lately_counted().await?;
        Ok(sum(&counted.sold, own, |all: Sold, one| Sold {
            today: all.today + one.today,
            week: all.week + one.week,
            month: all.month + one.month,
        }))
    }

    /// The lines that end next, within 7 days, the first one first.
    ///
    /// # Errors
    /// As [`Ops::subscribers_by_state`].
    pub async fn lines_ending(&self, actor: &Actor, most: u32) -> Result<Vec<Ending>> {
        let (own, now) = (actor.reseller(), clock::now());
        self.read(actor, COUNT, move |read| read.lines_ending(own, now, most)).await
    }

    /// The balance of a reseller and its latest bookings, newest first.
    ///
    /// # Errors
    /// [`crate::domain::Error::NoSuch`], or a database error.
    pub async fn account_of(&self, reseller: ResellerId, most: u32) -> Result<(i64, Vec<Booking>)> {
        let read = self.read(&Actor::LINECARD, STATEMENT, move |read| {
            Ok((read.balance(reseller)?.get(), read.last_bookings(reseller, most)?))
        });
        read.await
    }

    /// How busy it was in each minute of the last so many seconds, oldest first. Minutes in which the
    /// server did not run are missing.
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`], or a database error.
    pub async fn usage(&self, actor: &Actor, seconds: i64) -> Result<Vec<Sample>> {
        let doing = Doing { resource: Resource::Connections, action: "usage" };
        let since = UnixTime::clamped(clock::now().seconds() - seconds);
        self.read(actor, doing, move |read| read.samples(since)).await
    }

    /// Once a minute: writes down how busy it is, and counts anew, so that a dashboard that is opened after
    /// hours shows no figures of hours ago.
    ///
    /// # Errors
    /// A database error; the minute stays a gap.
    pub async fn note_usage(&self) -> Result<()> {
        self.lately_counted().await?;
        let now = clock::now();
        let statuses = self.media.as_ref().map(|media| media.statuses()).unwrap_or_default();
        let online = statuses.values().filter(|status| status.state == State::Running).count();
        let sample = Sample {
            at: UnixTime::clamped(now.seconds() / 60 * 60),
            viewers: self.connections.by_stream().values().sum::<usize>() as u64,
            streams_online: online as u64,
            sent_kbps: self.sent_kbps(),
        };
        let oldest = UnixTime::clamped(now.seconds() - KEPT);
        let noted =
            self.store.write(store::housekeeping(now, "usage"), move |tx| tx.insert_sample(&sample, oldest));
        noted.wait().await
    }

    /// What was sent a second since this was last asked.
    fn sent_kbps(&self) -> u64 {
        let (now, total) = (Instant::now(), self.connections.bytes_sent());
        let before = self.figures.sent.lock().unwrap_or_else(PoisonError::into_inner).replace((now, total));
        let Some((then, before)) = before else { return 0 };
        let bits = u128::from(total.saturating_sub(before)) * 8;
        u64::try_from(bits / now.duration_since(then).as_millis().max(1)).unwrap_or(u64::MAX)
    }

    /// The last count while it is good; a new one at once if that is quick, else in the background.
    async fn lately_counted(&self) -> Result<Arc<Counted>> {
        match self.figures.last() {
            Some(last) if last.is_good() => Ok(last),
            Some(last) if last.took > QUICK => {
                let ops = self.clone();
                tokio::spawn(async move {
                    if let Err(error) = ops.count_anew().await {
                        log::warn!("lines are not counted: {error}");
                    }
                });
                Ok(last)
            }
            _ => self.count_anew().await,
        }
    }

    async fn count_anew(&self) -> Result<Arc<Counted>> {
        let turn = self.figures.turn.lock().await;
        if let Some(last) = self.figures.last().filter(|last| last.is_good()) {
            return Ok(last);
        }
        let (now, begun) = (clock::now(), Instant::now());
        let midnight = now.midnight(&self.guards().settings.time_zone.zone());
        let counted = self.read(&Actor::LINECARD, COUNT, move |read| {
            Ok(Counted {
                lines: read.line_states(now)?,
                mags: read.mag_states(now)?,
                sold: read.sold(now, midnight)?,
                at: Instant::now(),
                took: begun.elapsed(),
            })
        });
        let counted = Arc::new(counted.await?);
        *self.figures.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(counted.clone());
        drop(turn);
        Ok(counted)
    }
}

impl Counted {
    fn is_good(&self) -> bool {
        self.at.elapsed() < self.took * SHARE
    }
}

fn sum<T: Default>(figures: &ByReseller<T>, own: Option<ResellerId>, add: impl Fn(T, &T) -> T) -> T {
    let meant = figures.iter().filter(|(of, _)| own.is_none() || **of == own);
    meant.fold(T::default(), |all, (_, one)| add(all, one))
}
