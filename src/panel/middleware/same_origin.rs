//! What holds for every page: no write from another site, and headers that keep the browser to this one.

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderName, HeaderValue},
    middleware::Next,
};

use super::{host_cookies, own_cookies};
use crate::{
    panel::kit::error,
    wire::{origin, same_origin::is_own},
};

/// Nothing is fetched from anywhere else, nothing inline is run or applied.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      media-src 'self' blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                      base-uri 'none'";

/// Refuses writes that another site made the browser send.
pub async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let over_tls = origin::over_tls(request.request());
    if over_tls {
        host_cookies::take_off(&mut request);
    }
    let ending = own_cookies::ending(&request);
    own_cookies::take_off(&mut request, &ending);
    let mut response = if request.method().is_safe() || is_own(request.headers()) {
        next.call(request).await?.map_into_left_body()
    } else {
        request.into_response(error::cross_site()).map_into_right_body()
    };
    let headers = response.headers_mut();
    own_cookies::put_on(headers, &ending);
    if over_tls {
        host_cookies::put_on(headers);
    }
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}
