//! One call of the Server API, let in: who asks for what with which fields.

use indexmap::IndexMap;
use sha2::{Digest, Sha256};

use crate::{
    domain::{
        Change, Error, Field, Given, JsonObject, Resource, Result, Written,
        fields::time::UnixTime,
        people::{actor::Actor, rights::Access},
        record,
    },
    ops::{Act, Action, Once, Ops},
    wire::{fields::Fields, form::Node},
};

/// A call whose address and key have been found right: no handler runs without one.
pub struct Call {
    /// The use cases.
    pub ops: Ops,
    /// Who calls.
    pub actor: Actor,
    /// What is called.
    pub action: Action,
    /// The fields beside `data`.
    pub params: Fields,
    /// The fields of `data`.
    pub data: Fields,
    /// What tells a repeat, if the caller sent an `Idempotency-Key`.
    pub once: Option<Once>,
    /// Only what would happen is asked: `dry_run=1`.
    pub dry_run: bool,
    /// Members of the answer that are made anew by this call, beside those of any: a dry run has none of them.
    pub made: Vec<&'static str>,
    /// The `updated_at` that the row to be changed must have, if the caller said.
    seen: Option<UnixTime>,
}

impl Call {
    /// Takes the decoded body apart.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `data` that is no set of fields, a wrong `dry_run` or a wrong `Idempotency-Key`.
    pub fn new(
        ops: Ops,
        actor: Actor,
        action: Action,
        access: Access,
        mut fields: IndexMap<String, Node>,
        once: Option<&[u8]>,
    ) -> Result<Self> {
        let dry_run = access == Access::Write && take_dry_run(&mut fields)?;
        let once = once.map(|key| once_key(key, action, &fields)).transpose()?;
        let data = fields.shift_remove("data").map_or_else(|| Some(IndexMap::new()), Node::into_fields);
        let data = data.ok_or(Error::invalid("data", DATA))?;
        Ok(Self {
            ops,
            actor,
            action,
            params: Fields::new(fields),
            data: Fields::new(data),
            once,
            dry_run,
            made: Vec::new(),
            seen: None,
        })
    }

    /// The change that `data` describes; every field must have been taken before or be a column.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::UnknownField`].
    pub fn change<C: Change>(&mut self) -> Result<C> {
        let change = C::read(&mut self.data)?;
        self.finish()?;
        Ok(change)
    }

    /// For fields that are no columns: they may stand in `data` or beside it.
    pub fn join_places(&mut self) {
        let data = std::mem::take(&mut self.data);
        self.params.join(data);
    }

    /// Takes what binds the call to its row, and refuses fields that nobody has taken.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::UnknownField`].
    pub fn finish(&mut self) -> Result<()> {
        const NONE: &str = "This call takes no fields";
        if is_of_one_row(self.action.resource, self.action.name) {
            self.take_seen()?;
        }
        let (in_data, beside) = (self.data.are_taken(), self.params.are_taken());
        self.data.finish(if beside { "There are none here in data: send them beside it" } else { NONE })?;
        self.params.finish(if in_data {
            "There are none here beside data: send columns as data[NAME]"
        } else {
            NONE
        })
    }

    /// Beside `data`; where there is one, also in it.
    fn take_seen(&mut self) -> Result<()> {
        let mut given = vec![record::parse::<UnixTime>(&mut self.params, SEEN)?];
        if self.action.name == "update" {
            given.push(record::parse::<UnixTime>(&mut self.data, SEEN)?);
        }
        for given in given {
            match given {
                Given::Absent => {}
                Given::Empty => return Err(Error::invalid(SEEN, "the updated_at of the row as you read it")),
                Given::Value(at) => self.seen = Some(at),
            }
        }
        Ok(())
    }

    /// Does something, exactly once if the caller asked for that; a dry run undoes it.
    ///
    /// # Errors
    /// As [`Ops::write_once`].
    pub fn write<A, F>(self, job: F) -> impl Future<Output = Result<JsonObject>> + use<A, F>
    where
        A: Into<JsonObject>,
        F: Fn(&Act<'_>) -> Result<A> + Send + 'static,
    {
        let Self { seen, dry_run, made, .. } = self;
        // As text already where it is made: the next thread has no tree to take apart.
        let job = move |act: &Act<'_>| {
            let answer = job(&act.seeing(seen))?.into();
            Ok(if dry_run { without(&answer, NEW.iter().chain(&made)) } else { answer })
        };
        let answered = self.ops.write_once(self.actor, self.action, self.once, dry_run, job);
        async move {
            let answer = answered.await?;
            Ok(if dry_run { marked_dry(&answer) } else { answer })
        }
    }
}

/// The answer with null for what the call itself would make.
fn without<'n>(answer: &JsonObject, made: impl Iterator<Item = &'n &'static str>) -> JsonObject {
    let mut members = answer.members();
    for name in made {
        if let Some(value) = members.get_mut(*name) {
            value.take();
        }
    }
    members.into()
}

fn marked_dry(answer: &JsonObject) -> JsonObject {
    let mut members = answer.members();
    members.insert(DRY_RUN.into(), true.into());
    members.into()
}

/// The field that asks what a call would do, beside `data`.
pub const DRY_RUN: &str = "dry_run";

/// What is new in the answer of any call that makes something.
const NEW: [&str; 4] = ["created_id", "event_id", "api_key", "secret"];

/// No part of the call itself: one that is asked and then made is the same call to an `Idempotency-Key`.
fn take_dry_run(fields: &mut IndexMap<String, Node>) -> Result<bool> {
    let text = match fields.shift_remove(DRY_RUN) {
        None => return Ok(false),
        Some(Node::Flag(flag)) => return Ok(flag),
        Some(Node::Text(text)) if text.is_empty() => return Ok(false),
        Some(Node::Text(text)) => Written::Text(text),
        Some(Node::Map(_)) => Written::List(Vec::new()),
    };
    bool::parse(&text).map_err(|rule| Error::invalid(DRY_RUN, rule))
}

/// The field by which a caller changes a row only as he saw it.
const SEEN: &str = "if_updated_at";

/// Whether calls of that name change or remove one row that has an `updated_at`: they can be bound to it. Recordings have none.
pub fn is_of_one_row(resource: Resource, action: &str) -> bool {
    const CALLS: [&str; 6] =
        ["update", "delete", "add_credits", "convert_to_mag", "convert_to_line", "api_key_revoke"];
    resource != Resource::Archive && CALLS.contains(&action)
}

const DATA: &str = "fields such as data[username], or a JSON object";

/// The fingerprint is of the decoded fields in the order of their names, so that a repeat with another multipart boundary or
/// another place for the API key is still the same call.
fn once_key(key: &[u8], action: Action, fields: &IndexMap<String, Node>) -> Result<Once> {
    let visible = (1..=255).contains(&key.len()) && key.iter().all(u8::is_ascii_graphic);
    let text = String::from_utf8(key.to_vec()).ok().filter(|_| visible);
    let key = text.ok_or(Error::invalid("Idempotency-Key", "1 to 255 visible ASCII characters"))?;
    // Somebody may use a secret as the key: only its hash is kept.
    let key = Sha256::digest(key).into();
    let mut hash = Sha256::new();
    digest(&mut hash, &Node::Text(format!("{}/{}", action.resource, action.name)));
    digest(&mut hash, &Node::Map(fields.clone()));
    Ok(Once { key, fingerprint: hash.finalize().into() })
}

/// Lengths go in before contents: no two trees digest to the same bytes.
fn digest(hash: &mut Sha256, node: &Node) {
    match node {
        Node::Text(text) => {
            hash.update(format!("t{}:", text.len()));
            hash.update(text);
        }
        Node::Flag(flag) => hash.update([b'b', u8::from(*flag)]),
        Node::Map(map) => {
            hash.update(format!("m{}:", map.len()));
            let mut fields: Vec<_> = map.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, node) in fields {
                digest(hash, &Node::Text(name.clone()));
                digest(hash, node);
            }
        }
    }
}
