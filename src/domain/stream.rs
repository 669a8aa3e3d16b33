//! Streams: channels and where they come from.

use super::{
    Fact, Kind, Resource, Rule,
    field::Item,
    ids::{CategoryId, ServerId, StreamId},
    number::Position,
    text::{GuideId, HttpUrl, Name, Notes},
};

record! {
    /// A channel.
    pub struct Stream / StreamChange, StreamId, Resource::Streams;
    /// What it is called.
    name: Name,
    /// The heading under which it stands.
    category_id: Option<CategoryId>,
    /// The server that runs it.
    server_id: Option<ServerId>,
    /// Where it comes from, as a list of URLs that are tried in order.
    sources: Vec<SourceUrl>,
    /// The URL of its picture.
    logo_url: Option<HttpUrl>,
    /// Its id in the programme guide.
    epg_channel_id: GuideId,
    /// Its channel number; 0 is none.
    number: Position,
    /// Starts with its first viewer and stops after the last.
    on_demand: bool,
    /// Whether it is wanted running.
    enabled: bool,
    /// Free notes.
    notes: Notes,
}

/// Where a stream comes from: a URL of a scheme that the server can play, or a file below the
/// data folder's `media/`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourceUrl(String);

impl SourceUrl {
    const SCHEMES: [&'static str; 8] = ["http", "https", "rtmp", "rtmps", "rtsp", "srt", "udp", "rtp"];

    /// Reads a source.
    ///
    /// # Errors
    /// The rule, for any other scheme and for a path that leaves `media/`.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let rule = "a URL of http, https, rtmp, rtmps, rtsp, srt, udp or rtp, or a file as media/NAME";
        if text.len() > 2048 || text.chars().any(|c| c.is_control() || c == ' ') {
            return Err("at most 2048 bytes without spaces or control characters".into());
        }
        let inside_media = text.strip_prefix("media/").is_some_and(|path| {
            path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']))
        });
        if inside_media {
            return Ok(Self(text.to_owned()));
        }
        // The WHATWG parser would read a host out of http:/x and http:///x; ffmpeg would not.
        let (scheme, rest) = text.split_once("://").filter(|(_, rest)| !rest.starts_with('/')).ok_or(rule)?;
        let is_packets = ["udp", "rtp", "srt"].iter().any(|name| scheme.eq_ignore_ascii_case(name));
        let no_host = rest.strip_prefix('@').unwrap_or(rest).starts_with(':');
        // Without a host they listen on every address of the machine.
        let url = match rest.split_once(':') {
            Some((_, port)) if is_packets && no_host => {
                url::Url::parse(&format!("{scheme}://0.0.0.0:{port}"))
            }
            _ => url::Url::parse(text),
        };
        let url = url.map_err(|_| rule)?;
        if !Self::SCHEMES.contains(&url.scheme()) || !url.has_host() {
            return Err(rule.into());
        }
        if url.port() == Some(0) || (is_packets && url.port().is_none()) {
            return Err("a port from 1 to 65535, which udp, rtp and srt must name".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl SourceUrl {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its name below `media/`, if it is a file.
    pub fn file(&self) -> Option<&str> {
        self.0.strip_prefix("media/")
    }

    /// The scheme of its URL in lower case; empty for a file.
    pub fn scheme(&self) -> String {
        self.0.split_once("://").map_or_else(String::new, |(scheme, _)| scheme.to_ascii_lowercase())
    }
}

impl Item for SourceUrl {
    const KIND: Kind = Kind::List;
    const MOST: usize = 32;

    fn parse_item(text: &str) -> Result<Self, Rule> {
        Self::new(text)
    }

    fn list_fact(items: &[Self]) -> Fact {
        Fact::Urls(items.iter().map(|source| source.0.clone()).collect())
    }

    fn stored_list(fact: Fact) -> Option<Vec<Self>> {
        match fact {
            Fact::List(texts) => Some(texts.into_iter().map(Self).collect()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playable_sources_are_taken() {
        for text in [
            "http://origin.example/ch1.ts",
            "https://u:p@origin.example/ch1/index.m3u8",
            "rtmp://h/app/key",
            "rtsp://[2001:db8::1]:554/1",
            "srt://h:9000?mode=caller",
            "udp://@239.1.1.1:1234",
            "udp://@:1234",
            "udp://:1234?reuse=1",
            "srt://:9000?mode=listener",
            "rtp://239.1.1.1:5004",
            "media/loop.ts",
            "media/films/one.mkv",
        ] {
            assert!(SourceUrl::new(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn nothing_else_of_the_machine_can_be_a_source() {
        for text in [
            "",
            "udp://239.1.1.1",
            "srt://h",
            "rtsp://h:0/x",
            "http:/x",
            "http://:80/x",
            "file:///etc/passwd",
            "/etc/passwd",
            "media/../linecard.db",
            "media/",
            "media//x",
            "media/./x",
            "concat:a|b",
            "data:text/plain,x",
            "pipe:0",
            "ftp://h/x",
            "http:///x",
            "http://h/a b",
            "http://h/\n",
            "subfile,,start,0,end,9,,:/etc/passwd",
            "media/a:b",
            "crypto:http://h/x",
        ] {
            assert!(SourceUrl::new(text).is_err(), "{text}");
        }
    }
}
