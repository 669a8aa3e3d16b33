//! Guards against guessing: after this many failures within a window, an address or a name is blocked for a while.
//!
//! The rule. A wrong attempt counts for the address that it comes from (of v6 for its /64, and less strictly for its /56 and /48),
//! for the name that it asks for, and for both together. Where an address or a name is blocked, right and wrong attempts
//! are answered alike, but for those who were let in with that name from that address lately: they go on until both
//! together have failed too often. So strangers keep nobody out, and a block tells nothing.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// How much guessing is let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Failures that block somebody; 0 is no limit.
    pub most: u32,
    /// For how long a failure counts.
    pub window: Duration,
    /// For how long the failure that reaches the limit shuts out; each further one for twice as long as the one before.
    pub first: Duration,
    /// For how long at most.
    pub block: Duration,
}

impl Limits {
    /// Limits that block for the same time whenever they are reached.
    pub fn steady(most: u32, window: Duration, block: Duration) -> Self {
        Self { most, window, first: block, block }
    }

    fn shut_for(self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(self.most).min(16);
        self.first.saturating_mul(1 << doublings).min(self.block)
    }

    fn times(self, factor: u32) -> Self {
        Self { most: self.most.saturating_mul(factor), ..self }
    }
}

/// Networks wider than a /64 that are counted too, and how much more is let pass there: a provider's customer may own
/// one, and so may a street.
const WIDER: [(u8, u32); 2] = [(56, 4), (48, 16)];

/// The address as which somebody counts: of a v6 address the beginning of its /64, because one caller owns all of it.
pub fn place(address: IpAddr) -> IpAddr {
    beginning(address, 64)
}

/// The beginning of the v6 network of that prefix length; a v4 address is itself.
fn beginning(address: IpAddr, prefix: u8) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(u32::from(128 - prefix.min(128))).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Whose failures are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Offender {
    /// Whoever asks from there; of a v6 network, its beginning.
    Address(IpAddr),
    /// Whoever asks from that v6 network, by its beginning and prefix length.
    Network(IpAddr, u8),
    /// Whoever asks for that name, in lower case.
    Name(String),
}

impl From<IpAddr> for Offender {
    fn from(address: IpAddr) -> Self {
        Self::Address(place(address))
    }
}

impl From<&str> for Offender {
    fn from(name: &str) -> Self {
        Self::Name(short(name))
    }
}

impl Offender {
    /// An address, or a v6 network that is counted, as they are shown.
    pub fn from_address(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(address.into());
        }
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix) = (address.parse().ok()?, prefix.parse().ok()?);
        let is_counted = place(address).is_ipv6() && WIDER.iter().any(|(wide, _)| *wide == prefix);
        is_counted.then(|| Self::Network(beginning(address, prefix), prefix))
    }
}

/// Names are remembered by their first 64 characters: no longer one is anybody's.
fn short(name: &str) -> String {
    name.chars().take(64).collect::<String>().to_lowercase()
}

/// The networks in which an address lies, each with how much more is let pass there.
fn networks(address: IpAddr) -> impl Iterator<Item = (Offender, u32)> {
    let wider = if place(address).is_ipv6() { &WIDER[..] } else { &[] };
    wider
        .iter()
        .map(move |(prefix, factor)| (Offender::Network(beginning(address, *prefix), *prefix), *factor))
}

impl fmt::Display for Offender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Network(beginning, prefix) => write!(f, "{beginning}/{prefix}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// By what somebody is known who was let in before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// By the address, as [`place`] has it.
    Address(IpAddr),
    /// By the cookie of a browser, by its number.
    Browser(i64),
}

impl From<IpAddr> for Mark {
    fn from(address: IpAddr) -> Self {
        Self::Address(place(address))
    }
}

/// A wrong attempt.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// From where.
    pub address: IpAddr,
    /// The name that was asked for, if one was.
    pub name: Option<&'a str>,
    /// As whom somebody came who was let in before; else by the address.
    pub mark: Option<Mark>,
    /// What was tried: the same again is no further guess. Without it each attempt is one.
    pub what: Option<&'a str>,
}

/// What is known of one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Whose failures they are.
    pub offender: Offender,
    /// Its failures within the window.
    pub failures: u32,
    /// For how much longer it is blocked, if it is.
    pub blocked: Option<Duration>,
}

/// Failures per address, per name, and per both.
#[derive(Debug, Default)]
pub struct Lockout {
    places: Tallies<Offender>,
    names: Tallies<Offender>,
    pairs: Tallies<(String, Mark)>,
    /// Hashes attempts: nobody outside can make two guesses look the same.
    hasher: RandomState,
}

impl Lockout {
    /// How long whoever asks from there has to wait, if blocked.
    pub fn wait_at(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        if self.places.is_empty() {
            return None;
        }
        let wider = networks(address).map(|(network, _)| self.places.wait(&network, now));
        wider.fold(self.places.wait(&address.into(), now), Option::max)
    }

    /// How long whoever asks for that name has to wait, if it is blocked.
    pub fn wait_for(&self, name: &str, now: Instant) -> Option<Duration> {
        if self.names.is_empty() { None } else { self.names.wait(&name.into(), now) }
    }

    /// How long somebody has to wait who was let in before with that name, as whom too much was guessed as well.
    pub fn wait_as(&self, name: &str, mark: Mark, now: Instant) -> Option<Duration> {
        self.pairs.wait(&(short(name), mark), now)
    }

    /// Counts a wrong attempt; whether it is a new one. `names` are the limits of names.
    pub fn failed(&mut self, attempt: Attempt<'_>, limits: Limits, names: Limits, now: Instant) -> bool {
        let Attempt { address, name, .. } = attempt;
        let what = self.hash(&attempt);
        let is_new = self.places.failed(address.into(), what, limits, now);
        for (network, factor) in networks(address) {
            self.places.failed(network, what, limits.times(factor), now);
        }
        if name.is_some() {
            self.failed_for(attempt, limits, names, now);
        }
        is_new
    }

    /// Counts a wrong attempt for its name alone, and for name and address together.
    pub fn failed_for(&mut self, attempt: Attempt<'_>, limits: Limits, names: Limits, now: Instant) {
        let what = self.hash(&attempt);
        if let Some(name) = attempt.name {
            self.names.failed(name.into(), what, names, now);
        }
        self.failed_as(attempt, limits, now);
    }

    /// Counts a wrong attempt for name and address together alone: where one of them is blocked, for whoever may go on.
    pub fn failed_as(&mut self, attempt: Attempt<'_>, limits: Limits, now: Instant) {
        let what = self.hash(&attempt);
        if let Some(name) = attempt.name {
            let mark = attempt.mark.unwrap_or_else(|| attempt.address.into());
            self.pairs.failed((short(name), mark), what, limits, now);
        }
    }

    fn hash(&self, attempt: &Attempt<'_>) -> Option<u64> {
        let name = attempt.name.unwrap_or_default().to_lowercase();
        attempt.what.map(|what| self.hasher.hash_one((name, what)))
    }

    /// Forgets what is known of somebody; of an address also what is known of the networks that it lies in.
    pub fn unblock(&mut self, offender: &Offender) {
        self.places.forget(offender);
        self.names.forget(offender);
        match offender {
            Offender::Address(address) => {
                networks(*address).for_each(|(network, _)| self.places.forget(&network));
                self.pairs.forget_where(|(_, mark)| *mark == Mark::Address(*address));
            }
            Offender::Name(name) => self.pairs.forget_where(|(known, _)| known == name),
            Offender::Network(..) => {}
        }
    }

    /// What is known of somebody that matters now.
    pub fn tally(&self, offender: &Offender, now: Instant) -> Option<Tally> {
        let failures = self.places.get(offender, now).or_else(|| self.names.get(offender, now))?;
        Some(Tally { offender: offender.clone(), failures: failures.count, blocked: failures.wait(now) })
    }

    /// What is known of everybody that matters now: addresses in their order, then networks that are blocked, then names.
    pub fn tallies(&self, now: Instant) -> Vec<Tally> {
        let all = self.places.keys().chain(self.names.keys());
        let told =
            |tally: &Tally| tally.blocked.is_some() || !matches!(tally.offender, Offender::Network(..));
        let mut tallies: Vec<Tally> =
            all.filter_map(|offender| self.tally(offender, now)).filter(told).collect();
        tallies.sort_by(|one, other| one.offender.cmp(&other.offender));
        tallies
    }
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
    /// A later one is larger.
    number: u64,
}

impl Failures {
    fn wait(&self, now: Instant) -> Option<Duration> {
        self.shut_until?.checked_duration_since(now).filter(|left| !left.is_zero())
    }
}

/// The failures of many, bounded in number.
#[derive(Debug)]
struct Tallies<K> {
    known: HashMap<K, Failures>,
    next: u64,
}

impl<K> Default for Tallies<K> {
    fn default() -> Self {
        Self { known: HashMap::new(), next: 0 }
    }
}

impl<K: Hash + Eq> Tallies<K> {
    /// Offenders remembered at once; beyond it one in ten goes.
    const MOST: usize = 10_000;
    /// Attempts of one offender told apart; beyond it the oldest counts anew.
    const ATTEMPTS: usize = 64;

    fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn keys(&self) -> impl Iterator<Item = &K> {
        self.known.keys()
    }

    fn wait(&self, offender: &K, now: Instant) -> Option<Duration> {
        self.known.get(offender)?.wait(now)
    }

    fn get(&self, offender: &K, now: Instant) -> Option<&Failures> {
        self.known.get(offender).filter(|failures| failures.until > now)
    }

    /// Counts a failure, unless the same attempt was counted within the window; whether it did.
    fn failed(&mut self, offender: K, what: Option<u64>, limits: Limits, now: Instant) -> bool {
        if !self.known.contains_key(&offender) {
            self.make_room(now);
        }
        self.next += 1;
        let fresh = Failures {
            count: 0,
            since: now,
            attempts: Vec::new(),
            shut_until: None,
            until: now + limits.window,
            number: self.next,
        };
        let failures = self.known.entry(offender).or_insert_with(|| fresh.clone());
        if now.duration_since(failures.since) >= limits.window {
            // Whoever is blocked stays so.
            let shut_until = failures.shut_until;
            *failures = Failures {
                shut_until,
                until: shut_until.map_or(fresh.until, |until| until.max(fresh.until)),
                ..fresh
            };
        }
        if let Some(what) = what {
            if failures.attempts.contains(&what) {
                return false;
            }
            if failures.attempts.len() >= Self::ATTEMPTS {
                failures.attempts.remove(0);
            }
            failures.attempts.push(what);
        }
        failures.count = failures.count.saturating_add(1);
        if limits.most > 0 && failures.count >= limits.most {
            let until = now + limits.shut_for(failures.count);
            failures.shut_until = failures.shut_until.max(Some(until));
            failures.until = failures.until.max(until);
        }
        true
    }

    fn forget(&mut self, offender: &K) {
        self.known.remove(offender);
    }

    fn forget_where(&mut self, which: impl Fn(&K) -> bool) {
        self.known.retain(|offender, _| !which(offender));
    }

    /// A flood can neither take the memory nor lift the blocks: what no longer matters goes first, then the oldest of those
    /// that are not blocked, and blocks last, the oldest of them first.
    fn make_room(&mut self, now: Instant) {
        if self.known.len() < Self::MOST {
            return;
        }
        self.known.retain(|_, failures| failures.until > now);
        let age = |failures: &Failures| (failures.wait(now).is_some(), failures.number);
        let too_many = self.known.len().saturating_sub(Self::MOST - Self::MOST / 10);
        if too_many > 0 {
            let mut ages: Vec<(bool, u64)> = self.known.values().map(age).collect();
            let (_, last, _) = ages.select_nth_unstable(too_many - 1);
            let last = *last;
            self.known.retain(|_, failures| age(failures) > last);
        }
    }
}

#[cfg(test)]
mod tests;
