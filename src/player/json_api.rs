//! `player_api.php` and the older `panel_api.php`.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Payload};
use serde_json::{Value, json};

use super::{
    account, lists,
    request::{self, PlayerRequest},
};
use crate::ops::{
    clock,
    viewing::{Refusal, Subscriber},
};

/// Logs in, and lists what the action names. Unknown actions answer the login: clients ask for
/// `get_profile` and others that never existed.
pub async fn player_api(request: HttpRequest, payload: Payload) -> HttpResponse {
    respond(&request, payload, |asked, who| {
        let category = Some(asked.text("category_id")).filter(|id| !id.is_empty());
        if asked.text("action") == "get_live_streams" {
            return Ok(lists::streams(&asked.ops.viewing.channels_of(who)?, category));
        }
        let answer = match asked.text("action") {
            "get_live_categories" => lists::categories(&asked.ops.viewing.channels_of(who)?),
            "get_vod_categories" | "get_vod_streams" | "get_series_categories" | "get_series" => json!([]),
            "get_vod_info" => json!({ "info": [] }),
            "get_series_info" => json!({ "seasons": [], "info": { "name": null }, "episodes": [] }),
            // The second spelling is some players' own.
            "get_short_epg" | "get_simple_data_table" | "get_simple_date_table" => {
                json!({ "epg_listings": [] })
            }
            _ => login(asked, who),
        };
        Ok(answer.to_string())
    })
    .await
}

/// Everything at once, for players of the first generation.
pub async fn panel_api(request: HttpRequest, payload: Payload) -> HttpResponse {
    respond(&request, payload, |asked, who| {
        if asked.text("action") == "get_epg" {
            return Ok("[]".into());
        }
        let channels = asked.ops.viewing.channels_of(who)?;
        let mut answer = login(asked, who);
        answer["categories"] = json!({ "live": lists::categories(&channels), "movie": [], "series": [] });
        let mut text = answer.to_string();
        text.truncate(text.len().saturating_sub(1));
        text.push_str(",\"available_channels\":");
        text.push_str(&lists::available_channels(&channels));
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
        Err(Refusal::ShutOut(_) | Refusal::Rule(_)) => (StatusCode::FORBIDDEN, no_auth().to_string()),
        Err(refusal) => return request::refused(&refusal),
    };
    request::answer(status).content_type("application/json").body(body)
}

fn no_auth() -> Value {
    json!({ "user_info": { "auth": 0 } })
}
