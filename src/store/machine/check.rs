//! `linecard check`: whether the file is whole and the books are right.

use std::path::Path;

use rusqlite::Connection;

use crate::store::{
    FILE, Read, Store,
    engine::{fault, pragma},
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

impl Read<'_> {
    /// Everything that is wrong with the file, in words; empty if nothing is. What cannot be asked is one of them.
    pub fn problems(&self) -> Vec<String> {
        problems(self.conn)
    }
}

impl Store {
    /// The same of a file that cannot be opened as a store, because it is too damaged; empty if it cannot even be read.
    pub fn problems_of(folder: &Path) -> Vec<String> {
        let opened = Connection::open_with_flags(folder.join(FILE), pragma::EXISTING);
        opened.and_then(|conn| pragma::for_reader(&conn).map(|()| problems(&conn))).unwrap_or_default()
    }
}

fn problems(conn: &Connection) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, sql) in QUESTIONS {
        if let Err(error) = texts(conn, sql, &mut problems) {
            problems.push(format!("{name}: cannot be checked to the end: {}", fault::for_operator(&error)));
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
