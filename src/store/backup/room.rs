//! Room on the disk: looked at before and while something large is written, so that nobody else stands before a full disk.

use std::path::Path;

/// What is left of the disk to others, in bytes: 32 MiB.
pub const LEFT: u64 = 32 << 20;

/// Bytes that can still be written in the folder; `None` if the system does not tell.
pub fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Whether so many bytes have room in the folder, and something is left.
///
/// # Errors
/// A sentence for the operator.
pub fn is_enough(folder: &Path, bytes: u64, what: &str) -> Result<(), String> {
    let needed = bytes.saturating_add(LEFT);
    match free(folder) {
        Some(free) if free < needed => Err(format!(
            "there is no room for {what}: it needs {} in {}, and {} are free",
            size(needed),
            folder.display(),
            size(free)
        )),
        _ => Ok(()),
    }
}

/// The folder of a file, as it can be opened.
pub fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A number of bytes, for people: `12.5 MiB`.
pub fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1024 => return format!("{bytes} bytes"),
        1024..1_048_576 => (1_u64 << 10, "KiB"),
        1_048_576..1_073_741_824 => (1 << 20, "MiB"),
        _ => (1 << 30, "GiB"),
    };
    let tenths = bytes / (unit / 10).max(1);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}
