//! What is forgotten after its time: log rows and kept answers.

use rusqlite::params;

use super::{Write, idempotency, logs::Log};
use crate::domain::{Result, number::Days, time::UnixTime};

/// Rows deleted by one job, so that no writer waits long for it.
const AT_ONCE: i64 = 500;

impl Write<'_> {
    /// Deletes the oldest rows of a log that are older than `days`; whether more may be left.
    ///
    /// # Errors
    /// A database error.
    pub fn forget_log(&self, log: Log, days: Days, now: UnixTime) -> Result<bool> {
        if days.get() == 0 {
            return Ok(false);
        }
        let table = log.table();
        let sql = format!(
            "DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT ?) AND at < ?"
        );
        let oldest = now.seconds() - days.get() * 86_400;
        let gone = self.conn.prepare_cached(&sql)?.execute(params![AT_ONCE, oldest])?;
        Ok(i64::try_from(gone).unwrap_or(0) == AT_ONCE)
    }

    /// Deletes kept answers that are too old to be given again; whether more may be left.
    ///
    /// # Errors
    /// A database error.
    pub fn forget_answers(&self, now: UnixTime) -> Result<bool> {
        let sql = "DELETE FROM idempotency WHERE (api_key_id, key) IN \
                   (SELECT api_key_id, key FROM idempotency WHERE created_at <= ? LIMIT ?)";
        let oldest = now.seconds() - idempotency::KEPT;
        let gone = self.conn.prepare_cached(sql)?.execute(params![oldest, AT_ONCE])?;
        Ok(i64::try_from(gone).unwrap_or(0) == AT_ONCE)
    }
}
