//! Whose file it is, which version, and how it is brought to the newest.

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

/// "LNCD": tells our files from other programs'.
const APPLICATION_ID: i32 = 0x4C4E_4344;

/// The version of `schema.sql`: one more for each upgrade.
pub const VERSION: usize = UPGRADES.len() + 1;

const SCHEMA: &str = include_str!("../../schema.sql");

/// `UPGRADES[0]` leads from version 1 to 2, and so on.
const UPGRADES: [&str; 4] = [
    include_str!("upgrades/2.sql"),
    include_str!("upgrades/3.sql"),
    include_str!("upgrades/4.sql"),
    include_str!("upgrades/5.sql"),
];

/// What was found in the file.
#[derive(Clone, Copy)]
pub enum Known {
    /// Nothing: a new file.
    New,
    /// Our schema of that version.
    Version(usize),
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

    /// Every object with its columns, in an order of names: a column that came later stands last.
    fn shape(conn: &Connection) -> Vec<(String, String)> {
        let sql = "SELECT s.type || ' ' || s.name, coalesce(c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || \
                   coalesce(c.dflt_value, 'none'), s.sql, '') FROM sqlite_schema s \
                   LEFT JOIN pragma_table_info(s.name) c ON s.type = 'table' ORDER BY 1, 2";
        let mut statement = conn.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    #[test]
    fn an_upgraded_file_has_the_schema_of_a_new_one() {
        let mut new = Connection::open_in_memory().unwrap();
        bring_up(&mut new, Known::New).unwrap();

        let mut old = Connection::open_in_memory().unwrap();
        old.execute_batch(include_str!("upgrades/1.sql")).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        old.execute(
            "INSERT INTO lines (username, password, created_at, updated_at) VALUES ('a', 'b', 1, 1)",
            [],
        )
        .unwrap();
        old.execute_batch(
            "INSERT INTO resellers (name, created_at, updated_at) VALUES ('North', 1, 1);
             INSERT INTO subscription_plans (name, credits, is_trial, created_at, updated_at)
             VALUES ('own', 0, 0, 1, 1), ('paid', 5, 0, 1, 1), ('trial', 0, 1, 1, 1), ('given', 0, 0, 1, 1);
             INSERT INTO lines (username, password, subscription_plan_id, reseller_id, created_at, updated_at)
             VALUES ('c', 'd', 4, 1, 1, 1), ('e', 'f', 1, NULL, 1, 1);",
        )
        .unwrap();
        bring_up(&mut old, Known::Version(1)).unwrap();
        let sold = "SELECT group_concat(for_resellers) FROM (SELECT for_resellers FROM subscription_plans ORDER BY id)";
        let sold: String = old.query_row(sold, [], |row| row.get(0)).unwrap();
        assert_eq!(sold, "0,1,1,1", "with a price, as trials, and what a reseller's line has");
        let trials: i64 =
            old.query_row("SELECT trials_per_day FROM resellers", [], |row| row.get(0)).unwrap();
        assert_eq!(trials, 10);

        assert_eq!(shape(&old), shape(&new));
        let version: i64 = old.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(usize::try_from(version), Ok(VERSION));
    }
}
