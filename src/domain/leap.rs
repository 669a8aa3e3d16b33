//! A clock that leaps: what the machine says against the time that is known to have passed.

use super::time::UnixTime;

/// A clock that stands where it cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leap {
    /// So many seconds ahead of the time that is known.
    Ahead(i64),
    /// So many seconds behind it.
    Behind(i64),
}

impl Leap {
    /// A server may have stood still for a day without a question.
    const AHEAD: i64 = 86_400;
    /// Clocks are set back a little, never an hour: summer time is none of theirs.
    const BEHIND: i64 = 3_600;

    /// Whether a clock that says `now` has leapt, when it is known to be at least `known`.
    pub fn between(known: UnixTime, now: UnixTime) -> Option<Self> {
        let ahead = now.seconds() - known.seconds();
        if ahead > Self::AHEAD {
            Some(Self::Ahead(ahead))
        } else if ahead < -Self::BEHIND {
            Some(Self::Behind(-ahead))
        } else {
            None
        }
    }

    /// What is told of it.
    pub fn words(self) -> String {
        let (seconds, where_to) = match self {
            Self::Ahead(seconds) => (seconds, "ahead of"),
            Self::Behind(seconds) => (seconds, "behind"),
        };
        let (hours, days) = (seconds / 3600, seconds / 86_400);
        let long = if days >= 2 { format!("{days} days") } else { format!("{hours} hours") };
        format!("The clock of this machine is {long} {where_to} the time when Linecard last ran")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_standing_still_is_no_leap_and_more_is() {
        let known = UnixTime::clamped(1_800_000_000);
        let at = |seconds: i64| Leap::between(known, UnixTime::clamped(known.seconds() + seconds));
        assert_eq!(at(0), None);
        assert_eq!(at(86_400), None);
        assert_eq!(at(86_401), Some(Leap::Ahead(86_401)));
        assert_eq!(at(-3600), None);
        assert_eq!(at(-3601), Some(Leap::Behind(3601)));
        assert!(at(366 * 86_400).is_some_and(|leap| leap.words().contains("366 days ahead")));
        assert!(at(-7300).is_some_and(|leap| leap.words().contains("2 hours behind")));
    }
}
