//! The files of the database belong to their owner alone: lines' passwords stand in them in clear.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

/// Takes the rights of everybody else away from the database and what SQLite keeps beside it, at each start: a restored
/// file has those that the shell gave it.
pub fn make_private(file: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        let name = Path::new(&name);
        let Ok(found) = std::fs::metadata(name) else { continue };
        let mode = found.permissions().mode() & 0o777;
        let others = mode & 0o077;
        if others == 0 {
            continue;
        }
        let shown = name.display();
        match std::fs::set_permissions(name, Permissions::from_mode(mode & 0o700)) {
            Ok(()) => log::warn!(
                "{shown} was accessible to others (mode {mode:o}): it is now restricted to its owner"
            ),
            // Somebody else's file, or a file system without rights: no reason to stop.
            Err(error) => {
                log::warn!(
                    "{shown} is accessible to others (mode {mode:o}), and that cannot be changed: {error}"
                );
            }
        }
    }
}

/// The same for a file that was just made.
pub fn make_private_anew(file: &Path) {
    // A file system without rights is no reason to stop.
    let _ = std::fs::set_permissions(file, Permissions::from_mode(0o600));
}
