//! Who asked for a page of the panel that he may not have, in the login log.

use std::time::Instant;

use parking_lot::Mutex;

use super::sign_in::SignedIn;
use crate::{
    domain::{
        Result,
        ids::AdminId,
        people::quota::{Allowance, Quota},
    },
    ops::{Ops, clock},
    store,
};

/// Rows of one administrator.
const OF_ONE: Allowance = Allowance { at_once: 30, a_minute: 1 };

/// How often each administrator was refused something lately.
pub struct NotAllowed(Mutex<Quota<AdminId>>);

impl Default for NotAllowed {
    fn default() -> Self {
        Self(Mutex::new(Quota::new(OF_ONE)))
    }
}

impl Ops {
    /// Notes that somebody asked for what he may not have; so much of one person's, and no more.
    pub async fn note_not_allowed(&self, who: &SignedIn, asked: &str) -> Result<()> {
        let counted = self.not_allowed.0.lock().take(who.admin.id, Instant::now());
        if !counted {
            return Ok(());
        }
        let now = clock::now();
        let outcome = format!("not allowed: {}", asked.chars().take(200).collect::<String>());
        let name = who.admin.record.username.clone();
        let address = who.actor.address.map(|address| address.to_string()).unwrap_or_default();
        let noted = self.store.write(store::housekeeping(now, "not_allowed"), move |tx| {
            tx.insert_login(now, "panel", name.as_str(), &address, &outcome)
        });
        noted.wait().await
    }
}
