//! What a mass edit would do, before it does anything.

use askama::Template;

use super::{super::Kind, Asked, asked, form_page};
use crate::{
    domain::{
        Fact, Resource, Result,
        fields::time::UnixTime,
        people::audit::{Difference, Shown},
    },
    ops::subscribers::mass::{Preview, Trial, reason},
    panel::kit::{
        caller::Caller,
        error::Reply,
        frame::Frame,
        records::About,
        sent::{Query, Sent},
        show,
        table::{Cell, Head, Listing},
    },
};

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

/// What would be changed, before anything is.
pub async fn preview<S: Kind>(caller: Caller, query: Query, sent: Sent) -> Reply {
    let Asked { address, about, mut form, edit } = match asked::<S>(&caller, &query, &sent).await? {
        Ok(asked) => asked,
        Err(page) => return Ok(page),
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
