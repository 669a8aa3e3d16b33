//! `linecard backup`, `verify`, `restore`.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use super::{Data, folder, output::print};
use crate::{
    app,
    domain::fields::time::UnixTime,
    host::{background, sealing},
    ops::clock,
    store::backup::{self, Manifest, Report, What, size},
};

/// A log that is worth a word, in bytes: 128 MiB.
const LONG_LOG: u64 = 128 << 20;

/// Work that may take minutes, on a thread that is nice to whoever is served.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    background::run("backup", background::UNSEEN, work)
        .await
        .unwrap_or_else(|| Err("it ended in a panic".into()))
}

/// Writes one.
pub async fn write(
    data: &Data,
    file: PathBuf,
    guide: bool,
    with_key: bool,
    key_file: Option<PathBuf>,
) -> Result<(), String> {
    folder::existing(data)?;
    let folder = data.data.clone();
    let key = with_key.then(|| key_file.unwrap_or_else(|| folder.join(sealing::FILE)));
    let what = What { made_at: clock::now(), guide, key };
    let into = file.clone();
    let written = apart(move || backup::write(&folder, &into, &what, &|_, _| true)).await?;
    let manifest = &written.manifest;
    let mut text = format!(
        "wrote {}: {}, packed from {}\nSHA-256 {}\n{}",
        file.display(),
        size(written.bytes),
        size(manifest.length()),
        written.sha256,
        counts(manifest)
    );
    if written.log_bytes > LONG_LOG {
        let _ = write!(
            text,
            "\nmeanwhile SQLite's log grew to {}: it shrinks by itself",
            size(written.log_bytes)
        );
    }
    let _ = match (with_key, manifest.has_guide()) {
        (true, _) => write!(
            text,
            "\nIT HOLDS THE KEY of sealed secrets in clear, beside the database that is sealed with it, and the passwords of lines: whoever \
             reads this file has them all. Keep it encrypted"
        ),
        (false, _) => write!(
            text,
            "\nIt holds the passwords of lines in clear. The key of sealed secrets ({}) is not in it: keep a copy of that elsewhere",
            sealing::FILE
        ),
    };
    print(&text)
}

fn counts(manifest: &Manifest) -> String {
    let Manifest { schema, lines, mags, resellers, .. } = manifest;
    let guide = if manifest.has_guide() { ", with the programme guide" } else { "" };
    format!("schema {schema}; {lines} lines, {mags} MAGs, {resellers} resellers{guide}")
}

fn made(manifest: &Manifest) -> String {
    format!("made {} by Linecard {}", UnixTime::clamped(manifest.made_at), manifest.program)
}

/// Verifies one.
pub async fn verify(file: PathBuf, scratch: Option<PathBuf>) -> Result<(), String> {
    let scratch = scratch.unwrap_or_else(|| room_for(&file));
    let named = file.clone();
    let Report { manifest, bytes, sha256, tables, problems } =
        apart(move || backup::verify(&named, &scratch, &|_, _| true)).await?;
    let mut text = format!(
        "{}: {}, {}\nSHA-256 {sha256}\n{}\nrows of each table:",
        file.display(),
        size(bytes),
        made(&manifest),
        counts(&manifest)
    );
    for (table, rows) in tables {
        let _ = write!(text, "\n  {table} {rows}");
    }
    for problem in &problems {
        let _ = write!(text, "\n{problem}");
    }
    if problems.is_empty() {
        let key = if manifest.has_key() { " IT HOLDS THE KEY of sealed secrets in clear." } else { "" };
        let _ = write!(
            text,
            "\nthe backup is whole: its sums are right, and check finds nothing wrong with its database.{key}"
        );
    }
    print(&text)?;
    match problems.len() {
        0 => Ok(()),
        1 => Err("1 problem found".into()),
        many => Err(format!("{many} problems found")),
    }
}

/// Beside the backup, where it can be unpacked there.
fn room_for(file: &Path) -> PathBuf {
    let beside = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match tempfile::tempfile_in(beside) {
        Ok(_) => beside.to_owned(),
        Err(_) => std::env::temp_dir(),
    }
}

/// Puts one back.
pub async fn restore(data: &Data, file: PathBuf, even_damaged: bool) -> Result<(), String> {
    // Before the folder is made: a name that is mistyped makes nothing.
    backup::manifest_of(&file)?;
    let _lock = app::lock(&data.data)?;
    let (folder, named) = (data.data.clone(), file.clone());
    let restored = apart(move || backup::restore(&folder, &named, clock::now(), even_damaged)).await?;
    let manifest = &restored.report.manifest;
    let mut text = format!("restored {} ({}): {}", file.display(), made(manifest), counts(manifest));
    for problem in &restored.report.problems {
        let _ = write!(text, "\n{problem}");
    }
    if let Some(kept) = &restored.kept {
        let _ = write!(
            text,
            "\nwhat was there before is kept in {}: delete that when you no longer need it",
            kept.display()
        );
    }
    if !manifest.has_key() && !data.data.join(sealing::FILE).exists() {
        let _ = write!(
            text,
            "\n{} is not there: put the one of the former machine into {} before the first start (chmod 600), or the secrets of webhooks, \
             message targets, the mail server and the classic API have to be entered again",
            sealing::FILE,
            data.data.display()
        );
    }
    text.push_str(
        "\neverybody has to sign in to the panel again; whoever follows events is told that they begin anew",
    );
    print(&text)
}
