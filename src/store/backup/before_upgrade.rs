//! A backup before the schema of a database is brought up to date: what `linecard rollback` puts back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    restore::stamp,
    room::size,
    write::{What, write},
};
use crate::{
    domain::fields::time::UnixTime,
    store::{
        self,
        engine::schema::{self, Known},
        machine::check,
        make_private,
    },
};

/// The folder of backups that the program makes by itself, in the data folder.
pub const FOLDER: &str = "backups";
/// So many of those from before upgrades are kept, one for each schema.
const KEPT: usize = 3;
/// How their names begin and end.
const BEGINNING: &str = "before-schema-";
const END: &str = ".tar.zst";

/// Makes a backup if the next start upgrades the schema of the database in the folder; what is to be told of it. `is_wanted` is not
/// unless the operator goes without.
///
/// # Errors
/// A sentence for the operator: then the database must not be upgraded.
pub fn before_upgrade(folder: &Path, at: UnixTime, is_wanted: bool) -> Result<Option<String>, String> {
    let file = folder.join(store::FILE);
    if !file.metadata().is_ok_and(|found| found.len() > 0) {
        return Ok(None);
    }
    // What is strange about it the start itself tells.
    let Ok(Ok(Known::Version(from))) = check::open(&file).map(|conn| schema::identify(&conn)) else {
        return Ok(None);
    };
    let to = schema::VERSION;
    if from == to {
        return Ok(None);
    }
    if !is_wanted {
        return Ok(Some(format!(
            "The database is upgraded from schema {from} to {to} without a backup, as LINECARD_NO_UPGRADE_BACKUP says"
        )));
    }
    let backups = folder.join(FOLDER);
    // One that failed may have been made in the same second.
    let names = (1..).map(|n| if n == 1 { stamp(at) } else { format!("{}-{n}", stamp(at)) });
    let mut names = names.map(|name| backups.join(format!("{BEGINNING}{to}-{name}{END}")));
    let into = names.find(|name| !name.exists()).unwrap_or_default();
    let without = "nothing was upgraded. To go without a backup, set LINECARD_NO_UPGRADE_BACKUP=1";
    make_private(&backups)
        .map_err(|e| format!("cannot create the folder {}: {e}; {without}", backups.display()))?;
    let written =
        write(folder, &into, &What::database(at), &|_, _| true).map_err(|why| format!("{why}; {without}"))?;
    forget(&backups, &into);
    Ok(Some(format!(
        "The database is upgraded from schema {from} to {to}; a backup from before it is {} ({}). To go back: linecard rollback",
        into.display(),
        size(written.bytes)
    )))
}

/// The backups from before upgrades, newest first.
pub fn all(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join(FOLDER)).into_iter().flatten().flatten();
    let mut found: Vec<((usize, String), PathBuf)> =
        entries.filter_map(|entry| Some((named(entry.file_name().to_str()?)?, entry.path()))).collect();
    found.sort_by(|(one, _), (other, _)| other.cmp(one));
    found.into_iter().map(|(_, path)| path).collect()
}

/// To which schema the upgrade led, and when.
fn named(name: &str) -> Option<(usize, String)> {
    let (to, at) = name.strip_prefix(BEGINNING)?.strip_suffix(END)?.split_once('-')?;
    Some((to.parse().ok()?, at.to_owned()))
}

/// Deletes those before the newest ones, and any other of the same upgrade: a start that fails again and again drives out no other.
fn forget(backups: &Path, newest: &Path) {
    let to = |path: &Path| path.file_name().and_then(|name| named(name.to_str()?)).map(|(to, _)| to);
    let all = all(backups.parent().unwrap_or(backups));
    let (same, others): (Vec<_>, Vec<_>) =
        all.into_iter().filter(|path| path != newest).partition(|path| to(path) == to(newest));
    for path in same.iter().chain(others.iter().skip(KEPT - 1)) {
        if let Err(error) = fs::remove_file(path) {
            log::warn!("the old backup {} cannot be deleted: {error}", path.display());
        }
    }
}
