//! HLS playlists, taken apart: of what providers write, only what is understood goes on to ffmpeg.

use std::sync::Arc;

use url::Url;

use super::{Key, Line, Map, Media, Playlist, Segment};

/// Of a list that goes on, the last segments are told: ffmpeg begins near its end.
const TOLD: usize = 40;

/// Numbers of segments end here: JavaScript counts no further.
const LAST: u64 = 1 << 53;

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
