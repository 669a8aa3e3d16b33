//! Channels, genres, favourites (docs/mag.md, "What a box sees").

use std::{collections::HashMap, sync::Arc};

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{guide, paging, request::PortalRequest};
use crate::{
    domain::{
        Error, Result,
        channels::catalogue::Channel,
        ids::{StreamId, parse_id},
    },
    ops::{portal::Session, viewing::RecordedDays},
};

/// The genres that hold a channel, after the one that holds them all.
pub fn genres(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let channels = asked.ops.viewing.channels_of(&session.subscriber())?;
    let mut genres =
        vec![json!({ "id": "*", "title": "All", "alias": "all", "active_sub": true, "censored": 0 })];
    let headings: IndexMap<i64, &Channel> =
        channels.iter().rev().map(|channel| (channel.category(), channel)).rev().collect();
    for (place, (id, channel)) in headings.into_iter().enumerate() {
        let title = channel.category_name();
        genres.push(json!({
            "id": id.to_string(),
            "title": title,
            "alias": title.to_lowercase(),
            "number": (place + 1).to_string(),
            "modified": "",
            "active_sub": true,
            "censored": u8::from(channel.is_censored()),
        }));
    }
    Ok(genres.into())
}

/// Every channel but the censored ones, which a box asks for by their genre.
pub fn all(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let list = List::of(asked, session)?;
    let genre = asked.text("genre");
    let channels = list.sorted("number").into_iter().filter(|place| list.is_in(*place, genre));
    Ok(paging::whole(channels.map(|place| list.shown(place)).collect(), paging::ROWS))
}

/// A page of the channels that are asked for.
pub fn page(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let list = List::of(asked, session)?;
    let favourites_only = matches!(asked.text("fav"), "1" | "true");
    let hd_only = matches!(asked.text("hd"), "1" | "true");
    let (genre, search) = (asked.text("genre"), asked.text("search").trim().to_lowercase());
    let wanted = |place: &usize| {
        let channel = &list.channels[*place];
        let found = search.is_empty()
            || channel.name.to_lowercase().contains(&search)
            || channel.number.to_string() == search;
        let in_genre = list.is_in(*place, genre) || (favourites_only && matches!(genre, "" | "*"));
        found && in_genre && (!favourites_only || list.favourite(*place).is_some())
    };
    let order = if favourites_only && asked.text("sortby").is_empty() { "fav" } else { asked.text("sortby") };
    let mut places: Vec<usize> = list.sorted(order).into_iter().filter(wanted).collect();
    // A genre without any is shown whole rather than empty.
    if hd_only && places.iter().any(|place| list.is_hd(*place)) {
        places.retain(|place| list.is_hd(*place));
    }
    let is_played = |played| places.iter().position(|place| list.channels[*place].id == played);
    let last_played = asked.ops.last_channel(session).and_then(is_played);
    let shown = places.into_iter().map(|place| list.shown(place)).collect();
    let left = paging::left(last_played, paging::ROWS);
    let query = ["genre", "search", "sortby", "fav", "hd"].map(|name| asked.text(name));
    let page = asked.counting.page(session.id(), &query, asked.number("p").unwrap_or(0), left.0 == 1);
    let mut page = paging::page(shown, page, left, paging::ROWS);
    guide::fill(asked, session, &mut page)?;
    Ok(page)
}

/// The favourites, in the order in which they were chosen.
pub fn all_favourites(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let list = List::of(asked, session)?;
    let places = list.sorted("fav").into_iter().filter(|place| list.favourite(*place).is_some());
    Ok(paging::whole(places.map(|place| list.shown(place)).collect(), paging::ROWS))
}

/// Their ids: texts, as those of channels, because boxes compare them strictly.
pub fn favourite_ids(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let favourites = asked.ops.favourites(session)?;
    Ok(favourites.iter().map(|stream| stream.0.to_string()).collect())
}

/// Keeps the favourites; ids that are none are left out, as what is gone would be.
pub async fn set_favourites(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let ids = asked.text("fav_ch").split(',').filter_map(|id| parse_id(id.trim()).ok());
    match asked.ops.choose_favourites(session, ids.map(StreamId).collect()).await {
        Ok(()) => Ok(json!(true)),
        Err(Error::Invalid { .. }) => Ok(json!(false)),
        Err(error) => Err(error),
    }
}

/// An empty list.
pub fn nothing() -> Value {
    paging::whole(Vec::new(), paging::ROWS)
}

/// The channels of a box, with what it has chosen among them.
struct List {
    channels: Arc<Vec<Channel>>,
    favourites: HashMap<StreamId, usize>,
    recorded: RecordedDays,
}

impl List {
    fn of(asked: &PortalRequest, session: &Session) -> Result<Self> {
        let channels = asked.ops.viewing.channels_of(&session.subscriber())?;
        let favourites = asked.ops.favourites(session)?.into_iter().zip(0..).collect();
        let recorded = asked.ops.viewing.recorded_days(&session.subscriber())?;
        Ok(Self { channels, favourites, recorded })
    }

    /// Whether a channel stands in a genre; no genre and `*` are every one that is not censored.
    fn is_in(&self, place: usize, genre: &str) -> bool {
        let channel = &self.channels[place];
        match genre {
            "" | "*" => !channel.is_censored(),
            id => channel.category().to_string() == id,
        }
    }

    fn favourite(&self, place: usize) -> Option<usize> {
        self.favourites.get(&self.channels[place].id).copied()
    }

    fn number(&self, place: usize) -> i64 {
        self.channels[place].number
    }

    fn is_hd(&self, place: usize) -> bool {
        is_hd(&self.channels[place].name)
    }

    /// The places of all channels, in order of number, name or favourites.
    fn sorted(&self, by: &str) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.channels.len()).collect();
        match by {
            "name" => places.sort_by_cached_key(|place| self.channels[*place].name.to_lowercase()),
            "fav" => places
                .sort_by_key(|place| (self.favourite(*place).unwrap_or(usize::MAX), self.number(*place))),
            _ => places.sort_by_key(|place| self.number(*place)),
        }
        places
    }

    /// Types as players insist on them: number and name are texts.
    fn shown(&self, place: usize) -> Value {
        let channel = &self.channels[place];
        let id = channel.id.0.to_string();
        // A placeholder: who plays asks create_link first.
        let cmd = format!("ffmpeg http://localhost/ch/{id}_");
        let censored = u8::from(channel.is_censored());
        let days = self.recorded.of(channel.id);
        json!({
            "id": id,
            "name": channel.name,
            "number": self.number(place).to_string(),
            "cmd": cmd,
            "cmds": [{
                "id": id,
                "ch_id": id,
                "priority": "0",
                "url": cmd,
                "status": "1",
                "use_http_tmp_link": "1",
                "use_load_balancing": "0",
                "wowza_tmp_link": "0",
                "nginx_secure_link": "0",
            }],
            "tv_genre_id": channel.category().to_string(),
            "logo": channel.logo,
            "xmltv_id": channel.guide_id,
            "use_http_tmp_link": "1",
            "use_load_balancing": "0",
            "wowza_tmp_link": "0",
            "wowza_dvr": "0",
            "nginx_secure_link": "0",
            "censored": censored,
            "lock": censored,
            "hd": u8::from(self.is_hd(place)).to_string(),
            "fav": u8::from(self.favourite(place).is_some()),
            "archive": u8::from(days > 0),
            "enable_tv_archive": u8::from(days > 0),
            "tv_archive_duration": days * 24,
            "allow_pvr": "0",
            "allow_local_pvr": "0",
            "pvr": 0,
            "open": 1,
            "status": 1,
            "cur_playing": "",
            "epg": [],
            "genres_str": "",
            "mc_cmd": "",
            "base_ch": "1",
            "bonus_ch": "0",
            "cost": "0",
            "count": "0",
            "volume_correction": "0",
            "correct_time": "0",
            "modified": "",
            "service_id": "",
        })
    }
}

/// Boxes have a filter for it; streams say it in their names alone.
fn is_hd(name: &str) -> bool {
    let is = |word: &str| ["HD", "FHD", "UHD", "4K"].iter().any(|hd| word.eq_ignore_ascii_case(hd));
    name.split(|c: char| !c.is_alphanumeric()).any(is)
}

#[cfg(test)]
mod tests {
    use super::is_hd;

    #[test]
    fn a_name_says_whether_it_is_hd() {
        assert!(is_hd("News HD") && is_hd("sport-uhd 2") && is_hd("Film 4K"));
        assert!(!is_hd("HDX") && !is_hd("Childhood"));
    }
}
