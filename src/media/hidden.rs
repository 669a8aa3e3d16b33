//! What ffmpeg says, without what is secret in the address of its source.

use percent_encoding::percent_decode_str;
use url::Url;

use crate::domain::channels::{source_request::split_suffix, stream::SourceUrl};

/// Shorter parts of an address are no secrets, but may be words of ffmpeg's; folders even more often.
const SHORT: usize = 4;
const FOLDER: usize = 8;

/// Texts that may stand in no line, and what stands there instead.
#[derive(Clone, Debug, Default)]
pub struct Hidden(Vec<(String, String)>);

impl Hidden {
    /// Those of a source: its address, whole and in parts, whatever letters are in it; and where it is handed over.
    pub fn of(source: &SourceUrl, via: Option<&str>) -> Self {
        if source.file().is_some() {
            return Self::default();
        }
        let (address, _) = split_suffix(source.address());
        let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let origin = format!("{scheme}://{host}");
        let mut hidden = vec![(address.to_owned(), format!("{origin}/***"))];
        hidden.extend(via.map(|via| (via.trim_end_matches("/0").to_owned(), origin)));
        let url = Url::parse(address).ok();
        let values = url.iter().flat_map(|url| url.query_pairs()).map(|(_, value)| value.into_owned());
        let segments: Vec<&str> = path.split(['/', '?', '#', '&', '=']).collect();
        let last = segments.len().saturating_sub(1);
        let is_told = |place: usize, segment: &str| place == last || segment.len() >= FOLDER;
        let segments = segments.iter().enumerate().filter(|(place, segment)| is_told(*place, segment));
        let segments = segments.map(|(_, segment)| (*segment).to_owned());
        let logins = [login].into_iter().chain(login.splitn(2, ':')).map(str::to_owned);
        let parts: Vec<String> =
            std::iter::once(path.to_owned()).chain(values).chain(segments).chain(logins).collect();
        for part in parts {
            let decoded = percent_decode_str(&part).decode_utf8_lossy().into_owned();
            hidden.extend(
                [part, decoded]
                    .into_iter()
                    .filter(|part| part.len() >= SHORT)
                    .map(|part| (part, "***".into())),
            );
        }
        hidden.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        hidden.dedup();
        Self(hidden)
    }

    /// The line without them.
    pub fn cut(&self, line: &str) -> String {
        self.0.iter().fold(line.to_owned(), |line, (text, instead)| {
            if line.contains(text) { line.replace(text, instead) } else { line }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_source_does_not_show_whatever_is_in_it() {
        for (source, line) in [
            ("rtmp://h/app/it's\"hush", "rtmp://h/app/it's\"hush: Connection refused"),
            ("rtmp://h/app/it's\"hush", "[rtmp] Server error: Stream not found: it's\"hush"),
            ("rtsp://me:p'hush@h/x", "method DESCRIBE failed for me:p'hush"),
            ("rtsp://me:p%27hush@h/x", "login me with p'hush failed"),
            ("srt://h:9000?passphrase=it's hush&x=1", "srt://h:9000?passphrase=it's%20hush&x=1: failed"),
            ("udp://@:1234?key=hush", "udp://@:1234?key=hush: bind failed"),
        ] {
            let shown = Hidden::of(&SourceUrl::new(source).unwrap(), None).cut(line);
            assert!(!shown.contains("hush"), "{source}: {shown}");
        }
        let source = SourceUrl::new("https://me:hush@h:8443/a/b.m3u8|Cookie=hush").unwrap();
        let hidden = Hidden::of(&source, Some("http://127.0.0.1:1/abcdef/0"));
        assert_eq!(hidden.cut("http://127.0.0.1:1/abcdef/7.ts: 404"), "https://h:8443/7.ts: 404");
    }
}
