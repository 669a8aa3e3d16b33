//! Guards against guessing: after so many failures within a window, an address is shut out for a while.

use std::{
    collections::HashMap,
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

/// What is known of one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The address; of a v6 network, its beginning.
    pub address: IpAddr,
    /// Its failures within the window.
    pub failures: u32,
    /// For how much longer it is shut out, if it is.
    pub blocked: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    since: Instant,
    shut_until: Option<Instant>,
    /// When nothing of this matters any more.
    until: Instant,
}

/// Failures per address. A v6 address counts with its whole /64, which one caller owns.
#[derive(Debug, Default)]
pub struct Guard(HashMap<IpAddr, Failures>);

impl Guard {
    /// Addresses remembered at once; beyond it those that no longer matter are forgotten first, and
    /// then all: a flood of addresses cannot take the memory.
    const ADDRESSES: usize = 10_000;

    /// How long the address has to wait, if it is shut out.
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let shut_until = self.0.get(&network(address))?.shut_until?;
        shut_until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Counts a failure.
    pub fn failed(&mut self, address: IpAddr, limits: Limits, now: Instant) {
        if self.0.len() >= Self::ADDRESSES {
            self.0.retain(|_, failures| failures.until > now);
        }
        if self.0.len() >= Self::ADDRESSES {
            self.0.clear();
        }
        let fresh = Failures { count: 0, since: now, shut_until: None, until: now + limits.window };
        let failures = self.0.entry(network(address)).or_insert(fresh);
        if now.duration_since(failures.since) >= limits.window {
            *failures = fresh;
        }
        failures.count += 1;
        if limits.most > 0 && failures.count >= limits.most {
            failures.shut_until = Some(now + limits.block);
            failures.until = failures.until.max(now + limits.block);
        }
    }

    /// Forgets what is known of an address.
    pub fn forgive(&mut self, address: IpAddr) {
        self.0.remove(&network(address));
    }

    /// What is known of an address that matters now.
    pub fn tally(&self, address: IpAddr, now: Instant) -> Option<Tally> {
        let address = network(address);
        let failures = self.0.get(&address).filter(|failures| failures.until > now)?;
        Some(Tally { address, failures: failures.count, blocked: self.wait(address, now) })
    }

    /// What is known of every address that matters now, in the order of addresses.
    pub fn tallies(&self, now: Instant) -> Vec<Tally> {
        let mut tallies: Vec<Tally> = self.0.keys().filter_map(|address| self.tally(*address, now)).collect();
        tallies.sort_by_key(|tally| tally.address);
        tallies
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn limits(most: u32) -> Limits {
        Limits { most, window: MINUTE, block: 2 * MINUTE }
    }

    #[test]
    fn an_address_is_shut_out_for_the_time_of_a_block_and_no_other_address_is() {
        let mut guard = Guard::default();
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let start = Instant::now();
        guard.failed(one, limits(2), start);
        assert_eq!(guard.wait(one, start), None);
        guard.failed(one, limits(2), start);
        assert_eq!(guard.wait(one, start + MINUTE), Some(MINUTE));
        assert_eq!(guard.wait(other, start), None);
        assert_eq!(guard.wait(one, start + 2 * MINUTE), None);
    }

    #[test]
    fn failures_are_forgotten_after_the_window() {
        let mut guard = Guard::default();
        let one = "192.0.2.1".parse().unwrap();
        let start = Instant::now();
        guard.failed(one, limits(2), start);
        guard.failed(one, limits(2), start + MINUTE);
        assert_eq!(guard.wait(one, start + MINUTE), None);
    }

    #[test]
    fn zero_failures_are_no_limit() {
        let mut guard = Guard::default();
        let one = "192.0.2.1".parse().unwrap();
        let now = Instant::now();
        (0..1000).for_each(|_| guard.failed(one, limits(0), now));
        assert_eq!(guard.wait(one, now), None);
    }

    #[test]
    fn a_v6_network_counts_as_one_caller() {
        let mut guard = Guard::default();
        let now = Instant::now();
        guard.failed("2001:db8::1".parse().unwrap(), limits(1), now);
        assert!(guard.wait("2001:db8::2".parse().unwrap(), now).is_some());
        assert!(guard.wait("2001:db8:0:1::2".parse().unwrap(), now).is_none());
    }

    #[test]
    fn a_block_is_listed_and_can_be_undone() {
        let mut guard = Guard::default();
        let one = "192.0.2.1".parse().unwrap();
        let now = Instant::now();
        guard.failed(one, limits(1), now);
        assert_eq!(guard.tallies(now), [Tally { address: one, failures: 1, blocked: Some(2 * MINUTE) }]);
        guard.forgive("::ffff:192.0.2.1".parse().unwrap());
        assert_eq!((guard.wait(one, now), guard.tally(one, now)), (None, None));
    }

    #[test]
    fn a_flood_of_addresses_is_not_remembered_for_ever() {
        let mut guard = Guard::default();
        let now = Instant::now();
        (0..30_000_u32).for_each(|n| guard.failed(IpAddr::V4(n.into()), limits(1), now));
        assert!(guard.0.len() <= Guard::ADDRESSES);
    }
}
