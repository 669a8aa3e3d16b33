//! Categories and streams as players list them (docs/players.md, "Channel numbers and names").

use std::{fmt::Write as _, sync::Arc};

use actix_web::web::Bytes;
use serde_json::{Value, json};

use crate::{
    domain::channels::catalogue::{Channel, Channels},
    ops::viewing::RecordedDays,
};

/// It is sent in pieces of this many bytes, about.
const PIECE: usize = 64 << 10;

/// The categories that hold a channel, in the order of the channels.
pub fn categories(channels: &Channels) -> Value {
    let shown = channels.headings().map(|channel| {
        let id = channel.category().to_string();
        json!({ "category_id": id, "category_name": channel.category_name(), "parent_id": 0 })
    });
    shown.collect()
}

/// In which form streams are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A list.
    List,
    /// The older one: an object by id, with the category's name in each.
    ById,
}

/// The channels, or those of one category, as JSON: in pieces that are written as they are sent. 100,000 of them at once
/// would take 30 MB, and ten times that as values.
pub struct StreamList {
    channels: Arc<Channels>,
    recorded: RecordedDays,
    category: Option<String>,
    form: Form,
    /// What was written and is not sent yet.
    text: String,
    next: usize,
    is_first: bool,
    /// What comes behind it.
    end: &'static str,
    is_done: bool,
}

impl StreamList {
    /// All of them.
    pub fn of(channels: Arc<Channels>, recorded: RecordedDays, form: Form) -> Self {
        let (begin, end) = if form == Form::List { ("[", "]") } else { ("{", "}") };
        Self {
            channels,
            recorded,
            category: None,
            form,
            text: begin.into(),
            next: 0,
            is_first: true,
            end,
            is_done: false,
        }
    }

    /// Those of one category only.
    pub fn in_category(self, category: Option<&str>) -> Self {
        Self { category: category.map(str::to_owned), ..self }
    }

    /// As the last value of an object that begins so.
    pub fn within(mut self, begin: &str) -> Self {
        self.text.insert_str(0, begin);
        self.end = if self.form == Form::List { "]}" } else { "}}" };
        self
    }

    fn write(&mut self, place: usize) {
        let Some(channel) = self.channels.get(place) else { return };
        if self.category.as_ref().is_some_and(|id| channel.category().to_string() != *id) {
            return;
        }
        if !std::mem::take(&mut self.is_first) {
            self.text.push(',');
        }
        let entry = stream(channel, &self.recorded);
        // Writing to a text cannot fail.
        let _ = match self.form {
            Form::List => write!(self.text, "{entry}"),
            Form::ById => write!(self.text, "\"{}\":{}", channel.id.0, by_id(entry, channel)),
        };
    }
}

impl Iterator for StreamList {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.is_done {
            return None;
        }
        while self.text.len() < PIECE && self.next < self.channels.len() {
            self.write(self.next);
            self.next += 1;
        }
        if self.next >= self.channels.len() {
            self.text.push_str(self.end);
            self.is_done = true;
        }
        Some(std::mem::take(&mut self.text).into())
    }
}

fn by_id(mut entry: Value, channel: &Channel) -> Value {
    entry["live"] = "1".into();
    entry["type_name"] = "Live Streams".into();
    entry["category_name"] = channel.category_name().into();
    entry["container_extension"] = Value::Null;
    entry["series_no"] = Value::Null;
    entry
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
