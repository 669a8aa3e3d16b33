//! Lists that were uploaded and wait for their import, and imports that run.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{MutexGuard as Turn, Semaphore};

use super::{Done, Import, READINGS, Reading};
use crate::{
    domain::{Error, Result, channels::import::List, people::actor::Actor},
    ops::{Ops, random},
};

/// Lists that wait for their import at once; a further one drops the oldest.
const LISTS: usize = 4;
/// One that nobody came back to is dropped after this time.
const KEPT: Duration = Duration::from_mins(30);
/// Imports that are known once they are over, each for so long.
const RUNS: (usize, Duration) = (100, Duration::from_hours(1));

/// What is known of imports under way.
pub struct Lists {
    kept: Mutex<VecDeque<WaitingList>>,
    readings: Arc<Semaphore>,
    /// Those that are fetched are not read yet.
    pub(super) fetches: Semaphore,
    turn: tokio::sync::Mutex<()>,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            readings: Arc::new(Semaphore::new(READINGS)),
            fetches: Semaphore::new(READINGS),
            turn: tokio::sync::Mutex::default(),
        }
    }
}

struct WaitingList {
    token: String,
    owner: String,
    /// `None` once it is imported: only what came of it is known then.
    list: Option<Arc<List>>,
    run: Option<Arc<Run>>,
    at: Instant,
}

/// What is known of a list that was uploaded.
pub enum UploadedList {
    /// It waits for its import; also if that was refused.
    List(Arc<List>),
    /// Its import, which runs or is over.
    Run(Arc<Run>),
}

/// An import that runs or is over.
#[derive(Default)]
pub struct Run(Mutex<(Done, Option<Result<()>>)>);

impl Run {
    /// How far it is.
    pub fn done(&self) -> Done {
        self.lock().0.clone()
    }

    /// What came of it, once it is over: why nothing was imported, if nothing was.
    pub fn outcome(&self) -> Option<Result<()>> {
        self.lock().1.clone()
    }

    fn lock(&self) -> MutexGuard<'_, (Done, Option<Result<()>>)> {
        self.0.lock()
    }
}

impl Lists {
    /// Waits for its turn: one import writes at a time.
    pub(super) async fn turn(&self) -> Turn<'_, ()> {
        self.turn.lock().await
    }

    fn fresh(&self) -> MutexGuard<'_, VecDeque<WaitingList>> {
        let mut kept = self.kept.lock();
        kept.retain(|kept| kept.at.elapsed() < if kept.run.is_some() { RUNS.1 } else { KEPT });
        kept
    }
}

impl Ops {
    /// Begins to read a list.
    ///
    /// # Errors
    /// [`Error::Busy`] while as many are read as may be at once.
    pub fn read_list(&self) -> Result<Reading> {
        let permit = self.lists.readings.clone().try_acquire_owned().map_err(|_| Error::Busy)?;
        Ok(Reading::with(Some(permit)))
    }

    /// Keeps a list until whoever uploaded it has decided; the token that names it. All that wait take no more memory than
    /// one may.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system has no random numbers.
    pub fn keep_list(&self, actor: &Actor, list: List) -> Result<String> {
        let token = random::token()?;
        let list = WaitingList {
            token: token.clone(),
            owner: actor.name().to_owned(),
            list: Some(Arc::new(list)),
            run: None,
            at: Instant::now(),
        };
        let mut kept = self.lists.fresh();
        kept.push_back(list);
        let is_too_much = |kept: &VecDeque<WaitingList>| {
            let lists = kept.iter().filter_map(|kept| kept.list.as_ref());
            let (count, bytes) = lists.fold((0, 0), |(count, bytes), list| (count + 1, bytes + list.bytes()));
            count > LISTS || (count > 1 && bytes > List::MOST)
        };
        while is_too_much(&kept) {
            let Some(oldest) = kept.iter().position(|kept| kept.list.is_some()) else { break };
            kept.remove(oldest);
        }
        while kept.len() > RUNS.0 {
            kept.pop_front();
        }
        Ok(token)
    }

    /// What is known of the list of that token, for the one who uploaded it; `None` once it was dropped.
    pub fn kept_list(&self, actor: &Actor, token: &str) -> Option<UploadedList> {
        let kept = self.lists.fresh();
        let found = kept.iter().find(|kept| kept.token == token && kept.owner == actor.name())?;
        let run = found.run.clone().filter(|run| !matches!(run.outcome(), Some(Err(_))));
        run.map(UploadedList::Run).or_else(|| found.list.clone().map(UploadedList::List))
    }

    /// Begins the import of a list that is kept; what runs it, unless it runs already.
    pub fn begin_import(
        &self,
        actor: &Actor,
        token: &str,
        import: Import,
    ) -> (Arc<Run>, Option<impl Future<Output = ()> + use<>>) {
        let run = Arc::new(Run::default());
        if let Some(kept) = self.lists.fresh().iter_mut().find(|kept| kept.token == token) {
            match &kept.run {
                Some(running) if !matches!(running.outcome(), Some(Err(_))) => {
                    return (running.clone(), None);
                }
                _ => (kept.run, kept.at) = (Some(run.clone()), Instant::now()),
            }
        }
        let (ops, actor, running, token) = (self.clone(), actor.clone(), run.clone(), token.to_owned());
        let work = async move {
            let outcome = ops.import(&actor, import, |done| running.lock().0 = done.clone()).await;
            if outcome.is_ok()
                && let Some(kept) = ops.lists.fresh().iter_mut().find(|kept| kept.token == token)
            {
                kept.list = None;
            }
            let mut state = running.lock();
            state.1 = Some(outcome.map(|done| state.0 = done));
        };
        (run, Some(work))
    }
}
