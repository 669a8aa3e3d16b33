//! `tests/faults/disk.c`: a disk that can lose its power and fill up.

use std::{path::Path, process::Command, sync::OnceLock};

/// The exit code of a server whose power was cut.
pub const CUT: i32 = 77;

/// The library to preload, built on the first call.
pub fn library() -> &'static Path {
    static BUILT: OnceLock<&Path> = OnceLock::new();
    BUILT.get_or_init(|| {
        let library = Path::new(concat!(env!("CARGO_TARGET_TMPDIR"), "/disk.so"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/disk.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(library)
            .args([source, "-ldl"])
            .status();
        assert!(
            built.expect("cc is installed: scripts/test does that").success(),
            "{source} does not compile"
        );
        library
    })
}
