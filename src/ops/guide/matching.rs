//! Keeps the matches of streams and channels: rules find them anew whenever streams, sources or channels change; what a
//! person chose stays.

use super::{Guide, asking, filling::WantedIds};
use crate::{
    domain::{
        Given, Resource, Result,
        channels::stream::{Stream, StreamChange},
        guide::{
            matched::{Match, State},
            matching::{Candidate, Channels, Wanting},
            source::GuideSource,
        },
        ids::GuideSourceId,
        people::actor::Actor,
    },
    ops::{Act, Action, Ops, blocking, managed},
};

/// Matches that one transaction writes.
const AT_ONCE: usize = 200;

const MATCH: Action = Action { resource: Resource::Guide, name: "match" };

/// A stream, what was known of its channel, and what the rules say now.
struct Found {
    wanting: Wanting,
    before: Option<Match>,
    now: Match,
}

impl Guide {
    /// What the rules say of every stream; `fresh` are channels of a source that is being read.
    fn found(&self, fresh: Option<(GuideSourceId, &[Candidate])>) -> Result<Vec<Found>> {
        let (sources, streams) = self.store.read(&asking(), |read| {
            Ok((managed::in_order::<GuideSource>(read, None)?, read.wanting_streams()?))
        })?;
        let places: Vec<GuideSourceId> =
            sources.iter().filter(|row| row.record.enabled).map(|row| row.id).collect();
        let is_fresh = |source| fresh.is_some_and(|(id, _)| id == source);
        let mut all: Vec<Candidate> = Vec::new();
        for channel in self.db.channels()?.into_iter().filter(|channel| !is_fresh(channel.source)) {
            if let Ok(id) = crate::domain::fields::text::GuideId::new(&channel.guide_id) {
                all.push(Candidate { source: channel.source, id, names: channel.names });
            }
        }
        all.extend(fresh.into_iter().flat_map(|(_, channels)| channels.iter().cloned()));
        let place = |source| places.iter().position(|id| *id == source);
        all.retain(|channel| place(channel.source).is_some());
        all.sort_by_key(|channel| place(channel.source));
        let channels = Channels::of(&all);
        Ok(streams
            .into_iter()
            .map(|(wanting, before)| {
                let now = match &before {
                    Some(chosen) if chosen.by_person => chosen.clone(),
                    _ => channels.find(&wanting),
                };
                Found { wanting, before, now }
            })
            .collect())
    }

    /// The ids of those channels of a source, which is being read, that streams are matched with.
    pub(super) fn wanted_of(&self, source: GuideSourceId, channels: &[Candidate]) -> Result<WantedIds> {
        let found = self.found(Some((source, channels)))?;
        Ok(found
            .into_iter()
            .filter(|found| found.now.state == State::Matched)
            .filter_map(|found| found.now.channel)
            .filter(|(of, _)| *of == source)
            .map(|(_, id)| id.as_str().to_owned())
            .collect())
    }
}

impl Found {
    /// Whether it is to be written. A match stays what it was although the id that it has filled is surer now.
    fn is_news(&self) -> bool {
        if self.now.by_person {
            return false;
        }
        let fills = self.now.state == State::Matched && self.wanting.guide_id.is_empty();
        let is_same = match &self.before {
            None => self.now.state == State::None,
            Some(before) if self.now.state == State::Matched => {
                before.state == State::Matched && before.channel == self.now.channel
            }
            Some(before) => *before == self.now,
        };
        fills || !is_same
    }
}

impl Ops {
    /// Has the rules match every stream anew, and writes what has changed.
    pub(super) async fn rematch(&self) -> Result<()> {
        let ops = self.clone();
        let found = blocking(move || ops.guide.found(None)).await?;
        let news: Vec<Match> = found.into_iter().filter(Found::is_news).map(|found| found.now).collect();
        for some in news.chunks(AT_ONCE) {
            let some = some.to_vec();
            self.write(Actor::LINECARD, MATCH, move |act| {
                some.iter().try_for_each(|found| match found_by_rule(act, found) {
                    // It was deleted meanwhile.
                    Err(crate::domain::Error::NoSuch { .. }) => Ok(()),
                    done => done,
                })
            })
            .await?;
        }
        Ok(())
    }
}

/// Writes what a rule has found, unless a person was quicker.
fn found_by_rule(act: &Act<'_>, found: &Match) -> Result<()> {
    let before = act.tx.guide_match(found.stream)?;
    let stream = act.find::<Stream>(found.stream)?;
    if before.as_ref().is_some_and(|before| before.by_person) {
        return Ok(());
    }
    if before.as_ref() != Some(found) {
        if found.state == State::None {
            act.tx.forget_guide_match(found.stream)?;
        } else {
            act.tx.put_guide_match(found, act.now)?;
        }
    }
    match &found.channel {
        Some((_, id))
            if found.state == State::Matched && stream.record.epg_channel_id.as_str().is_empty() =>
        {
            fill_id(act, &stream, id)
        }
        _ => Ok(()),
    }
}

/// Gives a stream without an id that of its channel.
pub(super) fn fill_id(
    act: &Act<'_>,
    stream: &crate::domain::Stored<Stream>,
    id: &crate::domain::fields::text::GuideId,
) -> Result<()> {
    let act = act.about(Resource::Streams);
    let change = StreamChange { epg_channel_id: Given::Value(id.clone()), ..StreamChange::default() };
    let after = act.updated(stream, change)?;
    act.replace(stream, &after)
}
