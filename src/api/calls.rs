//! The table of calls, and how a request finds its row.

use std::{borrow::Cow, panic::AssertUnwindSafe, time::Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web::{Data, Payload},
};
use futures_util::{FutureExt, TryFutureExt, future::LocalBoxFuture};
use percent_encoding::percent_decode_str;

use super::{
    access::{ApiAccess, bearer},
    call::Call,
    channels::{archive, bouquets, streams},
    events::{log as event_log, message_targets, messages, webhooks},
    guide::{channels as guide_channels, sources as guide_sources},
    machine::{backups, jobs, logs, servers, settings},
    managed,
    people::{administrators, resellers, security},
    reply,
    subscribers::{batches, bulk, line, mag},
    viewing::connections,
};
use crate::{
    domain::{
        Error, JsonObject, Resource, Result,
        channels::{
            bouquet::{Bouquet, Category},
            stream::Stream,
        },
        events::webhook::Webhook,
        guide::source::GuideSource,
        machine::server::Server,
        messages::target::MessageTarget,
        people::{
            admin::Group,
            audit::MASK,
            rights::Access::{self, Read, Write},
        },
        subscribers::{line::Line, mag::Mag, plan::Plan},
    },
    ops::{Action, Ops, machine::calls::Noted},
    wire::{body, form::Node, method, redact},
};

/// One call of the Server API.
pub struct Row {
    /// The first segment of its path after `/api/`.
    pub resource: Resource,
    /// The second.
    pub action: &'static str,
    /// What it does. Calls that only read also take GET.
    pub access: Access,
    /// One sentence for the API description.
    pub doc: &'static str,
    run: fn(Call) -> LocalBoxFuture<'static, Result<JsonObject>>,
}

macro_rules! calls {
    ($($resource:ident / $action:literal, $access:ident, $handler:expr, $doc:literal;)*) => {
        /// Every call there is.
        pub const CALLS: &[Row] = &[$( Row {
            resource: Resource::$resource,
            action: $action,
            access: $access,
            doc: $doc,
            run: |call| Box::pin($handler(call).map_ok(JsonObject::from)),
        }, )*];
    };
}

calls! {
    Line / "new", Write, line::create, "Creates a line; without username or password it gets random ones.";
    Line / "update", Write, line::update, "Changes the line of that username; data[extend_plan]=1 extends it.";
    Line / "delete", Write, line::delete, "Deletes the line of that username.";
    Line / "info", Read, line::info, "Shows a line, its open connections and its channels.";
    Line / "explain", Read, line::explain, "Explains why a line can or cannot watch: every rule, its connections, its latest refusals.";
    Line / "convert_to_mag", Write, line::convert_to_mag, "Converts the line of that username to a MAG; plan, end date, reseller and history are kept.";
    Line / "list", Read, line::list, "Lists lines.";
    Line / "bulk", Write, bulk::bulk::<Line>, "Updates, extends or deletes many lines: with dry_run=1 a preview, else a batch.";
    Mag / "new", Write, mag::create, "Creates a MAG.";
    Mag / "update", Write, mag::update, "Changes the MAG of that address; data[extend_plan]=1 extends it.";
    Mag / "delete", Write, mag::delete, "Deletes the MAG of that address.";
    Mag / "info", Read, mag::info, "Shows a MAG, its open connections and its channels.";
    Mag / "explain", Read, mag::explain, "Explains why a MAG can or cannot watch: every rule, its connections, its latest refusals.";
    Mag / "send_event", Write, mag::send_event, "Sends an event to the box of a MAG: show a message, reboot, reload, play a channel and more.";
    Mag / "reset_device", Write, mag::reset_device, "Releases the device that the MAG is bound to, so that another can take its place.";
    Mag / "set_parent_pin", Write, mag::set_parent_pin, "Sets the parental PIN of a MAG; without parent_pin to a random one.";
    Mag / "convert_to_line", Write, mag::convert_to_line, "Converts the MAG of that address to a line; plan, end date, reseller and history are kept.";
    Mag / "list", Read, mag::list, "Lists MAGs, each with its box.";
    Mag / "bulk", Write, bulk::bulk::<Mag>, "Updates, extends or deletes many MAGs: with dry_run=1 a preview, else a batch.";
    Batches / "list", Read, batches::list, "Lists batches, and how far they are.";
    Batches / "info", Read, batches::info, "Shows a batch, how far it is, and which rows it could not change.";
    Batches / "undo", Write, batches::undo, "Takes back what a batch did within 24 hours, except rows that were changed since.";
    Administrators / "new", Write, administrators::create, "Creates an administrator.";
    Administrators / "update", Write, administrators::update, "Changes an administrator.";
    Administrators / "delete", Write, administrators::delete, "Deletes an administrator.";
    Administrators / "list", Read, administrators::list, "Lists administrators.";
    Administrators / "sessions", Read, administrators::sessions, "Lists who is signed in to the panel.";
    Administrators / "end_session", Write, administrators::end_session, "Ends a session of the panel.";
    Resellers / "new", Write, resellers::create, "Creates a reseller.";
    Resellers / "update", Write, resellers::update, "Changes a reseller; data[credits] sets its balance.";
    Resellers / "add_credits", Write, resellers::add_credits, "Adds credits to a reseller, or takes them away.";
    Resellers / "delete", Write, resellers::delete, "Deletes a reseller without lines, MAGs, administrators or API keys.";
    Resellers / "list", Read, resellers::list, "Lists resellers.";
    Resellers / "statement", Read, resellers::statement, "Shows a reseller's ledger.";
    Servers / "new", Write, managed::create::<Server>, "Creates a load balancer.";
    Servers / "update", Write, servers::update, "Changes a server.";
    Servers / "delete", Write, managed::delete::<Server>, "Deletes a load balancer.";
    Servers / "info", Read, servers::info, "Shows a server.";
    Servers / "list", Read, servers::list, "Lists servers.";
    Streams / "new", Write, managed::create::<Stream>, "Creates a stream.";
    Streams / "update", Write, managed::update::<Stream>, "Changes a stream.";
    Streams / "delete", Write, managed::delete::<Stream>, "Deletes a stream, also from its bouquets.";
    Streams / "info", Read, managed::info::<Stream>, "Shows a stream.";
    Streams / "list", Read, managed::list::<Stream>, "Lists streams.";
    Streams / "online", Read, streams::online, "Lists the running streams, with their state.";
    Streams / "offline", Read, streams::offline, "Lists the streams that are not running, and why.";
    Streams / "start", Write, streams::start, "Enables and starts or restarts streams; also by GET.";
    Streams / "stop", Write, streams::stop, "Disables and stops streams; also by GET.";
    Archive / "list", Read, archive::list, "Lists what is recorded of streams, and whether each is recorded now.";
    Archive / "delete", Write, archive::delete, "Deletes the recordings of a stream, or those that end before a time.";
    Events / "list", Read, event_log::list, "Lists what happened behind an event, in order; waits for it if wished.";
    Webhooks / "new", Write, webhooks::create, "Creates a webhook, which is told of what happens from then on; shows its secret once.";
    Webhooks / "update", Write, managed::update::<Webhook>, "Changes a webhook.";
    Webhooks / "delete", Write, managed::delete::<Webhook>, "Deletes a webhook, with what is known of its deliveries.";
    Webhooks / "info", Read, webhooks::info, "Shows a webhook, and how it fares.";
    Webhooks / "list", Read, webhooks::list, "Lists webhooks, and how they fare.";
    Webhooks / "rotate", Write, webhooks::rotate, "Gives a webhook another secret, shown once; for a day it is signed with the old one as well.";
    Webhooks / "test", Write, webhooks::test, "Sends a webhook an event of the type webhook.test.";
    Webhooks / "deliveries", Read, webhooks::deliveries, "Lists what was delivered to a webhook, and what waits, newest first.";
    Webhooks / "resend", Write, webhooks::resend, "Sends a webhook one event once more, or all behind one.";
    MessageTargets / "new", Write, message_targets::create, "Creates a message target, which is called with what happens from then on.";
    MessageTargets / "update", Write, message_targets::update, "Changes a message target.";
    MessageTargets / "delete", Write, managed::delete::<MessageTarget>, "Deletes a message target, with the messages to it.";
    MessageTargets / "info", Read, message_targets::info, "Shows a message target, and how it fares.";
    MessageTargets / "list", Read, message_targets::list, "Lists message targets, and how they fare.";
    MessageTargets / "test", Write, message_targets::test, "Calls a message target with a test.";
    Messages / "list", Read, messages::list, "Lists messages to people, what waits and what was sent, newest first.";
    Messages / "resend", Write, messages::resend, "Sends a message once more.";
    Messages / "test", Write, messages::test, "Sends an e-mail as a test.";
    SubscriptionPlans / "new", Write, managed::create::<Plan>, "Creates a subscription plan.";
    SubscriptionPlans / "update", Write, managed::update::<Plan>, "Changes a subscription plan.";
    SubscriptionPlans / "delete", Write, managed::delete::<Plan>, "Deletes a subscription plan that is not in use.";
    SubscriptionPlans / "info", Read, managed::info::<Plan>, "Shows a subscription plan.";
    SubscriptionPlans / "list", Read, managed::list::<Plan>, "Lists subscription plans.";
    Bouquets / "new", Write, managed::create::<Bouquet>, "Creates a bouquet.";
    Bouquets / "update", Write, bouquets::update, "Changes a bouquet; data[remove_streams] and data[add_streams] remove streams and add them at its end.";
    Bouquets / "delete", Write, managed::delete::<Bouquet>, "Deletes a bouquet, also from plans, lines and MAGs.";
    Bouquets / "info", Read, managed::info::<Bouquet>, "Shows a bouquet.";
    Bouquets / "list", Read, managed::list::<Bouquet>, "Lists bouquets.";
    Categories / "new", Write, managed::create::<Category>, "Creates a category.";
    Categories / "update", Write, managed::update::<Category>, "Changes a category.";
    Categories / "delete", Write, managed::delete::<Category>, "Deletes a category without streams.";
    Categories / "info", Read, managed::info::<Category>, "Shows a category.";
    Categories / "list", Read, managed::list::<Category>, "Lists categories.";
    Groups / "new", Write, managed::create::<Group>, "Creates a group of administrators.";
    Groups / "update", Write, managed::update::<Group>, "Changes a group.";
    Groups / "delete", Write, managed::delete::<Group>, "Deletes a group without administrators.";
    Groups / "info", Read, managed::info::<Group>, "Shows a group.";
    Groups / "list", Read, managed::list::<Group>, "Lists groups.";
    GuideSources / "new", Write, managed::create::<GuideSource>, "Creates a source of the guide.";
    GuideSources / "update", Write, managed::update::<GuideSource>, "Changes a source of the guide.";
    GuideSources / "delete", Write, managed::delete::<GuideSource>, "Deletes a source of the guide, with what was read and matched of it.";
    GuideSources / "info", Read, guide_sources::info, "Shows a source of the guide, and how its last refresh went.";
    GuideSources / "list", Read, guide_sources::list, "Lists the sources of the guide, and how their last refreshes went.";
    GuideSources / "refresh", Write, guide_sources::refresh, "Starts a refresh of one source of the guide, or of all that are enabled.";
    Guide / "channels", Read, guide_channels::channels, "Lists the channels that the sources of the guide name.";
    Guide / "matches", Read, guide_channels::matches, "Lists streams, and which channel of the guide each has.";
    Guide / "match", Write, guide_channels::choose, "Chooses the channel of the guide for a stream, none, or leaves it to the rules.";
    Guide / "programmes", Read, guide_channels::programmes, "Lists programmes of a stream.";
    Settings / "get", Read, settings::get, "Shows General Settings.";
    Settings / "update", Write, settings::update, "Changes General Settings.";
    Settings / "whitelist_add", Write, settings::whitelist_add, "Adds an address or range to the whitelist.";
    Settings / "whitelist_remove", Write, settings::whitelist_remove, "Removes one from the whitelist.";
    Settings / "whitelist_list", Read, settings::whitelist_list, "Lists the whitelist and the caller's own address.";
    Settings / "api_key_new", Write, settings::api_key_new, "Creates an API key, shown in this answer only.";
    Settings / "api_key_revoke", Write, settings::api_key_revoke, "Revokes an API key.";
    Settings / "api_key_list", Read, settings::api_key_list, "Lists API keys without their secrets.";
    Connections / "list", Read, connections::list, "Lists the open connections of viewers.";
    Connections / "kill", Write, connections::kill, "Ends connections of viewers.";
    Logs / "list", Read, logs::list, "Lists one of the logs: Panel Error Log, audit trail, logins, connections, refusals, API calls.";
    Jobs / "list", Read, jobs::list, "Lists background jobs and long work such as imports: how far they are, their last runs and errors.";
    Backups / "list", Read, backups::list, "Lists backups, newest first: whether each can be restored, and where a copy of it was sent.";
    Backups / "new", Write, backups::create, "Starts a backup; it is verified, and a copy of it sent if there is a target.";
    Backups / "verify", Write, backups::verify, "Starts a trial: the backup is restored into a folder that is gone then, and checked.";
    Backups / "delete", Write, backups::delete, "Deletes a backup and its file.";
    Security / "blocks", Read, security::blocks, "Lists the limits on failures, and the addresses and usernames with recent failures.";
    Security / "unblock", Write, security::unblock, "Unblocks an address or a username, at every face.";
}

/// Answers `/api/...`.
pub async fn entry(request: HttpRequest, payload: Payload, ops: Data<Ops>) -> HttpResponse {
    let access = ApiAccess::new(Ops::clone(&ops));
    let answer = AssertUnwindSafe(answer(&request, payload, &access)).catch_unwind().await;
    match answer {
        Ok(Ok(response) | Err(response)) => response,
        Err(_) => reply::failure(StatusCode::INTERNAL_SERVER_ERROR, "The server failed: see its log"),
    }
}

/// Either way a whole reply; `Err` is one from before the call itself.
async fn answer(
    request: &HttpRequest,
    payload: Payload,
    access: &ApiAccess,
) -> Result<HttpResponse, HttpResponse> {
    let begun = Instant::now();
    let path = Path::of(request.path());
    let row = path.row().ok_or_else(|| {
        let shown = redact::path(request.path(), |segment| access.ops.is_key(segment));
        reply::failure(
            StatusCode::NOT_FOUND,
            &format!("There is no call {shown}: docs/api.md lists them all"),
        )
    })?;
    check_method(row, request.method())?;
    let address = access.address(request, row.access)?;
    let fields = body::query_and_body(request, payload, Some("api_key")).await;
    let mut fields = fields.map_err(|(status, why)| reply::failure(status, &why))?;
    let in_body = match fields.shift_remove("api_key") {
        Some(Node::Text(key)) if !key.is_empty() => Some(key),
        _ => None,
    };
    let key = in_body.as_deref().or_else(|| bearer(request)).or(path.key.as_deref());
    let actor = access.caller(key, address).await?;
    if let Some(id) = path.id {
        fields.entry("id".into()).or_insert_with(|| Node::Text(id.into_owned()));
    }
    let action = Action { resource: row.resource, name: row.action };
    let mut keys = request.headers().get_all("idempotency-key").filter(|_| row.access == Write);
    let (once, more) = (keys.next(), keys.next());
    let name = actor.name().to_owned();
    let mut is_dry = false;
    let outcome = async {
        actor.may(row.resource, row.access)?;
        if more.is_some() {
            return Err(Error::invalid("Idempotency-Key", "one, not several"));
        }
        let once = once.map(header::HeaderValue::as_bytes);
        let call = Call::new(access.ops.clone(), actor, action, row.access, fields, once)?;
        is_dry = call.dry_run;
        (row.run)(call).await
    };
    let outcome = outcome.await.map_err(|error| match error {
        Error::UnknownField { field, here } if access.ops.is_key(&field) => masked(here),
        error => error,
    });
    access.ops.note_call(Noted {
        key: name,
        address,
        resource: row.resource,
        action: row.action,
        outcome: match &outcome {
            Ok(_) if is_dry => "ok (dry run)".into(),
            Ok(_) => "ok".into(),
            Err(error) => logged(error),
        },
        code: match &outcome {
            Ok(_) if is_dry => "dry_run",
            Ok(_) => "ok",
            Err(error) => error.code(),
        },
        took: begun.elapsed(),
    });
    Ok(match outcome {
        Ok(answer) => reply::success(&answer),
        Err(error) => reply::refusal(&reply::text(&error)),
    })
}

/// Characters of a refusal that its row in the log holds: what somebody sent may be in it.
const LOGGED: usize = 300;

/// A refusal as the log has it. Whoever mixes up names and values sends a password as the name of a field.
fn logged(error: &Error) -> String {
    let text = match error {
        Error::UnknownField { here, .. } => reply::text(&masked(here.clone())),
        error => reply::text(error),
    };
    text.chars().take(LOGGED).collect()
}

fn masked(here: String) -> Error {
    Error::UnknownField { field: MASK.into(), here }
}

/// `/api/{resource}/{action}[/{key}[/{id}]]`
struct Path<'p> {
    resource: &'p str,
    action: &'p str,
    key: Option<Cow<'p, str>>,
    id: Option<Cow<'p, str>>,
    more: bool,
}

impl<'p> Path<'p> {
    fn of(path: &'p str) -> Self {
        let mut segments = path.strip_prefix("/api/").unwrap_or_default().split('/');
        let mut next = || segments.next().filter(|segment| !segment.is_empty());
        let (resource, action) = (next().unwrap_or_default(), next().unwrap_or_default());
        // PHP's urlencode also encodes characters that a key may have.
        let decoded = |segment| percent_decode_str(segment).decode_utf8_lossy();
        let (key, id) = (next().map(decoded), next().map(decoded));
        Self { resource, action, key, id, more: next().is_some() }
    }

    fn row(&self) -> Option<&'static Row> {
        let named = |row: &&Row| row.resource.name() == self.resource && row.action == self.action;
        CALLS.iter().find(named).filter(|_| !self.more)
    }
}

/// Whether a call takes GET as well: those that only read. Starting and stopping streams needs no POST either: callers do
/// it with a plain GET.
pub fn takes_get(row: &Row) -> bool {
    row.access == Read || (row.resource == Resource::Streams && matches!(row.action, "start" | "stop"))
}

fn check_method(row: &Row, method: &Method) -> Result<(), HttpResponse> {
    let reads = takes_get(row);
    if *method == Method::POST || (reads && *method == Method::GET) {
        return Ok(());
    }
    let allowed = if reads { "GET, POST" } else { "POST" };
    Err(method::wrong(allowed, reply::failure))
}
