//! The one place that reads the wall clock.

use crate::domain::fields::time::UnixTime;

#[allow(clippy::disallowed_methods, reason = "everything else gets the time from here")]
pub fn now() -> UnixTime {
    UnixTime::clamped(jiff::Timestamp::now().as_second())
}

/// The time now, in unix milliseconds; 0 before 1970.
#[allow(clippy::disallowed_methods, reason = "everything else gets the time from here")]
pub fn milliseconds() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0)
}
