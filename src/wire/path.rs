//! The path of a request and its segments.

use actix_web::{dev::ServiceRequest, http::Uri};
use percent_encoding::percent_decode_str;

/// Takes several slashes in a row for one. A base URL that ends in a slash is a usual slip: `//api/line/new`,
/// `/c//portal.php`.
pub fn merge_slashes(request: &mut ServiceRequest) {
    // Hardly any request has some: the others pay for no more than a look.
    let Some(merged) = merged(request.uri()) else { return };
    request.match_info_mut().get_mut().update(&merged);
    request.head_mut().uri = merged;
}

/// The URI with one slash for each row of them, if it has any.
fn merged(uri: &Uri) -> Option<Uri> {
    if !uri.path().contains("//") {
        return None;
    }
    let mut path = String::with_capacity(uri.path().len());
    for part in uri.path().split_inclusive('/') {
        if part != "/" || !path.ends_with('/') {
            path.push_str(part);
        }
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).ok()
}

/// What stands between the slashes, with `%XX` decoded.
pub fn segments(path: &str) -> Vec<String> {
    let segments = path.trim_start_matches('/').split('/');
    segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_in_a_row_are_one() {
        let path = |text: &str| merged(&text.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(path("/api/line/new?next=//x"), None);
        assert_eq!(path("//api/line/new").as_deref(), Some("/api/line/new"));
        assert_eq!(path("/c///portal.php//?a=//").as_deref(), Some("/c/portal.php/?a=//"));
        assert_eq!(path("//").as_deref(), Some("/"));
        assert_eq!(path("http://h.example//a//b").as_deref(), Some("http://h.example/a/b"));
    }

    #[test]
    fn an_encoded_slash_is_part_of_its_segment() {
        assert_eq!(segments("/live/b%6Fb/p%2Fw/7.ts"), ["live", "bob", "p/w", "7.ts"]);
        assert_eq!(segments("/"), [""]);
    }
}
