//! Plans to choose from with their prices, and extending.

use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;
use jiff::tz::TimeZone;

use super::{
    super::kit::{
        caller::{Caller, action, anew, done},
        error::Reply,
        form::{Choice, Form, Input, Widget},
        frame::Frame,
        seen::{self, SeenMarks},
        sent::Sent,
        show,
    },
    At, Kind, find,
    plans::lasts,
};
use crate::{
    domain::{
        Error, Given, Result, Stored,
        ids::{Id, PlanId},
        people::rights::Access,
        subscribers::{
            plan::{Plan, PlanTerms},
            subscription::{Subscription, SubscriptionChange},
        },
    },
    ops::{
        clock,
        slips::FormOutcome,
        subscribers::accounts::{self, Account, SaleOptions},
    },
};

/// A form with what it costs above it.
#[derive(Template)]
#[template(path = "sale.html")]
pub struct SalePage {
    /// What surrounds it.
    pub frame: Frame,
    /// Who pays, and out of which balance; empty if nobody does.
    pub balance: String,
    /// Why nothing can be sold; empty if something can.
    pub problem: String,
    pub form: Form,
}

/// The account that pays for what the caller sells; of the operator's people, that of the line's reseller.
pub fn payer(caller: &Caller, subscription: Option<&Subscription>) -> Result<Option<Account>> {
    let of = caller.reseller().or(subscription.and_then(|sold| sold.reseller_id));
    match of.map(|of| caller.ops.account(caller.actor(), of)) {
        None | Some(Err(Error::Denied(_))) => Ok(None),
        Some(account) => account.map(Some),
    }
}

/// A plan with its price and the balance after; one that is not covered cannot be chosen.
pub fn choice(plan: &Stored<Plan>, account: Option<&Account>, until: Option<String>) -> Choice {
    let price = plan.record.credits.get();
    let until = until.map(|until| format!(", until {until}")).unwrap_or_default();
    let name = format!("{} ({}{until})", plan.record.name.as_str(), lasts(&plan.record));
    let (told, barred) = match account.filter(|account| account.reseller.use_credits && price > 0) {
        None if price == 0 || account.is_some() => (String::new(), false),
        None => (format!(": {}", credits(price)), false),
        Some(account) => match account.after(&plan.record) {
            Some(rest) => (format!(": {}, leaves {}", credits(price), show::number(rest.get())), false),
            None => (format!(": {}, the balance does not cover it", credits(price)), true),
        },
    };
    Choice { barred, ..Choice::new(plan.id.number(), format!("{name}{told}")) }
}

/// What a form shows of plans that can be chosen: their terms, by which [`agreed`] knows them again.
pub fn shown_terms(plans: &[Stored<Plan>]) -> Vec<(String, String)> {
    plans.iter().map(|plan| (told_by(plan.id), PlanTerms::of(&plan.record).to_string())).collect()
}

fn told_by(plan: PlanId) -> String {
    format!("plan-{}", plan.number())
}

/// The terms that the form showed of the plan that was chosen; `Err` if it does not tell, and says so then.
pub fn agreed(form: &mut Form, sent: &Sent, change: &SubscriptionChange) -> Result<Option<PlanTerms>, ()> {
    let Some(Some(plan)) = change.subscription_plan_id.value() else { return Ok(None) };
    let plan = told_by(*plan);
    let terms = SeenMarks::of(sent).mark(&plan).and_then(PlanTerms::read);
    // What is not offered at all is refused with the reason by the sale itself.
    if terms.is_none() && form.shows(&plan) {
        form.stale(seen::UNTOLD);
        return Err(());
    }
    Ok(terms)
}

/// Who pays, as forms say it.
fn payer_named(account: Option<&Account>) -> String {
    let payer = account.filter(|account| account.reseller.use_credits);
    payer.map_or("nobody".into(), |account| account.reseller.name.as_str().to_owned())
}

/// Resting on who pays: a reseller that is to pay meanwhile was not shown the price.
pub fn resting_on_payer(form: Form, account: Option<&Account>) -> Form {
    form.resting_on("payer", "who pays", payer_named(account))
}

/// What is said of an account above a form, and why nothing can be sold.
pub fn told(account: Option<&Account>, plans: &[Choice]) -> (String, String) {
    let Some(account) = account.filter(|account| account.reseller.use_credits) else {
        return Default::default();
    };
    let balance = format!("{} has {}.", account.reseller.name.as_str(), credits(account.credits.get()));
    let nothing = !plans.is_empty() && plans.iter().all(|plan| plan.barred);
    let problem =
        if nothing { "The balance covers none of these plans: ask the operator for credits." } else { "" };
    (balance, problem.into())
}

fn credits(number: i64) -> String {
    show::many(number, "credit")
}

/// The form that extends.
pub async fn ask<S: Kind>(caller: Caller, id: At) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let row = find::<S>(&caller, &id)?;
    let form = form(&caller, &row).await?;
    shown(&caller, StatusCode::OK, &row, form)
}

/// Extends.
pub async fn extend<S: Kind>(caller: Caller, id: At, sent: Sent) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    anew(async || extend_once::<S>(&caller, &id, &sent).await).await
}

async fn extend_once<S: Kind>(caller: &Caller, id: &str, sent: &Sent) -> Reply {
    let row = find::<S>(caller, id)?;
    let mut form = form(caller, &row).await?;
    let read = form.read::<S::Change>(sent);
    // The same form again, by a second press or a reload, is no change by somebody else.
    if form.status() == StatusCode::CONFLICT && caller.made(sent).await.is_ok_and(|made| made.is_some()) {
        return Ok(extended(caller, row.id, &row.record, "was extended already,"));
    }
    let Some(mut change) = read else {
        return shown(caller, form.status(), &row, form);
    };
    if S::subscription_change(&mut change).subscription_plan_id == Given::Empty {
        form.refuse(&Error::Missing("subscription_plan_id"));
        return shown(caller, StatusCode::UNPROCESSABLE_ENTITY, &row, form);
    }
    let Ok(terms) = agreed(&mut form, sent, S::subscription_change(&mut change)) else {
        return shown(caller, form.status(), &row, form);
    };
    let wishes = SaleOptions { extend: true, free: sent.text("free") == "1", terms };
    let seen = Some(row.updated_at);
    let job = move |act: &crate::ops::Act<'_>| {
        let record = accounts::change::<S>(&act.seeing(seen), row.id, change.clone(), wishes)?;
        Ok((row.id.number(), record))
    };
    match caller.make(sent, action(S::RESOURCE, "extend"), job).await {
        Ok(FormOutcome { now: Some(record), .. }) => Ok(extended(caller, row.id, &record, "was extended")),
        Ok(FormOutcome { now: None, .. }) => {
            let record = find::<S>(caller, id)?.record;
            Ok(extended(caller, row.id, &record, "was extended already,"))
        }
        Err(error) => {
            let status = form.refused(error)?;
            shown(caller, status, &row, form)
        }
    }
}

fn extended<S: Kind>(caller: &Caller, id: S::Id, record: &S, was: &str) -> HttpResponse {
    let end = record.subscription().expire_date.0;
    let end = end.map(|end| end.named(&zone(caller))).unwrap_or_default();
    done(&S::href(id), &format!("{} {was} until {end}.", record.name()))
}

async fn form<S: Kind>(caller: &Caller, row: &Stored<S>) -> Result<Form> {
    let (sold, now, zone) = (row.record.subscription(), clock::now(), zone(caller));
    let account = payer(caller, Some(sold))?;
    let present = sold.subscription_plan_id;
    let mut plans = caller.ops.plans_for_sale(caller.actor()).await?;
    if caller.reseller().is_some() {
        // A reseller's people change the plan once it has ended, and extend no trial.
        plans.retain(|plan| {
            !plan.record.is_trial && (Some(plan.id) == present || sold.expire_date.is_over(now))
        });
    }
    let until = |plan: &Plan| {
        let end = sold.extended(plan, now, &zone)?.0?;
        Some(end.local(&zone).get(..16).unwrap_or_default().to_owned())
    };
    let choices: Vec<Choice> =
        plans.iter().map(|plan| choice(plan, account.as_ref(), until(&plan.record))).collect();
    let chosen = present.filter(|present| plans.iter().any(|plan| plan.id == *present));
    let chosen = chosen.or(plans.first().map(|plan| plan.id)).map(|plan| plan.number().to_string());
    let help = if caller.reseller().is_some() {
        "Another plan can be chosen once the current one has ended. Trials are not extended."
    } else {
        "Its duration is added to the current end date, or to now if that has passed."
    };
    let help = format!("{help} Times are in {}.", caller.ops.snapshot().settings.time_zone.as_str());
    let plan = Input::new("subscription_plan_id", "Plan", Widget::Radios(choices)).required().help(help);
    let mut inputs = vec![plan.value(chosen.unwrap_or_default())];
    if pays_nothing_is_offered(caller, account.as_ref()) {
        inputs.push(free());
    }
    let form =
        Form::new(format!("{}/extend", S::href(row.id)), "Extend", &caller.ops.snapshot().settings.time_zone);
    // Sent twice, or after somebody else's extension, it would add the time once more.
    let end = sold.expire_date.0.map_or("never".into(), |end| end.named(&zone));
    let form = resting_on_payer(form.resting_on("present_end", "its end", end), account.as_ref());
    form.showing(shown_terms(&plans)).section("", inputs).cancel(S::href(row.id)).once()
}

/// Whether there is a price to waive, and somebody who may.
fn pays_nothing_is_offered(caller: &Caller, account: Option<&Account>) -> bool {
    account.is_some_and(|account| account.reseller.use_credits) && caller.actor().may_waive_price().is_ok()
}

/// The switch that waives the price.
pub fn free() -> Input {
    Input::new("free", "Charge nothing", Widget::Flag).help("The reseller pays no credits for it.")
}

fn shown<S: Kind>(caller: &Caller, status: StatusCode, row: &Stored<S>, form: Form) -> Reply<HttpResponse> {
    let sold = row.record.subscription();
    let account = payer(caller, Some(sold))?;
    let choices = match form.sections.first().and_then(|section| section.inputs.first()) {
        Some(Input { widget: Widget::Radios(choices), .. }) => choices.as_slice(),
        _ => &[],
    };
    let (balance, problem) = told(account.as_ref(), choices);
    let problem = match (sold.expire_date.0, choices) {
        (None, _) => "It never expires: there is nothing to extend.".into(),
        (_, []) => "There is no plan to extend it with: sell a new one instead, or ask the operator.".into(),
        _ => problem,
    };
    let frame = caller.frame(format!("Extend {}", row.record.name()));
    let once = form.makes_once();
    Ok(caller.page_with_form(status, once, &SalePage { frame, balance, problem, form }))
}

fn zone(caller: &Caller) -> TimeZone {
    caller.ops.snapshot().settings.time_zone.zone()
}
