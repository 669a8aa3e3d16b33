//! Who visits: the address behind trusted proxies, and the player.

use std::{
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr},
};

use actix_web::{Error, FromRequest, HttpRequest, dev::Payload, http::header, web::Data};

use super::client_ip::client_ip;
use crate::domain::fields::{hidden::is_hidden, net::Network};

/// A longer User-Agent is cut: it is kept with every connection and refusal.
const MOST: usize = 512;

/// Proxies whose `X-Forwarded-For` is believed.
pub struct TrustedProxies(pub Vec<Network>);

/// Where a request came from.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The visitor's address.
    pub address: IpAddr,
    /// The User-Agent, at most 512 characters without control characters; empty if none was sent.
    pub agent: String,
}

impl Visitor {
    /// The visitor behind a request.
    pub fn of(request: &HttpRequest) -> Self {
        let agent =
            request.headers().get(header::USER_AGENT).map(header::HeaderValue::as_bytes).unwrap_or_default();
        let agent = String::from_utf8_lossy(agent).chars().filter(|c| !is_hidden(*c)).take(MOST).collect();
        Self { address: address(request), agent }
    }
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

/// Whether a proxy that is not trusted passed a request on: whoever sent it then counts as the proxy.
pub fn through_untrusted_proxy(request: &HttpRequest) -> bool {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    request.headers().contains_key("x-forwarded-for") && peer == Some(Visitor::of(request).address)
}

/// The address of whoever sent a request.
pub fn address(request: &HttpRequest) -> IpAddr {
    let trusted = request.app_data::<Data<TrustedProxies>>().map_or(&[][..], |proxies| &proxies.0);
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let forwarded = request.headers().get_all("x-forwarded-for").map(header::HeaderValue::as_bytes);
    client_ip(peer, forwarded, trusted)
}
