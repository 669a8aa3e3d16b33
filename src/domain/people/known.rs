//! Who was let in from where lately: a name that strangers guess at is not blocked for those.

use std::{collections::HashMap, net::IpAddr};

use super::lockout::place;
use crate::domain::{
    fields::time::UnixTime,
    ids::{AdminId, LineId, MagId},
    viewing::session::Viewer,
};

/// Whose credentials were right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    Line(LineId),
    Mag(MagId),
    Administrator(AdminId),
}

impl From<Viewer> for Holder {
    fn from(viewer: Viewer) -> Self {
        match viewer {
            Viewer::Line(id) => Self::Line(id),
            Viewer::Mag(id) => Self::Mag(id),
        }
    }
}

/// For this many seconds after being let in an address is known: 30 days.
pub const KNOWN_FOR: i64 = 30 * 86_400;
/// Addresses that are remembered of one holder; beyond it the one let in longest ago goes.
pub const ADDRESSES: u32 = 64;
/// What was noted is noted again after this many seconds: 6 hours.
const AGAIN: i64 = 6 * 3600;

/// Somebody who was let in, from where and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetIn {
    /// With whose credentials.
    pub holder: Holder,
    /// From where, as [`place`] has it.
    pub address: IpAddr,
    /// When.
    pub at: UnixTime,
}

/// Who was let in lately, and what of that waits to be written down.
#[derive(Debug, Default)]
pub struct Lately {
    noted: HashMap<(Holder, IpAddr), UnixTime>,
    waiting: Vec<LetIn>,
}

impl Lately {
    /// Notes kept in memory; beyond it those that are written are forgotten, and may be written again.
    const MOST: usize = 100_000;

    /// Notes that somebody is let in.
    pub fn note(&mut self, holder: Holder, address: IpAddr, at: UnixTime) {
        let address = place(address);
        let known = self.noted.get(&(holder, address));
        if known.is_some_and(|noted| (at.seconds() - noted.seconds()).abs() < AGAIN) {
            return;
        }
        if self.noted.len() >= Self::MOST {
            self.noted.clear();
        }
        if self.waiting.len() < Self::MOST {
            self.noted.insert((holder, address), at);
            self.waiting.push(LetIn { holder, address, at });
        }
    }

    /// Whether somebody was let in from there who is not written down yet.
    pub fn holds(&self, holder: Holder, address: IpAddr) -> bool {
        let address = place(address);
        self.waiting.iter().any(|one| (one.holder, one.address) == (holder, address))
    }

    /// Somebody is known no longer: being let in anew is noted at once.
    pub fn forget(&mut self, holder: Holder) {
        self.noted.retain(|(one, _), _| *one != holder);
    }

    /// Some of what waits to be written down; it stays until [`Lately::written`].
    pub fn waiting(&self, most: usize) -> Vec<LetIn> {
        self.waiting.iter().take(most).copied().collect()
    }

    /// This many of those that waited are written down.
    pub fn written(&mut self, count: usize) {
        self.waiting.drain(..count.min(self.waiting.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    const LINE: Holder = Holder::Line(LineId(1));

    #[test]
    fn being_let_in_is_written_once_in_a_while_for_each_address() {
        let mut lately = Lately::default();
        let at = |seconds| UnixTime::clamped(1_000_000 + seconds);
        for seconds in 0..100 {
            lately.note(LINE, ip("2001:db8::1"), at(seconds));
            lately.note(LINE, ip("2001:db8::2"), at(seconds));
        }
        lately.note(Holder::Mag(MagId(1)), ip("2001:db8::1"), at(0));
        lately.note(LINE, ip("192.0.2.1"), at(0));
        let waiting = lately.waiting(10);
        assert_eq!(waiting.len(), 3);
        assert_eq!(waiting[0], LetIn { holder: LINE, address: ip("2001:db8::"), at: at(0) });
        assert!(lately.holds(LINE, ip("2001:db8::77")) && !lately.holds(LINE, ip("2001:db8:1::1")));
        lately.written(3);
        assert!(lately.waiting(10).is_empty());
        lately.note(LINE, ip("192.0.2.1"), at(AGAIN - 1));
        assert!(lately.waiting(10).is_empty());
        lately.note(LINE, ip("192.0.2.1"), at(AGAIN));
        assert_eq!(lately.waiting(10).len(), 1);
    }

    #[test]
    fn notes_take_no_memory_without_end() {
        let mut lately = Lately::default();
        for n in 0..250_000_u32 {
            lately.note(LINE, IpAddr::V4(n.into()), UnixTime::clamped(0));
        }
        assert!(lately.noted.len() <= Lately::MOST && lately.waiting.len() <= Lately::MOST);
    }
}
