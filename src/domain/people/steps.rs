//! The steps of a sign-in: somebody shows who he is, then perhaps a second factor, and is signed in. In between the server
//! remembers how far he has come; the browser holds a token.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use super::api_key::KeyHash;
use crate::domain::{fields::text::PasswordHash, ids::AdminId};

/// How somebody has shown who he is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum First {
    /// By name and password.
    Password,
    /// By signing in at a provider.
    Provider {
        /// Whether the provider says that it has asked for more than one factor.
        several_factors: bool,
    },
}

/// What comes after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The second factor.
    SecondFactor,
    /// The session.
    Session,
}

impl First {
    /// What comes next for somebody who has a second factor or not.
    pub fn next(self, has_second_factor: bool) -> Next {
        match self {
            Self::Provider { several_factors: true } => Next::Session,
            Self::Password | Self::Provider { .. } if has_second_factor => Next::SecondFactor,
            Self::Password | Self::Provider { .. } => Next::Session,
        }
    }
}

/// Whether somebody who is signed in sets up a second factor before anything else.
pub fn must_set_up(group_requires: bool, has_second_factor: bool) -> bool {
    group_requires && !has_second_factor
}

/// A sign-in whose second factor is still to come.
#[derive(Clone, Debug)]
pub struct Half {
    /// Whose it is.
    pub admin: AdminId,
    /// How he has shown who he is.
    pub first: First,
    /// The hash of his password then: with another one he begins anew.
    pub password: PasswordHash,
    begun: Instant,
    wrong: u32,
}

impl Half {
    /// One that begins now.
    pub fn new(admin: AdminId, first: First, password: PasswordHash, now: Instant) -> Self {
        Self { admin, first, password, begun: now, wrong: 0 }
    }

    fn lasts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.begun) < HalfDone::LASTS
    }
}

/// Every sign-in whose second factor is still to come, by the hash of its token.
#[derive(Debug, Default)]
pub struct HalfDone(HashMap<KeyHash, Half>);

impl HalfDone {
    /// How long the second factor may take.
    pub const LASTS: Duration = Duration::from_mins(5);
    /// So many wrong codes end one.
    const WRONG: u32 = 5;
    /// So many one person may have; beyond it the oldest goes.
    const OF_ONE: usize = 20;
    /// So many there may be of all; beyond it the oldest goes.
    const MOST: usize = 1_000;

    /// Remembers one.
    pub fn begin(&mut self, token: KeyHash, half: Half, now: Instant) {
        self.0.retain(|_, half| half.lasts(now));
        let admin = half.admin;
        self.0.insert(token, half);
        self.trim(Self::OF_ONE, |half| half.admin == admin);
        self.trim(Self::MOST, |_| true);
    }

    /// Whose that is, while it lasts.
    pub fn whose(&self, token: &KeyHash, now: Instant) -> Option<AdminId> {
        self.0.get(token).filter(|half| half.lasts(now)).map(|half| half.admin)
    }

    /// Takes one out while its code is looked at: nobody else uses it meanwhile.
    pub fn take(&mut self, token: &KeyHash, now: Instant) -> Option<Half> {
        self.0.remove(token).filter(|half| half.lasts(now))
    }

    /// Puts one back whose code was not looked at.
    pub fn put_back(&mut self, token: KeyHash, half: Half) {
        self.0.insert(token, half);
    }

    /// Puts one back whose code was wrong, unless it was so too often; whether there may be another try.
    pub fn put_back_wrong(&mut self, token: KeyHash, mut half: Half) -> bool {
        half.wrong += 1;
        let goes_on = half.wrong < Self::WRONG;
        if goes_on {
            self.0.insert(token, half);
        }
        goes_on
    }

    fn trim(&mut self, most: usize, which: impl Fn(&Half) -> bool) {
        let count = self.0.values().filter(|half| which(half)).count();
        for _ in most..count {
            let those = self.0.iter().filter(|(_, half)| which(half));
            let oldest = those.min_by_key(|(_, half)| half.begun).map(|(token, _)| token.clone());
            if let Some(token) = oldest {
                self.0.remove(&token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: usize) -> KeyHash {
        KeyHash::of(&number.to_string())
    }

    fn half(admin: usize, now: Instant) -> Half {
        Half::new(
            AdminId(i64::try_from(admin).unwrap()),
            First::Password,
            PasswordHash::made("hash".into()),
            now,
        )
    }

    #[test]
    fn who_has_a_second_factor_is_asked_for_it_and_who_must_have_one_sets_it_up() {
        assert_eq!(First::Password.next(true), Next::SecondFactor);
        assert_eq!(First::Password.next(false), Next::Session);
        let provider = |several_factors, has| First::Provider { several_factors }.next(has);
        assert_eq!([provider(false, true), provider(true, true)], [Next::SecondFactor, Next::Session]);
        assert_eq!(provider(false, false), Next::Session);
        assert_eq!(
            [(true, false), (true, true), (false, false)].map(|(a, b)| must_set_up(a, b)),
            [true, false, false]
        );
    }

    #[test]
    fn a_half_done_sign_in_lasts_five_minutes_five_wrong_codes_and_one_right_one() {
        let (mut book, now) = (HalfDone::default(), Instant::now());
        book.begin(token(1), half(7, now), now);
        let late = now + HalfDone::LASTS;
        assert_eq!(book.whose(&token(1), now + Duration::from_secs(299)), Some(AdminId(7)));
        assert_eq!(book.whose(&token(1), late), None);
        for n in 1..=5 {
            let taken = book.take(&token(1), now).expect("it is there");
            assert!(book.take(&token(1), now).is_none(), "one at a time");
            assert_eq!(book.put_back_wrong(token(1), taken), n < 5);
        }
        assert!(book.take(&token(1), now).is_none());
        book.begin(token(2), half(7, now), now);
        assert!(book.take(&token(2), late).is_none() && book.take(&token(2), now).is_none());
    }

    #[test]
    fn they_are_bounded_for_each_person_and_in_all() {
        let (mut book, begun) = (HalfDone::default(), Instant::now());
        let at = |n: usize| begun + Duration::from_millis(u64::try_from(n).unwrap());
        for n in 0..30 {
            book.begin(token(n), half(1, at(n)), at(n));
        }
        assert!(book.0.len() == HalfDone::OF_ONE && book.whose(&token(9), at(30)).is_none());
        assert!(book.whose(&token(10), at(30)).is_some());
        for n in 100..1_300 {
            book.begin(token(n), half(n, at(n)), at(n));
        }
        assert!(book.0.len() == HalfDone::MOST && book.whose(&token(1_299), at(1_300)).is_some());
    }
}
