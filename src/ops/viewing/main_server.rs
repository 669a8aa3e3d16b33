//! What viewing asks the main server for and has it write down, and nothing else. Here that is the database of this very
//! server; one that only serves viewers would ask over the network.

use std::{collections::HashSet, sync::Arc};

use super::{Credentials, Subscriber};
use crate::{
    domain::{
        Error, Resource, Result, Stored,
        channels::{catalogue::Channels, source_request::SourceRequest, stream::Stream},
        fields::{number::Asn, time::UnixTime, token::LineToken},
        ids::{MagId, PlanId, StreamId},
        machine::server::Here,
        people::actor::Actor,
        subscribers::{line::Line, mag::Mag, plan::Plan, subscription::Subscription},
        viewing::session::{Ending, Proof, SessionId, Viewer},
    },
    media::Wanted,
    ops::{
        Act, Action, act,
        channels::catalogue::{BouquetSet, CatalogueCache, bouquets_of},
        clock, origin,
        portal::UnsavedBoxes,
    },
    store::{
        self, Context, LineKey, Read, Store, Table,
        engine::changes::Changed,
        machine::snapshot::Snapshot,
        viewing::{
            open_sessions::SessionRow,
            viewers::{AskedTitle, EndedRow, RefusedRow},
        },
    },
};

const WATCH: Action = Action { resource: Resource::Connections, name: "watch" };

/// The main server, as those see it who serve viewers.
pub(in crate::ops) struct MainServer {
    store: Store,
    made: CatalogueCache,
    /// Boxes that could not be written down yet.
    pub unsaved_boxes: UnsavedBoxes,
}

impl MainServer {
    /// The one whose database that is.
    pub fn of(store: Store) -> Self {
        Self { store, made: CatalogueCache::default(), unsaved_boxes: UnsavedBoxes::default() }
    }

    /// Settings and whitelist as last committed.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.store.snapshot()
    }

    /// What is committed from now on, once something is.
    pub async fn changed(&self) -> HashSet<Changed> {
        self.store.changes().next().await
    }

    /// The line that credentials name, whether they are right or not.
    pub fn line(&self, credentials: Credentials<'_>) -> Result<Option<Arc<Stored<Line>>>> {
        let line = |key| self.store.line(asking, key);
        match credentials {
            Credentials::Password { username, .. } => line(LineKey::Username(username)),
            Credentials::Token(token) => match LineToken::new(token) {
                Ok(token) => line(LineKey::Token(&token)),
                Err(_) => Ok(None),
            },
        }
    }

    /// Who watches, if that proof would let him in; else why not. `None` if there is no such line or MAG.
    pub fn subscriber(
        &self,
        viewer: Viewer,
        proof: Option<&Proof>,
    ) -> Result<Option<Result<Subscriber, Ending>>> {
        self.store.point(&asking(), |read| {
            Ok(match viewer {
                Viewer::Line(id) => read.by_id::<Line>(id)?.map(|line| {
                    let is_right = proof.is_none_or(|proof| is_still(&line.record, proof));
                    if is_right { Ok((&line).into()) } else { Err(Ending::NewPassword) }
                }),
                Viewer::Mag(id) => read.by_id::<Mag>(id)?.map(|mag| Ok(mag.into())),
            })
        })
    }

    /// Whether the box of a MAG is let in and may play, whatever its subscription.
    pub fn box_may_play(&self, mag: MagId) -> Result<bool> {
        let login_required = self.snapshot().settings.mag_login_required;
        match self.store.point(&asking(), |read| read.device(mag)) {
            Ok(device) => Ok(self.unsaved_boxes.over(mag, device).may_play(login_required)),
            Err(Error::NoSuch { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Which catalogue it is: another number once anything of it was changed.
    pub fn catalogue(&self) -> u64 {
        self.store.changes().catalogue()
    }

    /// The channels that a set of bouquets holds, in order and each with a number. It blocks.
    pub fn channels(&self, set: BouquetSet) -> Result<Arc<Channels>> {
        self.made.channels.get(self.catalogue(), set.clone(), || read_channels(&self.store, &set))
    }

    /// The same, read beside the thread that asks if they are to be read.
    pub async fn channels_beside(&self, set: BouquetSet) -> Result<Arc<Channels>> {
        let (store, of) = (self.store.clone(), set.clone());
        let read = move || read_channels(&store, &of);
        self.made.channels.get_beside(|| self.catalogue(), set, read).await
    }

    /// What is asked for as admission sees it, and whether the subscriber's bouquets hold it; `None` if there is none.
    pub fn asked_title(&self, who: &Subscriber, stream: StreamId) -> Result<Arc<Option<AskedTitle>>> {
        self.made.asked.get(self.catalogue(), (stream, bouquets_of(who)), || {
            let Subscription { subscription_plan_id: plan, bouquets, .. } = &who.subscription;
            self.store.point(&asking(), |read| read.asked_title(stream, *plan, bouquets))
        })
    }

    /// Whether a plan allows catch-up; without one nothing forbids it.
    pub fn plan_has_catchup(&self, plan: Option<PlanId>) -> Result<bool> {
        let Some(id) = plan else { return Ok(true) };
        let has = self.made.plans_with_catchup.get(self.catalogue(), id, || {
            let plan = self.store.point(&asking(), |read| read.by_id::<Plan>(id))?;
            Ok::<_, Error>(plan.is_none_or(|plan| plan.record.catchup))
        });
        has.map(|has| *has)
    }

    /// Every stream that is to run on that server.
    pub fn every_wanted(&self, here: Here) -> Result<Vec<(StreamId, Wanted)>> {
        self.store.point(&asking(), |read| every_wanted(read, here))
    }

    /// These streams; `None` for each that is not to run on that server.
    pub fn wanted(&self, ids: &[StreamId], here: Here) -> Result<Vec<Option<Wanted>>> {
        self.store.point(&asking(), |read| {
            let row =
                |id: &StreamId| Ok(read.by_id::<Stream>(*id)?.and_then(|row| wanted(&row.record, here)));
            ids.iter().map(row).collect()
        })
    }

    /// Binds a line or MAG to a network provider, unless somebody was quicker.
    pub async fn bind_provider(&self, viewer: Viewer, asn: Asn) -> Result<()> {
        match viewer {
            Viewer::Line(id) => self.bind(id, asn, |line: &mut Line| &mut line.subscription).await,
            Viewer::Mag(id) => self.bind(id, asn, |mag: &mut Mag| &mut mag.subscription).await,
        }
    }

    async fn bind<R: Table>(
        &self,
        id: R::Id,
        asn: Asn,
        subscription: fn(&mut R) -> &mut Subscription,
    ) -> Result<()> {
        let action = Action { resource: R::RESOURCE, name: "isp_lock" };
        let bound = act::submit(&self.store, Actor::LINECARD, action, move |act: &Act<'_>| {
            let before = act.find::<R>(id)?;
            let mut after = before.record.clone();
            if subscription(&mut after).isp_asn.replace(asn).is_some() {
                return Ok(());
            }
            act.replace(&before, &after)
        });
        // It has no effects: whoever is bound goes on watching.
        bound.wait().await.map(|_| ())
    }

    /// Adds to the logs of viewers.
    pub async fn write_history(
        &self,
        rows: Arc<(Vec<EndedRow>, Vec<RefusedRow>)>,
        now: UnixTime,
    ) -> Result<()> {
        let job = self.store.write(store::housekeeping(now, "viewers"), move |tx| {
            tx.insert_ended(&rows.0)?;
            tx.insert_refused(&rows.1)
        });
        job.wait().await
    }

    /// Notes when it last ran, by a clock that is believed.
    pub async fn know_time(&self, now: UnixTime) -> Result<()> {
        self.store.write(store::housekeeping(now, "clock"), move |tx| tx.know_time(now)).wait().await
    }

    /// Writes down that sessions are open.
    pub async fn keep_open(&self, rows: Vec<SessionRow>) -> Result<()> {
        self.store.write(sessions(), move |tx| tx.keep_open(&rows)).wait().await
    }

    /// Forgets that sessions are open.
    pub async fn forget_open(&self, ids: Vec<SessionId>) -> Result<()> {
        self.store.write(sessions(), move |tx| tx.forget_open(ids.iter().copied())).wait().await
    }

    /// Moves what was left open into the history; how many sessions.
    pub async fn end_left_open(&self) -> Result<usize> {
        self.store.write(sessions(), |tx| tx.end_left_open()).wait().await
    }
}

fn asking() -> Context {
    origin(&Actor::LINECARD, WATCH)
}

fn read_channels(store: &Store, (plan, own): &BouquetSet) -> Result<Channels> {
    store.read(&asking(), |read| read.catalogue(*plan, own)).map(Channels::of)
}

fn sessions() -> Context {
    store::housekeeping(clock::now(), "sessions")
}

fn is_still(line: &Line, proof: &Proof) -> bool {
    match proof {
        Proof::Password(password) => *line.password.as_str() == **password,
        Proof::Token(token) => line.token.as_ref().is_some_and(|own| *own.as_str() == **token),
    }
}

/// What a server is to run, if it is that server's and enabled.
fn wanted(stream: &Stream, here: Here) -> Option<Wanted> {
    (stream.enabled && here.is(stream.server())).then(|| Wanted {
        sources: stream.sources.clone(),
        request: SourceRequest {
            user_agent: stream.user_agent.clone(),
            headers: stream.headers.clone(),
            tls_verify: stream.tls_verify,
            left_out: Vec::new(),
        },
        on_demand: stream.on_demand,
        audio_to_aac: stream.audio_to_aac,
        at_end: stream.at_end,
        is_recorded: stream.archive_days.get() > 0,
    })
}

fn every_wanted(read: &Read<'_>, here: Here) -> Result<Vec<(StreamId, Wanted)>> {
    let mut found = Vec::new();
    read.each::<Stream>(None, |row| found.extend(wanted(&row.record, here).map(|wanted| (row.id, wanted))))?;
    Ok(found)
}
