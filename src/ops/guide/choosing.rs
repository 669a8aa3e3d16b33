//! Which channel belongs to a stream: shown, and chosen by people.

use serde_json::json;

use super::matching::fill_id;
use crate::{
    domain::{
        Resource, Result,
        channels::stream::Stream,
        fields::{text::GuideId, time::UnixTime},
        guide::{
            matched::{Match, State},
            programme::Programme,
            source::GuideSource,
        },
        ids::{GuideSourceId, Id, StreamId},
        page::{Rows, Start},
    },
    ops::{Act, Look, Ops},
};

/// What a person says about the channel of a stream.
#[derive(Clone, Debug)]
pub enum Choice {
    Channel(GuideSourceId, GuideId),
    /// It has none, for good.
    None,
    /// The rules are to find it.
    Rules,
}

/// This many streams from `start` on, in the order of their ids, with what is known of their channels.
///
/// # Errors
/// [`crate::domain::Error::Denied`], or a database error.
pub fn matches(
    look: &Look<'_>,
    state: Option<State>,
    search: &str,
    start: Start,
    most: i64,
) -> Result<Rows<(String, Match)>> {
    look.may(Resource::Guide)?;
    look.read.page_of_matches(state, search, start, most)
}

/// The name of a stream, and what is known of its channel.
///
/// # Errors
/// [`crate::domain::Error::NoSuch`], [`crate::domain::Error::Denied`], or a database error.
pub fn match_of(look: &Look<'_>, stream: StreamId) -> Result<(String, Match)> {
    look.may(Resource::Guide)?;
    let row = look.read.by_id::<Stream>(stream)?.ok_or(crate::domain::Error::no_such(Resource::Streams))?;
    let none = Match { stream, channel: None, state: State::None, score: 0, by_person: false };
    Ok((row.record.name.as_str().to_owned(), look.read.guide_match(stream)?.unwrap_or(none)))
}

impl Ops {
    /// A choice as the sources spell it: with a channel that is there.
    ///
    /// # Errors
    /// [`crate::domain::Error::NoSuch`], or a database error.
    pub async fn known_choice(&self, choice: Choice) -> Result<Choice> {
        let Choice::Channel(source, id) = choice else { return Ok(choice) };
        let ops = self.clone();
        crate::ops::blocking(move || {
            let found = ops.guide_channel(source, id.as_str())?;
            let id = GuideId::new(&found.guide_id).unwrap_or(id);
            Ok(Choice::Channel(source, id))
        })
        .await
    }

    /// Programmes of a stream that overlap a time, for whoever may see the guide; each with whether it is recorded.
    ///
    /// # Errors
    /// [`crate::domain::Error::NoSuch`], [`crate::domain::Error::Denied`], or a database error.
    pub fn programmes_of(
        &self,
        look: &Look<'_>,
        stream: StreamId,
        from: UnixTime,
        to: UnixTime,
        most: usize,
    ) -> Result<Vec<Programme>> {
        match_of(look, stream)?;
        self.guide.programmes(stream, from, to, most)
    }
}

/// Does what a person chose, which stays until he chooses otherwise.
///
/// # Errors
/// [`crate::domain::Error::NoSuch`] for a stream or source that is not there, or a database error.
pub fn choose(act: &Act<'_>, stream: StreamId, choice: &Choice) -> Result<()> {
    let row = act.find::<Stream>(stream)?;
    let before = act.tx.guide_match(stream)?;
    let chosen = |channel, state| Match { stream, channel, state, score: 100, by_person: true };
    let after = match choice {
        Choice::Rules => {
            act.tx.forget_guide_match(stream)?;
            None
        }
        Choice::None => Some(Match { score: 0, ..chosen(None, State::None) }),
        Choice::Channel(source, id) => {
            act.find::<GuideSource>(*source)?;
            if row.record.epg_channel_id.as_str().is_empty() {
                fill_id(act, &row, id)?;
            }
            Some(chosen(Some((*source, id.clone())), State::Matched))
        }
    };
    if let Some(after) = &after {
        act.tx.put_guide_match(after, act.now)?;
    }
    let told = |found: Option<&Match>| {
        found.map_or(json!({}), |found| {
            let channel = found.channel.as_ref();
            json!({
                "source_id": channel.map(|(source, _)| source.number()),
                "guide_id": channel.map_or("", |(_, id)| id.as_str()),
                "state": found.state.name(),
                "chosen_by": if found.by_person { "person" } else { "rule" },
            })
        })
    };
    act.audit(Some(stream.number()), row.record.name.as_str(), &told(before.as_ref()), &told(after.as_ref()))
}
