//! `player_api.php` and the older `panel_api.php`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Payload},
};
use serde_json::{Value, json};

use super::{
    PlayerCache, account,
    listings::{self, Which},
    lists,
    request::{self, PlayerRequest},
};
use crate::{
    domain::ids::{StreamId, parse_id},
    ops::{
        clock,
        viewing::{Refusal, Subscriber},
    },
};

/// Logs in, and lists what the action names. Unknown actions answer the login: clients ask for
/// `get_profile` and others that never existed.
pub async fn player_api(request: HttpRequest, payload: Payload, kept: Data<PlayerCache>) -> HttpResponse {
    respond(&request, payload, |asked, who| {
        let category = Some(asked.text("category_id")).filter(|id| !id.is_empty());
        if asked.text("action") == "get_live_streams" {
            let viewing = &asked.ops.viewing;
            return Ok(lists::streams(&viewing.channels_of(who)?, category, &viewing.recorded_days(who)?));
        }
        let answer = match asked.text("action") {
            "get_short_epg" => {
                return listings::answer(asked, who, Which::next(asked.text("limit")), &kept.listings);
            }
            // The second spelling is some players' own.
            "get_simple_data_table" | "get_simple_date_table" => {
                return listings::answer(asked, who, Which::All, &kept.listings);
            }
            "get_live_categories" => lists::categories(&asked.ops.viewing.channels_of(who)?),
            "get_vod_categories" | "get_vod_streams" | "get_series_categories" | "get_series" => json!([]),
            "get_vod_info" => json!({ "info": [] }),
            "get_series_info" => json!({ "seasons": [], "info": { "name": null }, "episodes": [] }),
            _ => login(asked, who),
        };
        Ok(answer.to_string())
    })
    .await
}

/// Everything at once, for players of the first generation.
pub async fn panel_api(request: HttpRequest, payload: Payload, kept: Data<PlayerCache>) -> HttpResponse {
    respond(&request, payload, |asked, who| {
        if asked.text("action") == "get_epg" {
            let Ok(stream) = parse_id(asked.text("stream_id")) else { return Ok("[]".into()) };
            let which =
                if asked.text("from_now") == "1" { Which::next(asked.text("limit")) } else { Which::All };
            return Ok(listings::list(asked, who, StreamId(stream), which, &kept.listings)?.to_string());
        }
        let channels = asked.ops.viewing.channels_of(who)?;
        let mut answer = login(asked, who);
        answer["categories"] = json!({ "live": lists::categories(&channels), "movie": [], "series": [] });
        let mut text = answer.to_string();
        text.truncate(text.len().saturating_sub(1));
        text.push_str(",\"available_channels\":");
        text.push_str(&lists::available_channels(&channels, &asked.ops.viewing.recorded_days(who)?));
        text.push('}');
        Ok(text)
    })
    .await
}

fn login(asked: &PlayerRequest, who: &Subscriber) -> Value {
    account::payload(asked, who, clock::now())
}

/// Wrong credentials are an answer, not a status: players tell "account inactive" from "portal
/// unavailable" by it.
async fn respond(
    request: &HttpRequest,
    payload: Payload,
    answer: impl FnOnce(&PlayerRequest, &Subscriber) -> Result<String, Refusal>,
) -> HttpResponse {
    let asked = match PlayerRequest::read(request, payload).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let (status, body) = match asked.subscriber().and_then(|who| answer(&asked, &who)) {
        Ok(body) => (StatusCode::OK, body),
        Err(Refusal::Credentials) => (StatusCode::OK, no_auth().to_string()),
        Err(Refusal::Blocked(_) | Refusal::Rule(_)) => (StatusCode::FORBIDDEN, no_auth().to_string()),
        Err(refusal) => return request::refused(&refusal),
    };
    request::answer(status).content_type("application/json").body(body)
}

fn no_auth() -> Value {
    json!({ "user_info": { "auth": 0 } })
}
