//! What callers of the classic API are answered. Refusals are those three texts that modules compare; `why` says more to people.

use actix_web::{HttpResponse, http::StatusCode};
use serde_json::{Value, json};

use super::fields;
use crate::domain::{Error, Resource, people::audit::MASK};

/// An answer of a call.
pub enum Answer {
    /// It was done: `result` true, then these members.
    Done(Vec<(&'static str, Value)>),
    /// A list, or a map by id, which has no `result`.
    Rows(Value),
}

impl Answer {
    /// Done, and nothing more to say.
    pub fn done() -> Self {
        Self::Done(Vec::new())
    }

    /// The whole reply.
    pub fn reply(self) -> HttpResponse {
        ok(match self {
            Self::Rows(rows) => rows.to_string(),
            Self::Done(members) => {
                let members = members.into_iter().map(|(name, value)| format!(",{}:{value}", json!(name)));
                format!("{{\"result\":true{}}}", members.collect::<String>())
            }
        })
    }
}

/// A refusal of a call about that resource: status 200, as modules expect it.
pub fn refusal(error: &Error, resource: Resource) -> HttpResponse {
    let code = code(error, resource);
    let why = sentence(error);
    ok(if why == code {
        json!({ "result": false, "error": code }).to_string()
    } else {
        format!("{{\"result\":false,\"error\":{},\"why\":{}}}", json!(code), json!(why))
    })
}

/// A failure before the call itself: who, how.
pub fn failure(status: StatusCode, error: &str) -> HttpResponse {
    let body = format!("{{\"result\":false,\"error\":{}}}", json!(error));
    HttpResponse::build(status).content_type("application/json").body(body)
}

/// A refusal as the log of calls has it: whoever mixes up names and values sends a password as the name of a field.
pub fn logged(error: &Error, resource: Resource) -> String {
    match error {
        Error::UnknownField { .. } => parameter(MASK),
        error => code(error, resource),
    }
}

fn ok(body: String) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(body)
}

/// What modules compare; anything else is said as the Server API says it.
fn code(error: &Error, resource: Resource) -> String {
    match error {
        Error::Taken { .. } => "EXISTS".into(),
        Error::NoSuch { resource: missing, .. } if *missing == resource => "NOT EXISTS".into(),
        Error::NoSuch { resource: Resource::Resellers, .. } => parameter("member_id"),
        Error::NoSuch { resource: Resource::Bouquets, .. } => parameter("bouquet"),
        Error::NoSuch { resource: Resource::Servers, .. } => parameter("force_server_id"),
        Error::Invalid { field, .. } | Error::Missing(field) => parameter(fields::theirs(field)),
        Error::UnknownField { field, .. } => parameter(field),
        error => error.to_string(),
    }
}

fn parameter(name: &str) -> String {
    format!("PARAMETER ERROR ({name})")
}

/// For people, with the fields called as they were sent.
fn sentence(error: &Error) -> String {
    match error {
        Error::Invalid { field, rule } => format!("Invalid {}: {rule}", fields::theirs(field)),
        Error::Missing(field) => format!("Missing field: {}", fields::theirs(field)),
        error => error.to_string(),
    }
}
