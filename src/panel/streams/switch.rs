//! Starting, stopping and filling bouquets, for one stream or for those that are ticked.

use actix_web::{HttpResponse, web::Path};

use crate::{
    domain::{
        Error, Resource, Result,
        ids::{BouquetId, StreamId, parse_id},
        rights::Access,
        stream::Stream,
    },
    ops::streams::{self, Which},
    panel::{
        caller::{Caller, doing, done, inside},
        error::{Refused, Reply},
        records,
        sent::{Query, Sent},
    },
};

/// Starts, stops or restarts one stream.
pub async fn one(caller: Caller, path: Path<(String, String)>, query: Query) -> Reply {
    let (id, verb) = path.into_inner();
    let stream = records::find::<Stream>(&caller, &id).await?;
    let told = switch(&caller, &verb, vec![stream.id]).await?;
    Ok(back(query.text("back"), &format!("{} was {told}.", stream.record.name.as_str())))
}

/// Does what the button says with the streams that are ticked.
pub async fn several(caller: Caller, sent: Sent) -> Reply {
    let changed = if sent.text("do") == "bouquet" { Resource::Bouquets } else { Resource::Streams };
    caller.actor().may(changed, Access::Write)?;
    let to = sent.text("back").to_owned();
    let ids: Result<Vec<StreamId>, _> =
        sent.list("ids").iter().map(|id| parse_id(id).map(StreamId)).collect();
    let ids = ids.map_err(|rule| Error::invalid("ids", rule))?;
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
    let told = switch(&caller, sent.text("do"), ids).await?;
    Ok(back(&to, &format!("{} {told}.", many(count))))
}

/// Does it; what was done, as the end of a sentence.
async fn switch(caller: &Caller, verb: &str, ids: Vec<StreamId>) -> Reply<&'static str> {
    let (action, told, starts, restart) = match verb {
        "start" => ("start", "started", true, false),
        "restart" => ("start", "restarted", true, true),
        "stop" => ("stop", "stopped", false, false),
        _ => return Err(Refused::Malformed("A stream can be started, stopped and restarted.".into())),
    };
    let which = Which::These(ids);
    let job = move |act: &crate::ops::Act<'_>| {
        if starts { streams::start(act, &which, None) } else { streams::stop(act, &which, None) }
    };
    let ids = caller.ops.write(caller.actor().clone(), doing(Resource::Streams, action), job).await?;
    caller.ops.apply_streams(&ids, restart)?;
    Ok(told)
}

fn many(count: usize) -> String {
    if count == 1 { "1 stream was".into() } else { format!("{count} streams were") }
}

fn back(to: &str, text: &str) -> HttpResponse {
    let to = inside(to);
    done(if to == "/panel/" { "/panel/streams" } else { to }, text)
}
