//! Certificates of HTTPS: what one says of itself, and what people are told of it.

use crate::domain::fields::time::UnixTime;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// So many seconds before its end somebody has to look after it.
const SOON: i64 = 7 * DAY;

/// What a certificate says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The names and addresses that it is for.
    pub names: Vec<String>,
    /// Who has signed it.
    pub issuer: String,
    /// Its first moment.
    pub begins: UnixTime,
    /// Its last one.
    pub ends: UnixTime,
}

impl Certificate {
    /// Whether it is over, not valid yet, or over within a week.
    pub fn needs_somebody(&self, now: UnixTime) -> bool {
        self.begins > now || self.ends.seconds() - now.seconds() < SOON
    }

    /// How long it lasts: `ends in 41 days`.
    pub fn words(&self, now: UnixTime) -> String {
        let left = self.ends.seconds() - now.seconds();
        if self.begins > now {
            return format!("is not valid before {}", self.begins);
        }
        match left {
            ..0 => format!("ended {} ago", long(-left)),
            0..HOUR => "ends within the hour".to_owned(),
            _ => format!("ends in {}", long(left)),
        }
    }

    /// The names, as many as are read at a glance.
    pub fn shown_names(&self) -> String {
        const SHOWN: usize = 4;
        match self.names.len() {
            0 => "no name".to_owned(),
            all if all > SHOWN => format!("{} and {} more", self.names[..SHOWN].join(", "), all - SHOWN),
            _ => self.names.join(", "),
        }
    }
}

/// Whole days, below two days whole hours.
fn long(seconds: i64) -> String {
    let (days, hours) = (seconds / DAY, seconds / HOUR);
    match (days, hours) {
        (2.., _) => format!("{days} days"),
        (_, 1) => "1 hour".to_owned(),
        (_, 0) => "less than an hour".to_owned(),
        _ => format!("{hours} hours"),
    }
}

/// A certificate of this server, and how it is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where it comes from: the file that it is in.
    pub from: String,
    /// What is shown to callers; none before there was one that could be.
    pub served: Option<Certificate>,
    /// What is wrong and what to do about it, as a sentence.
    pub problem: Option<String>,
}

impl Standing {
    /// Whether somebody has to do something.
    pub fn needs_somebody(&self, now: UnixTime) -> bool {
        self.problem.is_some() || self.served.as_ref().is_none_or(|served| served.needs_somebody(now))
    }

    /// How it is doing: how long what is served lasts, or that nothing is.
    pub fn words(&self, now: UnixTime) -> String {
        self.served.as_ref().map_or_else(|| "there is none".to_owned(), |served| served.words(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_it_lasts_is_told_in_days_and_at_last_in_hours() {
        let now = UnixTime::clamped(1_796_000_000);
        let at = |seconds: i64| UnixTime::clamped(now.seconds() + seconds);
        let lasting = |left: i64| Certificate {
            names: vec!["tv.example".into()],
            issuer: "A".into(),
            begins: at(-90 * DAY),
            ends: at(left),
        };
        for (left, words, needs) in [
            (41 * DAY + 5, "ends in 41 days", false),
            (7 * DAY, "ends in 7 days", false),
            (7 * DAY - 1, "ends in 6 days", true),
            (2 * DAY - 1, "ends in 47 hours", true),
            (HOUR, "ends in 1 hour", true),
            (60, "ends within the hour", true),
            (-60, "ended less than an hour ago", true),
            (-3 * DAY, "ended 3 days ago", true),
        ] {
            let certificate = lasting(left);
            assert_eq!((certificate.words(now).as_str(), certificate.needs_somebody(now)), (words, needs));
        }
        let early = Certificate { begins: at(60), ..lasting(DAY * 90) };
        assert!(early.needs_somebody(now) && early.words(now).starts_with("is not valid before 20"));
    }

    #[test]
    fn without_a_certificate_or_with_a_problem_somebody_is_needed() {
        let now = UnixTime::clamped(1_796_000_000);
        let none = Standing { from: "a.pem".into(), served: None, problem: None };
        assert!(none.needs_somebody(now));
        assert_eq!(none.words(now), "there is none");
    }
}
