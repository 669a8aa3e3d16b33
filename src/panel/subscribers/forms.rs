//! Creating and editing a line or MAG.

use actix_web::{HttpResponse, http::StatusCode};

use super::{
    super::kit::{
        caller::{Caller, action, anew, done, done_as},
        error::Reply,
        form::{Choice, Form, Input, Widget},
        records::{About, was_changed},
        sent::Sent,
    },
    At, Kind, NAMES, find,
    sale::{self, SalePage},
    words,
};
use crate::{
    domain::{
        Fact, Given, Resource, Result, Stored, fields::container::Container, ids::Id as _,
        people::rights::Access,
    },
    ops::subscribers::{
        accounts::{self, SaleOptions},
        at_once,
    },
};

/// The form of a new one.
pub async fn blank<S: Kind>(caller: Caller) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let form = new_form::<S>(&caller).await?;
    new_page::<S>(&caller, StatusCode::OK, form)
}

/// Creates one, and leads to its page.
pub async fn create<S: Kind>(caller: Caller, sent: Sent) -> Reply {
    let mut form = new_form::<S>(&caller).await?;
    let Some(mut change) = form.read::<S::Change>(&sent) else {
        return new_page::<S>(&caller, form.status(), form);
    };
    if caller.reseller().is_some() && S::subscription_change(&mut change).subscription_plan_id == Given::Empty
    {
        form.refuse(&crate::domain::Error::Missing("subscription_plan_id"));
        return new_page::<S>(&caller, StatusCode::UNPROCESSABLE_ENTITY, form);
    }
    let Ok(terms) = sale::agreed(&mut form, &sent, S::subscription_change(&mut change)) else {
        return new_page::<S>(&caller, form.status(), form);
    };
    let change = S::completed(change)?;
    let wishes = SaleOptions { extend: false, free: sent.text("free") == "1", terms };
    let job = move |act: &crate::ops::Act<'_>| {
        let (id, record) = accounts::create::<S>(act, change.clone(), wishes)?;
        Ok((id.number(), record))
    };
    match caller.make(&sent, action(S::RESOURCE, "new"), job).await {
        Ok(made) => {
            let told = made.now.map(|record| format!("{} was created.", record.name()));
            let told = told
                .unwrap_or_else(|| format!("This {} was already created, and is not created again.", S::ONE));
            Ok(done(&S::href(S::Id::of(made.id)), &told))
        }
        Err(error) => {
            let status = form.refused(error)?;
            new_page::<S>(&caller, status, form)
        }
    }
}

async fn new_form<S: Kind>(caller: &Caller) -> Result<Form> {
    let about = About::ask(caller, NAMES).await?;
    let plans = caller.ops.plans_for_sale(caller.actor()).await?;
    let account = sale::payer(caller, None)?;
    let seller = caller.reseller().is_some();
    let mut choices: Vec<Choice> =
        plans.iter().map(|plan| sale::choice(plan, account.as_ref(), None)).collect();
    if !seller {
        choices.insert(0, Choice::new("", "None"));
    }
    let help = "Sets the end date, the connections and the bouquets.";
    let plan = Input::new("subscription_plan_id", "Plan", Widget::Radios(choices)).help(help);
    let mut sold = vec![if seller { plan.required() } else { plan.value("") }];
    if !seller {
        let from_plan = "Empty: as the plan says.";
        sold.extend([
            Input::new(
                "reseller_id",
                "Reseller",
                Widget::Choice(about.choices_or(Resource::Resellers, "None")),
            )
            .help("Pays the price of the plan, if it uses credits."),
            Input::new("expire_date", "Ends", Widget::Time)
                .help("Empty: as the plan says; without a plan, never."),
            Input::new("max_allowed_connections", "Connections", Widget::Number(0))
                .help(format!("At the same time; 0 is no limit. {from_plan}")),
        ]);
        if caller.actor().may_waive_price().is_ok() {
            sold.push(sale::free());
        }
    }
    let identity = both(S::identity(true), about_it());
    let form =
        Form::new(format!("/panel/{}/new", S::PATH), "Create", &caller.ops.snapshot().settings.time_zone);
    let form = form.showing(sale::shown_terms(&plans));
    // The operator chooses in the form who pays.
    let form = if seller { sale::resting_on_payer(form, account.as_ref()) } else { form };
    let form = form.section("Account", identity).section("Subscription", sold);
    let form = with_limits::<S>(form, &about, seller).filled(&switches::<S>(caller));
    form.cancel(format!("/panel/{}", S::PATH)).once()
}

/// How the switches of a new one stand if nobody says otherwise; what a plan sets stays empty.
fn switches<S: Kind>(caller: &Caller) -> Vec<(&'static str, Fact)> {
    let is_switch = |name: &&'static str| {
        matches!(*name, "catchup" | "isp_lock" | "disabled" | "banned" | "restreamer" | "lock_device")
    };
    let defaults = caller.ops.defaults::<S>();
    defaults.into_iter().filter(|(name, _)| is_switch(name)).collect()
}

fn new_page<S: Kind>(caller: &Caller, status: StatusCode, form: Form) -> Reply<HttpResponse> {
    let account = sale::payer(caller, None)?;
    let plans =
        form.sections.iter().flat_map(|section| &section.inputs).find_map(|input| match &input.widget {
            Widget::Radios(choices) if input.name == "subscription_plan_id" => Some(choices.as_slice()),
            _ => None,
        });
    let (balance, problem) = sale::told(account.as_ref(), plans.unwrap_or_default());
    let frame = caller.frame(format!("New {}", S::ONE));
    let once = form.makes_once();
    Ok(caller.page_with_form(status, once, &SalePage { frame, balance, problem, form }))
}

/// The form of one that is there.
pub async fn edit<S: Kind>(caller: Caller, id: At) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let row = find::<S>(&caller, &id)?;
    let form = edit_form(&caller, &row).await?.of_row(&row.record.facts());
    Ok(edit_page(&caller, StatusCode::OK, &row, form))
}

/// Changes it.
pub async fn update<S: Kind>(caller: Caller, id: At, sent: Sent) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    anew(async || change::<S>(&caller, &id, &sent).await).await
}

async fn change<S: Kind>(caller: &Caller, id: &str, sent: &Sent) -> Reply {
    let row = find::<S>(caller, id)?;
    let mut form = edit_form(caller, &row).await?.of_row(&row.record.facts());
    let Some(change) = form.read::<S::Change>(sent) else {
        return Ok(edit_page(caller, form.status(), &row, form));
    };
    let seen = Some(row.updated_at);
    let before = row.clone();
    let job = move |act: &crate::ops::Act<'_>| {
        let options = SaleOptions::default();
        let record = accounts::change::<S>(&act.seeing(seen), before.id, change.clone(), options)?;
        Ok((record, at_once::moved(act, std::slice::from_ref(&before))?))
    };
    match caller.ops.write(caller.actor().clone(), action(S::RESOURCE, "update"), job).await {
        Ok((record, batch)) => {
            let told = was_changed(&record.name(), &row.record, &record);
            Ok(done_as(batch, &S::href(row.id), &told))
        }
        Err(error) => {
            let status = form.refused(error)?;
            Ok(edit_page(caller, status, &row, form))
        }
    }
}

async fn edit_form<S: Kind>(caller: &Caller, row: &Stored<S>) -> Result<Form> {
    let about = About::ask(caller, NAMES).await?;
    let seller = caller.reseller().is_some();
    let form =
        Form::new(format!("{}/edit", S::href(row.id)), "Save", &caller.ops.snapshot().settings.time_zone);
    let mut form = form.section("Account", both(S::identity(false), about_it()));
    if !seller {
        let plans = about.choices_or(Resource::SubscriptionPlans, "None");
        let sold = vec![
            Input::new("subscription_plan_id", "Plan", Widget::Choice(plans))
                .help("Changes the bouquets immediately; end date and connections stay. To add its duration, use Extend."),
            Input::new(
                "reseller_id",
                "Reseller",
                Widget::Choice(about.choices_or(Resource::Resellers, "None")),
            ),
            Input::new("expire_date", "Ends", Widget::Time),
            Input::new("max_allowed_connections", "Connections", Widget::Number(0))
                .help("At the same time; 0 is no limit."),
            Input::new("is_trial", "Trial", Widget::Flag),
        ];
        form = form.section("Subscription", sold);
    }
    Ok(with_limits::<S>(form, &about, seller).cancel(S::href(row.id)))
}

fn edit_page<S: Kind>(caller: &Caller, status: StatusCode, row: &Stored<S>, form: Form) -> HttpResponse {
    let frame = caller.frame(format!("Edit {}", row.record.name()));
    caller.page_with(status, &SalePage { frame, balance: String::new(), problem: String::new(), form })
}

/// Who has it, and what is remarked of it.
fn about_it() -> Vec<Input> {
    vec![
        Input::text("email", "E-mail").help("Whom to remind of its end. Empty: nobody."),
        Input::new("reminders", "Reminders", Widget::Flag).help("That address is reminded.").value("1"),
        Input::text("reference", "Reference")
            .help("Its number in a billing system or elsewhere. No two lines or MAGs have the same."),
        Input::new("notes", "Notes", Widget::Area),
    ]
}

/// From where and with what it may watch; of these a reseller's people set what is not the operator's.
fn with_limits<S: Kind>(form: Form, about: &About, seller: bool) -> Form {
    let forms = Container::ALL.map(|form| Choice::new(form.name(), words::form(form)));
    let mut limits = vec![
        Input::new("allowed_ips", "Addresses", Widget::Lines)
            .help("Addresses and ranges such as 192.0.2.0/24 that may watch, one per line. Empty: any."),
        Input::new("allowed_user_agents", "Players", Widget::Lines)
            .help("User agents that may watch, one per line; * stands for any characters. Empty: any."),
        Input::new("allowed_outputs", "Formats", Widget::Picks(forms.into())).help("None chosen: any."),
        Input::new("catchup", "Catch-up", Widget::Flag)
            .help("It may watch what is recorded, if its plan allows that too."),
        Input::new("isp_lock", "Bound to its network provider", Widget::Flag)
            .help("It is bound when it first watches."),
    ];
    if !seller {
        limits.extend([
            Input::new("isp_asn", "Provider's autonomous system", Widget::Number(1))
                .help("Set when it first watches; clear it to set it again."),
            Input::new("server_id", "Server", Widget::Choice(about.choices_or(Resource::Servers, "Any")))
                .help("The only server that may serve it. Load balancers do not serve viewers yet: with one of them it cannot watch."),
        ]);
    }
    let form = form.section("Limits", limits);
    if seller {
        return form;
    }
    let bouquets = Input::new("bouquets", "Bouquets", Widget::Picks(about.choices(Resource::Bouquets)))
        .help("In addition to those of the plan.");
    let switches = vec![
        Input::new("disabled", "Disabled", Widget::Flag).help("Its reseller can enable it."),
        Input::new("banned", "Banned", Widget::Flag).help("Only the operator can unban it."),
    ];
    form.section("Bouquets", vec![bouquets]).section("Status", both(switches, S::operators_inputs()))
}

fn both(first: Vec<Input>, more: Vec<Input>) -> Vec<Input> {
    first.into_iter().chain(more).collect()
}
