//! Lines that players asked for lately, in memory: they ask for the same ones again and again, and a
//! database read costs more than all the rest of their answer (docs/performance.md). What a commit
//! changes is forgotten before anybody is answered.

use std::{collections::HashMap, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use crate::{
    domain::{Resource, Stored, fields::token::LineToken, ids::LineId, subscribers::line::Line},
    store::engine::changes::Changed,
};

/// Lines kept at once, about 30 MB (docs/performance.md); beyond it all are read anew.
const MOST: usize = 100_000;

/// The lines, by what they are asked for with.
#[derive(Default)]
pub struct LineCache(Mutex<Lines>);

/// What a line is asked for with.
#[derive(Clone, Copy)]
pub enum LineKey<'k> {
    /// Its username, without regard to case.
    Username(&'k str),
    Token(&'k LineToken),
}

#[derive(Default)]
struct Lines {
    by_id: HashMap<LineId, Arc<Stored<Line>>>,
    /// In lower case.
    usernames: HashMap<String, LineId>,
    tokens: HashMap<LineToken, LineId>,
    /// How often something was forgotten.
    moment: u64,
}

/// When a line was looked for and not found: what is read after it may be kept unless something was
/// forgotten in between.
pub struct Moment(u64);

impl LineCache {
    /// The line of that key.
    ///
    /// # Errors
    /// The moment at which it was not there.
    pub fn line(&self, key: LineKey<'_>) -> Result<Arc<Stored<Line>>, Moment> {
        let lines = self.lines();
        let id = match key {
            LineKey::Username(name) if name.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                lines.usernames.get(&name.to_ascii_lowercase())
            }
            LineKey::Username(name) => lines.usernames.get(name),
            LineKey::Token(token) => lines.tokens.get(token),
        };
        id.and_then(|id| lines.by_id.get(id)).cloned().ok_or(Moment(lines.moment))
    }

    /// Keeps a line that was read after that moment.
    pub fn keep(&self, line: &Arc<Stored<Line>>, Moment(moment): Moment) {
        let mut lines = self.lines();
        if lines.moment != moment {
            return;
        }
        if lines.by_id.len() >= MOST {
            lines.clear();
        }
        let Line { username, token, .. } = &line.record;
        lines.usernames.insert(username.as_str().to_ascii_lowercase(), line.id);
        lines.tokens.extend(token.clone().map(|token| (token, line.id)));
        lines.by_id.insert(line.id, line.clone());
    }

    /// Forgets what those changes may have made old.
    pub fn forget(&self, changed: &[Changed]) {
        let mut lines = self.lines();
        for change in changed {
            match *change {
                Changed::Row(Resource::Line, id) => lines.remove(LineId(id)),
                // A bouquet that is deleted leaves the lists of lines.
                Changed::Row(Resource::Bouquets, _) | Changed::Anything => lines.clear(),
                Changed::Row(..) => continue,
            }
            lines.moment += 1;
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock()
    }
}

impl Lines {
    fn remove(&mut self, id: LineId) {
        let Some(line) = self.by_id.remove(&id) else { return };
        self.usernames.remove(&line.record.username.as_str().to_ascii_lowercase());
        if let Some(token) = &line.record.token {
            self.tokens.remove(token);
        }
    }

    fn clear(&mut self) {
        self.by_id.clear();
        self.usernames.clear();
        self.tokens.clear();
    }
}
