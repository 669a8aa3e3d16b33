//! HLS playlists: taken apart, and written anew with addresses of ours.

use std::sync::Arc;

use url::Url;

/// The most bytes of a playlist.
pub const LENGTH: usize = 2 << 20;
/// Of a list that goes on, the last segments are told: ffmpeg begins near its end.
const TOLD: usize = 40;

/// Numbers of segments end here: JavaScript counts no further.
const LAST: u64 = 1 << 53;

/// What a playlist turned out to be.
#[derive(Debug)]
pub enum Playlist {
    /// Variants and renditions: lines, and addresses in them.
    Master(Vec<Line>),
    /// Segments.
    Media(Media),
}

/// A line, or two, of which one part is an address.
#[derive(Debug)]
pub enum Line {
    /// Told as it is.
    Plain(String),
    /// What stands before and after the address of another playlist.
    Around(String, Url, String),
}

/// A list of segments.
#[derive(Debug, Default)]
pub struct Media {
    /// No segment is longer, in seconds.
    pub target: u64,
    /// Nothing will be added.
    pub is_ended: bool,
    pub segments: Vec<Segment>,
    /// Tags of the whole list.
    head: Vec<String>,
}

/// A segment.
#[derive(Debug)]
pub struct Segment {
    pub url: Url,
    /// Its number in the source's count.
    pub number: u64,
    /// Tags of its own.
    tags: Vec<String>,
    key: Option<Arc<Key>>,
    map: Option<Arc<Map>>,
}

/// How segments are encrypted.
#[derive(Debug)]
struct Key {
    /// The tag's attributes but URI and IV.
    attributes: String,
    url: Option<Url>,
    iv: Option<String>,
    is_block: bool,
}

/// What comes before each of the segments.
#[derive(Debug)]
struct Map {
    url: Url,
    /// Further attributes, from a comma on.
    attributes: String,
}

/// What an address is asked for as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    List,
    Segment,
    /// The beginning of fragmented MP4.
    Map,
    Key,
}

impl Playlist {
    /// Reads one that came from that address.
    ///
    /// # Errors
    /// A sentence about what it is instead.
    pub fn read(text: &str, from: &Url) -> Result<Self, String> {
        // ffmpeg ends a line at each of these, so that none may be in one of ours.
        let lines = || text.split(['\n', '\r', '\0']).map(str::trim).filter(|line| !line.is_empty());
        if lines().any(|line| line.starts_with("#EXT-X-STREAM-INF")) {
            return Ok(Self::Master(master(lines(), from)));
        }
        if !lines().any(|line| line.starts_with("#EXT-X-")) {
            return Err("the source is a channel list (M3U), not a stream: import it".into());
        }
        media(lines(), from).map(Self::Media)
    }
}

fn master<'t>(lines: impl Iterator<Item = &'t str>, from: &Url) -> Vec<Line> {
    let mut told = Vec::new();
    let mut variant = None;
    for line in lines {
        if let Some(tag) = line.strip_prefix('#') {
            if tag.starts_with("EXT-X-STREAM-INF") {
                variant = Some(line);
            } else if tag.starts_with("EXT-X-MEDIA:") {
                let is_carried = ["AUDIO", "VIDEO"].iter().any(|kind| attribute(tag, "TYPE") == Some(kind));
                let rest = format!("#EXT-X-MEDIA:{}", without_addresses(tag));
                let uri = attribute(tag, "URI").and_then(|uri| from.join(uri).ok());
                if let Some(url) = uri.filter(|_| is_carried) {
                    told.push(Line::Around(rest + ",URI=\"", url, "\"".into()));
                } else if is_carried && attribute(tag, "URI").is_none() {
                    told.push(Line::Plain(rest));
                }
            } else if !tag.contains("URI=") {
                told.push(Line::Plain(line.to_owned()));
            }
        } else if let (Some(variant), Ok(url)) = (variant.take(), from.join(line)) {
            told.push(Line::Around(format!("{variant}\n"), url, String::new()));
        }
    }
    told
}

fn media<'t>(lines: impl Iterator<Item = &'t str>, from: &Url) -> Result<Media, String> {
    let mut media = Media { target: 10, ..Media::default() };
    let (mut key, mut map): (Option<Arc<Key>>, Option<Arc<Map>>) = (None, None);
    let mut number: u64 = 0;
    let mut tags = Vec::new();
    // Keys that only players with a licence get, and whether the next segment has another one.
    let (mut is_locked, mut has_key) = (false, false);
    for line in lines {
        let Some(tag) = line.strip_prefix('#') else {
            let url = from
                .join(line)
                .map_err(|_| "its playlist names something that is not an address".to_owned())?;
            if is_locked {
                return Err("it is encrypted for licensed players (DRM), which is not supported".into());
            }
            has_key = false;
            let (key, map) = (key.clone(), map.clone());
            media.segments.push(Segment { url, number, tags: std::mem::take(&mut tags), key, map });
            number = number.saturating_add(1);
            continue;
        };
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        match name {
            "EXT-X-TARGETDURATION" => {
                let seconds = value.split('.').next().unwrap_or_default().trim();
                media.target = seconds.parse().unwrap_or(10).clamp(1, 60);
            }
            "EXT-X-MEDIA-SEQUENCE" => number = value.trim().parse().unwrap_or(0).min(LAST),
            "EXT-X-ENDLIST" => media.is_ended = true,
            "EXT-X-KEY" if attribute(tag, "METHOD") == Some("NONE") => (key, is_locked) = (None, false),
            "EXT-X-KEY" if needs_licence(tag) => is_locked = !has_key,
            "EXT-X-KEY" => {
                (is_locked, has_key) = (false, true);
                let url = attribute(tag, "URI").and_then(|uri| from.join(uri).ok());
                let iv = attribute(tag, "IV").map(str::to_owned);
                let iv = iv.filter(|iv| iv.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                let is_block = attribute(tag, "METHOD") == Some("AES-128");
                key = Some(Arc::new(Key { attributes: without_addresses(tag), url, iv, is_block }));
            }
            "EXT-X-MAP" => {
                let url = attribute(tag, "URI").and_then(|uri| from.join(uri).ok());
                let url =
                    url.ok_or_else(|| "its playlist names something that is not an address".to_owned())?;
                let range = attribute(tag, "BYTERANGE");
                let range =
                    range.filter(|range| range.bytes().all(|byte| byte.is_ascii_digit() || byte == b'@'));
                let attributes = range.map(|range| format!(",BYTERANGE=\"{range}\""));
                map = Some(Arc::new(Map { url, attributes: attributes.unwrap_or_default() }));
            }
            "EXTINF" | "EXT-X-BYTERANGE" | "EXT-X-DISCONTINUITY" | "EXT-X-PROGRAM-DATE-TIME" => {
                tags.push(line.to_owned());
            }
            "EXT-X-VERSION" | "EXT-X-PLAYLIST-TYPE" | "EXT-X-INDEPENDENT-SEGMENTS" | "EXT-X-START" => {
                media.head.push(line.to_owned());
            }
            // The rest is for other players.
            _ => {}
        }
    }
    if media.segments.is_empty() {
        return Err("its playlist has no segments".into());
    }
    if !media.is_ended && media.segments.len() > TOLD {
        media.segments.drain(..media.segments.len() - TOLD);
    }
    Ok(media)
}

impl Media {
    /// Writes the list with those addresses and numbers that begin with `first`, a break before the segment
    /// with the number `breaks_at`.
    pub fn write(
        &self,
        from: usize,
        first: u64,
        breaks_at: Option<u64>,
        mut address: impl FnMut(&Url, Kind) -> String,
    ) -> String {
        let mut text = String::from("#EXTM3U\n");
        for line in &self.head {
            text.extend([line, "\n"]);
        }
        text.extend(["#EXT-X-TARGETDURATION:", &self.target.to_string(), "\n"]);
        text.extend(["#EXT-X-MEDIA-SEQUENCE:", &first.to_string(), "\n"]);
        let (mut key, mut map): (Option<String>, Option<&Arc<Map>>) = (None, None);
        for (place, segment) in self.segments.iter().skip(from).enumerate() {
            if breaks_at == Some(first.saturating_add(place as u64)) {
                text += "#EXT-X-DISCONTINUITY\n";
            }
            let told = segment.key.as_ref().map(|key| key.line(segment.number, &mut address));
            if told != key {
                text += told.as_deref().unwrap_or("#EXT-X-KEY:METHOD=NONE\n");
                key = told;
            }
            if let Some(new) = segment.map.as_ref().filter(|new| map.is_none_or(|map| !Arc::ptr_eq(map, new)))
            {
                let url = address(&new.url, Kind::Map);
                text.extend(["#EXT-X-MAP:URI=\"", &url, "\"", &new.attributes, "\n"]);
                map = Some(new);
            }
            for tag in &segment.tags {
                text.extend([tag, "\n"]);
            }
            text += &address(&segment.url, Kind::Segment);
            text.push('\n');
        }
        if self.is_ended {
            text += "#EXT-X-ENDLIST\n";
        }
        text
    }

    /// Whether its segments are fragmented MP4.
    pub fn has_map(&self) -> bool {
        self.segments.iter().any(|segment| segment.map.is_some())
    }
}

impl Key {
    /// The tag for the segment of that number, which is its initialisation vector where none is told: ours counts
    /// differently.
    fn line(&self, number: u64, address: &mut impl FnMut(&Url, Kind) -> String) -> String {
        let mut text = format!("#EXT-X-KEY:{}", self.attributes);
        if let Some(url) = &self.url {
            text.extend([",URI=\"", &address(url, Kind::Key), "\""]);
        }
        match &self.iv {
            Some(iv) => text.extend([",IV=", iv]),
            None if self.is_block => text.extend([",IV=0x", &format!("{number:032x}")]),
            None => {}
        }
        text.push('\n');
        text
    }
}

/// Whether the key of a tag is given to players with a licence only.
fn needs_licence(tag: &str) -> bool {
    let is_plain = attribute(tag, "KEYFORMAT").is_none_or(|format| format == "identity");
    !is_plain || attribute(tag, "METHOD") == Some("SAMPLE-AES-CTR")
}

/// The value of an attribute of a tag, without its quotes.
fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let (_, list) = tag.split_once(':')?;
    pairs(list).into_iter().find(|(other, _)| *other == name).map(|(_, value)| value.trim_matches('"'))
}

/// `NAME=value,NAME="value, quoted"`
fn pairs(list: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = list;
    while let Some((name, after)) = rest.split_once('=') {
        let end = match after.strip_prefix('"') {
            Some(quoted) => quoted.find('"').map_or(after.len(), |at| at + 2),
            None => after.find(',').unwrap_or(after.len()),
        };
        found.push((name.trim_matches([' ', ',']), after[..end].trim()));
        rest = after[end..].trim_start_matches([' ', ',']);
    }
    found
}

/// The attributes of a tag that name nothing else, written so that ffmpeg reads no more out of them: it ends a value
/// at a blank, and knows escapes in quotes.
fn without_addresses(tag: &str) -> String {
    let list = tag.split_once(':').map_or("", |(_, list)| list);
    let is_told = |(name, value): &(&str, &str)| {
        let is_name =
            name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-');
        let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let is_value = match inner {
            Some(inner) => !inner.contains(['"', '\\']),
            None => !value.is_empty() && !value.contains(|c: char| c.is_whitespace() || "\"\\".contains(c)),
        };
        is_name && is_value && !["URI", "IV"].contains(name)
    };
    let told = pairs(list).into_iter().filter(is_told).map(|(name, value)| format!("{name}={value}"));
    told.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fetch::content::{is_playlist, not_a_stream};

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn read(text: &str) -> Playlist {
        Playlist::read(text, &url("http://h/a/list.m3u8?t=1")).unwrap()
    }

    fn written(text: &str, from: usize, first: u64, breaks_at: Option<u64>) -> String {
        let Playlist::Media(media) = read(text) else { panic!("segments") };
        media.write(from, first, breaks_at, |url, kind| format!("<{kind:?} {url}>"))
    }

    #[test]
    fn every_address_of_a_list_becomes_ours() {
        let list = "\
#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:6.0
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES
#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"100@0\"
#EXT-X-KEY:METHOD=AES-128,URI=\"https://k/key?a=1,2\"
#EXTINF:6,one, two
/chunk/7?sid=42
#EXTINF:6
8.ts
#EXT-X-PART:DURATION=1,URI=\"9.1.ts\"
#EXT-X-KEY:METHOD=NONE
#EXT-X-BYTERANGE:10@20
#EXTINF:6
http://o/9.ts
#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"10.1.ts\"
";
        let expected = "\
#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:100
#EXT-X-KEY:METHOD=AES-128,URI=\"<Key https://k/key?a=1,2>\",IV=0x00000000000000000000000000000007
#EXT-X-MAP:URI=\"<Map http://h/a/init.mp4>\",BYTERANGE=\"100@0\"
#EXTINF:6,one, two
<Segment http://h/chunk/7?sid=42>
#EXT-X-DISCONTINUITY
#EXT-X-KEY:METHOD=AES-128,URI=\"<Key https://k/key?a=1,2>\",IV=0x00000000000000000000000000000008
#EXTINF:6
<Segment http://h/a/8.ts>
#EXT-X-KEY:METHOD=NONE
#EXT-X-BYTERANGE:10@20
#EXTINF:6
<Segment http://o/9.ts>
";
        assert_eq!(written(list, 0, 100, Some(101)), expected);
        assert!(written(list, 2, 5, None).contains("SEQUENCE:5\n#EXT-X-MAP"), "what went before is left out");
        let vod = written(
            "#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,IV=0x1,URI=\"k\"\n#EXTINF:1\na\n#EXT-X-ENDLIST",
            0,
            0,
            None,
        );
        assert!(
            vod.contains("METHOD=SAMPLE-AES,URI=\"<Key http://h/a/k>\",IV=0x1\n")
                && vod.ends_with("ENDLIST\n"),
            "{vod}"
        );
    }

    #[test]
    fn a_list_of_variants_keeps_what_can_be_carried() {
        let Playlist::Master(lines) = read(
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x,URI=\",URI=\"a/en.m3u8\",DEFAULT=YES\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"in it\"\n#EXT-X-MEDIA:TYPE=SUBTITLES,URI=\"s.m3u8\"\n\
             #EXT-X-I-FRAME-STREAM-INF:URI=\"i.m3u8\"\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nlow.m3u8\n",
        ) else {
            panic!("variants")
        };
        let told: Vec<String> = lines
            .iter()
            .map(|line| match line {
                Line::Plain(text) => text.clone(),
                Line::Around(before, url, after) => format!("{before}<{url}>{after}"),
            })
            .collect();
        assert_eq!(
            told[1],
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x,URI=\",DEFAULT=YES,URI=\"<http://h/a/a/en.m3u8>\""
        );
        assert_eq!(told[2], "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"in it\"");
        assert_eq!(told[3], "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\n<http://h/a/low.m3u8>");
        assert_eq!(told.len(), 4);
    }

    #[test]
    fn no_address_reaches_ffmpeg_as_it_was_written() {
        for list in [
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:2,\rhttp://evil/\n1.ts",
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:2,\0http://evil/\n1.ts",
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128 URI=\"http://evil/\"\n#EXTINF:2,\n1.ts",
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",URI=\"http://evil/\"\n#EXTINF:2,\n1.ts",
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,IV=\"0 URI=http://evil/\",URI=\"k\"\n#EXTINF:2,\n1.ts",
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,KEYFORMATVERSIONS=\"\\\",URI=\"http://evil/\"\n#EXTINF:2,\n1.ts",
            "#EXTM3U\n#EXT-X-MAP:URI=\"k\",BYTERANGE=\"1 URI=http://evil/\"\n#EXTINF:2,\n1.ts",
        ] {
            let Playlist::Media(media) = read(list) else { panic!("segments") };
            let text = media.write(0, 0, None, |_, _| "ours".to_owned());
            assert!(!text.contains("evil") && !text.contains(['\r', '\0']), "{list:?}: {text}");
        }
        let Playlist::Master(lines) = read(
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n1.m3u8\n\
             #EXT-X-MEDIA:TYPE=AUDIO,NAME=x URI=\"http://evil/\",URI=\"a\"\n#EXT-X-MEDIA:TYPE=AUDIO,DEFAULT=YES URI=\"http://evil/\"",
        ) else {
            panic!("variants")
        };
        for line in lines {
            let (Line::Plain(text) | Line::Around(text, ..)) = line;
            assert!(!text.contains("evil"), "{text}");
        }
    }

    #[test]
    fn a_key_for_players_with_a_licence_is_refused_unless_there_is_another() {
        let plain = "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n";
        let locked = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"com.apple\"\n";
        for (keys, is_read) in [
            (locked.to_owned(), false),
            ([plain, locked].concat(), true),
            ([locked, plain].concat(), true),
            ([plain, "#EXTINF:1\na\n", locked].concat(), false),
            ([locked, "#EXT-X-KEY:METHOD=NONE\n"].concat(), true),
        ] {
            let read = Playlist::read(&format!("#EXTM3U\n{keys}#EXTINF:1\nb\n"), &url("http://h/"));
            assert_eq!(read.is_ok(), is_read, "{keys}");
        }
    }

    #[test]
    fn what_is_no_stream_is_called_by_its_name() {
        for (bytes, word) in [
            ("", "nothing"),
            ("\u{feff}\n<!DOCTYPE html><html>", "HTML"),
            ("<?xml version=\"1.0\"?><MPD>", "DASH"),
            ("{\"error\":1}", "JSON"),
            ("[playlist]\nFile1=x", "list of addresses"),
        ] {
            assert!(not_a_stream(bytes.as_bytes()).unwrap().contains(word), "{bytes}");
        }
        assert_eq!(not_a_stream(b"\x47@\0"), None);
        assert!(is_playlist(b"\xef\xbb\xbf\r\n#EXTM3U8"));
        let error = Playlist::read("#EXTM3U\n#EXTINF:-1,One\nhttp://h/1", &url("http://h/")).unwrap_err();
        assert!(error.contains("import"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_lists_never_panic(text in "(#EXT(-X-KEY|-X-MAP|INF|M3U|-X-MEDIA|-X-MEDIA-SEQUENCE):?|[ -~]|\n|URI=\"){0,40}") {
            if let Ok(Playlist::Media(media)) = Playlist::read(&text, &url("http://h/")) {
                media.write(1, u64::MAX - 1, Some(3), |url, _| url.to_string());
            }
        }
    }
}
