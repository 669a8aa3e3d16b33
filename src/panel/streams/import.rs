//! Import of an M3U list: upload, look at what it would do, do it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Path, Payload},
};
use askama::Template;

use crate::{
    domain::{
        Error, Resource, Result,
        ids::{BouquetId, parse_id},
        rights::Access,
        text::Name,
    },
    ops::import::{self, Done, Duplicates, Fate, Import, Into, Plan, Told},
    panel::{
        caller::{Caller, doing, done},
        error::{Reply, status},
        form::{Choice, Form, Input, Widget},
        frame::Frame,
        records::About,
        sent::{Query, Sent},
        show,
        table::{Cell, Head, Listing, Tone},
    },
    wire::{body::BodyError, upload},
};

/// The most bytes of an upload.
const MOST: usize = 20 << 20;
/// Entries of each kind that the preview shows.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "import.html")]
struct UploadPage {
    frame: Frame,
    problem: Option<String>,
    text: String,
}

#[derive(Template)]
#[template(path = "import_preview.html")]
struct PreviewPage {
    frame: Frame,
    figures: Vec<(String, &'static str)>,
    options: Form,
    categories: Vec<String>,
    refused: Listing,
    there: Listing,
    new: Listing,
}

/// Asks for a list.
pub async fn ask(caller: Caller) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    Ok(blank(&caller, StatusCode::OK, None, String::new()))
}

/// Takes a list, as a file or as text.
pub async fn upload(caller: Caller, request: HttpRequest, payload: Payload) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    let parts = match upload::read(&request, payload, MOST).await {
        Ok(parts) => parts,
        Err(BodyError::Malformed(why)) => {
            let problem = Some(format!("The upload cannot be read: {why}."));
            return Ok(blank(&caller, StatusCode::UNPROCESSABLE_ENTITY, problem, String::new()));
        }
        Err(BodyError::Late) => {
            let problem = Some("The upload did not come in time: try again.".into());
            return Ok(blank(&caller, StatusCode::REQUEST_TIMEOUT, problem, String::new()));
        }
        Err(BodyError::TooLarge) => {
            let problem = "The list is over 20 MB: split it.".into();
            return Ok(blank(&caller, StatusCode::PAYLOAD_TOO_LARGE, Some(problem), String::new()));
        }
    };
    let part = |name: &str| {
        let found = parts.iter().find(|part| part.name == name && !part.bytes.is_empty());
        found.map(|part| part.bytes.as_slice())
    };
    let text = part("text").unwrap_or_default();
    let read = match part("file").or(part("text")) {
        Some(bytes) => import::read(bytes),
        None => Err(Error::invalid("file", "choose a file, or paste the list")),
    };
    match read {
        Ok(entries) => {
            let token = caller.ops.keep_list(caller.actor(), entries)?;
            Ok(crate::panel::moved(&format!("/panel/streams/import/{token}")))
        }
        Err(error) => {
            let problem = match &error {
                Error::Invalid { rule, .. } => rule.to_string(),
                error => error.to_string(),
            };
            let text = String::from_utf8_lossy(text).into_owned();
            Ok(blank(&caller, status(&error), Some(problem), text))
        }
    }
}

/// Shows what the import would do.
pub async fn preview(caller: Caller, token: Path<String>, query: Query) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    let Some(entries) = caller.ops.kept_list(caller.actor(), &token) else { return Ok(gone()) };
    let mut options = options(&caller, &token).await?;
    let sent = Sent(query.0);
    options.take(&sent);
    let (status, import) = match wanted(entries.clone(), &sent) {
        Ok(import) => (StatusCode::OK, import),
        Err(error) => (options.refused(error)?, Import::of(entries)),
    };
    show_plan(&caller, status, options, import).await
}

/// Does it.
pub async fn apply(caller: Caller, token: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    let Some(entries) = caller.ops.kept_list(caller.actor(), &token) else { return Ok(gone()) };
    let mut options = options(&caller, &token).await?;
    options.take(&sent);
    let applied = match wanted(entries.clone(), &sent) {
        Ok(import) => {
            let job = move |act: &crate::ops::Act<'_>| import::apply(act, &import);
            caller.ops.write(caller.actor().clone(), doing(Resource::Streams, "import"), job).await
        }
        Err(error) => Err(error),
    };
    match applied {
        Ok(applied) => {
            caller.ops.drop_list(&token);
            Ok(done("/panel/streams?sort=newest", &told(&applied)))
        }
        Err(error) => {
            let error = match error {
                Error::Taken { resource, .. } => Error::Taken { resource, field: "new_bouquet" },
                error => error,
            };
            let status = options.refused(error)?;
            show_plan(&caller, status, options, Import::of(entries)).await
        }
    }
}

/// The list was dropped: it was imported, or waited for too long.
fn gone() -> HttpResponse {
    done("/panel/streams/import", "That list is no longer here: upload it again.")
}

fn blank(caller: &Caller, status: StatusCode, problem: Option<String>, text: String) -> HttpResponse {
    caller.page_with(status, &UploadPage { frame: caller.frame("Import streams"), problem, text })
}

/// What can be chosen, with the choices of the first look.
async fn options(caller: &Caller, token: &str) -> Result<Form> {
    let about = About::ask(caller, &[Resource::Bouquets]).await?;
    let ways = [
        ("skip", "Leave them as they are"),
        ("add", "Add the source to the stream that is there"),
        ("update", "Update the stream that is there"),
    ];
    let ways = ways.map(|(value, label)| Choice::new(value, label));
    let mut inputs = vec![
        Input::new("duplicates", "Those that are there already", Widget::Choice(ways.into())).help(
            "By the same source, or the same name in the same category. An update takes name, category, logo, guide id \
             and number, and adds the source.",
        ),
        Input::new("on_demand", "New streams on demand", Widget::Flag).help("Off: they all run at once."),
    ];
    if caller.may_write(Resource::Bouquets) {
        let bouquets = about.choices_or(Resource::Bouquets, "None");
        inputs.push(
            Input::new("bouquet", "Put all into a bouquet", Widget::Choice(bouquets)).help("At its end."),
        );
        inputs.push(Input::text("new_bouquet", "Or into a new bouquet").help("Its name."));
    }
    if let Some(on_demand) = inputs.iter_mut().find(|input| input.name == "on_demand") {
        on_demand.value = vec!["1".into()];
    }
    let zone = caller.ops.guards().settings.time_zone.clone();
    let form = Form::new(format!("/panel/streams/import/{token}"), "Import", &zone);
    Ok(form.section("", inputs).look("Show what that does").cancel("/panel/streams/import"))
}

/// What was chosen.
fn wanted(entries: std::sync::Arc<Vec<import::Entry>>, sent: &Sent) -> Result<Import> {
    let mut import = Import::of(entries);
    if let word @ ("skip" | "add" | "update") = sent.text("duplicates") {
        import.duplicates = Duplicates::named(word).map_err(|rule| Error::invalid("duplicates", rule))?;
    }
    import.on_demand = sent.text("on_demand") != "0";
    let (bouquet, name) = (sent.text("bouquet"), sent.text("new_bouquet").trim());
    if !name.is_empty() {
        let name = Name::new(name).map_err(|rule| Error::invalid("new_bouquet", rule))?;
        import.into = Into::New(name);
    } else if !bouquet.is_empty() {
        let id = parse_id(bouquet).map_err(|rule| Error::invalid("bouquet", rule))?;
        import.into = Into::Bouquet(BouquetId(id));
    }
    Ok(import)
}

async fn show_plan(caller: &Caller, status: StatusCode, options: Form, import: Import) -> Reply {
    let list = doing(Resource::Streams, "list");
    let plan = caller.ops.read(caller.actor(), list, move |read| import::plan(read, &import)).await?;
    Ok(caller.page_with(
        status,
        &PreviewPage {
            frame: caller.frame("Import streams"),
            figures: figures(&plan).into_iter().map(|(count, what)| (grouped(count), what)).collect(),
            options,
            categories: plan.categories.iter().map(|name| name.as_str().to_owned()).collect(),
            refused: refused(&plan),
            there: there(&plan),
            new: new(&plan),
        },
    ))
}

fn figures(plan: &Plan) -> Vec<(usize, &'static str)> {
    vec![
        (plan.new.len(), "new streams"),
        (plan.categories.len(), "new categories"),
        (plan.count(|fate| matches!(fate, Fate::SourceAdded | Fate::Updated(_))), "changed"),
        (plan.count(|fate| matches!(fate, Fate::Skipped(_))), "there already"),
        (plan.refused.len(), "cannot be taken"),
    ]
}

fn grouped(count: usize) -> String {
    show::number(i64::try_from(count).unwrap_or(i64::MAX))
}

fn told(done: &Done) -> String {
    let figures = figures(&done.plan).into_iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = figures.map(|(count, what)| format!("{} {what}", grouped(count))).collect();
    if done.in_bouquet > 0 {
        parts.push(format!("{} put into the bouquet", grouped(done.in_bouquet)));
    }
    format!("Imported: {}.", parts.join(", "))
}

/// A list whose first column is a number.
fn listing(
    label: &'static str,
    number: &'static str,
    heads: &[&'static str],
    rows: impl ExactSizeIterator<Item = Vec<Cell>>,
) -> Listing {
    let total = rows.len();
    let summary = if total > SHOWN { format!("the first {SHOWN} of {total}") } else { String::new() };
    Listing {
        label,
        heads: std::iter::once(Head::numeric(number))
            .chain(heads.iter().map(|head| Head::new(head)))
            .collect(),
        rows: rows.take(SHOWN).collect(),
        empty: "None.".into(),
        pager: crate::panel::table::Pager { summary, ..crate::panel::table::Pager::default() },
        ..Listing::default()
    }
}

fn refused(plan: &Plan) -> Listing {
    let rows = plan.refused.iter().map(|(line, name, rule)| {
        vec![Cell::Number(line.to_string()), Cell::Text(name.clone()), Cell::Text(rule.to_string())]
    });
    listing("Cannot be taken", "Line", &["Name", "Why"], rows)
}

fn there(plan: &Plan) -> Listing {
    let told = |told: Told| match told {
        Told::Source => "a stream has this source",
        Told::Name => "a stream of the category has this name",
    };
    let rows: Vec<Vec<Cell>> = plan
        .fates
        .iter()
        .filter_map(|(line, name, fate)| {
            let (tone, what, how) = match fate {
                Fate::New => return None,
                Fate::Skipped(how) => (Tone::Plain, "left as it is", told(*how)),
                Fate::SourceAdded => (Tone::Good, "source added", told(Told::Name)),
                Fate::Updated(how) => (Tone::Good, "updated", told(*how)),
            };
            Some(vec![
                Cell::Number(line.to_string()),
                Cell::Text(name.clone()),
                Cell::Text(how.into()),
                Cell::Badge(tone, what.into()),
            ])
        })
        .collect();
    listing("There already", "Line", &["Name", "Told by", "What happens"], rows.into_iter())
}

fn new(plan: &Plan) -> Listing {
    let rows = plan.new.iter().map(|new| {
        let candidate = &new.candidate;
        let number = candidate.number.map_or_else(String::new, |number| number.get().to_string());
        vec![
            Cell::Number(number),
            Cell::Text(candidate.name.as_str().into()),
            Cell::Text(candidate.category.as_ref().map_or_else(String::new, |name| name.as_str().into())),
            Cell::Text(candidate.guide_id.as_ref().map_or_else(String::new, |id| id.as_str().into())),
            Cell::Code(new.sources.first().map_or_else(String::new, |source| source.as_str().into())),
        ]
    });
    listing("New streams", "No.", &["Name", "Category", "Guide id", "Source"], rows)
}
