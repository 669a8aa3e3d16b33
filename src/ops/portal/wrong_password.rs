//! Boxes that sent a wrong login or password: their MAC alone lets them in no more, until they send the right ones or begin anew.

use std::collections::HashMap;

use parking_lot::{Mutex, MutexGuard};

use crate::domain::{ids::MagId, people::api_key::KeyHash};

/// The last token of each MAG under which something wrong was sent.
#[derive(Default)]
pub struct WrongPasswords(Mutex<HashMap<MagId, KeyHash>>);

impl WrongPasswords {
    /// Notes that something wrong was sent for a MAG under that token.
    pub fn note(&self, mag: MagId, token: KeyHash) {
        self.all().insert(mag, token);
    }

    /// Whether the last that was wrong came under that token.
    pub fn came_under(&self, mag: MagId, token: &KeyHash) -> bool {
        self.all().get(&mag).is_some_and(|wrong| wrong.equals(token))
    }

    /// The right ones were sent.
    pub fn forget(&self, mag: MagId) {
        self.all().remove(&mag);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<MagId, KeyHash>> {
        self.0.lock()
    }
}
