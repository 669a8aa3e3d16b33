//! The shapes of answers: the envelope, and the texts that clients match on.

use std::time::Duration;

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{StatusCode, Version, header},
    web::Bytes,
};
use futures_util::Stream;
use serde_json::{Value, json};

use crate::{
    domain::Error,
    wire::{
        fetching::Fetch,
        pieces::{self, Text},
    },
};

/// Why a box is turned away before anything is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortalError {
    /// It sends no MAC.
    NoMac,
    /// MAC and token do not belong together.
    NotLetIn,
    /// Its subscription has ended.
    NotActive,
}

impl PortalError {
    /// Exactly so, with status 200: clients compare it letter by letter.
    pub fn text(self) -> &'static str {
        match self {
            Self::NoMac => "Unauthorized request.",
            Self::NotLetIn => "Authorization failed.",
            Self::NotActive => "Access denied.",
        }
    }
}

/// A result in its envelope.
pub fn envelope(result: Value) -> HttpResponse {
    let body = json!({ "js": result, "text": "" });
    answer(StatusCode::OK).content_type("application/json").body(body.to_string())
}

/// A result that comes in pieces, with its envelope.
pub fn in_pieces(
    version: Version,
    pieces: impl Stream<Item = Result<Bytes, std::io::Error>> + 'static,
) -> HttpResponse {
    let mut response = answer(StatusCode::OK);
    response.content_type("application/json");
    pieces::answer(response, version, pieces)
}

/// One of the texts.
pub fn turned_away(turned: PortalError) -> HttpResponse {
    answer(StatusCode::OK).content_type("text/plain; charset=utf-8").body(turned.text())
}

/// Too many MACs that are not let in came from the address.
pub fn blocked(left: Duration) -> HttpResponse {
    answer(StatusCode::TOO_MANY_REQUESTS)
        .insert_header((header::RETRY_AFTER, left.as_secs() + 1))
        .content_type("text/plain; charset=utf-8")
        .body(PortalError::NotActive.text())
}

/// More long lists than a MAG may fetch at once.
pub fn too_many() -> HttpResponse {
    let mut response = answer(StatusCode::TOO_MANY_REQUESTS);
    response.insert_header((header::RETRY_AFTER, 1));
    in_words(response, "Too many long lists at once: try again in a moment.")
}

/// A text that is the result in its envelope; `fetch` lasts until it is sent.
pub fn written<F: FnMut(&mut Vec<u8>) -> bool + 'static>(
    text: Text<F>,
    version: Version,
    is_head: bool,
    fetch: Option<Fetch>,
) -> HttpResponse {
    let mut response = answer(StatusCode::OK);
    response.content_type("application/json");
    text.answer(response, version, is_head, fetch)
}

/// A request that cannot be read.
pub fn malformed() -> HttpResponse {
    answer(StatusCode::BAD_REQUEST)
        .content_type("text/plain; charset=utf-8")
        .body("The request cannot be read: its Host header is missing or invalid, or its body is incomplete or over 1 MiB.")
}

/// A request that cannot be answered.
pub fn failed() -> HttpResponse {
    in_words(
        answer(StatusCode::INTERNAL_SERVER_ERROR),
        "The server cannot save or look up this right now: try again later.",
    )
}

/// No result, and why.
fn in_words(mut response: HttpResponseBuilder, why: &str) -> HttpResponse {
    let body = json!({ "js": false, "text": why });
    response.content_type("application/json").body(body.to_string())
}

/// A failure of the server.
pub fn failure(error: &Error) -> HttpResponse {
    match error {
        busy if busy.is_busy() => {
            let mut response = answer(StatusCode::SERVICE_UNAVAILABLE);
            response.insert_header((header::RETRY_AFTER, 5));
            in_words(response, "The server is busy: try again in a moment.")
        }
        // Deleted between two looks at it.
        Error::NoSuch { .. } => turned_away(PortalError::NotLetIn),
        _ => failed(),
    }
}

/// What a browser asks before it sends a token of another site's page.
pub fn preflight() -> HttpResponse {
    answer(StatusCode::NO_CONTENT)
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, X-User-Agent"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

fn answer(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    response
}
