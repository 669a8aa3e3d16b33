//! The data folder: whose it is, who may read it, how much room there is.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use super::{Findings, Patient, size};
use crate::{
    host::{load::space, sealing},
    store::FILE,
};

/// With fewer bytes free recordings pause, and soon nothing can be changed.
const LOW: u64 = 1_000_000_000;
const FULL: u64 = 50_000_000;

/// Looks at it, and at where recordings and the key are.
pub fn look(findings: &mut Findings, patient: &Patient) {
    let data = &patient.data;
    let Ok(about) = fs::metadata(data) else {
        return findings.bad(
            "folder",
            format!("{} is not there, or may not be looked at", data.display()),
            "name the folder of the server with --data, or run this as its user",
        );
    };
    let shown = data.canonicalize().unwrap_or_else(|_| data.clone());
    findings.good(
        "folder",
        format!("{}, mode {:o}, owner {}", shown.display(), about.mode() & 0o7777, about.uid()),
    );
    if about.mode() & 0o007 != 0 {
        findings.warn(
            "folder",
            "everybody on this machine can look into it",
            format!("chmod 700 {}", shown.display()),
        );
    }
    match tempfile::tempfile_in(data) {
        Ok(_) => {}
        Err(error) => findings.bad(
            "folder",
            format!("cannot be written to: {error}"),
            "make room, or run this as the user of the server and give it the folder (chown)",
        ),
    }
    room(findings, "disk", data);
    match &patient.archive {
        Some(archive) if archive.is_dir() => room(findings, "recordings", archive),
        Some(archive) => findings.bad(
            "recordings",
            format!("{} is not a folder", archive.display()),
            "name another with --archive",
        ),
        None => {}
    }
    for file in [FILE, "linecard.db-wal", "guide.db"] {
        let Ok(found) = fs::metadata(data.join(file)) else { continue };
        let mode = found.permissions().mode() & 0o7777;
        findings.good("file", format!("{file}, {}, mode {mode:o}", size(found.len())));
        if mode & 0o077 != 0 {
            findings.warn(
                "file",
                format!("others can read {file}"),
                format!("chmod 600 {}", shown.join(file).display()),
            );
        }
    }
    key(findings, &patient.secret_key_file.clone().unwrap_or_else(|| data.join(sealing::FILE)));
}

fn room(findings: &mut Findings, about: &'static str, folder: &Path) {
    let Some(space) = space(folder) else {
        return findings.warn(about, "how much is free cannot be found out", "");
    };
    let free = space.total.saturating_sub(space.used);
    let says = format!("{} of {} free", size(free), size(space.total));
    let todo = "make room: delete what is not needed, or shorten how long logs and recordings are kept";
    match free {
        0..FULL => findings.bad(about, says, todo),
        FULL..LOW => findings.warn(about, says, todo),
        _ => findings.good(about, says),
    }
}

fn key(findings: &mut Findings, file: &Path) {
    match fs::metadata(file) {
        Err(_) => findings.warn(
            "key file",
            format!("{} is not there", file.display()),
            "a server makes it; if there was one, put it back: what was sealed with it must be typed again otherwise",
        ),
        Ok(found) if found.mode() & 0o077 != 0 => {
            findings.warn("key file", "others can read it", format!("chmod 600 {}", file.display()));
        }
        Ok(_) => findings.good("key file", format!("{} is there", file.display())),
    }
}
