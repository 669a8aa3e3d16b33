//! What follows from an act once it is committed: whoever watches is cut, streams start, blocks are lifted.

use std::cell::RefCell;

use super::{Act, Ops};
use crate::domain::{
    Result,
    fields::time::UnixTime,
    ids::{AdminId, BackupId, GuideSourceId, MagId, StreamId},
    people::lockout::Offender,
    viewing::session::{Ending, SessionId},
};

/// What is to happen outside of the database, once the database has what was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Streams run as their rows say; with `anew`, those that ran before are started anew.
    RunStreams {
        ids: Vec<StreamId>,
        /// Whether those that ran before start anew.
        anew: bool,
    },
    /// Sessions end as killed.
    Kill(Vec<SessionId>),
    /// An address or a name is let in again, everywhere.
    Unblock(Offender),
    /// An administrator is known from nowhere any more.
    ForgetKnown(AdminId),
    /// What the device of a MAG watched ends, and its links: another one has taken its place.
    EndDevice(MagId),
    /// Sources of the guide are refreshed.
    RefreshGuide(Vec<GuideSourceId>),
    /// Recordings of a stream go.
    DeleteRecordings {
        stream: StreamId,
        /// Those that end then or earlier; all if it is not said.
        before: Option<UnixTime>,
    },
    /// The job of backups looks what is due.
    KeepBackups,
    /// The file of a backup goes, and what is done with it is broken off.
    DeleteBackup {
        id: BackupId,
        /// The name of the file.
        name: String,
    },
}

/// The effects of one run of a job.
pub(super) type Effects = RefCell<Vec<Effect>>;

impl Act<'_> {
    /// Has something happen after the commit: once, and only if this run of the job is the one that is kept. A kept
    /// answer of an `Idempotency-Key` has no effects, because its job does not run.
    pub(super) fn after(&self, effect: Effect) {
        self.effects.borrow_mut().push(effect);
    }
}

impl Ops {
    /// Lets the effects of a committed act happen, in their order. What fails is in the log: the act is done, and
    /// nobody is to repeat it for that.
    pub(super) fn take_effect(&self, effects: Vec<Effect>) {
        for effect in effects {
            if let Err(error) = self.happen(&effect) {
                log::error!("{effect:?} failed: {error}");
            }
        }
    }

    fn happen(&self, effect: &Effect) -> Result<()> {
        match effect {
            Effect::RunStreams { ids, anew } => return self.apply_streams(ids, *anew),
            Effect::Kill(ids) => {
                self.viewing.connections.end(ids, Ending::Killed);
            }
            Effect::Unblock(offender) => self.lockouts.lift(offender),
            Effect::ForgetKnown(admin) => self.lockouts.forget_let_in(*admin),
            Effect::EndDevice(mag) => self.end_device(*mag),
            Effect::RefreshGuide(ids) => self.ask_guide_refresh(ids),
            Effect::KeepBackups => self.backups.ask(),
            Effect::DeleteBackup { id, name } => self.drop_backup(*id, name),
            Effect::DeleteRecordings { stream, before } => {
                let (archive, stream) = (self.viewing.archive().clone(), *stream);
                let before = before.map_or(u64::MAX, |before| before.seconds().unsigned_abs() * 1000);
                // There may be tens of thousands of files.
                tokio::task::spawn_blocking(move || {
                    if let Err(error) = archive.delete_before(stream, before) {
                        log::warn!("recordings of stream {} cannot be deleted: {error}", stream.0);
                    }
                });
            }
        }
        Ok(())
    }
}
