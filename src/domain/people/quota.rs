//! How much somebody may do: so much at once, and then so much a minute.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

/// Of this many it is remembered how much they did; those beyond are let pass.
const MOST: usize = 100_000;

/// What is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// So much at once, after a pause.
    pub at_once: u32,
    /// Then so much a minute, at least 1.
    pub a_minute: u32,
}

/// Who has done how much.
#[derive(Debug)]
pub struct Quota<K> {
    allowance: Allowance,
    /// Until when everybody has used up what a minute allows.
    used_until: HashMap<K, Instant>,
}

impl<K: Eq + Hash> Quota<K> {
    /// A quota that nobody has used.
    pub fn new(allowance: Allowance) -> Self {
        Self { allowance, used_until: HashMap::new() }
    }

    /// Whether somebody may do it once more; if so, it counts.
    pub fn take(&mut self, who: K, now: Instant) -> bool {
        let step = Duration::from_mins(1) / self.allowance.a_minute.max(1);
        let used_until = self.used_until.get(&who).map_or(now, |until| (*until).max(now)) + step;
        if used_until.duration_since(now) > step * self.allowance.at_once {
            return false;
        }
        if self.used_until.len() >= MOST {
            self.used_until.retain(|_, until| *until > now);
        }
        if self.used_until.len() < MOST || self.used_until.contains_key(&who) {
            self.used_until.insert(who, used_until);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_much_at_once_and_then_so_much_a_minute() {
        let mut quota = Quota::new(Allowance { at_once: 3, a_minute: 2 });
        let begun = Instant::now();
        let mut done = |who: &'static str, after: u64, times: usize| {
            (0..times).filter(|_| quota.take(who, begun + Duration::from_secs(after))).count()
        };
        assert_eq!(done("a", 0, 10), 3);
        assert_eq!(done("b", 0, 2), 2, "each for himself");
        assert_eq!((done("a", 29, 10), done("a", 30, 10)), (0, 1));
        assert_eq!(done("a", 90, 10), 2);
        assert_eq!(done("a", 900, 10), 3, "a pause gives no more than at first");
    }
}
