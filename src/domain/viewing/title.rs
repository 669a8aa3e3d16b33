//! What can be watched.

use crate::domain::{ids::StreamId, viewing::window::Window};

/// One thing that is watched. A new kind is a variant here; `docs/how-to.md` says which places the compiler names and which
/// it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Title {
    /// A stream, as it runs.
    Live(StreamId),
    /// What was recorded of a stream: catch-up.
    Archive(StreamId, Window),
}

/// The kinds of what can be watched, as lists and logs name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TitleKind {
    /// A stream, as it runs.
    Live,
    /// What was recorded of a stream.
    Archive,
}

impl TitleKind {
    /// The word for it in answers and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Archive => "archive",
        }
    }
}

impl Title {
    /// The stream that it is or was.
    pub fn stream(self) -> StreamId {
        match self {
            Self::Live(stream) | Self::Archive(stream, _) => stream,
        }
    }

    pub fn kind(self) -> TitleKind {
        match self {
            Self::Live(_) => TitleKind::Live,
            Self::Archive(..) => TitleKind::Archive,
        }
    }

    /// Whether it takes the place of another one on the same device: who seeks in an archive asks for another part of it.
    pub fn replaces(self, other: Self) -> bool {
        match (self, other) {
            (Self::Archive(stream, window), Self::Archive(of, before)) => stream == of && window != before,
            (Self::Live(_), _) | (_, Self::Live(_)) => false,
        }
    }
}
