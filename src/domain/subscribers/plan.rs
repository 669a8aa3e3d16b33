//! Subscription plans: what is sold.

use crate::domain::{
    Given, Resource,
    fields::{
        credits::Credits,
        number::{Connections, Position},
        text::Name,
        time::{Count, Unit},
    },
    ids::{BouquetId, PlanId},
};

record! {
    /// What a line or MAG gets when it is sold.
    pub struct Plan / PlanChange, PlanId, Resource::SubscriptionPlans;
    /// The name.
    name: Name,
    /// The bouquets that it gives, as a list of ids.
    bouquets: Vec<BouquetId>,
    /// How many units it lasts.
    duration: Count,
    /// The unit: hour, day, month or year.
    duration_unit: Unit,
    /// How many connections it gives; 0 is no limit.
    max_allowed_connections: Connections,
    /// What it costs a reseller, in credits.
    credits: Credits,
    /// Sold as a trial.
    is_trial: bool,
    /// Its position in lists.
    position: Position,
    /// Resellers may sell it; left out of a new plan, 1 if it has a price or is a trial.
    for_resellers: bool,
}

impl PlanChange {
    /// The same, with whether resellers may sell it decided where nobody has said: with a price or as a trial they
    /// may. It does not follow a price that changes later.
    #[must_use]
    pub fn decided(mut self, before: Option<&Plan>) -> Self {
        let open = match before {
            None => self.for_resellers.value().is_none(),
            Some(_) => self.for_resellers == Given::Empty,
        };
        if open {
            let kept = |given: bool| before.filter(|_| given);
            let price =
                self.credits.value().or(kept(self.credits == Given::Absent).map(|plan| &plan.credits));
            let trial =
                self.is_trial.value().or(kept(self.is_trial == Given::Absent).map(|plan| &plan.is_trial));
            let sold = price.is_some_and(|price| price.get() > 0) || trial.is_some_and(|trial| *trial);
            self.for_resellers = Given::Value(sold);
        }
        self
    }
}
