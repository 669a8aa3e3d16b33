//! A limit on failures per address: after so many within a window, the address waits it out.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Counts failures per address. A v6 address counts with its whole /64, which one caller owns.
pub struct FailureLimit {
    most: u32,
    window: Duration,
    failures: Mutex<HashMap<IpAddr, (u32, Instant)>>,
}

impl FailureLimit {
    /// Addresses remembered at once; beyond it those whose window is over are forgotten first, and
    /// then all: a flood of addresses cannot take the memory.
    const ADDRESSES: usize = 10_000;

    /// At most `most` failures within `window`.
    pub fn new(most: u32, window: Duration) -> Self {
        Self { most, window, failures: Mutex::default() }
    }

    /// How long the address has to wait, if it has to.
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, since) = failures.get(&whole(address))?;
        let left = (*since + self.window).checked_duration_since(now)?;
        (*count >= self.most).then_some(left)
    }

    /// Counts a failure.
    pub fn failed(&self, address: IpAddr, now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= Self::ADDRESSES {
            failures.retain(|_, (_, since)| now.duration_since(*since) < self.window);
        }
        if failures.len() >= Self::ADDRESSES {
            failures.clear();
        }
        let entry = failures.entry(whole(address)).or_insert((0, now));
        if now.duration_since(entry.1) >= self.window {
            *entry = (0, now);
        }
        entry.0 += 1;
    }
}

fn whole(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_out_its_window_and_no_other_address_does() {
        let limit = FailureLimit::new(2, Duration::from_mins(1));
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let start = Instant::now();
        limit.failed(one, start);
        assert_eq!(limit.wait(one, start), None);
        limit.failed(one, start);
        assert_eq!(limit.wait(one, start + Duration::from_secs(20)), Some(Duration::from_secs(40)));
        assert_eq!(limit.wait(other, start), None);
        assert_eq!(limit.wait(one, start + Duration::from_secs(61)), None);
    }

    #[test]
    fn a_v6_network_counts_as_one_caller() {
        let limit = FailureLimit::new(1, Duration::from_mins(1));
        let now = Instant::now();
        limit.failed("2001:db8::1".parse().unwrap(), now);
        assert!(limit.wait("2001:db8::2".parse().unwrap(), now).is_some());
        assert!(limit.wait("2001:db8:0:1::2".parse().unwrap(), now).is_none());
    }

    #[test]
    fn a_flood_of_addresses_is_not_remembered_for_ever() {
        let limit = FailureLimit::new(1, Duration::from_mins(1));
        let now = Instant::now();
        for n in 0..30_000_u32 {
            limit.failed(IpAddr::V4(n.into()), now);
        }
        assert!(limit.failures.lock().unwrap().len() <= FailureLimit::ADDRESSES);
    }
}
