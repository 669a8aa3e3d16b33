//! Backups as people see and order them: which there are, one more, verifying, deleting, downloading.

mod keeping;
mod making;
mod on_disk;
mod sending;
mod target;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    domain::{
        Denied, Error, Refused, Resource, Result,
        fields::time::UnixTime,
        ids::{BackupId, Id},
        machine::{
            backups::{Backup, Kind, State, file_name},
            job::LongRun,
        },
        page::{Page, Rows},
        people::{actor::Actor, rights},
    },
    ops::{Act, Action, Effect, Look, Ops, blocking},
    store::machine::backups::NewBackup,
};

/// What runs of the schedule and of people are called among the jobs.
pub const JOB: &str = "Backup";
/// What they do.
pub const ABOUT: &str =
    "Makes a backup, restores it as a trial, and sends a copy of it if there is a target.";
/// Downloads at the same time.
const DOWNLOADS: usize = 2;
/// So many bytes of one are in memory.
const PIECE: u64 = 256 << 10;
/// With more rows nobody may order one.
const MOST: usize = 500;

/// What a server knows of its backups beside the rows.
pub struct Backups {
    /// Where the files are.
    folder: PathBuf,
    /// Somebody has ordered something.
    asked: AtomicBool,
    /// What is done now.
    running: Mutex<Option<Running>>,
    /// Files that nobody knows of, and since when.
    strangers: Mutex<HashMap<String, Instant>>,
    downloads: Arc<Semaphore>,
    /// Whether copies may be given to commands.
    commands: AtomicBool,
}

/// A backup that is made, verified or sent.
#[derive(Clone)]
struct Running {
    id: BackupId,
    /// Bytes that are done, and how many there are.
    done: Arc<AtomicU64>,
    of: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Backups {
    /// Those in that folder.
    pub fn below(folder: PathBuf) -> Self {
        Self {
            folder,
            asked: AtomicBool::new(false),
            running: Mutex::default(),
            strangers: Mutex::default(),
            downloads: Arc::new(Semaphore::new(DOWNLOADS)),
            commands: AtomicBool::new(true),
        }
    }

    /// From now on copies are given to no command, whatever the settings say.
    pub fn forbid_commands(&self) {
        self.commands.store(false, Ordering::Relaxed);
    }

    fn may_run_commands(&self) -> bool {
        self.commands.load(Ordering::Relaxed)
    }

    /// Has the job look at once.
    pub(in crate::ops) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }
}

/// A page of backups, the newest first.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, page: &Page) -> Result<Rows<Backup>> {
    look.may(Resource::Backups)?;
    look.read.backups(page)
}

/// One backup.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Denied`], or a database error.
pub fn info(look: &Look<'_>, id: BackupId) -> Result<Backup> {
    look.may(Resource::Backups)?;
    look.read.backup(id)?.ok_or(Error::no_such(Resource::Backups))
}

/// Orders a backup, which the job makes within seconds.
///
/// # Errors
/// [`Error::Refused`] while one is made or waits, and with too many; a database error.
pub fn order(act: &Act<'_>) -> Result<BackupId> {
    let all = act.tx.all_backups()?;
    if all.iter().any(|backup| matches!(backup.state, State::Waiting | State::Running)) {
        return Err(Refused::BackupUnderWay.into());
    }
    if all.len() >= MOST {
        return Err(Refused::TooManyBackups(MOST).into());
    }
    let name = free_name(&all, act.now);
    let id = act.tx.add_backup(&NewBackup {
        name: &name,
        kind: Kind::Person,
        actor: act.actor.name(),
        state: State::Waiting,
        bytes: 0,
        at: act.now,
    })?;
    act.audit(Some(id.number()), &name, &json!({}), &json!({ "name": name }))?;
    act.after(Effect::KeepBackups);
    Ok(id)
}

/// Has a backup restored as a trial; one that is not made yet is verified anyway.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Refused`] for one without a file, or a database error.
pub fn verify(act: &Act<'_>, id: BackupId) -> Result<()> {
    let backup = find(act, id)?;
    if matches!(backup.state, State::Failed | State::Missing) {
        return Err(Refused::BackupHasNoFile.into());
    }
    act.tx.change_backup(id, act.now, |backup| backup.wants_verify = true)?;
    act.audit(Some(id.number()), &backup.name, &json!({}), &json!({}))?;
    act.after(Effect::KeepBackups);
    Ok(())
}

/// Deletes a backup and its file; one that is being made is broken off.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Changed`], or a database error.
pub fn delete(act: &Act<'_>, id: BackupId) -> Result<()> {
    let backup = find(act, id)?;
    if act.seen.is_some_and(|seen| seen != backup.updated_at) {
        return Err(Error::Changed);
    }
    act.tx.delete_backup(id)?;
    let before = json!({ "name": backup.name, "bytes": backup.bytes });
    act.audit(Some(id.number()), &backup.name, &before, &json!({}))?;
    act.after(Effect::DeleteBackup { id, name: backup.name });
    Ok(())
}

fn find(act: &Act<'_>, id: BackupId) -> Result<Backup> {
    act.tx.backup(id)?.ok_or(Error::no_such(Resource::Backups))
}

/// A name that none has, of this second or a later one.
fn free_name(all: &[Backup], now: UnixTime) -> String {
    let mut at = now.seconds();
    loop {
        let name = file_name(UnixTime::clamped(at));
        if !all.iter().any(|backup| backup.name == name) {
            return name;
        }
        at += 1;
    }
}

/// A file that is downloaded. As long as this is there it counts among the downloads.
pub struct Download {
    pub file: File,
    /// Its name.
    pub name: String,
    /// How long it is.
    pub bytes: u64,
    _place: OwnedSemaphorePermit,
}

impl Download {
    /// The next piece of it, read beside those who serve.
    ///
    /// # Errors
    /// What the disk says.
    pub async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        blocking(move || {
            let mut piece = Vec::new();
            let read = self.file.by_ref().take(PIECE).read_to_end(&mut piece)?;
            Ok((read > 0).then(|| (Bytes::from(piece), self)))
        })
        .await
    }
}

impl Ops {
    /// Opens a backup for whoever downloads it; the audit trail says who did.
    ///
    /// # Errors
    /// [`Error::Denied`] without the right full, [`Error::NoSuch`], [`Error::Refused`] for one without a file, [`Error::Busy`]
    /// with too many downloads at the same time.
    pub async fn download_backup(&self, actor: &Actor, id: BackupId) -> Result<Download> {
        if !rights::allow_all(actor.rights()) {
            return Err(Denied::BackupsNeedFull.into());
        }
        let place = self.backups.downloads.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        let action = Action { resource: Resource::Backups, name: "download" };
        let backup = self
            .write(actor.clone(), action, move |act| {
                let backup = find(act, id)?;
                act.audit(Some(id.number()), &backup.name, &json!({}), &json!({}))?;
                Ok(backup)
            })
            .await?;
        let path = self.backups.path(&backup.name);
        let opened = blocking(move || {
            let file = File::open(path)?;
            let bytes = file.metadata()?.len();
            Ok::<_, std::io::Error>((file, bytes))
        });
        let (file, bytes) = opened.await.map_err(|_| Refused::BackupHasNoFile)?;
        Ok(Download { file, name: backup.name, bytes, _place: place })
    }

    /// What of backups needs somebody: what it is, why, and what to do.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub fn backup_warnings(&self, look: &Look<'_>) -> Result<Vec<(String, String)>> {
        look.may(Resource::Backups)?;
        let mut warnings = Vec::new();
        if self.backup_target_is_lost() {
            warnings.push(("Target".to_owned(), format!("{} Nothing is sent until then.", target::LOST)));
        }
        let all = look.read.all_backups()?;
        let ours = all.iter().rev().filter(|backup| backup.was_ordered());
        if let Some(newest) = ours.clone().find(|backup| backup.state != State::Waiting) {
            if newest.state == State::Failed {
                let then =
                    if newest.kind == Kind::Schedule { "It is tried again." } else { "Start another." };
                let why = format!("{} {then}", newest.error);
                warnings.push(("The last backup failed".to_owned(), why));
            }
            if !newest.send_error.is_empty() {
                warnings.push(("The last copy was not sent".to_owned(), newest.send_error.clone()));
            }
        }
        for bad in all.iter().filter(|backup| backup.is_bad()) {
            let why = format!("{} Start a backup and delete this one.", bad.verify_error);
            warnings.push((format!("{} cannot be restored", bad.name), why));
        }
        let newest = all.iter().filter(|backup| backup.is_good()).map(|backup| backup.created_at).max();
        let missed = newest.filter(|newest| newest.seconds() < look.now.seconds() - OVERDUE);
        if let Some(newest) = missed {
            let zone = self.snapshot().settings.time_zone.zone();
            let why = format!("The newest good one is of {}.", newest.local(&zone));
            warnings.push(("No backup for two days".to_owned(), why));
        }
        Ok(warnings)
    }

    /// Breaks off what is done with a backup, and deletes its file.
    pub(in crate::ops) fn drop_backup(&self, id: BackupId, name: &str) {
        if let Some(running) = self.backups.running.lock().as_ref().filter(|running| running.id == id) {
            running.stop.store(true, Ordering::Relaxed);
        }
        let path = self.backups.path(name);
        tokio::task::spawn_blocking(move || on_disk::remove(&path));
    }

    /// The runs of people and of the schedule, the newest first, as jobs are told of.
    pub(in crate::ops) fn backup_runs(&self, all: &[Backup]) -> Vec<LongRun> {
        let running = self.backups.running.lock().clone();
        let ours = all.iter().rev().filter(|backup| backup.was_ordered());
        let run = |backup: &Backup| {
            let now = running.as_ref().filter(|running| running.id == backup.id);
            let number = |count: &AtomicU64| i64::try_from(count.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
            let progress = now.map_or((0, 0), |running| (number(&running.done), number(&running.of)));
            let ended = match backup.state {
                _ if now.is_some() => None,
                State::Waiting | State::Running => None,
                State::Failed => Some(backup.updated_at),
                State::Made | State::Missing => backup.sent_at.max(backup.verified_at).max(backup.made_at),
            };
            let why = [&backup.error, &backup.verify_error, &backup.send_error];
            let why = why.into_iter().find(|why| !why.is_empty()).cloned().unwrap_or_default();
            LongRun { began: backup.created_at, ended, progress, why }
        };
        ours.map(run).collect()
    }
}

/// So many seconds after the newest good one somebody is told.
const OVERDUE: i64 = 2 * 86_400;
