//! Starting, stopping and filling bouquets, for one stream or for those that are ticked.

use actix_web::{HttpResponse, web::Path};

use crate::{
    domain::{
        Error, Resource, Result, Stored,
        channels::stream::Stream,
        fields::time::UnixTime,
        ids::{BouquetId, Id, StreamId, parse_id},
        people::rights::Access,
    },
    ops::{
        channels::streams::{self, Which},
        managed,
        subscribers::at_once::{self, DeletedRows},
    },
    panel::{
        kit::{
            caller::{Caller, action, done_as, inside},
            error::{PageError, Reply},
            pages::ConfirmPage,
            records,
            sent::{Query, Sent},
            show,
        },
        moved,
    },
};

/// The field with the `updated_at` of what a page showed.
const SEEN: &str = "seen";

/// Starts, stops or restarts one stream.
pub async fn one(caller: Caller, path: Path<(String, String)>, query: Query) -> Reply {
    let (id, verb) = path.into_inner();
    let stream = records::find::<Stream>(&caller, &id).await?;
    let (name, to) = (stream.record.name.as_str(), query.text("back"));
    let seen = vec![(stream.id, time(query.text(SEEN)))];
    Ok(match switch(&caller, &verb, seen).await {
        Ok((Switch::Start, 0)) => back(
            to,
            &format!("{name} was changed by somebody else meanwhile, and not started: check it first."),
        ),
        Ok((_, 0)) => back(
            to,
            &format!(
                "{name} was stopped by somebody else meanwhile, and stays stopped: start it if it should run."
            ),
        ),
        Ok((how, _)) => back(to, &format!("{name} was {}.", how.past())),
        Err(error) => return Err(error),
    })
}

/// Does what the button says with the streams that are ticked.
pub async fn several(caller: Caller, sent: Sent) -> Reply {
    let changed = if sent.text("do") == "bouquet" { Resource::Bouquets } else { Resource::Streams };
    caller.actor().may(changed, Access::Write)?;
    let to = sent.text("back").to_owned();
    let ids = ids_of(sent.list("ids").iter().map(String::as_str))?;
    if ids.is_empty() {
        return Ok(back(&to, "Nothing was selected: select streams first."));
    }
    let count = ids.len();
    if sent.text("do") == "bouquet" {
        let bouquet = parse_id(sent.text("bouquet")).map(BouquetId);
        let bouquet = bouquet.map_err(|rule| Error::invalid("bouquet", rule))?;
        let job = move |act: &crate::ops::Act<'_>| streams::add_and_note(act, bouquet, &ids);
        let action = action(Resource::Bouquets, "update");
        let (added, batch) = caller.ops.write(caller.actor().clone(), action, job).await?;
        return Ok(back_as(batch, &to, &format!("{} added to the bouquet.", many(added))));
    }
    if sent.text("do") == "delete" {
        let ids: Vec<String> = ids.iter().map(|id| id.number().to_string()).collect();
        return Ok(moved(&format!("/panel/streams/delete?ids={}", ids.join(","))));
    }
    let seen = ids.into_iter().map(|id| (id, time(sent.within(SEEN, &id.number().to_string()))));
    let (how, done) = switch(&caller, sent.text("do"), seen.collect()).await?;
    let left = match (how, count - done) {
        (_, 0) => String::new(),
        (Switch::Start, 1) => {
            " One was changed by somebody else meanwhile, and not started: check it first.".into()
        }
        (Switch::Start, left) => {
            format!(" {left} were changed by somebody else meanwhile, and not started: check them first.")
        }
        (_, 1) => " One is stopped, and stays stopped.".into(),
        (_, left) => format!(" {left} are stopped, and stay stopped."),
    };
    Ok(back(&to, &format!("{} {}.{left}", many(done), how.past())))
}

fn ids_of<'t>(texts: impl Iterator<Item = &'t str>) -> Result<Vec<StreamId>> {
    let ids: Result<_, _> = texts.map(|id| parse_id(id).map(StreamId)).collect();
    ids.map_err(|rule| Error::invalid("ids", rule))
}

/// Asks before several are deleted.
pub async fn ask_delete(caller: Caller, query: Query) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    confirm(&caller, ids_of(query.text("ids").split(','))?, false).await
}

async fn confirm(caller: &Caller, ids: Vec<StreamId>, changed: bool) -> Reply {
    let asked = action(Resource::Streams, "list");
    let read = caller.ops.read(caller.actor(), asked, move |look| {
        Ok((streams::these(look, &ids)?, managed::fingerprint::<Stream>(look, &ids)?))
    });
    let (streams, seen) = read.await?;
    let names: Vec<&str> = streams.iter().map(|stream| stream.record.name.as_str()).collect();
    let told = show::many(names.len(), "stream");
    let page = ConfirmPage {
        frame: caller.frame(format!("Delete {told}?")),
        text: format!(
            "These will be deleted and removed from every bouquet, and their viewers are cut off: {}. They can be brought back for 24 hours.",
            names.join(", ")
        ),
        action: format!("/panel/streams/delete?ids={}", comma_separated(&streams)),
        submit: "Delete them",
        cancel: "/panel/streams".into(),
        seen,
        barred: false,
        changed: false,
    };
    Ok(page.shown(caller, changed))
}

/// Deletes several.
pub async fn delete(caller: Caller, query: Query, sent: Sent) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    let ids = ids_of(query.text("ids").split(','))?;
    let (meant, seen) = (ids.clone(), sent.text(SEEN).to_owned());
    let job = move |act: &crate::ops::Act<'_>| {
        managed::check_sight::<Stream>(act, &meant, &seen)?;
        at_once::delete::<Stream>(act, &meant)
    };
    match caller.ops.write(caller.actor().clone(), action(Resource::Streams, "delete"), job).await {
        Err(Error::Changed) => confirm(&caller, ids, true).await,
        gone => {
            let DeletedRows { batch, names } = gone?;
            Ok(done_as(batch, "/panel/streams", &format!("{} deleted.", many(names.len()))))
        }
    }
}

fn comma_separated(streams: &[Stored<Stream>]) -> String {
    streams.iter().map(|stream| stream.id.number().to_string()).collect::<Vec<_>>().join(",")
}

/// What is done with streams.
#[derive(Clone, Copy)]
enum Switch {
    Start,
    Restart,
    Stop,
}

impl Switch {
    fn past(self) -> &'static str {
        match self {
            Self::Start => "started",
            Self::Restart => "restarted",
            Self::Stop => "stopped",
        }
    }
}

/// Does it; what was done, and with how many. One that was seen otherwise, with another `updated_at` or none, is not started.
async fn switch(
    caller: &Caller,
    verb: &str,
    seen: Vec<(StreamId, Option<UnixTime>)>,
) -> Reply<(Switch, usize)> {
    let (name, how) = match verb {
        "start" => ("start", Switch::Start),
        "restart" => ("restart", Switch::Restart),
        "stop" => ("stop", Switch::Stop),
        _ => return Err(PageError::Malformed("A stream can be started, stopped and restarted.".into())),
    };
    let ids: Vec<StreamId> = seen.iter().map(|(id, _)| *id).collect();
    let job = move |act: &crate::ops::Act<'_>| match how {
        Switch::Start => streams::start_seen(act, &seen),
        Switch::Restart => streams::renew(act, &ids),
        Switch::Stop => streams::stop(act, &Which::These(ids.clone()), None),
    };
    let ids = caller.ops.write(caller.actor().clone(), action(Resource::Streams, name), job).await?;
    Ok((how, ids.len()))
}

/// The `updated_at` with which a row was seen, if that was sent.
fn time(text: &str) -> Option<UnixTime> {
    text.parse().ok().map(UnixTime::clamped)
}

fn many(count: usize) -> String {
    format!("{} {}", show::many(count, "stream"), if count == 1 { "was" } else { "were" })
}

fn back(to: &str, text: &str) -> HttpResponse {
    back_as(None, to, text)
}

fn back_as(batch: Option<i64>, to: &str, text: &str) -> HttpResponse {
    let to = inside(to);
    done_as(batch, if to == "/panel/" { "/panel/streams" } else { to }, text)
}
