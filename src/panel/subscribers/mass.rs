//! Changing many lines or MAGs at once: what is to change, a preview, and how far it is.

use std::time::Duration;

use actix_web::{HttpResponse, http::StatusCode, web};
use askama::Template;

use super::{
    super::{
        kit::{
            caller::Caller,
            error::Reply,
            form::{Choice, Form, Input, Widget},
            frame::Frame,
            records::About,
            sent::{Query, Sent},
            show,
            table::{Cell, Head, Listing},
        },
        moved,
    },
    Kind, NAMES,
    list::{Address, plural},
    plans::lasts,
    sale,
};
use crate::{
    domain::{
        Error, Fact, Field, Kind as FactKind, Refused, Resource, Result, Rule, Written,
        fields::time::UnixTime,
        people::{
            audit::{Difference, Shown},
            rights::Access,
        },
        subscribers::{mass_edit::MassEdit, plan::Terms},
    },
    ops::{
        clock,
        subscribers::mass::{Preview, Trial, reason},
    },
    wire::fields::Fields,
};

/// A small edit is waited for so long; a longer one is followed on its page.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Template)]
#[template(path = "mass_form.html")]
struct FormPage {
    frame: Frame,
    told: String,
    back: String,
    form: Form,
}

#[derive(Template)]
#[template(path = "mass_preview.html")]
struct PreviewPage {
    frame: Frame,
    told: String,
    many: String,
    none: bool,
    delete: bool,
    sample: Listing,
    /// What it costs, as a sentence; empty if nothing.
    credits: String,
    /// How many the run would refuse, as a sentence; empty if none, as far as it was tried.
    refused: String,
    reasons: Listing,
    action: String,
    hidden: Vec<(String, String)>,
    submit: String,
    back: String,
}

#[derive(Template)]
#[template(path = "mass_progress.html")]
struct ProgressPage {
    frame: Frame,
    finished: bool,
    failed: Option<String>,
    figures: Vec<(String, String)>,
    reasons: Listing,
    more_refused: Option<String>,
    list: String,
}

#[derive(Template)]
#[template(path = "mass_gone.html")]
struct GonePage {
    frame: Frame,
    audit: bool,
    list: String,
}

/// The form.
pub async fn ask<S: Kind>(caller: Caller, query: Query) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let address = Address::read(&query);
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
        .help("This cannot be undone, and nothing else can be changed with it.");
    let action = format!("/panel/{}/mass?{}", S::PATH, address.query(&[]));
    let form = Form::new(action, "Preview", &caller.ops.snapshot().settings.time_zone);
    let form = form.section("End", end).section("What else changes", other).section("Delete", vec![delete]);
    Ok(form.cancel(list_of::<S>(address)))
}

/// The edit that was sent; what is wrong stands in the form.
fn read(form: &mut Form, sent: &Sent) -> Option<MassEdit> {
    let mut fields = Fields::new(form.take(sent));
    match edit(&mut fields).and_then(|edit| edit.check().map(|()| edit)) {
        Ok(edit) if !form.is_wrong() => Some(edit),
        Ok(_) => None,
        Err(error) => {
            form.refuse(&error);
            None
        }
    }
}

fn edit(fields: &mut Fields) -> Result<MassEdit> {
    let mut edit = MassEdit {
        more_days: fields.take::<MoreDays>("more_days")?.map(|days| days.0),
        extend_plan: fields.take("extend_plan")?,
        free: fields.take("free")?.unwrap_or(false),
        expire_date: fields.take("expire_date")?,
        plan: fields.take("subscription_plan_id")?,
        reseller: fields.take("reseller_id")?,
        connections: fields.take("max_allowed_connections")?,
        add_bouquet: fields.take("add_bouquet")?,
        remove_bouquet: fields.take("remove_bouquet")?,
        delete: fields.take("delete")?.unwrap_or(false),
        ..MassEdit::default()
    };
    match fields.take::<Switch>("switch")? {
        Some(Switch::Disabled(to)) => edit.disabled = Some(to),
        Some(Switch::Banned(to)) => edit.banned = Some(to),
        None => {}
    }
    Ok(edit)
}

/// So many days more: 1 to 3,650.
struct MoreDays(u16);

/// Which switch is set to what.
enum Switch {
    Disabled(bool),
    Banned(bool),
}

/// Values that only this form has: they are read and never stored.
macro_rules! of_this_form {
    ($type:ty, $parse:expr) => {
        impl Field for $type {
            const KIND: FactKind = FactKind::Text;
            fn parse(written: &Written) -> Result<Self, Rule> {
                $parse(written.text()?)
            }
            fn fact(&self) -> Fact {
                Fact::None
            }
            fn stored(_: Fact) -> Option<Self> {
                None
            }
        }
    };
}

of_this_form!(MoreDays, |text: &str| {
    let days = text.parse().ok().filter(|days| (1..=3650).contains(days));
    days.map(MoreDays).ok_or_else(|| Rule::from("a whole number of days from 1 to 3650"))
});
of_this_form!(Switch, |text: &str| match text {
    "enable" => Ok(Self::Disabled(false)),
    "disable" => Ok(Self::Disabled(true)),
    "unban" => Ok(Self::Banned(false)),
    "ban" => Ok(Self::Banned(true)),
    _ => Err(Rule::from("enable, disable, unban or ban")),
});

/// What would be changed, before anything is.
pub async fn preview<S: Kind>(caller: Caller, query: Query, sent: Sent) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let address = Address::read(&query);
    let about = About::ask(&caller, NAMES).await?;
    let mut form = form::<S>(&caller, &address, &about).await?;
    let Some(edit) = read(&mut form, &sent) else {
        return Ok(form_page::<S>(&caller, StatusCode::UNPROCESSABLE_ENTITY, &address, &about, form));
    };
    let selection = address.selection();
    let at = selection.now;
    let previewed = match caller.ops.preview_mass_edit::<S>(caller.actor(), selection, edit.clone()).await {
        Ok(previewed) => previewed,
        Err(error) => {
            let status = form.refused(error)?;
            return Ok(form_page::<S>(&caller, status, &address, &about, form));
        }
    };
    let many = show::many(previewed.rows, S::ONE);
    let verb = if edit.delete { "Delete" } else { "Change" };
    let mut hidden: Vec<(String, String)> =
        sent.0.keys().map(|name| (name.clone(), sent.text(name).to_owned())).collect();
    hidden.extend([
        ("at".into(), at.seconds().to_string()),
        ("mark".into(), previewed.mark.to_string()),
        ("rows".into(), previewed.rows.to_string()),
    ]);
    hidden.extend(previewed.terms.map(|terms| ("terms".into(), terms.to_string())));
    let row = |(name, change): &(String, Result<Difference>)| {
        let change = match change {
            Ok(_) if edit.delete => "is deleted".into(),
            Ok(change) if change.is_empty() => "is not changed".into(),
            Ok(change) => told(change, &about),
            Err(error) => format!("is refused: {}", reason(error)),
        };
        vec![Cell::Text(name.clone()), Cell::Text(change)]
    };
    let sample = Listing {
        label: "The first ones",
        heads: vec![Head::new(S::KNOWN_BY), Head::new("What happens")],
        rows: previewed.sample.iter().map(row).collect(),
        ..Listing::default()
    };
    let reasons = Listing {
        label: "Refused",
        heads: vec![Head::new("Why"), Head::numeric("Count")],
        rows: previewed
            .trial
            .reasons
            .iter()
            .map(|(why, count)| vec![Cell::Text(why.clone()), Cell::Number(grouped(*count))])
            .collect(),
        ..Listing::default()
    };
    Ok(caller.page(&PreviewPage {
        credits: credits_words(&previewed, edit.free),
        refused: refused_words(&previewed),
        reasons,
        frame: caller.frame(format!("{verb} {many}?")),
        told: address.told::<S>(&about),
        none: previewed.rows == 0,
        delete: edit.delete,
        sample,
        action: format!("/panel/{}/mass/run?{}", S::PATH, address.query(&[])),
        hidden,
        submit: format!("{verb} {many}"),
        many,
        back: format!("/panel/{}/mass?{}", S::PATH, address.query(&[])),
    }))
}

/// What the run would charge, each and in total: tried with all of them, or with the first.
fn credits_words(preview: &Preview, free: bool) -> String {
    let Some(terms) = preview.terms.filter(|_| !free) else { return String::new() };
    let (each, total) = (show::many(terms.credits(), "credit"), show::many(preview.trial.credits, "credit"));
    let of = if is_all_tried(preview) {
        "for all of them".into()
    } else {
        format!("for the first {}; the others were not tried", grouped(preview.trial.tried))
    };
    format!("Each costs {each} where its reseller uses credits: {total} {of}.")
}

fn is_all_tried(preview: &Preview) -> bool {
    i64::try_from(preview.trial.tried).is_ok_and(|tried| tried >= preview.rows)
}

/// How many of them the run would refuse: tried with all of them, or with the first.
fn refused_words(preview: &Preview) -> String {
    let Trial { tried, refused, .. } = preview.trial;
    if refused == 0 {
        return String::new();
    }
    let many = grouped(refused);
    if is_all_tried(preview) {
        return format!("{many} of them would be refused, and stay as they are.");
    }
    format!(
        "{many} of the first {} would be refused, and stay as they are; the others were not tried.",
        grouped(tried)
    )
}

fn grouped(count: usize) -> String {
    show::number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// What would change of a row, with the names of what it refers to.
fn told(change: &Difference, about: &About) -> String {
    let one = |name: &str, shown: &Shown| match (name, shown.fact()) {
        ("expire_date", Fact::None) => "never".to_owned(),
        (_, Fact::None) => "none".to_owned(),
        ("max_allowed_connections", Fact::Number(0)) => "no limit".to_owned(),
        ("expire_date", Fact::Number(end)) => UnixTime::clamped(*end).named(&about.zone),
        ("subscription_plan_id", Fact::Number(id)) => about.name(Resource::SubscriptionPlans, *id).to_owned(),
        ("reseller_id", Fact::Number(id)) => about.name(Resource::Resellers, *id).to_owned(),
        ("disabled" | "banned" | "is_trial", Fact::Number(flag)) => {
            (if *flag == 1 { "yes" } else { "no" }).to_owned()
        }
        (_, Fact::Number(number)) => show::number(*number),
        (_, Fact::Ids(ids)) if ids.is_empty() => "none".to_owned(),
        (_, Fact::Ids(ids)) => {
            ids.iter().map(|id| about.name(Resource::Bouquets, *id)).collect::<Vec<_>>().join(", ")
        }
        (_, Fact::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let label = |name| match name {
        "expire_date" => "ends",
        "subscription_plan_id" => "plan",
        "reseller_id" => "reseller",
        "max_allowed_connections" => "connections",
        "is_trial" => "trial",
        "isp_asn" => "network provider",
        name => name,
    };
    let texts = change
        .iter()
        .map(|(name, old, new)| format!("{}: {} \u{2192} {}", label(*name), one(name, old), one(name, new)));
    texts.collect::<Vec<_>>().join("; ")
}

/// Begins it, and leads to the page that says how far it is.
pub async fn run<S: Kind>(caller: Caller, query: Query, sent: Sent) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let address = Address::read(&query);
    let about = About::ask(&caller, NAMES).await?;
    let mut form = form::<S>(&caller, &address, &about).await?;
    let Some(edit) = read(&mut form, &sent) else {
        return Ok(form_page::<S>(&caller, StatusCode::UNPROCESSABLE_ENTITY, &address, &about, form));
    };
    let number = |name: &'static str| {
        let number = sent.text(name).parse::<i64>().ok().filter(|number| *number >= 0);
        number.ok_or(Error::Refused(Refused::NotPreviewed))
    };
    let mut selection = address.selection();
    selection.now = UnixTime::clamped(number("at")?.min(clock::now().seconds()));
    let terms = Terms::read(sent.text("terms"));
    let previewed = Preview { rows: number("rows")?, mark: number("mark")?, terms, ..Preview::default() };
    let (run, work) = caller.ops.begin_mass_edit::<S>(caller.actor(), selection, edit, &previewed)?;
    let work = actix_web::rt::spawn(work);
    let _ = actix_web::rt::time::timeout(PATIENCE, work).await;
    Ok(moved(&format!("/panel/{}/mass/{run}", S::PATH)))
}

/// How far it is.
pub async fn progress<S: Kind>(caller: Caller, run: web::Path<u64>) -> Reply {
    caller.actor().may(S::RESOURCE, Access::Write)?;
    let list = format!("/panel/{}", S::PATH);
    let Some(found) = caller.ops.mass_run(caller.actor(), *run) else {
        let audit = caller.may_read(Resource::Logs);
        let page = GonePage { frame: caller.frame("Mass edit: unknown"), audit, list };
        return Ok(caller.page_with(StatusCode::GONE, &page));
    };
    let progress = found.progress();
    let reasons = Listing {
        label: "Refused",
        heads: vec![Head::new(S::KNOWN_BY), Head::new("Why")],
        rows: progress
            .reasons
            .iter()
            .map(|(name, why)| vec![Cell::Text(name.clone()), Cell::Text(why.clone())])
            .collect(),
        ..Listing::default()
    };
    let kept = i64::try_from(progress.reasons.len()).unwrap_or(0);
    let figure = |number, text: &str| (show::number(number), text.to_owned());
    let wanted = format!("changed, of {}", show::many(progress.wanted, S::ONE));
    let mut figures = vec![
        (show::number(progress.changed), wanted),
        figure(progress.unchanged, "needed no change"),
        figure(progress.refused, "refused"),
    ];
    if progress.finished {
        figures.push(figure(progress.left_alone(), "left alone: changed since the preview"));
    }
    Ok(caller.page(&ProgressPage {
        frame: caller.frame(if progress.finished { "Mass edit: done" } else { "Mass edit: running" }),
        finished: progress.finished,
        failed: progress.failed,
        figures,
        reasons,
        more_refused: (progress.refused > kept).then(|| show::number(progress.refused - kept)),
        list,
    }))
}
