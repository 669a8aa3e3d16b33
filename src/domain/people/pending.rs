//! What waits for its second half, in the browser that began it: once, for some minutes, and not without end.

use std::{
    collections::VecDeque,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{api_key::KeyHash, lockout::place};

/// Everything that waits, oldest first.
pub struct Pending<T> {
    lasts: Duration,
    waiting: VecDeque<Waiting<T>>,
}

struct Waiting<T> {
    /// What the second half is known by.
    key: KeyHash,
    /// What the browser holds.
    browser: KeyHash,
    place: IpAddr,
    begun: Instant,
    what: T,
}

/// So many begun from one address wait at most, a v6 one with its /64; beyond it the oldest goes.
const OF_ONE: usize = 20;
/// So many wait in all; beyond it the oldest goes.
const MOST: usize = 1_000;

impl<T> Pending<T> {
    /// Nothing; what comes waits for so long.
    pub fn new(lasts: Duration) -> Self {
        Self { lasts, waiting: VecDeque::new() }
    }

    /// Remembers what was begun.
    pub fn begin(&mut self, key: KeyHash, browser: KeyHash, address: IpAddr, now: Instant, what: T) {
        let lasts = self.lasts;
        self.waiting.retain(|one| now.saturating_duration_since(one.begun) < lasts);
        let place = place(address);
        if self.waiting.iter().filter(|one| one.place == place).count() >= OF_ONE
            && let Some(oldest) = self.waiting.iter().position(|one| one.place == place)
        {
            self.waiting.remove(oldest);
        }
        if self.waiting.len() >= MOST {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Waiting { key, browser, place, begun: now, what });
    }

    /// What waits under that key for that browser: it waits no longer.
    pub fn take(&mut self, key: &KeyHash, browser: &KeyHash, now: Instant) -> Option<T> {
        let at = self.waiting.iter().position(|one| one.key.equals(key) && one.browser.equals(browser))?;
        let one = self.waiting.remove(at)?;
        (now.saturating_duration_since(one.begun) < self.lasts).then_some(one.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_is_taken_once_in_time_and_by_its_own_browser() {
        let (mut pending, now) = (Pending::new(Duration::from_mins(10)), Instant::now());
        let [key, browser, other] = ["key", "browser", "other"].map(KeyHash::of);
        let home = IpAddr::from([192, 0, 2, 1]);
        pending.begin(key.clone(), browser.clone(), home, now, 7);
        assert_eq!(pending.take(&key, &other, now), None, "another browser takes nothing away");
        assert_eq!(pending.take(&other, &browser, now), None);
        assert_eq!(pending.take(&key, &browser, now), Some(7));
        assert_eq!(pending.take(&key, &browser, now), None);
        pending.begin(key.clone(), browser.clone(), home, now, 7);
        assert_eq!(pending.take(&key, &browser, now + Duration::from_mins(10)), None);
    }

    #[test]
    fn one_address_cannot_push_out_what_others_have_begun() {
        let (mut pending, now) = (Pending::new(Duration::from_mins(10)), Instant::now());
        let key = |n: u32| KeyHash::of(&n.to_string());
        let browser = KeyHash::of("browser");
        pending.begin(key(0), browser.clone(), IpAddr::from([192, 0, 2, 1]), now, 0);
        for n in 1..2_000 {
            pending.begin(key(n), browser.clone(), "2001:db8::1".parse().unwrap(), now, n);
        }
        assert_eq!(pending.waiting.len(), OF_ONE + 1);
        assert_eq!(pending.take(&key(0), &browser, now), Some(0));
        for n in 0..3_000_u32 {
            pending.begin(key(n), browser.clone(), IpAddr::from(n.to_be_bytes()), now, n);
        }
        assert_eq!(pending.waiting.len(), MOST);
    }
}
