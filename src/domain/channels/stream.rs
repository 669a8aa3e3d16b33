//! Streams: channels and where they come from.

use super::source_request::{SourceHeader, has_mask, joined, masked_suffix, split_suffix, unmasked_suffix};
use crate::domain::{
    Fact, Kind, Resource, Rule,
    field::{Field, Item, Written},
    fields::{
        number::{ArchiveDays, Position, ShiftMinutes},
        text::{GuideId, HttpUrl, Name, Notes, SourceAgent},
    },
    ids::{CategoryId, ServerId, StreamId},
};

record! {
    /// A channel.
    pub struct Stream / StreamChange, StreamId, Resource::Streams;
    /// The name.
    name: Name,
    /// The category in which it is listed.
    category_id: Option<CategoryId>,
    /// The server that runs it.
    server_id: Option<ServerId>,
    /// Where it comes from, as a list of URLs that are tried in order.
    sources: Vec<SourceUrl>,
    /// The User-Agent for requests to http and https sources; empty is the server's own.
    user_agent: SourceAgent,
    /// Headers for requests to http and https sources, as a list of `Name: value`; secret values show as `***`.
    headers: Vec<SourceHeader>,
    /// Whether the certificates of https sources must be valid.
    tls_verify: bool,
    /// The URL of its logo.
    logo_url: Option<HttpUrl>,
    /// Its id in the programme guide.
    epg_channel_id: GuideId,
    /// By how many minutes its programmes are shown later; below 0 earlier.
    epg_shift_minutes: ShiftMinutes,
    /// Its channel number; 0 is none.
    number: Position,
    /// Starts with its first viewer and stops after the last.
    on_demand: bool,
    /// Whether it should run.
    enabled: bool,
    /// Converts all audio to AAC, such as codecs that a transport stream cannot carry.
    audio_to_aac: bool,
    /// What happens at the end of a source that has one: loop or stop.
    at_end: AtEnd,
    /// For how many days it is recorded, so that viewers can catch up: 0 is not at all. It runs always then.
    archive_days: ArchiveDays,
    /// Free notes.
    notes: Notes,
}

/// What happens at the end of a file, or of an address that has an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtEnd {
    /// It is played again.
    #[default]
    Loop,
    /// The stream ends, until it is started again.
    Stop,
}

impl AtEnd {
    const ALL: [(&'static str, Self); 2] = [("loop", Self::Loop), ("stop", Self::Stop)];
}

impl Field for AtEnd {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        let text = written.text()?;
        let named = Self::ALL.iter().find(|(name, _)| *name == text);
        named.map(|(_, at_end)| *at_end).ok_or_else(|| "loop or stop".into())
    }

    fn fact(&self) -> Fact {
        Fact::Text(if *self == Self::Loop { "loop" } else { "stop" }.to_owned())
    }

    fn stored(fact: Fact) -> Option<Self> {
        Self::parse(&Written::Text(fact.into_text()?)).ok()
    }
}

/// Where a stream comes from: a URL of a scheme that the server can play, or a file below the
/// data folder's `media/`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SourceUrl(String);

impl std::fmt::Debug for SourceUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

/// What comes before the number of a program, at the end of a source.
pub const PROGRAM: &str = "#program=";

impl SourceUrl {
    const SCHEMES: [&'static str; 8] = ["http", "https", "rtmp", "rtmps", "rtsp", "srt", "udp", "rtp"];

    /// The most bytes of a source, encoded.
    const LENGTH: usize = 8192;

    /// Reads a source; blanks inside a URL are encoded. An http or https URL may be followed by headers of its own, as
    /// `|User-Agent=..&Referer=..`; a `|` that no `name=` follows is part of the URL.
    ///
    /// # Errors
    /// The rule, for any other scheme and for a path that leaves `media/`.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let rule = "a URL of http, https, rtmp, rtmps, rtsp, srt, udp or rtp, or a file as media/NAME";
        if text.len() > Self::LENGTH || text.chars().any(crate::domain::fields::hidden::is_hidden) {
            return Err(format!("at most {} bytes without control characters", Self::LENGTH).into());
        }
        if let Some((address, number)) = text.split_once(PROGRAM) {
            // Headers may be written before or after the program; they are kept before it.
            if let Some((number, headers)) = number.split_once('|') {
                return Self::new(&format!("{address}|{headers}{PROGRAM}{number}"));
            }
            let number =
                number.parse::<u16>().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()));
            let number = number.ok_or("a program as #program=101, from 0 to 65535, at the end")?;
            return Ok(Self(format!("{}{PROGRAM}{number}", Self::new(address)?.0)));
        }
        let inside_media = text.strip_prefix("media/").is_some_and(|path| {
            path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']))
        });
        if inside_media {
            return Ok(Self(text.to_owned()));
        }
        let (address, suffix) = split_suffix(text);
        let address = address.trim_matches(' ').replace(' ', "%20");
        let text = address.as_str();
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
        let whole = match suffix {
            Some(suffix) if matches!(url.scheme(), "http" | "https") => {
                format!("{address}|{}", joined(suffix))
            }
            Some(_) => return Err("headers after a | only for http and https".into()),
            None => address,
        };
        if whole.len() > Self::LENGTH {
            return Err(format!("at most {} bytes with spaces as %20", Self::LENGTH).into());
        }
        Ok(Self(whole))
    }
}

impl SourceUrl {
    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is fetched over HTTP.
    pub fn is_http(&self) -> bool {
        matches!(self.scheme().as_str(), "http" | "https")
    }

    /// The text of it with the values of secret headers behind its `|` masked.
    pub fn shown(&self) -> String {
        let Some((address, suffix)) = self.parts() else { return self.0.clone() };
        format!("{address}|{}{}", masked_suffix(suffix), self.end())
    }

    /// Address and headers, if it has headers of its own.
    fn parts(&self) -> Option<(&str, &str)> {
        let (address, suffix) = split_suffix(self.address());
        suffix.filter(|_| self.is_http()).map(|suffix| (address, suffix))
    }

    /// The program as it is written.
    fn end(&self) -> &str {
        &self.0[self.address().len()..]
    }

    /// With the values that it had for those that came back masked: of the source of the same address, else of one of
    /// the same scheme, host and port, never of another one's.
    fn in_place_of(self, before: &[Self]) -> Result<Self, Rule> {
        let Some((address, suffix)) = self.parts().filter(|(_, suffix)| has_mask(suffix)) else {
            return Ok(self);
        };
        let same = before.iter().filter_map(Self::parts).filter(|(other, _)| *other == address);
        let origin = |text: &str| url::Url::parse(text).map(|url| url.origin()).ok();
        let near =
            before.iter().filter_map(Self::parts).filter(|(other, _)| origin(other) == origin(address));
        let found = same.chain(near).find_map(|(_, others)| unmasked_suffix(suffix, others));
        let suffix = found
            .ok_or("*** after a | keeps the stored value of a header, but no source of that host has one")?;
        Self::new(&format!("{address}|{suffix}{}", self.end()))
    }

    /// The text of it without the program.
    pub fn address(&self) -> &str {
        self.0.split_once(PROGRAM).map_or(&self.0, |(address, _)| address)
    }

    /// What of it says which packets are received: a port of UDP is written in several ways, and with options that only
    /// say how it is read. Without a group the port alone says it, whatever host is named: ffmpeg listens on all of the machine's
    /// addresses, or on that of `localaddr`.
    pub fn received(&self) -> String {
        let address = self.address();
        let Some((_, rest)) = address.split_once("://").filter(|_| self.scheme() == "udp") else {
            return address.to_owned();
        };
        let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
        let place = place.rsplit('@').next().unwrap_or(place).trim_end_matches('/').to_ascii_lowercase();
        let (host, port) = place.rsplit_once(':').unwrap_or((&place, ""));
        let port = port.trim_start_matches('0');
        let named = |names: &[&str]| {
            let mut options: Vec<&str> = options
                .split('&')
                .filter(|option| option.split_once('=').is_some_and(|(name, _)| names.contains(&name)))
                .collect();
            options.sort_unstable();
            options.join("&")
        };
        match group(host) {
            Some(group) => format!("udp://{group}:{port}?{}", named(&["sources", "block", "localaddr"])),
            None => format!("udp://:{port}?{}", named(&["localaddr"])),
        }
    }

    /// The program of it that is to be played, if one was chosen: `#program=101`.
    pub fn program(&self) -> Option<u64> {
        self.0.split_once(PROGRAM)?.1.parse().ok()
    }

    /// Its name below `media/`, if it is a file.
    pub fn file(&self) -> Option<&str> {
        self.address().strip_prefix("media/")
    }

    /// The scheme of its URL in lower case; empty for a file.
    pub fn scheme(&self) -> String {
        self.0.split_once("://").map_or_else(String::new, |(scheme, _)| scheme.to_ascii_lowercase())
    }
}

/// The group of a host of UDP; none if it is an address of one machine, in whatever spelling. Of a name that is not this machine's
/// nobody knows it here.
fn group(host: &str) -> Option<String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_number = bare.split('.').all(|part| {
        part.strip_prefix("0x").unwrap_or(part).bytes().all(|byte| byte.is_ascii_hexdigit())
            && part.starts_with(|first: char| first.is_ascii_digit())
    });
    match bare.parse::<std::net::IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) => address.is_multicast().then(|| address.to_string()),
        Err(_) if bare.is_empty() || bare == "localhost" || is_number => None,
        Err(_) => Some(bare.to_owned()),
    }
}

impl Item for SourceUrl {
    const KIND: Kind = Kind::List;
    const MOST: usize = 32;

    fn parse_item(text: &str) -> Result<Self, Rule> {
        Self::new(text)
    }

    fn list_fact(items: &[Self]) -> Fact {
        Fact::Urls(items.iter().map(|source| (source.0.clone(), source.shown())).collect())
    }

    /// Secret headers that came back as they are shown keep their values.
    fn list_in_place_of(items: Vec<Self>, before: &[Self]) -> Result<Vec<Self>, Rule> {
        items.into_iter().map(|source| source.in_place_of(before)).collect()
    }

    fn stored_list(fact: Fact) -> Option<Vec<Self>> {
        match fact {
            Fact::List(texts) => Some(texts.into_iter().map(Self).collect()),
            _ => None,
        }
    }
}

impl Stream {
    /// The server that is to run it: the main one, if it names none.
    pub fn server(&self) -> ServerId {
        self.server_id.unwrap_or(ServerId::MAIN)
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
            "udp://@239.1.1.1:1234#program=101",
        ] {
            assert!(SourceUrl::new(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn blanks_are_encoded_and_a_pipe_is_kept() {
        for (written, kept) in [
            (" http://h/a b/c.ts?x=1 2 ", "http://h/a%20b/c.ts?x=1%202"),
            ("http://h/a|b c", "http://h/a|b%20c"),
            ("http://h/a b|User-Agent=A B&X=1", "http://h/a%20b|User-Agent=A B&X=1"),
            ("media/one film.ts", "media/one film.ts"),
        ] {
            assert_eq!(SourceUrl::new(written).unwrap().as_str(), kept);
        }
        let long = format!("http://h/{}", "x".repeat(8183));
        assert!(SourceUrl::new(&long).is_ok());
        assert!(SourceUrl::new(&format!("{long}x")).is_err());
        assert!(SourceUrl::new(&format!("http://h/{}", " ".repeat(3000) + "x")).is_err());
    }

    #[test]
    fn a_program_of_a_multiplex_can_be_chosen() {
        let source = SourceUrl::new("udp://@239.1.1.1:1234?reuse=1").unwrap();
        assert_eq!(source.program(), None);
        let chosen = SourceUrl::new("udp://@239.1.1.1:1234?reuse=1#program=0101").unwrap();
        assert_eq!(chosen.as_str(), "udp://@239.1.1.1:1234?reuse=1#program=101");
        assert_eq!((chosen.program(), chosen.address()), (Some(101), source.as_str()));
        for both in ["http://h/x|User-Agent=K#program=7", "http://h/x#program=7|User-Agent=K"] {
            let source = SourceUrl::new(both).unwrap();
            assert_eq!(source.as_str(), "http://h/x|User-Agent=K#program=7", "{both}");
            assert_eq!(source.program(), Some(7), "{both}");
        }
        let file = SourceUrl::new("media/a.ts#program=2").unwrap();
        assert_eq!((file.file(), file.program()), (Some("a.ts"), Some(2)));
        for wrong in ["", "x", "-1", "65536", "1#program=2", "1?x"] {
            assert!(SourceUrl::new(&format!("media/a.ts#program={wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_port_of_udp_is_known_in_every_spelling() {
        let received = |text: &str| SourceUrl::new(text).unwrap().received();
        let plain = received("udp://239.1.1.1:1234#program=101");
        for same in [
            "udp://@239.1.1.1:1234",
            "UDP://239.1.1.1:1234/",
            "udp://239.1.1.1:1234?fifo_size=9&reuse=1#program=2",
        ] {
            assert_eq!(received(same), plain, "{same}");
        }
        for any in [
            "udp://0.0.0.0:1234?buffer_size=1",
            "udp://127.0.0.1:1234",
            "udp://localhost:01234",
            "udp://@127.1:1234?sources=192.0.2.1",
            "udp://[::ffff:127.0.0.1]:1234",
            "udp://192.0.2.7:1234#program=102",
        ] {
            assert_eq!(received(any), received("udp://@:1234"), "{any}");
        }
        assert_ne!(received("udp://@:1234?localaddr=192.0.2.9"), received("udp://@:1234"));
        assert_ne!(received("udp://groups.example:1234"), received("udp://@:1234"));
        let sourced = received("udp://239.1.1.1:1234?sources=192.0.2.1&localaddr=192.0.2.9");
        assert_eq!(
            sourced,
            received("udp://@239.1.1.1:1234?localaddr=192.0.2.9&fifo_size=9&sources=192.0.2.1")
        );
        for other in ["udp://239.1.1.2:1234", "udp://239.1.1.1:1235", "rtp://239.1.1.1:1234"] {
            assert_ne!(received(other), plain, "{other}");
        }
        assert_ne!(sourced, plain);
        assert_ne!(received("srt://192.0.2.1:9?streamid=a"), received("srt://192.0.2.1:9?streamid=b"));
    }

    #[test]
    fn secret_headers_behind_a_pipe_are_masked_and_stay_when_they_come_back() {
        let source = |text: &str| SourceUrl::new(text).unwrap();
        let whole = "http://h:81/1|User-Agent=K&cookie=a%3D1&X-Token=t&Referer=http://r/#program=7";
        let shown = "http://h:81/1|User-Agent=K&cookie=***&X-Token=***&Referer=http://r/#program=7";
        let before = vec![source("http://h:81/0|Cookie=other"), source(whole), source("http://other/1")];
        assert_eq!(before[1].shown(), shown);
        assert!(!format!("{before:?}").contains("a%3D1"));
        for (sent, kept) in [
            (shown, Some(whole)),
            ("http://h:81/new|Cookie=***", Some("http://h:81/new|Cookie=other")),
            ("http://h:81/1|Cookie=new&X-Token=***", Some("http://h:81/1|Cookie=new&X-Token=t")),
            ("http://h:81/1|Referer=***", Some("http://h:81/1|Referer=***")),
            ("http://h:81/1", Some("http://h:81/1")),
            ("http://evil/1|Cookie=***", None),
            ("https://h:81/1|Cookie=***", None),
            ("http://h:81/1|Authorization=***", None),
        ] {
            let taken = SourceUrl::list_in_place_of(vec![source(sent)], &before).ok();
            assert_eq!(taken.as_deref().map(|it| it[0].as_str()), kept, "{sent}");
        }
        assert_eq!(source("media/a|Cookie=x").shown(), "media/a|Cookie=x", "the name of a file");
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
            "http://h a/b",
            "http://h/\n",
            "rtmp://h/app|User-Agent=x",
            "subfile,,start,0,end,9,,:/etc/passwd",
            "media/a:b",
            "crypto:http://h/x",
        ] {
            assert!(SourceUrl::new(text).is_err(), "{text}");
        }
    }
}
