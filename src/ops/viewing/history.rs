//! Ended sessions and refusals, gathered in memory and written together: no viewer waits for the
//! disk, and a disk that is full loses no row until too many wait.
//!
//! What one subscriber may write is limited: whoever changes his User-Agent a thousand times a second fills no disk.
//! What is beyond that becomes one row, which says how many it stands for.

use std::{
    collections::HashMap,
    hash::Hash,
    mem,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};

use super::Viewing;
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        people::quota::{Allowance, Quota},
        viewing::session::Viewer,
    },
    store::viewing::viewers::{EndedRow, RefusedRow},
};

/// Rows of each kind that may wait; beyond it the oldest go.
const MOST: usize = 20_000;
/// Rows written by one job.
const AT_ONCE: usize = 500;
/// Rows of one line or MAG in each log, beside those that stand for others.
const OF_ONE: Allowance = Allowance { at_once: 120, a_minute: 10 };
/// Refusals of those whom nobody knows, together.
const OF_NOBODY: Allowance = Allowance { at_once: 1_000, a_minute: 60 };
/// How often what was left out becomes a row.
const SUMMED_EACH: Duration = Duration::from_mins(1);

/// Rows that wait to be written.
#[derive(Default)]
pub struct History(Mutex<Waiting>);

struct Waiting {
    ended: Log<Viewer, EndedRow>,
    refused: Log<Viewer, RefusedRow>,
    strangers: Log<(), RefusedRow>,
}

impl Default for Waiting {
    fn default() -> Self {
        Self { ended: Log::new(OF_ONE), refused: Log::new(OF_ONE), strangers: Log::new(OF_NOBODY) }
    }
}

impl History {
    /// Notes an ended session.
    pub fn ended(&self, row: EndedRow) {
        self.waiting().ended.note(row.session.viewer, row, Instant::now());
    }

    /// Notes a refusal.
    pub fn refused(&self, row: RefusedRow) {
        let mut waiting = self.waiting();
        match row.viewer {
            Some(viewer) => waiting.refused.note(viewer, row, Instant::now()),
            None => waiting.strangers.note((), row, Instant::now()),
        }
    }

    /// Makes rows of what was left out: for a minute already, or `all` of it.
    fn sum_up(&self, all: bool) {
        let mut waiting = self.waiting();
        let since = if all { Duration::ZERO } else { SUMMED_EACH };
        waiting.ended.sum_up(since);
        waiting.refused.sum_up(since);
        waiting.strangers.sum_up(since);
    }

    fn take(&self) -> (Vec<EndedRow>, Vec<RefusedRow>) {
        let mut waiting = self.waiting();
        let mut refused = waiting.refused.take();
        refused.append(&mut waiting.strangers.take());
        (waiting.ended.take(), refused)
    }

    fn put_back(&self, ended: Vec<EndedRow>, refused: Vec<RefusedRow>) {
        let mut waiting = self.waiting();
        waiting.ended.rows.splice(..0, ended);
        waiting.refused.rows.splice(..0, refused);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock()
    }
}

/// Rows of one kind, and what was left out of each writer's.
struct Log<K, R> {
    rows: Vec<R>,
    quota: Quota<K>,
    left_out: HashMap<K, LeftOut<R>>,
}

/// Rows that were left out: the last of them, and since when how many.
struct LeftOut<R> {
    last: R,
    count: u64,
    since: Instant,
}

/// A row that can stand for others.
trait Summed {
    /// Takes in what came before it.
    fn add(&mut self, before: &Self);
    /// Says how many rows it stands for.
    fn stands_for(&mut self, count: u64);
}

impl Summed for EndedRow {
    fn add(&mut self, before: &Self) {
        let session = &mut self.session;
        session.started_at = session.started_at.min(before.session.started_at);
        session.bytes_sent = session.bytes_sent.saturating_add(before.session.bytes_sent);
    }

    fn stands_for(&mut self, count: u64) {
        self.reason = format!("{}, the last of {count} summed up", self.reason).into();
    }
}

impl Summed for RefusedRow {
    fn add(&mut self, _: &Self) {}

    fn stands_for(&mut self, count: u64) {
        self.reason = format!("{}, the last of {count} summed up", self.reason);
    }
}

impl<K: Copy + Eq + Hash, R: Summed> Log<K, R> {
    fn new(allowance: Allowance) -> Self {
        Self { rows: Vec::new(), quota: Quota::new(allowance), left_out: HashMap::new() }
    }

    fn note(&mut self, of: K, mut row: R, now: Instant) {
        if self.quota.take(of, now) {
            return self.push(row);
        }
        match self.left_out.get_mut(&of) {
            Some(left_out) => {
                row.add(&left_out.last);
                left_out.last = row;
                left_out.count += 1;
            }
            None => {
                self.left_out.insert(of, LeftOut { last: row, count: 1, since: now });
            }
        }
    }

    fn sum_up(&mut self, since: Duration) {
        let due: Vec<K> = self
            .left_out
            .iter()
            .filter(|(_, left_out)| left_out.since.elapsed() >= since)
            .map(|(of, _)| *of)
            .collect();
        for of in due {
            let Some(LeftOut { last: mut row, count, .. }) = self.left_out.remove(&of) else { continue };
            row.stands_for(count);
            self.push(row);
        }
    }

    fn push(&mut self, row: R) {
        if self.rows.len() >= MOST {
            self.rows.drain(..MOST / 10);
            log::warn!("the connection and refusal logs cannot be written: the oldest rows are lost");
        }
        self.rows.push(row);
    }

    fn take(&mut self) -> Vec<R> {
        let rest = self.rows.split_off(self.rows.len().min(AT_ONCE));
        mem::replace(&mut self.rows, rest)
    }
}

impl Viewing {
    /// Writes down what waits.
    ///
    /// # Errors
    /// A database error; the rows wait on.
    pub async fn write_history(&self, now: UnixTime) -> Result<()> {
        self.note_ended(now);
        self.history.sum_up(false);
        self.write_rows(now).await
    }

    /// Writes down everything, also what would be summed up later: before the program ends.
    pub(super) async fn write_whole_history(&self, now: UnixTime) -> Result<()> {
        self.note_ended(now);
        self.history.sum_up(true);
        self.write_rows(now).await
    }

    async fn write_rows(&self, now: UnixTime) -> Result<()> {
        loop {
            let (ended, refused) = self.history.take();
            if ended.is_empty() && refused.is_empty() {
                return Ok(());
            }
            let rows = std::sync::Arc::new((ended, refused));
            if let Err(error) = self.main.write_history(rows.clone(), now).await {
                let (ended, refused) = std::sync::Arc::unwrap_or_clone(rows);
                self.history.put_back(ended, refused);
                return Err(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            ids::{LineId, StreamId},
            viewing::{session::SessionId, title::Title},
        },
        store::viewing::open_sessions::SessionRow,
    };

    fn row(line: i64, bytes_sent: u64) -> EndedRow {
        let session = SessionRow {
            id: SessionId(1),
            started_at: UnixTime::clamped(90),
            viewer: Viewer::Line(LineId(line)),
            subscriber: "bob".into(),
            title: Title::Live(StreamId(1)),
            title_name: "one".into(),
            address: "192.0.2.1".into(),
            user_agent: "player".into(),
            container: "ts",
            bytes_sent,
        };
        EndedRow { session, at: UnixTime::clamped(100), reason: "closed".into() }
    }

    #[test]
    fn what_one_line_writes_beyond_its_part_becomes_one_row() {
        let history = History::default();
        (0..1_000).for_each(|_| history.ended(row(1, 10)));
        history.ended(row(2, 10));
        history.sum_up(false);
        let (ended, _) = history.take();
        assert_eq!(ended.len(), 121, "120 of the one, and the other's");
        history.sum_up(true);
        let (ended, _) = history.take();
        assert_eq!(ended.len(), 1);
        assert_eq!(
            (ended[0].session.bytes_sent, &*ended[0].reason),
            (8_800, "closed, the last of 880 summed up")
        );
    }
}
