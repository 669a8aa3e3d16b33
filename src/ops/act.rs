//! One audited act inside a write transaction: nothing is written past the audit trail.

use serde_json::Value;

use super::{
    clock,
    effect::{Effect, Effects},
    origin,
};
use crate::{
    domain::{
        Denied, Error, Fact, Resource, Result, Stored,
        fields::time::UnixTime,
        ids::Id,
        machine::settings::Settings,
        people::{
            actor::{Actor, Who},
            audit::{MASK, Shown, difference},
        },
    },
    store::{Answer, Store, Table, Write, machine::logs::AuditRow},
};

/// What is being done, in the words of the Server API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// To which resource.
    pub resource: Resource,
    /// Which action.
    pub name: &'static str,
}

/// Who does what when, in which transaction.
pub struct Act<'a> {
    pub(super) tx: &'a Write<'a>,
    /// Who.
    pub actor: &'a Actor,
    /// What.
    pub action: Action,
    /// When.
    pub now: UnixTime,
    /// General Settings as last committed.
    pub settings: &'a Settings,
    /// What is to happen after the commit.
    pub(super) effects: &'a Effects,
    /// The `updated_at` of the row that is changed, as the caller has seen it, if he said.
    pub(super) seen: Option<UnixTime>,
}

/// Hands a job to the writer as one audited act: its answer, and the effects that are to happen once it is there.
pub(super) fn submit<T, F>(store: &Store, actor: Actor, action: Action, job: F) -> Answer<(T, Vec<Effect>)>
where
    T: Send + 'static,
    F: Fn(&Act<'_>) -> Result<T> + Send + 'static,
{
    let now = clock::now();
    store.write(origin(&actor, action), move |tx| {
        let snapshot = tx.snapshot();
        // It may have been revoked while the call waited for its turn.
        if let Who::ApiKey { id, .. } = &actor.who
            && !snapshot.keys.iter().any(|key| key.id == *id)
        {
            return Err(Denied::KeyRevoked.into());
        }
        let effects = Effects::default();
        let settings = &snapshot.settings;
        let act = Act { tx, actor: &actor, action, now, settings, effects: &effects, seen: None };
        Ok((job(&act)?, effects.into_inner()))
    })
}

impl Act<'_> {
    /// The same act on another resource: its rows stand under that in the audit trail.
    pub(super) fn about(&self, resource: Resource) -> Act<'_> {
        Act { action: Action { resource, ..self.action }, ..*self }
    }

    /// The same act for a caller who changes a row only as he has seen it: with that `updated_at`.
    #[must_use]
    pub fn seeing(&self, updated_at: Option<UnixTime>) -> Self {
        Self { seen: updated_at, ..*self }
    }

    /// Refuses a row that is no longer the one that the caller has seen.
    ///
    /// # Errors
    /// [`Error::Changed`].
    pub(super) fn check_seen<R: Table>(&self, row: &Stored<R>) -> Result<()> {
        if self.seen.is_none_or(|seen| seen == row.updated_at) { Ok(()) } else { Err(Error::Changed) }
    }

    /// Inserts a record made from a change.
    pub(super) fn create<R: Table>(&self, change: R::Change) -> Result<(R::Id, R)> {
        let defaults = self.tx.defaults::<R>()?;
        let record = R::create(change, defaults)?;
        let facts = record.facts();
        self.tx.require_references::<R>(&facts)?;
        let id = self.tx.insert::<R>(&facts, self.now)?;
        let set =
            facts.iter().filter(|(name, fact)| !fact.is_empty_list() && defaults.get(name) != Some(fact));
        let after = object(set.map(|(name, fact)| (*name, fact.into())));
        self.trail(Some(id.number()), label(&facts), EMPTY, &after)?;
        Ok((id, record))
    }

    /// A row's record with a change applied, not yet written.
    ///
    /// # Errors
    /// [`Error::Changed`], and those of the change.
    pub(super) fn updated<R: Table>(&self, before: &Stored<R>, change: R::Change) -> Result<R> {
        self.check_seen(before)?;
        before.record.updated(change, self.tx.defaults::<R>()?)
    }

    /// Writes a record over a row.
    pub(super) fn replace<R: Table>(&self, before: &Stored<R>, after: &R) -> Result<()> {
        let facts = after.facts();
        self.tx.require_references::<R>(&facts)?;
        self.tx.update::<R>(before.id, &before.record.facts(), &facts, self.now)?;
        let changed = difference(&before.record.facts(), &facts);
        let old = object(changed.iter().map(|(name, old, _)| (*name, old.clone())));
        let new = object(changed.iter().map(|(name, _, new)| (*name, new.clone())));
        self.trail(Some(before.id.number()), label(&facts), &old, &new)
    }

    /// Deletes a row.
    ///
    /// # Errors
    /// [`Error::Changed`], or a database error.
    pub(super) fn delete<R: Table>(&self, row: &Stored<R>) -> Result<()> {
        self.check_seen(row)?;
        self.tx.delete::<R>(row.id)?;
        let facts = row.record.facts();
        let before = object(facts.iter().map(|(name, fact)| (*name, fact.into())));
        self.trail(Some(row.id.number()), label(&facts), &before, EMPTY)
    }

    /// Does a part that may be refused by itself: nothing of it is left then, and the act goes on.
    ///
    /// # Errors
    /// The part's own, or a database error.
    pub(super) fn attempt<T>(&self, part: impl FnOnce() -> Result<T>) -> Result<T> {
        let effects = self.effects.borrow().len();
        let outcome = self.tx.attempt(part);
        if outcome.is_err() {
            self.effects.borrow_mut().truncate(effects);
        }
        outcome
    }

    /// The row of that id.
    ///
    /// # Errors
    /// [`Error::NoSuch`].
    pub(super) fn find<R: Table>(&self, id: R::Id) -> Result<Stored<R>> {
        self.tx.by_id(id)?.ok_or(Error::no_such(R::RESOURCE))
    }

    /// Adds to the audit trail what is no row of a record.
    pub(super) fn audit(&self, id: Option<i64>, target: &str, before: &Value, after: &Value) -> Result<()> {
        self.trail(id, target, &before.to_string(), &after.to_string())
    }

    fn trail(&self, id: Option<i64>, target: &str, before: &str, after: &str) -> Result<()> {
        self.tx.insert_audit(&AuditRow {
            at: self.now,
            actor_kind: self.actor.kind(),
            actor: self.actor.name(),
            address: self.actor.address.map(|address| address.to_string()),
            resource: self.action.resource.name(),
            action: self.action.name,
            target_id: id,
            target,
            before,
            after,
        })
    }
}

/// A record's name: its first column.
fn label<'f>(facts: &'f [(&'static str, Fact)]) -> &'f str {
    match facts.first() {
        Some((_, Fact::Text(text))) => text,
        _ => "",
    }
}

/// No columns.
const EMPTY: &str = "{}";

/// Columns as a JSON object; the names of columns need no escape.
fn object(facts: impl Iterator<Item = (&'static str, Shown)>) -> String {
    let columns: Vec<String> = facts.map(|(name, fact)| format!("\"{name}\":{}", json(&fact))).collect();
    format!("{{{}}}", columns.join(","))
}

fn json(shown: &Shown) -> Value {
    match shown.fact() {
        Fact::None => Value::Null,
        Fact::Number(number) => (*number).into(),
        Fact::Text(text) => text.as_str().into(),
        Fact::List(texts) => texts.clone().into(),
        Fact::Ids(ids) => ids.clone().into(),
        // Nothing that is shown is one of these.
        Fact::Secret(_) | Fact::Hidden(_) | Fact::Urls(_) | Fact::Masked(_) => MASK.into(),
    }
}
