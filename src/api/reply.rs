//! What callers are answered: the one table of exact texts, and the statuses (docs/api.md, "Answers").

use std::time::Duration;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use serde_json::json;

use crate::domain::{Error, JsonObject, Resource};

/// A success: `result` true, and then the call's own keys as they stand.
pub fn success(answer: &JsonObject) -> HttpResponse {
    let own = answer.inner();
    let mut body = Vec::with_capacity(own.len() + 20);
    body.extend_from_slice(b"{\"result\":true");
    if !own.is_empty() {
        body.push(b',');
        body.extend_from_slice(own);
    }
    body.push(b'}');
    HttpResponse::Ok().content_type("application/json").body(body)
}

/// A refusal about the data: status 200, because PHP's `file_get_contents` loses the body of any other.
pub fn refusal(text: &str) -> HttpResponse {
    failure(StatusCode::OK, text)
}

/// A failure before the call itself: who, where, how.
pub fn failure(status: StatusCode, error: &str) -> HttpResponse {
    let body = json!({ "result": false, "error": error }).to_string();
    HttpResponse::build(status).content_type("application/json").body(body)
}

/// Too many wrong keys.
pub fn wait(left: Duration) -> HttpResponse {
    let seconds = left.as_secs() + 1;
    let mut response = failure(
        StatusCode::TOO_MANY_REQUESTS,
        &format!("Too many wrong API keys from your address: wait {seconds} seconds"),
    );
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

/// The text of an error. Those that callers compare are exact, full stops included.
pub fn text(error: &Error) -> String {
    let exact = match error {
        Error::Taken { field: "username", .. } => "Username exists.",
        Error::Taken { field: "email", .. } => "Email exists.",
        Error::Taken { field: "name", .. } => "Name exists.",
        Error::Taken { field: "token", .. } => "Token exists.",
        Error::Taken { field: "reference", .. } => "Reference exists.",
        Error::Taken { field: "mac_address", .. } => "MAC Address already exists",
        Error::Taken { field: "address", .. } => "Address is on the whitelist already",
        Error::Invalid { field: "mac_address", .. } => "Invalid MAC Address",
        Error::Invalid { field: "email", .. } => "Invalid email",
        Error::Invalid { field: "server_ip" | "vpn_ip", .. } => "Invalid IP address",
        Error::Invalid { field: "credits", .. } => "Invalid credits",
        Error::NoSuch { resource: Resource::Line, .. } => "Wrong Username/Password.",
        Error::NoSuch { resource: Resource::Mag, .. } => "MAC Address does not exist",
        _ => return error.to_string(),
    };
    exact.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_the_contract_are_exact() {
        let taken = |resource, field| text(&Error::Taken { resource, field });
        assert_eq!(taken(Resource::Line, "username"), "Username exists.");
        assert_eq!(taken(Resource::Mag, "mac_address"), "MAC Address already exists");
        assert_eq!(taken(Resource::Administrators, "email"), "Email exists.");
        assert_eq!(text(&Error::no_such(Resource::Line)), "Wrong Username/Password.");
        assert_eq!(text(&Error::no_such(Resource::Groups)), "Group does not exist");
        assert_eq!(
            text(&Error::NoSuch { resource: Resource::Streams, which: Some("9".into()) }),
            "Stream does not exist: 9"
        );
        assert_eq!(text(&Error::invalid("mac_address", "x")), "Invalid MAC Address");
        assert_eq!(text(&Error::invalid("vpn_ip", "x")), "Invalid IP address");
        assert_eq!(text(&Error::NotEnoughCredits), "Not enough credits");
        assert_eq!(text(&Error::Missing("name")), "Missing field: name");
    }
}
