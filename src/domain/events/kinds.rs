//! The types of events by their names, and patterns that choose among them.

use crate::domain::{Fact, Field, Kind, Rule, Written, field::Item, fields::number::whole};

/// What is created, updated and deleted, as types of events begin.
pub const OBJECTS: [&str; 14] = [
    "line",
    "mag",
    "administrator",
    "reseller",
    "subscription_plan",
    "bouquet",
    "category",
    "stream",
    "group",
    "server",
    "guide_source",
    "webhook",
    "message_target",
    "api_key",
];

/// What becomes of each of them.
pub const CHANGES: [&str; 3] = ["created", "updated", "deleted"];

/// Every other type.
pub const OTHERS: [&str; 30] = [
    "line.extended",
    "line.expiring",
    "line.expired",
    "line.disabled",
    "line.enabled",
    "line.banned",
    "line.unbanned",
    "mag.extended",
    "mag.expiring",
    "mag.expired",
    "mag.disabled",
    "mag.enabled",
    "mag.banned",
    "mag.unbanned",
    "reseller.credits",
    "reseller.credits_low",
    "stream.up",
    "stream.down",
    "stream.source_changed",
    "server.online",
    "server.offline",
    "settings.updated",
    "security.blocked",
    "security.unblocked",
    "administrator.signed_in_from_new_address",
    "backup.done",
    "backup.failed",
    "disk.low",
    "disk.ok",
    "webhook.test",
];

/// Every type that there is.
pub fn all() -> impl Iterator<Item = String> {
    let changes = OBJECTS.iter().flat_map(|of| CHANGES.iter().map(move |what| format!("{of}.{what}")));
    changes.chain(OTHERS.map(str::to_owned))
}

/// One type, or all that begin alike: `line.created`, `line.*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// Reads a pattern; one that no type matches is a slip of the pen.
    ///
    /// # Errors
    /// The rule.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let pattern = Self(text.trim_ascii().to_owned());
        if all().any(|kind| pattern.matches(&kind)) {
            return Ok(pattern);
        }
        Err("a type of events such as line.created, or line.* for all of lines".into())
    }

    /// Whether it chooses that type.
    pub fn matches(&self, kind: &str) -> bool {
        match self.beginning() {
            Some(beginning) => kind.starts_with(beginning),
            None => kind == self.0,
        }
    }

    /// What the types that it chooses begin with, if it chooses several; with the point.
    pub fn beginning(&self) -> Option<&str> {
        self.0.strip_suffix('*').filter(|beginning| beginning.ends_with('.'))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Item for Pattern {
    const KIND: Kind = Kind::List;
    const MOST: usize = 64;

    fn parse_item(text: &str) -> Result<Self, Rule> {
        Self::new(text)
    }

    fn list_fact(items: &[Self]) -> Fact {
        Fact::List(items.iter().map(|pattern| pattern.0.clone()).collect())
    }

    fn stored_list(fact: Fact) -> Option<Vec<Self>> {
        match fact {
            Fact::List(texts) => Some(texts.into_iter().map(Self).collect()),
            _ => None,
        }
    }
}

/// This many days before the end of a line or MAG events tell of it, as `7,1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaysBefore(Vec<i64>);

impl DaysBefore {
    const MOST: usize = 8;

    /// The numbers, the highest first; none if nobody is to be told.
    pub fn get(&self) -> &[i64] {
        &self.0
    }

    fn read(text: &str) -> Option<Self> {
        if text.trim_ascii() == "0" {
            return Some(Self(Vec::new()));
        }
        let day = |part: &str| whole(part.trim_ascii()).filter(|days| (1..=365).contains(days));
        let mut days = text.split(',').map(day).collect::<Option<Vec<_>>>()?;
        days.sort_unstable_by(|a, b| b.cmp(a));
        days.dedup();
        (days.len() <= Self::MOST).then_some(Self(days))
    }
}

impl Field for DaysBefore {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        Self::read(written.text()?)
            .ok_or_else(|| "up to 8 whole numbers from 1 to 365, such as 7,1; or 0 for none".into())
    }

    fn fact(&self) -> Fact {
        let days: Vec<String> = self.0.iter().map(i64::to_string).collect();
        Fact::Text(if days.is_empty() { "0".into() } else { days.join(",") })
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::Text(text) => Self::read(&text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_type_or_its_beginning() {
        let line = Pattern::new("line.*").unwrap();
        assert!(line.matches("line.created") && line.matches("line.expired"));
        assert!(!line.matches("lines.created") && !line.matches("mag.created"));
        let one = Pattern::new(" reseller.credits ").unwrap();
        assert!(one.matches("reseller.credits") && !one.matches("reseller.credits_low"));
        for bad in ["", "*", "line", "line.", "lin*", "line.gone", "created", "line.*.*"] {
            assert!(Pattern::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_type_stands_once() {
        let mut types: Vec<String> = all().collect();
        let count = types.len();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), count);
        assert!(types.iter().all(|kind| kind.bytes().all(|b| b.is_ascii_lowercase() || b"._".contains(&b))));
    }

    #[test]
    fn days_before_an_end_are_numbers_with_commas() {
        let read = |text: &str| DaysBefore::read(text).map(|days| days.0);
        assert_eq!(read("1, 7,7"), Some(vec![7, 1]));
        assert_eq!(read("0"), Some(vec![]));
        for bad in ["", "7,", "7;1", "-1", "0,1", "366", "1,2,3,4,5,6,7,8,9"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(DaysBefore::read("1,7").unwrap().fact(), Fact::Text("7,1".into()));
    }
}
