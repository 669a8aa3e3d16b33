//! What is forgotten after its time: log rows and kept answers.

use rusqlite::params;

use super::logs::Log;
use crate::{
    domain::{
        Result,
        fields::{number::Days, time::UnixTime},
    },
    store::{Write, engine::idempotency},
};

/// Rows deleted by one job, so that no writer waits long for it.
const AT_ONCE: i64 = 500;
/// A row that is more seconds ahead of the clock is from the future.
const AHEAD: i64 = 3600;

impl Write<'_> {
    /// Deletes those of the next rows of a log, behind the row `after`, that are older than `days`; behind which row to
    /// go on, if older ones may follow. Rows from the future, which a clock that was ahead has left, hold up nothing.
    ///
    /// # Errors
    /// A database error.
    pub fn forget_log(&self, log: Log, days: Days, now: UnixTime, after: i64) -> Result<Option<i64>> {
        if days.get() == 0 {
            return Ok(None);
        }
        let (table, oldest) = (log.table(), now.seconds() - days.get() * 86_400);
        let sql = format!(
            "SELECT max(id), count(*), count(*) FILTER (WHERE at >= ?3 AND at <= ?4) FROM \
             (SELECT id, at FROM {table} WHERE id > ?1 ORDER BY id LIMIT ?2)"
        );
        let seen = self
            .conn
            .prepare_cached(&sql)?
            .query_row(params![after, AT_ONCE, oldest, now.seconds() + AHEAD], |row| {
                Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            })?;
        let (Some(last), rows, young) = seen else { return Ok(None) };
        let sql = format!("DELETE FROM {table} WHERE id > ? AND id <= ? AND at < ?");
        self.conn.prepare_cached(&sql)?.execute(params![after, last, oldest])?;
        Ok((rows == AT_ONCE && young == 0).then_some(last))
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
