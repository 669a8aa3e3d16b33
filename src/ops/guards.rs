//! Who has guessed too often: wrong API keys, wrong credentials of players.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::Ops;
use crate::domain::{
    Error, Resource, Result,
    guard::{Guard, Limits, Tally},
    number::{Failures, Seconds},
};

/// Where somebody guessed. Each face counts for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Face {
    /// Wrong API keys.
    Api,
    /// Wrong credentials of players and on stream URLs.
    Player,
}

impl Face {
    /// Every face.
    pub const ALL: [Self; 2] = [Self::Api, Self::Player];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Player => "player",
        }
    }
}

/// What each face has counted.
pub type Guards = Mutex<HashMap<Face, Guard>>;

impl Ops {
    /// How long an address has to wait, if it is shut out. Whoever is on the API whitelist is the
    /// operator's own, and never shut out of watching.
    pub fn shut_out(&self, face: Face, address: IpAddr) -> Option<Duration> {
        let wait = self.counted().get(&face)?.wait(address, Instant::now())?;
        let spared = face == Face::Player && self.guards().lists(address);
        (!spared).then_some(wait)
    }

    /// Counts a failure.
    pub fn failed(&self, face: Face, address: IpAddr) {
        let limits = self.limits(face);
        self.counted().entry(face).or_default().failed(address, limits, Instant::now());
    }

    /// How much guessing a face lets pass.
    pub fn limits(&self, face: Face) -> Limits {
        let minute = Duration::from_mins(1);
        match face {
            Face::Api => Limits { most: 10, window: minute, block: minute },
            Face::Player => {
                let settings = &self.guards().settings;
                Limits {
                    most: count(settings.failure_limit),
                    window: duration(settings.failure_window),
                    block: duration(settings.block_seconds),
                }
            }
        }
    }

    /// What is known of every address that failed lately.
    pub fn tallies(&self, face: Face) -> Vec<Tally> {
        self.counted().get(&face).map(|guard| guard.tallies(Instant::now())).unwrap_or_default()
    }

    /// Lets an address in again, everywhere.
    ///
    /// # Errors
    /// [`Error::NoSuch`] if nothing is known of it.
    pub fn unblock(&self, address: IpAddr) -> Result<()> {
        let mut counted = self.counted();
        let forgiven = counted.values_mut().filter_map(|guard| guard.forgive(address).then_some(())).count();
        if forgiven == 0 { Err(Error::no_such(Resource::Security)) } else { Ok(()) }
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
