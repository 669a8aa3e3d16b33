//! The file that a server leaves behind whose database or log was written over: it keeps the next start from mixing a log
//! into a database to which it does not belong.

use std::path::Path;

use super::files::beside;

/// The end of its name.
const END: &str = "-overwritten";

/// What it says.
const DATABASE_NOTE: &str = "the database was copied over\n";
const LOG_NOTE: &str = "the log was written over\n";

/// What somebody has written over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Spoilt {
    Database,
    Log,
}

/// Leaves it behind, beside the database of that path.
pub fn note(path: &Path, what: Spoilt) {
    let (name, note) = match what {
        Spoilt::Database => ("", DATABASE_NOTE),
        Spoilt::Log => ("-wal", LOG_NOTE),
    };
    log::error!("{}{name} was overwritten while it was open: nothing is written any more", path.display());
    if let Err(error) = std::fs::write(beside(path, END), note) {
        log::error!("{}{END} cannot be written: {error}", path.display());
    }
}

/// Whether a file may be opened: not if the log beside it belongs to the database that it replaced. Changes nothing.
///
/// # Errors
/// A sentence for the operator.
pub fn may_look(path: &Path) -> Result<(), String> {
    let (note, log) = (beside(path, END), beside(path, "-wal"));
    if !note.exists() || !std::fs::metadata(log).is_ok_and(|found| found.len() > 0) {
        return Ok(());
    }
    let name = path.display();
    if std::fs::read_to_string(&note).is_ok_and(|text| text == LOG_NOTE) {
        return Err(format!(
            "{name}-wal was overwritten while a server had it open: its contents are lost. To continue with what {name} itself \
             contains, delete {name}-wal and {name}-shm; to recover more, restore a backup"
        ));
    }
    Err(format!(
        "{name} was copied over while a server had it open, and {name}-wal belongs to the former database. To continue with the \
         copy, delete {name}-wal and {name}-shm"
    ))
}

/// The same for one that is to be written: the note goes once the operator chose the copy.
///
/// # Errors
/// A sentence for the operator.
pub fn may_open(path: &Path) -> Result<(), String> {
    may_look(path)?;
    let note = beside(path, END);
    if !note.exists() {
        return Ok(());
    }
    std::fs::remove_file(&note).map_err(|e| format!("cannot delete {}: {e}", note.display()))
}
