//! What a mass edit would do, before it does anything.

use askama::Template;

use super::{super::Kind, MassRequest, asked, form_page};
use crate::{
    domain::{
        Fact, Resource,
        fields::time::UnixTime,
        page::Page,
        people::audit::{AuditValue, Difference},
        subscribers::{batch::Which, bulk::Bulk},
    },
    ops::{
        random,
        subscribers::{batch_rows::Rehearsed, previews::Previewed},
    },
    panel::kit::{
        caller::Caller,
        error::Reply,
        form::SLIP,
        frame::Frame,
        records::About,
        sent::{Query, Sent},
        show,
        table::{Cell, Head, Listing},
    },
};

/// Rows with which it is tried what would be done: a few seconds of the writer, a hundred at a time.
const TRIED: usize = 20_000;
/// Reasons of refusals that are told.
const TOLD: usize = 10;

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
    /// The number of the preview, by which it is ordered.
    preview: i64,
    /// By which the form is known again.
    slip: String,
    submit: String,
    back: String,
}

/// What would be changed, before anything is.
pub async fn preview<S: Kind>(caller: Caller, query: Query, sent: Sent) -> Reply {
    let MassRequest { address, about, mut form, edit } = match asked::<S>(&caller, &query, &sent).await? {
        Ok(asked) => asked,
        Err(page) => return Ok(page),
    };
    let which = Which {
        ids: Vec::new(),
        page: Page::default(),
        selection: address.selection(),
        expires_before: None,
        expires_after: None,
    };
    let previewed = match caller.ops.preview_batch::<S>(caller.actor(), which, edit.clone(), TRIED).await {
        Ok(previewed) => previewed,
        Err(error) => {
            let status = form.refused(error)?;
            return Ok(form_page::<S>(&caller, status, &address, &about, form));
        }
    };
    let (many, delete) = (show::many(previewed.count, S::ONE), edit == Bulk::Delete);
    let verb = if delete { "Delete" } else { "Change" };
    let row = |(_, name, change): &(i64, String, Difference)| {
        let change = match change {
            _ if delete => "is deleted".into(),
            change if change.is_empty() => "is not changed".into(),
            change => told(change, &about),
        };
        vec![Cell::Text(name.clone()), Cell::Text(change)]
    };
    let sample = Listing {
        label: "The first ones",
        heads: vec![Head::new(S::KNOWN_BY), Head::new("What happens")],
        rows: previewed.rehearsed.sample.iter().map(row).collect(),
        empty: "None of them would be changed.".into(),
        ..Listing::default()
    };
    Ok(caller.page(&PreviewPage {
        credits: credits_words(&previewed, &edit),
        refused: refused_words(&previewed),
        reasons: reasons(&previewed),
        frame: caller.frame(format!("{verb} {many}?")),
        told: address.told::<S>(&about),
        none: previewed.count == 0,
        delete,
        sample,
        action: format!("/panel/{}/mass/run", S::PATH),
        preview: previewed.id,
        slip: random::token()?,
        submit: format!("{verb} {many}"),
        many,
        back: format!("/panel/{}/mass?{}", S::PATH, address.query(&[])),
    }))
}

/// Why it would refuse rows, the commonest reasons first.
fn reasons(previewed: &Previewed) -> Listing {
    let mut reasons: Vec<(&String, &i64)> = previewed.rehearsed.reasons.iter().collect();
    reasons.sort_by_key(|(why, count)| (std::cmp::Reverse(**count), *why));
    let row = |(why, count): &(&String, &i64)| {
        vec![Cell::Text((*why).clone()), Cell::Number(show::number(**count))]
    };
    Listing {
        label: "Refused",
        heads: vec![Head::new("Why"), Head::numeric("Count")],
        rows: reasons.iter().take(TOLD).map(row).collect(),
        ..Listing::default()
    }
}

/// What it would charge, each and in total: tried with all of them, or with the first.
fn credits_words(previewed: &Previewed, edit: &Bulk) -> String {
    let Rehearsed { terms, credits, tried, .. } = &previewed.rehearsed;
    let plan = edit.plan().filter(|_| !edit.is_free());
    let Some(terms) = plan.and_then(|plan| terms.get(&plan)) else { return String::new() };
    let (each, total) = (show::many(terms.credits(), "credit"), show::many(*credits, "credit"));
    let of = if is_all_tried(previewed) {
        "for all of them".into()
    } else {
        format!("for the first {}; the others were not tried", grouped(*tried))
    };
    format!("Each costs {each} where its reseller uses credits: {total} {of}.")
}

fn is_all_tried(previewed: &Previewed) -> bool {
    previewed.rehearsed.tried >= previewed.count
}

/// How many of them it would refuse: tried with all of them, or with the first.
fn refused_words(previewed: &Previewed) -> String {
    let Rehearsed { tried, refused, .. } = previewed.rehearsed;
    if refused == 0 {
        return String::new();
    }
    let many = show::number(refused);
    if is_all_tried(previewed) {
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
    let one = |name: &str, shown: &AuditValue| match (name, shown.fact()) {
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
