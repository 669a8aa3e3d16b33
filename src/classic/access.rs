//! Access to the classic API: its switch, its whitelist, no browsers that act for another site, its password.

use std::net::IpAddr;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderMap},
    },
};

use super::reply;
use crate::{
    domain::people::actor::Actor,
    ops::{Ops, people::classic_callers::ClassicRefusal},
    wire::{same_origin, visitor},
};

/// The caller's address, if the classic API answers it, and no browser made the call for another site.
///
/// # Errors
/// The reply: 404 while the classic API is off, 403 for an address that may not use it, and for a browser.
pub fn address(request: &HttpRequest, ops: &Ops) -> Result<IpAddr, HttpResponse> {
    let address = visitor::address(request);
    ops.classic_answers(address).map_err(|refusal| refused(refusal, address))?;
    if may_act_for_another_site(request.headers()) {
        return Err(reply::failure(StatusCode::FORBIDDEN, BROWSER));
    }
    Ok(address)
}

/// Who calls with that `api_pass`.
///
/// # Errors
/// The reply: 401 for a wrong one, 429 after too many, 503 if it cannot be known.
pub async fn caller(ops: &Ops, address: IpAddr, api_pass: &str) -> Result<Actor, HttpResponse> {
    ops.classic_caller(address, api_pass).await.map_err(|refusal| refused(refusal, address))
}

fn refused(refusal: ClassicRefusal, address: IpAddr) -> HttpResponse {
    match refusal {
        ClassicRefusal::Off => reply::failure(StatusCode::NOT_FOUND, OFF),
        ClassicRefusal::Address => {
            log::warn!("classic API refused to {address}: not on its whitelist");
            reply::failure(
                StatusCode::FORBIDDEN,
                &format!(
                    "Your address {address} may not use the classic API: add it in General Settings -> API Settings"
                ),
            )
        }
        ClassicRefusal::Password => reply::failure(
            StatusCode::UNAUTHORIZED,
            "api_pass is missing or wrong: send the password of General Settings -> API Settings",
        ),
        ClassicRefusal::ShutOut(left) => {
            let seconds = left.as_secs() + 1;
            let text = format!("Too many wrong passwords from your address: wait {seconds} seconds");
            let mut response = reply::failure(StatusCode::TOO_MANY_REQUESTS, &text);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            response
        }
        ClassicRefusal::KeyGone => reply::failure(StatusCode::SERVICE_UNAVAILABLE, KEY_GONE),
    }
}

/// No page asked for what a browser says it asks for none of: somebody opened a link, of a mail perhaps, and here
/// links change credits. Browsers that do not say for which site they ask are those on plain HTTP: whatever else a page can hide, they all send
/// Accept-Language. Nothing but an address lets callers in, so the pages of other sites could act for whoever reads them.
fn may_act_for_another_site(headers: &HeaderMap) -> bool {
    let says = headers.contains_key("sec-fetch-site");
    let opened = headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() != b"same-origin");
    opened || !same_origin::is_own(headers) || (!says && headers.contains_key(header::ACCEPT_LANGUAGE))
}

const KEY_GONE: &str = "The password of the classic API cannot be read without the key that it was sealed with: type it again in \
                        General Settings -> API Settings";
const OFF: &str = "The classic API is switched off: switch it on in General Settings -> API Settings";
const BROWSER: &str = "A browser sent this call, perhaps for a page of another site or by a link: the classic API is for programs, which send \
                       none of Sec-Fetch-Site, Origin and Accept-Language";
