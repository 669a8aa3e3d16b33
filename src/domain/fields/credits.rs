//! Credits: what resellers pay with. Whole numbers; a balance is never below zero.

use super::number::whole;
use crate::domain::{Error, Fact, Field, Kind, Result, Rule, Written};

/// The most that a balance or a price may be.
const MOST: i64 = 1_000_000_000_000;

/// A balance or a price: 0 to 1,000,000,000,000 credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Credits(i64);

impl Credits {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount, or `None` out of bounds.
    pub fn new(amount: i64) -> Option<Self> {
        (0..=MOST).contains(&amount).then_some(Self(amount))
    }

    /// The amount.
    pub fn get(self) -> i64 {
        self.0
    }

    /// The balance after `movement`.
    ///
    /// # Errors
    /// [`Error::NotEnoughCredits`] below zero; [`Error::Invalid`] above the most that a balance may be.
    pub fn after(self, movement: Movement) -> Result<Self> {
        let balance = self.0 + movement.0;
        if balance < 0 {
            return Err(Error::NotEnoughCredits);
        }
        Self::new(balance).ok_or(Error::invalid("credits", Movement::RULE))
    }

    /// The movement that leads from this balance to that one; `None` if they are equal.
    pub fn to(self, balance: Self) -> Option<Movement> {
        Movement::new(balance.0 - self.0)
    }

    /// The movement that pays this price; `None` if it is free.
    pub fn payment(self) -> Option<Movement> {
        Movement::new(-self.0)
    }
}

impl Field for Credits {
    const KIND: Kind = Kind::Number;

    fn parse(written: &Written) -> Result<Self, Rule> {
        let amount = whole(written.text()?).and_then(Self::new);
        amount.ok_or_else(|| "a whole number from 0 to 1000000000000".into())
    }

    fn fact(&self) -> Fact {
        Fact::Number(self.0)
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::Number(amount) => Self::new(amount),
            _ => None,
        }
    }
}

/// A change of a balance: a whole number other than 0, negative to take away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement(i64);

impl Movement {
    const RULE: &'static str = "a whole number other than 0, from -1000000000000 to 1000000000000";

    /// The movement, or `None` for 0 and out of bounds.
    pub fn new(amount: i64) -> Option<Self> {
        (amount != 0 && (-MOST..=MOST).contains(&amount)).then_some(Self(amount))
    }

    /// The signed amount.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl Field for Movement {
    const KIND: Kind = Kind::Number;

    fn parse(written: &Written) -> Result<Self, Rule> {
        whole(written.text()?).and_then(Self::new).ok_or_else(|| Self::RULE.into())
    }

    fn fact(&self) -> Fact {
        Fact::Number(self.0)
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::Number(amount) => Self::new(amount),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_balance_may_reach_zero_but_not_go_below() {
        let balance = Credits::new(10).unwrap();
        assert_eq!(balance.after(Movement::new(-10).unwrap()), Ok(Credits::ZERO));
        assert_eq!(balance.after(Movement::new(-11).unwrap()), Err(Error::NotEnoughCredits));
    }

    #[test]
    fn a_balance_has_a_top() {
        let full = Credits::new(MOST).unwrap();
        assert!(matches!(
            full.after(Movement::new(1).unwrap()),
            Err(Error::Invalid { field: "credits", .. })
        ));
    }

    #[test]
    fn credits_are_whole_numbers() {
        for bad in ["1.5", "1,5", "", "ten", "1e3", "-1"] {
            assert!(Credits::parse(&Written::Text(bad.into())).is_err(), "{bad}");
        }
        assert!(Movement::parse(&Written::Text("0".into())).is_err());
    }

    proptest! {
        #[test]
        fn the_sum_of_the_movements_is_the_balance(movements in proptest::collection::vec(-50..100_i64, 0..50)) {
            let mut balance = Credits::ZERO;
            let mut ledger = 0;
            for movement in movements.into_iter().filter_map(Movement::new) {
                if let Ok(after) = balance.after(movement) {
                    balance = after;
                    ledger += movement.get();
                }
            }
            prop_assert_eq!(balance.get(), ledger);
        }
    }
}
