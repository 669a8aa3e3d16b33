//! The target of copies as the settings keep it: sealed, for it holds a secret.

use crate::{
    domain::{
        Given, Refused, Result,
        fields::{sealed::Sealed, text::BackupTargetText},
        machine::backup_target::BackupTarget,
    },
    ops::Ops,
};

/// What it is sealed for.
const PURPOSE: &str = "backup_target";

/// Why nothing can be sent with a target that was sealed with another key.
pub const LOST: &str = "backup_target was sealed with another key: type it again, or put the key file back.";

impl Ops {
    /// A target that was sent for the settings, as they keep it. Not part of the transaction: no two seals are alike.
    ///
    /// # Errors
    /// [`crate::domain::Error::Refused`] for a command where none may be run, [`crate::domain::Error::Busy`] if it cannot be
    /// sealed.
    pub fn seal_backup_target(&self, given: &Given<BackupTargetText>) -> Result<Given<Sealed>> {
        Ok(match given {
            Given::Absent => Given::Absent,
            Given::Empty => Given::Empty,
            Given::Value(text) => {
                let is_command = matches!(BackupTarget::of(text.as_str()), Ok(BackupTarget::Command(_)));
                if is_command && !self.backups.may_run_commands() {
                    return Err(Refused::NoBackupCommands.into());
                }
                Given::Value(Sealed::of(self.host.sealing.seal(PURPOSE, text.as_str())?))
            }
        })
    }

    /// Where copies are sent; none if they are not.
    ///
    /// # Errors
    /// Why it cannot be read or used, as a sentence.
    pub(super) fn backup_target(&self) -> Result<Option<BackupTarget>, String> {
        let sealed = &self.snapshot().settings.backup_target;
        if sealed.is_none() {
            return Ok(None);
        }
        let text = self.host.sealing.open(PURPOSE, sealed.as_str()).ok_or(LOST)?;
        let target = BackupTarget::of(&text).map_err(|_| LOST)?;
        if matches!(target, BackupTarget::Command(_)) && !self.backups.may_run_commands() {
            return Err(format!("{}.", Refused::NoBackupCommands));
        }
        Ok(Some(target))
    }

    /// Whether the target has to be typed again: it was sealed with a key that is no longer there.
    pub fn backup_target_is_lost(&self) -> bool {
        let sealed = &self.snapshot().settings.backup_target;
        !sealed.is_none() && self.host.sealing.open(PURPOSE, sealed.as_str()).is_none()
    }

    /// The target without what is secret; empty for none, and for one that cannot be read.
    pub fn shown_backup_target(&self) -> String {
        let sealed = &self.snapshot().settings.backup_target;
        let text = self.host.sealing.open(PURPOSE, sealed.as_str()).unwrap_or_default();
        BackupTarget::of(&text).map(|target| target.shown()).unwrap_or_default()
    }
}
