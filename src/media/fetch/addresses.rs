//! Addresses of a source by numbers, which is all that ffmpeg is told of them.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use url::Url;

use super::playlist::Kind;

/// The most playlists of one source.
const LISTS: usize = 500;
/// This many addresses of segments and keys are known at least.
const PARTS: usize = 1000;

/// The addresses of one source; the first is its own, under the number 0.
pub struct Addresses {
    known: HashMap<u32, (Arc<Url>, Kind)>,
    numbers: HashMap<(Arc<Url>, Kind), u32>,
    /// Numbers of segments and keys, the oldest first.
    parts: VecDeque<u32>,
    lists: usize,
    next: u32,
}

impl Addresses {
    /// Of the source with that address.
    pub fn of(home: Url) -> Self {
        let (known, numbers, parts) = Default::default();
        let mut addresses = Self { known, numbers, parts, lists: 0, next: 0 };
        addresses.number(&home, Kind::List);
        addresses
    }

    /// What stands under a number.
    pub fn get(&self, number: u32) -> Option<(Arc<Url>, Kind)> {
        self.known.get(&number).cloned()
    }

    /// The number of an address; the same as long as it is known.
    pub fn number(&mut self, url: &Url, kind: Kind) -> u32 {
        let key = (Arc::new(url.clone()), kind);
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = self.next;
        if kind == Kind::List {
            if self.lists >= LISTS {
                // No player needs this many; it is told of an address that is not there.
                return u32::MAX;
            }
            self.lists += 1;
        } else {
            self.parts.push_back(number);
        }
        self.next = self.next.wrapping_add(1);
        self.known.insert(number, key.clone());
        self.numbers.insert(key, number);
        number
    }

    /// Forgets the oldest segments and keys, but for as many as a list of that length may need.
    pub fn forget(&mut self, length: usize) {
        while self.parts.len() > PARTS.max(length * 3) {
            let Some(number) = self.parts.pop_front() else { return };
            if let Some(key) = self.known.remove(&number) {
                self.numbers.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_and_the_oldest_are_forgotten() {
        let url = |number: usize| Url::parse(&format!("http://h/{number}")).unwrap();
        let mut addresses = Addresses::of(url(0));
        assert_eq!(addresses.get(0).unwrap().1, Kind::List);
        let first = addresses.number(&url(1), Kind::Segment);
        assert_eq!(addresses.number(&url(1), Kind::Segment), first);
        assert_ne!(addresses.number(&url(1), Kind::Key), first);
        for number in 2..3000 {
            addresses.number(&url(number), Kind::Segment);
            addresses.forget(40);
        }
        assert!(addresses.get(first).is_none() && addresses.get(0).is_some());
        assert_eq!(addresses.known.len(), PARTS + 1);
        assert_eq!(addresses.numbers.len(), PARTS + 1);
    }
}
