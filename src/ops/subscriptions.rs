//! What selling and changing a line or a MAG have in common: plan, price, ceiling, rights.

use super::Act;
use crate::{
    domain::{
        Error, Given, Resource, Result, Stored,
        ids::{LineId, MagId},
        plan::Plan,
        reseller::Reseller,
        subscription::{Subscription, SubscriptionChange},
    },
    store::resellers::Cause,
};

/// What a call says beside the columns.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// Add the plan's duration (`data[extend_plan]=1`).
    pub extend: bool,
    /// Charge nothing (`data[free]=1`).
    pub free: bool,
}

/// What was sold.
#[derive(Clone, Copy)]
pub(super) enum Sold {
    Line(LineId),
    Mag(MagId),
}

/// Before a creation: the caller's rights, and what the plan gives to fields that were left out.
pub(super) fn before_create(act: &Act<'_>, change: &mut SubscriptionChange, wishes: Wishes) -> Result<()> {
    check_rights(act, change, wishes)?;
    if let Some(own) = act.actor.reseller() {
        if !matches!(change.subscription_plan_id.value(), Some(Some(_))) {
            return Err(Error::Missing("subscription_plan_id"));
        }
        change.reseller_id = Given::Value(Some(own));
    }
    if let Some(Some(plan)) = change.subscription_plan_id.value() {
        let plan = act.find::<Plan>(*plan)?;
        change.fill_from(&plan.record, act.now, &act.settings.time_zone.zone());
    }
    Ok(())
}

/// After a creation: the reseller's ceiling and the price.
pub(super) fn after_create(
    act: &Act<'_>,
    subscription: &Subscription,
    sold: Sold,
    wishes: Wishes,
) -> Result<()> {
    check_ceiling(act, None, subscription)?;
    charge(act, subscription, sold, "sale", wishes)
}

/// The subscription after a change, extended if that is wished.
pub(super) fn before_update(
    act: &Act<'_>,
    resource: Resource,
    before: &Subscription,
    change: &SubscriptionChange,
    wishes: Wishes,
) -> Result<()> {
    act.actor.may_reach(resource, before.reseller_id)?;
    check_rights(act, change, wishes)?;
    if act.actor.reseller().is_some() {
        check_resellers_extension(act, before, change, wishes)?;
    }
    if wishes.extend && change.expire_date != Given::Absent {
        return Err(Error::invalid("extend_plan", "not together with expire_date: send one of them"));
    }
    Ok(())
}

/// Adds the plan's duration to the end of `subscription`.
pub(super) fn extend(act: &Act<'_>, subscription: &mut Subscription) -> Result<()> {
    let Some(plan) = subscription.subscription_plan_id else {
        return Err(Error::invalid("extend_plan", "needs a subscription plan: set subscription_plan_id"));
    };
    let plan = act.find::<Plan>(plan)?;
    let end = subscription.extended(&plan.record, act.now, &act.settings.time_zone.zone());
    let end = end.ok_or(Error::invalid("extend_plan", "it never expires, there is nothing to extend"))?;
    if end == subscription.expire_date {
        return Err(Error::invalid("extend_plan", "it ends at the last second of the year 9999 already"));
    }
    subscription.expire_date = end;
    Ok(())
}

/// After a change: who may own it, the reseller's ceiling, and the price of an extension.
pub(super) fn after_update(
    act: &Act<'_>,
    resource: Resource,
    before: &Subscription,
    after: &Subscription,
    sold: Sold,
    wishes: Wishes,
) -> Result<()> {
    act.actor.may_reach(resource, after.reseller_id)?;
    check_ceiling(act, Some(before), after)?;
    if wishes.extend { charge(act, after, sold, "extension", wishes) } else { Ok(()) }
}

/// A reseller's people change the plan only with an extension that is paid, and only once the old one
/// has ended: a cheap day of a richer plan would else enrich the months that are left.
fn check_resellers_extension(
    act: &Act<'_>,
    before: &Subscription,
    change: &SubscriptionChange,
    wishes: Wishes,
) -> Result<()> {
    let plan = match change.subscription_plan_id {
        Given::Absent => before.subscription_plan_id,
        Given::Empty => None,
        Given::Value(plan) => plan,
    };
    if plan != before.subscription_plan_id && !(wishes.extend && before.expire_date.is_over(act.now)) {
        return Err(Error::invalid("subscription_plan_id", "can be changed once the present plan has ended"));
    }
    let Some(plan) = plan.filter(|_| wishes.extend) else { return Ok(()) };
    if act.find::<Plan>(plan)?.record.is_trial {
        return Err(Error::invalid(
            "subscription_plan_id",
            "a trial cannot be extended: choose another plan",
        ));
    }
    Ok(())
}

fn check_rights(act: &Act<'_>, change: &SubscriptionChange, wishes: Wishes) -> Result<()> {
    if act.actor.reseller().is_some()
        && let Some(field) = change.operators_own()
    {
        return Err(Error::Denied(format!("{field} is set by the operator")));
    }
    if change.banned != Given::Absent {
        act.actor.may_ban()?;
    }
    if wishes.free { act.actor.may_waive_price() } else { Ok(()) }
}

/// A ceiling that was lowered below what is sold already stops only what adds to it.
fn check_ceiling(act: &Act<'_>, before: Option<&Subscription>, after: &Subscription) -> Result<()> {
    let Some(reseller) = after.reseller_id else { return Ok(()) };
    let adds = before.is_none_or(|before| {
        before.reseller_id != after.reseller_id
            || before.max_allowed_connections != after.max_allowed_connections
    });
    let row: Stored<Reseller> = act.find(reseller)?;
    if !adds || row.record.max_allowed_connections.get() == 0 {
        return Ok(());
    }
    let lower = before.is_some_and(|before| {
        let (old, new) = (before.max_allowed_connections.get(), after.max_allowed_connections.get());
        before.reseller_id == after.reseller_id && new != 0 && (old == 0 || new <= old)
    });
    if lower { Ok(()) } else { row.record.allows(act.tx.held(reseller)?) }
}

fn charge(
    act: &Act<'_>,
    subscription: &Subscription,
    sold: Sold,
    reason: &'static str,
    wishes: Wishes,
) -> Result<()> {
    let (Some(reseller), Some(plan)) = (subscription.reseller_id, subscription.subscription_plan_id) else {
        return Ok(());
    };
    let pays = act.find::<Reseller>(reseller)?.record.use_credits && !wishes.free;
    let Some(payment) = act.find::<Plan>(plan)?.record.credits.payment() else { return Ok(()) };
    if !pays {
        return Ok(());
    }
    let (line, mag) = match sold {
        Sold::Line(id) => (Some(id), None),
        Sold::Mag(id) => (None, Some(id)),
    };
    let cause = Cause { reason, actor: act.actor.name(), line, mag, plan: Some(plan) };
    act.tx.move_credits(reseller, payment, cause, act.now)?;
    Ok(())
}
