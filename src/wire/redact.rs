//! Paths without their secrets, for logs and error texts.

/// The path with every segment blanked that could be a key or a password: under `/api/` all but the
/// resource and the action, elsewhere all but the first. A query is left out altogether.
pub fn path(path: &str, is_secret: impl Fn(&str) -> bool) -> String {
    let mut segments = path.trim_start_matches('/').split('/');
    let first = segments.next().unwrap_or_default();
    let open = if first == "api" { 2 } else { 0 };
    let mut shown = String::with_capacity(path.len() + 8);
    shown.push('/');
    shown.push_str(word(first, &is_secret));
    for (place, segment) in segments.enumerate() {
        shown.push('/');
        shown.push_str(if place < open { word(segment, &is_secret) } else { "***" });
    }
    shown
}

/// Names of calls are short lower-case words; anything else may be a secret in the wrong place.
fn word<'s>(segment: &'s str, is_secret: &impl Fn(&str) -> bool) -> &'s str {
    let plain = segment.len() <= 24 && segment.bytes().all(|b| b.is_ascii_lowercase() || b"_.".contains(&b));
    if plain && !is_secret(segment) { segment } else { "***" }
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_do_not_show_wherever_they_stand() {
        let shown = |path| super::path(path, |segment| segment == "lower_case_secret");
        assert_eq!(shown("/api/line/info/SECRETKEY0123456789/7"), "/api/line/info/***/***");
        assert_eq!(shown("/api/SECRETKEY0123456789/line"), "/api/***/line");
        assert_eq!(shown("/api/line/lower_case_secret"), "/api/line/***");
        assert_eq!(shown("/live/user/password/7.ts"), "/live/***/***/***");
        assert_eq!(shown("/healthz"), "/healthz");
        assert_eq!(shown("/player_api.php"), "/player_api.php");
        assert_eq!(shown("/player_api/user/password/get_live_streams"), "/player_api/***/***/***");
        assert_eq!(shown("/hls/Token0123456789/7_1.ts"), "/hls/***/***");
        assert_eq!(shown("/user/password/7"), "/user/***/***");
    }
}
