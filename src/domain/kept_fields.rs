//! The fields of a change as they were given, kept to be read again: by a batch that goes on after a restart.

use serde_json::{Map, Value};

use super::{Given, Kind, Result, Written, record::Source};

/// Fields by name; empty ones are null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptFields(Map<String, Value>);

impl KeptFields {
    /// Whether something was given for that field.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Puts a text for a field, whatever was given for it.
    pub fn put(&mut self, name: &str, text: &str) {
        self.0.insert(name.to_owned(), text.into());
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Back from JSON.
    pub fn of_json(json: &Value) -> Self {
        Self(json.as_object().cloned().unwrap_or_default())
    }
}

impl Source for KeptFields {
    fn given(&mut self, name: &'static str, _kind: Kind) -> Result<Given<Written>> {
        Ok(match self.0.get(name) {
            None => Given::Absent,
            Some(Value::String(text)) => Given::Value(Written::Text(text.clone())),
            Some(Value::Array(texts)) => {
                let texts = texts.iter().filter_map(Value::as_str).map(str::to_owned);
                Given::Value(Written::List(texts.collect()))
            }
            Some(_) => Given::Empty,
        })
    }
}

/// Keeps what is read from another source.
pub struct Keeping<'s> {
    source: &'s mut dyn Source,
    /// What was read so far.
    pub kept: KeptFields,
}

impl<'s> Keeping<'s> {
    /// Nothing read yet.
    pub fn of(source: &'s mut dyn Source) -> Self {
        Self { source, kept: KeptFields::default() }
    }
}

impl Source for Keeping<'_> {
    fn given(&mut self, name: &'static str, kind: Kind) -> Result<Given<Written>> {
        let given = self.source.given(name, kind)?;
        let value = match &given {
            Given::Absent => return Ok(given),
            Given::Empty => Value::Null,
            Given::Value(Written::Text(text)) => text.as_str().into(),
            Given::Value(Written::List(texts)) => texts.clone().into(),
        };
        self.kept.0.insert(name.to_owned(), value);
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Change, subscribers::line::LineChange};

    #[test]
    fn what_was_read_is_read_again() {
        let sent =
            serde_json::json!({ "notes": "x", "expire_date": null, "bouquets": ["1", "2"], "disabled": "1" });
        let mut source = KeptFields::of_json(&sent);
        let mut keeping = Keeping::of(&mut source);
        let change = LineChange::read(&mut keeping).unwrap();
        let mut kept = KeptFields::of_json(&keeping.kept.to_json());
        assert_eq!(LineChange::read(&mut kept).unwrap(), change);
        assert!(kept.has("notes") && change.subscription.expire_date == Given::Empty);
    }
}
