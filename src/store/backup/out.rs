//! A file that is there as a whole or not at all: written beside its place, on the disk before it takes it.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use ring::digest::{Context, SHA256};
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use super::room::{LEFT, folder_of, free};
use crate::store::engine::files::beside;

/// So often it goes on the disk, in bytes: what is written at once at the end would make others wait.
const EVERY: u64 = 8 << 20;

/// A file under way, for its owner alone.
pub struct Out {
    place: PathBuf,
    part: PathBuf,
    file: File,
    sum: Context,
    bytes: u64,
    since: u64,
    is_done: bool,
}

impl Out {
    /// Begins one, whose name must be free.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn begin(place: &Path) -> Result<Self, String> {
        let shown = place.display();
        if place.symlink_metadata().is_ok() {
            return Err(format!("{shown} is there already: name another file, or delete it"));
        }
        let part = beside(place, ".part");
        let cannot_write = |e: io::Error| format!("cannot write {}: {e}", part.display());
        let mut options = File::options();
        options.write(true).create(true).mode(0o600);
        // Nobody leads this elsewhere.
        let no_follow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let file = options.custom_flags(no_follow).open(&part).map_err(cannot_write)?;
        // Left behind by one that was killed, or held by one that is at it.
        if file.try_lock().is_err() {
            return Err(format!("another backup is being written to {}", part.display()));
        }
        file.set_len(0).map_err(cannot_write)?;
        let (sum, is_done) = (Context::new(&SHA256), false);
        Ok(Self { place: place.to_owned(), part, file, sum, bytes: 0, since: 0, is_done })
    }

    /// Gives it its name, once it is on the disk; how long it is, and the SHA-256 of it.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(mut self) -> io::Result<(u64, String)> {
        self.file.sync_all()?;
        name_it(&self.part, &self.place)?;
        self.is_done = true;
        File::open(folder_of(&self.place))?.sync_all()?;
        Ok((self.bytes, hexadecimal(self.sum.clone())))
    }
}

/// Without a word to a file that has come there meanwhile, where the system can do that.
fn name_it(part: &Path, place: &Path) -> io::Result<()> {
    match renameat_with(CWD, part, CWD, place, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP)
            if place.symlink_metadata().is_err() =>
        {
            fs::rename(part, place)
        }
        Err(error) => Err(error.into()),
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
        self.since += bytes.len() as u64;
        if self.since >= EVERY {
            self.since = 0;
            self.file.sync_data()?;
            if free(folder_of(&self.place)).is_some_and(|free| free < LEFT) {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// A sum as `sha256sum` writes it.
pub fn hexadecimal(sum: Context) -> String {
    sum.finish().as_ref().iter().fold(String::with_capacity(64), |text, byte| format!("{text}{byte:02x}"))
}
