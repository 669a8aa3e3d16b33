//! How one field travels: written by a caller, held as a domain type, shown and stored as a fact.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::Resource;

/// The rule that a value breaks, as the end of a sentence: "1 to 64 characters".
pub type Rule = Cow<'static, str>;

/// A field of a change: what a caller said about it, or did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Given<T> {
    /// Not sent: create takes the default, update leaves it.
    #[default]
    Absent,
    /// Sent empty: both take the default.
    Empty,
    /// Sent with a value.
    Value(T),
}

impl<T> Given<T> {
    /// The value, if one was sent.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Absent | Self::Empty => None,
        }
    }
}

/// What a caller wrote into a field, before it means anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

impl Written {
    pub fn text(&self) -> Result<&str, Rule> {
        match self {
            Self::Text(text) => Ok(text),
            Self::List(_) => Err("one value, not a list".into()),
        }
    }

    /// The texts of a list; a single text counts as a list of one.
    pub fn list(&self) -> &[String] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::List(list) => list,
        }
    }
}

/// A field's value as it is shown, audited and stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// No value: unlimited, none.
    None,
    /// An id, a count, a flag (1 or 0) or unix seconds.
    Number(i64),
    Text(String),
    /// A text that its owner may see but logs and the audit trail may not: a line's password.
    Secret(String),
    /// A text that never leaves the server: a password hash.
    Hidden(String),
    /// A list of texts.
    List(Vec<String>),
    /// A list of URLs that may hold credentials, each whole and as it is shown: audited by scheme and host.
    Urls(Vec<(String, String)>),
    /// A list of texts, each whole and as it is shown: what is secret in it is masked.
    Masked(Vec<(String, String)>),
    /// A list of ids of another resource, in order.
    Ids(Vec<i64>),
}

impl Fact {
    /// Whether it is a list of whatever kind with nothing in it.
    pub fn is_empty_list(&self) -> bool {
        match self {
            Self::List(texts) => texts.is_empty(),
            Self::Urls(texts) | Self::Masked(texts) => texts.is_empty(),
            Self::Ids(ids) => ids.is_empty(),
            _ => false,
        }
    }

    /// The text that a column of texts has stored, if it is one.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// As its owner is shown it: a number as a number, nothing as null, and of what is masked the part that is shown.
impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None | Self::Hidden(_) => to.serialize_unit(),
            Self::Number(number) => to.serialize_i64(*number),
            Self::Text(text) | Self::Secret(text) => to.serialize_str(text),
            Self::List(texts) => to.collect_seq(texts),
            Self::Urls(texts) | Self::Masked(texts) => to.collect_seq(texts.iter().map(|(_, shown)| shown)),
            Self::Ids(ids) => to.collect_seq(ids),
        }
    }
}

/// What a field holds: drives list filters, references and the API description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Number,
    /// 1 or 0.
    Flag,
    Text,
    /// Unix seconds, or none.
    Time,
    /// A list of texts.
    List,
    /// The id of a row of that resource, or none.
    Reference(Resource),
    /// A list of ids of that resource.
    References(Resource),
    /// A text that never leaves the server.
    Hidden,
}

/// A type that can be a field of a record.
pub trait Field: Sized {
    /// What it holds.
    const KIND: Kind;

    /// Reads what a caller wrote (never empty), or names the rule that it breaks.
    fn parse(written: &Written) -> Result<Self, Rule>;

    /// The value as a fact.
    fn fact(&self) -> Fact;

    /// The value back from a stored fact; `None` if the store holds something else.
    fn stored(fact: Fact) -> Option<Self>;

    /// A value that was sent, in place of the one before: what is masked in it stays as it was.
    ///
    /// # Errors
    /// The rule, if nothing was there.
    fn in_place_of(self, _before: Option<&Self>) -> Result<Self, Rule> {
        Ok(self)
    }
}

impl Field for bool {
    const KIND: Kind = Kind::Flag;

    fn parse(written: &Written) -> Result<Self, Rule> {
        match written.text()?.to_ascii_lowercase().as_str() {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err("1 or 0 (or true or false)".into()),
        }
    }

    fn fact(&self) -> Fact {
        Fact::Number(i64::from(*self))
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::Number(0) => Some(false),
            Fact::Number(1) => Some(true),
            _ => None,
        }
    }
}

/// One item of a list field.
pub trait Item: Clone + Eq + std::hash::Hash {
    /// What a list of them holds.
    const KIND: Kind;
    /// The most items that a list may have.
    const MOST: usize;

    /// Reads one item, or names the rule that it breaks.
    fn parse_item(text: &str) -> Result<Self, Rule>;

    /// The list as a fact.
    fn list_fact(items: &[Self]) -> Fact;

    /// The list back from a stored fact.
    fn stored_list(fact: Fact) -> Option<Vec<Self>>;

    /// A list that was sent, in place of the one before, as [`Field::in_place_of`].
    ///
    /// # Errors
    /// The rule, if nothing was there.
    fn list_in_place_of(items: Vec<Self>, _before: &[Self]) -> Result<Vec<Self>, Rule> {
        Ok(items)
    }
}

impl<T: Item> Field for Vec<T> {
    const KIND: Kind = T::KIND;

    fn parse(written: &Written) -> Result<Self, Rule> {
        let texts = written.list();
        if texts.len() > T::MOST {
            return Err(format!("at most {} entries", T::MOST).into());
        }
        let mut items = Vec::with_capacity(texts.len());
        let mut seen = std::collections::HashSet::new();
        for (place, text) in texts.iter().enumerate() {
            let item = T::parse_item(text).map_err(|rule| format!("entry {}: {rule}", place + 1))?;
            if seen.insert(item.clone()) {
                items.push(item);
            }
        }
        Ok(items)
    }

    fn fact(&self) -> Fact {
        T::list_fact(self)
    }

    fn stored(fact: Fact) -> Option<Self> {
        T::stored_list(fact)
    }

    fn in_place_of(self, before: Option<&Self>) -> Result<Self, Rule> {
        T::list_in_place_of(self, before.map_or(&[], Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_reads_what_php_and_json_callers_send() {
        for (text, flag) in [("1", true), ("true", true), ("TRUE", true), ("0", false), ("false", false)] {
            assert_eq!(bool::parse(&Written::Text(text.into())), Ok(flag));
        }
        for text in ["2", "yes", " 1", "01", ""] {
            assert!(bool::parse(&Written::Text(text.into())).is_err(), "{text:?}");
        }
        assert!(bool::parse(&Written::List(vec!["1".into()])).is_err());
    }
}
