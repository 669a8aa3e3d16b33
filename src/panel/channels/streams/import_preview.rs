//! The page that shows what an import would do.

use actix_web::http::StatusCode;
use askama::Template;

use super::import::grouped;
use crate::{
    ops::channels::import::{Done, Fate, Import, List, Match, Plan},
    panel::kit::{
        caller::Caller,
        error::Reply,
        form::Form,
        frame::Frame,
        table::{Cell, Head, Listing, Pager, Tone},
    },
};

/// Entries of each kind that are shown.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "import_preview.html")]
struct PreviewPage {
    frame: Frame,
    figures: Vec<(String, &'static str)>,
    options: Form,
    categories: Vec<String>,
    more_categories: Option<String>,
    left_out: Listing,
    refused: Listing,
    there: Listing,
    new: Listing,
}

/// Shows it, below what can be chosen.
pub async fn show(caller: &Caller, status: StatusCode, options: Form, import: Import) -> Reply {
    let list = import.list.clone();
    let plan = caller.ops.plan_import(caller.actor(), import).await?;
    let categories = plan.categories.iter().take(SHOWN).map(|name| name.as_str().to_owned()).collect();
    let page = PreviewPage {
        frame: caller.frame("Import streams"),
        figures: Done::planned(&list, &plan)
            .counts()
            .into_iter()
            .map(|(count, what)| (grouped(count), what))
            .collect(),
        options,
        categories,
        more_categories: plan.categories.len().checked_sub(SHOWN + 1).map(|more| grouped(more + 1)),
        left_out: left_out(&list, &plan),
        refused: refused(&list),
        there: there(&list, &plan),
        new: new(&list, &plan),
    };
    Ok(caller.page_with(status, &page))
}

/// A list whose first column is a number, of which the first rows are shown.
fn listing(
    label: &'static str,
    number: &'static str,
    heads: &[&'static str],
    total: usize,
    rows: impl Iterator<Item = Vec<Cell>>,
) -> Listing {
    let rows: Vec<Vec<Cell>> = rows.take(SHOWN).collect();
    let shown = rows.len();
    let summary =
        if total > shown { format!("the first {shown} of {}", grouped(total)) } else { String::new() };
    Listing {
        label,
        heads: std::iter::once(Head::numeric(number))
            .chain(heads.iter().map(|head| Head::new(head)))
            .collect(),
        rows,
        empty: "None.".into(),
        pager: Pager { summary, ..Pager::default() },
        ..Listing::default()
    }
}

/// What was odd, each kind once.
fn left_out(list: &List, plan: &Plan) -> Listing {
    let told = plan.left_out(list);
    let rows = told.iter().map(|(what, seen)| {
        vec![
            Cell::Number(grouped(seen.count)),
            Cell::Text(what.to_owned()),
            Cell::Number(seen.first.to_string()),
        ]
    });
    listing("Left out or read differently", "Count", &["What", "First on line"], told.iter().len(), rows)
}

fn refused(list: &List) -> Listing {
    let rows = list.refused.iter().map(|(line, name, rule)| {
        vec![Cell::Number(line.to_string()), Cell::Text(name.clone()), Cell::Text(rule.to_string())]
    });
    listing("Cannot be imported", "Line", &["Name", "Why"], list.refused_count, rows)
}

fn there(list: &List, plan: &Plan) -> Listing {
    let by = |told: Match| match told {
        Match::Source => "a stream has this source",
        Match::Name => "a stream of the category has this name",
        Match::GuideId => "one stream has this guide id",
    };
    let above = |told: Match| match told {
        Match::Name => "a channel of this name and category is further up in the list",
        _ => "this address is further up in the list",
    };
    let rows = plan.fates.iter().zip(&list.candidates).filter_map(|(fate, candidate)| {
        let (tone, what, how) = match *fate {
            Fate::New => return None,
            Fate::Skipped(how) => (Tone::Plain, "left as it is", by(how)),
            Fate::Repeated(how) => (Tone::Plain, "left out", above(how)),
            Fate::SourceAdded => (Tone::Good, "source added", by(Match::Name)),
            Fate::Updated(how) => (Tone::Good, "updated", by(how)),
            Fate::Full => (Tone::Bad, "left out", "the stream already has the maximum number of sources"),
        };
        Some(vec![
            Cell::Number(candidate.line.to_string()),
            Cell::Text(candidate.name.as_str().into()),
            Cell::Text(how.into()),
            Cell::Badge(tone, what.into()),
        ])
    });
    let total = plan.count(|fate| fate != Fate::New);
    listing("Existing", "Line", &["Name", "Match by", "What happens"], total, rows)
}

fn new(list: &List, plan: &Plan) -> Listing {
    let rows = plan.new.iter().filter_map(|new| list.candidates.get(new.entry)).map(|candidate| {
        let number = candidate.number.map_or_else(String::new, |number| number.get().to_string());
        vec![
            Cell::Number(number),
            Cell::Text(candidate.name.as_str().into()),
            Cell::Text(list.heading(candidate).map_or_else(String::new, |name| name.as_str().into())),
            Cell::Text(candidate.guide_id.as_ref().map_or_else(String::new, |id| id.as_str().into())),
            Cell::Code(candidate.source.as_str().into()),
        ]
    });
    listing("New streams", "No.", &["Name", "Category", "Guide id", "Source"], plan.new.len(), rows)
}
