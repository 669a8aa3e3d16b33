//! What a batch does to each of its lines or MAGs, in a form that outlives a restart.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{listing::Subscribed, plan::PlanTerms, subscription::Subscription};
use crate::domain::{
    Error, Given, Refused, Result,
    fields::time::{Expiry, UnixTime},
    ids::{BouquetId, PlanId},
    kept_fields::KeptFields,
};

/// What is to happen to every row.
#[derive(Clone, Debug, PartialEq)]
pub enum Bulk {
    /// Columns are set, bouquets come and go, and the end moves.
    Change(Changes),
    /// They go.
    Delete,
}

/// What changes of every row; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Columns, as they were given.
    pub columns: KeptFields,
    /// One of its own bouquets more.
    pub add: Option<BouquetId>,
    /// One of its own bouquets less.
    pub remove: Option<BouquetId>,
    /// How much longer it lasts.
    pub longer: Option<Longer>,
    /// Nobody pays for that.
    pub free: bool,
    /// The plans that extend rows, as a preview has shown them: no others are charged.
    pub shown: Vec<(PlanId, PlanTerms)>,
}

/// How much longer a row lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Longer {
    /// This many days, from the present end or from now if that is over; free.
    Days(i64),
    /// The duration of that plan, which becomes its own.
    Plan(PlanId),
    /// The duration of the plan that it has.
    OwnPlan,
}

impl Bulk {
    /// Its word in calls and lists.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Change(Changes { longer: Some(_), .. }) => "extend",
            Self::Change(_) => "update",
            Self::Delete => "delete",
        }
    }

    /// Whether a plan's duration is added, and its price is due.
    pub fn extends_by_plan(&self) -> bool {
        matches!(self, Self::Change(Changes { longer: Some(Longer::Plan(_) | Longer::OwnPlan), .. }))
    }

    /// The plan by which rows are extended, if it is the same for all.
    pub fn plan(&self) -> Option<PlanId> {
        match self {
            Self::Change(Changes { longer: Some(Longer::Plan(plan)), .. }) => Some(*plan),
            _ => None,
        }
    }

    /// Whether nobody is to pay.
    pub fn is_free(&self) -> bool {
        matches!(self, Self::Change(Changes { free: true, .. }))
    }

    /// The same, charged only as those plans were shown.
    #[must_use]
    pub fn at(mut self, terms: &HashMap<PlanId, PlanTerms>) -> Self {
        if let Self::Change(changes) = &mut self {
            changes.shown = terms.iter().map(|(plan, terms)| (*plan, *terms)).collect();
        }
        self
    }

    /// As what that plan was shown, if it was.
    pub fn shown(&self, plan: Option<PlanId>) -> Option<PlanTerms> {
        let Self::Change(changes) = self else { return None };
        changes.shown.iter().find(|(known, _)| Some(*known) == plan).map(|(_, terms)| *terms)
    }

    /// The columns that are set.
    pub fn columns(&self) -> KeptFields {
        match self {
            Self::Change(changes) => changes.columns.clone(),
            Self::Delete => KeptFields::default(),
        }
    }

    /// Refuses what contradicts itself or changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Refused`] if there is nothing to do.
    pub fn check(&self) -> Result<()> {
        let Self::Change(changes) = self else { return Ok(()) };
        if *changes == (Changes { free: changes.free, ..Changes::default() }) {
            return Err(Refused::NothingToChange.into());
        }
        if changes.longer.is_some() && changes.columns.has("expire_date") {
            return Err(Error::invalid("expire_date", "choose one way to set the end"));
        }
        if matches!(changes.longer, Some(Longer::Plan(_))) && changes.columns.has("subscription_plan_id") {
            return Err(Error::invalid("subscription_plan_id", "extending by a plan sets the plan already"));
        }
        Ok(())
    }

    /// The change of one row, beginning with that of the columns.
    ///
    /// # Errors
    /// [`Error::Refused`] for days more without an end.
    pub fn of<S: Subscribed>(
        &self,
        mut change: S::Change,
        row: &Subscription,
        now: UnixTime,
    ) -> Result<S::Change> {
        let Self::Change(Changes { add, remove, longer, .. }) = self else { return Ok(change) };
        let sold = S::subscription_change(&mut change);
        if add.is_some() || remove.is_some() {
            let mut bouquets = match &sold.bouquets {
                Given::Absent => row.bouquets.clone(),
                Given::Empty => Vec::new(),
                Given::Value(bouquets) => bouquets.clone(),
            };
            let new = add.filter(|add| !bouquets.contains(add));
            bouquets.extend(new);
            bouquets.retain(|bouquet| Some(*bouquet) != *remove);
            sold.bouquets = Given::Value(bouquets);
        }
        match longer {
            Some(Longer::Days(days)) => {
                let end = row.expire_date.0.ok_or(Refused::NeverExpires)?;
                let later = end.max(now).seconds() + days * 86_400;
                sold.expire_date = Given::Value(Expiry(Some(UnixTime::clamped(later))));
            }
            Some(Longer::Plan(plan)) => sold.subscription_plan_id = Given::Value(Some(*plan)),
            Some(Longer::OwnPlan) | None => {}
        }
        Ok(change)
    }

    /// As JSON; with [`Bulk::action`] it is whole.
    pub fn to_json(&self) -> Value {
        let Self::Change(Changes { columns, add, remove, longer, free, shown }) = self else {
            return json!({});
        };
        let shown = shown.iter().map(|(plan, terms)| json!([plan.0, terms.to_string()]));
        let (days, plan) = match longer {
            Some(Longer::Days(days)) => (Some(*days), None),
            Some(Longer::Plan(plan)) => (None, Some(plan.0)),
            Some(Longer::OwnPlan) | None => (None, None),
        };
        json!({
            "columns": columns.to_json(),
            "add": add.map(|id| id.0),
            "remove": remove.map(|id| id.0),
            "days": days,
            "plan": plan,
            "free": free,
            "shown": shown.collect::<Vec<_>>(),
        })
    }

    /// Back from JSON, also that of an older version; `None` if it is something else.
    pub fn of_json(action: &str, json: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(json).ok()?;
        let number = |name: &str| json[name].as_i64();
        let longer = match action {
            "delete" => return Some(Self::Delete),
            "update" => None,
            "extend" => Some(match (number("days"), number("plan")) {
                (Some(days), _) => Longer::Days(days),
                (None, Some(plan)) => Longer::Plan(PlanId(plan)),
                (None, None) => Longer::OwnPlan,
            }),
            _ => return None,
        };
        Some(Self::Change(Changes {
            columns: KeptFields::of_json(&json["columns"]),
            add: number("add").map(BouquetId),
            remove: number("remove").map(BouquetId),
            longer,
            free: json["free"].as_bool().unwrap_or(false),
            shown: json["shown"].as_array().into_iter().flatten().filter_map(shown).collect(),
        }))
    }
}

fn shown(pair: &Value) -> Option<(PlanId, PlanTerms)> {
    Some((PlanId(pair[0].as_i64()?), PlanTerms::read(pair[1].as_str()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longer(longer: Longer) -> Changes {
        Changes { longer: Some(longer), ..Changes::default() }
    }

    #[test]
    fn each_is_read_back_as_it_was_written() {
        let columns = KeptFields::of_json(&json!({ "notes": "x", "expire_date": null }));
        let set = Changes { columns, add: Some(BouquetId(1)), ..Changes::default() };
        for bulk in [
            Bulk::Change(set.clone()),
            Bulk::Change(Changes { longer: Some(Longer::OwnPlan), ..set }),
            Bulk::Change(longer(Longer::Days(3))),
            Bulk::Change(Changes { free: true, ..longer(Longer::Plan(PlanId(2))) }),
            Bulk::Change(longer(Longer::OwnPlan)),
            Bulk::Delete,
        ] {
            assert_eq!(Bulk::of_json(bulk.action(), &bulk.to_json().to_string()), Some(bulk));
        }
        assert_eq!(Bulk::of_json("move", "{}"), None);
        let before = r#"{"days":null,"plan":2,"free":true}"#;
        let same = Bulk::Change(Changes { free: true, ..longer(Longer::Plan(PlanId(2))) });
        assert_eq!(Bulk::of_json("extend", before), Some(same), "ordered before an upgrade");
    }

    #[test]
    fn what_contradicts_itself_or_changes_nothing_is_refused() {
        let told = |changes| Bulk::Change(changes).check().err().map(|error| error.to_string());
        assert_eq!(told(longer(Longer::Days(7))), None);
        let free = Changes { free: true, ..Changes::default() };
        assert_eq!(told(free).as_deref(), Some("Choose what to change"));
        let columns = |name: &str| KeptFields::of_json(&json!({ name: "1" }));
        assert!(told(Changes { columns: columns("expire_date"), ..longer(Longer::OwnPlan) }).is_some());
        let plan = columns("subscription_plan_id");
        assert!(told(Changes { columns: plan.clone(), ..longer(Longer::Plan(PlanId(1))) }).is_some());
        assert_eq!(told(Changes { columns: plan, ..longer(Longer::OwnPlan) }), None);
    }
}
