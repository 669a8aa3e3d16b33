//! Import of an M3U list: upload, look at what it would do, do it, see how far it is.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    rt,
    web::{Path, Payload},
};
use askama::Template;

use super::import_preview;
use crate::{
    domain::{
        Error, Resource, Result,
        fields::text::Name,
        ids::{BouquetId, parse_id},
        people::rights::Access,
    },
    ops::channels::import::{Done, Duplicates, Import, Into, List, Run, UploadedList},
    panel::{
        kit::{
            caller::{Caller, done},
            error::{Reply, status},
            form::{Choice, Form, Input, Widget},
            frame::Frame,
            records::About,
            sent::{Query, Sent},
            show,
        },
        moved,
    },
    wire::{body::BodyError, upload::Parts},
};

/// The most bytes of an upload.
const MOST: usize = 64 << 20;
/// An address that is longer is none.
const ADDRESS: usize = 8_192;
/// A text that was pasted is shown again up to this length.
const PASTED: usize = 1 << 20;
/// An import that takes longer is looked at while it runs.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Template)]
#[template(path = "import.html")]
struct UploadPage {
    frame: Frame,
    problem: Option<String>,
    text: String,
    url: String,
}

/// What was typed: it is shown again where it cannot be read.
#[derive(Default)]
struct Typed {
    text: Vec<u8>,
    url: Vec<u8>,
}

#[derive(Template)]
#[template(path = "import_progress.html")]
struct ProgressPage {
    frame: Frame,
    finished: bool,
    failed: Option<String>,
    figures: Vec<(String, &'static str)>,
}

/// Asks for a list.
pub async fn ask(caller: Caller) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    Ok(blank(&caller, StatusCode::OK, None, &Typed::default()))
}

/// Takes a list, as a file, as text or by its address.
pub async fn upload(caller: Caller, request: HttpRequest, payload: Payload) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    let mut typed = Typed::default();
    let problem = match read(&caller, &request, payload, &mut typed).await {
        Ok(list) => {
            let token = caller.ops.keep_list(caller.actor(), list)?;
            return Ok(moved(&format!("/panel/streams/import/{token}")));
        }
        Err(Unread::Body(BodyError::Malformed(why))) => {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("The upload cannot be read: {why}."))
        }
        Err(Unread::Body(BodyError::Late)) => {
            (StatusCode::REQUEST_TIMEOUT, "The upload took too long: try again.".into())
        }
        Err(Unread::Body(BodyError::TooLarge)) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "The list is over 64 MB: split it, or compress it with gzip.".into(),
        ),
        Err(Unread::List(Error::Invalid { field, rule })) => {
            (status(&Error::invalid(field, "")), rule.into_owned())
        }
        Err(Unread::List(Error::Busy)) => {
            (StatusCode::SERVICE_UNAVAILABLE, "Other lists are being read: try again in a moment.".into())
        }
        Err(Unread::List(error)) => (status(&error), error.to_string()),
    };
    Ok(blank(&caller, problem.0, Some(problem.1), &typed))
}

/// Why a list could not be read.
enum Unread {
    Body(BodyError),
    List(Error),
}

impl From<BodyError> for Unread {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

impl From<Error> for Unread {
    fn from(error: Error) -> Self {
        Self::List(error)
    }
}

/// Reads the file, or the text if there is none, as it comes in; without both what is at the address.
async fn read(
    caller: &Caller,
    request: &HttpRequest,
    payload: Payload,
    typed: &mut Typed,
) -> Result<List, Unread> {
    let mut parts = Parts::of(request, payload, MOST)?;
    let mut reading = None;
    while let Some(mut part) = parts.next().await? {
        if part.name == "url" {
            while let Some(piece) = part.piece().await? {
                if typed.url.len() <= ADDRESS {
                    typed.url.extend_from_slice(&piece);
                }
            }
            continue;
        }
        let is_text = part.name == "text";
        // What comes second counts only if the first was empty.
        let is_wanted = reading.is_none() && (is_text || part.name == "file");
        while let Some(piece) = part.piece().await? {
            if !is_wanted {
                continue;
            }
            if is_text && typed.text.len() < PASTED {
                typed.text.extend_from_slice(&piece);
            }
            let begun = match reading.take() {
                Some(reading) => reading,
                None => caller.ops.read_list()?,
            };
            reading = Some(begun.more(piece).await?);
        }
    }
    let url = String::from_utf8_lossy(&typed.url);
    match reading {
        Some(reading) => Ok(reading.done().await?),
        None if !url.trim().is_empty() => Ok(caller.ops.fetch_list(url.trim()).await?),
        None => Err(Error::invalid("file", "choose a file, paste the list, or type its address").into()),
    }
}

/// Shows what the import would do, or how far it is.
pub async fn preview(caller: Caller, token: Path<String>, query: Query) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    let list = match caller.ops.kept_list(caller.actor(), &token) {
        Some(UploadedList::List(list)) => list,
        Some(UploadedList::Run(run)) => return Ok(progress(&caller, &run)),
        None => return Ok(gone()),
    };
    let mut options = options(&caller, &token).await?;
    let sent = Sent(query.0);
    options.take(&sent);
    let (status, import) = match wanted(list.clone(), &sent) {
        Ok(import) => (StatusCode::OK, import),
        Err(error) => (options.refused(error)?, Import::of(list)),
    };
    import_preview::show(&caller, status, options, import).await
}

/// Does it.
pub async fn apply(caller: Caller, token: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    let list = match caller.ops.kept_list(caller.actor(), &token) {
        Some(UploadedList::List(list)) => list,
        // Sent again: by a second press, "back" or "reload".
        Some(UploadedList::Run(_)) => return Ok(moved(&format!("/panel/streams/import/{token}"))),
        None => return Ok(gone()),
    };
    let mut options = options(&caller, &token).await?;
    options.take(&sent);
    let refused = match wanted(list.clone(), &sent) {
        Ok(import) => {
            let (run, work) = caller.ops.begin_import(caller.actor(), &token, import);
            if let Some(work) = work {
                // It goes on if the browser goes away.
                let _ = rt::time::timeout(PATIENCE, rt::spawn(work)).await;
            }
            match run.outcome() {
                Some(Err(error)) => error,
                Some(Ok(())) if run.done().stopped.is_none() => return Ok(progress(&caller, &run)),
                _ => return Ok(moved(&format!("/panel/streams/import/{token}"))),
            }
        }
        Err(error) => error,
    };
    let error = match refused {
        Error::Taken { resource, .. } => Error::Taken { resource, field: "new_bouquet" },
        error => error,
    };
    let status = options.refused(error)?;
    import_preview::show(&caller, status, options, Import::of(list)).await
}

/// How far an import is, and what came of it.
fn progress(caller: &Caller, run: &Run) -> HttpResponse {
    let so_far = run.done();
    let outcome = run.outcome();
    if outcome == Some(Ok(())) && so_far.stopped.is_none() {
        return done("/panel/streams?sort=newest", &told(&so_far));
    }
    let finished = outcome.is_some();
    let failed = match outcome {
        Some(Err(error)) => Some(format!("Nothing was imported: {error}.")),
        _ => so_far
            .stopped
            .as_ref()
            .map(|why| format!("It ended early: {why}. What was done before stays done.")),
    };
    let (after, of) = so_far.progress;
    let mut figures = vec![(format!("{} of {}", grouped(after), grouped(of)), "streams of the list")];
    figures.extend(did(&so_far).into_iter().map(|(count, what)| (grouped(count), what)));
    let title = if finished { "Import: ended early" } else { "Import: running" };
    let page = ProgressPage { frame: caller.frame(title), finished, failed, figures };
    caller.page(&page)
}

/// The list was dropped: it was imported long ago, or waited for too long.
fn gone() -> HttpResponse {
    done(
        "/panel/streams/import",
        "That list is no longer here: it was imported over an hour ago, nobody came back to it for half an hour, or the server was restarted. What was imported stays: upload the list again to import the rest.",
    )
}

fn blank(caller: &Caller, status: StatusCode, problem: Option<String>, typed: &Typed) -> HttpResponse {
    let shown = |typed: &[u8]| String::from_utf8_lossy(typed).into_owned();
    let (frame, text, url) = (caller.frame("Import streams"), shown(&typed.text), shown(&typed.url));
    caller.page_with(status, &UploadPage { frame, problem, text, url })
}

/// What can be chosen, with the choices of the first look.
async fn options(caller: &Caller, token: &str) -> Result<Form> {
    let about = About::ask(caller, &[Resource::Bouquets]).await?;
    let ways = [
        ("skip", "Leave them as they are"),
        ("add", "Add the source to the existing stream"),
        ("update", "Update the existing stream"),
    ];
    let ways = ways.map(|(value, label)| Choice::new(value, label));
    let mut inputs = vec![
        Input::new("duplicates", "Channels that exist already", Widget::Choice(ways.into())).help(
            "Matched by the same source, or by the same name in the same category. An update is for lists whose addresses change: it \
             matches by name first, then by source, then by a unique guide id, and the stream takes name, category, logo, guide id and \
             number, and the new address in place of the old one.",
        ),
        Input::new("on_demand", "New streams on demand", Widget::Flag).help("Off: they all start immediately."),
    ];
    if caller.may_write(Resource::Bouquets) {
        let bouquets = about.choices_or(Resource::Bouquets, "None");
        inputs.push(
            Input::new("bouquet", "Add all to a bouquet", Widget::Choice(bouquets)).help("At its end."),
        );
        inputs.push(Input::text("new_bouquet", "Or to a new bouquet").help("Its name."));
    }
    if let Some(on_demand) = inputs.iter_mut().find(|input| input.name == "on_demand") {
        on_demand.value = vec!["1".into()];
    }
    let zone = caller.ops.snapshot().settings.time_zone.clone();
    let form = Form::new(format!("/panel/streams/import/{token}"), "Import", &zone);
    Ok(form.section("", inputs).look("Update the preview").cancel("/panel/streams/import"))
}

/// What was chosen.
fn wanted(list: Arc<List>, sent: &Sent) -> Result<Import> {
    let mut import = Import::of(list);
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

pub(super) fn grouped(count: usize) -> String {
    show::number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// What was done, without what was not.
fn did(done: &Done) -> Vec<(usize, &'static str)> {
    let more = [(done.in_bouquet, "added to the bouquet"), (done.gone, "deleted by somebody meanwhile")];
    let figures = done.counts().into_iter().chain(more);
    figures.filter(|(count, _)| *count > 0).collect()
}

fn told(done: &Done) -> String {
    let parts: Vec<String> =
        did(done).into_iter().map(|(count, what)| format!("{} {what}", grouped(count))).collect();
    if parts.is_empty() {
        return "Imported: there was nothing to do.".into();
    }
    format!("Imported: {}.", parts.join(", "))
}
