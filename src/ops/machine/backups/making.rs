//! A backup is made, and restored as a trial: on a thread of its own, beside those who serve.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use serde_json::json;

use super::{Backups, Running, on_disk};
use crate::{
    domain::{
        Resource, Result,
        fields::time::UnixTime,
        ids::{BackupId, Id},
        machine::backups::{Backup, State},
        people::actor::Actor,
    },
    host::{background, load},
    ops::{
        Ops, clock,
        events::told::{Event, tell},
    },
    store::{self, Write, backup},
};

/// What is said of a thread that could not be started, or panicked.
pub(super) const NO_THREAD: &str = "It was broken off: see the log.";

/// So much stays free beside a trial, in bytes.
const ROOM: u64 = 64 << 20;

/// As long as it is there something is done with a backup; it is broken off when nobody waits for it any more.
pub struct Work {
    ops: Ops,
    running: Running,
}

impl Work {
    /// Begins to do something with a backup.
    pub fn begin(ops: &Ops, id: BackupId) -> Self {
        let running = Running { id, done: Arc::default(), of: Arc::default(), stop: Arc::default() };
        *ops.backups.running.lock() = Some(running.clone());
        Self { ops: ops.clone(), running }
    }

    /// Whether somebody has broken it off.
    pub fn was_stopped(&self) -> bool {
        self.running.stop.load(Ordering::Relaxed)
    }

    /// Does it on a thread of its own; none if that could not be started, or panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Backups, &Running) -> T + Send + 'static,
    ) -> Option<T> {
        let (ops, running) = (self.ops.clone(), self.running.clone());
        background::run("backup", background::UNSEEN, move || work(&ops.backups, &running)).await
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.running.stop.store(true, Ordering::Relaxed);
        *self.ops.backups.running.lock() = None;
    }
}

impl Running {
    /// Notes how far it is; whether it goes on.
    fn go_on(&self, done: u64, of: u64) -> bool {
        self.done.store(done, Ordering::Relaxed);
        self.of.store(of, Ordering::Relaxed);
        !self.stop.load(Ordering::Relaxed)
    }
}

/// What the store says, as a sentence.
fn sentence(why: &str) -> String {
    let mut letters = why.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if why.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

impl Ops {
    /// Makes a backup that waits; why it failed, if it did.
    pub(super) async fn make_backup(&self, row: Backup) -> Result<Option<String>> {
        let (id, now) = (row.id, clock::now());
        let begun = self.note_backup(id, move |row| {
            (row.state, row.attempts) = (State::Running, row.attempts + 1);
        });
        if begun.await?.is_none() {
            return Ok(None);
        }
        let work = Work::begin(self, id);
        let name = row.name.clone();
        let made = work.run(move |backups, running| {
            let into = backups.path(&name);
            store::make_private(&backups.folder)
                .map_err(|error| format!("{} cannot be created: {error}.", backups.folder.display()))?;
            let data = backups.folder.parent().unwrap_or(Path::new("."));
            let what = backup::What::database(now);
            let written = backup::write(data, &into, &what, &|done, of| running.go_on(done, of));
            written.map(|summary| summary.bytes).map_err(|why| sentence(&why))
        });
        let made = made.await.unwrap_or_else(|| Err(NO_THREAD.into()));
        drop(work);
        let path = self.backups.path(&row.name);
        let bytes = made.as_ref().map_or(0, |bytes| i64::try_from(*bytes).unwrap_or(i64::MAX));
        let failed = made.err();
        if let Some(why) = &failed {
            log::warn!("the backup {} failed: {why}", row.name);
        }
        let (why, has_target) = (failed.clone(), !self.snapshot().settings.backup_target.is_none());
        let job = move |tx: &Write<'_>| {
            let now = clock::now();
            let row = tx.change_backup(id, now, |row| match &why {
                None => {
                    (row.state, row.bytes, row.made_at, row.wants_verify) =
                        (State::Made, bytes, Some(now), true);
                    row.error.clear();
                    row.next_send_at = has_target.then_some(now);
                }
                Some(why) => (row.state, row.error) = (State::Failed, why.clone()),
            })?;
            match (&row, &why) {
                // The same failure is told once, however often it is tried.
                (Some(row), Some(why)) if row.attempts == 1 => tell_backup(tx, row, Some(why), now)?,
                _ => {}
            }
            Ok(row.is_some())
        };
        let is_there = self.store.write(store::housekeeping(clock::now(), "backups"), job).wait().await?;
        if !is_there {
            // Somebody deleted it meanwhile.
            on_disk::remove(&path);
            return Ok(None);
        }
        Ok(failed)
    }

    /// Restores a backup as a trial; what was wrong, if something was.
    pub(super) async fn verify_backup(&self, row: Backup) -> Result<Option<String>> {
        let (id, name) = (row.id, row.name.clone());
        let work = Work::begin(self, id);
        let trial = work.run(move |backups, running| trial(backups, running, &name)).await;
        let trial = trial.unwrap_or(Trial::NotDone(NO_THREAD.into()));
        let was_stopped = work.was_stopped();
        drop(work);
        if was_stopped {
            return Ok(None);
        }
        let failed = match &trial {
            Trial::Good => None,
            Trial::NotDone(why) => Some(format!("It could not be verified: {why}")),
            Trial::Bad(why) => Some(format!("It cannot be restored: {why}")),
        };
        if let Some(why) = &failed {
            log::warn!("the backup {}: {why}", row.name);
        }
        let why = failed.clone();
        let job = move |tx: &Write<'_>| {
            let now = clock::now();
            let was_verified = tx.backup(id)?.is_some_and(|row| row.verified_at.is_some());
            let row = tx.change_backup(id, now, |row| {
                row.wants_verify = false;
                // Who waits for the end of a trial waits for another time.
                let at = row.verified_at.map_or(now, |last| now.max(UnixTime::clamped(last.seconds() + 1)));
                match &trial {
                    Trial::Good => (row.verified_at, row.verify_error) = (Some(at), String::new()),
                    Trial::Bad(why) => {
                        (row.verified_at, row.verify_error) = (Some(at), why.clone());
                        row.next_send_at = None;
                    }
                    // What was known of it before still is.
                    Trial::NotDone(why) if !was_verified => row.verify_error.clone_from(why),
                    Trial::NotDone(_) => {}
                }
            })?;
            match (&row, &why) {
                (Some(row), Some(why)) => tell_backup(tx, row, Some(why), now),
                (Some(row), None) if !was_verified && row.was_ordered() && row.next_send_at.is_none() => {
                    tell_backup(tx, row, None, now)
                }
                _ => Ok(()),
            }
        };
        self.store.write(store::housekeeping(clock::now(), "backups"), job).wait().await?;
        Ok(failed)
    }

    /// Changes what is known of a backup.
    pub(super) async fn note_backup(
        &self,
        id: BackupId,
        change: impl Fn(&mut Backup) + Send + 'static,
    ) -> Result<Option<Backup>> {
        let now = clock::now();
        let job = move |tx: &Write<'_>| tx.change_backup(id, now, &change);
        self.store.write(store::housekeeping(now, "backups"), job).wait().await
    }
}

/// What a trial has shown.
enum Trial {
    Good,
    /// It was not done, and why.
    NotDone(String),
    Bad(String),
}

/// Restores a backup into a folder beside it, which is gone then.
fn trial(backups: &Backups, running: &Running, name: &str) -> Trial {
    let (file, scratch) = (backups.path(name), backups.path(on_disk::TRIAL));
    let length = backup::manifest_of(&file).map_or(0, |manifest| manifest.length());
    if let Some(free) = load::free(&backups.folder).filter(|free| *free < length.saturating_add(ROOM)) {
        let mebibytes = |bytes: u64| bytes >> 20;
        return Trial::NotDone(format!(
            "it takes {} MiB on the disk of the data folder, and {} MiB are free.",
            mebibytes(length + ROOM),
            mebibytes(free)
        ));
    }
    if let Err(error) = store::make_private(&scratch) {
        return Trial::NotDone(format!("{} cannot be created: {error}.", scratch.display()));
    }
    let report = backup::verify(&file, &scratch, &|done, of| running.go_on(done, of));
    let _ = std::fs::remove_dir_all(&scratch);
    match report {
        Ok(report) if report.problems.is_empty() => Trial::Good,
        Ok(report) => Trial::Bad(sentence(&report.problems.join("; "))),
        Err(why) => Trial::Bad(sentence(&why)),
    }
}

/// Tells that a backup is done, or why it failed.
pub(super) fn tell_backup(tx: &Write<'_>, row: &Backup, why: Option<&str>, now: UnixTime) -> Result<()> {
    let (kind, after) = match why {
        Some(why) => ("backup.failed", json!({ "kind": row.kind.name(), "why": why })),
        None => (
            "backup.done",
            json!({ "kind": row.kind.name(), "bytes": row.bytes, "sent_to": row.sent_to, "encrypted": row.encrypted }),
        ),
    };
    let (resource, id) = (Resource::Backups, Some(row.id.number()));
    let event = Event { kind, resource, id, key: &row.name, before: json!({}), after };
    tell(tx, &Actor::LINECARD, now, &event)
}
