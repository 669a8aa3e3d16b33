//! How many connections may be open: of one address, and in all.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};

use crate::domain::fields::net::Network;

/// Places beyond the last ordinary one: whoever gets one is served the panel, `/healthz` and `/metrics` alone, once.
const SPARE: usize = 64;

/// How often an address that is at its limit is told of in the log.
const TOLD_EACH: Duration = Duration::from_mins(1);

/// How many connections one address may have; 0 is no limit.
pub type MostOfOne = Arc<dyn Fn() -> usize + Send + Sync>;

/// Who may connect.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    /// Proxies, behind which there are many.
    trusted: Vec<Network>,
    most_of_one: MostOfOne,
    /// Ordinary places in all.
    most: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    of: HashMap<IpAddr, OfOne>,
    full_told: Option<Instant>,
}

#[derive(Default)]
struct OfOne {
    open: usize,
    told: Option<Instant>,
}

impl Gate {
    /// A gate for a process that may open this many files and sockets; `None` is no limit. An eighth of them is
    /// kept for the database, ffmpeg and segments.
    pub fn new(trusted: Vec<Network>, most_of_one: MostOfOne, open_files: Option<u64>) -> Self {
        let files = open_files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX / 2);
        let most = files.saturating_sub((files / 8).max(2 * SPARE)).max(SPARE);
        Self(Arc::new(Inner { trusted, most_of_one, most, open: Mutex::default() }))
    }

    /// Lets somebody in, or not.
    pub fn enter(&self, peer: IpAddr, now: Instant) -> Option<Slot> {
        let peer = peer.to_canonical();
        let is_own = peer.is_loopback() || self.0.trusted.iter().any(|range| range.contains(peer));
        let counted = (!is_own).then(|| site(peer));
        let mut open = self.0.open();
        let is_spare = open.all >= self.0.most;
        // The last places are for this machine and its proxies.
        let most = self.0.most + if is_own { SPARE } else { SPARE / 2 };
        if is_spare && is_due(&mut open.full_told, now) {
            log::warn!(
                "{} connections are open, as many as the limit of open files allows: only the panel and /healthz are \
                 served to further ones",
                open.all
            );
        }
        if open.all >= most {
            return None;
        }
        if let Some(site) = counted {
            let limit = (self.0.most_of_one)();
            let of_one = open.of.entry(site).or_default();
            if limit > 0 && of_one.open >= limit {
                if is_due(&mut of_one.told, now) {
                    log::warn!(
                        "{peer} has {limit} connections open, the most that connections_per_address allows: further \
                         ones are closed"
                    );
                }
                return None;
            }
            of_one.open += 1;
        }
        open.all += 1;
        drop(open);
        Some(Slot { gate: self.clone(), counted, is_spare })
    }
}

impl Inner {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock()
    }
}

/// A v6 address counts with its /64, which is one household's or one server's.
fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

fn is_due(told: &mut Option<Instant>, now: Instant) -> bool {
    let due = told.is_none_or(|told| now.duration_since(told) >= TOLD_EACH);
    if due {
        *told = Some(now);
    }
    due
}

/// The place of one connection, given back when it is dropped.
pub struct Slot {
    gate: Gate,
    counted: Option<IpAddr>,
    is_spare: bool,
}

impl Slot {
    /// Whether it is one of those beyond the ordinary ones.
    pub fn is_spare(&self) -> bool {
        self.is_spare
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.gate.0.open();
        open.all = open.all.saturating_sub(1);
        if let Some(site) = self.counted
            && let Some(of_one) = open.of.get_mut(&site)
        {
            of_one.open = of_one.open.saturating_sub(1);
            // When it was told of last is kept a minute: who flaps at the limit fills no log.
            let told_lately = of_one.told.is_some_and(|told| told.elapsed() < TOLD_EACH);
            if of_one.open == 0 && !told_lately {
                open.of.remove(&site);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(most_of_one: usize, open_files: u64) -> Gate {
        let trusted = vec![Network::new("10.0.0.0/24").unwrap()];
        Gate::new(trusted, Arc::new(move || most_of_one), Some(open_files))
    }

    fn enter(gate: &Gate, address: &str, times: usize) -> Vec<Slot> {
        let now = Instant::now();
        (0..times).filter_map(|_| gate.enter(address.parse().unwrap(), now)).collect()
    }

    #[test]
    fn one_address_has_so_many_places_and_gets_them_back() {
        let gate = gate(3, 10_000);
        let places = enter(&gate, "192.0.2.1", 5);
        assert_eq!(places.len(), 3);
        assert_eq!(enter(&gate, "::ffff:192.0.2.1", 1).len(), 0, "the same address");
        assert_eq!(enter(&gate, "192.0.2.2", 1).len(), 1, "another one");
        drop(places);
        assert_eq!(enter(&gate, "192.0.2.1", 5).len(), 3);
    }

    #[test]
    fn a_v6_address_counts_with_its_64() {
        let gate = gate(1, 10_000);
        let one = enter(&gate, "2001:db8::1", 1);
        assert_eq!((one.len(), enter(&gate, "2001:db8::2:3", 1).len()), (1, 0));
        assert_eq!(enter(&gate, "2001:db8:0:1::1", 1).len(), 1);
    }

    #[test]
    fn loopback_and_trusted_proxies_are_many() {
        let gate = gate(1, 10_000);
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.0.0.7"] {
            assert_eq!(enter(&gate, address, 5).len(), 5, "{address}");
        }
        let unlimited = self::gate(0, 10_000);
        assert_eq!(enter(&unlimited, "192.0.2.1", 5).len(), 5);
    }

    #[test]
    fn the_last_places_are_kept_for_the_operator() {
        // 1,024 files: 896 ordinary places, 32 spare ones for everybody, 32 more for this machine.
        let gate = gate(0, 1_024);
        let all = enter(&gate, "192.0.2.1", 2_000);
        assert_eq!(all.len(), 928);
        assert_eq!(all.iter().filter(|place| place.is_spare()).count(), 32);
        let own = enter(&gate, "127.0.0.1", 2_000);
        assert_eq!((own.len(), own[0].is_spare()), (32, true));
    }
}
