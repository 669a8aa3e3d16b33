//! The fields of a call, taken one by one by their names; what nobody takes is unknown.

use indexmap::IndexMap;

use super::form::{self, MAX_VALUES, Node};
use crate::domain::{
    Error, Field, Given, Kind, Result, Written,
    record::{self, Source},
};

/// The fields that a caller sent in one place: at the top of the body, or in `data`.
#[derive(Debug, Default)]
pub struct Fields {
    left: IndexMap<String, Node>,
    known: Vec<&'static str>,
}

impl Fields {
    /// Fields from a decoded map.
    pub fn new(map: IndexMap<String, Node>) -> Self {
        Self { left: map, known: Vec::new() }
    }

    /// One field as a domain type; `None` if absent or empty.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the field's rule.
    pub fn take<T: Field>(&mut self, name: &'static str) -> Result<Option<T>> {
        Ok(match record::parse(self, name)? {
            Given::Value(value) => Some(value),
            Given::Absent | Given::Empty => None,
        })
    }

    /// One field that must be there.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Invalid`].
    pub fn require<T: Field>(&mut self, name: &'static str) -> Result<T> {
        self.take(name)?.ok_or(Error::Missing(name))
    }

    /// One field as it was written, whatever it is; `None` if absent.
    pub fn raw(&mut self, name: &'static str) -> Option<Node> {
        self.known.push(name);
        self.left.shift_remove(name)
    }

    /// Adds a field that came in another place, unless it is here.
    pub fn or_else(&mut self, name: &str, text: &str) {
        self.left.entry(name.to_owned()).or_insert_with(|| Node::Text(text.to_owned()));
    }

    /// Takes in the fields of another place.
    pub fn join(&mut self, other: Self) {
        self.left.extend(other.left);
    }

    /// Whether nothing is left to be taken.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// Whether any field can be sent in this place.
    pub fn are_taken(&self) -> bool {
        !self.known.is_empty()
    }

    /// Refuses what nobody has taken; `none` is said where nothing can be sent in this place.
    ///
    /// # Errors
    /// [`Error::UnknownField`], with the fields there are.
    pub fn finish(&self, none: &str) -> Result<()> {
        let Some(field) = self.left.keys().next() else { return Ok(()) };
        let here = if self.are_taken() {
            format!("The fields here are: {}", self.known.join(", "))
        } else {
            none.to_owned()
        };
        Err(Error::UnknownField { field: form::shown(field), here })
    }
}

impl Source for Fields {
    fn given(&mut self, name: &'static str, kind: Kind) -> Result<Given<Written>> {
        // What never leaves the server cannot be sent to it either: the field does not exist.
        if kind == Kind::Hidden {
            return Ok(Given::Absent);
        }
        let is_list = matches!(kind, Kind::List | Kind::References(_));
        let written = match self.raw(name) {
            None => return Ok(Given::Absent),
            Some(Node::Text(text)) if is_list && text.trim_ascii_start().starts_with('[') => {
                Written::List(json_list(&text).map_err(|rule| Error::invalid(name, rule))?)
            }
            Some(Node::Text(text)) => Written::Text(text),
            Some(Node::Flag(flag)) if kind == Kind::Flag => Written::Text(u8::from(flag).to_string()),
            Some(Node::Flag(_)) => return Err(Error::invalid(name, NO_FLAG)),
            Some(Node::Map(map)) => Written::List(flat(map).map_err(|rule| Error::invalid(name, rule))?),
        };
        Ok(match written {
            Written::Text(text) if text.is_empty() => Given::Empty,
            Written::List(list) if list.is_empty() => Given::Empty,
            written => Given::Value(written),
        })
    }
}

/// PHP's `strtotime` and `array_search` answer `false` where they fail: it must not become a value.
const NO_FLAG: &str = "a text or a number, not true or false";

/// The texts of a list; `name[]=` is PHP's only way to send an empty one, so empty texts are left out.
fn flat(map: IndexMap<String, Node>) -> Result<Vec<String>, &'static str> {
    let texts = map.into_values().map(|node| match node {
        Node::Text(text) => Ok(text),
        Node::Flag(_) => Err(NO_FLAG),
        Node::Map(_) => Err("a list of single values, not of lists"),
    });
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

/// A list that was sent as JSON inside a form field.
fn json_list(text: &str) -> Result<Vec<String>, &'static str> {
    let rule = "a list, or a JSON array of texts and numbers";
    let items: Vec<serde_json::Value> = serde_json::from_str(text).map_err(|_| rule)?;
    if items.len() > MAX_VALUES {
        return Err("at most 10000 entries");
    }
    let texts = items.into_iter().map(|item| match item {
        serde_json::Value::String(text) => Ok(text),
        serde_json::Value::Number(number) => Ok(number.to_string()),
        _ => Err(rule),
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fields::net::Network;

    fn fields(body: &str) -> Fields {
        Fields::new(super::super::form::parse_form(body.as_bytes()).unwrap_or_else(|e| panic!("{}", e.0)))
    }

    #[test]
    fn a_list_comes_as_brackets_as_json_or_as_one_value() {
        let networks: Vec<Network> =
            ["192.0.2.1", "192.0.2.2"].map(|text| Network::new(text).unwrap()).to_vec();
        for body in [
            "ips%5B0%5D=192.0.2.1&ips%5B1%5D=192.0.2.2",
            "ips[]=192.0.2.1&ips[]=192.0.2.2",
            "ips[7]=192.0.2.1&ips[3]=192.0.2.2",
            "ips=[\"192.0.2.1\",\"192.0.2.2\"]",
        ] {
            assert_eq!(fields(body).take::<Vec<Network>>("ips"), Ok(Some(networks.clone())), "{body}");
        }
        assert_eq!(fields("ips=192.0.2.1").take::<Vec<Network>>("ips"), Ok(Some(networks[..1].to_vec())));
    }

    #[test]
    fn true_and_false_of_json_are_flags_and_nothing_else() {
        let json = |body: &str| {
            Fields::new(super::super::form::parse_json(body.as_bytes()).unwrap_or_else(|e| panic!("{}", e.0)))
        };
        assert_eq!(json(r#"{"on":false}"#).take::<bool>("on"), Ok(Some(false)));
        assert!(json(r#"{"end":false}"#).take::<crate::domain::fields::time::Expiry>("end").is_err());
        assert!(json(r#"{"ips":true}"#).take::<Vec<Network>>("ips").is_err());
        assert!(json(r#"{"ips":["192.0.2.1",true]}"#).take::<Vec<Network>>("ips").is_err());
    }

    #[test]
    fn empty_is_not_absent() {
        for body in ["ips=", "ips[]=", "ips=[]"] {
            assert_eq!(fields(body).given("ips", Kind::List), Ok(Given::Empty), "{body}");
        }
        assert_eq!(fields("x=1").given("ips", Kind::List), Ok(Given::Absent));
    }

    #[test]
    fn what_nobody_takes_is_named_with_what_there_is() {
        let mut fields = fields("id=1&colour=red");
        assert_eq!(fields.take::<bool>("id"), Ok(Some(true)));
        let here = "The fields here are: id".into();
        assert_eq!(fields.finish("None"), Err(Error::UnknownField { field: "colour".into(), here }));
    }

    #[test]
    fn a_list_within_a_list_is_refused() {
        assert!(fields("ips[0][0]=192.0.2.1").take::<Vec<Network>>("ips").is_err());
        assert!(fields("ips=[[\"192.0.2.1\"]]").take::<Vec<Network>>("ips").is_err());
        assert!(fields("ips=[1,").take::<Vec<Network>>("ips").is_err());
    }
}
