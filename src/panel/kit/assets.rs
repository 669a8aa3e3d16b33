//! Style sheet, script and icons, each under a name that changes with its content.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, http::header, web::Path};
use sha2::{Digest, Sha256};

/// One file that pages refer to.
pub struct Asset {
    file: String,
    kind: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn new(name: &str, kind: &'static str, bytes: &'static [u8]) -> Self {
        let digest = Sha256::digest(bytes);
        let hash = digest.iter().take(8).fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let (stem, end) = name.rsplit_once('.').unwrap_or((name, "bin"));
        Self { file: format!("{stem}-{hash}.{end}"), kind, bytes }
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("/panel/assets/{}", self.file)
    }
}

macro_rules! assets {
    ($($(#[doc = $doc:literal])* $name:ident: $file:literal, $kind:literal;)*) => {
        $( $(#[doc = $doc])* pub static $name: LazyLock<Asset> = LazyLock::new(|| {
            Asset::new($file, $kind, include_bytes!(concat!("assets/", $file)))
        }); )*

        fn all() -> [&'static Asset; [$($file),*].len()] {
            [$(&*$name),*]
        }
    };
}

assets! {
    /// How everything looks.
    STYLE: "panel.css", "text/css; charset=utf-8";
    /// What pages can do beyond HTML; every page works without it.
    SCRIPT: "panel.js", "text/javascript; charset=utf-8";
    /// What pages do whose parts change while one looks at them.
    LIVE: "live.js", "text/javascript; charset=utf-8";
    /// Ordered lists: drag, search, add.
    ORDER: "order.js", "text/javascript; charset=utf-8";
    /// The icons of the navigation.
    ICONS: "icons.svg", "image/svg+xml";
    /// The icon of the browser's tab.
    FAVICON: "favicon.svg", "image/svg+xml";
}

/// Answers `/panel/assets/FILE`. What a name stands for never changes.
pub async fn get(path: Path<String>, request: HttpRequest) -> HttpResponse {
    let Some(asset) = all().into_iter().find(|asset| asset.file == *path) else {
        return HttpResponse::NotFound().finish();
    };
    let tag = format!("\"{}\"", asset.file);
    let known = request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| known == tag.as_str());
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::ETAG, tag))
        .content_type(asset.kind);
    if known { response.finish() } else { response.body(asset.bytes) }
}
