//! HLS playlists: what they are made of, and how they are written anew with addresses of ours.

mod reading;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use url::Url;

/// The most bytes of a playlist.
pub const LENGTH: usize = 2 << 20;

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
