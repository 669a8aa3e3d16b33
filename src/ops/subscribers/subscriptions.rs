//! What selling and changing a line or a MAG have in common: plan, price, ceiling, rights.

use crate::{
    domain::{
        Denied, Error, Given, Refused, Resource, Result, Stored,
        fields::time::Expiry,
        ids::ResellerId,
        people::{actor::Actor, reseller::Reseller},
        subscribers::{
            listing::Subscribed,
            plan::{Plan, PlanTerms},
            subscription::{Subscription, SubscriptionChange},
        },
        viewing::session::Viewer,
    },
    ops::Act,
    store::{Read, Table, people::resellers::Cause},
};

/// What a call says beside the columns.
#[derive(Clone, Copy, Debug, Default)]
pub struct SaleOptions {
    /// Add the plan's duration (`data[extend_plan]=1`).
    pub extend: bool,
    /// Charge nothing (`data[free]=1`).
    pub free: bool,
    /// What was shown of the plan to whoever sells it: it is refused if that is another by now.
    pub terms: Option<PlanTerms>,
}

impl SaleOptions {
    fn check_terms(&self, plan: &Plan) -> Result<()> {
        match self.terms.and_then(|shown| shown.changed_to(&PlanTerms::of(plan))) {
            Some(changed) => Err(Refused::TermsChanged(changed).into()),
            None => Ok(()),
        }
    }
}

/// Creates a line or a MAG: plan, ceiling and price included.
///
/// # Errors
/// [`Error::Missing`], [`Error::Taken`], [`Error::NoSuch`], [`Error::Denied`], [`Error::NotEnoughCredits`],
/// [`Error::Refused`] over the ceiling.
pub fn create<S: Subscribed + Table>(
    act: &Act<'_>,
    mut change: S::Change,
    wishes: SaleOptions,
) -> Result<(S::Id, S)> {
    check_rights::<S>(act, &mut change, wishes)?;
    let sold = S::subscription_change(&mut change);
    check_zero::<S>(act, sold)?;
    check_reference::<S>(act, sold, None)?;
    if let Some(own) = act.actor.reseller() {
        if !matches!(sold.subscription_plan_id.value(), Some(Some(_))) {
            return Err(Error::Missing("subscription_plan_id"));
        }
        sold.reseller_id = Given::Value(Some(own));
    }
    if let Some(Some(plan)) = sold.subscription_plan_id.value() {
        let plan = act.find::<Plan>(*plan)?;
        wishes.check_terms(&plan.record)?;
        if let Some(own) = act.actor.reseller() {
            check_sale(&plan.record)?;
            count_trial(act, own, &plan.record)?;
        }
        sold.fill_from(&plan.record, act.now, &act.settings.time_zone.zone());
    }
    let (id, record) = act.create::<S>(change)?;
    check_ceiling(act, None, record.subscription())?;
    charge(act, record.subscription(), S::viewer(id), "sale", wishes)?;
    Ok((id, record))
}

/// What was paid for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// By whom.
    pub reseller: ResellerId,
    /// How many credits.
    pub credits: i64,
}

/// Changes a row, and extends it if that is wished.
///
/// # Errors
/// As [`create`].
pub fn update<S: Subscribed + Table>(
    act: &Act<'_>,
    before: &Stored<S>,
    change: S::Change,
    wishes: SaleOptions,
) -> Result<S> {
    update_paying(act, before, change, wishes).map(|(after, _)| after)
}

/// The same, with what was paid.
///
/// # Errors
/// As [`create`].
pub(super) fn update_paying<S: Subscribed + Table>(
    act: &Act<'_>,
    before: &Stored<S>,
    mut change: S::Change,
    wishes: SaleOptions,
) -> Result<(S, Option<Payment>)> {
    let old = before.record.subscription();
    act.actor.may_reach(S::RESOURCE, old.reseller_id)?;
    act.check_seen(before)?;
    check_rights::<S>(act, &mut change, wishes)?;
    let sold = S::subscription_change(&mut change);
    check_zero::<S>(act, sold)?;
    check_reference::<S>(act, sold, Some(S::viewer(before.id)))?;
    if act.actor.reseller().is_some() {
        check_resellers_extension(act, old, sold, wishes)?;
    }
    if wishes.extend && sold.expire_date != Given::Absent {
        return Err(Error::invalid("extend_plan", "not together with expire_date: send one of them"));
    }
    let says_trial = sold.is_trial != Given::Absent;
    let mut after = act.updated(before, change)?;
    if wishes.extend {
        extend(act, after.subscription_mut(), says_trial, wishes)?;
    }
    act.replace(before, &after)?;
    act.actor.may_reach(S::RESOURCE, after.subscription().reseller_id)?;
    check_ceiling(act, Some(old), after.subscription())?;
    let payment = if wishes.extend {
        charge(act, after.subscription(), S::viewer(before.id), "extension", wishes)?
    } else {
        None
    };
    Ok((after, payment))
}

/// Deletes a row.
///
/// # Errors
/// [`Error::NoSuch`] for somebody else's.
pub fn delete<S: Subscribed + Table>(act: &Act<'_>, row: &Stored<S>) -> Result<S::Id> {
    act.actor.may_reach(S::RESOURCE, row.record.subscription().reseller_id)?;
    act.delete(row)?;
    Ok(row.id)
}

/// The row of that id, if the actor may reach it.
///
/// # Errors
/// [`Error::NoSuch`], also for somebody else's.
pub(in crate::ops) fn reach<S: Subscribed + Table>(
    read: &Read<'_>,
    actor: &Actor,
    id: S::Id,
) -> Result<Stored<S>> {
    let row = read.by_id::<S>(id)?.ok_or(Error::no_such(S::RESOURCE))?;
    actor.may_reach(S::RESOURCE, row.record.subscription().reseller_id)?;
    Ok(row)
}

/// Adds the plan's duration to the end of `subscription`; who goes on with a plan that is no trial is none either,
/// unless the call itself says.
fn extend(
    act: &Act<'_>,
    subscription: &mut Subscription,
    says_trial: bool,
    wishes: SaleOptions,
) -> Result<()> {
    let Some(plan) = subscription.subscription_plan_id else {
        return Err(Error::invalid("extend_plan", "needs a subscription plan, and there is none"));
    };
    let plan = act.find::<Plan>(plan)?;
    wishes.check_terms(&plan.record)?;
    let end = subscription.extended(&plan.record, act.now, &act.settings.time_zone.zone());
    let end = end.ok_or(Error::invalid("extend_plan", "it never expires, there is nothing to extend"))?;
    if end == subscription.expire_date {
        return Err(Error::invalid("extend_plan", "it ends at the last second of the year 9999 already"));
    }
    subscription.expire_date = end;
    subscription.is_trial &= says_trial || plan.record.is_trial;
    Ok(())
}

/// A reseller's people change the plan only with an extension that is paid, and only once the old one
/// has ended: a cheap day of a richer plan would else enrich the months that are left.
fn check_resellers_extension(
    act: &Act<'_>,
    before: &Subscription,
    change: &SubscriptionChange,
    wishes: SaleOptions,
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
    let plan = act.find::<Plan>(plan)?.record;
    if plan.is_trial {
        return Err(Error::invalid(
            "subscription_plan_id",
            "a trial cannot be extended: choose another plan",
        ));
    }
    check_sale(&plan)
}

/// A reseller's people sell and extend with the plans that are for them.
fn check_sale(plan: &Plan) -> Result<()> {
    if plan.for_resellers {
        return Ok(());
    }
    Err(Error::invalid("subscription_plan_id", "this plan is not sold by resellers: choose another"))
}

/// Books a trial that a reseller's people sell, and refuses it beyond what they may sell in a day of the panel's zone.
fn count_trial(act: &Act<'_>, own: ResellerId, plan: &Plan) -> Result<()> {
    if !plan.is_trial {
        return Ok(());
    }
    let today = act.now.midnight(&act.settings.time_zone.zone());
    act.find::<Reseller>(own)?.record.allows_trial(act.tx.trials_sold(own, today)?)?;
    act.tx.count_trial(own, today)
}

/// PHP's `strtotime` answers false where it fails, which is sent as 0: by contract a line for ever.
fn check_zero<S: Subscribed>(act: &Act<'_>, change: &SubscriptionChange) -> Result<()> {
    if act.settings.refuse_zero_expiry && change.expire_date == Given::Value(Expiry(None)) {
        let rule = format!(
            "0 would be a {} for ever, which the setting refuse_zero_expiry forbids: send it empty if that is meant",
            if S::RESOURCE == Resource::Mag { "MAG" } else { "line" }
        );
        return Err(Error::invalid("expire_date", rule));
    }
    Ok(())
}

/// Before everything else about the row: a sale that is repeated after days is told that it was done.
fn check_reference<S: Subscribed>(
    act: &Act<'_>,
    change: &SubscriptionChange,
    own: Option<Viewer>,
) -> Result<()> {
    let Some(Some(reference)) = change.reference.value() else { return Ok(()) };
    match act.tx.holder_of(reference)? {
        Some(holder) if Some(holder) != own => {
            Err(Error::Taken { resource: S::RESOURCE, field: "reference" })
        }
        _ => Ok(()),
    }
}

fn check_rights<S: Subscribed>(act: &Act<'_>, change: &mut S::Change, wishes: SaleOptions) -> Result<()> {
    if act.actor.reseller().is_some()
        && let Some(field) = S::first_operator_only_field(change)
    {
        return Err(Denied::FieldIsOperators(field).into());
    }
    if S::subscription_change(change).banned != Given::Absent {
        act.actor.may_ban()?;
    }
    if wishes.free { act.actor.may_waive_price() } else { Ok(()) }
}

/// A ceiling that was lowered below what is sold already stops only what adds to it.
pub(super) fn check_ceiling(
    act: &Act<'_>,
    before: Option<&Subscription>,
    after: &Subscription,
) -> Result<()> {
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
    sold: Viewer,
    reason: &'static str,
    wishes: SaleOptions,
) -> Result<Option<Payment>> {
    let (Some(reseller), Some(plan)) = (subscription.reseller_id, subscription.subscription_plan_id) else {
        return Ok(None);
    };
    let seller = act.find::<Reseller>(reseller)?.record;
    let Some(payment) = act.find::<Plan>(plan)?.record.credits.payment() else { return Ok(None) };
    if !seller.use_credits || wishes.free {
        return Ok(None);
    }
    let (line, mag) = match sold {
        Viewer::Line(id) => (Some(id), None),
        Viewer::Mag(id) => (None, Some(id)),
    };
    let cause = Cause { reason, actor: act.actor.name(), line, mag, plan: Some(plan), ..Cause::default() };
    let after = act.tx.move_credits(reseller, payment, cause, act.now)?.get();
    act.tell_credits(reseller, seller.name.as_str(), after - payment.get(), after)?;
    Ok(Some(Payment { reseller, credits: -payment.get() }))
}
