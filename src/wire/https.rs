//! Where HTTPS listens: what players are told of it, and the way of the panel's pages to it.

use actix_web::{HttpRequest, web::Data};

use super::origin::{self, BaseUrl};

/// HTTPS of this server, which its requests find among their application's data.
pub struct Https {
    /// Where HTTP listens.
    pub plain: u16,
    /// Where HTTPS does; none without it.
    pub port: Option<u16>,
    /// Whether it has a certificate.
    pub is_served: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Https {
    /// The port of it, as long as it answers.
    fn on(&self) -> Option<u16> {
        self.port.filter(|_| (self.is_served)())
    }

    fn of(request: &HttpRequest) -> Option<&Self> {
        request.app_data::<Data<Self>>().map(|https| &***https)
    }
}

/// The port of the scheme by which a player did not come, at the host that it used; `is_set` if the operator has set which address that
/// is. Without one it is the usual one.
pub fn other_port(request: &HttpRequest, origin: &BaseUrl, is_set: bool) -> u16 {
    let https = Https::of(request);
    if origin.scheme == "https" {
        https
            .filter(|https| https.on().is_some() && !is_set && !origin::by_proxy(request))
            .map_or(80, |https| https.plain)
    } else {
        https.and_then(Https::on).unwrap_or(443)
    }
}

/// The address over TLS of what a browser asked for in clear: at `panel_url`, or at the host that it used. None if there is no need,
/// or no HTTPS to lead to; a trusted proxy knows itself what it does.
pub fn instead(request: &HttpRequest, panel_url: Option<&str>, path: &str) -> Option<String> {
    let port = Https::of(request)?.on()?;
    if origin::over_tls(request) || origin::by_proxy(request) {
        return None;
    }
    let asked = || Some(BaseUrl { scheme: "https".to_owned(), port, ..BaseUrl::of(request, None)? }.url());
    let base = panel_url.filter(|url| url.starts_with("https://")).map(str::to_owned).or_else(asked)?;
    Some(format!("{base}{path}"))
}

/// Whether browsers may be told to come over TLS only: they take it for every port of the host, and players' addresses would fail that name
/// another one than the usual ones. The operator may want it nonetheless.
pub fn is_strict(request: &HttpRequest, wanted: bool) -> bool {
    let is_usual = |https: &Https| https.plain == 80 && https.on() == Some(443) && !origin::by_proxy(request);
    origin::over_tls(request) && (wanted || Https::of(request).is_some_and(is_usual))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn asked(plain: u16, port: Option<u16>, is_served: bool) -> HttpRequest {
        let https = Https { plain, port, is_served: Box::new(move || is_served) };
        TestRequest::default()
            .insert_header(("host", "tv.example:8080"))
            .app_data(Data::new(https))
            .to_http_request()
    }

    #[test]
    fn a_page_is_led_to_the_same_host_or_where_the_panel_is_said_to_be() {
        let on = asked(8080, Some(8443), true);
        let led = |request: &HttpRequest, panel_url| instead(request, panel_url, "/panel/lines?search=a");
        assert_eq!(led(&on, None).as_deref(), Some("https://tv.example:8443/panel/lines?search=a"));
        assert_eq!(
            led(&on, Some("https://p.example")).as_deref(),
            Some("https://p.example/panel/lines?search=a")
        );
        assert_eq!(
            led(&on, Some("http://p.example")).as_deref(),
            Some("https://tv.example:8443/panel/lines?search=a"),
            "never into a circle"
        );
        assert_eq!(
            led(&asked(80, Some(443), true), None).as_deref(),
            Some("https://tv.example/panel/lines?search=a")
        );
        assert_eq!(led(&asked(8080, Some(8443), false), None), None, "nothing answers there");
        assert_eq!(led(&asked(8080, None, true), None), None);
    }

    #[test]
    fn players_are_told_the_port_of_the_other_scheme() {
        let on = asked(8080, Some(8443), true);
        let origin = BaseUrl::of(&on, None).unwrap();
        assert_eq!(other_port(&on, &origin, false), 8443);
        let https = BaseUrl { scheme: "https".to_owned(), port: 8443, ..origin.clone() };
        assert_eq!(other_port(&on, &https, false), 8080);
        assert_eq!(other_port(&on, &https, true), 80);
        assert_eq!(other_port(&asked(8080, Some(8443), false), &origin, false), 443);
    }
}
