//! Cookies over TLS carry the prefix `__Host-`: no other site, also none of the same domain, can set or see them.
//!
//! Pages know the plain names. The prefix is put on and taken off here, for every cookie of the panel.

use actix_web::{
    cookie::Cookie,
    dev::ServiceRequest,
    http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE},
};

const PREFIX: &str = "__Host-";
/// How the names of the panel's cookies begin.
const OURS: &str = "linecard";

/// Takes the prefix off what a browser sent. A cookie of ours without it may be somebody else's doing.
pub fn take_off(request: &mut ServiceRequest) {
    let texts = request.headers().get_all(COOKIE).filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).map(str::trim);
    let kept: Vec<&str> = pairs
        .filter_map(|pair| pair.strip_prefix(PREFIX).or_else(|| (!pair.starts_with(OURS)).then_some(pair)))
        .collect();
    let Ok(kept) = HeaderValue::from_str(&kept.join("; ")) else { return };
    request.headers_mut().insert(COOKIE, kept);
}

/// Puts the prefix on what a page sets, and what it demands: no domain, the path `/`, TLS.
pub fn put_on(headers: &mut HeaderMap) {
    let set: Vec<HeaderValue> = headers.remove(SET_COOKIE).collect();
    for value in set {
        headers.append(SET_COOKIE, prefixed(&value).unwrap_or(value));
    }
}

fn prefixed(value: &HeaderValue) -> Option<HeaderValue> {
    let mut cookie = Cookie::parse(value.to_str().ok()?).ok()?;
    let name = format!("{PREFIX}{}", cookie.name());
    cookie.set_name(name);
    cookie.set_path("/");
    cookie.set_secure(true);
    HeaderValue::from_str(&cookie.to_string()).ok()
}
