//! What batches did to each row, as long as that can be undone, and what they refused.

use rusqlite::params;

use super::batches::PIECE;
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        ids::ResellerId,
        subscribers::batch::{Batch, Named, UNDONE_WITHIN},
    },
    store::{Read, Write},
};

/// Rows that were refused or left, told by name.
pub const NAMED: usize = 100;

/// What a batch did to a row.
#[derive(Debug)]
pub struct DoneRow {
    /// Its id.
    pub id: i64,
    /// What it was known by.
    pub name: String,
    /// The row as it was, as JSON.
    pub before: String,
    /// Its `updated_at` after that.
    pub changed_at: UnixTime,
    /// What was paid for it, and by whom.
    pub paid: Option<(ResellerId, i64)>,
}

/// Batches that were before another, on the same resource, and can still be undone: their numbers as JSON.
pub struct Earlier(String);

impl Read<'_> {
    /// How many rows a batch has changed, as far as these are not forgotten.
    pub fn changed_rows(&self, batch: i64) -> Result<i64> {
        let sql = "SELECT count(*) FROM batch_rows WHERE batch_id = ? AND outcome <> 'failed'";
        Ok(self.conn.prepare_cached(sql)?.query_row([batch], |row| row.get(0))?)
    }

    /// The next rows that a batch has changed and that are not taken back, those that an undo has kept among them, behind the
    /// row `after`.
    pub fn done_rows(&self, batch: i64, after: i64) -> Result<Vec<DoneRow>> {
        let sql = "SELECT row_id, name, before, changed_at, reseller_id, credits FROM batch_rows \
                   WHERE batch_id = ? AND row_id > ? AND outcome IN ('done', 'kept') AND before <> '' \
                   ORDER BY row_id LIMIT ?";
        let mut statement = self.conn.prepare_cached(sql)?;
        let most = i64::try_from(PIECE).unwrap_or(1);
        let rows = statement.query_map(params![batch, after, most], |row| {
            let (payer, credits): (Option<i64>, i64) = (row.get(4)?, row.get(5)?);
            Ok(DoneRow {
                id: row.get(0)?,
                name: row.get(1)?,
                before: row.get(2)?,
                changed_at: UnixTime::clamped(row.get(3)?),
                paid: payer.map(|payer| (ResellerId(payer), credits)).filter(|(_, credits)| *credits > 0),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The first rows of a batch that were `failed`, or `kept` when it was undone; and how many there are in all.
    pub fn named_rows(&self, batch: i64, outcome: &str) -> Result<(i64, Vec<Named>)> {
        let sql = "SELECT count(*) FROM batch_rows WHERE batch_id = ? AND why <> '' AND outcome = ?";
        let total = self.conn.prepare_cached(sql)?.query_row(params![batch, outcome], |row| row.get(0))?;
        let sql = "SELECT row_id, name, why FROM batch_rows WHERE batch_id = ? AND why <> '' AND outcome = ? \
                   ORDER BY row_id LIMIT ?";
        let mut statement = self.conn.prepare_cached(sql)?;
        let most = i64::try_from(NAMED).unwrap_or(1);
        let rows = statement.query_map(params![batch, outcome, most], |row| {
            Ok(Named { id: row.get(0)?, name: row.get(1)?, why: row.get(2)? })
        })?;
        Ok((total, rows.collect::<rusqlite::Result<_>>()?))
    }

    /// The other batches that may have left some of these rows of it as they are once it is undone.
    pub fn earlier(&self, batch: &Batch, rows: &[DoneRow], now: UnixTime) -> Result<Earlier> {
        let sql = "SELECT json_group_array(id) FROM batches WHERE id <> ?1 AND resource = ?2 AND (ended_at IS NULL OR ended_at >= ?3) AND EXISTS \
                   (SELECT 1 FROM batch_rows WHERE batch_id = batches.id AND row_id BETWEEN ?4 AND ?5)";
        let mut statement = self.conn.prepare_cached(sql)?;
        let since = now.seconds() - UNDONE_WITHIN;
        let [first, last] = [rows.first(), rows.last()].map(|row| row.map(|row| row.id));
        let of = params![batch.id, batch.resource.name(), since, first, last];
        Ok(Earlier(statement.query_row(of, |row| row.get(0))?))
    }
}

impl Write<'_> {
    /// Notes what a batch did to a row.
    pub fn note_done(&self, batch: i64, row: &DoneRow) -> Result<()> {
        let sql = "INSERT INTO batch_rows (batch_id, row_id, name, outcome, before, changed_at, reseller_id, credits) \
                   VALUES (?, ?, ?, 'done', ?, ?, ?, ?)";
        let (payer, credits) = row.paid.map_or((None, 0), |(payer, credits)| (Some(payer.0), credits));
        self.conn.prepare_cached(sql)?.execute(params![
            batch,
            row.id,
            row.name,
            row.before,
            row.changed_at.seconds(),
            payer,
            credits
        ])?;
        Ok(())
    }

    /// Notes why a batch did nothing to a row.
    pub fn note_failed(&self, batch: i64, row: &Named) -> Result<()> {
        let sql =
            "INSERT INTO batch_rows (batch_id, row_id, name, outcome, why) VALUES (?, ?, ?, 'failed', ?)";
        self.conn.prepare_cached(sql)?.execute(params![batch, row.id, row.name, row.why])?;
        Ok(())
    }

    /// Notes that a row was taken back, or why it was not; the next undo tries it again.
    pub fn note_undone(&self, batch: i64, row: i64, why: Option<&str>) -> Result<()> {
        if let Some(why) = why {
            let sql = "UPDATE batch_rows SET outcome = 'kept', why = ? WHERE batch_id = ? AND row_id = ?";
            self.conn.prepare_cached(sql)?.execute(params![why, batch, row])?;
            return Ok(());
        }
        let sql = "UPDATE batch_rows SET outcome = 'undone', why = '', before = '' WHERE batch_id = ? AND row_id = ?";
        self.conn.prepare_cached(sql)?.execute([batch, row])?;
        let sql = "UPDATE batches SET undone = undone + 1, updated_at = updated_at + 1 WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute([batch])?;
        Ok(())
    }

    /// Notes that a row is again as an earlier batch has left it: that one left it with the `updated_at` of `was`, and it has
    /// that of `is` now.
    pub fn note_again(&self, earlier: &Earlier, row: i64, was: UnixTime, is: UnixTime) -> Result<()> {
        let sql = "UPDATE batch_rows SET changed_at = ?1 WHERE batch_id IN (SELECT value FROM json_each(?2)) AND row_id = ?3 \
                   AND changed_at = ?4 AND outcome IN ('done', 'kept')";
        self.conn.prepare_cached(sql)?.execute(params![is.seconds(), earlier.0, row, was.seconds()])?;
        Ok(())
    }
}
