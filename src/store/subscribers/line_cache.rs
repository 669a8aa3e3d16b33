//! Lines that players and callers asked for lately, in memory: they ask for the same ones again and again, and a
//! database read costs more than all the rest of their answer (docs/performance.md). What a commit
//! changes is forgotten before anybody is answered.

use std::{collections::HashMap, sync::Arc};

use parking_lot::{Mutex, MutexGuard};

use crate::{
    domain::{
        Resource, Stored,
        fields::{text::Reference, token::LineToken},
        ids::LineId,
        subscribers::{line::Line, subscription::Subscription},
    },
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
    /// The caller's own number.
    Reference(&'k Reference),
}

#[derive(Default)]
struct Lines {
    by_id: HashMap<LineId, Arc<Stored<Line>>>,
    /// In lower case.
    usernames: HashMap<String, LineId>,
    tokens: HashMap<LineToken, LineId>,
    references: HashMap<String, LineId>,
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
            LineKey::Reference(reference) => lines.references.get(reference.as_str()),
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
        let Line { username, token, subscription: Subscription { reference, .. }, .. } = &line.record;
        lines.usernames.insert(username.as_str().to_ascii_lowercase(), line.id);
        lines.tokens.extend(token.clone().map(|token| (token, line.id)));
        let reference = reference.as_ref().map(|reference| reference.as_str().to_owned());
        lines.references.extend(reference.map(|reference| (reference, line.id)));
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
        if let Some(reference) = &line.record.subscription.reference {
            self.references.remove(reference.as_str());
        }
    }

    fn clear(&mut self) {
        self.by_id.clear();
        self.usernames.clear();
        self.tokens.clear();
        self.references.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicI64, AtomicUsize, Ordering},
        thread,
        time::Duration,
    };

    use rusqlite::Connection;

    use super::*;
    use crate::{
        domain::{
            Columns, Given, Result,
            fields::{
                number::Connections,
                text::{LinePassword, Username},
                time::UnixTime,
            },
            subscribers::line::LineChange,
        },
        store::{Context, FILE, Options, Store, Write, housekeeping},
    };

    fn origin() -> Context {
        housekeeping(UnixTime::clamped(0), "test")
    }

    fn insert(tx: &Write<'_>) -> Result<()> {
        let change = LineChange {
            username: Given::Value(Username::new("bob").unwrap()),
            password: Given::Value(LinePassword::new("pw").unwrap()),
            ..LineChange::default()
        };
        let line = Line::create(change, tx.defaults::<Line>()?)?;
        tx.insert::<Line>(&line.facts(), UnixTime::clamped(0)).map(|_| ())
    }

    fn set(tx: &Write<'_>, number: i64) -> Result<()> {
        let before = tx.by_id::<Line>(LineId(1))?.unwrap().record;
        let mut after = before.clone();
        after.subscription.max_allowed_connections = Connections::new(number).unwrap();
        tx.update::<Line>(LineId(1), &before.facts(), &after.facts(), UnixTime::clamped(0))
    }

    fn number(store: &Store) -> i64 {
        let line = store.line(origin, LineKey::Username("Bob")).unwrap().unwrap();
        line.record.subscription.max_allowed_connections.get()
    }

    #[tokio::test]
    async fn a_state_is_known_until_another_process_commits() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::default()).unwrap();
        store.write(origin(), insert).wait().await.unwrap();
        let (state, again) = (store.state(), store.state());
        assert!(state.is_some() && state == again);
        store.write(origin(), |tx| set(tx, 2)).wait().await.unwrap();
        let after = store.state();
        assert!(after.is_some() && after != state && number(&store) == 2);

        let other = Connection::open(folder.path().join(FILE)).unwrap();
        other.execute("UPDATE lines SET max_allowed_connections = 3", []).unwrap();
        assert_eq!(store.state(), None, "it is not told yet");
        store.write(origin(), |_| Ok(())).wait().await.unwrap();
        assert_eq!(store.state(), None, "what another committed is not told with what is committed here");
        let until = std::time::Instant::now();
        while store.state().is_none() {
            assert!(until.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(number(&store), 3, "what is known is what was committed");
        store.close();
    }

    #[test]
    fn within_a_state_memory_is_never_older_than_what_was_answered() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(store.write(origin(), insert).wait()).unwrap();
        let (answered, seen) = (AtomicI64::new(1), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while answered.load(Ordering::Acquire) < 400 {
                        let before = answered.load(Ordering::Acquire);
                        let Some(state) = store.state() else { continue };
                        let shown = number(&store);
                        if store.state() == Some(state) {
                            assert!(shown >= before, "{shown} after {before} was answered");
                            seen.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
            for next in 2..=400 {
                runtime.block_on(store.write(origin(), move |tx| set(tx, next)).wait()).unwrap();
                answered.store(next, Ordering::Release);
            }
        });
        assert!(seen.load(Ordering::Relaxed) > 0);
        store.close();
    }
}
