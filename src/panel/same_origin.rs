//! What holds for every page: no write from another site, and headers that keep the browser to this one.

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
};
use url::Url;

use super::error;

/// Nothing is fetched from anywhere else, nothing inline is run or applied.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      media-src 'self' blob:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                      base-uri 'none'";

/// Refuses writes that another site made the browser send.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let mut response = if request.method().is_safe() || is_own(request.headers()) {
        next.call(request).await?.map_into_left_body()
    } else {
        request.into_response(error::cross_site()).map_into_right_body()
    };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// Browsers say where a write comes from: in Sec-Fetch-Site, older ones in Origin alone. A program that says
/// neither has no cookies of somebody else's.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN) else { return true };
    let host = |url: &Url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?));
    let asked = |scheme: &str| Url::parse(&format!("{scheme}://{}", text(header::HOST)?)).ok();
    Url::parse(origin).is_ok_and(|origin| {
        asked(origin.scheme()).is_some_and(|asked| host(&asked).is_some() && host(&asked) == host(&origin))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(headers: &[(&'static str, &'static str)]) -> bool {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        is_own(&headers.iter().map(pair).collect())
    }

    #[test]
    fn a_write_from_another_site_is_not_ours() {
        assert!(own(&[("sec-fetch-site", "same-origin")]) && own(&[("sec-fetch-site", "none")]));
        assert!(!own(&[("sec-fetch-site", "cross-site")]) && !own(&[("sec-fetch-site", "same-site")]));
        assert!(own(&[("origin", "http://tv.example:8080"), ("host", "tv.example:8080")]));
        assert!(own(&[("origin", "https://tv.example"), ("host", "tv.example")]));
        assert!(!own(&[("origin", "http://evil.example"), ("host", "tv.example")]));
        assert!(!own(&[("origin", "http://tv.example:81"), ("host", "tv.example")]));
        assert!(!own(&[("origin", "null"), ("host", "tv.example")]));
        assert!(own(&[("host", "tv.example")]));
    }
}
