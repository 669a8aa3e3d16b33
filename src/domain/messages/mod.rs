//! What people are told of events: in which words, by which way, when, and how often it is tried.

pub mod quiet;
pub mod smtp;
pub mod target;
pub mod template;
pub mod words;

use crate::domain::fields::time::UnixTime;

/// How a message reaches whoever it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// By e-mail.
    Email,
    /// By a call of a message target.
    Http,
    /// On the screen of a MAG's box.
    Box,
}

impl Way {
    /// Its name in the database and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Http => "http",
            Self::Box => "box",
        }
    }
}

/// The states of messages.
pub const STATES: [&str; 4] = ["waiting", "sent", "failed", "dropped"];

/// An alert of something that may recover by itself waits for this many seconds: it is told only if it stays so.
pub const SETTLES: i64 = 30;
/// This many seconds are between two e-mails with alerts to one address: what happens meanwhile comes in one.
pub const MAIL_PAUSE: i64 = 300;
/// This many seconds are between two calls of one target: what happens meanwhile comes in one.
pub const CALL_PAUSE: i64 = 3;
/// This many messages at most are sent as one; it says how many more there are.
pub const TOGETHER: usize = 20;
/// This many days messages that are over are kept.
pub const KEPT_DAYS: i64 = 31;

/// Seconds between attempts: a day in all.
const PAUSES: [i64; 9] = [60, 300, 900, 3_600, 7_200, 14_400, 18_000, 21_600, 21_600];

/// This many seconds after that many attempts the next one comes; none after the last.
pub fn pause(attempts: i64) -> Option<i64> {
    PAUSES.get(usize::try_from(attempts.max(1) - 1).ok()?).copied()
}

/// The types of which whoever runs the panel is told by e-mail.
pub const ALERTS: [&str; 8] = [
    "stream.down",
    "stream.up",
    "server.offline",
    "server.online",
    "disk.low",
    "disk.ok",
    "backup.failed",
    "reseller.credits_low",
];

/// The type of which the person is told by e-mail whom it is about.
pub const NEW_ADDRESS: &str = "administrator.signed_in_from_new_address";

/// The types of which whoever has the line or MAG is reminded.
pub const REMINDERS: [&str; 4] = ["line.expiring", "line.expired", "mag.expiring", "mag.expired"];

/// The deletions after which nobody is told any more of a failure of what is gone.
pub const DELETIONS: [&str; 2] = ["stream.deleted", "server.deleted"];

/// A failure and what takes it back, if a type is one of two such.
pub fn pair(kind: &str) -> Option<(&'static str, &'static str)> {
    let pairs = [("stream.down", "stream.up"), ("server.offline", "server.online"), ("disk.low", "disk.ok")];
    pairs.into_iter().find(|(failure, recovery)| [*failure, *recovery].contains(&kind))
}

/// Whether it may recover within moments.
pub fn settles(kind: &str) -> bool {
    matches!(kind, "stream.down" | "server.offline")
}

/// Whether it is one of [`ALERTS`].
pub fn is_alert(kind: &str) -> bool {
    ALERTS.contains(&kind)
}

/// Whether it is one of [`REMINDERS`].
pub fn is_reminder(kind: &str) -> bool {
    REMINDERS.contains(&kind)
}

/// Why a reminder is no longer true of a line or MAG that ends then, and is not to be reminded if it is switched off.
pub fn is_outdated(
    kind: &str,
    told_end: UnixTime,
    end: Option<UnixTime>,
    is_off: bool,
    now: UnixTime,
) -> Option<&'static str> {
    if end != Some(told_end) {
        return Some("It ends at another time by now.");
    }
    if is_off {
        return Some("It is disabled or banned, or its reminders are off.");
    }
    let is_over = told_end <= now;
    (is_over == kind.ends_with(".expiring")).then_some(if is_over {
        "It has ended meanwhile."
    } else {
        "It has not ended."
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_last_about_a_day_and_end() {
        let all: i64 = (1..=9).filter_map(pause).sum();
        assert!((80_000..100_000).contains(&all), "{all}");
        assert_eq!((pause(0), pause(1), pause(10)), (Some(60), Some(60), None));
    }

    #[test]
    fn a_reminder_is_true_of_the_end_that_it_tells_of_alone() {
        let at = UnixTime::clamped;
        let why = |kind, end, off, now| is_outdated(kind, at(1_000), end, off, at(now));
        assert_eq!(why("line.expiring", Some(at(1_000)), false, 900), None);
        assert_eq!(why("mag.expired", Some(at(1_000)), false, 1_000), None);
        for (kind, end, off, now) in [
            ("line.expiring", Some(at(2_000)), false, 900),
            ("line.expiring", None, false, 900),
            ("line.expiring", Some(at(1_000)), true, 900),
            ("line.expiring", Some(at(1_000)), false, 1_000),
            ("line.expired", Some(at(1_000)), false, 999),
            ("line.expired", Some(at(2_000)), false, 1_500),
        ] {
            assert!(why(kind, end, off, now).is_some(), "{kind} {end:?} {off} {now}");
        }
    }
}
