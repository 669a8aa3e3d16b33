//! Why somebody may not watch: the code that is compared and stored, and the words for the log.

use std::time::Duration;

use crate::domain::{
    Error, Resource,
    viewing::{admission::Rule, not_running::NotRunning},
};

/// Why somebody may not watch.
#[derive(Clone, Debug, PartialEq, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Refusal {
    /// Nobody has these credentials.
    #[strum(serialize = "wrong_credentials")]
    Credentials,
    /// There is no MAG of this MAC.
    #[strum(serialize = "no_mag_of_mac")]
    NoSuchMac,
    /// The MAG is bound to another device.
    OtherDevice,
    /// The box of the MAG sent the wrong login or password.
    #[strum(serialize = "wrong_sign_in")]
    SignIn,
    /// The link to the stream is over, or somebody else's.
    #[strum(serialize = "link_over")]
    Link,
    /// The address has guessed too often, or the name was guessed at; how long to wait.
    Blocked(Duration),
    /// A rule of the subscription.
    Rule(Rule),
    /// There is no such stream.
    NoSuchStream,
    /// The stream does not run, and why.
    NotRunning(NotRunning),
    /// Every connection is taken.
    Full,
    /// The session was ended by somebody moments ago.
    #[strum(serialize = "session_ended")]
    Ended,
    /// Something failed.
    Failed(Error),
}

impl Refusal {
    /// The code of it, stored in the refusal log. What "Why can't this subscriber watch?" asks as a rule has that rule's name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherDevice => Rule::Device.name(),
            Self::Blocked(_) => Rule::Blocked.name(),
            Self::Full => Rule::Limit.name(),
            Self::Rule(rule) => rule.name(),
            Self::NoSuchStream => Resource::Streams.no_such(),
            Self::NotRunning(why) => why.code(),
            Self::Failed(error) => error.code(),
            own => own.into(),
        }
    }

    /// The reason in the refusal log.
    pub fn words(&self) -> String {
        match self {
            Self::Credentials => "wrong username or password".into(),
            Self::NoSuchMac => "no MAG has this MAC".into(),
            Self::OtherDevice => {
                "the MAG is bound to another device: mag/reset_device lets this one in".into()
            }
            Self::SignIn => "wrong login or password of the MAG".into(),
            Self::Link => "the link to the stream has expired".into(),
            Self::Blocked(_) => "blocked after too many failures".into(),
            Self::Rule(rule) => rule.name().into(),
            Self::NoSuchStream => "no such stream".into(),
            Self::NotRunning(why) => format!("the stream is not running: {why}"),
            Self::Full => "all connections are in use".into(),
            Self::Ended => "the session was ended moments ago".into(),
            Self::Failed(error) => error.to_string(),
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<NotRunning> for Refusal {
    fn from(why: NotRunning) -> Self {
        Self::NotRunning(why)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::VariantNames;

    use super::*;
    use crate::domain::{Denied, Failure, Refused};

    /// Variants that stand for codes of others.
    const OTHERS: [&str; 11] = [
        "other_device",
        "blocked",
        "full",
        "rule",
        "no_such_stream",
        "not_running",
        "failed",
        "no_such",
        "refused",
        "denied",
        "database",
    ];

    /// Every code, each once.
    fn codes() -> Vec<&'static str> {
        let named = [
            Refusal::VARIANTS,
            NotRunning::VARIANTS,
            Error::VARIANTS,
            Refused::VARIANTS,
            Denied::VARIANTS,
            Failure::VARIANTS,
        ];
        let mut codes: Vec<_> = named.concat().into_iter().filter(|code| !OTHERS.contains(code)).collect();
        codes.extend(Rule::ALL.map(Rule::name));
        codes.extend(Resource::ALL.map(Resource::no_such));
        codes
    }

    #[test]
    fn every_code_is_unique_in_snake_case_and_in_the_table_of_the_docs() {
        let codes = codes();
        let unique: BTreeSet<&str> = codes.iter().copied().collect();
        let twice: Vec<_> =
            unique.iter().filter(|code| codes.iter().filter(|other| other == code).count() > 1).collect();
        assert!(twice.is_empty(), "codes with two meanings: {twice:?}");
        for code in &unique {
            let is_snake = code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assert!(is_snake && code.starts_with(char::is_alphabetic) && !code.contains("__"), "{code}");
        }
        let table = include_str!("../../../docs/codes.md");
        let rows: Vec<&str> =
            table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let listed: BTreeSet<&str> = rows.iter().copied().collect();
        assert_eq!(rows.len(), listed.len(), "docs/codes.md lists a code twice");
        let missing: Vec<_> = unique.difference(&listed).collect();
        let stray: Vec<_> = listed.difference(&unique).collect();
        assert!(
            missing.is_empty() && stray.is_empty(),
            "docs/codes.md: not there {missing:?}; no code {stray:?}"
        );
    }

    #[test]
    fn a_refusal_has_the_code_of_what_is_behind_it() {
        for (refusal, code) in [
            (Refusal::OtherDevice, "device"),
            (Refusal::Blocked(Duration::ZERO), "shut_out"),
            (Refusal::Full, "connections"),
            (Refusal::Rule(Rule::Expired), "expired"),
            (Refusal::NoSuchStream, "no_such_stream"),
            (NotRunning::Source("no answer".into()).into(), "source_failed"),
            (Error::no_such(Resource::Line).into(), "no_such_line"),
            (Error::from(Denied::KeyRevoked).into(), "key_revoked"),
            (Error::Busy.into(), "busy"),
        ] {
            assert_eq!(refusal.code(), code);
            assert!(codes().contains(&code), "{code}");
        }
    }
}
