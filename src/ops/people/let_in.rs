//! Who was let in from where: noted in memory, written down together, asked where an address or a name is blocked.

use std::net::IpAddr;

use parking_lot::MutexGuard;

use super::lockouts::Lockouts;

use crate::{
    domain::{
        Resource, Result,
        ids::AdminId,
        people::{
            actor::Actor,
            known::{Holder, Lately},
        },
    },
    ops::{Action, clock, origin},
    store,
};

/// Rows written by one job.
const AT_ONCE: usize = 500;

const ASK: Action = Action { resource: Resource::Security, name: "let_in" };

impl Lockouts {
    /// Notes that somebody was let in.
    pub(crate) fn note_let_in(&self, holder: Holder, address: IpAddr) {
        self.lately().note(holder, address, clock::now());
    }

    /// Whether somebody was let in with those credentials from there within 30 days.
    pub(crate) fn was_let_in(&self, holder: Holder, address: IpAddr) -> Result<bool> {
        if self.lately().holds(holder, address) {
            return Ok(true);
        }
        self.0
            .store
            .point(&origin(&Actor::LINECARD, ASK), |read| read.was_let_in(holder, address, clock::now()))
    }

    /// Somebody is known from nowhere any more, as the database has it: being let in anew is noted at once.
    pub(crate) fn forget_let_in(&self, admin: AdminId) {
        self.lately().forget(Holder::Administrator(admin));
    }

    /// Writes down who was let in.
    ///
    /// # Errors
    /// A database error; the rows wait on.
    pub async fn write_let_in(&self) -> Result<()> {
        loop {
            let rows = self.lately().waiting(AT_ONCE);
            let count = rows.len();
            if count == 0 {
                return Ok(());
            }
            let origin = store::housekeeping(clock::now(), "let_in");
            self.0.store.write(origin, move |tx| tx.insert_let_in(&rows)).wait().await?;
            self.lately().written(count);
        }
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.0.lately.lock()
    }
}
