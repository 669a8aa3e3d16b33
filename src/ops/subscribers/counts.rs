//! What the dashboard shows: subscribers by state, credits sold, and how busy it was; and how many use what.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

pub use crate::store::{
    people::resellers::Booking,
    subscribers::counts::{Ending, Sample},
};
use crate::{
    domain::{
        Record, Resource, Result,
        channels::{
            bouquet::{Bouquet, Category},
            run::State,
        },
        fields::time::UnixTime,
        ids::ResellerId,
        people::{actor::Actor, rights::Access},
        subscribers::{
            counts::{Sold, States},
            plan::Plan,
        },
    },
    ops::{
        Action, Ops, clock,
        managed::{Managed, User, Users},
    },
    store::{self, Read, subscribers::counts::ByReseller},
};

const COUNT: Action = Action { resource: Resource::Line, name: "figures" };
const STATEMENT: Action = Action { resource: Resource::Resellers, name: "statement" };
/// Samples are kept for this many seconds: 31 days.
const KEPT: i64 = 31 * 86_400;
/// A count is used for this many times the time that it took: counting takes at most a twentieth of a processor.
const SHARE: u32 = 20;
/// A count that takes longer is kept and made anew in the background, and the one before is shown until that is
/// done. A quicker one is made whenever it is asked for.
const QUICK: Duration = Duration::from_millis(20);

/// What was counted, for everybody at once: a million lines take about half a second.
struct Counted {
    lines: ByReseller<States>,
    mags: ByReseller<States>,
    sold: ByReseller<Sold>,
    users: HashMap<Resource, Vec<(&'static str, Users)>>,
    at: Instant,
    took: Duration,
}

/// The last count, and the turn to make the next.
#[derive(Default)]
pub struct CountsCache {
    last: Mutex<Option<Arc<Counted>>>,
    turn: tokio::sync::Mutex<()>,
    sent: Mutex<Option<(Instant, u64)>>,
}

impl CountsCache {
    fn last(&self) -> Option<Arc<Counted>> {
        self.last.lock().clone()
    }
}

/// Subscribers by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subscribers {
    pub lines: States,
    pub mags: States,
}

/// What uses the rows of a resource.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Each kind of users by its name in the plural, with how many by row.
    pub users: Vec<(&'static str, Users)>,
    /// How long ago they were counted.
    pub age: Duration,
}

impl Ops {
    /// Subscribers by state: all of them, or a reseller's own for its people. With very many lines the
    /// figures may be some seconds old; `None` while the first count after a start is not done.
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`], or a database error.
    pub async fn subscribers_by_state(&self, actor: &Actor) -> Result<Option<Subscribers>> {
        actor.may(COUNT.resource, Access::Read)?;
        let Some(counted) = self.lately_counted().await? else { return Ok(None) };
        let own = actor.reseller();
        let (lines, mags) = (sum(&counted.lines, own, together), sum(&counted.mags, own, together));
        Ok(Some(Subscribers { lines, mags }))
    }

    /// Everybody's, as last counted; the count of each minute does for this. `None` before the first.
    pub(in crate::ops) fn counted_last(&self) -> Option<Subscribers> {
        let counted = self.figures.last()?;
        Some(Subscribers {
            lines: sum(&counted.lines, None, together),
            mags: sum(&counted.mags, None, together),
        })
    }

    /// Credits that were paid for sales and extensions: to the operator, or by a reseller for its people. As old as
    /// [`Ops::subscribers_by_state`].
    ///
    /// # Errors
    /// As [`Ops::subscribers_by_state`].
    pub async fn credits_sold(&self, actor: &Actor) -> Result<Option<Sold>> {
        let own = actor.reseller();
        if own.is_none() {
            actor.may(Resource::Resellers, Access::Read)?;
        }
        let add = |all: Sold, one: &Sold| Sold {
            today: all.today + one.today,
            week: all.week + one.week,
            month: all.month + one.month,
        };
        Ok(self.lately_counted().await?.map(|counted| sum(&counted.sold, own, add)))
    }

    /// What uses the rows of that resource. As old as [`Ops::subscribers_by_state`].
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`], or a database error.
    pub async fn usage_of(&self, actor: &Actor, resource: Resource) -> Result<Option<Usage>> {
        actor.may(resource, Access::Read)?;
        Ok(self.lately_counted().await?.map(|counted| Usage {
            users: counted.users.get(&resource).cloned().unwrap_or_default(),
            age: counted.at.elapsed(),
        }))
    }

    /// The lines that end next, within 7 days, the first one first.
    ///
    /// # Errors
    /// As [`Ops::subscribers_by_state`].
    pub async fn lines_ending(&self, actor: &Actor, most: u32) -> Result<Vec<Ending>> {
        let (own, now) = (actor.reseller(), clock::now());
        self.read(actor, COUNT, move |look| look.read.lines_ending(own, now, most)).await
    }

    /// The balance of a reseller and its latest bookings, newest first.
    ///
    /// # Errors
    /// [`crate::domain::Error::NoSuch`], or a database error.
    pub async fn account_of(&self, reseller: ResellerId, most: u32) -> Result<(i64, Vec<Booking>)> {
        let read = self.read(&Actor::LINECARD, STATEMENT, move |look| {
            Ok((look.read.balance(reseller)?.get(), look.read.last_bookings(reseller, most)?))
        });
        read.await
    }

    /// How busy it was in each minute of the last this many seconds, oldest first. Minutes in which the
    /// server did not run are missing.
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`], or a database error.
    pub async fn usage(&self, actor: &Actor, seconds: i64) -> Result<Vec<Sample>> {
        let action = Action { resource: Resource::Connections, name: "usage" };
        let since = UnixTime::clamped(clock::now().seconds() - seconds);
        self.read(actor, action, move |look| look.read.samples(since)).await
    }

    /// Once a minute: writes down how busy it is, and counts anew, so that a dashboard that is opened after
    /// hours shows no figures of hours ago, and the first one after a start need not wait.
    ///
    /// # Errors
    /// A database error; the minute stays a gap.
    pub async fn note_usage(&self) -> Result<()> {
        self.lately_counted().await?;
        let now = clock::now();
        let states = self.viewing.media.active_states();
        let online = states.iter().filter(|(_, state)| *state == State::Running).count();
        let sample = Sample {
            at: UnixTime::clamped(now.seconds() / 60 * 60),
            viewers: self.viewing.connections.by_stream().values().sum::<usize>() as u64,
            streams_online: online as u64,
            sent_kbps: self.sent_kbps(),
        };
        let oldest = self.kept_since(KEPT);
        let noted =
            self.store.write(store::housekeeping(now, "usage"), move |tx| tx.insert_sample(&sample, oldest));
        noted.wait().await
    }

    /// What was sent a second since this was last asked.
    fn sent_kbps(&self) -> u64 {
        let (now, total) = (Instant::now(), self.viewing.connections.bytes_sent());
        let before = self.figures.sent.lock().replace((now, total));
        let Some((then, before)) = before else { return 0 };
        let bits = u128::from(total.saturating_sub(before)) * 8;
        u64::try_from(bits / now.duration_since(then).as_millis().max(1)).unwrap_or(u64::MAX)
    }

    /// The last count while it is good. A new one at once if that is quick, else in the background: then the one
    /// before, or `None` if there is none yet.
    async fn lately_counted(&self) -> Result<Option<Arc<Counted>>> {
        let last = self.figures.last();
        match &last {
            Some(last) if last.is_good() => {}
            Some(last) if last.took <= QUICK => return self.count_anew().await.map(Some),
            _ => {
                let ops = self.clone();
                let counting = tokio::spawn(async move {
                    let counted = ops.count_anew().await;
                    counted.inspect_err(|error| log::warn!("subscribers are not counted: {error}"))
                });
                if last.is_none() {
                    let soon = tokio::time::timeout(QUICK, counting).await;
                    return Ok(soon.ok().and_then(std::result::Result::ok).and_then(Result::ok));
                }
            }
        }
        Ok(last)
    }

    async fn count_anew(&self) -> Result<Arc<Counted>> {
        let turn = self.figures.turn.lock().await;
        if let Some(last) = self.figures.last().filter(|last| last.is_good()) {
            return Ok(last);
        }
        let now = clock::now();
        let midnight = now.midnight(&self.snapshot().settings.time_zone.zone());
        let counted = self.read(&Actor::LINECARD, COUNT, move |look| {
            let at = Instant::now();
            let (lines, mags) = (look.read.line_states(now)?, look.read.mag_states(now)?);
            let (sold, users) = (look.read.sold(now, midnight)?, every_user(look.read)?);
            Ok(Counted { lines, mags, sold, users, at, took: at.elapsed() })
        });
        let counted = Arc::new(counted.await?);
        *self.figures.last.lock() = Some(counted.clone());
        drop(turn);
        Ok(counted)
    }
}

impl Counted {
    fn is_good(&self) -> bool {
        self.took > QUICK && self.at.elapsed() < self.took * SHARE
    }
}

/// What uses plans, bouquets and categories.
fn every_user(read: &Read<'_>) -> Result<HashMap<Resource, Vec<(&'static str, Users)>>> {
    let count = |users: Vec<User>| {
        users.iter().map(|user| Ok((user.name, read.users(user)?))).collect::<Result<Vec<_>>>()
    };
    Ok(HashMap::from([
        (Plan::RESOURCE, count(Plan::users())?),
        (Bouquet::RESOURCE, count(Bouquet::users())?),
        (Category::RESOURCE, count(Category::users())?),
    ]))
}

fn together(all: States, one: &States) -> States {
    States {
        active: all.active + one.active,
        expired: all.expired + one.expired,
        disabled: all.disabled + one.disabled,
        banned: all.banned + one.banned,
        trial: all.trial + one.trial,
        soon: all.soon + one.soon,
    }
}

fn sum<T: Default>(figures: &ByReseller<T>, own: Option<ResellerId>, add: impl Fn(T, &T) -> T) -> T {
    let matched = figures.iter().filter(|(of, _)| own.is_none() || **of == own);
    matched.fold(T::default(), |all, (_, one)| add(all, one))
}
