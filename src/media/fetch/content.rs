//! What a body is, by how it begins.

use url::Url;

/// Whether it begins as a playlist does.
pub fn is_playlist(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start().starts_with(b"#EXTM3U")
}

/// Whether that begins a web page.
pub fn is_page(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    ["<!doctype html", "<html", "<head", "<body", "<script"].iter().any(|word| text.starts_with(word))
        || (text.starts_with('<') && text.contains("<html"))
}

/// What begins like that and is no stream, if it is known.
pub fn not_a_stream(bytes: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(512)]).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    let is_text = |c: char| c.is_ascii_graphic() || c.is_ascii_whitespace();
    if bytes.is_empty() {
        Some("the source answered with nothing")
    } else if bytes.starts_with(b"\x1f\x8b") {
        Some("the source is compressed (gzip), which is not supported")
    } else if [b"\x89PNG".as_slice(), b"\xff\xd8\xff", b"GIF8"].iter().any(|image| bytes.starts_with(image)) {
        Some("the source is an image, not a stream")
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"%PDF") {
        Some("the source is a document or an archive, not a stream")
    } else if is_page(bytes) {
        Some("the source is a web page (HTML), not a stream")
    } else if begins(&["<"]) && text.contains("<mpd") {
        Some("the source is an MPEG-DASH manifest, which is not supported: HLS and transport streams are")
    } else if begins(&["<?xml"]) {
        Some("the source is an XML text, not a stream")
    } else if begins(&["{\"", "{ ", "{\n", "{\r", "[{"]) {
        Some("the source is a JSON text, not a stream")
    } else if begins(&["[playlist]", "[reference]", "ffconcat "]) {
        Some("the source is a list of addresses, not a stream: give the address in it")
    } else if !text.starts_with('#') && text.chars().all(is_text) {
        Some("the source answered with a text, not a stream")
    } else {
        None
    }
}

/// The ending under which ffmpeg takes a segment: of packed sound its own, of everything else that of a
/// transport stream, which it takes for MP4 and AAC as well.
pub fn ending_of(content_type: &str, bytes: &[u8]) -> &'static str {
    // Packed sound begins with a tag of its time.
    let sound = match bytes {
        [b'I', b'D', b'3', _, _, _, a, b, c, d, ..] => {
            let length = [a, b, c, d].iter().fold(0, |sum, byte| sum << 7 | usize::from(**byte & 0x7f));
            bytes.get(10 + length..).unwrap_or_default()
        }
        _ => bytes,
    };
    match sound {
        [0x47, ..] => "ts",
        [0x0b, 0x77, ..] => "ac3",
        // Layer 0 of the MPEG header is AAC.
        [0xff, second, ..] if second & 0xf0 == 0xf0 && second & 0x06 == 0 => "ts",
        [0xff, second, ..] if second & 0xe0 == 0xe0 => "mp3",
        [b'W', b'E', b'B', b'V', ..] => "vtt",
        _ => match content_type.split(';').next().unwrap_or_default().trim() {
            "audio/mpeg" => "mp3",
            "audio/ac3" => "ac3",
            _ => "ts",
        },
    }
}

/// The ending of an address that tells which kind of sound it is, if it is one of packed sound.
pub fn told_ending(url: &Url) -> Option<&'static str> {
    let (_, ending) = url.path().rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    let known = ["ts", "mp3", "ac3", "ec3", "eac3", "vtt", "webvtt"];
    known.into_iter().find(|known| *known == ending).or_else(|| {
        ["aac", "mp4", "m4s", "m4a", "m4v", "cmfv", "cmfa", "fmp4"].contains(&ending.as_str()).then_some("ts")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn segments_get_an_ending_that_is_taken() {
        for (content_type, bytes, ending) in [
            ("", &b"\x47@\0"[..], "ts"),
            ("", b"\0\0\0\x18ftyp", "ts"),
            ("", b"\xff\xf1\x50", "ts"),
            ("", b"ID3\x04\0\0\0\0\0\x02xx\xff\xf1", "ts"),
            ("", b"ID3\x04\0\0\0\0\0\x02xx\xff\xfb", "mp3"),
            ("", b"\x0b\x77", "ac3"),
            ("audio/mpeg; x", b"encrypted", "mp3"),
            ("video/mp2t", b"encrypted", "ts"),
        ] {
            assert_eq!(ending_of(content_type, bytes), ending, "{content_type} {bytes:?}");
        }
        let told = |path: &str| told_ending(&url(&format!("http://h/{path}")));
        assert_eq!((told("1.TS?x"), told("1.m4s"), told("1.mp3")), (Some("ts"), Some("ts"), Some("mp3")));
        assert_eq!((told("chunk/7?sid=4.ts"), told("1.jpg"), told("1.php")), (None, None, None));
    }
}
