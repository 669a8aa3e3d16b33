//! Who may call the Server API: whitelist, then key, both always.

use std::net::IpAddr;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};

use super::reply;
use crate::{
    domain::people::{actor::Actor, lockout::Attempt, rights::Access},
    ops::{
        Ops,
        people::{api_keys::KeyRefusal, lockouts::Face},
    },
    wire::{same_origin, visitor},
};

/// Lets callers in; shared by every worker.
pub struct ApiAccess {
    /// The use cases.
    pub ops: Ops,
}

impl ApiAccess {
    /// To those use cases.
    pub fn new(ops: Ops) -> Self {
        Self { ops }
    }

    /// The caller's address, if it is on the whitelist and no page of another site made a browser call.
    ///
    /// # Errors
    /// The reply: 403 that names the address and where to add it, or the other site.
    pub fn address(&self, request: &HttpRequest, access: Access) -> Result<IpAddr, HttpResponse> {
        let address = visitor::address(request);
        if !self.ops.snapshot().lists(address) {
            log::warn!("Server API refused to {address}: not on the whitelist");
            return Err(reply::failure(StatusCode::FORBIDDEN, &not_listed(address)));
        }
        // A picture in a page asks with GET, and some calls that change something take it.
        let may_change = access == Access::Write || !request.method().is_safe();
        if may_change && !same_origin::is_own(request.headers()) {
            return Err(reply::failure(StatusCode::FORBIDDEN, OTHER_SITE));
        }
        Ok(address)
    }

    /// Who the caller with that key is. No key can be guessed, so the right one is taken whatever else comes from its address.
    ///
    /// # Errors
    /// The reply: 401 without the right key, 429 after too many wrong ones, 403 if the key is bound to other addresses.
    pub async fn caller(&self, key: Option<&str>, address: IpAddr) -> Result<Actor, HttpResponse> {
        let Some(key) = key else {
            return Err(reply::failure(
                StatusCode::UNAUTHORIZED,
                "API key missing: send it as the field api_key, as the header Authorization: Bearer KEY, or as the \
                 4th segment of the URL; never in the query string",
            ));
        };
        match self.ops.caller(key, address) {
            Ok(actor) => Ok(actor),
            Err(KeyRefusal::Wrong) => {
                if let Some(left) = self.ops.lockouts.address_blocked(Face::Api, address) {
                    return Err(reply::wait(left));
                }
                self.ops.lockouts.failed(Face::Api, Attempt { address, name: None, mark: None, what: None });
                self.ops.note_wrong_key(address).await;
                Err(reply::failure(
                    StatusCode::UNAUTHORIZED,
                    "API key wrong: make a new one with: linecard api-key create NAME",
                ))
            }
            Err(KeyRefusal::Expired) => Err(reply::failure(
                StatusCode::UNAUTHORIZED,
                "API key expired: make a new one with: linecard api-key create NAME",
            )),
            Err(KeyRefusal::Address) => Err(reply::failure(
                StatusCode::FORBIDDEN,
                &format!(
                    "This API key may not be used from your address {address}: make one that may with: linecard api-key create NAME --address {address}"
                ),
            )),
        }
    }
}

const OTHER_SITE: &str = "A page of another site made a browser send this call: the Server API is for programs, which send \
                          neither Sec-Fetch-Site nor Origin";

fn not_listed(address: IpAddr) -> String {
    format!(
        "Your address {address} is not on the API whitelist. Add it in General Settings -> API Settings, or with: \
         linecard whitelist add {address}"
    )
}

/// The key of the `Authorization: Bearer` header.
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(key.trim()).filter(|key| !key.is_empty())
}
