//! What is on, as boxes are told (docs/mag.md, "Programmes").

use std::{collections::VecDeque, fmt::Write as _};

use actix_web::{
    HttpResponse,
    web::{Bytes, Data},
};
use futures_util::stream;
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{paging, reply, request::PortalRequest};
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        guide::programme::Programme,
        ids::{StreamId, parse_id},
    },
    ops::{Ops, clock, portal::Session},
    wire::pieces::PIECE,
};

/// Programmes of `get_short_epg`, unless the box says how many.
const SHORT: usize = 10;
/// And at most.
const MOST_SHORT: usize = 100;
/// Programmes of one channel in any other answer.
const MOST: usize = 500;
/// Programmes on a page of a day.
const ROWS: usize = 10;
/// Hours of `get_epg_info`, unless the box says how many, and at most: a week.
const HOURS: (i64, i64) = (5, 168);
/// The programme that is on, and those that follow.
pub fn short(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let most = asked.number("size").and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
    let most = most.map_or(SHORT, |size| size.min(MOST_SHORT));
    let Some(stream) = stream_of(asked, session)? else { return Ok(json!([])) };
    let teller = Teller::of(asked, session, clock::now())?;
    let programmes = asked.ops.guide.programmes(stream, teller.now, UnixTime::LAST, most)?;
    Ok(all(&teller, stream, &programmes))
}

/// What a row of channels says of what is on.
pub fn fill(asked: &PortalRequest, session: &Session, page: &mut Value) -> Result<()> {
    let teller = Teller::of(asked, session, clock::now())?;
    let now = teller.now;
    for row in page["data"].as_array_mut().into_iter().flatten() {
        let Some(stream) = row["id"].as_str().and_then(|id| parse_id(id).ok()).map(StreamId) else {
            continue;
        };
        let programmes = asked.ops.guide.programmes(stream, now, UnixTime::LAST, 3)?;
        if let Some(on) = programmes.first().filter(|first| first.is_on(now)) {
            row["cur_playing"] = on.title.as_str().into();
        }
        row["epg"] = all(&teller, stream, &programmes);
    }
    Ok(())
}

/// A page of the programmes that begin on one day, of the box's zone.
pub fn day(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let teller = Teller::of(asked, session, clock::now())?;
    let today = date(teller.now, &teller.zone);
    let date = asked.text("date").trim().parse().unwrap_or(today);
    let programmes = match stream_of(asked, session)? {
        Some(stream) => teller.day(asked, stream, date)?,
        None => Vec::new(),
    };
    let stream = stream(asked).map_or(0, |stream| stream.0);
    let is_on = programmes.iter().position(|programme| programme.is_on(teller.now));
    let left = paging::left(is_on, ROWS);
    let shown = |programme: &Programme| teller.entry(StreamId(stream), programme);
    let list = ("day", stream, date);
    let page = asked.kept.counting.page(session.id(), &list, asked.number("p").unwrap_or(0), left.0 == 1);
    Ok(paging::page(&programmes, shown, page, left, ROWS))
}

/// Every programme of a channel that is kept, in the envelope of a page.
pub fn whole(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let teller = Teller::of(asked, session, clock::now())?;
    let programmes = match stream_of(asked, session)? {
        Some(stream) => {
            let programmes = asked.ops.guide.programmes(stream, UnixTime::FIRST, UnixTime::LAST, MOST)?;
            programmes.iter().map(|programme| teller.entry(stream, programme)).collect()
        }
        None => Vec::new(),
    };
    Ok(paging::whole(programmes, ROWS))
}

/// The days that a box can leaf through.
pub fn week(asked: &PortalRequest) -> Value {
    let settings = &asked.ops.snapshot().settings;
    let today = date(clock::now(), &asked.zone);
    let days = -settings.guide_past_days.get()..=settings.guide_future_days.get();
    let day = |day: i64| {
        let date = today.saturating_add(day.days());
        json!({
            "f_human": date.strftime("%a, %d %b").to_string(),
            "f_mysql": date.to_string(),
            "today": u8::from(date == today),
        })
    };
    days.map(day).collect()
}

/// What is on in the next hours, on all channels. It is written as it is sent: it may be fifty megabytes.
pub async fn info(asked: &PortalRequest, session: &Session) -> Result<HttpResponse> {
    if asked.is_head {
        return Ok(reply::envelope(json!({ "data": {} })));
    }
    let hours = asked.number("period").filter(|hours| *hours > 0).map_or(HOURS.0, |hours| hours.min(HOURS.1));
    let teller = Teller::of(asked, session, clock::now())?;
    let channels = asked.ops.viewing.channels_of(&session.subscriber()).await?;
    let info = Info {
        ops: asked.ops.clone(),
        until: UnixTime::clamped(teller.now.seconds() + hours * 3_600),
        teller,
        left: channels.iter().map(|channel| channel.id).collect(),
        has_begun: false,
        is_first: true,
        has_ended: false,
    };
    let pieces = stream::unfold(info, |mut info| async move { Some((info.piece()?, info)) });
    Ok(reply::in_pieces(asked.version, pieces))
}

/// An answer on its way.
struct Info {
    ops: Data<Ops>,
    teller: Teller,
    until: UnixTime,
    left: VecDeque<StreamId>,
    has_begun: bool,
    is_first: bool,
    has_ended: bool,
}

impl Info {
    /// The next bytes; `None` after the last ones.
    fn piece(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        if self.has_ended {
            return None;
        }
        let mut text = String::with_capacity(PIECE + PIECE / 4);
        if !self.has_begun {
            self.has_begun = true;
            text.push_str("{\"js\":{\"data\":{");
        }
        while text.len() < PIECE {
            let Some(stream) = self.left.pop_front() else {
                text.push_str("}},\"text\":\"\"}");
                self.has_ended = true;
                break;
            };
            match self.ops.guide.programmes(stream, self.teller.now, self.until, MOST) {
                Ok(programmes) if programmes.is_empty() => {}
                Ok(programmes) => {
                    let comma = if std::mem::take(&mut self.is_first) { "" } else { "," };
                    // Writing to a text cannot fail.
                    let _ =
                        write!(text, "{comma}\"{}\":{}", stream.0, all(&self.teller, stream, &programmes));
                }
                Err(error) => {
                    self.has_ended = true;
                    return Some(Err(std::io::Error::other(error.to_string())));
                }
            }
        }
        Some(Ok(text.into()))
    }
}

/// The stream that is asked for.
fn stream(asked: &PortalRequest) -> Option<StreamId> {
    parse_id(asked.text("ch_id").trim()).ok().map(StreamId)
}

/// The same if it is one of the box's channels.
fn stream_of(asked: &PortalRequest, session: &Session) -> Result<Option<StreamId>> {
    match stream(asked) {
        Some(stream) if asked.ops.viewing.may_see(&session.subscriber(), stream)? => Ok(Some(stream)),
        _ => Ok(None),
    }
}

fn date(at: UnixTime, zone: &TimeZone) -> Date {
    Timestamp::from_second(at.seconds()).unwrap_or_default().to_zoned(zone.clone()).date()
}

fn all(teller: &Teller, stream: StreamId, programmes: &[Programme]) -> Value {
    programmes.iter().map(|programme| teller.entry(stream, programme)).collect()
}

/// Tells of programmes by the clock on the box's wall.
struct Teller {
    ops: Data<Ops>,
    now: UnixTime,
    zone: TimeZone,
    has_catchup: bool,
}

impl Teller {
    fn of(asked: &PortalRequest, session: &Session, now: UnixTime) -> Result<Self> {
        let (viewing, who) = (&asked.ops.viewing, session.subscriber());
        let has_catchup = viewing.may_catch_up(&who)?;
        Ok(Self { ops: asked.ops.clone(), now, zone: asked.zone.clone(), has_catchup })
    }

    /// The programmes that begin on that day.
    fn day(&self, asked: &PortalRequest, stream: StreamId, date: Date) -> Result<Vec<Programme>> {
        let begins = |date: Date| {
            date.to_zoned(self.zone.clone())
                .map_or(UnixTime::FIRST, |begins| UnixTime::clamped(begins.timestamp().as_second()))
        };
        let (from, to) = (begins(date), begins(date.saturating_add(1.day())));
        let mut programmes = asked.ops.guide.programmes(stream, from, to, MOST)?;
        programmes.retain(|programme| programme.start >= from);
        Ok(programmes)
    }

    /// A programme. Its id is the same whenever it is asked for, because links to recordings have it; names and texts are
    /// texts even if they are empty, or Kodi takes none.
    fn entry(&self, stream: StreamId, programme: &Programme) -> Value {
        let Programme { start, stop, title, subtitle, description, category } = programme;
        let id = format!("{}_{}", stream.0, start.seconds());
        let (time, time_to) = (start.local(&self.zone), stop.local(&self.zone));
        // Hours and minutes of `2026-11-24 08:00:00`.
        let short = |text: &str| text.get(11..16).unwrap_or_default().to_owned();
        let description = match (subtitle.as_str(), description.as_str()) {
            ("", text) | (text, "") => text.to_owned(),
            (subtitle, text) => format!("{subtitle}\n{text}"),
        };
        json!({
            "id": id,
            "real_id": id,
            "ch_id": stream.0.to_string(),
            "name": title,
            "descr": description,
            "category": category,
            "director": "",
            "actor": "",
            "t_time": short(&time),
            "t_time_to": short(&time_to),
            "correct": time,
            "time": time,
            "time_to": time_to,
            "duration": stop.seconds() - start.seconds(),
            "start_timestamp": start.seconds(),
            "stop_timestamp": stop.seconds(),
            "mark_memo": 0,
            "mark_archive": u8::from(self.has_catchup && self.ops.viewing.is_recorded(stream, programme, self.now)),
        })
    }
}
