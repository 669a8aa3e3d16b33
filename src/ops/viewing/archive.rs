//! Catch-up: what was recorded of streams, and who watches it (docs/catch-up.md).

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use super::{
    Client, Refusal, Subscriber, Viewing, WatchRequest, Watching,
    recording::{BEHIND, Playlist, Recording, ms, unreadable},
    watch::Admitted,
};
use crate::{
    domain::{
        Error,
        fields::{container::Container, time::UnixTime},
        ids::StreamId,
        viewing::{
            admission::{Recorded, Rule},
            session::Viewer,
            title::Title,
            window::Window,
        },
    },
    media::{
        archive::{LONGEST_PIECE, SegmentName, Spans},
        connections::{Carrier, Entry},
    },
    ops::{blocking, clock},
};

/// A day in milliseconds.
const DAY: u64 = 24 * 3_600_000;
/// How often a player reads the playlist of a window that goes on, and is expected to ask for something of one that does not.
const RELOAD: Duration = Duration::from_secs(15);
/// The streams that can be watched again, by their ids, and for how many days that reaches back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RecordedDays(Vec<(StreamId, i64)>);

impl RecordedDays {
    /// The days of a stream; 0 if nothing of it can be watched again.
    pub fn of(&self, stream: StreamId) -> i64 {
        let found = self.0.binary_search_by_key(&stream, |(id, _)| *id);
        found.ok().and_then(|place| self.0.get(place)).map_or(0, |(_, days)| *days)
    }

    /// Whether none can.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Viewing {
    /// What is recorded of the moment that a title asks for.
    pub(super) fn recorded(&self, title: Title) -> Recorded {
        let Title::Archive(stream, window) = title else { return Recorded::Then };
        let Some(newest) = self.archive().newest(stream) else { return Recorded::Nothing };
        let (from, now) = (ms(window.start), clock::now());
        let is_there = || self.archive().recorded(stream, from, ms(window.last())) > 0;
        // Someone who goes back by a few seconds asks for what is still being written.
        let is_coming = newest <= from && ms(now) < newest + BEHIND;
        if window.start <= now && (is_coming || is_there()) { Recorded::Then } else { Recorded::OtherTimes }
    }

    /// A window as players ask for it by start and duration, as much longer as the settings say.
    pub fn widened(&self, window: Window) -> Window {
        let settings = &self.main.snapshot().settings;
        window.widened(settings.catchup_minutes_before.get(), settings.catchup_minutes_after.get())
    }

    /// Whether a subscriber may watch what is recorded, by its plan and itself.
    pub fn may_catch_up(&self, who: &Subscriber) -> Result<bool, Error> {
        Ok(who.subscription.catchup && self.main.plan_has_catchup(who.subscription.subscription_plan_id)?)
    }

    /// For how many days each stream can be watched again by a subscriber; none for one without catch-up.
    pub fn recorded_days(&self, who: &Subscriber) -> Result<RecordedDays, Error> {
        if !self.may_catch_up(who)? {
            return Ok(RecordedDays::default());
        }
        let now = ms(clock::now());
        let days = |begin: u64| i64::try_from(now.saturating_sub(begin).div_ceil(DAY)).unwrap_or(0).max(1);
        Ok(RecordedDays(self.archive().begins().into_iter().map(|(id, begin)| (id, days(begin))).collect()))
    }

    /// The newest moment of a stream that is recorded.
    pub fn newest(&self, stream: StreamId) -> Option<UnixTime> {
        let newest = self.archive().newest(stream)?;
        Some(UnixTime::clamped(i64::try_from(newest / 1000).unwrap_or(i64::MAX)))
    }

    pub fn oldest(&self, stream: StreamId) -> Option<UnixTime> {
        let oldest = self.archive().oldest(stream)?;
        Some(UnixTime::clamped(i64::try_from(oldest / 1000).unwrap_or(i64::MAX)))
    }

    /// How many seconds are recorded between two moments.
    pub async fn recorded_seconds(&self, stream: StreamId, from: UnixTime, to: UnixTime) -> u64 {
        let (archive, from, to) = (self.archive().clone(), ms(from), ms(to));
        let pieces = blocking(move || archive.pieces(stream, from, to)).await.unwrap_or_default();
        let parts = pieces.iter().map(|piece| piece.end().min(to).saturating_sub(piece.start.max(from)));
        parts.sum::<u64>() / 1000
    }

    /// What of a window is recorded, for somebody who may watch it, without a session: what HEAD asks.
    ///
    /// # Errors
    /// [`Refusal`], noted for the log.
    pub async fn look_up(
        &self,
        who: &Subscriber,
        wish: &WatchRequest,
        from: &Client,
    ) -> Result<Option<Recording>, Refusal> {
        self.may_watch(who, wish, from)?;
        match (wish.title, wish.container) {
            (Title::Archive(stream, window), Container::Ts) => self.recording(stream, window).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Begins to watch part of an archive.
    pub(super) async fn begin_archive(
        &self,
        stream: StreamId,
        window: Window,
        admitted: &Admitted<'_>,
    ) -> Result<Watching, Refusal> {
        let Admitted { who, wish, from, .. } = *admitted;
        // Before anybody has to go for it: it may not be there.
        match wish.container {
            Container::Ts => {
                let recording = self.recording(stream, window).await?;
                let carrier = |_| Carrier::Socket;
                let entry = self.enter(admitted, RELOAD, carrier).await?;
                let Entry::Socket(hold) = entry else { return Err(Refusal::Ended) };
                if let Some(socket) = wish.socket.clone() {
                    hold.attach_patiently(socket);
                }
                Ok(Watching::Recording(recording, hold))
            }
            Container::Hls => {
                let playlist = self.playlist(stream, window).await?;
                let carrier = |token| Carrier::Requests { token, demand: None };
                let entry = self.enter(admitted, RELOAD, carrier).await?;
                let Entry::Token(token) = entry else { return Err(Refusal::Ended) };
                self.tokens.keep(&token, who, wish.title, from);
                Ok(Watching::Playlist(playlist, token))
            }
        }
    }

    /// What a segment of an archive holds, for the player that has the token of its playlist, and the counter of its bytes. A
    /// session that ended while the player was paused begins anew, if it may.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn archive_segment(
        &self,
        token: &str,
        name: SegmentName,
        from: &Client,
    ) -> Result<(Spans, Arc<AtomicU64>), Refusal> {
        let open = self.connections.of_token(token, from.address, &from.agent);
        let (title, count) = match open {
            Some(open) => open,
            None => self.resumed(token, from).await?,
        };
        self.tokens.used(token);
        let is_part = match title {
            Title::Archive(stream, window) => {
                // The segment of its first moment is one of a piece that began before it.
                let from = ms(window.start).saturating_sub(LONGEST_PIECE);
                stream == name.stream && (from..ms(window.last())).contains(&name.piece)
            }
            Title::Live(_) => false,
        };
        if !is_part {
            return Err(Refusal::NoSuchStream);
        }
        let archive = self.archive().clone();
        let parts = blocking(move || archive.segment(name)).await.map_err(|error| unreadable(&error))?;
        Ok((parts.ok_or(Refusal::Rule(Rule::Archive))?, count))
    }

    /// Begins the session of a token anew.
    async fn resumed(&self, token: &str, from: &Client) -> Result<(Title, Arc<AtomicU64>), Refusal> {
        let kept = self.tokens.get(token, from).ok_or(Refusal::Ended)?;
        let who = self.main.subscriber(kept.viewer, kept.proof.as_ref())?;
        let Some(Ok(mut who)) = who else { return Err(Refusal::Ended) };
        if let Viewer::Mag(mag) = kept.viewer
            && !self.main.box_may_play(mag)?
        {
            return Err(Refusal::Ended);
        }
        who.proof = kept.proof;
        let wish = WatchRequest { title: kept.title, container: Container::Hls, socket: None };
        let now = clock::now();
        let admitted = self.admitted(&who, &wish, from, now)?;
        let carrier = |_| Carrier::Requests { token: token.to_owned(), demand: None };
        self.enter(&admitted, RELOAD, carrier).await?;
        self.connections.of_token(token, from.address, &from.agent).ok_or(Refusal::Ended)
    }

    async fn recording(&self, stream: StreamId, window: Window) -> Result<Recording, Refusal> {
        let (archive, now) = (self.archive().clone(), clock::now());
        blocking(move || Recording::of(&archive, stream, window, now)).await
    }

    async fn playlist(&self, stream: StreamId, window: Window) -> Result<Playlist, Refusal> {
        let (archive, now) = (self.archive().clone(), clock::now());
        blocking(move || Playlist::of(&archive, stream, window, now)).await
    }
}
