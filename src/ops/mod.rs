//! Use cases: one function for each thing that the product does. Rights, rules, credits and audit
//! are written here once, for every face and the command line.

pub mod channels;
pub mod clock;
pub mod events;
pub mod guide;
pub mod machine;
pub mod managed;
pub mod messages;
pub mod people;
pub mod portal;
pub mod random;
pub mod slips;
pub mod subscribers;
pub mod viewing;

mod act;
mod effect;
mod look;
mod once;

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::runtime::Handle;

pub use act::{Act, Action};
pub use effect::Effect;
pub use look::Look;
pub use once::Once;

use crate::{
    domain::{
        Error, Resource, Result,
        machine::server::Here,
        people::{actor::Actor, rights::Access, steps::HalfDone},
    },
    host::Host,
    media::Media,
    store::{self, Answer, Context, Store, guide::GuideDb, machine::snapshot::Snapshot},
};
use people::lockouts::Lockouts;
use viewing::Viewing;

/// The way to every use case: what faces and the command line hold. Every call holds one.
#[derive(Clone)]
pub struct Ops(Arc<Parts>);

/// What use cases work with.
pub struct Parts {
    /// What serves viewers.
    pub viewing: Viewing,
    /// Who is blocked, and who was let in.
    pub lockouts: Lockouts,
    pub guide: guide::Guide,
    pub backups: machine::backups::Backups,
    here: Here,
    store: Store,
    used: people::api_keys::Used,
    seen: people::sign_in::SeenSessions,
    signed_out: Mutex<people::sign_in::SignedOut>,
    half_done: Mutex<HalfDone>,
    asking: people::forgotten::Asking,
    not_allowed: people::not_allowed::NotAllowed,
    oidc: people::oidc::Oidc,
    known: machine::leap::Known,
    previews: Mutex<subscribers::previews::Previews>,
    lists: channels::import::Lists,
    host: Host,
    healths: machine::servers::Healths,
    looked: machine::health::Looked,
    figures: subscribers::counts::CountsCache,
    calls: machine::calls::Calls,
    meters: machine::meters::Meters,
    jobs: machine::jobs::JobReports,
    slips: slips::Slips,
    portal: portal::Portal,
    known_channels: subscribers::lines::KnownChannels,
    /// Who follows the log of events.
    pub followers: events::follow::Followers,
    states: events::states::States,
    lanes: events::sending::Lanes,
    messages: messages::Lanes,
}

impl std::ops::Deref for Ops {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Ops {
    /// Use cases on that store and this machine, with backups in that folder; with streams, which run once the media is started.
    pub fn new(here: Here, store: Store, guide: GuideDb, host: Host, media: Media, backups: PathBuf) -> Self {
        let lockouts = Lockouts::by(store.clone());
        let meters = machine::meters::Meters::default();
        Self(Arc::new(Parts {
            viewing: Viewing::new(
                here,
                store.clone(),
                lockouts.clone(),
                host.providers.clone(),
                meters.clone(),
                media,
            ),
            lockouts,
            guide: guide::Guide::new(store.clone(), guide, clock::now()),
            backups: machine::backups::Backups::below(backups),
            here,
            store,
            used: Mutex::default(),
            seen: people::sign_in::SeenSessions::default(),
            signed_out: Mutex::default(),
            half_done: Mutex::default(),
            asking: people::forgotten::Asking::default(),
            not_allowed: people::not_allowed::NotAllowed::default(),
            oidc: people::oidc::Oidc::default(),
            known: machine::leap::Known::default(),
            previews: Mutex::default(),
            lists: channels::import::Lists::default(),
            host,
            healths: machine::servers::Healths::default(),
            looked: machine::health::Looked::default(),
            figures: subscribers::counts::CountsCache::default(),
            calls: machine::calls::Calls::default(),
            meters,
            jobs: machine::jobs::JobReports::default(),
            slips: slips::Slips::default(),
            portal: portal::Portal::default(),
            known_channels: subscribers::lines::KnownChannels::default(),
            followers: events::follow::Followers::default(),
            states: events::states::States::default(),
            lanes: events::sending::Lanes::default(),
            messages: messages::Lanes::default(),
        }))
    }

    /// Does something in one audited transaction and answers once that is committed and its effects have happened. The
    /// job may run twice, the first time in vain; only the effects of the run that is kept happen.
    ///
    /// # Errors
    /// [`Error::Denied`] without the right to change the resource, the job's own, and the store's.
    pub fn write<T, F>(
        &self,
        actor: Actor,
        action: Action,
        job: F,
    ) -> impl Future<Output = Result<T>> + use<T, F>
    where
        T: Send + 'static,
        F: Fn(&Act<'_>) -> Result<T> + Send + 'static,
    {
        let may = actor.may(action.resource, Access::Write);
        let submitted = may.map(|()| self.write_own(actor, action, job));
        async move { submitted?.await }
    }

    /// Does something that needs no right, because whoever does it does it to himself.
    pub(super) fn write_own<T, F>(
        &self,
        actor: Actor,
        action: Action,
        job: F,
    ) -> impl Future<Output = Result<T>> + use<T, F>
    where
        T: Send + 'static,
        F: Fn(&Act<'_>) -> Result<T> + Send + 'static,
    {
        // Handed over at once: a future that held the job until it is first asked would be as large as the job.
        let answer = act::submit(&self.store, actor, action, job);
        Awaited { ops: self.clone(), answer: Some(answer) }.done()
    }

    /// Reads something that may take a while, away from the serving threads.
    ///
    /// # Errors
    /// [`Error::Denied`] without the right to read the resource, the job's own, and the store's.
    pub async fn read<T, F>(&self, actor: &Actor, action: Action, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Look<'_>) -> Result<T> + Send + 'static,
    {
        // Whoever may not waits for no thread.
        actor.may(action.resource, Access::Read)?;
        let (store, actor, origin) = (self.store.clone(), actor.clone(), origin(actor, action));
        let read = tokio::task::spawn_blocking(move || {
            store.read(&origin, |read| job(&Look::new(read, &actor, action, origin.at)?))
        });
        read.await.unwrap_or(Err(Error::Busy))
    }

    /// Reads a few rows by their keys, in place.
    ///
    /// # Errors
    /// As [`Ops::read`].
    pub fn point<T>(
        &self,
        actor: &Actor,
        action: Action,
        job: impl FnOnce(&Look<'_>) -> Result<T>,
    ) -> Result<T> {
        let origin = origin(actor, action);
        self.store.point(&origin, |read| job(&Look::new(read, actor, action, origin.at)?))
    }

    /// The defaults of a record's columns, as `schema.sql` has them.
    pub fn defaults<R: store::Table>(&self) -> Vec<(&'static str, crate::domain::Fact)> {
        self.store.defaults::<R>()
    }

    /// Ids and names of what other rows refer to: plans, bouquets, streams, categories, servers, resellers,
    /// groups. They are no secret of those who may see the rows that refer to them.
    pub async fn names(&self, resource: Resource) -> Result<Vec<(i64, String)>> {
        let action = Action { resource, name: "names" };
        self.read(&Actor::LINECARD, action, move |look| look.read.names(resource)).await
    }

    /// The names of those rows, as far as they are there.
    pub fn names_of(&self, ids: &[(Resource, i64)]) -> Result<HashMap<(Resource, i64), String>> {
        let action = Action { resource: Resource::Logs, name: "names" };
        self.point(&Actor::LINECARD, action, |look| {
            let mut names = HashMap::new();
            for (resource, id) in ids {
                if let Some(name) = look.read.name_of(*resource, *id)? {
                    names.insert((*resource, *id), name);
                }
            }
            Ok(names)
        })
    }

    /// The server that this program is.
    pub fn here(&self) -> Here {
        self.here
    }

    /// Settings, whitelist and API keys as last committed.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.store.snapshot()
    }

    /// Whether the database answers.
    pub fn healthy(&self) -> Result<()> {
        let origin = store::housekeeping(clock::now(), "healthz");
        self.store.point(&origin, |read| read.whitelist().map(|_| ()))
    }

    /// Comes back once the writer has taken a job that does nothing, and answered, whatever that was.
    pub async fn writer_answers(&self) {
        let origin = store::housekeeping(clock::now(), "alive");
        while self.store.write(origin.clone(), |_| Ok(())).wait().await == Err(Error::Busy) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Finishes what is queued and closes the file.
    pub fn close(&self) {
        self.store.close();
    }
}

/// An act whose caller waits for its commit. If he goes away meanwhile, somebody waits in his place: no effect goes with him.
struct Awaited<T: Send + 'static> {
    ops: Ops,
    /// None once it was heard.
    answer: Option<Answer<(T, Vec<Effect>)>>,
}

impl<T: Send + 'static> Awaited<T> {
    async fn done(mut self) -> Result<T> {
        let Some(answer) = &mut self.answer else { return Err(Error::Busy) };
        let heard = answer.heard().await;
        self.answer = None;
        let (answer, effects) = heard?;
        self.ops.take_effect(effects);
        Ok(answer)
    }
}

impl<T: Send + 'static> Drop for Awaited<T> {
    fn drop(&mut self) {
        let Some(answer) = self.answer.take() else { return };
        let ops = self.ops.clone();
        // Without a runtime the program ends, and every effect with it.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Ok((_, effects)) = answer.wait().await {
                ops.take_effect(effects);
            }
        });
    }
}

/// Runs something that waits on a thread of its own kind; a panic there is one here.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends, and with it whoever asked.
            Err(_) => std::future::pending().await,
        },
    }
}

fn origin(actor: &Actor, action: Action) -> Context {
    Context {
        at: clock::now(),
        resource: action.resource,
        action: action.name,
        actor: actor.name().to_owned(),
        address: actor.address,
    }
}
