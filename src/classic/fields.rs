//! The columns of the classic API, and what becomes of each here (docs/classic-api.md has the same table).

use indexmap::IndexMap;

use crate::{
    domain::{Error, Field, Given, Kind, Result, Written, fields::container::Container, record::Source},
    wire::{
        fields::Fields,
        form::{self, Node},
    },
};

/// What becomes of a column.
#[derive(Clone, Copy)]
enum Becomes {
    /// The same under that name.
    Column(&'static str),
    /// The opposite under that name: a switch that is on there is off here.
    Opposite(&'static str),
    /// A line of the notes.
    Notes,
    /// Formats by their numbers there.
    Outputs,
    /// Nothing: the old panel kept it for itself.
    Nothing,
    /// Nothing here, and so nothing but those values is taken.
    NothingBut(&'static [&'static str]),
}
use Becomes::{Column, Notes, Nothing, NothingBut, Opposite, Outputs};

/// The columns of one kind of rows.
pub struct Dialect(&'static [(&'static str, Becomes)]);

/// Of `user`.
pub const USER: Dialect =
    Dialect(&[("username", Column("username")), ("is_restreamer", Column("restreamer"))]);
/// Of `stb`.
pub const STB: Dialect = Dialect(&[
    ("mac", Column("mac_address")),
    ("username", Column("login")),
    ("is_restreamer", NothingBut(&["0"])),
    ("lock_device", Column("lock_device")),
]);

/// Of both.
const SHARED: [(&str, Becomes); 29] = [
    ("password", Column("password")),
    ("exp_date", Column("expire_date")),
    ("max_connections", Column("max_allowed_connections")),
    ("bouquet", Column("bouquets")),
    ("member_id", Column("reseller_id")),
    ("is_trial", Column("is_trial")),
    ("enabled", Opposite("disabled")),
    ("admin_enabled", Opposite("banned")),
    ("admin_notes", Notes),
    ("reseller_notes", Notes),
    ("contact", Notes),
    ("allowed_ips", Column("allowed_ips")),
    ("allowed_ua", Column("allowed_user_agents")),
    ("allowed_outputs", Outputs),
    ("force_server_id", Column("server_id")),
    ("is_isplock", Column("isp_lock")),
    ("forced_country", NothingBut(&["ALL"])),
    ("bypass_ua", NothingBut(&["0"])),
    ("isp_desc", Nothing),
    ("as_number", Nothing),
    ("created_by", Nothing),
    ("created_at", Nothing),
    ("pair_id", Nothing),
    ("is_mag", Nothing),
    ("is_e2", Nothing),
    ("is_stalker", Nothing),
    ("play_token", Nothing),
    ("last_ip", Nothing),
    ("last_activity", Nothing),
];

/// The name by which callers know one of our fields.
pub fn theirs(field: &'static str) -> &'static str {
    let named =
        |(_, becomes): &&(_, Becomes)| matches!(becomes, Column(ours) | Opposite(ours) if *ours == field);
    let all = SHARED.iter().chain(USER.0).chain(STB.0);
    match field {
        "notes" => "admin_notes",
        "credits" => "amount",
        field => all.into_iter().find(named).map_or(field, |(theirs, _)| theirs),
    }
}

/// `user_data` in our names.
///
/// # Errors
/// [`Error::UnknownField`] for a column that there never was, [`Error::Invalid`].
pub fn ours(dialect: &Dialect, data: IndexMap<String, Node>) -> Result<Fields> {
    let mut found = IndexMap::new();
    let mut notes: Option<Vec<String>> = None;
    for (name, node) in data {
        let all = dialect.0.iter().chain(&SHARED);
        let Some((name, becomes)) = all.into_iter().find(|(theirs, _)| *theirs == name) else {
            return Err(unknown(dialect, &name));
        };
        match becomes {
            Column(ours) => {
                found.insert((*ours).to_owned(), node);
            }
            Opposite(ours) => {
                found.insert((*ours).to_owned(), opposite(name, node)?);
            }
            Notes => notes.get_or_insert_default().extend(text(name, node)?),
            Outputs => {
                found.insert("allowed_outputs".to_owned(), outputs(node)?);
            }
            NothingBut(values) => {
                if text(name, node)?.is_some_and(|text| !values.contains(&text.as_str())) {
                    return Err(Error::invalid(name, "there is no such thing here: leave it out"));
                }
            }
            Nothing => {}
        }
    }
    if let Some(notes) = notes {
        found.insert("notes".to_owned(), Node::Text(notes.join("\n")));
    }
    Ok(Fields::new(found))
}

fn unknown(dialect: &Dialect, name: &str) -> Error {
    let names: Vec<&str> = dialect.0.iter().chain(&SHARED).map(|(name, _)| *name).collect();
    Error::UnknownField {
        field: form::shown(name),
        here: format!("The fields here are: {}", names.join(", ")),
    }
}

/// A text that is not empty.
fn text(name: &'static str, node: Node) -> Result<Option<String>> {
    match node {
        Node::Text(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Node::Flag(_) | Node::Map(_) => Err(Error::invalid(name, "one text")),
    }
}

fn opposite(name: &'static str, node: Node) -> Result<Node> {
    Ok(match node {
        Node::Flag(on) => Node::Flag(!on),
        Node::Text(text) if text.is_empty() => Node::Text(text),
        Node::Text(text) => {
            let on = bool::parse(&Written::Text(text)).map_err(|rule| Error::invalid(name, rule))?;
            Node::Flag(!on)
        }
        Node::Map(_) => return Err(Error::invalid(name, "1 or 0")),
    })
}

/// 1 is HLS, 2 a transport stream. 3 is RTMP, which is not served here, and stands beside others only.
fn outputs(node: Node) -> Result<Node> {
    const NAME: &str = "allowed_outputs";
    let mut field = Fields::new([(NAME.to_owned(), node)].into());
    let Given::Value(written) = field.given(NAME, Kind::List)? else { return Ok(Node::Text(String::new())) };
    let mut found = Vec::new();
    for text in written.list() {
        let number = NUMBERS.iter().find(|(number, _)| number == text).map(|(_, container)| *container);
        match number.or_else(|| Container::named(text)) {
            Some(container) => found.push(container.name().to_owned()),
            None if text == "3" || text == "rtmp" => {}
            None => return Err(Error::invalid(NAME, "a list of 1 (HLS) and 2 (transport stream)")),
        }
    }
    if found.is_empty() {
        return Err(Error::invalid(
            NAME,
            "3 (RTMP) is not served here: send 1 (HLS) or 2 (transport stream)",
        ));
    }
    let places = found.into_iter().enumerate();
    Ok(Node::Map(places.map(|(place, name)| (place.to_string(), Node::Text(name))).collect()))
}

/// The numbers of formats.
pub const NUMBERS: [(&str, Container); 2] = [("1", Container::Hls), ("2", Container::Ts)];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Change, subscribers::line::LineChange};

    fn change(form: &str) -> Result<LineChange> {
        let data = form::parse_form(form.as_bytes()).unwrap_or_else(|e| panic!("{}", e.0));
        let mut fields = ours(&USER, data)?;
        let change = LineChange::read(&mut fields)?;
        fields.finish("None").map(|()| change)
    }

    #[test]
    fn a_switch_that_is_on_there_is_off_here() {
        let subscription = change("enabled=1&admin_enabled=0").unwrap().subscription;
        assert_eq!((subscription.disabled, subscription.banned), (Given::Value(false), Given::Value(true)));
        assert_eq!(change("enabled=").unwrap().subscription.disabled, Given::Empty);
        assert!(change("enabled=2").is_err() && change("enabled[]=1").is_err());
    }

    #[test]
    fn notes_of_both_stand_below_each_other_and_empty_ones_empty_them() {
        let notes = |form| change(form).unwrap().subscription.notes;
        let notes_of = |form| notes(form).value().map(|notes| notes.as_str().to_owned());
        assert_eq!(notes_of("admin_notes=a&reseller_notes=&contact=c").as_deref(), Some("a\nc"));
        assert_eq!(notes("admin_notes=&reseller_notes="), Given::Empty);
        assert_eq!(notes("exp_date=1"), Given::Absent);
    }

    #[test]
    fn formats_come_by_their_numbers() {
        let outputs = |form| change(form).map(|change| change.subscription.allowed_outputs);
        assert_eq!(outputs("allowed_outputs=[1,2,3]"), Ok(Given::Value(vec![Container::Hls, Container::Ts])));
        assert_eq!(outputs("allowed_outputs[]=2"), Ok(Given::Value(vec![Container::Ts])));
        assert_eq!(outputs("allowed_outputs=[]"), Ok(Given::Empty));
        assert!(outputs("allowed_outputs=[3]").is_err() && outputs("allowed_outputs=[9]").is_err());
    }

    #[test]
    fn what_there_is_not_here_is_refused_where_it_would_matter() {
        assert!(change("forced_country=&bypass_ua=0&created_by=1&play_token=x").is_ok());
        assert!(change("forced_country=GR").is_err() && change("bypass_ua=1").is_err());
        assert!(matches!(change("colour=red"), Err(Error::UnknownField { .. })));
    }

    #[test]
    fn errors_name_the_fields_as_they_were_sent() {
        let pairs = [
            ("expire_date", "exp_date"),
            ("reseller_id", "member_id"),
            ("mac_address", "mac"),
            ("username", "username"),
        ];
        assert!(pairs.iter().all(|(ours, there)| theirs(ours) == *there));
    }
}
