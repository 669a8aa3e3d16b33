//! Batches: one change of many lines or MAGs, ordered at once, done piece by piece by a job, and going on after a
//! restart where they were.

use serde_json::Value;

use super::batch_rows;
use crate::{
    domain::{
        Denied, Error, Refused, Resource, Result, Stored,
        page::{Page, Rows},
        people::{
            actor::{Actor, Who},
            admin::{Admin, Group},
            rights::Access,
        },
        subscribers::{
            batch::{Batch, MOST, MatchedRow, Named, Orderer, State, Which},
            bulk::Bulk,
            line::Line,
            listing::{self, Subscribed},
            mag::Mag,
        },
    },
    ops::{Act, Action, Look, Ops},
    store::{
        Read, Table,
        subscribers::batches::{NewBatch, Visible},
    },
};

/// The batches of faces: which rights they take is decided by what they change.
const LIST: Action = Action { resource: Resource::Batches, name: "list" };

/// A batch with those of its rows that were refused, and those that were left when it was undone: the first of each, and
/// how many there are in all.
pub struct Info {
    /// The batch.
    pub batch: Batch,
    /// How many rows it changed, as far as these are not forgotten; the others that are done were as wanted.
    pub changed: i64,
    /// Refused.
    pub failed: (i64, Vec<Named>),
    /// Left as somebody else has made them since.
    pub kept: (i64, Vec<Named>),
}

impl Ops {
    /// The rows that a batch would take now; of a reseller's people only its own.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Invalid`] for an edit that makes no sense, [`Error::Refused`] for that and for too many rows,
    /// or a database error.
    pub async fn matching<S: Subscribed + Table>(
        &self,
        actor: &Actor,
        mut which: Which,
        edit: &Bulk,
    ) -> Result<Vec<MatchedRow>> {
        actor.may(S::RESOURCE, Access::Write)?;
        edit.check()?;
        if edit.is_free() {
            actor.may_waive_price()?;
        }
        if which.selection.state == Some(listing::State::Watching) {
            return Err(Refused::StateNeverStays.into());
        }
        self.confine::<S>(actor, &mut which.selection);
        let action = Action { resource: S::RESOURCE, name: "bulk" };
        let rows = self.read(actor, action, move |look| look.read.matching::<S>(&which)).await?;
        if rows.len() > MOST { Err(Refused::TooManyRows(MOST).into()) } else { Ok(rows) }
    }

    /// Does the next piece of the oldest batch that is not over, and the next, until none is left.
    ///
    /// # Errors
    /// A database error; the batch goes on the next time.
    pub async fn run_batches(&self) -> Result<()> {
        while let Some(batch) = self.point(&Actor::LINECARD, LIST, |look| look.read.open_batch())? {
            let done = match batch.resource {
                Resource::Mag => self.run_piece::<Mag>(&batch).await,
                _ => self.run_piece::<Line>(&batch).await,
            };
            match done {
                // Whoever ordered it may do so no longer.
                Err(error @ (Error::Denied(_) | Error::Refused(_))) => {
                    self.stop_batch(batch.id, &error).await?;
                }
                done => done?,
            }
        }
        Ok(())
    }

    async fn run_piece<S: Subscribed + Table>(&self, batch: &Batch) -> Result<()> {
        let actor = self.orderer_of(batch)?;
        let action = Action { resource: S::RESOURCE, name: "bulk" };
        let id = batch.id;
        self.write(actor, action, move |act| batch_rows::take_piece::<S>(act, id)).await
    }

    async fn stop_batch(&self, id: i64, why: &Error) -> Result<()> {
        let why = why.to_string();
        let action = Action { resource: Resource::Batches, name: "stop" };
        self.write(Actor::LINECARD, action, move |act| act.tx.end_batch(id, State::Stopped, &why, act.now))
            .await
    }

    /// Whoever ordered a batch, with the rights of today.
    fn orderer_of(&self, batch: &Batch) -> Result<Actor> {
        let who = match batch.orderer {
            Orderer::ApiKey(id) => {
                let snapshot = self.snapshot();
                let key = snapshot.keys.iter().find(|key| key.id == id).ok_or(Denied::KeyRevoked)?;
                Who::of_key(key)
            }
            Orderer::Administrator(id) => {
                self.point(&Actor::LINECARD, LIST, |look| administrator(look.read, id))?
            }
        };
        Ok(Actor { who, address: batch.address })
    }
}

fn administrator(read: &Read<'_>, id: crate::domain::ids::AdminId) -> Result<Who> {
    let admin: Option<Stored<Admin>> = read.by_id(id)?.filter(|admin: &Stored<Admin>| !admin.record.disabled);
    let admin = admin.ok_or(Error::no_such(Resource::Administrators))?;
    let group = read.by_id::<Group>(admin.record.group_id)?;
    Ok(Who::Administrator {
        id,
        username: admin.record.username.as_str().to_owned(),
        rights: group.map(|group| group.record.rights).unwrap_or_default(),
        reseller: admin.record.reseller_id,
    })
}

/// Orders a batch over those rows; its number.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn order<S: Subscribed + Table>(act: &Act<'_>, edit: &Bulk, matched: &[MatchedRow]) -> Result<i64> {
    let id = insert(act, S::RESOURCE, edit.action(), &edit.to_json(), matched)?;
    let after = serde_json::json!({ "batch_id": id, "rows": matched.len(), "action": edit.action() });
    act.audit(None, "", &Value::Object(serde_json::Map::new()), &after)?;
    Ok(id)
}

/// A new batch of whoever acts; its number.
pub(super) fn insert(
    act: &Act<'_>,
    resource: Resource,
    action: &'static str,
    edit: &Value,
    matched: &[MatchedRow],
) -> Result<i64> {
    let new = NewBatch {
        resource,
        action,
        edit: edit.to_string(),
        orderer: orderer(act.actor)?,
        actor: act.actor.name().to_owned(),
        address: act.actor.address.map(|address| address.to_string()),
    };
    act.tx.insert_batch(&new, matched, act.now)
}

/// By what whoever orders a batch is found again while it goes on.
fn orderer(actor: &Actor) -> Result<Orderer> {
    let who = match &actor.who {
        Who::ApiKey { id, .. } => return Ok(Orderer::ApiKey(*id)),
        Who::Administrator { id, .. } => return Ok(Orderer::Administrator(*id)),
        Who::SetTopBox { .. } => "the box of a MAG",
        Who::CommandLine => "the command line",
        Who::Linecard => "the server itself",
        Who::ClassicApi => "a caller of the classic API",
    };
    Err(Denied::OrdersNoBatches(who).into())
}

/// Which batches somebody may look at: those on what he may look at, and of these whoever works for a reseller only his own.
fn visible(actor: &Actor) -> Visible {
    let on = Resource::BATCHED.into_iter().filter(|on| actor.may(*on, Access::Read).is_ok()).collect();
    Visible { on, orderer: actor.reseller().and_then(|_| orderer(actor).ok()) }
}

/// Refuses a batch that is none of those.
pub(super) fn check_visible(actor: &Actor, batch: &Batch, access: Access) -> Result<()> {
    actor.may(batch.resource, access)?;
    match visible(actor).orderer {
        Some(own) if own != batch.orderer => Err(no_such(batch.id)),
        _ => Ok(()),
    }
}

/// A page of the batches that the actor may look at.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, page: &Page) -> Result<Rows<Batch>> {
    look.read.batches(page, &visible(look.actor))
}

/// A batch, with what was refused.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Denied`] without the right to what it changes.
pub fn info(look: &Look<'_>, id: i64) -> Result<Info> {
    let batch = find(look.read, id)?;
    check_visible(look.actor, &batch, Access::Read)?;
    let (failed, kept) = (look.read.named_rows(id, "failed")?, look.read.named_rows(id, "kept")?);
    Ok(Info { changed: look.read.changed_rows(id)?, batch, failed, kept })
}

/// The newest batches that the actor may look at, the newest first.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn newest(look: &Look<'_>, most: usize) -> Result<Vec<Batch>> {
    look.read.newest_batches(most, &visible(look.actor))
}

/// The batch of that number.
///
/// # Errors
/// [`Error::NoSuch`].
pub(super) fn find(read: &Read<'_>, id: i64) -> Result<Batch> {
    read.batch(id)?.ok_or_else(|| no_such(id))
}

fn no_such(id: i64) -> Error {
    Error::NoSuch { resource: Resource::Batches, which: Some(id.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_cannot_order_a_batch_is_told_who_can() {
        let told = |who| {
            let refused = orderer(&Actor { who, address: None }).err();
            refused.map(|error| error.to_string()).unwrap_or_default()
        };
        for (who, named) in [
            (Who::CommandLine, "the command line"),
            (Who::Linecard, "the server itself"),
            (Who::ClassicApi, "a caller of the classic API"),
            (Who::SetTopBox { mac: String::new() }, "the box of a MAG"),
        ] {
            let words = format!("Only an API key or somebody in the panel can order a batch: {named} cannot");
            assert_eq!(told(who), words);
        }
    }
}
