//! Changing many lines or MAGs at once: what is to change. Another page says what that would do; what is ordered then is a
//! batch like any other.

mod edit;
mod preview;
mod run;

pub use preview::preview;
pub use run::run;

use actix_web::{HttpResponse, http::StatusCode};
use askama::Template;

use super::{
    super::kit::{
        caller::Caller,
        error::Reply,
        form::{Choice, Form, Input, Widget},
        frame::Frame,
        records::About,
        sent::{Query, Sent},
        show,
    },
    Kind, NAMES,
    list::{Address, plural},
    plans::lasts,
    sale,
};
use crate::domain::{Resource, Result, people::rights::Access, subscribers::bulk::Bulk};

#[derive(Template)]
#[template(path = "mass_form.html")]
struct FormPage {
    frame: Frame,
    told: String,
    back: String,
    form: Form,
}

/// An edit that was sent with the form, and what the form needs to come back.
struct MassRequest {
    address: Address,
    about: About,
    form: Form,
    edit: Bulk,
}

/// Reads what was sent; `Err` is the page with the form and what is wrong with it.
async fn asked<S: Kind>(
    caller: &Caller,
    query: &Query,
    sent: &Sent,
) -> Result<std::result::Result<MassRequest, HttpResponse>> {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let address = Address::read(query);
    address.check()?;
    let about = About::ask(caller, NAMES).await?;
    let mut form = form::<S>(caller, &address, &about).await?;
    Ok(match edit::read::<S>(&mut form, sent) {
        Some(edit) => Ok(MassRequest { address, about, form, edit }),
        None => Err(form_page::<S>(caller, StatusCode::UNPROCESSABLE_ENTITY, &address, &about, form)),
    })
}

/// The form.
pub async fn ask<S: Kind>(caller: Caller, query: Query) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let address = Address::read(&query);
    address.check()?;
    let about = About::ask(&caller, NAMES).await?;
    let form = form::<S>(&caller, &address, &about).await?;
    Ok(form_page::<S>(&caller, StatusCode::OK, &address, &about, form))
}

fn form_page<S: Kind>(
    caller: &Caller,
    status: StatusCode,
    address: &Address,
    about: &About,
    form: Form,
) -> HttpResponse {
    let frame = caller.frame(format!("Mass edit of {}", plural::<S>()));
    let back = list_of::<S>(address);
    caller.page_with(status, &FormPage { frame, told: address.told::<S>(about), back, form })
}

fn list_of<S: Kind>(address: &Address) -> String {
    format!("/panel/{}?{}", S::PATH, address.query(&[]))
}

async fn form<S: Kind>(caller: &Caller, address: &Address, about: &About) -> Result<Form> {
    let seller = caller.reseller().is_some();
    let leave = |choices: Vec<Choice>| {
        Widget::Choice(std::iter::once(Choice::new("", "Leave as it is")).chain(choices).collect())
    };
    let or_none = |resource| {
        let mut choices = vec![Choice::new("0", "None")];
        choices.extend(about.choices(resource));
        leave(choices)
    };
    let plans = caller.ops.plans_for_sale(caller.actor()).await?;
    let plans = plans.iter().filter(|plan| !(seller && plan.record.is_trial)).map(|plan| {
        let (name, price) = (plan.record.name.as_str(), plan.record.credits.get());
        let credits =
            if price == 0 { String::new() } else { format!(", {} each", show::many(price, "credit")) };
        Choice::new(plan.id.0, format!("{name} ({}{credits})", lasts(&plan.record)))
    });
    let extend = Input::new("extend_plan", "Extend by a plan", leave(plans.collect()))
        .help("Adds its duration; charged if the reseller uses credits.");
    let mut end = vec![extend];
    if !seller {
        end.push(
            Input::new("more_days", "Extend by days", Widget::Number(1))
                .help("From the current end date, or from now if that has passed. Free."),
        );
        end.push(Input::new("expire_date", "Set the end date", Widget::Time).help("Empty: no change."));
        if caller.actor().may_waive_price().is_ok() {
            end.push(sale::free());
        }
    }
    let switches: &[(&str, &str)] = if seller {
        &[("enable", "Enable"), ("disable", "Disable")]
    } else {
        &[("enable", "Enable"), ("disable", "Disable"), ("unban", "Unban"), ("ban", "Ban")]
    };
    let switches = switches.iter().map(|(value, label)| Choice::new(value, *label)).collect();
    let mut other = vec![Input::new("switch", "Status", leave(switches))];
    if !seller {
        other.extend([
            Input::new("subscription_plan_id", "Set the plan", or_none(Resource::SubscriptionPlans))
                .help("Without its duration."),
            Input::new("reseller_id", "Set the reseller", or_none(Resource::Resellers)),
            Input::new("max_allowed_connections", "Set the connections", Widget::Number(0))
                .help("0 is no limit."),
            Input::new("add_bouquet", "Add a bouquet", leave(about.choices(Resource::Bouquets))),
            Input::new("remove_bouquet", "Remove a bouquet", leave(about.choices(Resource::Bouquets)))
                .help("One of their own bouquets; those of the plan stay."),
        ]);
    }
    let delete = Input::new("delete", "Delete them", Widget::Flag)
        .help("They can be brought back for 24 hours. Nothing else can be changed with it.");
    let action = format!("/panel/{}/mass?{}", S::PATH, address.query(&[]));
    let form = Form::new(action, "Preview", &caller.ops.snapshot().settings.time_zone);
    let form = form.section("End", end).section("What else changes", other).section("Delete", vec![delete]);
    Ok(form.cancel(list_of::<S>(address)))
}
