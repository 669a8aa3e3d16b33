//! Ended sessions and refusals, gathered in memory and written together: no viewer waits for the
//! disk, and a disk that is full loses no row until too many wait.

use std::sync::{Mutex, PoisonError};

use crate::{
    domain::{Result, time::UnixTime},
    ops::Ops,
    store::{
        self,
        viewers::{EndedRow, RefusedRow},
    },
};

/// Rows of each kind that may wait; beyond it the oldest go.
const MOST: usize = 20_000;
/// Rows written by one job.
const AT_ONCE: usize = 500;

/// Rows that wait to be written.
#[derive(Default)]
pub struct History(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    ended: Vec<EndedRow>,
    refused: Vec<RefusedRow>,
}

impl History {
    /// Notes an ended session.
    pub fn ended(&self, row: EndedRow) {
        push(&mut self.waiting().ended, row);
    }

    /// Notes a refusal.
    pub fn refused(&self, row: RefusedRow) {
        push(&mut self.waiting().refused, row);
    }

    fn take(&self) -> (Vec<EndedRow>, Vec<RefusedRow>) {
        let mut waiting = self.waiting();
        let ended = waiting.ended.len().min(AT_ONCE);
        let refused = waiting.refused.len().min(AT_ONCE);
        (waiting.ended.drain(..ended).collect(), waiting.refused.drain(..refused).collect())
    }

    fn put_back(&self, ended: Vec<EndedRow>, refused: Vec<RefusedRow>) {
        let mut waiting = self.waiting();
        waiting.ended.splice(..0, ended);
        waiting.refused.splice(..0, refused);
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push<T>(rows: &mut Vec<T>, row: T) {
    if rows.len() >= MOST {
        rows.drain(..MOST / 10);
        log::warn!("the connection and refusal logs cannot be written: the oldest rows are lost");
    }
    rows.push(row);
}

impl Ops {
    /// Writes down what waits.
    ///
    /// # Errors
    /// A database error; the rows wait on.
    pub async fn write_history(&self, now: UnixTime) -> Result<()> {
        self.note_gone(now);
        loop {
            let (ended, refused) = self.history.take();
            if ended.is_empty() && refused.is_empty() {
                return Ok(());
            }
            let rows = std::sync::Arc::new((ended, refused));
            let written = rows.clone();
            let job = self.store.write(store::housekeeping(now, "viewers"), move |tx| {
                tx.insert_ended(&written.0)?;
                tx.insert_refused(&written.1)
            });
            if let Err(error) = job.wait().await {
                let (ended, refused) = std::sync::Arc::unwrap_or_clone(rows);
                self.history.put_back(ended, refused);
                return Err(error);
            }
        }
    }
}
