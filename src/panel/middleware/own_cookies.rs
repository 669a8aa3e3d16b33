//! Cookies hold for a host whatever its port is: two servers on one machine would end each other's sessions. The
//! panel's cookies carry the port in their names; pages know the plain ones.

use actix_web::{
    cookie::Cookie,
    dev::ServiceRequest,
    http::header::{self, COOKIE, HeaderMap, HeaderValue, SET_COOKIE},
};

use crate::wire::socket;

/// How the names of the panel's cookies begin.
const OURS: &str = "linecard_";

/// What the names of this server's cookies end with: the port that the browser asks, and that of this server where it
/// is another, as behind a proxy.
pub fn ending(request: &ServiceRequest) -> String {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let asked = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let socket = socket::of(request.request());
    let own =
        socket.and_then(|socket| socket.as_ref().as_ref().local_addr().ok()).map_or(0, |own| own.port());
    match asked {
        Some(asked) if asked != own => format!("_{asked}_{own}"),
        _ => format!("_{own}"),
    }
}

/// Takes the ending off what a browser sent, and leaves out what belongs to another server.
pub fn take_off(request: &mut ServiceRequest, ending: &str) {
    let texts = request.headers().get_all(COOKIE).filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).map(str::trim);
    let kept: Vec<String> = pairs
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            if !name.starts_with(OURS) {
                return Some(pair.to_owned());
            }
            Some(format!("{}={value}", name.strip_suffix(ending)?))
        })
        .collect();
    let Ok(kept) = HeaderValue::from_str(&kept.join("; ")) else { return };
    request.headers_mut().insert(COOKIE, kept);
}

/// Puts the ending on what a page sets.
pub fn put_on(headers: &mut HeaderMap, ending: &str) {
    let set: Vec<HeaderValue> = headers.remove(SET_COOKIE).collect();
    for value in set {
        headers.append(SET_COOKIE, ended(&value, ending).unwrap_or(value));
    }
}

fn ended(value: &HeaderValue, ending: &str) -> Option<HeaderValue> {
    let mut cookie = Cookie::parse(value.to_str().ok()?).ok()?;
    let name = format!("{}{ending}", cookie.name());
    cookie.set_name(name);
    HeaderValue::from_str(&cookie.to_string()).ok()
}
