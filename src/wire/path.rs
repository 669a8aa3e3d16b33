//! The segments of a path.

use percent_encoding::percent_decode_str;

/// What stands between the slashes, with `%XX` decoded.
pub fn segments(path: &str) -> Vec<String> {
    let segments = path.trim_start_matches('/').split('/');
    segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_encoded_slash_is_part_of_its_segment() {
        assert_eq!(super::segments("/live/b%6Fb/p%2Fw/7.ts"), ["live", "bob", "p/w", "7.ts"]);
        assert_eq!(super::segments("/"), [""]);
    }
}
