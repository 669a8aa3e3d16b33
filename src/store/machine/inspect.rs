//! What a diagnosis tells of the database: versions, sizes, how many there are of what, the last errors. It writes nothing, and takes no
//! text that somebody chose.

use std::path::Path;

use rusqlite::Connection;

use super::check;
use crate::{
    domain::{Columns as _, Fact, fields::time::UnixTime, ids::SettingsId, machine::settings::Settings},
    store::{
        FILE, Read,
        engine::{fault, schema, table::Tables},
    },
};

/// Errors that are told.
const ERRORS: u32 = 50;
/// Tables whose rows are counted: few, or counted already.
const COUNTED: [(&str, &str); 12] = [
    ("lines", "SELECT rows FROM row_counts WHERE name = 'lines'"),
    ("mags", "SELECT rows FROM row_counts WHERE name = 'mags'"),
    ("streams", "SELECT count(*) FROM streams"),
    ("bouquets", "SELECT count(*) FROM bouquets"),
    ("plans", "SELECT count(*) FROM subscription_plans"),
    ("resellers", "SELECT count(*) FROM resellers"),
    ("administrators", "SELECT count(*) FROM administrators"),
    ("API keys", "SELECT count(*) FROM api_keys"),
    ("load balancers", "SELECT count(*) - 1 FROM servers"),
    ("guide sources", "SELECT count(*) FROM guide_sources"),
    ("webhooks", "SELECT count(*) FROM webhooks"),
    ("events kept", "SELECT coalesce(max(id) - min(id) + 1, 0) FROM events"),
];

/// What was found.
#[derive(Default)]
pub struct Inspection {
    /// The version of the file; 0 if there is none.
    pub schema: i64,
    pub sqlite: &'static str,
    /// The settings in the order of their columns; none of another schema.
    pub settings: Vec<(&'static str, Fact)>,
    pub counts: Vec<(&'static str, i64)>,
    pub errors: Vec<NotedError>,
    /// When a server that ran last knew the time.
    pub known_time: Option<UnixTime>,
    /// What could not be read.
    pub unread: Vec<String>,
}

/// A row of the Panel Error Log, without who and whence.
pub struct NotedError {
    pub at: i64,
    pub reference: String,
    pub call: String,
    /// The engine's own words.
    pub detail: String,
}

impl Inspection {
    /// Of the database in that folder.
    ///
    /// # Errors
    /// A sentence: there is none, or it cannot be opened.
    pub fn of(folder: &Path) -> Result<Self, String> {
        let conn = check::open(&folder.join(FILE))?;
        let mut found = Self { sqlite: rusqlite::version(), ..Self::default() };
        let schema = conn.pragma_query_value(None, "user_version", |row| row.get(0));
        found.schema = schema.map_err(|error| fault::in_words(&error))?;
        if found.schema != i64::try_from(schema::VERSION).unwrap_or(0) {
            return Ok(found);
        }
        for (name, sql) in COUNTED {
            match conn.query_row(sql, [], |row| row.get(0)) {
                Ok(count) => found.counts.push((name, count)),
                Err(error) => found.unread.push(format!("{name}: {}", fault::in_words(&error))),
            }
        }
        match errors(&conn) {
            Ok(errors) => found.errors = errors,
            Err(error) => found.unread.push(format!("error log: {}", fault::in_words(&error))),
        }
        let read = Tables::of(&conn).map_err(crate::domain::Error::from).and_then(|tables| {
            let read = Read { conn: &conn, tables: &tables };
            Ok((read.by_id::<Settings>(SettingsId(1))?, read.known_time()?))
        });
        match read {
            Ok((settings, known)) => {
                found.settings = settings.map(|row| row.record.facts()).unwrap_or_default();
                found.known_time = known;
            }
            Err(error) => found.unread.push(format!("settings: {}", error.for_operator())),
        }
        Ok(found)
    }
}

fn errors(conn: &Connection) -> rusqlite::Result<Vec<NotedError>> {
    let sql =
        "SELECT at, reference, resource || '/' || action, detail FROM error_log ORDER BY id DESC LIMIT ?";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([ERRORS], |row| {
        Ok(NotedError { at: row.get(0)?, reference: row.get(1)?, call: row.get(2)?, detail: row.get(3)? })
    })?;
    rows.collect()
}
