//! Open sessions, written down every few seconds: what a server that is killed would otherwise forget.

use std::collections::{HashMap, HashSet};

use parking_lot::{Mutex, MutexGuard};

use super::Viewing;
use crate::{
    domain::{Result, fields::time::UnixTime, viewing::session::SessionId},
    media::connections::Connection,
    store::viewing::open_sessions::SessionRow,
};

/// Sessions that are written down; those beyond it are not in the history if the server is killed.
const MOST: usize = 20_000;
/// Rows written by one job.
const AT_ONCE: usize = 500;

/// The sessions that stand in the database as open; `None` as long as those of the server before stand there.
pub type Written = Mutex<Option<HashSet<SessionId>>>;

impl Viewing {
    /// Writes down which sessions are open: those that are new and those that are over, or all `anew`, with what was
    /// sent to them. `believed` is the time, if it can be believed: it would be their end, should the server be killed.
    ///
    /// # Errors
    /// A database error; what is missing follows the next time.
    pub async fn note_open_sessions(&self, anew: bool, believed: Option<UnixTime>) -> Result<()> {
        let mut open: HashMap<SessionId, Connection> =
            self.connections.open_connections().into_iter().take(MOST).map(|open| (open.id, open)).collect();
        let written = self.sessions_written().clone();
        let Some(written) = written else { return self.end_left_open().await };
        let over: Vec<SessionId> = written.iter().copied().filter(|id| !open.contains_key(id)).collect();
        let is_idle = open.is_empty() && over.is_empty();
        open.retain(|id, _| anew || !written.contains(id));
        let rows: Vec<SessionRow> = open.values().map(row).collect();
        if let Some(now) = believed.filter(|_| !is_idle) {
            self.main.know_time(now).await?;
        }
        for some in over.chunks(AT_ONCE) {
            self.main.forget_open(some.to_vec()).await?;
            if let Some(written) = self.sessions_written().as_mut() {
                written.retain(|id| !some.contains(id));
            }
        }
        for some in rows.chunks(AT_ONCE) {
            self.main.keep_open(some.to_vec()).await?;
            self.sessions_written().get_or_insert_default().extend(some.iter().map(|row| row.id));
        }
        Ok(())
    }

    /// At the start of a server: what the one before it left open goes into the history.
    async fn end_left_open(&self) -> Result<()> {
        let ended = self.main.end_left_open().await?;
        if ended > 0 {
            log::warn!(
                "the server was killed, not stopped: {ended} sessions that were open are in the history"
            );
        }
        *self.sessions_written() = Some(HashSet::new());
        Ok(())
    }

    fn sessions_written(&self) -> MutexGuard<'_, Option<HashSet<SessionId>>> {
        self.written.lock()
    }
}

/// A connection as it is written down.
pub(super) fn row(open: &Connection) -> SessionRow {
    SessionRow {
        id: open.id,
        started_at: open.started_at,
        viewer: open.viewer,
        subscriber: open.subscriber.to_string(),
        title: open.title,
        title_name: open.title_name.to_string(),
        address: open.address.to_string(),
        user_agent: open.agent.to_string(),
        container: open.container.name(),
        bytes_sent: open.bytes_sent,
    }
}
