//! The folder of backups: which files are in it, and their rows beside them.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::Backups;
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        machine::backups::{Backup, Kind, State, is_file_name, is_of_upgrade},
    },
    ops::{Ops, blocking, clock},
    store::{self, Write, machine::backups::NewBackup},
};

/// Files in the folder that are looked at.
const MOST: usize = 1_000;
/// A file that nobody knows of is one of a backup once it is there for so long.
const SETTLES: Duration = Duration::from_secs(2);
/// What is made beside a backup; left over if the server was killed.
pub const TRIAL: &str = ".trial";
pub const SEALED: &str = ".sealed.age";

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    name: String,
    bytes: i64,
    at: UnixTime,
}

impl Backups {
    /// Where the file of that name is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Backups {
    /// The files without those that nobody knows of for a moment only: they are copied there now, or are just deleted.
    fn settled(&self, files: Vec<Found>, rows: &[Backup]) -> Vec<Found> {
        let mut strangers = self.strangers.lock();
        let is_known = |file: &Found| rows.iter().any(|row| row.name == file.name);
        strangers.retain(|name, _| files.iter().any(|file| file.name == *name && !is_known(file)));
        let mut is_settled = |file: &Found| {
            is_known(file)
                || strangers.entry(file.name.clone()).or_insert_with(Instant::now).elapsed() >= SETTLES
        };
        files.into_iter().filter(|file| is_settled(file)).collect()
    }
}

/// Removes a file; one that is not there is no matter.
pub fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            log::warn!("{} cannot be deleted: {error}", path.display());
        }
        _ => {}
    }
}

/// The files of backups in a folder.
fn files_in(folder: &Path) -> io::Result<Vec<Found>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries.take(10 * MOST) {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        // One that is deleted meanwhile is not there.
        let about = fs::symlink_metadata(folder.join(&name));
        if let Some(about) = about.ok().filter(|about| is_file_name(&name) && about.is_file()) {
            let (bytes, at) =
                (i64::try_from(about.len()).unwrap_or(i64::MAX), UnixTime::clamped(about.mtime()));
            found.push(Found { name, bytes, at });
        }
    }
    found.sort_by(|a, b| (a.at, &a.name).cmp(&(b.at, &b.name)));
    found.truncate(MOST);
    Ok(found)
}

impl Ops {
    /// Compares rows with files; at the start also what a killed server has left. Every row, as it is then.
    ///
    /// # Errors
    /// A database error.
    pub(super) async fn match_backups(&self, is_start: bool) -> Result<Vec<Backup>> {
        let ops = self.clone();
        let read = blocking(move || {
            let folder = &ops.backups.folder;
            if is_start {
                let _ = fs::remove_dir_all(folder.join(TRIAL));
                remove(&folder.join(SEALED));
            }
            // One that cannot be read tells nothing; the next backup fails and says why.
            let files = files_in(folder).ok();
            let origin = store::housekeeping(clock::now(), "backups");
            let rows = ops.store.read(&origin, |read| read.all_backups())?;
            for row in rows.iter().filter(|row| is_start && row.state == State::Running) {
                remove(&folder.join(format!("{}.part", row.name)));
            }
            Ok::<_, crate::domain::Error>((files, rows))
        });
        let (files, rows) = read.await?;
        let files = files.map(|files| self.backups.settled(files, &rows));
        if differences(&rows, files.as_deref()).is_empty() {
            return Ok(rows);
        }
        let now = clock::now();
        let job = move |tx: &Write<'_>| {
            // As they are now: somebody may have ordered or deleted one meanwhile.
            let rows = tx.all_backups()?;
            for difference in differences(&rows, files.as_deref()) {
                note(tx, &difference, now)?;
            }
            tx.all_backups()
        };
        self.store.write(store::housekeeping(now, "backups"), job).wait().await
    }
}

/// Where a row and a file differ.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Difference<'a> {
    /// The file is gone.
    Gone(&'a Backup),
    /// It is back, or another one.
    Other(&'a Backup, &'a Found),
    /// Nobody knows of the file.
    New(&'a Found),
    /// It was broken off while it was made: whoever compares makes none.
    CutOff(&'a Backup),
}

fn differences<'a>(rows: &'a [Backup], files: Option<&'a [Found]>) -> Vec<Difference<'a>> {
    let file_of = |row: &Backup| files.unwrap_or_default().iter().find(|file| file.name == row.name);
    let of_row = |row: &'a Backup| match (row.state, file_of(row)) {
        (State::Running, _) => Some(Difference::CutOff(row)),
        _ if files.is_none() => None,
        (State::Made, None) => Some(Difference::Gone(row)),
        (State::Missing, Some(file)) => Some(Difference::Other(row, file)),
        (State::Made, Some(file)) if file.bytes != row.bytes => Some(Difference::Other(row, file)),
        _ => None,
    };
    let is_new = |file: &&Found| !rows.iter().any(|row| row.name == file.name);
    let new = files.unwrap_or_default().iter().filter(is_new).map(Difference::New);
    rows.iter().filter_map(of_row).chain(new).collect()
}

fn note(tx: &Write<'_>, difference: &Difference<'_>, now: UnixTime) -> Result<()> {
    match difference {
        Difference::Gone(row) => {
            log::warn!("the backup {} is gone from its folder", row.name);
            tx.change_backup(row.id, now, |row| row.state = State::Missing)?;
        }
        Difference::Other(row, file) => {
            tx.change_backup(row.id, now, |row| {
                (row.state, row.bytes, row.wants_verify) = (State::Made, file.bytes, true);
            })?;
        }
        Difference::CutOff(row) => {
            tx.change_backup(row.id, now, |row| {
                row.state = State::Failed;
                row.error = "It was broken off while it was made.".into();
            })?;
        }
        Difference::New(file) => {
            let kind = if is_of_upgrade(&file.name) { Kind::Upgrade } else { Kind::File };
            let new = NewBackup {
                name: &file.name,
                kind,
                actor: "",
                state: State::Made,
                bytes: file.bytes,
                at: file.at,
            };
            let id = tx.add_backup(&new)?;
            // What an upgrade has made is known to be good before somebody needs it.
            if kind == Kind::Upgrade {
                tx.change_backup(id, now, |row| row.wants_verify = true)?;
            }
        }
    }
    Ok(())
}
