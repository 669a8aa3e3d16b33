//! One change of many lines or MAGs.

use super::{listing::Subscribed, subscription::Subscription};
use crate::domain::{
    Error, Given, Refused, Result,
    fields::{
        number::Connections,
        time::{Expiry, UnixTime},
    },
    ids::{BouquetId, PlanId, ResellerId},
};

/// What is to happen to every row; what is not given stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MassEdit {
    /// So many days more, from the present end or from now if that is over.
    pub more_days: Option<u16>,
    /// The duration of this plan more; it becomes theirs.
    pub extend_plan: Option<PlanId>,
    /// Nobody pays for that.
    pub free: bool,
    /// Another end.
    pub expire_date: Option<Expiry>,
    /// Another plan, or none.
    #[allow(clippy::option_option, reason = "unchanged, none, or one")]
    pub plan: Option<Option<PlanId>>,
    /// Another reseller, or none.
    #[allow(clippy::option_option, reason = "unchanged, none, or one")]
    pub reseller: Option<Option<ResellerId>>,
    /// Another limit.
    pub connections: Option<Connections>,
    /// Switched off or on.
    pub disabled: Option<bool>,
    /// Switched off or on by the operator.
    pub banned: Option<bool>,
    /// One bouquet more.
    pub add_bouquet: Option<BouquetId>,
    /// One bouquet less.
    pub remove_bouquet: Option<BouquetId>,
    /// They go; nothing else is looked at then.
    pub delete: bool,
}

impl MassEdit {
    /// Refuses what contradicts itself or changes nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field, [`Error::Refused`] if there is nothing to do.
    pub fn check(&self) -> Result<()> {
        let ends = [self.more_days.is_some(), self.extend_plan.is_some(), self.expire_date.is_some()];
        if ends.into_iter().filter(|end| *end).count() > 1 {
            return Err(Error::invalid("expire_date", "choose one way to set the end"));
        }
        if self.extend_plan.is_some() && self.plan.is_some() {
            return Err(Error::invalid("subscription_plan_id", "extending by a plan sets the plan already"));
        }
        if self.delete && *self != (Self { delete: true, ..Self::default() }) {
            return Err(Error::invalid("delete", "not together with another change"));
        }
        if *self == (Self { free: self.free, ..Self::default() }) {
            return Err(Refused::NothingToChange.into());
        }
        Ok(())
    }

    /// The change of one row.
    ///
    /// # Errors
    /// [`Error::Refused`] for days more without an end.
    pub fn of<S: Subscribed>(&self, row: &Subscription, now: UnixTime) -> Result<S::Change> {
        let mut change = S::Change::default();
        let sold = S::subscription_change(&mut change);
        let given = |flag: Option<bool>| flag.map_or(Given::Absent, Given::Value);
        if let Some(days) = self.more_days {
            let end = row.expire_date.0.ok_or(Refused::NeverExpires)?;
            let later = end.max(now).seconds() + i64::from(days) * 86_400;
            sold.expire_date = Given::Value(Expiry(Some(UnixTime::clamped(later))));
        }
        if let Some(end) = self.expire_date {
            sold.expire_date = Given::Value(end);
        }
        if let Some(plan) = self.plan.or(self.extend_plan.map(Some)) {
            sold.subscription_plan_id = Given::Value(plan);
        }
        sold.reseller_id = self.reseller.map_or(Given::Absent, Given::Value);
        sold.max_allowed_connections = self.connections.map_or(Given::Absent, Given::Value);
        (sold.disabled, sold.banned) = (given(self.disabled), given(self.banned));
        if self.add_bouquet.is_some() || self.remove_bouquet.is_some() {
            let mut bouquets = row.bouquets.clone();
            bouquets.extend(self.add_bouquet.filter(|add| !row.bouquets.contains(add)));
            bouquets.retain(|bouquet| Some(*bouquet) != self.remove_bouquet);
            sold.bouquets = Given::Value(bouquets);
        }
        Ok(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(edit: MassEdit) -> Option<String> {
        edit.check().err().map(|error| error.to_string())
    }

    #[test]
    fn what_contradicts_itself_or_changes_nothing_is_refused() {
        let days = MassEdit { more_days: Some(7), ..MassEdit::default() };
        assert_eq!(refusal(days.clone()), None);
        assert_eq!(refusal(MassEdit { delete: true, ..MassEdit::default() }), None);
        assert_eq!(
            refusal(MassEdit { free: true, ..MassEdit::default() }).as_deref(),
            Some("Choose what to change")
        );
        assert!(refusal(MassEdit { delete: true, ..days.clone() }).is_some());
        assert!(refusal(MassEdit { expire_date: Some(Expiry(None)), ..days }).is_some());
        let plans = MassEdit { extend_plan: Some(PlanId(1)), plan: Some(None), ..MassEdit::default() };
        assert!(refusal(plans).is_some());
    }
}
