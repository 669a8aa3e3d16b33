//! One audited act inside a write transaction: nothing is written past the audit trail.

use serde_json::Value;

use super::{
    clock,
    effect::{Effect, Effects},
    events::told::ToldColumn,
    origin,
};
use crate::{
    domain::{
        Defaults, Denied, Error, Fact, Resource, Result, Stored,
        fields::time::UnixTime,
        ids::Id,
        machine::settings::Settings,
        people::{
            actor::{Actor, Who},
            audit::{AuditValue, difference},
        },
    },
    store::{Answer, Store, Table, Write, machine::logs::AuditRow},
};

/// What is being done, in the words of the Server API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    pub resource: Resource,
    /// Which action.
    pub name: &'static str,
}

/// Who does what when, in which transaction.
pub struct Act<'a> {
    pub(super) tx: &'a Write<'a>,
    pub actor: &'a Actor,
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
        let set = told(facts.iter().filter(|(name, fact)| is_set(name, fact, defaults)));
        let after = object(&set);
        self.trail(Some(id.number()), label(&facts), EMPTY, &after)?;
        self.tell::<R>("created", id, &facts, (&[], &set), (EMPTY, &after))?;
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
        let (was, facts) = (before.record.facts(), after.facts());
        self.tx.require_references::<R>(&facts)?;
        self.tx.update::<R>(before.id, &was, &facts, self.now)?;
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for (name, shown, now_shown) in difference(&was, &facts) {
            for (facts, shown, column) in [(&was, shown, &mut old), (&facts, now_shown, &mut new)] {
                let fact =
                    facts.iter().find(|(known, _)| *known == name).map_or(&Fact::None, |(_, fact)| fact);
                column.push(ToldColumn { name, fact, text: json(&shown) });
            }
        }
        let texts = (object(&old), object(&new));
        self.trail(Some(before.id.number()), label(&facts), &texts.0, &texts.1)?;
        if new.is_empty() {
            return Ok(());
        }
        self.tell::<R>("updated", before.id, &facts, (&old, &new), (&texts.0, &texts.1))
    }

    /// Deletes a row.
    ///
    /// # Errors
    /// [`Error::Changed`], or a database error.
    pub(super) fn delete<R: Table>(&self, row: &Stored<R>) -> Result<()> {
        self.check_seen(row)?;
        self.tx.delete::<R>(row.id)?;
        let facts = row.record.facts();
        let was = told(facts.iter());
        let before = object(&was);
        self.trail(Some(row.id.number()), label(&facts), &before, EMPTY)?;
        self.tell::<R>("deleted", row.id, &facts, (&was, &[]), (&before, EMPTY))
    }

    /// Puts a row in the place of one of another table: the trail of that is the caller's.
    ///
    /// # Errors
    /// [`Error::Taken`] for a unique column, or a database error.
    pub(super) fn insert_converted<R: Table>(&self, record: &R) -> Result<R::Id> {
        let facts = record.facts();
        let id = self.tx.insert::<R>(&facts, self.now)?;
        let defaults = self.tx.defaults::<R>()?;
        let set = told(facts.iter().filter(|(name, fact)| is_set(name, fact, defaults)));
        self.tell::<R>("created", id, &facts, (&[], &set), (EMPTY, &object(&set)))?;
        Ok(id)
    }

    /// Brings a deleted row back under its old id.
    ///
    /// # Errors
    /// [`Error::NoSuch`] for what it refers to, [`Error::Taken`] for a unique column, or a database error.
    pub(super) fn restore<R: Table>(&self, row: &Stored<R>) -> Result<()> {
        let facts = row.record.facts();
        self.tx.require_references::<R>(&facts)?;
        self.tx.restore(row)?;
        let defaults = self.tx.defaults::<R>()?;
        let set = told(facts.iter().filter(|(name, fact)| is_set(name, fact, defaults)));
        let after = object(&set);
        self.trail(Some(row.id.number()), label(&facts), EMPTY, &after)?;
        self.tell::<R>("created", row.id, &facts, (&[], &set), (EMPTY, &after))
    }

    /// Deletes the row in whose place another was put.
    pub(super) fn delete_converted<R: Table>(&self, row: &Stored<R>) -> Result<()> {
        self.tx.delete::<R>(row.id)?;
        let facts = row.record.facts();
        let was = told(facts.iter());
        self.tell::<R>("deleted", row.id, &facts, (&was, &[]), (&object(&was), EMPTY))
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

    /// Does something and undoes all of it: what would come of it.
    ///
    /// # Errors
    /// The part's own, or a database error.
    pub(super) fn rehearse<T>(&self, part: impl FnOnce() -> Result<T>) -> Result<T> {
        let effects = self.effects.borrow().len();
        let outcome = self.tx.rehearse(part);
        self.effects.borrow_mut().truncate(effects);
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

/// Whether a column of a new row is worth telling.
fn is_set(name: &str, fact: &Fact, defaults: &Defaults) -> bool {
    !fact.is_empty_list() && defaults.get(name) != Some(fact)
}

fn told<'f>(facts: impl Iterator<Item = &'f (&'static str, Fact)>) -> Vec<ToldColumn<'f>> {
    facts.map(|(name, fact)| ToldColumn { name, fact, text: json(&fact.into()) }).collect()
}

/// Columns as a JSON object; the names of columns need no escape.
fn object(columns: &[ToldColumn<'_>]) -> String {
    let mut text = String::with_capacity(
        2 + columns.iter().map(|told| told.name.len() + told.text.len() + 4).sum::<usize>(),
    );
    text.push('{');
    for (place, told) in columns.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push('"');
        text.push_str(told.name);
        text.push_str("\":");
        text.push_str(&told.text);
    }
    text.push('}');
    text
}

fn json(shown: &AuditValue) -> String {
    serde_json::to_string(shown.fact()).unwrap_or_default()
}
