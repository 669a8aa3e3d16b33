//! Webhooks: addresses that are told of events, by Standard Webhooks 1.0.0, and when a delivery that failed is tried again.

use super::kinds::Pattern;
use crate::domain::{
    Fact, Field, Kind, Resource, Rule, Written,
    fields::{
        text::{HttpUrl, ShortText},
        time::UnixTime,
    },
    ids::WebhookId,
};

record! {
    /// An address that is told of events.
    pub struct Webhook / WebhookChange, WebhookId, Resource::Webhooks;
    /// What it is for.
    description: ShortText,
    /// The URL that is called (http or https).
    url: HookUrl,
    /// The types of events that it is told, as line.created, or line.* for all of lines; empty is all.
    types: Vec<Pattern>,
    /// Whether it is called.
    enabled: bool,
    /// Whether it is told the passwords of lines and MAGs.
    with_passwords: bool,
}

impl Webhook {
    /// Whether it wants that type; what it is sent as a test it always wants.
    pub fn wants(&self, kind: &str, own_test: bool) -> bool {
        if kind == TEST {
            return own_test;
        }
        self.types.is_empty() || self.types.iter().any(|pattern| pattern.matches(kind))
    }
}

/// The type of the event of a test.
pub const TEST: &str = "webhook.test";

/// The address of a webhook. It may hold a password, so logs and the audit trail do not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct HookUrl(String);

impl HookUrl {
    /// The whole address, with what is secret in it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// As lists show it: scheme and host.
    pub fn shown(&self) -> String {
        let host = |url: url::Url| Some(format!("{}://{}", url.scheme(), url.host_str()?));
        url::Url::parse(&self.0).ok().and_then(host).unwrap_or_default()
    }
}

impl std::fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Field for HookUrl {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        let text = written.text()?;
        HttpUrl::new(text).map_err(|_| "a URL that begins with http:// or https://")?;
        Ok(Self(text.to_owned()))
    }

    fn fact(&self) -> Fact {
        Fact::Secret(self.0.clone())
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::Text(text) => Some(Self(text)),
            _ => None,
        }
    }
}

/// How a webhook fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookHealth {
    /// The event up to which it was told, or is being told again.
    pub told_to: i64,
    /// Attempts that failed, one after the other.
    pub failures: i64,
    /// Since when nothing succeeds.
    pub failing_since: Option<UnixTime>,
    /// Nothing is sent before: the receiver asked for it.
    pub resume_at: Option<UnixTime>,
    /// When something was last sent.
    pub last_try_at: Option<UnixTime>,
    /// When the receiver last took something.
    pub last_success_at: Option<UnixTime>,
    /// What went wrong last; empty once something is taken again.
    pub last_error: String,
}

/// This many failures in a row mean that the receiver is down: then one delivery at a time is tried.
pub const DOWN: i64 = 3;
/// After this many seconds without a success it is switched off: three days.
pub const GIVEN_UP: i64 = 3 * 86_400;
/// A receiver may ask for a pause of at most this many seconds.
pub const LONGEST_PAUSE: i64 = 86_400;

/// Seconds between attempts: from the first failure on.
const PAUSES: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// This many seconds after that many attempts the next one comes, a fifth more or less by `luck` (0 to 1,000); none after the last.
pub fn pause(attempts: i64, luck: i64) -> Option<i64> {
    let pause = PAUSES.get(usize::try_from(attempts.max(1) - 1).ok()?)?;
    Some((pause * (800 + luck.clamp(0, 1_000) * 400 / 1_000) / 1_000).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_spread_over_three_days_and_more_and_end() {
        assert_eq!((pause(1, 0), pause(1, 500), pause(1, 1_000)), (Some(4), Some(5), Some(6)));
        let all: i64 = (1..=9).filter_map(|attempts| pause(attempts, 500)).sum();
        assert!(all > GIVEN_UP, "{all}");
        assert_eq!(pause(10, 500), None);
    }
}
