//! Which stream shows which channel, in memory: players ask for it with every channel change.

use std::collections::HashMap;

use crate::{
    domain::{
        fields::text::GuideId,
        ids::{GuideSourceId, StreamId},
    },
    store::channels::guide_matches::ShownMatch,
};

/// The streams that have a channel.
#[derive(Default)]
pub struct Index {
    /// Of which generation of the guide it was made; 0 is none.
    pub generation: u64,
    streams: HashMap<StreamId, ChannelOf>,
}

/// The channel that a stream shows.
pub struct ChannelOf {
    pub source: GuideSourceId,
    /// The channel's id in there.
    pub guide_id: GuideId,
    /// Its row, if programmes of it are kept.
    pub row: Option<i64>,
    /// By how many seconds its programmes are shown later.
    pub shift: i64,
}

impl Index {
    /// An index of what streams are matched with, and of the channels whose programmes are kept: source, id and row.
    pub fn of(
        generation: u64,
        matches: Vec<ShownMatch>,
        channels: Vec<(GuideSourceId, String, i64)>,
    ) -> Self {
        let rows: HashMap<(GuideSourceId, String), i64> =
            channels.into_iter().map(|(source, id, row)| ((source, id), row)).collect();
        let streams = matches.into_iter().map(|found| {
            let row = rows.get(&(found.source, found.guide_id.as_str().to_owned())).copied();
            let shift = found.shift_minutes * 60;
            (found.stream, ChannelOf { source: found.source, guide_id: found.guide_id, row, shift })
        });
        Self { generation, streams: streams.collect() }
    }

    /// The channel of a stream.
    pub fn get(&self, stream: StreamId) -> Option<&ChannelOf> {
        self.streams.get(&stream)
    }
}
