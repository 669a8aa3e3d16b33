//! Templates of HTTP calls: placeholders in braces, written as the place that they stand in needs it.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What a template is filled with.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// What tells the message from others, the same at every attempt.
    pub id: &'a str,
    /// The type of the event.
    pub kind: &'a str,
    /// What it is about.
    pub name: &'a str,
    /// The caller's own number of that; empty for none.
    pub reference: &'a str,
    /// What happened, in words.
    pub text: &'a str,
    /// When, as ISO 8601.
    pub at: &'a str,
}

/// The placeholders, each with its braces.
pub const PLACEHOLDERS: [&str; 6] = ["{id}", "{type}", "{name}", "{reference}", "{text}", "{at}"];

impl Values<'_> {
    /// With which a template is tried when somebody saves it.
    pub const SAMPLE: Self =
        Values { id: "1", kind: "stream.down", name: "\"News\"", reference: "", text: "a\nb", at: "2026" };

    fn of(&self, place: usize) -> &str {
        [self.id, self.kind, self.name, self.reference, self.text, self.at].get(place).copied().unwrap_or("")
    }
}

/// How a value is written where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// Within a JSON text.
    Json,
    /// Within a URL or a form.
    Percent,
    /// As it is.
    None,
}

/// A template with its placeholders filled in; what is filled in is not looked through again.
pub fn filled(template: &str, values: &Values<'_>, escape: Escape) -> String {
    let mut text = String::with_capacity(template.len() + 256);
    let mut rest = template;
    while let Some(begin) = rest.find('{') {
        let (before, after) = rest.split_at(begin);
        text.push_str(before);
        let found = PLACEHOLDERS.iter().position(|known| after.starts_with(known));
        let Some(place) = found else {
            text.push('{');
            rest = &after[1..];
            continue;
        };
        match escape {
            Escape::Json => {
                let quoted = serde_json::Value::from(values.of(place)).to_string();
                text.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
            }
            Escape::Percent => {
                let _ = write!(text, "{}", utf8_percent_encode(values.of(place), NON_ALPHANUMERIC));
            }
            Escape::None => text.push_str(values.of(place)),
        }
        rest = &after[PLACEHOLDERS[place].len()..];
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_their_place_needs_it_and_never_read_again() {
        let values = Values { name: "a\"{text}", text: "x & y\n", ..Values::SAMPLE };
        let of = |template, escape| filled(template, &values, escape);
        assert_eq!(
            of(r#"{"n": "{name}", "t": "{text}", "k": {}}"#, Escape::Json),
            r#"{"n": "a\"{text}", "t": "x & y\n", "k": {}}"#
        );
        assert_eq!(of("text={text}&n={name}", Escape::Percent), "text=x%20%26%20y%0A&n=a%22%7Btext%7D");
        assert_eq!(of("{type}: {text}{nothing}{", Escape::None), "stream.down: x & y\n{nothing}{");
    }
}
