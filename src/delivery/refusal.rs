//! What a viewer is told who may not watch (docs/streams.md, "Watching").

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};

use crate::{domain::viewing::admission::Rule, ops::viewing::Refusal};

/// The status of a refusal, and its reason as text: players show neither, people with curl do.
pub fn response(refusal: &Refusal) -> HttpResponse {
    let status = match refusal {
        Refusal::Credentials | Refusal::NoSuchMac | Refusal::SignIn => StatusCode::UNAUTHORIZED,
        // What is not recorded is not there.
        Refusal::Rule(Rule::Archive) | Refusal::NoSuchStream => StatusCode::NOT_FOUND,
        Refusal::Blocked(_)
        | Refusal::Rule(_)
        | Refusal::OtherDevice
        | Refusal::Link
        | Refusal::Full
        | Refusal::Ended => StatusCode::FORBIDDEN,
        Refusal::NotRunning(_) => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Failed(error) if error.is_busy() => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let mut response = HttpResponse::build(status);
    response.insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
    let retry_after = match refusal {
        Refusal::Blocked(left) => Some(left.as_secs() + 1),
        _ => (status == StatusCode::SERVICE_UNAVAILABLE).then_some(5),
    };
    if let Some(seconds) = retry_after {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    // What ffmpeg said about a source is the operator's business.
    let words = match refusal {
        Refusal::NotRunning(_) => "the stream is not running".into(),
        Refusal::Rule(rule) => rule.refusal().into(),
        refusal => refusal.words(),
    };
    response.content_type("text/plain; charset=utf-8").body(format!("{words}\n"))
}
