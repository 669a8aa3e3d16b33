//! Calls of the APIs that were sent by another method than they take.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{ALLOW, HeaderValue},
    },
};

/// The answer to one that takes only the methods named, as the face writes its failures.
pub fn wrong(allowed: &'static str, failure: impl Fn(StatusCode, &str) -> HttpResponse) -> HttpResponse {
    let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, &format!("This call takes {allowed}"));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
