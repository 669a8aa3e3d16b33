//! `/c/`: a small page for the screens of boxes and for browsers. Plain files for old engines: no
//! build step, nothing of anybody else's.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web::{Path, Payload},
};

use super::actions;

/// A file of the page.
struct File {
    /// Its name below `/c/`.
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

/// The files of the page, and two that scanners and apps look for.
const FILES: &[File] = &[
    File { name: "portal.js", kind: "text/javascript", text: include_str!("page/portal.js") },
    File { name: "device.js", kind: "text/javascript", text: include_str!("page/device.js") },
    File { name: "portal.css", kind: "text/css", text: include_str!("page/portal.css") },
    File { name: "version.js", kind: "text/javascript", text: "var ver = '5.6.2';\n" },
    File { name: "xpcom.common.js", kind: "text/javascript", text: include_str!("page/xpcom.common.js") },
];

/// Nothing but the page's own scripts runs. Pictures of channels and streams may be on any server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src * data:; media-src * blob:; \
                      connect-src *; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const INDEX: File = File { name: "index.html", kind: "text/html", text: include_str!("page/index.html") };

impl File {
    fn answer(&self) -> HttpResponse {
        HttpResponse::Ok()
            .content_type(format!("{}; charset=utf-8", self.kind))
            .insert_header((header::CACHE_CONTROL, "max-age=300"))
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .body(self.text)
    }
}

/// The page, or the portal for those who ask it here.
pub async fn or_api(request: HttpRequest, payload: Payload) -> HttpResponse {
    if wants_page(&request) { INDEX.answer() } else { actions::entry(request, payload).await }
}

/// One of its files.
pub async fn file(name: Path<String>) -> HttpResponse {
    let found = FILES.iter().find(|file| file.name == name.as_str());
    found.map_or_else(|| HttpResponse::NotFound().finish(), File::answer)
}

/// The same without the slash at the end, which the page needs to find its files.
pub async fn without_slash(request: HttpRequest, payload: Payload) -> HttpResponse {
    let place = format!("{}/", request.path());
    or_leads_to(request, payload, &place).await
}

/// The same for a folder that the page stands in.
pub async fn folder(request: HttpRequest, payload: Payload) -> HttpResponse {
    let place = format!("{}/c/", request.path().trim_end_matches('/'));
    or_leads_to(request, payload, &place).await
}

async fn or_leads_to(request: HttpRequest, payload: Payload, place: &str) -> HttpResponse {
    if !wants_page(&request) {
        return actions::entry(request, payload).await;
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    HttpResponse::TemporaryRedirect().insert_header((header::LOCATION, format!("{place}{query}"))).finish()
}

fn wants_page(request: &HttpRequest) -> bool {
    let query = request.query_string();
    matches!(*request.method(), Method::GET | Method::HEAD)
        && !(query.contains("type=") && query.contains("action="))
}
