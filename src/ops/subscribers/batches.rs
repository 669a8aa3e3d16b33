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
            batch::{Batch, MOST, Meant, Named, Orderer, State, Which},
            bulk::Bulk,
            line::Line,
            listing::Subscribed,
            mag::Mag,
        },
    },
    ops::{Act, Action, Look, Ops},
    store::{Read, Table, subscribers::batches::NewBatch},
};

/// The batches of faces: which rights they take is decided by what they change.
const LIST: Action = Action { resource: Resource::Batches, name: "list" };

/// A batch with those of its rows that were refused, and those that were left when it was undone: the first of each, and
/// how many there are in all.
pub struct Info {
    /// The batch.
    pub batch: Batch,
    /// Refused.
    pub failed: (i64, Vec<Named>),
    /// Left as somebody else has made them since.
    pub kept: (i64, Vec<Named>),
}

impl Ops {
    /// The rows that a batch would take now; of a reseller's people only its own.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Refused`] for too many, or a database error.
    pub async fn meant<S: Subscribed + Table>(&self, actor: &Actor, mut which: Which) -> Result<Vec<Meant>> {
        actor.may(S::RESOURCE, Access::Write)?;
        which.reseller = actor.reseller().or(which.reseller);
        let action = Action { resource: S::RESOURCE, name: "bulk" };
        let rows = self.read(actor, action, move |look| look.read.meant::<S>(&which, look.now)).await?;
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
                Who::ApiKey { id, name: key.record.name.as_str().to_owned(), scope: key.record.scope.clone() }
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
pub fn order<S: Subscribed + Table>(act: &Act<'_>, edit: &Bulk, meant: &[Meant]) -> Result<i64> {
    let orderer = match &act.actor.who {
        Who::ApiKey { id, .. } => Orderer::ApiKey(*id),
        Who::Administrator { id, .. } => Orderer::Administrator(*id),
        Who::SetTopBox { .. } | Who::CommandLine | Who::Linecard | Who::ClassicApi => {
            return Err(Denied::NotForResellers(Resource::Batches).into());
        }
    };
    let new = NewBatch {
        resource: S::RESOURCE,
        action: edit.action(),
        edit: edit.to_json().to_string(),
        orderer,
        actor: act.actor.name().to_owned(),
        address: act.actor.address.map(|address| address.to_string()),
    };
    let id = act.tx.insert_batch(&new, meant, act.now)?;
    let after = serde_json::json!({ "batch_id": id, "rows": meant.len(), "action": new.action });
    act.audit(None, "", &Value::Object(serde_json::Map::new()), &after)?;
    Ok(id)
}

/// A page of the batches on what the actor may see.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, page: &Page) -> Result<Rows<Batch>> {
    let seen = [Resource::Line, Resource::Mag].into_iter().filter(|on| look.may_see_all(*on).is_ok());
    look.read.batches(page, &seen.collect::<Vec<_>>())
}

/// A batch, with what was refused.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Denied`] without the right to what it changes.
pub fn info(look: &Look<'_>, id: i64) -> Result<Info> {
    let batch = find(look.read, id)?;
    look.may_see_all(batch.resource)?;
    Ok(Info { batch, failed: look.read.named_rows(id, "failed")?, kept: look.read.named_rows(id, "kept")? })
}

/// The newest batches, the newest first, for somebody who may see lines and MAGs.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn newest(look: &Look<'_>, most: usize) -> Result<Vec<Batch>> {
    let batches = look.read.newest_batches(most)?;
    Ok(batches.into_iter().filter(|batch| look.may_see_all(batch.resource).is_ok()).collect())
}

/// The batch of that number.
///
/// # Errors
/// [`Error::NoSuch`].
pub(super) fn find(read: &Read<'_>, id: i64) -> Result<Batch> {
    let missing = Error::NoSuch { resource: Resource::Batches, which: Some(id.to_string()) };
    read.batch(id)?.ok_or(missing)
}
