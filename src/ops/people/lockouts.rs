//! Who has guessed too often: wrong API keys, wrong credentials of players, wrong passwords in the panel.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use serde_json::{Map, Value, json};

use crate::{
    domain::{
        Error, Resource, Result,
        fields::number::{Failures, Seconds},
        people::{
            known::Lately,
            lockout::{Attempt, Limits, Lockout, Mark, Offender, Tally},
        },
    },
    ops::{Act, Effect, events::told::Event},
    store::Store,
};

/// Where somebody guessed. Each face counts for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Face {
    /// Wrong API keys.
    Api,
    /// Wrong passwords of the classic API.
    Classic,
    /// Wrong credentials of players and on stream URLs.
    Player,
    /// What may be no guess at all: requests without credentials, and addresses of three parts. The names in them are counted
    /// with those of [`Face::Player`].
    Stray,
    /// Wrong passwords of administrators.
    Panel,
    /// MACs of boxes that are not let in, and their wrong passwords.
    Portal,
}

impl Face {
    /// Every face.
    pub const ALL: [Self; 6] =
        [Self::Api, Self::Classic, Self::Player, Self::Stray, Self::Portal, Self::Panel];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Classic => "classic_api",
            Self::Player => "player",
            Self::Stray => "stray",
            Self::Panel => "panel",
            Self::Portal => "portal",
        }
    }

    /// Where the names that are guessed at this face are counted.
    fn of_names(self) -> Self {
        if self == Self::Stray { Self::Player } else { self }
    }
}

/// An address that was blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// Where it guessed.
    pub face: Face,
    /// The address.
    pub offender: Offender,
    /// For how long.
    pub seconds: u64,
}

/// Who is blocked, and who was let in lately: for every face, and shared with what serves viewers.
#[derive(Clone)]
pub struct Lockouts(pub(super) Arc<Counts>);

pub(super) struct Counts {
    /// Settings, the whitelist and who was let in.
    pub(super) store: Store,
    /// Who was blocked lately, and nobody was told.
    blocked: Mutex<Vec<Blocked>>,
    /// What each face has counted.
    failures: Mutex<HashMap<Face, Lockout>>,
    pub(super) lately: Mutex<Lately>,
}

/// How long the name of an administrator has to wait at first, and at most: strangers who guess at it do not lock it.
const WAITING: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(1));

impl Lockouts {
    /// Nobody yet, by the settings of that store.
    pub fn by(store: Store) -> Self {
        let (blocked, failures, lately) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self(Arc::new(Counts { store, blocked, failures, lately }))
    }

    /// How long whoever asks from that address for that name has to wait, be he right or wrong, unless he was let in with it from
    /// there lately.
    pub(crate) fn blocked(&self, face: Face, address: IpAddr, name: Option<&str>) -> Option<Duration> {
        let at = self.address_blocked(face, address);
        name.map_or(at, |name| at.max(self.name_blocked(face, address, name)))
    }

    /// How long an address has to wait, if it is blocked.
    pub fn address_blocked(&self, face: Face, address: IpAddr) -> Option<Duration> {
        let wait = self.counted().get(&face)?.wait_at(address, Instant::now())?;
        (!self.is_exempt(face, address)).then_some(wait)
    }

    /// How long whoever asks for that name has to wait, if the name is blocked. Strangers who guess at a name do not
    /// keep the operator out who asks from an address of the API whitelist.
    pub(crate) fn name_blocked(&self, face: Face, address: IpAddr, name: &str) -> Option<Duration> {
        let wait = self.counted().get(&face.of_names())?.wait_for(name, Instant::now())?;
        (!self.0.store.snapshot().lists(address)).then_some(wait)
    }

    /// How long somebody has to wait who was let in before: failures as that one alone count.
    pub(crate) fn blocked_as(&self, face: Face, name: &str, mark: Mark) -> Option<Duration> {
        self.counted().get(&face.of_names())?.wait_as(name, mark, Instant::now())
    }

    /// Whoever is on the API whitelist is the operator's own, and never blocked from watching.
    fn is_exempt(&self, face: Face, address: IpAddr) -> bool {
        matches!(face, Face::Player | Face::Stray | Face::Portal) && self.0.store.snapshot().lists(address)
    }

    /// Counts a wrong attempt.
    pub fn failed(&self, face: Face, attempt: Attempt<'_>) {
        let (limits, names, now) = (self.limits(face), self.name_limits(face), Instant::now());
        let mut counted = self.counted();
        let was_open =
            counted.get(&face).is_none_or(|lockout| lockout.wait_at(attempt.address, now).is_none());
        if face == face.of_names() {
            counted.entry(face).or_default().failed(attempt, limits, names, now);
        } else {
            let here = Attempt { name: None, ..attempt };
            if counted.entry(face).or_default().failed(here, limits, names, now) && attempt.name.is_some() {
                counted.entry(face.of_names()).or_default().failed_for(attempt, limits, names, now);
            }
        }
        let wait = counted.get(&face).and_then(|lockout| lockout.wait_at(attempt.address, now));
        drop(counted);
        if let Some(wait) = wait.filter(|_| was_open && !self.is_exempt(face, attempt.address)) {
            self.tell_again(vec![Blocked {
                face,
                offender: attempt.address.into(),
                seconds: wait.as_secs(),
            }]);
        }
    }

    /// The addresses that were blocked since this was last asked.
    pub(crate) fn newly_blocked(&self) -> Vec<Blocked> {
        std::mem::take(&mut *self.0.blocked.lock())
    }

    /// Has them told the next time; beyond a bound the latest are told of alone.
    pub(crate) fn tell_again(&self, blocked: Vec<Blocked>) {
        const MOST: usize = 1_000;
        let mut waiting = self.0.blocked.lock();
        waiting.extend(blocked);
        let beyond = waiting.len().saturating_sub(MOST);
        waiting.drain(..beyond);
    }

    /// Counts a wrong attempt of somebody who may go on where others may not.
    pub(crate) fn failed_as(&self, face: Face, attempt: Attempt<'_>) {
        let limits = self.limits(face);
        self.counted().entry(face.of_names()).or_default().failed_as(attempt, limits, Instant::now());
    }

    /// How much guessing a face lets pass from one address.
    pub fn limits(&self, face: Face) -> Limits {
        let minute = Duration::from_mins(1);
        match face {
            Face::Api | Face::Classic => Limits::steady(10, minute, minute),
            Face::Player | Face::Stray | Face::Portal | Face::Panel => {
                let settings = &self.0.store.snapshot().settings;
                Limits::steady(
                    count(settings.failure_limit),
                    duration(settings.failure_window),
                    duration(settings.block_seconds),
                )
            }
        }
    }

    /// How much guessing a face lets pass at one name.
    fn name_limits(&self, face: Face) -> Limits {
        let limits = self.limits(face);
        match face {
            Face::Panel => {
                let (first, most) = WAITING;
                Limits { first: first.min(limits.block), block: most.min(limits.block), ..limits }
            }
            _ => limits,
        }
    }

    /// What is known of every address and name that failed lately.
    pub fn tallies(&self, face: Face) -> Vec<Tally> {
        let tallies = self.counted().get(&face).map(|lockout| lockout.tallies(Instant::now()));
        let mut tallies = tallies.unwrap_or_default();
        for tally in &mut tallies {
            if matches!(tally.offender, Offender::Address(address) if self.is_exempt(face, address)) {
                tally.blocked = None;
            }
        }
        tallies
    }

    /// Lets an address or a name in again, everywhere, once that is committed.
    ///
    /// # Errors
    /// [`Error::NoSuch`] if nothing is known of it.
    pub fn unblock(&self, act: &Act<'_>, offender: &Offender) -> Result<()> {
        let failures = self.failures_of(offender);
        if failures.is_empty() {
            return Err(Error::no_such(Resource::Security));
        }
        act.audit(None, &offender.to_string(), &Value::Object(failures), &json!({}))?;
        act.after(Effect::Unblock(offender.clone()));
        act.tell_event(&Event {
            kind: "security.unblocked",
            resource: Resource::Security,
            id: None,
            key: &offender.to_string(),
            before: json!({}),
            after: json!({}),
        })
    }

    pub(crate) fn lift(&self, offender: &Offender) {
        self.counted().values_mut().for_each(|lockout| lockout.unblock(offender));
    }

    /// How often somebody failed lately, by the names of faces.
    fn failures_of(&self, offender: &Offender) -> Map<String, Value> {
        let (counted, now) = (self.counted(), Instant::now());
        let tallies =
            counted.iter().filter_map(|(face, lockout)| Some((face, lockout.tally(offender, now)?)));
        tallies.map(|(face, tally)| (face.name().to_owned(), tally.failures.into())).collect()
    }

    fn counted(&self) -> MutexGuard<'_, HashMap<Face, Lockout>> {
        self.0.failures.lock()
    }
}

fn count(failures: Failures) -> u32 {
    u32::try_from(failures.get()).unwrap_or(u32::MAX)
}

fn duration(seconds: Seconds) -> Duration {
    Duration::from_secs(seconds.get().unsigned_abs())
}
