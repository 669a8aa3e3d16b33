//! Which version of the program has served a data folder last: a file beside the database, which names the one to go back to.

use std::{fs, io, path::Path};

/// The name of the file.
const FILE: &str = "linecard.version";

/// Notes that this version serves the folder.
///
/// # Errors
/// What the system says.
pub fn note(folder: &Path) -> io::Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    if last(folder) == version {
        return Ok(());
    }
    let part = folder.join("linecard.version-part");
    fs::write(&part, format!("{version}\n"))?;
    fs::rename(part, folder.join(FILE))
}

/// Lays the file of another version into a folder that is to take the place of this one.
///
/// # Errors
/// What the system says.
pub fn lay(folder: &Path, version: &str) -> io::Result<()> {
    fs::write(folder.join(FILE), format!("{version}\n"))
}

/// The version that has served it last; empty if that is not known.
pub fn last(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    let version = text.trim_ascii();
    let is_version =
        version.len() <= 40 && version.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if is_version { version.to_owned() } else { String::new() }
}
