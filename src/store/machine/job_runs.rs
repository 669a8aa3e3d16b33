//! Long work that somebody has started: a row for each run, by which it is known also after a restart.

use rusqlite::params;

use crate::{
    domain::{Result, fields::time::UnixTime, machine::job::LongRun},
    store::{Read, Write},
};

/// Runs of one job that are remembered.
const REMEMBERED: i64 = 20;

impl Read<'_> {
    /// The runs of a job, the newest first.
    pub fn job_runs(&self, job: &str) -> Result<Vec<LongRun>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT created_at, ended_at, done, meant, why FROM job_runs WHERE job = ? ORDER BY id DESC",
        )?;
        let rows = statement.query_map([job], |row| {
            Ok(LongRun {
                began: UnixTime::clamped(row.get(0)?),
                ended: row.get::<_, Option<i64>>(1)?.map(UnixTime::clamped),
                progress: (row.get(2)?, row.get(3)?),
                why: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Write<'_> {
    /// A run of a job begins, with so much to do; its number. The oldest ones are forgotten.
    pub fn begin_run(&self, job: &str, actor: &str, meant: i64, now: UnixTime) -> Result<i64> {
        let sql = "INSERT INTO job_runs (job, actor, meant, created_at, updated_at) VALUES (?, ?, ?, ?4, ?4)";
        self.conn.prepare_cached(sql)?.execute(params![job, actor, meant, now.seconds()])?;
        let id = self.conn.last_insert_rowid();
        let sql = "DELETE FROM job_runs WHERE job = ?1 AND id NOT IN (SELECT id FROM job_runs WHERE job = ?1 ORDER BY id DESC LIMIT ?2)";
        self.conn.prepare_cached(sql)?.execute(params![job, REMEMBERED])?;
        Ok(id)
    }

    /// So much of a run is done; whether that is all. It goes on, whatever was said of it.
    pub fn note_run(&self, run: i64, done: i64, is_over: bool, now: UnixTime) -> Result<()> {
        let sql = "UPDATE job_runs SET done = ?, why = '', ended_at = ?, updated_at = ? WHERE id = ?";
        let ended = is_over.then_some(now.seconds());
        self.conn.prepare_cached(sql)?.execute(params![done, ended, now.seconds(), run])?;
        Ok(())
    }

    /// A run ended early.
    pub fn stop_run(&self, run: i64, why: &str, now: UnixTime) -> Result<()> {
        let sql = "UPDATE job_runs SET why = ?, ended_at = ?3, updated_at = ?3 WHERE id = ?2";
        self.conn.prepare_cached(sql)?.execute(params![why, run, now.seconds()])?;
        Ok(())
    }

    /// Runs of a job that are not over, and of which nothing was heard since a time, have ended early.
    pub fn cut_off_runs(&self, job: &str, why: &str, since: UnixTime, now: UnixTime) -> Result<()> {
        let sql = "UPDATE job_runs SET why = ?, ended_at = ?4, updated_at = ?4 WHERE job = ?2 AND ended_at IS NULL AND updated_at <= ?3";
        self.conn.prepare_cached(sql)?.execute(params![why, job, since.seconds(), now.seconds()])?;
        Ok(())
    }
}
