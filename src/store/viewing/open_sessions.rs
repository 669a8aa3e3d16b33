//! What a server that ends without a word leaves behind: the time when it last ran, and the sessions that were open.

use rusqlite::{OptionalExtension, params};

use super::viewers::ids;
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        viewing::{
            session::{Ending, SessionId, Viewer},
            title::Title,
        },
    },
    store::{Read, Write},
};

/// A session, as it stands among those that are open and among those that have ended.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Its number.
    pub id: SessionId,
    /// When it began.
    pub started_at: UnixTime,
    /// Who watches.
    pub viewer: Viewer,
    /// Its username or MAC.
    pub subscriber: String,
    /// What is watched.
    pub title: Title,
    pub title_name: String,
    /// From where.
    pub address: String,
    /// With which player.
    pub user_agent: String,
    /// `ts` or `hls`.
    pub container: &'static str,
    /// How many bytes were sent.
    pub bytes_sent: u64,
}

impl Read<'_> {
    /// When a server last ran by a clock that could be believed; the newest change, if none has said so yet.
    pub fn known_time(&self) -> Result<Option<UnixTime>> {
        let sql = "SELECT at FROM heartbeat UNION ALL SELECT * FROM (SELECT at FROM audit_log ORDER BY id DESC LIMIT 1) \
                   LIMIT 1";
        let at = self.conn.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?;
        Ok(at.map(UnixTime::clamped))
    }
}

impl Write<'_> {
    /// Writes down that a server runs.
    pub fn know_time(&self, now: UnixTime) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO heartbeat (id, at) VALUES (1, ?)";
        self.conn.prepare_cached(sql)?.execute([now.seconds()])?;
        Ok(())
    }

    /// Writes down sessions that are open.
    pub fn keep_open(&self, rows: &[SessionRow]) -> Result<()> {
        let mut insert = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO open_sessions (id, started_at, line_id, mag_id, subscriber, stream_id, stream, kind, \
             address, user_agent, container, bytes_sent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?;
        for row in rows {
            let (line, mag) = ids(Some(row.viewer));
            insert.execute(params![
                number(row.id.0),
                row.started_at.seconds(),
                line,
                mag,
                row.subscriber,
                row.title.stream().0,
                row.title_name,
                row.title.kind().name(),
                row.address,
                row.user_agent,
                row.container,
                number(row.bytes_sent),
            ])?;
        }
        Ok(())
    }

    /// Forgets sessions that are open no longer.
    pub fn forget_open(&self, sessions: impl IntoIterator<Item = SessionId>) -> Result<()> {
        let mut delete = self.conn.prepare_cached("DELETE FROM open_sessions WHERE id = ?")?;
        for session in sessions {
            delete.execute([number(session.0)])?;
        }
        Ok(())
    }

    /// Moves the sessions that a server left open into the connection log, ended when it was last known to run; how many.
    pub fn end_left_open(&self) -> Result<usize> {
        let sql = "INSERT INTO connection_log (at, started_at, line_id, mag_id, subscriber, stream_id, stream, kind, address, \
                   user_agent, container, bytes_sent, reason) \
                   SELECT max(started_at, coalesce((SELECT at FROM heartbeat), 0)), started_at, line_id, mag_id, \
                   subscriber, stream_id, stream, kind, address, user_agent, container, bytes_sent, ? FROM open_sessions \
                   ORDER BY id";
        let ended = self.conn.prepare_cached(sql)?.execute([Ending::Crash.name()])?;
        self.conn.prepare_cached("DELETE FROM open_sessions")?.execute([])?;
        Ok(ended)
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
