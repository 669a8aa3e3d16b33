//! Lines that players asked for lately, in memory: they ask for the same ones again and again, and a
//! database read costs more than all the rest of their answer (docs/performance.md). What a commit
//! changes is forgotten before anybody is answered.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::changes::Changed;
use crate::domain::{Resource, Stored, ids::LineId, line::Line};

/// Lines kept at once, about 40 MB; beyond it all are read anew.
const MOST: usize = 100_000;

/// The lines, by what they are asked for with.
#[derive(Default)]
pub struct Seen(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    by_username: HashMap<String, Arc<Stored<Line>>>,
    usernames: HashMap<LineId, String>,
    /// How often something was forgotten.
    moment: u64,
}

/// When a line was looked for and not found: what is read after it may be kept unless something was
/// forgotten in between.
pub struct Moment(u64);

impl Seen {
    /// The line of a username, without regard to case.
    ///
    /// # Errors
    /// The moment at which it was not there.
    pub fn line(&self, username: &str) -> Result<Arc<Stored<Line>>, Moment> {
        let lines = self.lines();
        let found = if username.bytes().any(|byte| byte.is_ascii_uppercase()) {
            lines.by_username.get(&username.to_ascii_lowercase())
        } else {
            lines.by_username.get(username)
        };
        found.cloned().ok_or(Moment(lines.moment))
    }

    /// Keeps a line that was read after that moment.
    pub fn keep(&self, line: &Arc<Stored<Line>>, Moment(moment): Moment) {
        let mut lines = self.lines();
        if lines.moment != moment {
            return;
        }
        if lines.by_username.len() >= MOST {
            lines.clear();
        }
        let username = line.record.username.as_str().to_ascii_lowercase();
        lines.usernames.insert(line.id, username.clone());
        lines.by_username.insert(username, line.clone());
    }

    /// Forgets what those changes may have made old.
    pub fn forget(&self, changed: &[Changed]) {
        let mut lines = self.lines();
        for change in changed {
            match *change {
                Changed::Row(Resource::Line, id) => {
                    if let Some(username) = lines.usernames.remove(&LineId(id)) {
                        lines.by_username.remove(&username);
                    }
                }
                // A bouquet that is deleted leaves the lists of lines.
                Changed::Row(Resource::Bouquets, _) | Changed::Anything => lines.clear(),
                Changed::Row(..) => continue,
            }
            lines.moment += 1;
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn clear(&mut self) {
        self.by_username.clear();
        self.usernames.clear();
    }
}
