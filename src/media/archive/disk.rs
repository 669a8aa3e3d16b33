//! The disk of the recordings.

use std::{io, path::Path};

use super::Archive;

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// How many bytes the disk has.
    pub total: u64,
    /// How many of them this program may still use.
    pub free: u64,
    /// Whether the data folder is on it as well.
    pub is_of_data: bool,
}

impl Archive {
    /// The disk of the folder, or of the one in which it will be made. It asks the file system, which may be slow.
    ///
    /// # Errors
    /// What the system says; a folder that was named is not there.
    pub fn disk(&self) -> io::Result<Disk> {
        let disk = self.ask_disk();
        *self.0.disk.lock() = disk.as_ref().ok().copied();
        disk
    }

    /// The same when it was last asked; `None` if it did not say.
    pub fn last_disk(&self) -> Option<Disk> {
        *self.0.disk.lock()
    }

    fn ask_disk(&self) -> io::Result<Disk> {
        let folder = match rustix::fs::stat(&self.0.folder) {
            Err(rustix::io::Errno::NOENT) if self.0.is_made => self.0.data.as_path(),
            there => there.map(|_| self.0.folder.as_path())?,
        };
        let about = rustix::fs::statvfs(folder)?;
        let bytes = |blocks: u64| blocks.saturating_mul(about.f_frsize);
        Ok(Disk {
            total: bytes(about.f_blocks),
            free: bytes(about.f_bavail),
            is_of_data: device(folder)? == device(&self.0.data)?,
        })
    }
}

fn device(folder: &Path) -> io::Result<u64> {
    Ok(rustix::fs::stat(folder)?.st_dev)
}
