//! Channels as players list them.

use super::{
    ids::{CategoryId, StreamId},
    time::UnixTime,
};

/// A channel that a subscriber may watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The stream.
    pub id: StreamId,
    /// What it is called.
    pub name: String,
    /// The URL of its picture; may be empty.
    pub logo: String,
    /// Its id in the programme guide; may be empty.
    pub guide_id: String,
    /// Its channel number; 0 is none.
    pub number: i64,
    /// When it was made.
    pub added: UnixTime,
    /// The heading under which it stands.
    pub heading: Option<Heading>,
}

/// A heading of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// The category.
    pub id: CategoryId,
    /// What it is called.
    pub name: String,
    /// Shown behind a parental PIN only.
    pub censored: bool,
}

/// What channels without a category stand under: players want one for each.
pub const NO_HEADING: &str = "Uncategorised";

impl Channel {
    /// The number of its category on the wire; 0 if it has none.
    pub fn category(&self) -> i64 {
        self.heading.as_ref().map_or(0, |heading| heading.id.0)
    }

    /// Whether it is to be shown behind a parental PIN only.
    pub fn is_censored(&self) -> bool {
        self.heading.as_ref().is_some_and(|heading| heading.censored)
    }

    /// The name of its category.
    pub fn category_name(&self) -> &str {
        self.heading.as_ref().map_or(NO_HEADING, |heading| &heading.name)
    }
}
