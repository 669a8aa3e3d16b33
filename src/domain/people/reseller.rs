//! Resellers: who sell lines and MAGs for credits.

use crate::domain::{
    Given, Refused, Resource, Result,
    fields::{
        number::{Connections, Trials},
        text::Name,
    },
    ids::ResellerId,
};

record! {
    /// A reseller. Its balance is not a column that can be written: only the ledger moves it.
    pub struct Reseller / ResellerChange, ResellerId, Resource::Resellers;
    /// The name.
    name: Name,
    /// A limit on the sum of its lines' and MAGs' connections; 0 is no limit.
    max_allowed_connections: Connections,
    /// Whether it pays for what it sells.
    use_credits: bool,
    /// How many trials its people may sell in a day of the panel's time zone; 0 is none, empty no limit.
    trials_per_day: Option<Trials>,
}

impl ResellerChange {
    /// The same, with an emptied `trials_per_day` as no limit: for that column empty is a value.
    #[must_use]
    pub fn decided(mut self) -> Self {
        if self.trials_per_day == Given::Empty {
            self.trials_per_day = Given::Value(None);
        }
        self
    }
}

/// The connections that a reseller's lines and MAGs hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The sum of their limits.
    pub connections: i64,
    /// How many of them have no limit.
    pub unlimited: i64,
}

impl Reseller {
    /// Whether its people may sell one trial more, after this many of today.
    ///
    /// # Errors
    /// [`crate::domain::Error::Refused`], with the number.
    pub fn allows_trial(&self, sold_today: i64) -> Result<()> {
        let name = self.name.as_str();
        match self.trials_per_day.map(Trials::get) {
            Some(0) => Err(Refused::NoTrials(name.into()).into()),
            Some(most) if sold_today >= most => Err(Refused::TrialsSold { name: name.into(), most }.into()),
            _ => Ok(()),
        }
    }

    /// Whether its lines and MAGs may hold `held` connections.
    ///
    /// # Errors
    /// [`crate::domain::Error::Refused`] over the ceiling, with the numbers.
    pub fn allows(&self, held: Held) -> Result<()> {
        let ceiling = self.max_allowed_connections.get();
        if ceiling == 0 || (held.unlimited == 0 && held.connections <= ceiling) {
            return Ok(());
        }
        let wanted = (held.unlimited == 0).then_some(held.connections);
        Err(Refused::OverCeiling { name: self.name.as_str().into(), ceiling, wanted }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reseller(ceiling: i64) -> Reseller {
        Reseller {
            name: Name::new("North").unwrap(),
            max_allowed_connections: Connections::new(ceiling).unwrap(),
            use_credits: false,
            trials_per_day: Trials::new(2),
        }
    }

    #[test]
    fn the_ceiling_is_over_the_sum_and_zero_is_none() {
        let held = |connections, unlimited| Held { connections, unlimited };
        assert!(reseller(10).allows(held(10, 0)).is_ok());
        assert!(reseller(10).allows(held(11, 0)).is_err());
        assert!(reseller(0).allows(held(1_000_000, 5)).is_ok());
    }

    #[test]
    fn trials_have_a_limit_none_or_no_limit() {
        let allows = |most, sold| Reseller { trials_per_day: most, ..reseller(0) }.allows_trial(sold).is_ok();
        assert!(allows(Trials::new(2), 1) && !allows(Trials::new(2), 2));
        assert!(!allows(Trials::new(0), 0) && allows(None, 1_000_000));
    }

    #[test]
    fn a_line_without_a_limit_fits_under_no_ceiling() {
        assert!(reseller(10).allows(Held { connections: 0, unlimited: 1 }).is_err());
    }
}
