//! Back to the database from before the last upgrade.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, params};

use super::{
    before_upgrade::all,
    manifest::Manifest,
    restore::stamp,
    served_by, swap,
    unpack::{Unpacked, manifest_of, unpack},
    verify::opened,
};
use crate::{
    domain::fields::time::UnixTime,
    store::{self, engine::fault, machine::check},
};

/// Rows that are read of a log at once.
const AT_ONCE: i64 = 1_000;

/// The backup that is to be put back, and what has happened since.
pub struct Rollback {
    /// The backup.
    pub file: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    /// The schema of the database that it replaces.
    pub schema: i64,
    /// What happened behind it.
    pub since: Since,
    now: Connection,
}

/// How many rows of the audit trail and the ledger are not in the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Since {
    pub audit: i64,
    pub ledger: i64,
}

impl Rollback {
    /// The heads of the columns of [`Rollback::rows`].
    pub const HEADS: [&str; 9] = ["log", "id", "at", "who", "address", "what", "whom", "before", "after"];

    /// The last upgrade's backup, and what the database has that it has not. Nothing is changed.
    ///
    /// # Errors
    /// A sentence for the operator: there is no such backup, or nothing to take back.
    pub fn of(folder: &Path) -> Result<Self, String> {
        let database = folder.join(store::FILE);
        let Some(file) = all(folder).into_iter().next() else {
            return Err(format!(
                "there is no backup from before an upgrade in {}: put one back with linecard restore",
                folder.join(super::FOLDER).display()
            ));
        };
        let manifest = manifest_of(&file)?;
        let now = check::open(&database)?;
        let explain =
            |e: rusqlite::Error| format!("cannot read {}: {}", database.display(), fault::in_words(&e));
        let schema: i64 = now.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(explain)?;
        if usize::try_from(schema).is_ok_and(|schema| schema <= manifest.schema) {
            return Err(format!(
                "the database has schema {schema}, and the last backup from before an upgrade as well: there is nothing to take back"
            ));
        }
        let count = |table: &str, after: i64| {
            let sql = format!("SELECT count(*) FROM {table} WHERE id > ?");
            now.query_row(&sql, [after], |row| row.get(0)).map_err(explain)
        };
        let since = Since {
            audit: count("audit_log", manifest.last_audit)?,
            ledger: count("ledger", manifest.last_ledger)?,
        };
        Ok(Self { file, manifest, schema, since, now })
    }

    /// The version of the program that works with it, in words.
    pub fn version(&self) -> String {
        match self.manifest.served_by.as_str() {
            "" => format!("the version that ran before the upgrade (its schema is {})", self.manifest.schema),
            version => format!("Linecard {version}"),
        }
    }

    /// The rows that are not in the backup, some at a time, in the columns of [`Rollback::HEADS`]: first those of the audit trail, then
    /// those of the ledger.
    ///
    /// # Errors
    /// A sentence for the operator, or what `take` says.
    pub fn rows(&self, mut take: impl FnMut(Vec<Vec<String>>) -> Result<(), String>) -> Result<(), String> {
        let audit = "SELECT id, 'audit_log', at, actor_kind || ':' || actor, ifnull(address, ''), resource || '/' || action, target, before, \
                     after FROM audit_log WHERE id > ? ORDER BY id LIMIT ?";
        let ledger = "SELECT id, 'ledger', at, actor, '', reason, 'reseller ' || reseller_id, '', 'amount ' || amount || ', balance ' || \
                      balance || ifnull(', line ' || line_id, '') || ifnull(', MAG ' || mag_id, '') || ', note: ' || note FROM ledger \
                      WHERE id > ? ORDER BY id LIMIT ?";
        for (sql, mut after) in [(audit, self.manifest.last_audit), (ledger, self.manifest.last_ledger)] {
            loop {
                let rows = self
                    .page(sql, after)
                    .map_err(|e| format!("cannot read the logs: {}", fault::in_words(&e)))?;
                let Some((last, _)) = rows.last() else { break };
                after = *last;
                take(rows.into_iter().map(|(_, row)| row).collect())?;
            }
        }
        Ok(())
    }

    fn page(&self, sql: &str, after: i64) -> rusqlite::Result<Vec<(i64, Vec<String>)>> {
        let mut ask = self.now.prepare_cached(sql)?;
        let rows = ask.query_map(params![after, AT_ONCE], |row| {
            let id: i64 = row.get(0)?;
            let text = |at: usize| row.get::<_, String>(at);
            let at = UnixTime::clamped(row.get(2)?).iso();
            let cells =
                [text(1)?, id.to_string(), at, text(3)?, text(4)?, text(5)?, text(6)?, text(7)?, text(8)?];
            Ok((id, cells.into()))
        })?;
        rows.collect()
    }

    /// Puts the backup in the place of the database, which is kept; the folder in which it is. Only whoever holds the lock of the data
    /// folder may do this.
    ///
    /// # Errors
    /// A sentence for the operator; nothing was changed then.
    pub fn carry_out(self, folder: &Path, at: UnixTime) -> Result<Option<PathBuf>, String> {
        let Self { file, now, .. } = self;
        drop(now);
        let new = swap::begin(folder)?;
        let done = prove_untouched(&file, &new)
            .and_then(|()| swap::commit(folder, &format!("replaced-{}", stamp(at))));
        if done.is_err() {
            swap::give_up(folder);
        }
        done
    }
}

/// Unpacks it and looks whether the database is whole, without bringing it up to date: the former program is to open it.
fn prove_untouched(file: &Path, new: &Path) -> Result<(), String> {
    let Unpacked { manifest, .. } = unpack(file, new, &|_, _| true)?;
    let conn = opened(file, new, &manifest)?;
    let found = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    match found {
        Ok(found) if found == "ok" => {}
        Ok(found) => return Err(format!("the database in {} is damaged: {found}", file.display())),
        Err(error) => return Err(format!("the database in {} is damaged: {error}", file.display())),
    }
    conn.close().map_err(|(_, error)| error.to_string())?;
    // The former program may be one that does not note itself.
    served_by::lay(new, &manifest.served_by).map_err(|error| error.to_string())?;
    // Looking at it leaves nothing beside it.
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(new.join(format!("{}{end}", store::FILE)));
    }
    Ok(())
}
