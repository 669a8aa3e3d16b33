//! From a request to watch to a session: admission, the limit, the stream.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::net::tcp::OwnedWriteHalf;

use super::{
    Client, Refusal, Subscriber, Viewing,
    recording::{Playlist, Recording},
};
use crate::{
    domain::{
        Result,
        channels::run::State,
        fields::{container::Container, time::UnixTime},
        ids::StreamId,
        machine::settings::ConnectionPolicy,
        viewing::{
            admission::{self, Attempt, Provider, Request, Rule, TitleState, binds_to},
            not_running::NotRunning,
            session::{GRACE, Key, SessionTerms},
            title::Title,
        },
    },
    media::{
        Channel, Tap,
        connections::{Carrier, Entry, Hold, Rejected, SessionLabels, Token, WatchAttempt, has_hung_up},
    },
    ops::{clock, random},
    store::viewing::viewers::AskedTitle,
};

/// How long a viewer waits for a stream that is starting.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a viewer of HLS does: until a first key frame is there and two segments of rare ones behind it.
const LIST_PATIENCE: Duration = Duration::from_secs(36);
/// How often the session of somebody who waits for a playlist is kept from ending: it has asked, and is not answered yet.
const KEPT: Duration = Duration::from_secs(5);
/// How often it is looked whether that player is still there.
const LOOKED: Duration = Duration::from_millis(500);

/// What somebody wants to watch.
#[derive(Clone)]
pub struct WatchRequest {
    pub title: Title,
    /// In which form.
    pub container: Container,
    /// The player's socket, to close it even if the player reads nothing.
    pub socket: Option<Arc<OwnedWriteHalf>>,
}

/// Somebody who watches.
pub enum Watching {
    /// The endless stream; the session lives while `hold` does.
    Ts(Tap, Hold),
    /// A playlist whose segments are fetched with the token.
    Hls(Arc<Channel>, Token),
    /// Part of an archive, in one piece; the session lives while `hold` does.
    Recording(Recording, Hold),
    /// A playlist of part of an archive, whose segments are fetched with the token.
    Playlist(Playlist, Token),
}

/// Somebody who may watch, before the limit is asked.
pub(super) struct Admitted<'a> {
    pub who: &'a Subscriber,
    pub wish: &'a WatchRequest,
    pub from: &'a Client,
    /// When it was asked.
    at: UnixTime,
    title_name: Arc<str>,
    provider: Provider,
}

impl Viewing {
    /// Whether the subscriber may watch, the limit apart: what HEAD asks.
    ///
    /// # Errors
    /// [`Refusal`], noted for the log.
    pub fn may_watch(&self, who: &Subscriber, wish: &WatchRequest, from: &Client) -> Result<(), Refusal> {
        let now = clock::now();
        self.admitted(who, wish, from, now)
            .map(|_| ())
            .map_err(|refusal| self.noted(who, wish, from, refusal, now))
    }

    /// Opens a session or joins one, and waits for a stream that is starting.
    ///
    /// # Errors
    /// [`Refusal`], noted for the log.
    pub async fn watch(
        &self,
        who: &Subscriber,
        wish: &WatchRequest,
        from: &Client,
    ) -> Result<Watching, Refusal> {
        let now = clock::now();
        let watching = self.begin(who, wish, from, now).await;
        watching.map_err(|refusal| match wish.socket.as_deref() {
            // Who has gone meanwhile was refused nothing.
            Some(socket) if has_hung_up(socket) => refusal,
            _ => self.noted(who, wish, from, refusal, now),
        })
    }

    async fn begin(
        &self,
        who: &Subscriber,
        wish: &WatchRequest,
        from: &Client,
        now: UnixTime,
    ) -> Result<Watching, Refusal> {
        let admitted = self.admitted(who, wish, from, now)?;
        match wish.title {
            Title::Live(stream) => self.begin_live(stream, &admitted).await,
            Title::Archive(stream, window) => self.begin_archive(stream, window, &admitted).await,
        }
    }

    async fn begin_live(&self, stream: StreamId, admitted: &Admitted<'_>) -> Result<Watching, Refusal> {
        let (wish, from) = (admitted.wish, admitted.from);
        let channel = self.media.channel(stream).ok_or(NotRunning::Stopping)?;
        let carrier = |token| match wish.container {
            Container::Ts => Carrier::Socket,
            Container::Hls => Carrier::Requests { token, demand: Some(channel.demand()) },
        };
        match self.enter(admitted, channel.reload(), carrier).await? {
            Entry::Socket(hold) => {
                let tap = channel.tap();
                tokio::select! {
                    biased;
                    () = hold.until_cut() => return Err(Refusal::Ended),
                    ready = self.await_stream(&channel, channel.playable(PATIENCE)) => ready?,
                }
                if let Some(socket) = wish.socket.clone() {
                    hold.attach(socket);
                }
                Ok(Watching::Ts(tap, hold))
            }
            Entry::Token(token) => {
                tokio::select! {
                    biased;
                    ready = self.await_stream(&channel, channel.segmented(LIST_PATIENCE)) => ready?,
                    () = self.until_ended(&token, from, wish.socket.as_deref()) => return Err(Refusal::Ended),
                }
                self.connections.of_token(&token, from.address, &from.agent).ok_or(Refusal::Ended)?;
                Ok(Watching::Hls(channel, token))
            }
        }
    }

    pub(super) fn admitted<'a>(
        &self,
        who: &'a Subscriber,
        wish: &'a WatchRequest,
        from: &'a Client,
        now: UnixTime,
    ) -> Result<Admitted<'a>, Refusal> {
        let found = self.main.asked_title(who, wish.title.stream())?;
        let found = (*found).as_ref().ok_or(Refusal::NoSuchStream)?;
        let mut asked = self.state_of(found, wish.title);
        if wish.container == Container::Hls && self.connections.has_session(&key(who, wish, from)) {
            // A player that reads its playlist again goes on when the source is back.
            asked.why_not = asked.why_not.filter(|_| !found.enabled);
        }
        let provider = self.provider_for(who, from.address);
        let attempt =
            Attempt { address: from.address, agent: &from.agent, container: wish.container, title: &asked };
        let request = Request::to_watch(self.here, &who.subscription, provider, attempt, now);
        admission::admit(&request).map_err(|rule| match (rule, &asked.why_not) {
            (Rule::Stream, Some(why)) => Refusal::NotRunning(why.clone()),
            (rule, _) => Refusal::Rule(rule),
        })?;
        Ok(Admitted { who, wish, from, at: now, title_name: found.name.clone(), provider })
    }

    /// What is asked for as admission sees it.
    pub(in crate::ops) fn state_of(&self, asked: &AskedTitle, title: Title) -> TitleState {
        TitleState {
            title,
            in_bouquets: asked.in_bouquets,
            plan_has_catchup: asked.plan_has_catchup,
            recorded: self.recorded(title),
            why_not: self.why_not(asked, title),
        }
    }

    /// Why a title cannot be watched now. A stream that is starting, or would for a viewer, is worth waiting for.
    fn why_not(&self, asked: &AskedTitle, title: Title) -> Option<NotRunning> {
        if !asked.enabled {
            return Some(NotRunning::SwitchedOff);
        }
        if !self.here.is(asked.server_id) {
            return Some(NotRunning::OnLoadBalancer);
        }
        let stream = match title {
            Title::Live(stream) => stream,
            // What is recorded needs no source.
            Title::Archive(..) => return None,
        };
        match self.media.status(stream).map(|status| status.state) {
            Some(State::Waiting { why, .. } | State::Failed { why }) => Some(NotRunning::Source(why)),
            Some(State::Ended) => Some(NotRunning::Ended),
            Some(State::Stopped | State::Starting | State::Running) => None,
            None => Some(NotRunning::Stopping),
        }
    }

    /// Takes a connection. Under `refuse` a viewer at the limit waits a moment for a predecessor
    /// that is closing, as players open the next stream before they close the last, or that turns out to be a ghost.
    pub(super) async fn enter(
        &self,
        admitted: &Admitted<'_>,
        reload: Duration,
        carrier: impl Fn(Token) -> Carrier,
    ) -> Result<Entry, Refusal> {
        let Admitted { who, wish, from, at, .. } = *admitted;
        let policy = self.main.snapshot().settings.connection_policy;
        let arrival = WatchAttempt {
            key: key(who, wish, from),
            terms: SessionTerms {
                container: wish.container,
                limit: who.subscription.max_allowed_connections,
                policy,
                until: who.subscription.expire_date.0,
                reload,
            },
            about: SessionLabels {
                subscriber: who.name.clone(),
                title_name: admitted.title_name.clone(),
                proof: who.proof.clone(),
            },
            at,
        };
        let begun = Instant::now();
        loop {
            match self.connections.open(&arrival, carrier(random::token()?)) {
                Ok(entry) => {
                    self.bind_provider(who, admitted.provider).await;
                    return Ok(entry);
                }
                Err(Rejected::Barred) => return Err(Refusal::Ended),
                Err(Rejected::Full) if policy == ConnectionPolicy::Refuse && begun.elapsed() < GRACE => {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(Rejected::Full) => return Err(Refusal::Full),
            }
        }
    }

    /// Keeps the session of a token as long as this is awaited; returns once somebody has ended it, or its player has hung up,
    /// which gives its connection free.
    async fn until_ended(&self, token: &str, from: &Client, socket: Option<&OwnedWriteHalf>) {
        while self.connections.of_token(token, from.address, &from.agent).is_some() {
            let kept = Instant::now();
            while kept.elapsed() < KEPT {
                tokio::time::sleep(LOOKED).await;
                if socket.is_some_and(has_hung_up) {
                    return self.connections.end_of_token(token);
                }
            }
        }
    }

    /// Waits as long as the stream may yet start.
    async fn await_stream(
        &self,
        channel: &Channel,
        ready: impl Future<Output = bool>,
    ) -> Result<(), Refusal> {
        let fatal = async {
            loop {
                tokio::time::sleep(Duration::from_millis(200)).await;
                if let State::Waiting { why, .. } | State::Failed { why } = channel.status().state {
                    return why;
                }
            }
        };
        tokio::select! {
            biased;
            ready = ready => if ready { Ok(()) } else { Err(NotRunning::Starting.into()) },
            why = fatal => Err(NotRunning::Source(why).into()),
        }
    }

    /// The first watching of a subscription with `isp_lock` binds it to its provider.
    async fn bind_provider(&self, who: &Subscriber, provider: Provider) {
        let Some(asn) = binds_to(&who.subscription, provider) else { return };
        if let Err(error) = self.main.bind_provider(who.viewer, asn).await {
            log::warn!("isp_lock of {}: {error}", who.name);
        }
    }

    /// The network provider behind an address, for a subscription that is bound to one.
    pub(in crate::ops) fn provider_for(&self, who: &Subscriber, address: IpAddr) -> Provider {
        if who.subscription.isp_lock { self.provider(address) } else { Provider::Unknown }
    }

    fn noted(
        &self,
        who: &Subscriber,
        wish: &WatchRequest,
        from: &Client,
        refusal: Refusal,
        now: UnixTime,
    ) -> Refusal {
        self.note_refusal(Some(who), &who.name, Some(wish.title), from, &refusal, now);
        refusal
    }
}

/// What the session of that wish is known by.
fn key(who: &Subscriber, wish: &WatchRequest, from: &Client) -> Key {
    Key { viewer: who.viewer, address: from.address, agent: from.agent.clone(), title: wish.title }
}
