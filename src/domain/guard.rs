//! Guards against guessing: after so many failures within a window, an address or a name is shut out for a while.

use std::{
    collections::HashMap,
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    time::{Duration, Instant},
};

/// How much guessing is let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Failures that shut an address out; 0 is no limit.
    pub most: u32,
    /// For how long a failure counts.
    pub window: Duration,
    /// For how long an address is shut out.
    pub block: Duration,
}

/// Whose failures are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Culprit {
    /// Whoever asks from there; of a v6 network, its beginning, because one caller owns its whole /64.
    Address(IpAddr),
    /// Whoever asks for that name, in lower case.
    Name(String),
}

impl From<IpAddr> for Culprit {
    fn from(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

impl From<&str> for Culprit {
    /// Names are remembered by their first 64 characters: no longer one is anybody's.
    fn from(name: &str) -> Self {
        Self::Name(name.chars().take(64).collect::<String>().to_lowercase())
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// What is known of one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Whose failures they are.
    pub culprit: Culprit,
    /// Its failures within the window.
    pub failures: u32,
    /// For how much longer it is shut out, if it is.
    pub blocked: Option<Duration>,
}

#[derive(Clone, Debug)]
struct Failures {
    count: u32,
    since: Instant,
    /// Attempts that were told apart, as hashes.
    attempts: Vec<u64>,
    shut_until: Option<Instant>,
    /// When nothing of this matters any more.
    until: Instant,
}

/// Failures per address and per name.
#[derive(Debug, Default)]
pub struct Guard(HashMap<Culprit, Failures>);

impl Guard {
    /// Culprits remembered at once; beyond it those that no longer matter are forgotten first, and
    /// then all: a flood of them cannot take the memory.
    const MOST: usize = 10_000;
    /// Attempts of one culprit told apart.
    const ATTEMPTS: usize = 256;

    /// How long somebody has to wait, if shut out.
    pub fn wait(&self, culprit: &Culprit, now: Instant) -> Option<Duration> {
        let shut_until = self.0.get(culprit)?.shut_until?;
        shut_until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Counts a failure unless the same attempt was counted within the window.
    pub fn failed_with(&mut self, culprit: Culprit, attempt: &str, limits: Limits, now: Instant) {
        let mut hasher = DefaultHasher::new();
        attempt.hash(&mut hasher);
        let attempt = hasher.finish();
        let known = self.0.get(&culprit).is_some_and(|failures| {
            now.duration_since(failures.since) < limits.window && failures.attempts.contains(&attempt)
        });
        if known {
            return;
        }
        self.failed(culprit.clone(), limits, now);
        if let Some(failures) = self.0.get_mut(&culprit) {
            if failures.attempts.len() >= Self::ATTEMPTS {
                failures.attempts.clear();
            }
            failures.attempts.push(attempt);
        }
    }

    /// Counts a failure.
    pub fn failed(&mut self, culprit: Culprit, limits: Limits, now: Instant) {
        if self.0.len() >= Self::MOST {
            self.0.retain(|_, failures| failures.until > now);
        }
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        let fresh = Failures {
            count: 0,
            since: now,
            attempts: Vec::new(),
            shut_until: None,
            until: now + limits.window,
        };
        let failures = self.0.entry(culprit).or_insert_with(|| fresh.clone());
        if now.duration_since(failures.since) >= limits.window {
            *failures = fresh;
        }
        failures.count += 1;
        if limits.most > 0 && failures.count >= limits.most {
            failures.shut_until = Some(now + limits.block);
            failures.until = failures.until.max(now + limits.block);
        }
    }

    /// Forgets what is known of somebody.
    pub fn forgive(&mut self, culprit: &Culprit) {
        self.0.remove(culprit);
    }

    /// What is known of somebody that matters now.
    pub fn tally(&self, culprit: &Culprit, now: Instant) -> Option<Tally> {
        let failures = self.0.get(culprit).filter(|failures| failures.until > now)?;
        Some(Tally { culprit: culprit.clone(), failures: failures.count, blocked: self.wait(culprit, now) })
    }

    /// What is known of everybody that matters now: addresses in their order, then names in theirs.
    pub fn tallies(&self, now: Instant) -> Vec<Tally> {
        let mut tallies: Vec<Tally> = self.0.keys().filter_map(|culprit| self.tally(culprit, now)).collect();
        tallies.sort_by(|one, other| one.culprit.cmp(&other.culprit));
        tallies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn from(address: &str) -> Culprit {
        address.parse::<IpAddr>().unwrap().into()
    }

    fn limits(most: u32) -> Limits {
        Limits { most, window: MINUTE, block: 2 * MINUTE }
    }

    #[test]
    fn an_address_is_shut_out_for_the_time_of_a_block_and_no_other_address_is() {
        let mut guard = Guard::default();
        let (one, other) = (from("192.0.2.1"), from("192.0.2.2"));
        let start = Instant::now();
        guard.failed(one.clone(), limits(2), start);
        assert_eq!(guard.wait(&one, start), None);
        guard.failed(one.clone(), limits(2), start);
        assert_eq!(guard.wait(&one, start + MINUTE), Some(MINUTE));
        assert_eq!(guard.wait(&other, start), None);
        assert_eq!(guard.wait(&one, start + 2 * MINUTE), None);
    }

    #[test]
    fn failures_are_forgotten_after_the_window() {
        let mut guard = Guard::default();
        let one = from("192.0.2.1");
        let start = Instant::now();
        guard.failed(one.clone(), limits(2), start);
        guard.failed(one.clone(), limits(2), start + MINUTE);
        assert_eq!(guard.wait(&one, start + MINUTE), None);
    }

    #[test]
    fn zero_failures_are_no_limit() {
        let mut guard = Guard::default();
        let one = from("192.0.2.1");
        let now = Instant::now();
        (0..1000).for_each(|_| guard.failed(one.clone(), limits(0), now));
        assert_eq!(guard.wait(&one, now), None);
    }

    #[test]
    fn the_same_attempt_counts_once_and_others_count() {
        let mut guard = Guard::default();
        let one = from("192.0.2.1");
        let now = Instant::now();
        (0..100).for_each(|_| guard.failed_with(one.clone(), "a", limits(3), now));
        guard.failed_with(one.clone(), "b", limits(3), now);
        assert_eq!(guard.wait(&one, now), None);
        guard.failed_with(one.clone(), "c", limits(3), now);
        assert!(guard.wait(&one, now).is_some());
    }

    #[test]
    fn a_v6_network_counts_as_one_caller() {
        let mut guard = Guard::default();
        let now = Instant::now();
        guard.failed(from("2001:db8::1"), limits(1), now);
        assert!(guard.wait(&from("2001:db8::2"), now).is_some());
        assert!(guard.wait(&from("2001:db8:0:1::2"), now).is_none());
    }

    #[test]
    fn a_block_is_listed_and_can_be_undone() {
        let mut guard = Guard::default();
        let one = from("192.0.2.1");
        let now = Instant::now();
        guard.failed(one.clone(), limits(1), now);
        assert_eq!(
            guard.tallies(now),
            [Tally { culprit: one.clone(), failures: 1, blocked: Some(2 * MINUTE) }]
        );
        guard.forgive(&from("::ffff:192.0.2.1"));
        assert_eq!((guard.wait(&one, now), guard.tally(&one, now)), (None, None));
    }

    #[test]
    fn a_flood_of_addresses_is_not_remembered_for_ever() {
        let mut guard = Guard::default();
        let now = Instant::now();
        (0..30_000_u32).for_each(|n| guard.failed(IpAddr::V4(n.into()).into(), limits(1), now));
        assert!(guard.0.len() <= Guard::MOST);
    }

    #[test]
    fn a_name_is_counted_apart_from_addresses_and_without_regard_to_case() {
        let mut guard = Guard::default();
        let now = Instant::now();
        guard.failed("Admin".into(), limits(1), now);
        assert!(guard.wait(&"aDMIN".into(), now).is_some());
        assert!(guard.wait(&from("192.0.2.1"), now).is_none());
    }
}
