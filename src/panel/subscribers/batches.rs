//! Batches: what was changed of many lines or MAGs at once, and taking it back.

use actix_web::web::{Path, ServiceConfig, resource};

use super::super::kit::{
    caller::{Caller, action, done},
    error::Reply,
    pages::ListPage,
    show::{self, Moment},
    table::{Cell, Head, Listing, Pager, RowAction, Tone},
};
use crate::{
    domain::{
        Error, Resource,
        ids::parse_id,
        people::rights::Access,
        subscribers::batch::{Batch, State},
    },
    ops::{
        clock,
        subscribers::{batches, undo},
    },
};

/// Where they are.
const PATH: &str = "/panel/batches";
/// Batches on the page.
const ROWS: usize = 200;
/// Kept rows that are named.
const NAMED: usize = 5;

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/batches").get(list)).service(resource("/batches/{id}/undo").post(take_back));
}

async fn list(caller: Caller) -> Reply {
    let action = action(Resource::Batches, "list");
    let found = caller.ops.read(caller.actor(), action, |look| batches::newest(look, ROWS)).await?;
    let heads = ["Batch", "What", "State", "Rows", "By", "Ordered", "Ended", ""].map(Head::new);
    let listing = Listing {
        heads: heads.into(),
        rows: found.iter().map(|batch| row(&caller, batch)).collect(),
        empty: "None yet: the calls line/bulk and mag/bulk of the Server API order them.".into(),
        pager: Pager { summary: show::many(found.len(), "batch"), ..Pager::default() },
        ..Listing::default()
    };
    let about = "Changes of many lines or MAGs at once. For 24 hours each can be undone; rows that were changed since are kept.";
    Ok(caller.page(&ListPage { frame: caller.frame("Batches"), about, listing }))
}

fn row(caller: &Caller, batch: &Batch) -> Vec<Cell> {
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let time = |at| Cell::Time(at, "");
    let verb = match batch.action.as_str() {
        "delete" => "Delete",
        "extend" => "Extend",
        _ => "Change",
    };
    let many = if batch.resource == Resource::Mag { "MAGs" } else { "lines" };
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
    let allowed = caller.actor().may(batch.resource, Access::Write).is_ok()
        && batch.may_be_undone(clock::now()).is_ok();
    let undo = (allowed && batch.state != State::Undone)
        .then(|| RowAction::Do { action: format!("{PATH}/{}/undo", batch.id), label: "Undo".into() });
    vec![
        Cell::Number(show::number(batch.id)),
        Cell::Text(format!("{verb} {many}")),
        state,
        Cell::Text(rows),
        Cell::Text(batch.actor.clone()),
        time(Some(Moment::of(batch.created_at, &zone))),
        time(batch.ended_at.map(|at| Moment::of(at, &zone))),
        Cell::Actions(undo.into_iter().collect()),
    ]
}

async fn take_back(caller: Caller, id: Path<String>) -> Reply {
    caller.actor().may(Resource::Batches, Access::Write)?;
    let id = parse_id(&id).map_err(|_| Error::no_such(Resource::Batches))?;
    caller.ops.undo_batch(caller.actor(), id, false).await?;
    let job = move |act: &crate::ops::Act<'_>| undo::finish_undo(act, id);
    let (_, undone) =
        caller.ops.write(caller.actor().clone(), action(Resource::Batches, "undo"), job).await?;
    let mut told = format!("Batch {id} was undone: {} taken back.", show::many(undone.undone, "row"));
    if undone.kept.0 > 0 {
        let names: Vec<&str> = undone.kept.1.iter().take(NAMED).map(|row| row.name.as_str()).collect();
        let more = if undone.kept.1.len() > NAMED { " and others" } else { "" };
        told = format!("{told} Kept as they are by now: {}{more}.", names.join(", "));
    }
    Ok(done(PATH, &told))
}
