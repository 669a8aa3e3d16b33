//! Channels, genres, favourites (docs/mag.md, "What a box sees").

use std::{collections::HashMap, io::Write as _, sync::Arc};

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::{guide, paging, reply, request::PortalRequest};
use crate::{
    domain::{
        Error, Result,
        channels::catalogue::Channels,
        ids::{StreamId, parse_id},
        viewing::session::Viewer,
    },
    ops::{portal::Session, viewing::RecordedDays},
    wire::pieces::Text,
};

/// The genres that hold a channel, after the one that holds them all.
pub async fn genres(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let channels = asked.ops.viewing.channels_of(&session.subscriber()).await?;
    let mut genres =
        vec![json!({ "id": "*", "title": "All", "alias": "all", "active_sub": true, "censored": 0 })];
    for (place, channel) in channels.headings().enumerate() {
        let title = channel.category_name();
        genres.push(json!({
            "id": channel.category().to_string(),
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
pub async fn all(asked: &PortalRequest, session: &Session) -> Result<HttpResponse> {
    let list = List::of(asked, session).await?;
    let genre = Genre::of(asked.text("genre"));
    let places =
        list.channels.by_number().iter().copied().filter(|place| list.is_in(*place, genre)).collect();
    Ok(list.sent(places, asked, session))
}

/// A page of the channels that are asked for.
pub async fn page(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let list = List::of(asked, session).await?;
    let channels = &list.channels;
    let favourites_only = matches!(asked.text("fav"), "1" | "true");
    let hd_only = matches!(asked.text("hd"), "1" | "true");
    let (genre, search) = (asked.text("genre"), asked.text("search").trim().to_lowercase());
    // Favourites are shown whatever their genre, unless one is asked for.
    let genre = Genre::of(genre);
    let genre = Some(genre).filter(|genre| !favourites_only || *genre != Genre::Any);
    let number = whole_number(&search);
    let wanted = |place: &u32| {
        let channel = channels.at(*place);
        genre.is_none_or(|genre| list.is_in(*place, genre))
            && (search.is_empty()
                || Some(channel.number) == number
                || channel.name.to_lowercase().contains(&search))
    };
    let order = if favourites_only && asked.text("sortby").is_empty() { "fav" } else { asked.text("sortby") };
    let by_number = || channels.by_number().iter().copied();
    let mut places: Vec<u32> = match (order, favourites_only) {
        ("fav", true) => list.favourites(),
        ("fav", false) => list
            .favourites()
            .into_iter()
            .chain(by_number().filter(|place| !list.is_favourite(*place)))
            .collect(),
        ("name", _) => channels.by_name().to_vec(),
        _ => by_number().collect(),
    };
    places.retain(|place| wanted(place) && (!favourites_only || list.is_favourite(*place)));
    // A genre without any is shown whole rather than empty.
    if hd_only && places.iter().any(|place| list.is_hd(*place)) {
        places.retain(|place| list.is_hd(*place));
    }
    let is_played = |played| places.iter().position(|place| channels.at(*place).id == played);
    let last_played = asked.ops.last_channel(session).and_then(is_played);
    let left = paging::left(last_played, paging::ROWS);
    let query = ["genre", "search", "sortby", "fav", "hd"].map(|name| asked.text(name));
    let page = asked.kept.counting.page(session.id(), &query, asked.number("p").unwrap_or(0), left.0 == 1);
    let mut page = paging::page(&places, |place| list.shown(*place), page, left, paging::ROWS);
    guide::fill(asked, session, &mut page)?;
    Ok(page)
}

/// The favourites, in the order in which they were chosen.
pub async fn all_favourites(asked: &PortalRequest, session: &Session) -> Result<HttpResponse> {
    let list = List::of(asked, session).await?;
    let places = list.favourites();
    Ok(list.sent(places, asked, session))
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

/// The number that a text is, written as numbers are.
fn whole_number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

/// Which channels are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Genre {
    /// Every one that is not censored.
    Any,
    /// Those of a category; of none, if it is not the number of one.
    One(Option<i64>),
}

impl Genre {
    fn of(text: &str) -> Self {
        match text {
            "" | "*" => Self::Any,
            id => Self::One(whole_number(id)),
        }
    }
}

/// The channels of a box, with what it has chosen among them.
struct List {
    channels: Arc<Channels>,
    /// Which favourite each is.
    favourites: HashMap<StreamId, usize>,
    recorded: RecordedDays,
}

impl List {
    async fn of(asked: &PortalRequest, session: &Session) -> Result<Self> {
        let channels = asked.ops.viewing.channels_of(&session.subscriber()).await?;
        let favourites = asked.ops.favourites(session)?.into_iter().zip(0..).collect();
        let recorded = asked.ops.viewing.recorded_days(&session.subscriber())?;
        Ok(Self { channels, favourites, recorded })
    }

    fn is_in(&self, place: u32, genre: Genre) -> bool {
        let channel = self.channels.at(place);
        match genre {
            Genre::Any => !channel.is_censored(),
            Genre::One(id) => id == Some(channel.category()),
        }
    }

    fn is_favourite(&self, place: u32) -> bool {
        self.favourites.contains_key(&self.channels.at(place).id)
    }

    /// The places of the favourites, as they were chosen.
    fn favourites(&self) -> Vec<u32> {
        let mut chosen: Vec<_> = self.favourites.iter().collect();
        chosen.sort_by_key(|(_, order)| **order);
        chosen.into_iter().filter_map(|(stream, _)| self.channels.place(*stream)).collect()
    }

    fn is_hd(&self, place: u32) -> bool {
        is_hd(&self.channels.at(place).name)
    }

    /// One channel of a page.
    fn shown(&self, place: u32) -> Value {
        let mut text = Vec::new();
        self.write(&mut text, place);
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// All channels at those places, in the envelope of a page. It is written as it is sent: it may be eighty megabytes.
    fn sent(self, places: Vec<u32>, asked: &PortalRequest, session: &Session) -> HttpResponse {
        let begin = format!(
            "{{\"js\":{{\"total_items\":{},\"max_page_items\":{},\"selected_item\":0,\"cur_page\":0,\"data\":[",
            places.len(),
            paging::ROWS
        );
        let mut begin = Some(begin);
        let mut next = 0;
        let text = Text::of(move |text: &mut Vec<u8>| {
            text.extend(begin.take().unwrap_or_default().into_bytes());
            let Some(place) = places.get(next) else {
                text.extend(b"]},\"text\":\"\"}");
                return false;
            };
            if next > 0 {
                text.push(b',');
            }
            self.write(text, *place);
            next += 1;
            true
        });
        let mut fetch = None;
        if !text.is_whole() {
            fetch = asked.kept.fetching.begin(Viewer::Mag(session.id()));
            if fetch.is_none() {
                return reply::too_many();
            }
        }
        reply::written(text, asked.version, asked.is_head, fetch)
    }

    /// Types as players insist on them: number and name are texts.
    fn write(&self, text: &mut Vec<u8>, place: u32) {
        let channel = self.channels.at(place);
        let days = self.recorded.of(channel.id);
        // The command is a placeholder: who plays asks create_link first. Written at once, not as a tree, which takes
        // twenty times as long. Writing to a vector cannot fail.
        let _ = write!(
            text,
            "{{\"id\":\"{id}\",\"name\":{name},\"number\":\"{number}\",\"cmd\":\"ffmpeg http://localhost/ch/{id}_\",\
             \"cmds\":[{{\"id\":\"{id}\",\"ch_id\":\"{id}\",\"priority\":\"0\",\"url\":\"ffmpeg http://localhost/ch/{id}_\",\
             \"status\":\"1\",\"use_http_tmp_link\":\"1\",\"use_load_balancing\":\"0\",\"wowza_tmp_link\":\"0\",\
             \"nginx_secure_link\":\"0\"}}],\"tv_genre_id\":\"{genre}\",\"logo\":{logo},\"xmltv_id\":{guide_id},\
             \"use_http_tmp_link\":\"1\",\"use_load_balancing\":\"0\",\"wowza_tmp_link\":\"0\",\"wowza_dvr\":\"0\",\
             \"nginx_secure_link\":\"0\",\"censored\":{censored},\"lock\":{censored},\"hd\":\"{hd}\",\"fav\":{fav},\
             \"archive\":{archive},\"enable_tv_archive\":{archive},\"tv_archive_duration\":{hours},\
             \"allow_pvr\":\"0\",\"allow_local_pvr\":\"0\",\"pvr\":0,\"open\":1,\"status\":1,\"cur_playing\":\"\",\"epg\":[],\
             \"genres_str\":\"\",\"mc_cmd\":\"\",\"base_ch\":\"1\",\"bonus_ch\":\"0\",\"cost\":\"0\",\"count\":\"0\",\
             \"volume_correction\":\"0\",\"correct_time\":\"0\",\"modified\":\"\",\"service_id\":\"\"}}",
            id = channel.id.0,
            name = Value::from(channel.name.as_str()),
            number = channel.number,
            genre = channel.category(),
            logo = Value::from(channel.logo.as_str()),
            guide_id = Value::from(channel.guide_id.as_str()),
            censored = u8::from(channel.is_censored()),
            hd = u8::from(self.is_hd(place)),
            fav = u8::from(self.is_favourite(place)),
            archive = u8::from(days > 0),
            hours = days * 24,
        );
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
