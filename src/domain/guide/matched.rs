//! Which channel of the guide belongs to a stream, and who says so.

use crate::domain::{
    fields::text::GuideId,
    ids::{GuideSourceId, StreamId},
};

/// Where the matching of a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The channel is its own: its programmes are shown.
    Matched,
    /// The channel might be: a person is asked.
    Suggested,
    /// None is known, or it has none.
    None,
}

impl State {
    /// Every one, with its name in the database and in calls.
    pub const ALL: [(&'static str, Self); 3] =
        [("matched", Self::Matched), ("suggested", Self::Suggested), ("none", Self::None)];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, state)| *state)
    }
}

/// What is known of a stream's channel in the guide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub stream: StreamId,
    /// The channel: the id of a source, and its own in there.
    pub channel: Option<(GuideSourceId, GuideId)>,
    /// Where it stands.
    pub state: State,
    /// How sure it is: 0 to 100.
    pub score: i64,
    /// Whether a person chose it; else a rule did.
    pub by_person: bool,
}
