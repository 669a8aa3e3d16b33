//! Categories and streams as players list them (docs/players.md, "Channel numbers and names").

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::{domain::channels::catalogue::Channel, ops::viewing::RecordedDays};

/// The categories that hold a channel, in the order of the channels.
pub fn categories(channels: &[Channel]) -> Value {
    let names: IndexMap<i64, &str> =
        channels.iter().map(|channel| (channel.category(), channel.category_name())).collect();
    let shown = names
        .into_iter()
        .map(|(id, name)| json!({ "category_id": id.to_string(), "category_name": name, "parent_id": 0 }));
    shown.collect()
}

/// The channels, or those of one category, as JSON. Each is written as it is made: 100,000 of them as values at once
/// would take ten times their text.
pub fn streams(channels: &[Channel], category: Option<&str>, recorded: &RecordedDays) -> String {
    let wanted = |channel: &&Channel| category.is_none_or(|id| channel.category().to_string() == id);
    written('[', channels.iter().filter(wanted).map(|channel| (None, stream(channel, recorded))), ']')
}

/// What stands between two brackets, separated by commas.
fn written(begin: char, entries: impl Iterator<Item = (Option<i64>, Value)>, end: char) -> String {
    let mut text = String::from(begin);
    for (id, entry) in entries {
        if text.len() > 1 {
            text.push(',');
        }
        // Writing to a text cannot fail.
        let _ = match id {
            Some(id) => write!(text, "\"{id}\":{entry}"),
            None => write!(text, "{entry}"),
        };
    }
    text.push(end);
    text
}

/// The older form: an object by id, with the category's name in each, as JSON.
pub fn available_channels(channels: &[Channel], recorded: &RecordedDays) -> String {
    let entries = channels.iter().map(|channel| {
        let mut entry = stream(channel, recorded);
        entry["live"] = "1".into();
        entry["type_name"] = "Live Streams".into();
        entry["category_name"] = channel.category_name().into();
        entry["container_extension"] = Value::Null;
        entry["series_no"] = Value::Null;
        (Some(channel.id.0), entry)
    });
    written('{', entries, '}')
}

/// `is_adult` is left out: no type of it satisfies every player.
fn stream(channel: &Channel, recorded: &RecordedDays) -> Value {
    let days = recorded.of(channel.id);
    json!({
        "num": channel.number,
        "name": channel.name,
        "stream_type": "live",
        "stream_id": channel.id.0,
        "stream_icon": channel.logo,
        "epg_channel_id": Some(&channel.guide_id).filter(|id| !id.is_empty()),
        "added": channel.added.seconds().to_string(),
        "category_id": channel.category().to_string(),
        "category_ids": [channel.category()],
        "custom_sid": "",
        "tv_archive": u8::from(days > 0),
        "direct_source": "",
        "tv_archive_duration": days,
        "thumbnail": "",
    })
}
