//! What is on.

use crate::domain::fields::time::UnixTime;

/// A programme of a channel. Texts are those of the source, bounded and without control characters; those that it does
/// not give are empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programme {
    /// When it begins.
    pub start: UnixTime,
    /// When it is over: always later than its start.
    pub stop: UnixTime,
    pub title: String,
    /// The title of the episode.
    pub subtitle: String,
    /// What it is about.
    pub description: String,
    /// The first category.
    pub category: String,
}

impl Programme {
    /// Whether it is on at that moment: the second of its end is the first of the next one.
    pub fn is_on(&self, now: UnixTime) -> bool {
        self.start <= now && now < self.stop
    }
}
