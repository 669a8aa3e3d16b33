//! Proving a backup: it is unpacked into a folder of its own, brought up to date as a start would do it, and checked.

use std::path::Path;

use rusqlite::Connection;

use super::{
    manifest::Manifest,
    unpack::{Unpacked, unpack},
};
use crate::store::{
    self, Store, Sync,
    engine::{
        fault, pragma,
        schema::{self, Known, Strange},
    },
    guide,
};

/// What became of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the backup says of itself.
    pub manifest: Manifest,
    /// How long the file is, in bytes.
    pub bytes: u64,
    /// The SHA-256 of the file, hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
    /// The tables of the database and how many rows each has, by name.
    pub tables: Vec<(String, u64)>,
    /// What `linecard check` finds wrong with the database, and what else is: one sentence for each. A good backup has none.
    pub problems: Vec<String>,
}

/// Verifies a backup: its sums, its database (`linecard check`, once it is brought up to date), rows of each table. `scratch` is a
/// folder with room for all that is in it; what is made there is gone at the end. `go_on` is told how many bytes of how many were
/// read, and ends it by saying no.
///
/// # Errors
/// A sentence for the operator: it is no backup, another program's or a newer version's, damaged, or there is no room.
pub fn verify(file: &Path, scratch: &Path, go_on: &dyn Fn(u64, u64) -> bool) -> Result<Report, String> {
    let made = tempfile::Builder::new().prefix("linecard-verify-").tempdir_in(scratch);
    let folder = made.map_err(|e| format!("cannot create a folder in {}: {e}", scratch.display()))?;
    prove(file, folder.path(), go_on)
}

/// The same in an empty folder, in which the files stay, the database up to date.
pub fn prove(file: &Path, folder: &Path, go_on: &dyn Fn(u64, u64) -> bool) -> Result<Report, String> {
    let Unpacked { manifest, bytes, sha256 } = unpack(file, folder, go_on)?;
    let mut conn = opened(file, folder, &manifest)?;
    let explain = |e: rusqlite::Error| {
        format!("the database in {} is damaged: {}", file.display(), fault::in_words(&e))
    };
    let tables = tables(&conn).map_err(explain)?;
    // Only a power cut would tell the difference, and then nobody uses this copy.
    pragma::for_writer(&conn, Sync::Normal).map_err(explain)?;
    schema::bring_up(&mut conn, Known::Version(manifest.schema)).map_err(|e| {
        format!("the database in {} cannot be brought up to date: {}", file.display(), fault::in_words(&e))
    })?;
    conn.close().map_err(|(_, e)| explain(e))?;
    let (mut problems, read) = Store::examine(folder);
    problems.extend(read.err());
    if manifest.has_guide() {
        problems.extend(guide_problems(&folder.join(guide::FILE)));
    }
    Ok(Report { manifest, bytes, sha256, tables, problems })
}

/// The unpacked database, if it is the one that the manifest speaks of.
pub fn opened(file: &Path, folder: &Path, manifest: &Manifest) -> Result<Connection, String> {
    let shown = file.display();
    let database = folder.join(store::FILE);
    let explain =
        |e: rusqlite::Error| format!("the database in {shown} cannot be opened: {}", fault::in_words(&e));
    let conn = Connection::open_with_flags(&database, pragma::EXISTING).map_err(explain)?;
    match schema::identify(&conn) {
        Ok(Known::Version(version)) if version == manifest.schema => Ok(conn),
        Ok(_) => Err(format!("{shown} holds another database than its manifest says")),
        Err(Strange::Refused(why)) => Err(format!("{shown} cannot be used: {why}")),
        Err(Strange::Sqlite(error)) => Err(explain(error)),
    }
}

/// Every table and how many rows it has.
fn tables(conn: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let mut ask = conn.prepare(sql)?;
    let names: Vec<String> = ask.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let count = |name: String| {
        let sql = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
        let rows: i64 = conn.query_row(&sql, [], |row| row.get(0))?;
        Ok((name, rows.unsigned_abs()))
    };
    names.into_iter().map(count).collect()
}

/// It can be fetched again: so it is looked at quickly.
fn guide_problems(file: &Path) -> Option<String> {
    let look = || {
        let conn = Connection::open_with_flags(file, pragma::EXISTING)?;
        conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    };
    match look() {
        Ok(found) if found == "ok" => None,
        Ok(found) => Some(format!("{}: {found}", guide::FILE)),
        Err(error) => Some(format!("{}: {}", guide::FILE, fault::in_words(&error))),
    }
}
