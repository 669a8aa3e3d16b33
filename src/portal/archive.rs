//! What was recorded, as boxes ask for it (docs/mag.md, "What was recorded").

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::{request::PortalRequest, watching};
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        ids::{StreamId, parse_id},
        viewing::window::Window,
    },
    ops::{clock, portal::Session, viewing::Refusal},
};

/// How much of a programme is played that no guide tells of, in seconds.
const UNKNOWN: i64 = 7_200;

/// A link that opens what was recorded of a programme, `auto /media/STREAM_START.mpg`: all of it is one file.
pub fn create_link(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let Some((stream, start)) = programme(asked.text("cmd")) else { return Ok(watching::no_link()) };
    let on = asked.ops.guide.programmes(stream, start, UnixTime::clamped(start.seconds() + 1), 2)?;
    let on = on.into_iter().find(|programme| programme.start == start);
    let newest = || asked.ops.viewing.newest(stream).unwrap_or(start);
    let stop = match on {
        Some(programme) => programme.stop,
        None => UnixTime::clamped(start.seconds() + UNKNOWN).min(newest()),
    };
    let window = Window::between(start, stop).unwrap_or(Window::from(start));
    let window = asked.ops.viewing.widened(window);
    let file = format!("{}_{}.mpg", stream.0, start.seconds());
    Ok(link(asked, session, stream, window, &file, ""))
}

/// A link to the hours of a channel, which a box opens when somebody pauses or rewinds: the hour that is being recorded, from
/// its newest moment. The box puts the names of other hours in its place, by its own clock.
pub async fn link_for_channel(asked: &PortalRequest, session: &Session) -> Result<Value> {
    let now = clock::now();
    let stream = parse_id(asked.text("ch_id")).ok().map(StreamId);
    let newest = stream.and_then(|stream| asked.ops.viewing.newest(stream));
    let (Some(stream), Some(newest)) = (stream, newest) else { return Ok(watching::no_link()) };
    let moment = newest.min(now);
    let name = hour(moment, &asked.zone);
    let Some(window) = Window::hour(&name, &asked.zone) else { return Ok(watching::no_link()) };
    // A file begins with what is recorded of its hour.
    let position = asked.ops.viewing.recorded_seconds(stream, window.start, moment).await;
    let today = moment.seconds() - moment.midnight(&asked.zone).seconds();
    let more = format!(" position:{position} media_len:{today}");
    Ok(link(asked, session, stream, window, &format!("{name}.mpg"), &more))
}

fn link(
    asked: &PortalRequest,
    session: &Session,
    stream: StreamId,
    window: Window,
    file: &str,
    more: &str,
) -> Value {
    match asked.ops.archive_link(session, (stream, window), &asked.zone, &asked.from) {
        Ok(token) => {
            let cmd = format!("ffmpeg {}/archive/{token}/{file}{more}", asked.origin.url());
            watching::link(stream.0, &cmd, "")
        }
        Err(Refusal::NoSuchStream) => watching::no_link(),
        Err(refusal) => watching::link(stream.0, "", watching::error(&refusal)),
    }
}

/// The rest of the module: a programme is one file, so none follows; and boxes tell what they have played.
pub fn other(action: &str) -> Value {
    match action {
        "set_played"
        | "set_played_timeshift"
        | "update_played_end_time"
        | "update_played_timeshift_end_time" => {
            json!(true)
        }
        action if action.starts_with("get_") && action != "get_next_part_url" => json!([]),
        _ => json!(false),
    }
}

/// `20261129-18`, the hour of a moment on the box's clock.
fn hour(at: UnixTime, zone: &TimeZone) -> String {
    let moment = Timestamp::from_second(at.seconds()).unwrap_or_default().to_zoned(zone.clone());
    moment.strftime("%Y%m%d-%H").to_string()
}

/// The stream and the start of `auto /media/7_1795975200.mpg`, with any player's word before it or none.
fn programme(cmd: &str) -> Option<(StreamId, UnixTime)> {
    let id = |word: &str| {
        let (stream, start) = word.rsplit('/').next()?.split('.').next()?.split_once('_')?;
        Some((StreamId(parse_id(stream).ok()?), UnixTime::parse(start).ok()?))
    };
    cmd.split_whitespace().find_map(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_a_programme() {
        let found = Some((StreamId(7), UnixTime::clamped(1_795_975_200)));
        for cmd in [
            "auto /media/7_1795975200.mpg",
            "ffmpeg http://tv.example/media/7_1795975200.mpg",
            "/media/7_1795975200.mpg",
            "7_1795975200",
        ] {
            assert_eq!(programme(cmd), found, "{cmd}");
        }
        for cmd in ["", "auto /media/7.mpg", "auto /media/7_x.mpg", "auto /media/_5.mpg", "auto"] {
            assert_eq!(programme(cmd), None, "{cmd}");
        }
    }
}
