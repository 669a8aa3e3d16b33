//! What the dashboard counts, in one pass over an index that holds all of it.

use std::collections::HashMap;

use rusqlite::params;

use super::selection::END;
use crate::{
    domain::{
        Result,
        fields::time::{Expiry, UnixTime},
        ids::{LineId, ResellerId},
        subscribers::{
            counts::{Sold, Standing, States},
            listing::SOON,
        },
    },
    store::{Read, Write},
};

/// Figures by reseller; `None` is the operator's own.
pub type ByReseller<T> = HashMap<Option<ResellerId>, T>;

/// A line that ends soon.
pub struct Ending {
    pub id: LineId,
    pub username: String,
    /// When it ends.
    pub end: Expiry,
}

/// How busy it was in one minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The first second of the minute.
    pub at: UnixTime,
    /// Open connections.
    pub viewers: u64,
    /// Streams that ran.
    pub streams_online: u64,
    /// What was sent to viewers, in thousands of bits a second.
    pub sent_kbps: u64,
}

impl Read<'_> {
    /// Lines by state.
    pub fn line_states(&self, now: UnixTime) -> Result<ByReseller<States>> {
        self.states("lines", now)
    }

    /// MAGs by state.
    pub fn mag_states(&self, now: UnixTime) -> Result<ByReseller<States>> {
        self.states("mags", now)
    }

    /// SQLite would sort a million rows to group them; counting them one by one is three times faster.
    fn states(&self, table: &str, now: UnixTime) -> Result<ByReseller<States>> {
        let sql = format!(
            "SELECT {END}, banned, disabled, is_trial, reseller_id FROM {table} INDEXED BY {table}_end"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let mut rows = statement.query([])?;
        let mut counted: ByReseller<States> = HashMap::new();
        while let Some(row) = rows.next()? {
            let one =
                Standing { end: row.get(0)?, banned: row.get(1)?, disabled: row.get(2)?, trial: row.get(3)? };
            let reseller = row.get::<_, Option<i64>>(4)?.map(ResellerId);
            counted.entry(reseller).or_default().count(one, now);
        }
        Ok(counted)
    }

    /// Credits that were paid for sales and extensions.
    pub fn sold(&self, now: UnixTime, midnight: UnixTime) -> Result<ByReseller<Sold>> {
        let sql =
            "SELECT at, reseller_id, amount FROM ledger WHERE at > ? AND reason IN ('sale', 'extension')";
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query([now.seconds() - 30 * 86_400])?;
        let mut sold: ByReseller<Sold> = HashMap::new();
        while let Some(row) = rows.next()? {
            let (at, reseller, amount): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            sold.entry(Some(ResellerId(reseller))).or_default().add(-amount, at, now, midnight);
        }
        Ok(sold)
    }

    /// The active lines that end within [`SOON`], the first to end first; of one reseller if that is asked.
    pub fn lines_ending(&self, of: Option<ResellerId>, now: UnixTime, most: u32) -> Result<Vec<Ending>> {
        let sql = format!(
            "SELECT id, username, expire_date FROM lines INDEXED BY lines_end WHERE {END} > ?1 AND {END} <= ?2 AND \
             banned = 0 AND disabled = 0 AND (?3 IS NULL OR reseller_id = ?3) ORDER BY {END} LIMIT ?4"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let until = now.seconds() + SOON;
        let rows = statement.query_map(params![now.seconds(), until, of.map(|of| of.0), most], |row| {
            let end = row.get::<_, Option<i64>>(2)?.map(UnixTime::clamped);
            Ok(Ending { id: LineId(row.get(0)?), username: row.get(1)?, end: Expiry(end) })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How busy it was since that moment, oldest first.
    pub fn samples(&self, since: UnixTime) -> Result<Vec<Sample>> {
        let sql =
            "SELECT at, viewers, streams_online, sent_kbps FROM usage_samples WHERE at >= ? ORDER BY at";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([since.seconds()], |row| {
            Ok(Sample {
                at: UnixTime::clamped(row.get(0)?),
                viewers: row.get::<_, i64>(1)?.unsigned_abs(),
                streams_online: row.get::<_, i64>(2)?.unsigned_abs(),
                sent_kbps: row.get::<_, i64>(3)?.unsigned_abs(),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Write<'_> {
    /// Writes down a minute, and forgets those before `oldest`.
    pub fn insert_sample(&self, sample: &Sample, oldest: UnixTime) -> Result<()> {
        let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO usage_samples (at, viewers, streams_online, sent_kbps) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![
                sample.at.seconds(),
                number(sample.viewers),
                number(sample.streams_online),
                number(sample.sent_kbps)
            ])?;
        self.conn.prepare_cached("DELETE FROM usage_samples WHERE at < ?")?.execute([oldest.seconds()])?;
        Ok(())
    }
}
