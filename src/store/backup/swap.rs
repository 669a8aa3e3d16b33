//! Other files in the place of those of a data folder, all of them or none, whenever the process is killed.
//!
//! What is to come lies ready in a folder of its own. As soon as that has its final name, everything is decided: whoever opens the
//! data folder next finishes what is left to be done, and every step can be done twice. What was there before is kept beside.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::unpack::sync;
use crate::store::{self, guide};

/// The folder of what is to come, below the data folder, and its name while it is filled.
const READY: &str = "linecard.restoring";
const PART: &str = "linecard.restoring-part";
/// In it: the files under the names that they get, and the name of the folder in which those before them are kept.
const NEW: &str = "new";
const KEPT: &str = "kept";
/// What belongs to a database of that name, and goes with it.
const WITH_DATABASE: [&str; 4] = ["-wal", "-shm", "-overwritten", ""];
/// What tells a restored database from the one before, and who has signed out: gone with that, the next start begins another log
/// of events, and everybody has to sign in again.
const OF_THE_FORMER: [&str; 2] = ["linecard.mark", "linecard.ended"];

/// Makes an empty folder to be filled with what is to come. What an earlier try has left is deleted.
///
/// # Errors
/// A sentence for the operator.
pub fn begin(folder: &Path) -> Result<PathBuf, String> {
    let part = folder.join(PART);
    let made =
        clear(&part).and_then(|()| DirBuilder::new().recursive(true).mode(0o700).create(part.join(NEW)));
    made.map_err(|e| format!("cannot create a folder in {}: {e}", folder.display()))?;
    Ok(part.join(NEW))
}

/// Deletes what is not to come after all, or has come.
pub fn give_up(folder: &Path) {
    if let Err(error) = clear(&folder.join(PART)) {
        log::warn!("{} cannot be deleted: {error}", folder.join(PART).display());
    }
}

fn clear(part: &Path) -> io::Result<()> {
    match fs::remove_dir_all(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Puts what was laid ready in its place; the folder in which is kept what was there, if anything was. Only whoever holds the lock of
/// the data folder may do this.
///
/// # Errors
/// A sentence for the operator. If the files were not in their place yet, the next start puts them there.
pub fn commit(folder: &Path, kept: &str) -> Result<Option<PathBuf>, String> {
    let part = folder.join(PART);
    let decide = || {
        let free = (1..).map(|n| if n == 1 { kept.to_owned() } else { format!("{kept}-{n}") });
        let kept = free.into_iter().find(|name| folder.join(name).symlink_metadata().is_err());
        fs::write(part.join(KEPT), kept.unwrap_or_default())?;
        sync(&part)?;
        fs::rename(&part, folder.join(READY))?;
        File::open(folder)?.sync_all()
    };
    decide().map_err(|e: io::Error| format!("nothing was changed in {}: {e}", folder.display()))?;
    finish(folder)
}

/// Whether a folder is between two states: a restore or rollback was killed.
pub fn is_unfinished(folder: &Path) -> bool {
    folder.join(READY).exists()
}

/// Finishes what was decided, if anything was; the folder in which is kept what was there before. Only whoever holds the lock of the
/// data folder may do this.
///
/// # Errors
/// A sentence for the operator.
pub fn finish(folder: &Path) -> Result<Option<PathBuf>, String> {
    let ready = folder.join(READY);
    if !ready.exists() {
        return Ok(None);
    }
    let step = || -> io::Result<Option<PathBuf>> {
        let kept = fs::read_to_string(ready.join(KEPT))?;
        let kept = folder.join(kept);
        put(folder, &ready.join(NEW), &kept, Path::new(""))?;
        sync_folder(folder)?;
        // Over in one step: what is deleted piece by piece could be found half deleted.
        let part = folder.join(PART);
        clear(&part)?;
        fs::rename(&ready, &part)?;
        sync_folder(folder)?;
        give_up(folder);
        Ok(kept.exists().then_some(kept))
    };
    step().map_err(|e| {
        format!(
            "what is ready in {} cannot be put in its place: {e}. The next start tries again",
            ready.display()
        )
    })
}

/// Puts the files of a folder in their place, and those that stand there into the folder that keeps them.
fn put(folder: &Path, new: &Path, kept: &Path, below: &Path) -> io::Result<()> {
    let entries: Vec<fs::DirEntry> = fs::read_dir(new.join(below))?.collect::<io::Result<_>>()?;
    for entry in entries {
        let name = below.join(entry.file_name());
        if new.join(&name).is_dir() {
            put(folder, new, kept, &name)?;
            continue;
        }
        let is_database = [store::FILE, guide::FILE].iter().any(|database| name == Path::new(database));
        let ends: &[&str] = if is_database { &WITH_DATABASE } else { &[""] };
        for end in ends {
            let mut with = name.clone().into_os_string();
            with.push(end);
            keep(folder, kept, Path::new(&with))?;
        }
        if name == Path::new(store::FILE) {
            OF_THE_FORMER.iter().try_for_each(|name| keep(folder, kept, Path::new(name)))?;
        }
        // The former ones are away on the disk before one comes: a log never lies beside a database to which it does not belong.
        sync_folder(folder)?;
        make(folder.join(&name).parent())?;
        fs::rename(new.join(&name), folder.join(&name))?;
    }
    Ok(())
}

fn keep(folder: &Path, kept: &Path, name: &Path) -> io::Result<()> {
    if folder.join(name).symlink_metadata().is_err() {
        return Ok(());
    }
    make(kept.join(name).parent())?;
    fs::rename(folder.join(name), kept.join(name))
}

fn make(folder: Option<&Path>) -> io::Result<()> {
    folder.map_or(Ok(()), |folder| DirBuilder::new().recursive(true).mode(0o700).create(folder))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }

    fn filled() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "linecard.db",
            "linecard.db-wal",
            "linecard.db-shm",
            "linecard.mark",
            "linecard.ended",
            "linecard.key",
        ] {
            fs::write(folder.path().join(name), "old").unwrap();
        }
        let new = begin(folder.path()).unwrap();
        fs::create_dir(new.join("guide")).unwrap();
        for name in ["linecard.db", "guide.db", "guide/own.xml"] {
            fs::write(new.join(name), "new").unwrap();
        }
        folder
    }

    fn assert_swapped(folder: &Path) {
        let kept = names(&folder.join("kept-here"));
        assert_eq!(
            kept,
            ["linecard.db", "linecard.db-shm", "linecard.db-wal", "linecard.ended", "linecard.mark"]
        );
        assert_eq!(names(folder), ["guide", "guide.db", "kept-here", "linecard.db", "linecard.key"]);
        for (name, text) in
            [("linecard.db", "new"), ("guide/own.xml", "new"), ("kept-here/linecard.db-wal", "old")]
        {
            assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), text, "{name}");
        }
    }

    #[test]
    fn what_is_ready_takes_the_place_of_what_was_there_which_is_kept() {
        let folder = filled();
        let kept = commit(folder.path(), "kept-here").unwrap();
        assert_eq!(kept, Some(folder.path().join("kept-here")));
        assert_swapped(folder.path());
        assert_eq!(finish(folder.path()), Ok(None));
    }

    #[test]
    fn wherever_it_is_cut_off_it_is_finished_by_the_next_who_comes_or_never_begun() {
        let folder = filled();
        assert!(!is_unfinished(folder.path()), "nothing was decided");
        assert_eq!(finish(folder.path()), Ok(None));
        assert_eq!(fs::read_to_string(folder.path().join("linecard.db")).unwrap(), "old");
        // Decided, and then cut off behind each of the steps in turn.
        for steps in 0..=8 {
            let folder = filled();
            let (at, ready) = (folder.path(), folder.path().join(READY));
            fs::write(at.join(PART).join(KEPT), "kept-here").unwrap();
            fs::rename(at.join(PART), &ready).unwrap();
            let moves: [(&str, &str); 8] = [
                ("linecard.db-wal", "kept-here/linecard.db-wal"),
                ("linecard.db-shm", "kept-here/linecard.db-shm"),
                ("linecard.db", "kept-here/linecard.db"),
                ("linecard.mark", "kept-here/linecard.mark"),
                ("linecard.ended", "kept-here/linecard.ended"),
                ("linecard.restoring/new/linecard.db", "linecard.db"),
                ("linecard.restoring/new/guide.db", "guide.db"),
                ("linecard.restoring/new/guide/own.xml", "guide/own.xml"),
            ];
            for (from, to) in &moves[..steps] {
                fs::create_dir_all(at.join(to).parent().unwrap()).unwrap();
                fs::rename(at.join(from), at.join(to)).unwrap();
            }
            // What an earlier try has left is in nobody's way.
            fs::create_dir(at.join(PART)).unwrap();
            assert!(is_unfinished(at));
            assert_eq!(finish(at), Ok(Some(at.join("kept-here"))), "{steps}");
            assert_swapped(at);
        }
    }
}
