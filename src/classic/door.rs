//! The door of the classic API: its switch, its whitelist, and no browsers that act for another site.

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

/// Who calls.
///
/// # Errors
/// The reply: 404 while the classic API is off, 403 for an address that may not use it, and for a browser.
pub fn caller(request: &HttpRequest, ops: &Ops) -> Result<Actor, HttpResponse> {
    let address = visitor::address(request);
    let actor = ops.classic_caller(address).map_err(|refusal| match refusal {
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
    })?;
    if may_act_for_another_site(request.headers()) {
        return Err(reply::failure(StatusCode::FORBIDDEN, BROWSER));
    }
    Ok(actor)
}

/// Browsers that do not say for which site they ask are those on plain HTTP: whatever else a page can hide, they all send
/// Accept-Language. Nothing but an address lets callers in, so the pages of other sites could act for whoever reads them.
fn may_act_for_another_site(headers: &HeaderMap) -> bool {
    let says = headers.contains_key("sec-fetch-site");
    !same_origin::is_own(headers) || (!says && headers.contains_key(header::ACCEPT_LANGUAGE))
}

const OFF: &str = "The classic API is switched off: switch it on in General Settings -> API Settings";
const BROWSER: &str = "A browser sent this call, perhaps for a page of another site: the classic API is for programs, which send \
                       none of Sec-Fetch-Site, Origin and Accept-Language";
