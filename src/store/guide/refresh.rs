//! A refresh of one source: rows of a new generation are written in chunks beside those that are seen, and then one
//! number says that they are seen instead. A refresh that is broken off leaves everything as it was.

use std::sync::Arc;

use parking_lot::MutexGuard;
use rusqlite::{Connection, OptionalExtension, params};

use super::{GuideDb, Open};
use crate::domain::{Error, Result, guide::spans, ids::GuideSourceId};

/// Rows of one commit: a player's read waits for none of them.
const CHUNK: usize = 2_000;

/// What an answer said of itself, to ask whether it is still the same. Empty is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    pub etag: String,
    pub last_modified: String,
}

/// The texts of a programme.
#[derive(Clone, Copy, Debug, Default)]
pub struct Texts<'t> {
    pub title: &'t str,
    /// The title of the episode.
    pub subtitle: &'t str,
    /// What it is about.
    pub description: &'t str,
    /// The first category.
    pub category: &'t str,
}

/// What a refresh has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Channels that the source names.
    pub channels: i64,
    /// Programmes that are kept.
    pub programmes: i64,
}

/// A refresh that is under way; there is one at a time. Dropping it breaks it off.
pub struct Refresh<'d> {
    db: &'d GuideDb,
    open: &'d Arc<Open>,
    conn: MutexGuard<'d, Connection>,
    source: GuideSourceId,
    generation: i64,
    /// Rows since the last commit.
    rows: usize,
}

impl GuideDb {
    /// Reads one source anew: what `job` writes is seen when it ends well, and gone otherwise.
    ///
    /// # Errors
    /// Those of the job, or a database error.
    pub fn refresh<T, E: From<Error>>(
        &self,
        source: GuideSourceId,
        job: impl FnOnce(Refresh<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let open = self.opened()?;
        let conn = open.writer.lock();
        // The generation that is seen stands in the row of the source: every other is a remainder.
        let begun = (|| {
            if !conn.is_autocommit() {
                conn.execute_batch("ROLLBACK")?;
            }
            forget_others(&conn, source)?;
            let last: Option<i64> = conn
                .query_row("SELECT generation FROM sources WHERE source_id = ?", [source.0], |row| row.get(0))
                .optional()?;
            conn.execute_batch("BEGIN IMMEDIATE")?;
            Ok(last.unwrap_or(0) + 1)
        })();
        let generation = self.noticing(&open, begun)?;
        let refresh = Refresh { db: self, open: &open, conn, source, generation, rows: 0 };
        let outcome = job(refresh);
        let conn = open.writer.lock();
        if outcome.is_err() {
            if !conn.is_autocommit() {
                let _ = conn.execute_batch("ROLLBACK");
            }
            let _ = forget_others(&conn, source);
        }
        // Until the next one, its pages are of no use.
        let _ = conn.release_memory();
        outcome
    }

    /// Forgets a source that is gone, or no longer used.
    pub fn forget(&self, source: GuideSourceId) -> Result<()> {
        let open = self.opened()?;
        let conn = open.writer.lock();
        let gone = conn
            .execute("DELETE FROM sources WHERE source_id = ?", [source.0])
            .and_then(|_| forget_others(&conn, source));
        self.flipped();
        self.noticing(&open, gone)
    }

    /// The sources of which anything is kept.
    pub fn sources(&self) -> Result<Vec<GuideSourceId>> {
        self.read(|conn| {
            let mut statement = conn.prepare_cached("SELECT DISTINCT source_id FROM channels")?;
            let found = statement.query_map([], |row| row.get(0).map(GuideSourceId))?;
            found.collect()
        })
    }
}

impl Refresh<'_> {
    /// Adds a channel; its row. The first one of an id counts.
    pub fn channel(&mut self, guide_id: &str, names: &[String], wanted: bool) -> Result<i64> {
        let outcome = (|| {
            let mut statement = self.conn.prepare_cached(
                "INSERT INTO channels (source_id, generation, guide_id, names, wanted) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT DO NOTHING",
            )?;
            let names = serde_json::Value::from(names).to_string();
            statement.execute(params![self.source.0, self.generation, guide_id, names, wanted])?;
            let mut row = self.conn.prepare_cached(
                "SELECT id FROM channels WHERE source_id = ? AND generation = ? AND guide_id = ?",
            )?;
            row.query_row(params![self.source.0, self.generation, guide_id], |row| row.get(0))
        })();
        let row = self.db.noticing(self.open, outcome)?;
        self.count()?;
        Ok(row)
    }

    /// Adds a programme of the channel of that row, in unix seconds; of two with one start the later one counts. Its end
    /// is what the source gave.
    pub fn programme(&mut self, channel: i64, start: i64, stop: Option<i64>, texts: Texts<'_>) -> Result<()> {
        let outcome = (|| {
            let mut statement = self.conn.prepare_cached(
                "INSERT OR REPLACE INTO programmes (channel_id, start, stop, title, subtitle, description, category)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?;
            let Texts { title, subtitle, description, category } = texts;
            statement.execute(params![channel, start, stop, title, subtitle, description, category])
        })();
        self.db.noticing(self.open, outcome)?;
        self.count()
    }

    /// Ends it: settles when programmes end, keeps those of the generation before that are over and later than `begin`,
    /// and has the new generation seen from now on.
    pub fn finish(self, made_of: &str, fetched: &Fetched, begin: i64, now: i64) -> Result<Counts> {
        let outcome = self.finished(made_of, fetched, begin, now);
        let counts = self.db.noticing(self.open, outcome)?;
        self.db.flipped();
        // They are not seen any more: if this fails, the next refresh does it.
        if let Err(error) = forget_others(&self.conn, self.source) {
            log::warn!("the former guide of source {} is still there: {error}", self.source.0);
        }
        Ok(counts)
    }

    fn finished(&self, made_of: &str, fetched: &Fetched, begin: i64, now: i64) -> rusqlite::Result<Counts> {
        self.conn.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        // From another address they are still what was on; read in another zone they are not.
        let how = made_of.split('\n').next();
        let (mut counts, mut ends_at) = (Counts::default(), 0);
        let mut statement = self.conn.prepare_cached(
            "SELECT id, (SELECT old.id FROM channels AS old JOIN sources USING (source_id, generation)
                         WHERE old.source_id = new.source_id AND old.guide_id = new.guide_id
                             AND substr(made_of, 1, instr(made_of || char(10), char(10)) - 1) = ?3)
             FROM channels AS new WHERE source_id = ?1 AND generation = ?2 AND wanted = 1",
        )?;
        let wanted: Vec<(i64, Option<i64>)> = statement
            .query_map(params![self.source.0, self.generation, how], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (channel, before) in wanted {
            if let Some(before) = before {
                keep_past(&self.conn, before, channel, begin, now)?;
            }
            let (programmes, end) = settle(&self.conn, channel)?;
            ends_at = ends_at.max(end);
            counts.programmes += programmes;
            self.conn
                .prepare_cached("UPDATE channels SET programmes = ? WHERE id = ?")?
                .execute([programmes, channel])?;
            // A channel is settled as a whole; the next one may wait for a reader.
            self.conn.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
        counts.channels = self.conn.query_row(
            "SELECT count(*) FROM channels WHERE source_id = ? AND generation = ?",
            [self.source.0, self.generation],
            |row| row.get(0),
        )?;
        self.conn.execute(
            "INSERT OR REPLACE INTO sources (source_id, generation, made_of, etag, last_modified, read_at, ends_at)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![self.source.0, self.generation, made_of, fetched.etag, fetched.last_modified, now, ends_at],
        )?;
        self.conn.execute_batch("COMMIT")?;
        Ok(counts)
    }

    fn count(&mut self) -> Result<()> {
        self.rows += 1;
        if self.rows < CHUNK {
            return Ok(());
        }
        self.rows = 0;
        self.db.noticing(self.open, self.conn.execute_batch("COMMIT; BEGIN IMMEDIATE"))
    }
}

/// Takes over what a channel showed before its first programme of now: sources drop what is over, and catch-up needs it.
fn keep_past(conn: &Connection, before: i64, channel: i64, begin: i64, now: i64) -> rusqlite::Result<()> {
    let first: Option<i64> = conn
        .prepare_cached("SELECT min(start) FROM programmes WHERE channel_id = ?")?
        .query_row([channel], |row| row.get(0))?;
    conn.prepare_cached(
        "INSERT OR IGNORE INTO programmes (channel_id, start, stop, title, subtitle, description, category)
         SELECT ?1, start, stop, title, subtitle, description, category FROM programmes
         WHERE channel_id = ?2 AND start < ?3 AND stop > ?4",
    )?
    .execute(params![channel, before, first.unwrap_or(now), begin])?;
    Ok(())
}

/// Sets the ends of a channel's programmes; how many there are, and when the last is over.
fn settle(conn: &Connection, channel: i64) -> rusqlite::Result<(i64, i64)> {
    let mut statement =
        conn.prepare_cached("SELECT start, stop FROM programmes WHERE channel_id = ? ORDER BY start")?;
    let spans: Vec<(i64, Option<i64>)> = statement
        .query_map([channel], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut update =
        conn.prepare_cached("UPDATE programmes SET stop = ? WHERE channel_id = ? AND start = ?")?;
    let mut end = 0;
    for (at, (start, stop)) in spans.iter().enumerate() {
        end = spans::end(*start, *stop, spans.get(at + 1).map(|(next, _)| *next));
        if *stop != Some(end) {
            update.execute([end, channel, *start])?;
        }
    }
    Ok((i64::try_from(spans.len()).unwrap_or(i64::MAX), end))
}

/// Deletes every generation of a source but the one that is seen; programmes a channel at a time.
fn forget_others(conn: &Connection, source: GuideSourceId) -> rusqlite::Result<()> {
    const OTHERS: &str =
        "source_id = ?1 AND generation IS NOT (SELECT generation FROM sources WHERE source_id = ?1)";
    let mut statement =
        conn.prepare_cached(&format!("SELECT id FROM channels WHERE {OTHERS} AND wanted = 1"))?;
    let old: Vec<i64> =
        statement.query_map([source.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut programmes = conn.prepare_cached("DELETE FROM programmes WHERE channel_id = ?")?;
    for channel in old {
        programmes.execute([channel])?;
    }
    conn.prepare_cached(&format!("DELETE FROM channels WHERE {OTHERS}"))?.execute([source.0])?;
    Ok(())
}
