//! Putting a backup in the place of a data folder's files.

use std::path::{Path, PathBuf};

use super::{
    swap,
    verify::{Report, prove},
};
use crate::domain::fields::time::UnixTime;

/// What was put back.
pub struct Restored {
    /// What was found in the backup.
    pub report: Report,
    /// Where what it replaced is kept; `None` if there was nothing.
    pub kept: Option<PathBuf>,
}

/// Proves a backup and puts it in the place of what is in the data folder, brought up to date: all of it or nothing. What it finds
/// wrong with the books of the database is a reason to refuse unless `even_damaged`. Only whoever holds the lock of the folder may do
/// this.
///
/// # Errors
/// A sentence for the operator; nothing was changed then.
pub fn restore(folder: &Path, file: &Path, at: UnixTime, even_damaged: bool) -> Result<Restored, String> {
    swap::finish(folder)?;
    let new = swap::begin(folder)?;
    let prepared = prove(file, &new, &|_, _| true).and_then(|report| {
        if report.problems.is_empty() || even_damaged {
            return Ok(report);
        }
        Err(format!(
            "{} is not restored, because check finds this wrong with it (--even-damaged restores it all the same):\n{}",
            file.display(),
            report.problems.join("\n")
        ))
    });
    let done = prepared.and_then(|report| {
        let kept = swap::commit(folder, &format!("replaced-{}", stamp(at)))?;
        Ok(Restored { report, kept })
    });
    if done.is_err() {
        swap::give_up(folder);
    }
    done
}

/// A moment in the name of a file: `20261130-205644`.
pub fn stamp(at: UnixTime) -> String {
    at.iso().chars().filter(|c| !"-:Z".contains(*c)).map(|c| if c == 'T' { '-' } else { c }).collect()
}
