//! Batches: what was changed or deleted, of one row or of many, how far it is, and taking it back.

use std::time::Duration;

use actix_web::{
    HttpResponse, rt,
    web::{Path, ServiceConfig, resource},
};
use askama::Template;

use super::super::kit::{
    caller::{Caller, action, done, inside},
    error::Reply,
    frame::Frame,
    pages::ListPage,
    sent::Sent,
    show::{self, Moment},
    table::{Cell, Head, Listing, Pager, RowAction, Tone},
};
use crate::{
    domain::{
        Error, Resource,
        ids::parse_id,
        people::rights::Access,
        subscribers::batch::{Batch, Named, State},
    },
    ops::{
        Ops, clock,
        subscribers::{
            batches::{self, Info},
            undo,
        },
    },
};

/// Where they are.
const PATH: &str = "/panel/batches";
/// Batches on the page.
const ROWS: usize = 200;
/// Kept rows that are named in a notice.
const NAMED: usize = 5;
/// An undo is waited for so long; a longer one is followed on the page of the batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/batches").get(list))
        .service(resource("/batches/{id}").get(show))
        .service(resource("/batches/{id}/undo").post(take_back));
}

/// The page of one.
pub fn href(id: i64) -> String {
    format!("{PATH}/{id}")
}

async fn list(caller: Caller) -> Reply {
    let action = action(Resource::Batches, "list");
    let found = caller.ops.read(caller.actor(), action, |look| batches::newest(look, ROWS)).await?;
    let heads = ["Batch", "What", "State", "Rows", "By", "Ordered", "Ended", ""].map(Head::new);
    let listing = Listing {
        heads: heads.into(),
        rows: found.iter().map(|batch| row(&caller, batch)).collect(),
        empty: "None yet: whatever is deleted, and mass edits, will stand here.".into(),
        pager: Pager { summary: show::many(found.len(), "batch"), ..Pager::default() },
        ..Listing::default()
    };
    let about = "What was deleted, and what was changed of many rows at once. For 24 hours each can be undone; rows that were changed \
                 since are kept, and can be tried again. Undo the newest first.";
    Ok(caller.page(&ListPage { frame: caller.frame("Batches"), about, listing }))
}

fn row(caller: &Caller, batch: &Batch) -> Vec<Cell> {
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let time = |at| Cell::Time(at, "");
    let state = match batch.state {
        State::Waiting => Cell::Badge(Tone::Plain, "waiting".into()),
        State::Running => Cell::Badge(Tone::Good, "running".into()),
        State::Done => Cell::Badge(Tone::Good, "done".into()),
        State::Stopped => Cell::Badge(Tone::Bad, "stopped".into()),
        State::Undone => Cell::Badge(Tone::Plain, "undone".into()),
    };
    let state = if batch.why.is_empty() { state } else { Cell::Under(Box::new(state), batch.why.clone()) };
    let mut rows = format!("{} of {} done", show::number(batch.done), show::number(batch.of));
    for (count, what) in [(batch.failed, "refused"), (batch.undone, "undone")] {
        if count > 0 {
            rows = format!("{rows}, {} {what}", show::number(count));
        }
    }
    let undo = undo_at(caller, batch).map(|action| RowAction::Do { action, label: undo_label(batch).into() });
    vec![
        Cell::Link { href: href(batch.id), text: show::number(batch.id) },
        Cell::Text(what(batch)),
        state,
        Cell::Text(rows),
        Cell::Text(batch.actor.clone()),
        time(Some(Moment::of(batch.created_at, &zone))),
        time(batch.ended_at.map(|at| Moment::of(at, &zone))),
        Cell::Actions(undo.into_iter().collect()),
    ]
}

/// Where it is undone, if it can be.
fn undo_at(caller: &Caller, batch: &Batch) -> Option<String> {
    let allowed = caller.actor().may(batch.resource, Access::Write).is_ok()
        && batch.may_be_undone(clock::now()).is_ok()
        && (batch.state != State::Undone || batch.kept);
    allowed.then(|| format!("{}/undo", href(batch.id)))
}

/// What the button says.
fn undo_label(batch: &Batch) -> &'static str {
    if batch.state == State::Undone { "Undo the rest" } else { "Undo" }
}

/// What a batch does, in words: Delete 3 lines.
fn what(batch: &Batch) -> String {
    let verb = match batch.action.as_str() {
        "delete" => "Delete",
        "extend" => "Extend",
        _ => "Change",
    };
    format!("{verb} {}", show::many(batch.of, one(batch.resource)))
}

/// One row of that resource, within a sentence.
fn one(resource: Resource) -> &'static str {
    match resource {
        Resource::Mag => "MAG",
        Resource::SubscriptionPlans => "plan",
        Resource::GuideSources => "guide source",
        resource => resource.singular(),
    }
}

#[derive(Template)]
#[template(path = "batch.html")]
struct BatchPage {
    frame: Frame,
    what: String,
    by: String,
    over: bool,
    why: String,
    figures: Vec<(String, &'static str)>,
    /// Where it is undone; empty if it cannot be.
    undo: String,
    undo_label: &'static str,
    /// Rows that were refused, and those that were kept, each with how many are not named.
    named: Vec<(&'static str, Listing, String)>,
    list: &'static str,
}

async fn show(caller: Caller, id: Path<String>) -> Reply {
    let id = number(&id)?;
    let action = action(Resource::Batches, "info");
    let info = caller.ops.read(caller.actor(), action, move |look| batches::info(look, id)).await?;
    let Info { batch, changed, failed, kept } = &info;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let over = !matches!(batch.state, State::Waiting | State::Running);
    let mut figures = vec![(show::number(batch.done), "done")];
    // Of rows that were as wanted nothing is left to undo.
    if batch.may_be_undone(clock::now()).is_ok() && *changed < batch.done {
        figures.push((show::number(batch.done - changed), "of them needed no change"));
    }
    figures.extend([(show::number(batch.failed), "refused"), (show::number(batch.undone), "undone")]);
    let named = [("Refused", failed), ("Kept as they are by now", kept)];
    let named = named.into_iter().filter(|(_, (count, _))| *count > 0);
    Ok(caller.page(&BatchPage {
        frame: caller.frame(format!("Batch {id}: {}", batch.state.name())),
        what: what(batch),
        by: format!("{}, {}", batch.actor, Moment::of(batch.created_at, &zone).text),
        over,
        why: batch.why.clone(),
        figures,
        undo: undo_at(&caller, batch).unwrap_or_default(),
        undo_label: undo_label(batch),
        named: named.map(|(label, (count, rows))| named_rows(label, *count, rows)).collect(),
        list: PATH,
    }))
}

fn named_rows(label: &'static str, count: i64, rows: &[Named]) -> (&'static str, Listing, String) {
    let row = |row: &Named| {
        let name = if row.name.is_empty() { format!("id {}", row.id) } else { row.name.clone() };
        vec![Cell::Text(name), Cell::Text(row.why.clone())]
    };
    let listing = Listing {
        label,
        heads: vec![Head::new("Name"), Head::new("Why")],
        rows: rows.iter().map(row).collect(),
        ..Listing::default()
    };
    let more = count - i64::try_from(rows.len()).unwrap_or(0);
    (label, listing, if more > 0 { show::number(more) } else { String::new() })
}

fn number(id: &str) -> Result<i64, Error> {
    parse_id(id).map_err(|_| Error::no_such(Resource::Batches))
}

/// Undoes it, and goes back to the page on which the button stood. It goes on also when the browser does not wait.
async fn take_back(caller: Caller, id: Path<String>, sent: Sent) -> Reply {
    caller.actor().may(Resource::Batches, Access::Write)?;
    let id = number(&id)?;
    let work = rt::spawn(undone(caller.ops.clone(), caller.actor().clone(), id));
    let Ok(Ok(outcome)) = rt::time::timeout(PATIENCE, work).await else {
        return Ok(done(&href(id), "It is being undone; open this page again to see how far it is."));
    };
    let told = outcome?;
    Ok(back(sent.text("back"), &told))
}

async fn undone(ops: Ops, actor: crate::domain::people::actor::Actor, id: i64) -> Result<String, Error> {
    ops.undo_batch(&actor, id, false).await?;
    let job = move |act: &crate::ops::Act<'_>| undo::finish_undo(act, id);
    let (_, undone) = ops.write(actor, action(Resource::Batches, "undo"), job).await?;
    let mut told = format!("Batch {id} was undone: {} taken back.", show::many(undone.undone, "row"));
    if undone.kept.0 > 0 {
        let kept = undone.kept.1.iter().take(NAMED);
        let names: Vec<String> = kept.map(|row| format!("{} ({})", row.name, row.why)).collect();
        let more = if undone.kept.1.len() > NAMED { " and others" } else { "" };
        told = format!(
            "{told} Kept as they are by now: {}{more}. Undo the rest once that is out of the way.",
            names.join(", ")
        );
    }
    Ok(told)
}

fn back(to: &str, text: &str) -> HttpResponse {
    done(if to.is_empty() { PATH } else { inside(to) }, text)
}
