//! A copy of a backup is sent to the target, encrypted if there are recipients, and again later where it was not taken.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::{
    Backups, Running,
    making::{NO_THREAD, Work, tell_backup},
    on_disk,
};
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        machine::{
            backup_target::{BackupTarget, NAME},
            backups::{Backup, pause_of_sending},
        },
    },
    host::{command, encryption, s3},
    ops::{Ops, clock},
    store::{self, Write},
};

impl Ops {
    /// Sends a copy; why it failed, if it did.
    pub(super) async fn send_backup(&self, row: Backup) -> Result<Option<String>> {
        let recipients = self.snapshot().settings.backup_recipient.get().to_vec();
        let is_encrypted = !recipients.is_empty();
        let target = match self.backup_target() {
            Ok(Some(target)) => Ok(target),
            Ok(None) => {
                self.note_backup(row.id, |row| row.next_send_at = None).await?;
                return Ok(None);
            }
            Err(why) => Err(why),
        };
        let shown = target.as_ref().map(BackupTarget::shown).unwrap_or_default();
        let name = row.name.clone();
        let work = Work::begin(self, row.id);
        let outcome = work.run(move |backups, running| send(backups, running, &target?, &name, &recipients));
        let outcome = outcome.await.unwrap_or_else(|| Err(NO_THREAD.into()));
        let was_stopped = work.was_stopped();
        drop(work);
        if was_stopped {
            return Ok(None);
        }
        let failed = outcome.err();
        if let Some(why) = &failed {
            log::warn!("the backup {} was not sent: {why}", row.name);
        }
        let (id, why) = (row.id, failed.clone());
        let job = move |tx: &Write<'_>| {
            let now = clock::now();
            let row = tx.change_backup(id, now, |row| match &why {
                None => {
                    (row.sent_at, row.sent_to, row.encrypted) = (Some(now), shown.clone(), is_encrypted);
                    (row.next_send_at, row.send_attempts) = (None, 0);
                    row.send_error.clear();
                }
                Some(why) => {
                    row.send_error.clone_from(why);
                    row.send_attempts += 1;
                    let pause = pause_of_sending(row.send_attempts);
                    row.next_send_at = pause.map(|pause| UnixTime::clamped(now.seconds() + pause));
                }
            })?;
            match (&row, &why) {
                (Some(row), None) => tell_backup(tx, row, None, now),
                (Some(row), Some(why)) if row.send_attempts == 1 => {
                    let why = format!("It was made and can be restored, but no copy was sent: {why}");
                    tell_backup(tx, row, Some(&why), now)
                }
                _ => Ok(()),
            }
        };
        self.store.write(store::housekeeping(clock::now(), "backups"), job).wait().await?;
        Ok(failed)
    }
}

fn send(
    backups: &Backups,
    running: &Running,
    target: &BackupTarget,
    name: &str,
    recipients: &[String],
) -> Result<(), String> {
    let file = backups.path(name);
    if recipients.is_empty() {
        return pass(running, target, &file, name);
    }
    let sealed = backups.path(on_disk::SEALED);
    let done = encryption::encrypt(&file, &sealed, recipients, &running.stop)
        .and_then(|()| pass(running, target, &sealed, &format!("{name}.age")));
    on_disk::remove(&sealed);
    done
}

fn pass(running: &Running, target: &BackupTarget, file: &std::path::Path, name: &str) -> Result<(), String> {
    let sent: &Arc<AtomicU64> = &running.done;
    running.of.store(std::fs::metadata(file).map_or(0, |about| about.len()), Ordering::Relaxed);
    match target {
        BackupTarget::Command(words) => {
            let words: Vec<String> = words.iter().map(|word| word.replace(NAME, name)).collect();
            command::feed(&words, file, sent, &running.stop)
        }
        BackupTarget::S3(target) => {
            s3::put(&s3::Upload { target, name, file, clock: clock::now, sent, stop: &running.stop })
        }
    }
}
