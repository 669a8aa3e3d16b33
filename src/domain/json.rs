//! Objects written as JSON text, member by member: no tree is made of what is only sent.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Fact;

/// An object; its members stand in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonObject(
    /// The text without the brace at its end.
    Vec<u8>,
);

impl Default for JsonObject {
    fn default() -> Self {
        Self(b"{".into())
    }
}

impl JsonObject {
    /// One without members yet, with room for a text of this many bytes.
    pub fn of_about(bytes: usize) -> Self {
        let mut text = Vec::with_capacity(bytes);
        text.push(b'{');
        Self(text)
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        self.name(name);
        self.value(value);
        self
    }

    /// With one more member that is an object.
    #[must_use]
    pub fn with_object(self, name: &str, object: &Self) -> Self {
        self.with_text(name, &[&object.0, b"}"])
    }

    /// With one more member that is JSON text already.
    #[must_use]
    pub fn with_json(self, name: &str, json: &str) -> Self {
        self.with_text(name, &[json.as_bytes()])
    }

    /// With one more member for each column that is shown.
    #[must_use]
    pub fn with_facts(mut self, facts: &[(&'static str, Fact)]) -> Self {
        for (name, fact) in facts.iter().filter(|(_, fact)| !matches!(fact, Fact::Hidden(_))) {
            self.name(name);
            self.value(fact);
        }
        self
    }

    /// The members as a tree, to be changed.
    pub fn members(&self) -> Map<String, Value> {
        serde_json::from_str(&self.text()).unwrap_or_default()
    }

    /// The object of that text; none if it is no object.
    pub fn read(text: &str) -> Option<Self> {
        let members: Map<String, Value> = serde_json::from_str(text).ok()?;
        Some(match text.strip_suffix('}').filter(|open| open.starts_with('{') && !members.is_empty()) {
            Some(as_it_stands) => Self(as_it_stands.into()),
            None => members.into(),
        })
    }

    /// The whole text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned() + "}"
    }

    /// The members as they stand between the braces.
    pub fn inner(&self) -> &[u8] {
        self.0.get(1..).unwrap_or_default()
    }

    fn with_text(mut self, name: &str, text: &[&[u8]]) -> Self {
        self.name(name);
        for part in text {
            self.0.extend_from_slice(part);
        }
        self
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        self.value(name);
        self.0.push(b':');
    }

    fn value(&mut self, value: impl Serialize) {
        let before = self.0.len();
        // Nothing that is shown is of a kind that JSON does not have.
        if serde_json::to_writer(&mut self.0, &value).is_err() {
            self.0.truncate(before);
            self.0.extend_from_slice(b"null");
        }
    }
}

impl From<Map<String, Value>> for JsonObject {
    fn from(members: Map<String, Value>) -> Self {
        members.into_iter().fold(Self::default(), |object, (name, value)| object.with(&name, value))
    }
}

/// Anything but an object becomes one without members.
impl From<Value> for JsonObject {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(members) => members.into(),
            _ => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_written_as_a_tree_would_be() {
        let inner = JsonObject::default().with("a", 1);
        let object = JsonObject::of_about(100)
            .with("n", -7_i64)
            .with("t", "q\"\\\u{1}\n/ä<")
            .with("none", None::<i64>)
            .with_object("o", &inner)
            .with_object("e", &JsonObject::default())
            .with_json("l", "[1,2]");
        let tree =
            json!({ "n": -7, "t": "q\"\\\u{1}\n/ä<", "none": null, "o": { "a": 1 }, "e": {}, "l": [1, 2] });
        assert_eq!(object.text(), tree.to_string());
        assert_eq!(JsonObject::from(tree.clone()), object);
        assert_eq!(Value::Object(object.members()), tree);
        assert_eq!(JsonObject::default().text(), "{}");
        assert_eq!(JsonObject::from(Value::Null), JsonObject::default());
    }

    #[test]
    fn columns_are_shown_as_they_may_be() {
        let pair = || vec![("s3cret".to_owned(), "shown".to_owned())];
        let facts = [
            ("none", Fact::None),
            ("number", Fact::Number(1)),
            ("text", Fact::Text("t".into())),
            ("secret", Fact::Secret("s".into())),
            ("hidden", Fact::Hidden("s3cret".into())),
            ("list", Fact::List(vec!["a".into(), "b".into()])),
            ("urls", Fact::Urls(pair())),
            ("masked", Fact::Masked(pair())),
            ("ids", Fact::Ids(vec![3, 1])),
        ];
        let text = JsonObject::default().with_facts(&facts).text();
        let tree = json!({
            "none": null, "number": 1, "text": "t", "secret": "s", "list": ["a", "b"], "urls": ["shown"],
            "masked": ["shown"], "ids": [3, 1],
        });
        assert_eq!(text, tree.to_string());
    }

    #[test]
    fn a_text_is_kept_byte_for_byte_and_what_is_none_is_refused() {
        for text in [r#"{"a":1}"#, r#"{"a": 1,"b":"x" }"#] {
            assert_eq!(JsonObject::read(text).map(|object| object.text()).as_deref(), Some(text));
        }
        assert_eq!(JsonObject::read(" {} ").map(|object| object.text()).as_deref(), Some("{}"));
        for text in ["", "[]", "1", r#"{"a":1"#, r#"{"a":1}}"#] {
            assert_eq!(JsonObject::read(text), None, "{text}");
        }
    }
}
