//! `player_api.php` and the older `panel_api.php`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Bytes, Data, Payload},
};
use futures_util::stream;
use serde_json::{Value, json};

use super::{
    PlayerCache, account,
    listings::{self, Which},
    lists::{self, Form, StreamList},
    request::{self, PlayerRequest},
};
use crate::wire::fetching::Fetch;
use crate::{
    domain::{
        JsonObject,
        ids::{StreamId, parse_id},
    },
    ops::{
        clock,
        viewing::{Refusal, Subscriber},
    },
    wire::pieces,
};

/// Logs in, and lists what the action names. Unknown actions answer the login: clients ask for
/// `get_profile` and others that never existed.
pub async fn player_api(request: HttpRequest, payload: Payload, kept: Data<PlayerCache>) -> HttpResponse {
    respond(&request, payload, &kept, async |asked, who| {
        let category = Some(asked.text("category_id")).filter(|id| !id.is_empty());
        if asked.text("action") == "get_live_streams" {
            let viewing = &asked.ops.viewing;
            let (channels, recorded) = (viewing.channels_of(who).await?, viewing.recorded_days(who)?);
            return Ok(Answer::List(StreamList::of(channels, recorded, Form::List).in_category(category)));
        }
        let answer = match asked.text("action") {
            "get_short_epg" => {
                asked.ops.guide_ready().await?;
                let which = Which::next(asked.text("limit"));
                return listings::answer(asked, who, which, &kept.listings).map(Answer::Text);
            }
            // The second spelling is some players' own.
            "get_simple_data_table" | "get_simple_date_table" => {
                asked.ops.guide_ready().await?;
                return listings::answer(asked, who, Which::All, &kept.listings).map(Answer::Text);
            }
            "get_live_categories" => {
                let channels = asked.ops.viewing.channels_of(who).await?;
                lists::categories(&channels)
            }
            "get_vod_categories" | "get_vod_streams" | "get_series_categories" | "get_series" => json!([]),
            "get_vod_info" => json!({ "info": [] }),
            "get_series_info" => json!({ "seasons": [], "info": { "name": null }, "episodes": [] }),
            _ => return Ok(Answer::Text(login(asked, who).text())),
        };
        Ok(Answer::Text(answer.to_string()))
    })
    .await
}

/// Everything at once, for players of the first generation.
pub async fn panel_api(request: HttpRequest, payload: Payload, kept: Data<PlayerCache>) -> HttpResponse {
    respond(&request, payload, &kept, async |asked, who| {
        if asked.text("action") == "get_epg" {
            let Ok(stream) = parse_id(asked.text("stream_id")) else { return Ok(Answer::Text("[]".into())) };
            let which =
                if asked.text("from_now") == "1" { Which::next(asked.text("limit")) } else { Which::All };
            asked.ops.guide_ready().await?;
            let listed = listings::list(asked, who, StreamId(stream), which, &kept.listings)?;
            return Ok(Answer::Text(listed.to_string()));
        }
        let channels = asked.ops.viewing.channels_of(who).await?;
        let categories = json!({ "live": lists::categories(&channels), "movie": [], "series": [] });
        let mut text = login(asked, who).with("categories", categories).text();
        text.truncate(text.len().saturating_sub(1));
        text.push_str(",\"available_channels\":");
        let recorded = asked.ops.viewing.recorded_days(who)?;
        Ok(Answer::List(StreamList::of(channels, recorded, Form::ById).within(&text)))
    })
    .await
}

fn login(asked: &PlayerRequest, who: &Subscriber) -> JsonObject {
    account::payload(asked, who, clock::now())
}

/// What a player is answered.
enum Answer {
    Text(String),
    List(StreamList),
}

/// Lists up to this many bytes are sent with their length, longer ones as they are written.
const WHOLE: usize = 1 << 20;

/// Wrong credentials are an answer, not a status: players tell "account inactive" from "portal
/// unavailable" by it.
async fn respond(
    request: &HttpRequest,
    payload: Payload,
    kept: &PlayerCache,
    answer: impl AsyncFnOnce(&PlayerRequest, &Subscriber) -> Result<Answer, Refusal>,
) -> HttpResponse {
    let asked = match PlayerRequest::read(request, payload).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    let found = async {
        let who = asked.subscriber()?;
        Ok((answer(&asked, &who).await?, who))
    };
    let (status, body) = match found.await {
        Ok((Answer::Text(body), _)) => (StatusCode::OK, body),
        Ok((Answer::List(list), who)) => return sent(request, list, kept.lists.begin(who.viewer)),
        Err(Refusal::Credentials) => (StatusCode::OK, no_auth().to_string()),
        Err(Refusal::Blocked(_) | Refusal::Rule(_)) => (StatusCode::FORBIDDEN, no_auth().to_string()),
        Err(refusal) => return request::refused(&refusal),
    };
    request::answer(status).content_type("application/json").body(body)
}

/// A list; a long one only as one of those that its viewer may be fetching at once.
fn sent(request: &HttpRequest, mut list: StreamList, fetch: Option<Fetch>) -> HttpResponse {
    let mut response = request::answer(StatusCode::OK);
    response.content_type("application/json");
    let mut begun = Vec::new();
    while begun.len() < WHOLE {
        match list.next() {
            Some(piece) => begun.extend_from_slice(&piece),
            None => return response.body(begun),
        }
    }
    let Some(fetch) = fetch else { return request::empty(StatusCode::TOO_MANY_REQUESTS) };
    let rest = list.inspect(move |_| {
        let _is_being_fetched = &fetch;
    });
    let pieces = std::iter::once(Bytes::from(begun)).chain(rest).map(Ok);
    pieces::answer(response, request.version(), stream::iter(pieces))
}

fn no_auth() -> Value {
    json!({ "user_info": { "auth": 0 } })
}
