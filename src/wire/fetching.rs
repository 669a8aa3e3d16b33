//! How many long answers each viewer is fetching at the same moment.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::domain::viewing::session::Viewer;

/// Answers of one kind that a viewer may be fetching at once: no player needs more than one.
const AT_ONCE: usize = 4;

#[derive(Default)]
pub struct Fetching(Mutex<HashMap<Viewer, usize>>);

impl Fetching {
    /// One more, unless there are too many.
    pub fn begin(self: &Arc<Self>, viewer: Viewer) -> Option<Fetch> {
        let mut fetching = self.0.lock();
        let count = fetching.entry(viewer).or_insert(0);
        (*count < AT_ONCE).then(|| {
            *count += 1;
            Fetch { all: self.clone(), viewer }
        })
    }
}

/// An answer on its way, until it is dropped.
pub struct Fetch {
    all: Arc<Fetching>,
    viewer: Viewer,
}

impl Drop for Fetch {
    fn drop(&mut self) {
        let mut fetching = self.all.0.lock();
        if let Some(count) = fetching.get_mut(&self.viewer) {
            *count -= 1;
            if *count == 0 {
                fetching.remove(&self.viewer);
            }
        }
    }
}
