//! Programmes as the player API lists them (docs/players.md, "Programmes").

use std::{collections::HashMap, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::request::PlayerRequest;
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        guide::programme::Programme,
        ids::{StreamId, parse_id},
    },
    ops::{
        clock,
        viewing::{Refusal, Subscriber},
    },
};

/// Programmes of `get_short_epg`, unless the player says how many.
const SHORT: usize = 4;
/// And at most.
const MOST_SHORT: usize = 100;
/// Programmes of `get_simple_data_table` at most.
const MOST: usize = 3_000;
/// Streams that one request may ask for.
const MOST_STREAMS: usize = 100;

/// Which programmes are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Which {
    /// This many from the one that is on.
    Next(usize),
    /// All that are kept.
    All,
}

impl Which {
    /// As `limit` says.
    pub fn next(limit: &str) -> Self {
        let limit = limit.parse().ok().filter(|limit| *limit > 0);
        Self::Next(limit.map_or(SHORT, |limit: usize| limit.min(MOST_SHORT)))
    }
}

/// `{"epg_listings":[...]}` of the stream that is asked for; of several, an object by their ids.
pub fn answer(
    asked: &PlayerRequest,
    who: &Subscriber,
    which: Which,
    kept: &Listings,
) -> Result<String, Refusal> {
    let wanted = asked.text("stream_id");
    let is_several = wanted.contains(',') || !asked.text("multi").is_empty();
    let list = |id: &str| match parse_id(id.trim()) {
        Ok(id) => list(asked, who, StreamId(id), which, kept),
        Err(_) => Ok("[]".into()),
    };
    if !is_several {
        return Ok(format!("{{\"epg_listings\":{}}}", list(wanted)?));
    }
    let mut lists = Vec::new();
    for id in wanted.split(',').take(MOST_STREAMS) {
        lists.push(format!("{}:{}", Value::from(id.trim()), list(id)?));
    }
    Ok(format!("{{\"epg_listings\":{{{}}}}}", lists.join(",")))
}

/// The programmes of a stream as a list; an empty one if it is none of the subscriber's.
pub fn list(
    asked: &PlayerRequest,
    who: &Subscriber,
    stream: StreamId,
    which: Which,
    kept: &Listings,
) -> Result<Arc<str>, Refusal> {
    let viewing = &asked.ops.viewing;
    if !viewing.may_see(who, stream)? {
        return Ok("[]".into());
    }
    let (now, guide) = (clock::now(), &asked.ops.guide);
    let edition = (guide.generation(), viewing.catalogue());
    if let Some(text) = kept.get(edition, (stream, which), now) {
        return Ok(text);
    }
    let (from, most) = match which {
        Which::Next(most) => (now, most),
        Which::All => (UnixTime::FIRST, MOST),
    };
    let programmes = guide.programmes(stream, from, UnixTime::LAST, most)?;
    let zone = asked.ops.snapshot().settings.time_zone.zone();
    let channel = Channel {
        id: viewing.guide_id(who, stream)?,
        source: guide.channel_of(stream).map_or(0, |(source, _)| source.0),
        zone: &zone,
    };
    let has_catchup = viewing.has_catchup(who, stream)?;
    let has_archive = |programme| has_catchup && viewing.is_recorded(stream, programme, now);
    let entries: Vec<Value> =
        programmes.iter().map(|programme| channel.entry(programme, now, has_archive(programme))).collect();
    let text: Arc<str> = Value::from(entries).to_string().into();
    // What has begun is not over, so that no list of them says of whom it is.
    if let Which::Next(_) = which {
        // Until another programme is on.
        let change = programmes.first().map(|first| if first.is_on(now) { first.stop } else { first.start });
        kept.keep(edition, (stream, which), change.unwrap_or(UnixTime::LAST), &text);
    }
    Ok(text)
}

/// What the programmes of a list have in common.
struct Channel<'z> {
    id: Arc<str>,
    source: i64,
    zone: &'z TimeZone,
}

impl Channel<'_> {
    /// Titles are packed in base64: players unpack them unasked. Ids are digits that fit 32 bits, because Jellyfin reads them so.
    fn entry(&self, programme: &Programme, now: UnixTime, has_archive: bool) -> Value {
        let Programme { start, stop, title, subtitle, description, .. } = programme;
        let description = match (subtitle.as_str(), description.as_str()) {
            ("", text) | (text, "") => STANDARD.encode(text),
            (subtitle, text) => STANDARD.encode(format!("{subtitle}\n{text}")),
        };
        let end = stop.local(self.zone);
        json!({
            "id": start.seconds().to_string(),
            "epg_id": self.source.to_string(),
            "title": STANDARD.encode(title),
            "lang": "",
            "start": start.local(self.zone),
            "end": end,
            "stop": end,
            "description": description,
            "channel_id": *self.id,
            "start_timestamp": start.seconds().to_string(),
            "stop_timestamp": stop.seconds().to_string(),
            "now_playing": u8::from(programme.is_on(now)),
            "has_archive": u8::from(has_archive),
        })
    }
}

/// Lists of what comes next, which players ask for with every change of channels: kept until another programme is on, or
/// the guide or the catalogue is another one.
#[derive(Default)]
pub struct Listings(Mutex<Cached>);

#[derive(Default)]
struct Cached {
    edition: (u64, u64),
    lists: HashMap<(StreamId, Which), (UnixTime, Arc<str>)>,
    bytes: usize,
}

impl Listings {
    /// The bytes of all lists that are kept.
    const MOST_BYTES: usize = 8 << 20;

    fn get(&self, edition: (u64, u64), key: (StreamId, Which), now: UnixTime) -> Option<Arc<str>> {
        let kept = self.0.lock();
        let (until, text) = kept.lists.get(&key).filter(|_| kept.edition == edition)?;
        (now < *until).then(|| text.clone())
    }

    fn keep(&self, edition: (u64, u64), key: (StreamId, Which), until: UnixTime, text: &Arc<str>) {
        let mut kept = self.0.lock();
        let weight = |text: &str| text.len() + 96;
        if kept.edition != edition || kept.bytes + weight(text) > Self::MOST_BYTES {
            *kept = Cached { edition, ..Cached::default() };
        }
        kept.bytes += weight(text);
        if let Some((_, before)) = kept.lists.insert(key, (until, text.clone())) {
            kept.bytes -= weight(&before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::clamped(seconds)
    }

    #[test]
    fn a_programme_has_the_types_that_players_insist_on() {
        let programme = Programme {
            start: at(1_792_886_400),
            stop: at(1_792_890_000),
            title: "A & <B>?".into(),
            subtitle: "Part 1".into(),
            description: "Text".into(),
            category: "News".into(),
        };
        let zone = TimeZone::get("Europe/Lisbon").unwrap();
        let channel = Channel { id: "news.tv".into(), source: 3, zone: &zone };
        assert_eq!(
            channel.entry(&programme, at(1_792_886_400), false),
            json!({
                "id": "1792886400", "epg_id": "3", "title": "QSAmIDxCPj8=", "lang": "",
                "start": "2026-10-25 01:00:00", "end": "2026-10-25 01:00:00", "stop": "2026-10-25 01:00:00",
                "description": "UGFydCAxClRleHQ=", "channel_id": "news.tv", "start_timestamp": "1792886400",
                "stop_timestamp": "1792890000", "now_playing": 1, "has_archive": 0,
            })
        );
        assert_eq!(channel.entry(&programme, at(1_792_890_000), true)["now_playing"], 0);
    }

    #[test]
    fn a_list_is_kept_until_another_programme_is_on_and_never_over_the_bound() {
        let lists = Listings::default();
        let key = |id| (StreamId(id), Which::Next(4));
        lists.keep((1, 1), key(7), at(100), &"[7]".into());
        assert_eq!(lists.get((1, 1), key(7), at(99)).as_deref(), Some("[7]"));
        assert_eq!(lists.get((1, 1), key(7), at(100)), None, "the next one is on");
        assert_eq!(lists.get((2, 1), key(7), at(99)), None, "another guide");
        assert_eq!(lists.get((1, 1), (StreamId(7), Which::Next(5)), at(99)), None, "more of it");
        let long: Arc<str> = "x".repeat(1 << 20).into();
        (0..20).for_each(|id| lists.keep((1, 1), key(id), at(100), &long));
        let kept = lists.0.lock();
        assert!(kept.bytes <= Listings::MOST_BYTES && !kept.lists.is_empty(), "{}", kept.bytes);
        assert_eq!(kept.bytes, kept.lists.len() * (96 + long.len()));
    }
}
