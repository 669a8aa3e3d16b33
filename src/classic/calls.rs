//! The table of the classic API's calls, and how a request finds its row.

use std::{panic::AssertUnwindSafe, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode},
    web::{Data, Payload},
};
use futures_util::{FutureExt, future::LocalBoxFuture};

use super::{
    access,
    call::Call,
    lines, mags,
    reply::{self, Answer},
    resellers, servers, streams,
};
use crate::{
    domain::{Resource, Result},
    ops::{Action, Ops, machine::calls::Noted},
    wire::{body, form::Node, method},
};

/// One call.
struct Row {
    action: &'static str,
    sub: &'static str,
    /// What it is in the words of the Server API: so it stands in the logs.
    means: Action,
    /// Whether it takes GET as well, because modules send it so, or because it only reads.
    by_get: bool,
    run: fn(Call) -> LocalBoxFuture<'static, Result<Answer>>,
}

macro_rules! calls {
    ($($action:literal / $sub:literal, $by_get:literal, $resource:ident / $name:literal, $handler:expr;)*) => {
        const CALLS: &[Row] = &[$( Row {
            action: $action,
            sub: $sub,
            means: Action { resource: Resource::$resource, name: $name },
            by_get: $by_get,
            run: |call| Box::pin($handler(call)),
        }, )*];
    };
}

calls! {
    "user" / "create", false, Line / "new", lines::create;
    "user" / "edit", false, Line / "update", lines::edit;
    "user" / "info", true, Line / "info", lines::info;
    "stb" / "create", false, Mag / "new", mags::create;
    "stb" / "edit", false, Mag / "update", mags::edit;
    "stb" / "info", true, Mag / "info", mags::info;
    "reg_user" / "list", true, Resellers / "list", resellers::list;
    "reg_user" / "credits", true, Resellers / "add_credits", resellers::credits;
    "server" / "list", true, Servers / "list", servers::list;
    "stream" / "list", true, Streams / "list", streams::list;
    "stream" / "online", true, Streams / "online", streams::online;
    "stream" / "offline", true, Streams / "offline", streams::offline;
    "stream" / "start", true, Streams / "start", streams::start;
    "stream" / "stop", true, Streams / "stop", streams::stop;
}

/// Answers `/api.php`.
pub async fn entry(request: HttpRequest, payload: Payload, ops: Data<Ops>) -> HttpResponse {
    let answer = AssertUnwindSafe(answer(&request, payload, &ops)).catch_unwind().await;
    match answer {
        Ok(Ok(response) | Err(response)) => response,
        Err(_) => reply::failure(StatusCode::INTERNAL_SERVER_ERROR, "The server failed: see its log"),
    }
}

/// Either way a whole reply; `Err` is one from before the call itself.
async fn answer(request: &HttpRequest, payload: Payload, ops: &Ops) -> Result<HttpResponse, HttpResponse> {
    let begun = Instant::now();
    let address = access::address(request, ops)?;
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(method::wrong("GET, POST", reply::failure));
    }
    let fields = body::query_and_body(request, payload, None).await;
    let mut fields = fields.map_err(|(status, why)| reply::failure(status, &why))?;
    let mut word = |name| match fields.shift_remove(name) {
        Some(Node::Text(text)) => text,
        _ => String::new(),
    };
    let (action, sub, api_pass) = (word("action"), word("sub"), word("api_pass"));
    let actor = access::caller(ops, address, &api_pass).await?;
    let row = CALLS.iter().find(|row| row.action == action && row.sub == sub);
    let row = row.ok_or_else(|| reply::failure(StatusCode::OK, NO_CALL))?;
    if *request.method() == Method::GET && !row.by_get {
        return Err(method::wrong("POST", reply::failure));
    }
    let (name, resource) = (actor.name().to_owned(), row.means.resource);
    let outcome = async { (row.run)(Call::new(ops.clone(), actor, row.means, fields)?).await }.await;
    ops.note_call(Noted {
        key: name,
        address,
        resource,
        action: row.means.name,
        outcome: outcome.as_ref().map_or_else(|error| reply::logged(error, resource), |_| "ok".into()),
        code: outcome.as_ref().map_or_else(crate::domain::Error::code, |_| "ok"),
        took: begun.elapsed(),
    });
    Ok(match outcome {
        Ok(answer) => answer.reply(),
        Err(error) => reply::refusal(&error, resource),
    })
}

const NO_CALL: &str = "There is no call of that action and sub: docs/classic-api.md lists them all";
