//! Who has guessed too often: wrong API keys, wrong credentials of players, wrong passwords in the panel.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

use super::{Act, Effect, Ops};
use crate::domain::{
    Error, Resource, Result,
    guard::{Culprit, Guard, Limits, Tally},
    number::{Failures, Seconds},
};

/// Where somebody guessed. Each face counts for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Face {
    /// Wrong API keys.
    Api,
    /// Wrong credentials of players and on stream URLs.
    Player,
    /// Wrong passwords of administrators, counted by address and by name.
    Panel,
    /// MACs of boxes that are not let in, each counted once.
    Portal,
}

impl Face {
    /// Every face.
    pub const ALL: [Self; 4] = [Self::Api, Self::Player, Self::Portal, Self::Panel];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Player => "player",
            Self::Panel => "panel",
            Self::Portal => "portal",
        }
    }
}

/// What each face has counted.
pub type Guards = Mutex<HashMap<Face, Guard>>;

impl Ops {
    /// How long an address has to wait, if it is shut out.
    pub fn shut_out(&self, face: Face, address: IpAddr) -> Option<Duration> {
        self.shut_out_as(face, address, address.into())
    }

    /// How long whoever asks for that name has to wait, if the name is shut. Strangers who guess at a name do not
    /// keep the operator out who asks from an address of the API whitelist.
    pub(super) fn name_shut(&self, face: Face, address: IpAddr, name: &str) -> Option<Duration> {
        if self.guards().lists(address) {
            return None;
        }
        self.shut_out_as(face, address, name.into())
    }

    fn shut_out_as(&self, face: Face, address: IpAddr, culprit: Culprit) -> Option<Duration> {
        let wait = self.counted().get(&face)?.wait(&culprit, Instant::now())?;
        (!self.spares(face, address)).then_some(wait)
    }

    /// Whoever is on the API whitelist is the operator's own, and never shut out of watching.
    fn spares(&self, face: Face, address: IpAddr) -> bool {
        matches!(face, Face::Player | Face::Portal) && self.guards().lists(address)
    }

    /// Counts a failure.
    pub fn failed(&self, face: Face, culprit: impl Into<Culprit>) {
        let limits = self.limits(face);
        self.counted().entry(face).or_default().failed(culprit.into(), limits, Instant::now());
    }

    /// Counts a failure, but the same attempt once: a box that is not let in tries again and again.
    pub fn failed_with(&self, face: Face, address: IpAddr, attempt: &str) {
        let limits = self.limits(face);
        self.counted().entry(face).or_default().failed_with(address.into(), attempt, limits, Instant::now());
    }

    /// How much guessing a face lets pass.
    pub fn limits(&self, face: Face) -> Limits {
        let minute = Duration::from_mins(1);
        match face {
            Face::Api => Limits { most: 10, window: minute, block: minute },
            Face::Player | Face::Portal | Face::Panel => {
                let settings = &self.guards().settings;
                Limits {
                    most: count(settings.failure_limit),
                    window: duration(settings.failure_window),
                    block: duration(settings.block_seconds),
                }
            }
        }
    }

    /// What is known of every address and name that failed lately.
    pub fn tallies(&self, face: Face) -> Vec<Tally> {
        let tallies = self.counted().get(&face).map(|guard| guard.tallies(Instant::now()));
        let mut tallies = tallies.unwrap_or_default();
        for tally in &mut tallies {
            if matches!(tally.culprit, Culprit::Address(address) if self.spares(face, address)) {
                tally.blocked = None;
            }
        }
        tallies
    }

    /// Lets an address or a name in again, everywhere, once that is committed.
    ///
    /// # Errors
    /// [`Error::NoSuch`] if nothing is known of it.
    pub fn unblock(&self, act: &Act<'_>, culprit: &Culprit) -> Result<()> {
        let failures = self.failures_of(culprit);
        if failures.is_empty() {
            return Err(Error::no_such(Resource::Security));
        }
        act.audit(None, &culprit.to_string(), &Value::Object(failures), &json!({}))?;
        act.after(Effect::Forgive(culprit.clone()));
        Ok(())
    }

    pub(super) fn forgive(&self, culprit: &Culprit) {
        self.counted().values_mut().for_each(|guard| guard.forgive(culprit));
    }

    /// How often somebody failed lately, by the names of faces.
    fn failures_of(&self, culprit: &Culprit) -> Map<String, Value> {
        let (counted, now) = (self.counted(), Instant::now());
        let tallies = counted.iter().filter_map(|(face, guard)| Some((face, guard.tally(culprit, now)?)));
        tallies.map(|(face, tally)| (face.name().to_owned(), tally.failures.into())).collect()
    }

    fn counted(&self) -> std::sync::MutexGuard<'_, HashMap<Face, Guard>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn count(failures: Failures) -> u32 {
    u32::try_from(failures.get()).unwrap_or(u32::MAX)
}

fn duration(seconds: Seconds) -> Duration {
    Duration::from_secs(seconds.get().unsigned_abs())
}
