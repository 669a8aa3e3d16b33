//! What was committed, for those who follow it: running streams and open sessions.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::{domain::Resource, store::subscribers::line_cache::LineCache};

/// Something that was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Changed {
    /// A row of that resource, by its id; it may be gone.
    Row(Resource, i64),
    /// Anything at all: another process wrote, or too much happened to be told apart.
    Anything,
}

/// Changes that wait for the one who follows them. They gather in a set: a row that changes often
/// waits once.
#[derive(Default)]
pub struct Changes {
    waiting: Mutex<HashSet<Changed>>,
    bell: Notify,
    catalogue: AtomicU64,
    guide: AtomicU64,
    events: watch::Sender<()>,
    seen: LineCache,
    /// The number of the last commit up to which everything was told, and one more; 0 before the first look.
    told: AtomicU64,
}

impl Changes {
    /// Rows told apart at once; beyond it they are one [`Changed::Anything`].
    const MOST: usize = 10_000;

    /// Tells them; called after the commit and before anybody is answered.
    pub(crate) fn tell(&self, changed: &[Changed]) {
        if changed.is_empty() {
            return;
        }
        if changed.iter().any(Changed::shows_in_playlists) {
            self.catalogue.fetch_add(1, Ordering::Release);
        }
        if changed.iter().any(Changed::shows_in_guide) {
            self.guide.fetch_add(1, Ordering::Release);
        }
        self.seen.forget(changed);
        let mut waiting = self.waiting.lock();
        waiting.extend(changed);
        if waiting.len() > Self::MOST {
            waiting.clear();
            waiting.insert(Changed::Anything);
        }
        drop(waiting);
        self.bell.notify_one();
    }

    /// Everything up to that commit was told, whoever's it was.
    pub(crate) fn told_up_to(&self, commit: u32) {
        self.told.store(u64::from(commit) + 1, Ordering::Release);
    }

    /// Whether what is kept in memory is as that commit left it.
    pub(crate) fn is_told_up_to(&self, commit: u32) -> bool {
        self.told.load(Ordering::Acquire) == u64::from(commit) + 1
    }

    /// Tells that events were committed.
    pub(crate) fn tell_events(&self) {
        self.events.send_replace(());
    }

    /// Hears of it each time that events were committed.
    pub fn events(&self) -> watch::Receiver<()> {
        self.events.subscribe()
    }

    /// Waits until something was committed, and takes all of it. There is one who follows.
    pub async fn next(&self) -> HashSet<Changed> {
        loop {
            let changed = std::mem::take(&mut *self.waiting.lock());
            if !changed.is_empty() {
                return changed;
            }
            self.bell.notified().await;
        }
    }

    /// The lines that were asked for lately, as they are now.
    pub(crate) fn seen(&self) -> &LineCache {
        &self.seen
    }

    /// A number that is another one as soon as anything was committed that playlists are built from.
    pub fn catalogue(&self) -> u64 {
        self.catalogue.load(Ordering::Acquire)
    }

    /// A number that is another one as soon as anything was committed by which streams find their programmes.
    pub fn guide(&self) -> u64 {
        self.guide.load(Ordering::Acquire)
    }
}

impl Changed {
    fn shows_in_playlists(&self) -> bool {
        use Resource::{Bouquets, Categories, Settings, Streams, SubscriptionPlans};
        match self {
            Self::Row(resource, _) => {
                matches!(resource, Bouquets | Categories | Settings | Streams | SubscriptionPlans)
            }
            Self::Anything => true,
        }
    }

    fn shows_in_guide(&self) -> bool {
        use Resource::{Guide, GuideSources, Streams};
        match self {
            Self::Row(resource, _) => matches!(resource, Guide | GuideSources | Streams),
            Self::Anything => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn changes_gather_until_they_are_taken() {
        let changes = Changes::default();
        let row = |id| Changed::Row(Resource::Line, id);
        changes.tell(&[row(1), row(2)]);
        changes.tell(&[row(1)]);
        assert_eq!(changes.next().await, HashSet::from([row(1), row(2)]));
        assert_eq!(changes.catalogue(), 0, "a line stands in no playlist");
        changes.tell(&[Changed::Row(Resource::Streams, 1)]);
        assert_eq!(changes.catalogue(), 1);
    }

    #[tokio::test]
    async fn too_many_changes_become_one() {
        let changes = Changes::default();
        let many: Vec<Changed> = (0..20_000).map(|id| Changed::Row(Resource::Line, id)).collect();
        changes.tell(&many);
        assert_eq!(changes.next().await, HashSet::from([Changed::Anything]));
    }
}
