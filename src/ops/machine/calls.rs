//! Calls of the Server API, gathered in memory and written together each second: no call waits for its row,
//! and a row that cannot be written disturbs none.

use std::{net::IpAddr, sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};

use crate::{
    domain::{Resource, Result, fields::time::UnixTime},
    ops::{Ops, clock},
    store::{self, machine::logs::CallRow},
};

/// Rows of one second; those beyond it are counted.
const MOST: usize = 1000;

/// Calls that wait to be written.
#[derive(Default)]
pub struct Calls(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    rows: Vec<CallRow>,
    /// How many more there were.
    more: u64,
}

/// What became of a call.
pub struct Noted {
    /// The name of its key.
    pub key: String,
    /// From where.
    pub address: IpAddr,
    /// What was called.
    pub resource: Resource,
    pub action: &'static str,
    /// `ok`, `ok (dry run)`, or the refusal as it was answered.
    pub outcome: String,
    /// `ok`, `dry_run`, or the code of the refusal.
    pub code: &'static str,
    /// How long it took.
    pub took: Duration,
}

impl Ops {
    /// Notes a call for the log.
    pub fn note_call(&self, call: Noted) {
        self.meters.called(call.resource.name(), call.action, call.code, call.took);
        let mut waiting = self.calls.waiting();
        if waiting.rows.len() >= MOST {
            waiting.more += 1;
            return;
        }
        waiting.rows.push(CallRow {
            at: clock::now(),
            key_name: call.key,
            address: call.address.to_string(),
            resource: call.resource.name(),
            action: call.action,
            outcome: call.outcome,
            micros: u64::try_from(call.took.as_micros()).unwrap_or(u64::MAX),
        });
    }

    /// Writes down what waits.
    ///
    /// # Errors
    /// A database error; the rows wait on, at most a second's worth of them.
    pub async fn write_calls(&self) -> Result<()> {
        let (rows, more) = self.calls.take();
        if rows.is_empty() {
            return Ok(());
        }
        let now = clock::now();
        let rows = Arc::new(rows);
        let written = rows.clone();
        let job = self.store.write(store::housekeeping(now, "calls"), move |tx| {
            tx.insert_calls(&written)?;
            if more > 0 { tx.insert_calls(&[too_many(more, now)]) } else { Ok(()) }
        });
        if let Err(error) = job.wait().await {
            self.calls.put_back(&rows, more);
            return Err(error);
        }
        Ok(())
    }
}

/// The row that stands for those that have none.
fn too_many(more: u64, now: UnixTime) -> CallRow {
    CallRow {
        at: now,
        key_name: String::new(),
        address: String::new(),
        resource: "",
        action: "",
        outcome: format!("{more} more calls in this second are not listed"),
        micros: 0,
    }
}

impl Calls {
    fn take(&self) -> (Vec<CallRow>, u64) {
        let mut waiting = self.waiting();
        (std::mem::take(&mut waiting.rows), std::mem::take(&mut waiting.more))
    }

    fn put_back(&self, rows: &[CallRow], more: u64) {
        let mut waiting = self.waiting();
        let since = std::mem::take(&mut waiting.rows);
        let all = rows.iter().cloned().chain(since);
        let (mut kept, mut more) = (Vec::new(), waiting.more + more);
        for row in all {
            if kept.len() < MOST {
                kept.push(row);
            } else {
                more += 1;
            }
        }
        (waiting.rows, waiting.more) = (kept, more);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock()
    }
}
