//! `/api/docs`: the API description as a page, for everybody and without a script (docs/api.md).

mod examples;
mod model;

use std::{io::Write as _, sync::LazyLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, ServiceConfig, get},
};
use askama::Template;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

use model::{Row, Section};

/// Mounts it, below `/api`.
pub fn routes(config: &mut ServiceConfig) {
    config.route("/docs", get().to(page)).route("/docs.css", get().to(style));
}

#[derive(Template)]
#[template(path = "api_docs.html")]
struct Page {
    version: &'static str,
    sections: Vec<Section>,
    rows: Vec<Row>,
}

/// It is the same for everybody: made once.
static PAGE: LazyLock<File> = LazyLock::new(|| {
    let (sections, rows) = model::read(&super::openapi::document());
    let page = Page { version: env!("CARGO_PKG_VERSION"), sections, rows };
    File::new(page.render().unwrap_or_default(), "text/html; charset=utf-8")
});
static STYLE: LazyLock<File> =
    LazyLock::new(|| File::new(include_str!("docs.css").to_owned(), "text/css; charset=utf-8"));

/// Nothing but the style sheet beside it; no script, no frame, no form.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[allow(clippy::unused_async, reason = "every handler is a future")]
async fn page(request: HttpRequest) -> HttpResponse {
    PAGE.answer(&request)
}

#[allow(clippy::unused_async, reason = "every handler is a future")]
async fn style(request: HttpRequest) -> HttpResponse {
    STYLE.answer(&request)
}

/// A text that does not change while the server runs, as it is and packed.
struct File {
    kind: &'static str,
    tag: String,
    plain: Bytes,
    packed: Bytes,
}

impl File {
    fn new(text: String, kind: &'static str) -> Self {
        let digest = Sha256::digest(&text);
        let tag = digest.iter().take(8).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        // A vector takes whatever is written to it.
        let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default();
        Self { kind, tag: format!("\"{tag}\""), plain: text.into(), packed: packed.into() }
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let text =
            |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_known = text(header::IF_NONE_MATCH) == self.tag;
        let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .insert_header((header::VARY, "Accept-Encoding"))
            .insert_header((header::ETAG, self.tag.clone()))
            .content_type(self.kind);
        let takes_packed = text(header::ACCEPT_ENCODING).split(',').any(|coding| coding.trim() == "gzip");
        match (is_known, takes_packed) {
            (true, _) => response.finish(),
            (false, true) => {
                response.insert_header((header::CONTENT_ENCODING, "gzip")).body(self.packed.clone())
            }
            (false, false) => response.body(self.plain.clone()),
        }
    }
}
