//! `linecard check`: whether the file is whole and the books are right.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use rustix::fs::Access;

use crate::{
    domain::Error,
    store::{
        FILE, Read, Store,
        engine::{
            fault,
            files::beside,
            modes, overwritten, pragma,
            schema::{self, Strange},
            table::Tables,
        },
        machine::snapshot,
    },
};

/// What is asked, each with its name: a damaged file may answer one and not the next.
const QUESTIONS: [(&str, &str); 5] = [
    ("integrity", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
    (
        "references",
        "SELECT 'foreign key: row ' || rowid || ' of ' || \"table\" || ' refers to a missing row of ' || parent \
         FROM pragma_foreign_key_check",
    ),
    (
        "balances",
        "SELECT 'ledger: reseller ' || id || ' has ' || credits || ' credits, its ledger says ' || booked \
         FROM (SELECT r.id, r.credits, coalesce((SELECT sum(amount) FROM ledger l WHERE l.reseller_id = r.id), 0) \
         AS booked FROM resellers r) WHERE credits <> booked",
    ),
    (
        "ledger",
        "SELECT 'ledger: row ' || id || ' says ' || balance || ' after it, the rows before say ' || running \
         FROM (SELECT id, balance, sum(amount) OVER (PARTITION BY reseller_id ORDER BY id) AS running FROM ledger) \
         WHERE balance <> running",
    ),
    (
        "counts",
        "SELECT 'count: ' || name || ' are counted as ' || rows || ', there are ' || real FROM (SELECT name, rows, \
         CASE name WHEN 'lines' THEN (SELECT count(*) FROM lines) ELSE (SELECT count(*) FROM mags) END AS real \
         FROM row_counts) WHERE rows <> real",
    ),
];

impl Store {
    /// Everything that is wrong with the database in `folder`, in words, and why it could not be worked with. What cannot be
    /// asked is one of the problems. Nothing is written, and a log that is there is neither moved nor deleted: what an
    /// operator is to do next may depend on it.
    pub fn examine(folder: &Path) -> (Vec<String>, Result<(), String>) {
        let file = folder.join(FILE);
        let conn = match open(&file) {
            Ok(conn) => conn,
            Err(why) => return (Vec::new(), Err(why)),
        };
        let name = file.display();
        let known = match schema::identify(&conn) {
            Ok(known) => known,
            Err(Strange::Refused(why)) => return (Vec::new(), Err(format!("cannot use {name}: {why}"))),
            Err(Strange::Sqlite(error)) => {
                return (problems(&conn), Err(format!("cannot open {name}: {}", fault::in_words(&error))));
            }
        };
        if !known.is_current() {
            let why = format!(
                "{name} was made by an older Linecard: start this one once, which brings it up to date"
            );
            return (Vec::new(), Err(why));
        }
        modes::make_private(&file);
        let read = Tables::of(&conn)
            .map_err(Error::from)
            .and_then(|tables| snapshot::load(&Read { conn: &conn, tables: &tables }).map(|_| ()));
        (problems(&conn), read.map_err(|error| format!("cannot read {name}: {}", error.for_operator())))
    }
}

/// A connection that reads and leaves the file and its log as they are. Without a log, what SQLite makes to read it goes as it came.
/// Where nothing can be made, a file without a log is read alone.
///
/// # Errors
/// A sentence for the operator.
pub fn open(file: &Path) -> Result<Connection, String> {
    overwritten::may_look(file)?;
    let has_log = std::fs::metadata(beside(file, "-wal")).is_ok_and(|found| found.len() > 0);
    let opened = reader(file, pragma::EXISTING, has_log);
    let folder = file.parent().unwrap_or(file);
    if opened.is_ok() || rustix::fs::access(folder, Access::WRITE_OK).is_ok() {
        return opened.map_err(|error| cannot_open(file, &error));
    }
    if has_log {
        let (name, folder) = (file.display(), folder.display());
        return Err(format!(
            "{name}-wal holds changes that are not in {name} yet, and nothing can be written to {folder}, which reading them \
             needs: copy both files to a folder that can be written to, and check them there"
        ));
    }
    let alone = file.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let alone = format!("file:{alone}?immutable=1");
    reader(Path::new(&alone), pragma::EXISTING | OpenFlags::SQLITE_OPEN_URI, false)
        .map_err(|error| cannot_open(file, &error))
}

/// A connection that has read something.
fn reader(file: &Path, flags: OpenFlags, keeps_log: bool) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(file, flags)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps_log)?;
    pragma::for_reader(&conn)?;
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(conn)
}

fn cannot_open(file: &Path, error: &rusqlite::Error) -> String {
    format!("cannot open {}: {}", file.display(), fault::in_words(error))
}

fn problems(conn: &Connection) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, sql) in QUESTIONS {
        if let Err(error) = texts(conn, sql, &mut problems) {
            problems.push(format!("{name}: cannot be checked to the end: {}", fault::in_words(&error)));
        }
    }
    problems
}

/// Adds what a query finds, also if it fails on the way.
fn texts(conn: &Connection, sql: &str, found: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(sql)?;
    for text in statement.query_map([], |row| row.get(0))? {
        found.push(text?);
    }
    Ok(())
}
