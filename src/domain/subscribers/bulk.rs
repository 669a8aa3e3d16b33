//! What a batch does to each of its lines or MAGs, in a form that outlives a restart.

use serde_json::{Value, json};

use super::{listing::Subscribed, subscription::Subscription};
use crate::domain::{
    Given, Refused, Result,
    fields::time::{Expiry, UnixTime},
    ids::{BouquetId, PlanId},
    kept_fields::KeptFields,
};

/// What is to happen to every row.
#[derive(Clone, Debug, PartialEq)]
pub enum Bulk {
    /// Columns are set, and bouquets added and removed.
    Update {
        /// The columns, as they were given.
        columns: KeptFields,
        /// One of its own bouquets more.
        add: Option<BouquetId>,
        /// One of its own bouquets less.
        remove: Option<BouquetId>,
    },
    /// The end moves.
    Extend {
        /// By what.
        by: Longer,
        /// Nobody pays for that.
        free: bool,
    },
    /// They go.
    Delete,
}

/// How much longer a row lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Longer {
    /// So many days, from the present end or from now if that is over; free.
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
            Self::Update { .. } => "update",
            Self::Extend { .. } => "extend",
            Self::Delete => "delete",
        }
    }

    /// Whether a plan's duration is added, and its price is due.
    pub fn extends_by_plan(&self) -> bool {
        matches!(self, Self::Extend { by: Longer::Plan(_) | Longer::OwnPlan, .. })
    }

    /// Whether nobody is to pay.
    pub fn is_free(&self) -> bool {
        matches!(self, Self::Extend { free: true, .. })
    }

    /// The columns that are set.
    pub fn columns(&self) -> KeptFields {
        match self {
            Self::Update { columns, .. } => columns.clone(),
            Self::Extend { .. } | Self::Delete => KeptFields::default(),
        }
    }

    /// Refuses what changes nothing.
    ///
    /// # Errors
    /// [`crate::domain::Error::Refused`].
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Update { columns, add: None, remove: None } if columns.is_empty() => {
                Err(Refused::NothingToChange.into())
            }
            _ => Ok(()),
        }
    }

    /// The change of one row, beginning with that of the columns.
    ///
    /// # Errors
    /// [`crate::domain::Error::Refused`] for days more without an end.
    pub fn of<S: Subscribed>(
        &self,
        mut change: S::Change,
        row: &Subscription,
        now: UnixTime,
    ) -> Result<S::Change> {
        let sold = S::subscription_change(&mut change);
        match self {
            Self::Update { add, remove, .. } if add.is_some() || remove.is_some() => {
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
            Self::Extend { by: Longer::Days(days), .. } => {
                let end = row.expire_date.0.ok_or(Refused::NeverExpires)?;
                let later = end.max(now).seconds() + days * 86_400;
                sold.expire_date = Given::Value(Expiry(Some(UnixTime::clamped(later))));
            }
            Self::Extend { by: Longer::Plan(plan), .. } => {
                sold.subscription_plan_id = Given::Value(Some(*plan));
            }
            Self::Update { .. } | Self::Extend { by: Longer::OwnPlan, .. } | Self::Delete => {}
        }
        Ok(change)
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Update { columns, add, remove } => json!({
                "columns": columns.to_json(),
                "add": add.map(|id| id.0),
                "remove": remove.map(|id| id.0),
            }),
            Self::Extend { by, free } => {
                let (days, plan) = match by {
                    Longer::Days(days) => (Some(*days), None),
                    Longer::Plan(plan) => (None, Some(plan.0)),
                    Longer::OwnPlan => (None, None),
                };
                json!({ "days": days, "plan": plan, "free": free })
            }
            Self::Delete => json!({}),
        }
    }

    /// Back from JSON; `None` if it is another.
    pub fn of_json(action: &str, json: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(json).ok()?;
        let number = |name: &str| json[name].as_i64();
        match action {
            "update" => Some(Self::Update {
                columns: KeptFields::of_json(&json["columns"]),
                add: number("add").map(BouquetId),
                remove: number("remove").map(BouquetId),
            }),
            "extend" => Some(Self::Extend {
                by: match (number("days"), number("plan")) {
                    (Some(days), _) => Longer::Days(days),
                    (None, Some(plan)) => Longer::Plan(PlanId(plan)),
                    (None, None) => Longer::OwnPlan,
                },
                free: json["free"].as_bool()?,
            }),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_read_back_as_it_was_written() {
        let columns = KeptFields::of_json(&json!({ "notes": "x", "expire_date": null }));
        for bulk in [
            Bulk::Update { columns, add: Some(BouquetId(1)), remove: None },
            Bulk::Extend { by: Longer::Days(3), free: false },
            Bulk::Extend { by: Longer::Plan(PlanId(2)), free: true },
            Bulk::Extend { by: Longer::OwnPlan, free: false },
            Bulk::Delete,
        ] {
            assert_eq!(Bulk::of_json(bulk.action(), &bulk.to_json().to_string()), Some(bulk));
        }
        assert_eq!(Bulk::of_json("move", "{}"), None);
    }
}
