//! How connections are set up: each pragma with its reason.

use rusqlite::{Connection, OpenFlags, Result};

use crate::store::Sync;

/// Without CREATE: a file that has gone away is not replaced by an empty one.
pub const EXISTING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

pub fn for_writer(conn: &Connection, sync: Sync) -> Result<()> {
    // Readers go on reading while the writer writes.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // What was acknowledged survives a power cut; group commit makes it cheap.
    conn.pragma_update(None, "synchronous", if sync == Sync::Full { "FULL" } else { "NORMAL" })?;
    // After a burst the log file shrinks back to 64 MiB.
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    // The checkpointer moves the log into the file, and at 64 MiB the writer: never unseen within a commit.
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    common(conn)
}

pub fn for_reader(conn: &Connection) -> Result<()> {
    // A read that writes is a mistake.
    conn.pragma_update(None, "query_only", true)?;
    common(conn)
}

fn common(conn: &Connection) -> Result<()> {
    // SQLite leaves them off unless told.
    conn.pragma_update(None, "foreign_keys", true)?;
    // A schema that somebody tampered with runs no functions.
    conn.pragma_update(None, "trusted_schema", false)?;
    // The command line may be writing: wait for it.
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    conn.set_prepared_statement_cache_capacity(256);
    Ok(())
}
