//! Every type and action, and who may ask for it.

use std::time::{Duration, Instant};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    rt,
    web::Payload,
};
use serde_json::{Value, json};

use super::{
    account, archive, channels, events, guide,
    reply::{self, PortalError},
    request::PortalRequest,
    session, stb, watching, words,
};
use crate::{
    domain::Result,
    ops::portal::{Caller, Session},
};

/// Whoever is not let in learns it so long after asking: how long it took to find out is no sign of
/// whether there is such a MAC.
const REFUSED_AFTER: Duration = Duration::from_millis(100);

/// What an action came to.
pub enum Outcome {
    /// A result for the envelope.
    Result(Value),
    /// A result that is sent as it is written, envelope and all.
    Sent(HttpResponse),
    /// A result that says that the box is not let in.
    Refused(Value),
    /// One of the texts.
    Rejected(PortalError),
    /// Too many MACs that are not let in came from the address; how long it has to wait.
    Blocked(Duration),
}

/// Answers the portal.
pub async fn entry(request: HttpRequest, payload: Payload) -> HttpResponse {
    match *request.method() {
        Method::OPTIONS => return reply::preflight(),
        Method::GET | Method::HEAD | Method::POST => {}
        _ => {
            return HttpResponse::build(StatusCode::METHOD_NOT_ALLOWED)
                .insert_header((header::ALLOW, "GET, HEAD, POST, OPTIONS"))
                .finish();
        }
    }
    match PortalRequest::read(&request, payload).await {
        Ok(asked) => respond(&asked).await,
        Err(response) => response,
    }
}

async fn respond(asked: &PortalRequest) -> HttpResponse {
    let begun = Instant::now();
    let Some(caller) = asked.caller() else { return reply::turned_away(PortalError::NoMac) };
    let outcome = match asked.ops.kept_out(&caller) {
        Ok(None) => outcome(asked, &caller).await,
        Ok(Some(left)) => Ok(Outcome::Blocked(left)),
        Err(error) => Err(error),
    };
    let is_refusal = matches!(
        &outcome,
        Ok(Outcome::Refused(_) | Outcome::Blocked(_) | Outcome::Rejected(PortalError::NotLetIn))
    );
    if is_refusal {
        rt::time::sleep(REFUSED_AFTER.saturating_sub(begun.elapsed())).await;
    }
    match outcome {
        Ok(Outcome::Result(value) | Outcome::Refused(value)) => reply::envelope(value),
        Ok(Outcome::Sent(response)) => response,
        Ok(Outcome::Rejected(turned)) => reply::turned_away(turned),
        Ok(Outcome::Blocked(left)) => reply::blocked(left),
        Err(error) => reply::failure(&error),
    }
}

async fn outcome(asked: &PortalRequest, caller: &Caller) -> Result<Outcome> {
    let (kind, action) = (asked.text("type"), asked.text("action"));
    match (kind, action) {
        ("stb", "handshake") => return session::handshake(asked, caller),
        ("stb", "get_profile") => return session::get_profile(asked, caller).await,
        ("stb", "do_auth") => return session::do_auth(asked, caller).await,
        ("stb", "get_localization") => return Ok(Outcome::Result(words::dictionary())),
        _ => {}
    }
    let Some(session) = asked.ops.portal_session(caller)? else {
        return Ok(Outcome::Rejected(PortalError::NotLetIn));
    };
    let is_open = matches!(
        (kind, action),
        ("watchdog", "get_events") | ("stb", "get_modules") | ("account_info", "get_main_info")
    );
    if !session.is_active && !is_open {
        return Ok(Outcome::Rejected(PortalError::NotActive));
    }
    if asked.is_head && kind == "watchdog" {
        // Nobody reads the answer: what is told once must not be lost with it.
        return Ok(Outcome::Result(json!({ "data": {} })));
    }
    if session.is_active && session.has_to_sign_in {
        // The software of real boxes goes on to ask for events, and stops at the text; apps know the text.
        let asks = (kind, action) == ("watchdog", "get_events");
        return Ok(if asks && asked.ops.has_to_start_anew(&session).await? {
            Outcome::Result(events::start_anew(asked))
        } else {
            Outcome::Rejected(PortalError::NotLetIn)
        });
    }
    if matches!(kind, "itv" | "epg" | "tv_archive") {
        asked.ops.guide_ready().await?;
    }
    let sent = match (kind, action) {
        ("itv", "get_epg_info") => guide::info(asked, &session).await?,
        ("itv", "get_all_channels") => channels::all(asked, &session).await?,
        ("itv", "get_all_fav_channels") => channels::all_favourites(asked, &session).await?,
        _ => return in_session(asked, caller, &session, kind, action).await.map(Outcome::Result),
    };
    Ok(Outcome::Sent(sent))
}

/// Actions that answer a result to every box that is let in. What nobody knows is answered `false`.
async fn in_session(
    asked: &PortalRequest,
    caller: &Caller,
    session: &Session,
    kind: &str,
    action: &str,
) -> Result<Value> {
    Ok(match (kind, action) {
        ("itv", "get_genres") => channels::genres(asked, session).await?,
        ("itv", "get_ordered_list") => channels::page(asked, session).await?,
        ("itv", "get_fav_ids") => channels::favourite_ids(asked, session)?,
        ("itv", "set_fav") => channels::set_favourites(asked, session).await?,
        ("itv", "set_last_id" | "set_played") => watching::set_last(asked, session),
        ("itv", "create_link") => watching::create_link(asked, session),
        ("itv", "get_short_epg") => guide::short(asked, session)?,
        ("itv", "set_fav_status" | "set_claim") => json!(true),
        ("epg", "get_simple_data_table" | "get_data_table") => guide::day(asked, session)?,
        ("epg", "get_all_program_for_ch") => guide::whole(asked, session)?,
        ("epg", "get_week") => guide::week(asked),
        ("tv_archive", "create_link") => archive::create_link(asked, session)?,
        ("tv_archive", "get_link_for_channel") => archive::link_for_channel(asked, session).await?,
        ("tv_archive", action) => archive::other(action),
        ("epg", "get_recorded") | ("itv", "get_user_channels") => channels::nothing(),
        (module, _) if UNUSED.contains(&module) => unused(action),
        // Whatever is paged through is an empty page.
        (_, "get_ordered_list") => channels::nothing(),
        ("account_info", "get_main_info") => account::main_info(asked, session)?,
        (
            "account_info",
            "get_payment_info" | "get_agreement_info" | "get_terms_info" | "get_demo_video_parts",
        ) => {
            json!("")
        }
        ("account_info", "get_user_packages") => channels::nothing(),
        ("watchdog", "get_events") => events::get(asked, session).await?,
        ("watchdog", "confirm_event") => events::confirm(asked, session).await?,
        ("stb", _) => stb::answer(asked, caller, session, action).await?,
        _ => json!(false),
    })
}

/// Modules that boxes ask for whether or not a portal has them.
const UNUSED: [&str; 31] = [
    "vod",
    "series",
    "radio",
    "karaoke",
    "audioclub",
    "remote_pvr",
    "pvr",
    "media_favorites",
    "downloads",
    "apps",
    "tvreminder",
    "weatherco",
    "weather",
    "horoscope",
    "anecdote",
    "course",
    "cityinfo",
    "infoportal",
    "vclub",
    "sclub",
    "games",
    "game",
    "main_anecdote",
    "records",
    "youtube",
    "dvb",
    "playlist",
    "mastermind",
    "tariff",
    "anec",
    "ad",
];

/// What a module with nothing in it answers: the software of boxes stops at `false` where it wants a list.
fn unused(action: &str) -> Value {
    match action {
        "create_link" | "get_link_for_channel" => watching::no_link(),
        "get_ordered_list"
        | "get_all_fav_radio"
        | "get_all_page"
        | "get_list"
        | "get_plans"
        | "get_available_packages"
        | "get" => channels::nothing(),
        action if action.starts_with("get_") => json!([]),
        _ => json!(false),
    }
}
