//! What was committed takes effect on those who watch: streams start and stop, viewers who may no
//! longer watch are cut.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use super::{Subscriber, door::WATCH};
use crate::{
    domain::{
        Resource, Result,
        channels::{source_request::SourceRequest, stream::Stream},
        fields::time::UnixTime,
        ids::{LineId, MagId, StreamId},
        machine::server::Here,
        page::{Limit, Page, Start},
        people::actor::Actor,
        subscribers::{line::Line, mag::Mag},
        viewing::{
            admission::{self, Request},
            session::{Ending, Proof, Session, Viewer},
            title::Title,
        },
    },
    media::{Wanted, connections::EndedConnection},
    ops::{Look, Ops, blocking, clock},
    store::{Read, engine::changes::Changed, viewing::viewers::EndedRow},
};

/// How often at most everybody who watches is looked at for what was committed.
const GATHER: Duration = Duration::from_secs(1);

impl Ops {
    /// Runs every stream that is enabled: at the start, and when nobody knows what has changed.
    ///
    /// # Errors
    /// A database error.
    pub fn run_streams(&self) -> Result<()> {
        let Some(media) = &self.media else { return Ok(()) };
        let here = self.here;
        let wanted = self.point(&Actor::LINECARD, WATCH, |look| every_wanted(look, here))?;
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
    ///
    /// # Errors
    /// A database error.
    pub fn run_these(&self, ids: &[StreamId]) -> Result<()> {
        let Some(media) = &self.media else { return Ok(()) };
        let here = self.here;
        let read = |look: &Look<'_>| -> Result<Vec<Option<Wanted>>> {
            let row =
                |id: &StreamId| Ok(look.read.by_id::<Stream>(*id)?.and_then(|row| wanted(&row.record, here)));
            ids.iter().map(row).collect()
        };
        let found = self.point(&Actor::LINECARD, WATCH, read)?;
        for (id, wanted) in ids.iter().zip(found) {
            match wanted {
                Some(wanted) => media.set(*id, wanted),
                None => self.drop_stream(*id),
            }
        }
        Ok(())
    }

    fn drop_stream(&self, id: StreamId) {
        if let Some(media) = &self.media {
            media.remove(id);
        }
        self.connections.end_where(Ending::StreamStopped, |session| session.key.title == Title::Live(id));
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
            let next = self.store.changes().next();
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
    ///
    /// # Errors
    /// A database error.
    pub fn sweep_viewers(&self) -> Result<()> {
        self.connections.sweep();
        self.recheck(&self.connections.over(clock::now()))
    }

    /// Ends every session and writes the logs: before the program ends.
    ///
    /// # Errors
    /// A database error.
    pub async fn end_all_sessions(&self) -> Result<()> {
        self.connections.end_where(Ending::Shutdown, |_| true);
        self.write_whole_history(clock::now()).await?;
        // Those too that were summed up: they did not end with the server by accident.
        self.note_open_sessions(false).await
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
        let who =
            self.point(&Actor::LINECARD, WATCH, |look| subscriber(look.read, key.viewer, proof.as_ref()))?;
        let who = match who {
            Some(Ok(who)) => who,
            Some(Err(why)) => return Ok(Err(why)),
            None => return Ok(Err(Ending::Withdrawn)),
        };
        if let Viewer::Mag(mag) = key.viewer
            && !self.box_may_play(mag)?
        {
            return Ok(Err(Ending::Withdrawn));
        }
        let asked = self.asked_title(&who, key.title)?;
        let Some(asked) = &*asked else { return Ok(Err(Ending::Withdrawn)) };
        // A stream that has lost its source is no reason to go.
        let asked = admission::TitleState { title: key.title, in_bouquets: asked.in_bouquets, why_not: None };
        let request = Request {
            here: self.here,
            subscription: &who.subscription,
            provider: self.provider_for(&who, key.address),
            address: Some(key.address),
            agent: Some(&key.agent),
            container: Some(session.container),
            title: Some(&asked),
            shut_out: None,
            set_top_box: None,
            taken: None,
            now,
            zone: None,
        };
        Ok(admission::admit(&request).map(|()| who).map_err(|_| Ending::Withdrawn))
    }

    /// Hands connections that have ended over to the history.
    pub(super) fn note_gone(&self, now: UnixTime) {
        for EndedConnection { connection, why, at } in self.connections.take_gone() {
            let ago = i64::try_from(at.elapsed().as_secs()).unwrap_or(0);
            let at = UnixTime::clamped(now.seconds() - ago).max(connection.started_at);
            self.history.ended(EndedRow {
                id: connection.id,
                at,
                started_at: connection.started_at,
                viewer: connection.viewer,
                subscriber: connection.subscriber.to_string(),
                title: connection.title,
                title_name: connection.title_name.to_string(),
                address: connection.address.to_string(),
                user_agent: connection.agent.to_string(),
                container: connection.container.name(),
                bytes_sent: connection.bytes_sent,
                reason: why.name().into(),
            });
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

/// A subscriber, if there is one whom that proof would let in.
fn subscriber(
    read: &Read<'_>,
    viewer: Viewer,
    proof: Option<&Proof>,
) -> Result<Option<std::result::Result<Subscriber, Ending>>> {
    Ok(match viewer {
        Viewer::Line(id) => read.by_id::<Line>(id)?.map(|line| {
            let is_right = proof.is_none_or(|proof| is_still(&line.record, proof));
            if is_right { Ok(line.into()) } else { Err(Ending::NewPassword) }
        }),
        Viewer::Mag(id) => read.by_id::<Mag>(id)?.map(|mag| Ok(mag.into())),
    })
}

fn is_still(line: &Line, proof: &Proof) -> bool {
    match proof {
        Proof::Password(password) => *line.password.as_str() == **password,
        Proof::Token(token) => line.token.as_ref().is_some_and(|own| *own.as_str() == **token),
    }
}

/// What this server is to run, if it is this server's and enabled.
fn wanted(stream: &Stream, here: Here) -> Option<Wanted> {
    (stream.enabled && here.is(stream.server())).then(|| Wanted {
        sources: stream.sources.clone(),
        request: SourceRequest {
            user_agent: stream.user_agent.clone(),
            headers: stream.headers.clone(),
            tls_verify: stream.tls_verify,
        },
        on_demand: stream.on_demand,
        audio_to_aac: stream.audio_to_aac,
        at_end: stream.at_end,
    })
}

fn every_wanted(look: &Look<'_>, here: Here) -> Result<Vec<(StreamId, Wanted)>> {
    let mut found = Vec::new();
    let mut page = Page { limit: Limit::MOST, ..Page::default() };
    loop {
        let rows = look.read.page::<Stream>(&page)?.rows;
        let Some(last) = rows.last() else { return Ok(found) };
        page.start = Start::After(last.id.0);
        found.extend(rows.iter().filter_map(|row| wanted(&row.record, here).map(|wanted| (row.id, wanted))));
    }
}
