//! What can be watched.

use crate::domain::ids::StreamId;

/// One thing that is watched. Wherever it matters which kind it is, `let Title::Live(..) = title` or a `match` without
/// `_` takes it apart: a new kind is a variant here, and the compiler names every place that has to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Title {
    /// A stream, as it runs.
    Live(StreamId),
}
