//! Whose file it is, which version, and how it is brought to the newest.

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::{domain::Result, store::Read};

/// "LNCD": tells our files from other programs'.
const APPLICATION_ID: i32 = 0x4C4E_4344;

/// The version of `schema.sql`: one more for each upgrade.
pub const VERSION: usize = UPGRADES.len() + 1;

const SCHEMA: &str = include_str!("../../../schema.sql");

/// `UPGRADES[0]` leads from version 1 to 2, and so on.
const UPGRADES: [&str; 20] = [
    include_str!("upgrades/2.sql"),
    include_str!("upgrades/3.sql"),
    include_str!("upgrades/4.sql"),
    include_str!("upgrades/5.sql"),
    include_str!("upgrades/6.sql"),
    include_str!("upgrades/7.sql"),
    include_str!("upgrades/8.sql"),
    include_str!("upgrades/9.sql"),
    include_str!("upgrades/10.sql"),
    include_str!("upgrades/11.sql"),
    include_str!("upgrades/12.sql"),
    include_str!("upgrades/13.sql"),
    include_str!("upgrades/14.sql"),
    include_str!("upgrades/15.sql"),
    include_str!("upgrades/16.sql"),
    include_str!("upgrades/17.sql"),
    include_str!("upgrades/18.sql"),
    include_str!("upgrades/19.sql"),
    include_str!("upgrades/20.sql"),
    include_str!("upgrades/21.sql"),
];

impl Read<'_> {
    /// The version that the file says it has.
    ///
    /// # Errors
    /// A database error.
    pub fn schema_version(&self) -> Result<i64> {
        Ok(self.conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
    }
}

/// What was found in the file.
#[derive(Clone, Copy)]
pub enum Known {
    /// Nothing: a new file.
    New,
    /// Our schema of that version.
    Version(usize),
}

impl Known {
    /// Whether it is what this version works with.
    pub fn is_current(&self) -> bool {
        matches!(self, Self::Version(VERSION))
    }
}

/// Why a file is not ours to use.
pub enum Strange {
    /// It could not be read.
    Sqlite(rusqlite::Error),
    /// It is somebody else's or newer; a whole reason.
    Refused(String),
}

impl From<rusqlite::Error> for Strange {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Looks at the file without changing it.
pub fn identify(conn: &Connection) -> Result<Known, Strange> {
    let application = conn.pragma_query_value(None, "application_id", |row| row.get(0));
    let application: i32 = application.map_err(|e| match e.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Strange::Refused(
            "it is not a database, or its beginning is damaged. Name another folder with --data, or restore a backup"
                .into(),
        ),
        _ => Strange::Sqlite(e),
    })?;
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, tables, usize::try_from(version).ok()) {
        (0, 0, Some(0)) => Ok(Known::New),
        (APPLICATION_ID, _, Some(version @ 1..=VERSION)) => Ok(Known::Version(version)),
        (APPLICATION_ID, ..) => Err(Strange::Refused(format!(
            "a newer Linecard made it (schema {version}; this one knows up to {VERSION}). Run that newer version"
        ))),
        _ => Err(Strange::Refused("it belongs to another program. Name another folder with --data".into())),
    }
}

/// Makes or upgrades the schema, all or nothing.
pub fn bring_up(conn: &mut Connection, known: Known) -> rusqlite::Result<()> {
    let from = match known {
        Known::Version(VERSION) => return Ok(()),
        Known::Version(version) => version,
        Known::New => 0,
    };
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    let found: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if usize::try_from(found) == Ok(VERSION) {
        return Ok(());
    }
    if from == 0 {
        tx.execute_batch(SCHEMA)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    } else {
        for upgrade in &UPGRADES[from - 1..] {
            tx.execute_batch(upgrade)?;
        }
    }
    tx.pragma_update(None, "user_version", VERSION.to_string())?;
    tx.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A filled database of every version, oldest first. The newest one is among them: its rows are looked at as well.
    const FILLED: [&str; 21] = [
        include_str!("../../../tests/fixtures/schema-1.sql"),
        include_str!("../../../tests/fixtures/schema-2.sql"),
        include_str!("../../../tests/fixtures/schema-3.sql"),
        include_str!("../../../tests/fixtures/schema-4.sql"),
        include_str!("../../../tests/fixtures/schema-5.sql"),
        include_str!("../../../tests/fixtures/schema-6.sql"),
        include_str!("../../../tests/fixtures/schema-7.sql"),
        include_str!("../../../tests/fixtures/schema-8.sql"),
        include_str!("../../../tests/fixtures/schema-9.sql"),
        include_str!("../../../tests/fixtures/schema-10.sql"),
        include_str!("../../../tests/fixtures/schema-11.sql"),
        include_str!("../../../tests/fixtures/schema-12.sql"),
        include_str!("../../../tests/fixtures/schema-13.sql"),
        include_str!("../../../tests/fixtures/schema-14.sql"),
        include_str!("../../../tests/fixtures/schema-15.sql"),
        include_str!("../../../tests/fixtures/schema-16.sql"),
        include_str!("../../../tests/fixtures/schema-17.sql"),
        include_str!("../../../tests/fixtures/schema-18.sql"),
        include_str!("../../../tests/fixtures/schema-19.sql"),
        include_str!("../../../tests/fixtures/schema-20.sql"),
        include_str!("../../../tests/fixtures/schema-21.sql"),
    ];

    fn opened(sql: &str) -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(sql).unwrap();
        conn
    }

    fn texts(conn: &Connection, sql: &str) -> Vec<String> {
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    /// `CREATE` texts that compare: without comments and layout, and with the columns and constraints of a table in an
    /// order of their own, since a column that came by an upgrade stands last.
    fn shape(conn: &Connection) -> Vec<String> {
        texts(conn, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
            .iter()
            .map(|sql| comparable(sql))
            .collect()
    }

    fn comparable(sql: &str) -> String {
        let bare: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap()).collect();
        let sql = bare.join(" ").replace('"', "").split_whitespace().collect::<Vec<_>>().join(" ");
        if !sql.starts_with("CREATE TABLE") {
            return sql;
        }
        let (head, rest) = sql.split_once('(').unwrap();
        let (body, tail) = rest.rsplit_once(')').unwrap();
        let mut depth = 0;
        let mut parts: Vec<&str> = body
            .split(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                c == ',' && depth == 0
            })
            .map(str::trim)
            .collect();
        parts.sort_unstable();
        format!("{} (\n{}\n){tail}", head.trim(), parts.join("\n"))
    }

    fn rows(conn: &Connection) -> Vec<(String, i64)> {
        texts(
            conn,
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
        )
        .into_iter()
        .map(|table| {
            let count = conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
            (table, count.unwrap())
        })
        .collect()
    }

    #[test]
    fn every_version_has_a_filled_database_which_becomes_a_new_one_and_keeps_its_rows() {
        assert_eq!(FILLED.len(), VERSION, "the newest schema needs tests/fixtures/schema-{VERSION}.sql");
        let mut new = Connection::open_in_memory().unwrap();
        bring_up(&mut new, Known::New).unwrap();
        let new = shape(&new);

        for (at, sql) in FILLED.into_iter().enumerate() {
            let version = at + 1;
            let mut old = opened(sql);
            assert!(
                matches!(identify(&old), Ok(Known::Version(found)) if found == version),
                "fixture {version}"
            );
            let before = rows(&old);
            for (table, count) in &before {
                assert!(*count > 0, "fixture {version} has nothing in {table}");
            }
            bring_up(&mut old, Known::Version(version)).unwrap();
            assert_eq!(shape(&old), new, "from schema {version}");
            assert_eq!(texts(&old, "PRAGMA integrity_check"), ["ok"], "from schema {version}");
            assert_eq!(rows_that_point_nowhere(&old), 0, "from schema {version}");
            let after = rows(&old);
            for row in before {
                assert!(after.contains(&row), "from schema {version}: {row:?} is not in {after:?}");
            }
        }
    }

    fn rows_that_point_nowhere(conn: &Connection) -> i64 {
        conn.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn shapes_differ_by_a_check_a_reference_or_an_option() {
        let whole = "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER NOT NULL CHECK (b IN (0, 1)) REFERENCES c (id)) STRICT";
        let moved = "CREATE TABLE \"a\" (\n b INTEGER NOT NULL  CHECK (b IN (0, 1)) REFERENCES c (id), -- a flag, or none\n id INTEGER PRIMARY KEY\n) STRICT";
        assert_eq!(comparable(whole), comparable(moved));
        for without in [" CHECK (b IN (0, 1))", " REFERENCES c (id)", " STRICT", " NOT NULL"] {
            assert_ne!(comparable(whole), comparable(&whole.replace(without, "")), "{without}");
        }
    }

    #[test]
    fn refusals_of_other_devices_from_before_schema_6_are_found_by_their_code() {
        let mut old = opened(FILLED[4]);
        old.execute_batch(
            "UPDATE refusal_log SET reason = 'the MAG is bound to another device: mag/reset_device lets this one in'
             WHERE id = 2",
        )
        .unwrap();
        bring_up(&mut old, Known::Version(5)).unwrap();
        assert_eq!(texts(&old, "SELECT ifnull(code, '') FROM refusal_log ORDER BY id"), ["", "device", ""]);
    }

    #[test]
    fn plans_that_resellers_sold_before_schema_5_go_on_being_sold() {
        let mut old = opened(FILLED[3]);
        old.execute_batch(
            "UPDATE subscription_plans SET credits = 0, is_trial = 0; UPDATE subscription_plans SET is_trial = 1 WHERE id = 3;
             UPDATE lines SET subscription_plan_id = NULL; UPDATE mags SET subscription_plan_id = NULL;
             UPDATE lines SET subscription_plan_id = 2, reseller_id = 1 WHERE id = 1;
             UPDATE lines SET subscription_plan_id = 1, reseller_id = NULL WHERE id = 2;
             INSERT INTO subscription_plans (id, name, credits, created_at, updated_at) VALUES (9, 'paid', 5, 1, 1);",
        )
        .unwrap();
        bring_up(&mut old, Known::Version(4)).unwrap();
        let sold = texts(&old, "SELECT cast(id AS TEXT) FROM subscription_plans WHERE for_resellers = 1");
        assert_eq!(sold, ["2", "3", "9"], "a reseller's line has it, trials, and what has a price");
        assert_eq!(texts(&old, "SELECT DISTINCT cast(trials_per_day AS TEXT) FROM resellers"), ["10"]);
    }
}
