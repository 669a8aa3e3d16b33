//! Under which address the server was asked: what goes into playlists.

use actix_web::{HttpRequest, http::header, web::Data};
use url::Url;

use super::{socket, visitor::TrustedProxies};

/// Scheme, host and port of the server, as its callers reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// `http` or `https`.
    pub scheme: String,
    /// The host alone; a v6 address in brackets.
    pub host: String,
    /// The port, also where the scheme implies it.
    pub port: u16,
}

impl BaseUrl {
    /// What the operator set, or else what the request's Host says; `None` if that is no host.
    pub fn of(request: &HttpRequest, public_url: Option<&str>) -> Option<Self> {
        if let Some(url) = public_url {
            return Self::parse(url);
        }
        let host = match request.headers().get(header::HOST) {
            Some(host) => host.to_str().ok()?.to_owned(),
            // HTTP/1.0 need not send one: then what the caller has connected to.
            None => socket::of(request)?.as_ref().as_ref().local_addr().ok()?.to_string(),
        };
        let plain = !host.is_empty() && !host.contains(['/', '@', '?', '#', '\\', ' ']);
        let scheme = if over_tls(request) { "https" } else { "http" };
        if plain { Self::parse(&format!("{scheme}://{host}")) } else { None }
    }

    fn parse(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let host = url.host_str().filter(|host| is_host(host))?;
        Some(Self {
            scheme: url.scheme().to_owned(),
            host: host.to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// `http://HOST` or `http://HOST:PORT`, without a path.
    pub fn url(&self) -> String {
        let Self { scheme, host, port } = self;
        match (scheme.as_str(), port) {
            ("http", 80) | ("https", 443) => format!("{scheme}://{host}"),
            _ => format!("{scheme}://{host}:{port}"),
        }
    }
}

/// Whether it is a name or an address: the parser of URLs lets quotes and commas pass.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    host.starts_with('[') || host.trim_end_matches('.').split('.').all(is_label)
}

/// Whether a trusted proxy passed a request on without saying over what it came.
pub fn hides_scheme(request: &HttpRequest) -> bool {
    let headers = request.headers();
    // Somebody on the proxy's own machine who asks the server itself is no proxy.
    by_proxy(request) && headers.contains_key("x-forwarded-for") && !headers.contains_key("x-forwarded-proto")
}

/// Whether it comes from a trusted proxy.
pub fn by_proxy(request: &HttpRequest) -> bool {
    let trusted = request.app_data::<Data<TrustedProxies>>();
    request
        .peer_addr()
        .zip(trusted)
        .is_some_and(|(peer, trusted)| trusted.0.iter().any(|range| range.contains(peer.ip())))
}

/// Whether the caller came over TLS, which ends here or at a trusted proxy. What such a proxy says counts more than how it came itself.
pub fn over_tls(request: &HttpRequest) -> bool {
    let proto = request.headers().get("x-forwarded-proto").filter(|_| by_proxy(request));
    match proto.map(|proto| proto.to_str().unwrap_or_default().trim()) {
        Some(proto) => proto.eq_ignore_ascii_case("https"),
        None => socket::is_tls(request),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn asked(host: &str) -> Option<String> {
        BaseUrl::of(&TestRequest::default().insert_header((header::HOST, host)).to_http_request(), None)
            .map(|origin| origin.url())
    }

    #[test]
    fn the_host_that_was_asked_goes_into_playlists() {
        assert_eq!(asked("tv.example:8080").as_deref(), Some("http://tv.example:8080"));
        assert_eq!(asked("tv.example").as_deref(), Some("http://tv.example"));
        assert_eq!(asked("[2001:db8::1]:80").as_deref(), Some("http://[2001:db8::1]"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for host in [
            "",
            "a/b",
            "u@h",
            "h?x",
            "h#x",
            "a b",
            "h:99999",
            "h\\x",
            "e\"x",
            "e%22x",
            "e'x",
            "e,x",
            "e;x",
            "e&x",
            "..",
            "a..b",
            ".",
            "a%2eb%3cc",
        ] {
            assert_eq!(asked(host), None, "{host}");
        }
    }

    #[test]
    fn what_the_operator_set_comes_before_what_was_asked() {
        let request = TestRequest::default().insert_header((header::HOST, "evil.example")).to_http_request();
        let origin = BaseUrl::of(&request, Some("https://tv.example")).unwrap();
        assert_eq!((origin.url().as_str(), origin.port), ("https://tv.example", 443));
    }
}
