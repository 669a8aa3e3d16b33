//! Starting, stopping and filling bouquets, for one stream or for those that are ticked.

use actix_web::{HttpResponse, web::Path};

use crate::{
    domain::{
        Error, Resource, Result, Stored,
        ids::{BouquetId, Id, StreamId, parse_id},
        rights::Access,
        stream::Stream,
        time::UnixTime,
    },
    ops::streams::{self, Which},
    panel::{
        caller::{Caller, doing, done, inside},
        error::{Refused, Reply},
        moved,
        pages::ConfirmPage,
        records,
        sent::{Query, Sent},
        show,
    },
};

/// Starts, stops or restarts one stream.
pub async fn one(caller: Caller, path: Path<(String, String)>, query: Query) -> Reply {
    let (id, verb) = path.into_inner();
    let stream = records::find::<Stream>(&caller, &id).await?;
    let (name, to) = (stream.record.name.as_str(), query.text("back"));
    let seen = query.text("seen").parse().ok().map(UnixTime::clamped);
    Ok(match switch(&caller, &verb, vec![stream.id], seen).await {
        Ok((_, 0)) => {
            back(to, &format!("{name} was stopped meanwhile, and stays so: start it if it is to run."))
        }
        Ok((told, _)) => back(to, &format!("{name} was {told}.")),
        Err(Refused::Error(Error::Changed)) => {
            back(to, &format!("{name} was changed meanwhile, and not started: look at it first."))
        }
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
        return Ok(back(&to, "Nothing was ticked: tick the streams first."));
    }
    let count = ids.len();
    if sent.text("do") == "bouquet" {
        let bouquet = parse_id(sent.text("bouquet")).map(BouquetId);
        let bouquet = bouquet.map_err(|rule| Error::invalid("bouquet", rule))?;
        let job = move |act: &crate::ops::Act<'_>| streams::add_to_bouquet(act, bouquet, &ids);
        let doing = doing(Resource::Bouquets, "update");
        let added = caller.ops.write(caller.actor().clone(), doing, job).await?;
        return Ok(back(&to, &format!("{} put into the bouquet.", many(added))));
    }
    if sent.text("do") == "delete" {
        let ids: Vec<String> = ids.iter().map(|id| id.number().to_string()).collect();
        return Ok(moved(&format!("/panel/streams/delete?ids={}", ids.join(","))));
    }
    let (told, done) = switch(&caller, sent.text("do"), ids, None).await?;
    let left = match count - done {
        0 => String::new(),
        1 => " One is stopped, and stays so.".into(),
        left => format!(" {left} are stopped, and stay so."),
    };
    Ok(back(&to, &format!("{} {told}.{left}", many(done))))
}

fn ids_of<'t>(texts: impl Iterator<Item = &'t str>) -> Result<Vec<StreamId>> {
    let ids: Result<_, _> = texts.map(|id| parse_id(id).map(StreamId)).collect();
    ids.map_err(|rule| Error::invalid("ids", rule))
}

/// Asks before several are deleted.
pub async fn ask_delete(caller: Caller, query: Query) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    let ids = ids_of(query.text("ids").split(','))?;
    let asked = doing(Resource::Streams, "list");
    let read = caller.ops.read(caller.actor(), asked, move |read| read.streams_of(ids.iter().copied()));
    let streams = read.await?;
    let names: Vec<&str> = streams.iter().map(|stream| stream.record.name.as_str()).collect();
    let told = show::many(names.len(), "stream");
    Ok(caller.page(&ConfirmPage {
        frame: caller.frame(format!("Delete {told}?")),
        text: format!(
            "These go for good, out of every bouquet, and whoever watches them is cut off: {}.",
            names.join(", ")
        ),
        action: format!("/panel/streams/delete?ids={}", comma_separated(&streams)),
        submit: "Delete them",
        cancel: "/panel/streams".into(),
    }))
}

/// Deletes several.
pub async fn delete(caller: Caller, query: Query) -> Reply {
    caller.actor().may(Resource::Streams, Access::Write)?;
    let ids = ids_of(query.text("ids").split(','))?;
    let job = move |act: &crate::ops::Act<'_>| streams::delete(act, &ids);
    let gone = caller.ops.write(caller.actor().clone(), doing(Resource::Streams, "delete"), job).await?;
    Ok(done("/panel/streams", &format!("{} deleted.", many(gone.len()))))
}

fn comma_separated(streams: &[Stored<Stream>]) -> String {
    streams.iter().map(|stream| stream.id.number().to_string()).collect::<Vec<_>>().join(",")
}

/// Does it; what was done, as the end of a sentence, and with how many. With the `updated_at` with which one was seen,
/// only if it is still so.
async fn switch(
    caller: &Caller,
    verb: &str,
    ids: Vec<StreamId>,
    seen: Option<UnixTime>,
) -> Reply<(&'static str, usize)> {
    let (action, told, starts, restart) = match verb {
        "start" => ("start", "started", true, false),
        "restart" => ("restart", "restarted", true, true),
        "stop" => ("stop", "stopped", false, false),
        _ => return Err(Refused::Malformed("A stream can be started, stopped and restarted.".into())),
    };
    let job = move |act: &crate::ops::Act<'_>| match (starts, restart) {
        (true, true) => streams::renew(act, &ids),
        (true, false) => streams::start(&act.seeing(seen), &Which::These(ids.clone()), None),
        (false, _) => streams::stop(act, &Which::These(ids.clone()), None),
    };
    let ids = caller.ops.write(caller.actor().clone(), doing(Resource::Streams, action), job).await?;
    Ok((told, ids.len()))
}

fn many(count: usize) -> String {
    format!("{} {}", show::many(count, "stream"), if count == 1 { "was" } else { "were" })
}

fn back(to: &str, text: &str) -> HttpResponse {
    let to = inside(to);
    done(if to == "/panel/" { "/panel/streams" } else { to }, text)
}
