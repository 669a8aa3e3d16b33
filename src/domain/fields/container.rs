//! How live bytes are wrapped for a viewer.

use crate::domain::{Fact, Kind, Rule, field::Item};

/// The two forms in which a stream is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Container {
    /// One endless MPEG transport stream.
    Ts,
    /// A playlist of segments (RFC 8216).
    Hls,
}

impl Container {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Ts, Self::Hls];

    /// The name in columns, answers and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ts => "ts",
            Self::Hls => "hls",
        }
    }

    /// Reads a name as panels and playlists write it: `ts` and `mpegts`, `hls` and `m3u8`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "ts" | "mpegts" => Some(Self::Ts),
            "hls" | "m3u8" => Some(Self::Hls),
            _ => None,
        }
    }
}

impl Item for Container {
    const KIND: Kind = Kind::List;
    const MOST: usize = 8;

    fn parse_item(text: &str) -> Result<Self, Rule> {
        Self::named(text).ok_or_else(|| "ts or hls".into())
    }

    fn list_fact(items: &[Self]) -> Fact {
        Fact::List(items.iter().map(|item| item.name().to_owned()).collect())
    }

    fn stored_list(fact: Fact) -> Option<Vec<Self>> {
        match fact {
            Fact::List(texts) => texts.iter().map(|text| Self::named(text)).collect(),
            _ => None,
        }
    }
}
