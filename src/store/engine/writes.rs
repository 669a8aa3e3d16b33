//! Whether somebody wrote to a file, or only touched it: its time changes with both, and the kernel tells them apart.

use std::{os::fd::OwnedFd, path::Path};

use rustix::{
    fs::inotify::{self, CreateFlags, WatchFlags},
    io,
};

/// Listens to the kernel for what is written to one file.
pub struct Writes(OwnedFd);

impl Writes {
    /// Of the file of that name; `None` where the kernel does not tell.
    pub fn to(path: &Path) -> Option<Self> {
        let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).ok()?;
        inotify::add_watch(&queue, path, WatchFlags::MODIFY).ok()?;
        Some(Self(queue))
    }

    /// Whether anybody wrote to it, or cut it short, since this was last asked.
    pub fn any(&self) -> bool {
        let (mut events, mut any) = ([0; 1024], false);
        loop {
            match io::read(&self.0, &mut events) {
                Ok(_) => any = true,
                Err(io::Errno::INTR) => {}
                Err(io::Errno::AGAIN) => return any,
                // What cannot be asked any more may have happened.
                Err(_) => return true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, FileTimes},
        time::SystemTime,
    };

    use super::*;

    #[test]
    fn a_touch_is_no_write() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "one").unwrap();
        let writes = Writes::to(file.path()).unwrap();
        assert!(!writes.any());
        let open = fs::File::options().write(true).open(file.path()).unwrap();
        let epoch = SystemTime::UNIX_EPOCH;
        open.set_times(FileTimes::new().set_accessed(epoch).set_modified(epoch)).unwrap();
        assert!(!writes.any(), "touched");
        let copy = tempfile::NamedTempFile::new().unwrap();
        fs::write(copy.path(), "one").unwrap();
        fs::copy(copy.path(), file.path()).unwrap();
        assert!(writes.any(), "copied over, with the same bytes");
        assert!(!writes.any(), "told once");
        open.set_len(1).unwrap();
        assert!(writes.any(), "cut short");
    }
}
