//! Catch-up: what was recorded of streams, and who watches it.

use super::Viewing;
use crate::domain::{
    fields::time::UnixTime,
    viewing::{admission::Recorded, title::Title},
};
use crate::ops::clock;

/// A piece becomes whole so long after its end, in seconds: what is played from a moment ago may yet have to come.
const BEHIND: i64 = 180;

impl Viewing {
    /// What is recorded of the moment that a title asks for.
    pub(super) fn recorded(&self, title: Title) -> Recorded {
        let Title::Archive(stream, window) = title else { return Recorded::Then };
        let milliseconds = |at: UnixTime| at.seconds().unsigned_abs() * 1000;
        let (Some(oldest), Some(newest)) = (self.archive().oldest(stream), self.archive().newest(stream))
        else {
            return Recorded::Nothing;
        };
        let now = clock::now();
        // Someone who goes back by a few seconds asks for what is still being written.
        let is_written = milliseconds(now) < newest + BEHIND.unsigned_abs() * 1000;
        let reaches = if is_written { milliseconds(now) } else { newest };
        let overlaps = milliseconds(window.start) < reaches && oldest < milliseconds(window.last());
        if overlaps && window.start <= now { Recorded::Then } else { Recorded::OtherTimes }
    }
}
