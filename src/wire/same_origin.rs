//! Whether a page of another site made a browser send a request.

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

/// Whether a request comes from a page of ours, or from no page. Browsers say where a write comes from: in Sec-Fetch-Site, older ones in Origin alone. A program that says
/// neither has no cookies of somebody else's.
pub fn is_own(headers: &HeaderMap) -> bool {
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
