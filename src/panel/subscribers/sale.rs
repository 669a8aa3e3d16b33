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
        sent::Sent,
        show,
    },
    At, Kind, find,
    plans::lasts,
};
use crate::{
    domain::{
        Error, Given, Result, Stored,
        ids::Id,
        people::rights::Access,
        subscribers::{plan::Plan, subscription::Subscription},
    },
    ops::{
        clock,
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
    /// The form.
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
    let Some(mut change) = form.read::<S::Change>(sent) else {
        return shown(caller, form.status(), &row, form);
    };
    if S::subscription_change(&mut change).subscription_plan_id == Given::Empty {
        form.refuse(&Error::Missing("subscription_plan_id"));
        return shown(caller, StatusCode::UNPROCESSABLE_ENTITY, &row, form);
    }
    let wishes = SaleOptions { extend: true, free: sent.text("free") == "1" };
    let seen = Some(row.updated_at);
    let job = move |act: &crate::ops::Act<'_>| {
        accounts::change::<S>(&act.seeing(seen), row.id, change.clone(), wishes)
    };
    match caller.ops.write(caller.actor().clone(), action(S::RESOURCE, "extend"), job).await {
        Ok(record) => {
            let end = record.subscription().expire_date.0;
            let end = end.map(|end| end.named(&zone(caller))).unwrap_or_default();
            Ok(done(&S::href(row.id), &format!("{} was extended until {end}.", record.name())))
        }
        Err(error) => {
            let status = form.refused(error)?;
            shown(caller, status, &row, form)
        }
    }
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
    let form = form.resting_on("present_end", "its end", end);
    Ok(form.section("", inputs).cancel(S::href(row.id)))
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
    Ok(caller.page_with(status, &SalePage { frame, balance, problem, form }))
}

fn zone(caller: &Caller) -> TimeZone {
    caller.ops.snapshot().settings.time_zone.zone()
}
