//! Batches: one change of many rows, done piece by piece, and undone within a day.

use std::net::IpAddr;

use super::listing::Selection;
use crate::domain::{
    Refused, Resource, Result,
    fields::time::UnixTime,
    ids::{AdminId, ApiKeyId},
    page::Page,
};

/// For how many seconds after its end a batch can be undone: 24 hours.
pub const UNDONE_WITHIN: i64 = 24 * 3600;
/// For how many seconds after its end a batch is listed: 31 days.
pub const LISTED_FOR: i64 = 31 * 86_400;
/// The most rows of one batch.
pub const MOST: usize = 1_000_000;

/// How far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Others are before it.
    Waiting,
    /// Under way.
    Running,
    /// Over.
    Done,
    /// Ended early.
    Stopped,
    /// Over, and taken back, but for rows that were kept: these can be tried again.
    Undone,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Done, Self::Stopped, Self::Undone];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Stopped => "stopped",
            Self::Undone => "undone",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Who ordered it, by what stays the same: name and rights are looked up each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orderer {
    /// A key of the Server API.
    ApiKey(ApiKeyId),
    /// Somebody in the panel.
    Administrator(AdminId),
}

/// A batch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its number.
    pub id: i64,
    /// Which rows: lines or MAGs.
    pub resource: Resource,
    /// What becomes of them: update, extend or delete.
    pub action: String,
    /// How far it is.
    pub state: State,
    /// Rows that are as wanted.
    pub done: i64,
    /// Rows that it takes in all.
    pub of: i64,
    /// Rows that were refused.
    pub failed: i64,
    /// Rows that were taken back.
    pub undone: i64,
    /// Whether an undo has left rows as they were.
    pub kept: bool,
    /// Why it ended early; empty if it did not.
    pub why: String,
    /// Who ordered it.
    pub orderer: Orderer,
    /// The name of that one.
    pub actor: String,
    /// From where.
    pub address: Option<IpAddr>,
    /// When it was ordered.
    pub created_at: UnixTime,
    /// When it was over.
    pub ended_at: Option<UnixTime>,
}

impl Batch {
    /// Whether it can be undone at that moment.
    ///
    /// # Errors
    /// [`crate::domain::Error::Refused`], saying why not.
    pub fn may_be_undone(&self, now: UnixTime) -> Result<()> {
        match (self.state, self.ended_at) {
            (State::Done | State::Stopped | State::Undone, Some(ended))
                if now.seconds() <= ended.seconds() + UNDONE_WITHIN =>
            {
                Ok(())
            }
            (State::Done | State::Stopped | State::Undone, _) => Err(Refused::BatchTooOld(self.id).into()),
            (State::Waiting | State::Running, _) => Err(Refused::BatchNotOver(self.id).into()),
        }
    }
}

/// One row of a batch that was refused, or left as somebody else has made it since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: i64,
    /// What it is known by; empty if it is gone.
    pub name: String,
    /// Why.
    pub why: String,
}

/// Which rows a batch takes: those of the ids, or all that match the rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Which {
    /// These, whether they are there or not; none is what matches.
    pub ids: Vec<i64>,
    /// With this text, and with these values of columns.
    pub page: Page,
    /// Of what people choose in lists.
    pub selection: Selection,
    /// Ends before that moment.
    pub expires_before: Option<UnixTime>,
    /// Ends after that moment; one that never ends is none of these.
    pub expires_after: Option<UnixTime>,
}

/// A row that a batch takes: its id, and its `updated_at` as it was seen, if it is taken only so.
pub type MatchedRow = (i64, Option<i64>);
