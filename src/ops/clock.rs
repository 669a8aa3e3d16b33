//! The one place that reads the wall clock.

use crate::domain::fields::time::UnixTime;

/// The time now.
#[allow(clippy::disallowed_methods, reason = "everything else gets the time from here")]
pub fn now() -> UnixTime {
    UnixTime::clamped(jiff::Timestamp::now().as_second())
}
