//! The mark of the log of events: a file that stands beside the database and goes into no backup of it. By it a restored database is
//! told from the one that was there before.

use std::{fs, io, io::Write as _, os::unix::fs::OpenOptionsExt, path::PathBuf};

/// The name of the file.
const FILE: &str = "linecard.mark";

/// Which log the folder had, and the highest number that it had given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The log.
    pub log_id: String,
    /// The number.
    pub last: i64,
}

/// Where the mark of a data folder is.
#[derive(Clone, Debug)]
pub struct MarkFile(PathBuf);

impl MarkFile {
    /// That of a data folder.
    pub fn below(folder: &std::path::Path) -> Self {
        Self(folder.join(FILE))
    }

    /// The mark, if there is one that can be read.
    pub fn read(&self) -> Option<Mark> {
        let text = fs::read_to_string(&self.0).ok()?;
        let (log_id, last) = text.trim_ascii().split_once(' ')?;
        Some(Mark { log_id: log_id.to_owned(), last: last.parse().ok()? })
    }

    /// Writes it, as a whole or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, mark: &Mark) -> io::Result<()> {
        let part = self.0.with_extension("mark-part");
        let mut file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(format!("{} {}\n", mark.log_id, mark.last).as_bytes())?;
        fs::rename(part, &self.0)
    }
}
