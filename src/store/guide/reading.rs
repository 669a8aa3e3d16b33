//! What is asked of the guide's database.

use rusqlite::{OptionalExtension, Row, params};

use super::{Fetched, GuideDb};
use crate::domain::{Result, fields::time::UnixTime, guide::programme::Programme, ids::GuideSourceId};

/// A channel that a source names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownChannel {
    /// Its row, as long as the refresh is seen that made it.
    pub row: i64,
    pub source: GuideSourceId,
    /// Its id in there.
    pub guide_id: String,
    /// Its names, as the source orders them.
    pub names: Vec<String>,
    /// Whether its programmes are kept.
    pub wanted: bool,
    /// How many are.
    pub programmes: i64,
}

/// What is kept of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptSource {
    /// From where and how it was read.
    pub made_of: String,
    /// What the answer said of itself.
    pub fetched: Fetched,
    /// When it was read, in unix seconds.
    pub read_at: i64,
}

const COLUMNS: &str = "start, stop, title, subtitle, description, category";

impl GuideDb {
    /// Programmes of a channel, by its row, that overlap that time (unix seconds), by their start.
    pub fn programmes(&self, channel: i64, from: i64, to: i64, most: usize) -> Result<Vec<Programme>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.read(|conn| {
            // They do not overlap each other: all but the first begin within that time.
            let mut before = conn.prepare_cached(
                "SELECT start FROM programmes WHERE channel_id = ?1 AND start <= ?2 ORDER BY start DESC LIMIT 1",
            )?;
            let first: Option<i64> = before.query_row([channel, from], |row| row.get(0)).optional()?;
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM programmes
                 WHERE channel_id = ?1 AND start >= ?2 AND start < ?3 AND stop > ?4 ORDER BY start LIMIT ?5"
            ))?;
            let found =
                statement.query_map(params![channel, first.unwrap_or(from), to, from, most], programme)?;
            found.collect()
        })
    }

    /// Every channel that is seen, of every source, in the order of their ids.
    pub fn channels(&self) -> Result<Vec<KnownChannel>> {
        if self.is_unmade() {
            return Ok(Vec::new());
        }
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT id, channels.source_id, guide_id, names, wanted, programmes FROM channels
                 JOIN sources USING (source_id, generation) ORDER BY channels.source_id, guide_id",
            )?;
            let found = statement.query_map([], |row| {
                Ok(KnownChannel {
                    row: row.get(0)?,
                    source: GuideSourceId(row.get(1)?),
                    guide_id: row.get(2)?,
                    names: serde_json::from_str(row.get_ref(3)?.as_str()?).unwrap_or_default(),
                    wanted: row.get(4)?,
                    programmes: row.get(5)?,
                })
            })?;
            found.collect()
        })
    }

    /// The rows of the channels whose programmes are kept, with source and id.
    pub fn wanted_channels(&self) -> Result<Vec<(GuideSourceId, String, i64)>> {
        if self.is_unmade() {
            return Ok(Vec::new());
        }
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT channels.source_id, guide_id, id FROM channels JOIN sources USING (source_id, generation)
                 WHERE wanted = 1",
            )?;
            let found =
                statement.query_map([], |row| Ok((GuideSourceId(row.get(0)?), row.get(1)?, row.get(2)?)))?;
            found.collect()
        })
    }

    /// What is kept of a source, if it was ever read.
    pub fn kept(&self, source: GuideSourceId) -> Result<Option<KeptSource>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT made_of, etag, last_modified, read_at FROM sources WHERE source_id = ?",
            )?;
            let kept = statement.query_row([source.0], |row| {
                let fetched = Fetched { etag: row.get(1)?, last_modified: row.get(2)? };
                Ok(KeptSource { made_of: row.get(0)?, fetched, read_at: row.get(3)? })
            });
            kept.optional()
        })
    }

    /// The sources of which programmes are kept, and when the last one of each is over.
    pub fn ends(&self) -> Result<Vec<(GuideSourceId, UnixTime)>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT source_id, ends_at FROM sources WHERE ends_at > 0 ORDER BY source_id",
            )?;
            let found = statement
                .query_map([], |row| Ok((GuideSourceId(row.get(0)?), UnixTime::clamped(row.get(1)?))))?;
            found.collect()
        })
    }
}

fn programme(row: &Row<'_>) -> rusqlite::Result<Programme> {
    Ok(Programme {
        start: UnixTime::clamped(row.get(0)?),
        stop: UnixTime::clamped(row.get(1)?),
        title: row.get(2)?,
        subtitle: row.get(3)?,
        description: row.get(4)?,
        category: row.get(5)?,
    })
}
