//! What was committed takes effect on those who watch: streams start and stop, viewers who may no
//! longer watch are cut.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::{Subscriber, Viewing, open};
use crate::{
    domain::{
        Resource, Result,
        fields::time::UnixTime,
        ids::{LineId, MagId, StreamId},
        viewing::{
            admission::{self, Attempt, Recorded, Request},
            session::{Ending, Session, Viewer},
        },
    },
    media::connections::EndedConnection,
    ops::{blocking, clock},
    store::{engine::changes::Changed, viewing::viewers::EndedRow},
};

/// How often at most everybody who watches is looked at for what was committed.
const GATHER: Duration = Duration::from_secs(1);

impl Viewing {
    /// Runs the streams that are enabled, from now on. Called once, on the main thread's runtime.
    pub fn start(&self) -> Result<()> {
        self.media.start(clock::milliseconds);
        self.run_streams()
    }

    /// Stops every stream, and waits until each has ended.
    pub async fn stop(&self) {
        self.media.stop().await;
    }

    /// Runs every stream that is enabled: at the start, and when nobody knows what has changed.
    fn run_streams(&self) -> Result<()> {
        let (media, wanted) = (&self.media, self.main.every_wanted(self.here)?);
        let kept: HashSet<StreamId> = wanted.iter().map(|(id, _)| *id).collect();
        for id in media.ids().into_iter().filter(|id| !kept.contains(id)) {
            self.drop_stream(id);
        }
        for (id, wanted) in wanted {
            media.set(id, wanted);
        }
        Ok(())
    }

    /// Brings streams to what their rows say, which are read at once.
    pub(in crate::ops) fn run_these(&self, ids: &[StreamId]) -> Result<()> {
        let found = self.main.wanted(ids, self.here)?;
        for (id, wanted) in ids.iter().zip(found) {
            match wanted {
                Some(wanted) => self.media.set(*id, wanted),
                None => self.drop_stream(*id),
            }
        }
        Ok(())
    }

    fn drop_stream(&self, id: StreamId) {
        self.media.remove(id);
        self.connections.end_where(Ending::StreamStopped, |session| session.key.title.stream() == id);
    }

    /// Follows what is committed, for ever. What may concern everybody who watches is looked at once for all that is
    /// committed within a second: an import commits 200 times. Begins with everything if some were `missed`.
    ///
    /// # Errors
    /// A database error: what was committed has not taken effect.
    pub async fn follow_changes(&self, missed: bool) -> Result<()> {
        if missed {
            self.follow_apart(HashSet::from([Changed::Anything]), true).await?;
        }
        let mut looked: Option<Instant> = None;
        let mut everybody = false;
        loop {
            let next = self.main.changed();
            let since = looked.map_or(GATHER, |at| at.elapsed());
            let changed = if everybody {
                tokio::time::timeout(GATHER.saturating_sub(since), next).await.unwrap_or_default()
            } else {
                next.await
            };
            everybody |= changed.iter().any(concerns_everybody);
            let now = everybody && looked.is_none_or(|at| at.elapsed() >= GATHER);
            if now {
                (looked, everybody) = (Some(Instant::now()), false);
            }
            self.follow_apart(changed, now).await?;
        }
    }

    async fn follow_apart(&self, changed: HashSet<Changed>, everybody: bool) -> Result<()> {
        let ops = self.clone();
        blocking(move || ops.follow(&changed, everybody)).await
    }

    fn follow(&self, changed: &HashSet<Changed>, everybody: bool) -> Result<()> {
        let mut viewers = HashSet::new();
        let mut streams = Vec::new();
        for change in changed {
            match *change {
                Changed::Row(Resource::Streams, id) => streams.push(StreamId(id)),
                Changed::Row(Resource::Line, id) => {
                    viewers.insert(Viewer::Line(LineId(id)));
                }
                Changed::Row(Resource::Mag, id) => {
                    viewers.insert(Viewer::Mag(MagId(id)));
                }
                Changed::Row(..) => {}
                Changed::Anything => self.run_streams()?,
            }
        }
        self.run_these(&streams)?;
        self.recheck(&self.connections.sessions(|session| everybody || viewers.contains(&session.key.viewer)))
    }

    /// Once a second: sessions that nobody came back to, and subscriptions that have ended.
    pub fn sweep_viewers(&self) -> Result<()> {
        self.connections.sweep();
        if let Err(error) = self.connections.end_vanished() {
            // The ten minutes of a paused player are left.
            log::debug!("who has vanished is not known: {error}");
        }
        self.recheck(&self.connections.over(clock::now()))
    }

    /// Ends every session and writes the logs: before the program ends. `believed` is as for [`Viewing::note_open_sessions`].
    pub async fn end_all_sessions(&self, believed: Option<UnixTime>) -> Result<()> {
        self.connections.end_where(Ending::Shutdown, |_| true);
        let written = async {
            self.write_whole_history(clock::now()).await?;
            // Those too that were summed up: they did not end with the server by accident.
            self.note_open_sessions(false, believed).await
        };
        futures_util::future::join(written, self.connections.part()).await.0
    }

    /// Cuts those of the sessions that may no longer watch.
    fn recheck(&self, sessions: &[Session]) -> Result<()> {
        let now = clock::now();
        for session in sessions {
            match self.standing(session, now)? {
                Ok(subscriber) => {
                    self.connections.extend(session.id, subscriber.subscription.expire_date.0);
                }
                Err(why) => {
                    self.connections.end(&[session.id], why);
                }
            }
        }
        Ok(())
    }

    /// The subscriber behind a session, if it may still watch; else why not.
    fn standing(&self, session: &Session, now: UnixTime) -> Result<std::result::Result<Subscriber, Ending>> {
        let key = &session.key;
        let proof = self.connections.proof(session.id);
        let who = match self.main.subscriber(key.viewer, proof.as_ref())? {
            Some(Ok(who)) => who,
            Some(Err(why)) => return Ok(Err(why)),
            None => return Ok(Err(Ending::Withdrawn)),
        };
        if let Viewer::Mag(mag) = key.viewer
            && !self.main.box_may_play(mag)?
        {
            return Ok(Err(Ending::Withdrawn));
        }
        let asked = self.main.asked_title(&who, key.title.stream())?;
        let Some(asked) = &*asked else { return Ok(Err(Ending::Withdrawn)) };
        // A stream that has lost its source is no reason to go, and what is being played was recorded.
        let asked = admission::TitleState {
            title: key.title,
            in_bouquets: asked.in_bouquets,
            plan_has_catchup: asked.plan_has_catchup,
            recorded: Recorded::Then,
            why_not: None,
        };
        let attempt =
            Attempt { address: key.address, agent: &key.agent, container: session.container, title: &asked };
        let provider = self.provider_for(&who, key.address);
        let request = Request::to_watch(self.here, &who.subscription, provider, attempt, now);
        Ok(admission::admit(&request).map(|()| who).map_err(|_| Ending::Withdrawn))
    }

    /// Hands connections that have ended over to the history.
    pub(super) fn note_ended(&self, now: UnixTime) {
        for EndedConnection { connection, why, at } in self.connections.take_ended() {
            let ago = i64::try_from(at.elapsed().as_secs()).unwrap_or(0);
            let at = UnixTime::clamped(now.seconds() - ago).max(connection.started_at);
            self.history.ended(EndedRow { session: open::row(&connection), at, reason: why.name().into() });
        }
    }
}

/// Whether everybody who watches may have to go for it.
fn concerns_everybody(change: &Changed) -> bool {
    use Resource::{Bouquets, Settings, Streams, SubscriptionPlans};
    match change {
        Changed::Row(resource, _) => matches!(resource, Bouquets | Settings | Streams | SubscriptionPlans),
        Changed::Anything => true,
    }
}
