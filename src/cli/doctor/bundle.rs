//! What was found as one file, to be sent with a question.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, Header};

use crate::domain::fields::time::UnixTime;

/// Writes texts under their names as a `.tar.gz` that only its owner can read; a file that is there already stays.
pub fn write(file: &Path, texts: &[(&str, String)], now: UnixTime) -> Result<(), String> {
    packed(file, texts, now).map_err(|error| format!("cannot write {}: {error}", file.display()))
}

fn packed(file: &Path, texts: &[(&str, String)], now: UnixTime) -> io::Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    let mut archive = Builder::new(GzEncoder::new(made, Compression::default()));
    for (name, text) in texts {
        let mut header = Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(now.seconds().unsigned_abs());
        archive.append_data(&mut header, format!("linecard-doctor/{name}"), text.as_bytes())?;
    }
    archive.into_inner()?.finish()?.sync_all()
}
