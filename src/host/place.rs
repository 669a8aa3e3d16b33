//! Whether the data folder can be worked in, and what has to be done where it cannot: one sentence for each cause.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Access, access},
    process::geteuid,
};

/// Makes the folder with `make` unless it is there, and sees whether files can be written in it, and whether those that
/// it has of these names can be.
///
/// # Errors
/// A sentence for the operator: what is in the way, and what to do.
pub fn prepare(
    folder: &Path,
    files: &[&str],
    make: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), String> {
    make(folder).map_err(|error| refused(folder, "create", &error))?;
    // Leaves nothing behind.
    tempfile::tempfile_in(folder).map_err(|error| refused(folder, "write to", &error))?;
    files.iter().try_for_each(|name| usable(&folder.join(name)))
}

/// What has to be done about a folder that cannot be used.
fn refused(folder: &Path, act: &str, error: &io::Error) -> String {
    format!(
        "cannot {act} the folder {}: {}",
        folder.display(),
        why(folder, error, "name another with --data")
    )
}

/// Why a folder or file is refused, and what to do; `otherwise` is what can be done instead.
pub fn why(path: &Path, error: &io::Error, otherwise: &str) -> String {
    let dangling = fs::symlink_metadata(path).is_ok() && fs::metadata(path).is_err();
    if dangling && let Ok(target) = fs::read_link(path) {
        return format!(
            "it is a link to {}, which is not there; create that, mount its disk, or {otherwise}",
            target.display()
        );
    }
    let there = nearest(path);
    let shown = there.display();
    match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            format!("{shown} is a file and not a folder; move it away, or {otherwise}")
        }
        io::ErrorKind::IsADirectory => format!("it is a folder and not a file; move it away, or {otherwise}"),
        io::ErrorKind::PermissionDenied => match fs::metadata(&there) {
            Ok(found) if found.uid() != geteuid().as_raw() => {
                let (owner, own) = (found.uid(), geteuid().as_raw());
                let remedy = if there == path {
                    format!("chown -R {own} {shown}")
                } else {
                    format!("install -d -o {own} {}", path.display())
                };
                format!(
                    "{shown} belongs to user {owner}, and Linecard runs as user {own}; as root: {remedy}, or {otherwise}"
                )
            }
            _ => format!("the rights of {shown} do not allow it; chmod u+rwX {shown}, or {otherwise}"),
        },
        io::ErrorKind::ReadOnlyFilesystem => {
            format!(
                "{shown} is on a file system that is mounted read-only; mount it writable, or {otherwise}"
            )
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("the file system of {shown} is full; make room (df -h, df -i), or {otherwise}")
        }
        _ => format!("{error}; {otherwise}"),
    }
}

/// The folder or file itself, or else the nearest of those above it that is there.
fn nearest(path: &Path) -> PathBuf {
    let above = path.ancestors().filter(|above| !above.as_os_str().is_empty());
    above.into_iter().find(|above| fs::metadata(above).is_ok()).unwrap_or(Path::new(".")).to_owned()
}

/// Whether a file that is there can be read and written.
fn usable(file: &Path) -> Result<(), String> {
    let Ok(found) = fs::metadata(file) else { return Ok(()) };
    let error = if found.is_dir() {
        io::ErrorKind::IsADirectory.into()
    } else {
        match access(file, Access::READ_OK | Access::WRITE_OK) {
            Ok(()) => return Ok(()),
            Err(error) => io::Error::from(error),
        }
    };
    Err(format!("cannot use {}: {}", file.display(), why(file, &error, "name another folder with --data")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &Path, kind: io::ErrorKind) -> String {
        why(path, &kind.into(), "name another with --data")
    }

    #[test]
    fn each_cause_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        for (path, kind, said) in [
            (&file, io::ErrorKind::AlreadyExists, "is a file and not a folder; move it away"),
            (&file.join("below"), io::ErrorKind::NotADirectory, "/file is a file and not a folder"),
            (&link, io::ErrorKind::AlreadyExists, "a link to nowhere, which is not there; create that"),
            (&file, io::ErrorKind::ReadOnlyFilesystem, "mounted read-only; mount it writable"),
            (&folder.path().join("new"), io::ErrorKind::StorageFull, "is full; make room (df -h, df -i)"),
            (&file, io::ErrorKind::PermissionDenied, "do not allow it; chmod u+rwX"),
            (&PathBuf::from("/"), io::ErrorKind::Other, "name another with --data"),
        ] {
            let why = told(path, kind);
            assert!(why.contains(said) && why.ends_with("name another with --data"), "{kind}: {why}");
        }
    }
}
