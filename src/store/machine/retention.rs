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
/// This many rows before the moment when a leap of the clock is noticed are in doubt as well.
const BEFORE_NOTICED: i64 = 1000;
/// This many times of doubt are told apart for each log; the first ones count as one, which lasts as long as the last of them.
const DOUBTS: i64 = 16;

impl Write<'_> {
    /// Deletes those of the next rows of a log, behind the row `after`, that are older than `days`; behind which row to
    /// go on, if older ones may follow. Rows from the future, which a clock that was ahead has left, hold up nothing; those
    /// that were written while the clock was in doubt stay `days` longer than that.
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
        let sql = format!(
            "DELETE FROM {table} AS old WHERE id > ?1 AND id <= ?2 AND at < ?3 AND NOT EXISTS (SELECT 1 FROM doubted_rows \
             WHERE log = ?4 AND after_id < old.id AND old.id <= coalesce(up_to_id, old.id) AND coalesce(at, ?5) >= ?3)"
        );
        self.conn.prepare_cached(&sql)?.execute(params![after, last, oldest, log.name(), now.seconds()])?;
        let sql = "DELETE FROM doubted_rows WHERE log = ? AND at < ?";
        self.conn.prepare_cached(sql)?.execute(params![log.name(), oldest])?;
        Ok((rows == AT_ONCE && young == 0).then_some(last))
    }

    /// The clock is in doubt: so are the times of what the logs take in from here on.
    pub fn doubt_rows(&self) -> Result<()> {
        for (name, log) in Log::ALL {
            let sql = format!(
                "INSERT INTO doubted_rows (log, after_id) SELECT ?1, max(coalesce((SELECT max(id) FROM {}), 0) - ?2, 0) \
                 WHERE NOT EXISTS (SELECT 1 FROM doubted_rows WHERE log = ?1 AND at IS NULL) \
                 ON CONFLICT DO UPDATE SET up_to_id = NULL, at = NULL",
                log.table()
            );
            self.conn.prepare_cached(&sql)?.execute(params![name, BEFORE_NOTICED])?;
            self.join_doubts(name)?;
        }
        Ok(())
    }

    /// A clock that leaps again and again leaves no more behind than one that leapt sometimes.
    fn join_doubts(&self, log: &str) -> Result<()> {
        let sql = "SELECT count(*) - ?2 FROM doubted_rows WHERE log = ?1";
        let spare: i64 = self.conn.prepare_cached(sql)?.query_row(params![log, DOUBTS], |row| row.get(0))?;
        if spare <= 0 {
            return Ok(());
        }
        let first = "SELECT after_id, at FROM doubted_rows WHERE log = ?1 ORDER BY after_id LIMIT ?2";
        let (after, at): (i64, Option<i64>) = self
            .conn
            .prepare_cached(&format!("SELECT min(after_id), max(at) FROM ({first})"))?
            .query_row(params![log, spare], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let sql = format!(
            "DELETE FROM doubted_rows WHERE log = ?1 AND after_id IN (SELECT after_id FROM ({first}))"
        );
        self.conn.prepare_cached(&sql)?.execute(params![log, spare])?;
        let sql = "UPDATE doubted_rows SET after_id = ?2, at = max(at, coalesce(?3, at)) WHERE log = ?1 AND after_id = \
                   (SELECT min(after_id) FROM doubted_rows WHERE log = ?1)";
        self.conn.prepare_cached(sql)?.execute(params![log, after, at])?;
        Ok(())
    }

    /// The clock is trusted again: what was in doubt counts as from now.
    pub fn trust_rows(&self, now: UnixTime) -> Result<()> {
        for (name, log) in Log::ALL {
            let sql = format!(
                "UPDATE doubted_rows SET at = ?2, up_to_id = coalesce((SELECT max(id) FROM {}), 0) WHERE log = ?1 AND at IS NULL",
                log.table()
            );
            self.conn.prepare_cached(&sql)?.execute(params![name, now.seconds()])?;
        }
        Ok(())
    }

    /// The clock was wrong until now: all that the logs hold counts as from now.
    pub fn renew_rows(&self, now: UnixTime) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM doubted_rows")?.execute([])?;
        for (name, _) in Log::ALL {
            self.conn
                .prepare_cached("INSERT INTO doubted_rows (log, after_id) VALUES (?, 0)")?
                .execute([name])?;
        }
        self.trust_rows(now)
    }

    /// Deletes kept answers that are too old to be given again; whether more may be left.
    pub fn forget_answers(&self, now: UnixTime) -> Result<bool> {
        let sql = "DELETE FROM idempotency WHERE (api_key_id, key) IN \
                   (SELECT api_key_id, key FROM idempotency WHERE created_at <= ? LIMIT ?)";
        let oldest = now.seconds() - idempotency::KEPT;
        let gone = self.conn.prepare_cached(sql)?.execute(params![oldest, AT_ONCE])?;
        Ok(i64::try_from(gone).unwrap_or(0) == AT_ONCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Written,
        store::{Options, Store, housekeeping},
    };

    #[tokio::test]
    async fn a_clock_that_leaps_again_and_again_fills_no_table_and_loses_no_row() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::default()).unwrap();
        let origin = || housekeeping(UnixTime::clamped(0), "test");
        let count = |tx: &Write<'_>, sql: &str| {
            tx.conn.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(crate::domain::Error::from)
        };
        let done = store.write(origin(), move |tx| {
            for leap in 1..=100 {
                // Long enough apart to be told apart, and of a time that says nothing.
                let row = "INSERT INTO login_log (id, at, face, username, outcome) VALUES (?, 5, 'panel', 'a', 'x')";
                tx.conn.execute(row, [leap * 5_000])?;
                tx.doubt_rows()?;
                tx.trust_rows(UnixTime::clamped(1_000_000_000 + leap))?;
            }
            let held = count(tx, "SELECT max(held) FROM (SELECT count(*) AS held FROM doubted_rows GROUP BY log)")?;
            assert!((2..=DOUBTS).contains(&held), "{held}");
            let month = <Days as crate::domain::Field>::parse(&Written::Text("30".into())).unwrap();
            let day = 86_400;
            for (days, left) in [(29, 100), (31, 0)] {
                let now = UnixTime::clamped(1_000_000_100 + days * day);
                tx.forget_log(Log::Login, month, now, 0)?;
                assert_eq!(count(tx, "SELECT count(*) FROM login_log")?, left, "after {days} days");
            }
            assert_eq!(count(tx, "SELECT count(*) FROM doubted_rows WHERE log = 'login'")?, 0);
            Ok(())
        });
        done.wait().await.unwrap();
        store.close();
    }
}
