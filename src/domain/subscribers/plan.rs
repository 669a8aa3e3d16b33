//! Subscription plans: what is sold.

use std::fmt;

use crate::domain::{
    Fact, Field, Given, Resource,
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
    /// Whoever has it may watch what is recorded.
    catchup: bool,
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

/// What a plan costs and how long it lasts, as it was shown to whoever sells it: nothing else is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanTerms {
    credits: Credits,
    duration: Count,
    unit: Unit,
}

impl PlanTerms {
    /// Those of a plan as it is.
    pub fn of(plan: &Plan) -> Self {
        Self { credits: plan.credits, duration: plan.duration, unit: plan.duration_unit }
    }

    /// The price, in credits.
    pub fn credits(&self) -> i64 {
        self.credits.get()
    }

    /// Those that a form says again, as they are printed: `12.30.day`.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let mut number = || parts.next()?.parse().ok();
        let (credits, duration) = (Credits::new(number()?)?, Count::new(number()?)?);
        let unit = Unit::stored(Fact::Text(parts.next()?.into()))?;
        Some(Self { credits, duration, unit })
    }

    /// What of them is another by now, with both values, as a sentence without its end; `None` if nothing is.
    pub fn changed_to(&self, now: &Self) -> Option<String> {
        let price = (self.credits != now.credits).then(|| {
            format!("price of the plan changed from {} to {} credits", self.credits(), now.credits())
        });
        let lasts = ((self.duration, self.unit) != (now.duration, now.unit))
            .then(|| format!("duration of the plan changed from {} to {}", self.lasts(), now.lasts()));
        let changed: Vec<String> = [price, lasts].into_iter().flatten().collect();
        (!changed.is_empty()).then(|| format!("The {}", changed.join(", and the ")))
    }

    fn lasts(&self) -> String {
        let (count, unit) = self.facts();
        format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
    }

    fn facts(&self) -> (i64, String) {
        match (self.duration.fact(), self.unit.fact()) {
            (Fact::Number(count), Fact::Text(unit)) => (count, unit),
            _ => Default::default(),
        }
    }
}

impl fmt::Display for PlanTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, unit) = self.facts();
        write!(f, "{}.{count}.{unit}", self.credits())
    }
}
