//! What is recorded, as players get it: in one piece with ranges, in one piece that goes on, or as a playlist
//! (docs/catch-up.md).

use std::{
    fmt::Write as _,
    io,
    pin::Pin,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{Method, StatusCode, header},
    web::Bytes,
};
use jiff::Timestamp;
use tokio::net::TcpStream;

use super::{
    hls::PLAYLIST,
    live::{MPEG_TS, Unsaid},
    sendfile::{self, Readable, Source},
};
use crate::{
    domain::{Error, viewing::title::Title},
    ops::viewing::{Following, Hold, ListedSegment, Playlist, Recording, Refusal, Spans},
    wire::connection::UNREAD,
};

/// A player that is paused may take nothing for so long; it goes on where it was with another request.
const PAUSED: Duration = Duration::from_mins(10);

/// Part of an archive; with ranges, unless it goes on.
///
/// # Errors
/// [`Refusal::Failed`] for a request without a socket.
pub fn answer(
    request: &HttpRequest,
    recording: Recording,
    hold: Option<Hold>,
) -> Result<HttpResponse, Refusal> {
    let Recording { mut parts, more, tag } = recording;
    let length = parts.length();
    if more.is_some() {
        // Ends with its connection, as what is live does.
        let mut response = begun(StatusCode::OK);
        response.force_close();
        let mut response = match hold {
            None => response.body(Unsaid).map_into_boxed_body(),
            Some(hold) => sent(request, response, Playing::of(parts, more, hold), length)?,
        };
        response.head_mut().no_chunking(true);
        return Ok(response);
    }
    let tag = header::EntityTag::new_strong(tag);
    let mut response = match asked(request, length, &tag) {
        ByteRange::All => begun(StatusCode::OK),
        ByteRange::Part(from, to) => {
            parts.narrow(from, to - from + 1);
            let mut response = begun(StatusCode::PARTIAL_CONTENT);
            response.insert_header((header::CONTENT_RANGE, format!("bytes {from}-{to}/{length}")));
            response
        }
        ByteRange::Nothing => {
            let mut response = begun(StatusCode::RANGE_NOT_SATISFIABLE);
            return Ok(response.insert_header((header::CONTENT_RANGE, format!("bytes */{length}"))).finish());
        }
    };
    response
        .insert_header((
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "Accept-Ranges, Content-Length, Content-Range, ETag",
        ))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header(header::ETag(tag));
    let length = parts.length();
    response.no_chunking(length);
    match hold {
        None => Ok(response.body(Unsaid).map_into_boxed_body()),
        Some(hold) => sent(request, response, Playing::of(parts, None, hold), length),
    }
}

fn begun(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .content_type(MPEG_TS)
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

fn sent(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    playing: Playing,
    length: u64,
) -> Result<HttpResponse, Refusal> {
    let body = sendfile::body(request, playing, length, PAUSED);
    Ok(response.body(body.ok_or(Refusal::Failed(Error::Busy))?))
}

/// What of a recording is asked for.
#[derive(Debug, PartialEq, Eq)]
enum ByteRange {
    All,
    /// From one byte to the other, both included.
    Part(u64, u64),
    /// Beyond its end.
    Nothing,
}

fn asked(request: &HttpRequest, length: u64, tag: &header::EntityTag) -> ByteRange {
    let text = |name| request.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    // Of another recording by now: the bytes would not fit to those that the player has.
    let is_other = text(header::IF_RANGE).is_some_and(|held| held != tag.to_string());
    let Some(range) = text(header::RANGE).filter(|_| !is_other) else { return ByteRange::All };
    let Ok(header::Range::Bytes(ranges)) = header::Range::from_str(range) else { return ByteRange::All };
    // Several at once are more than any player asks for, and may be answered whole.
    let [range] = &ranges[..] else { return ByteRange::All };
    range.to_satisfiable_range(length).map_or(ByteRange::Nothing, |(from, to)| ByteRange::Part(from, to))
}

/// What is being played, and what comes after it.
struct Playing {
    parts: Spans,
    more: Option<More>,
    hold: Hold,
}

type Next = (Following, io::Result<Option<Spans>>);
type More = Pin<Box<dyn Future<Output = Next>>>;

impl Playing {
    fn of(parts: Spans, more: Option<Following>, hold: Hold) -> Self {
        Self { parts, more: more.map(next), hold }
    }
}

fn next(mut following: Following) -> More {
    Box::pin(async move {
        let next = following.next().await;
        (following, next)
    })
}

impl Source for Playing {
    fn send(&mut self, socket: &TcpStream, most: usize) -> io::Result<usize> {
        let sent = self.parts.send(socket, most)?;
        self.hold.count(sent);
        Ok(sent)
    }

    fn is_cut(&self, context: &Context<'_>) -> bool {
        self.hold.is_cut(context)
    }

    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.hold.taken();
        let Some(more) = &mut self.more else { return Poll::Ready(Ok(0)) };
        let (following, parts) = ready!(more.as_mut().poll(context));
        self.more = None;
        let Some(parts) = parts? else { return Poll::Ready(Ok(0)) };
        let length = parts.length();
        self.parts.append(parts);
        self.more = Some(next(following));
        Poll::Ready(Ok(length))
    }
}

impl Readable for Playing {
    fn read(&mut self, most: usize) -> io::Result<Bytes> {
        let bytes = self.parts.read(most)?;
        self.hold.count(bytes.len());
        Ok(bytes)
    }
}

/// A segment of an archive.
///
/// # Errors
/// [`Refusal::Failed`] for a request without a socket.
pub fn segment(request: &HttpRequest, parts: Spans, count: Arc<AtomicU64>) -> Result<HttpResponse, Refusal> {
    let length = parts.length();
    let mut response = HttpResponse::Ok();
    response
        .content_type(MPEG_TS)
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::CACHE_CONTROL, "private, max-age=60"))
        .no_chunking(length);
    if *request.method() == Method::HEAD {
        return Ok(response.body(Unsaid));
    }
    let body = sendfile::body(request, Counted { parts, count }, length, UNREAD);
    Ok(response.body(body.ok_or(Refusal::Failed(Error::Busy))?))
}

/// A segment whose bytes are its session's.
struct Counted {
    parts: Spans,
    count: Arc<AtomicU64>,
}

impl Source for Counted {
    fn send(&mut self, socket: &TcpStream, most: usize) -> io::Result<usize> {
        let sent = self.parts.send(socket, most)?;
        self.count.fetch_add(sent as u64, Ordering::Relaxed);
        Ok(sent)
    }
}

impl Readable for Counted {
    fn read(&mut self, most: usize) -> io::Result<Bytes> {
        let bytes = self.parts.read(most)?;
        self.count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(bytes)
    }
}

/// The playlist of part of an archive. Its token stands in the segments' addresses, relative to the server.
pub fn playlist(title: Title, playlist: &Playlist, token: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(PLAYLIST)
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text(title, playlist, token))
}

fn text(title: Title, playlist: &Playlist, token: &str) -> String {
    let longest = playlist.segments.iter().map(|segment| segment.duration).max().unwrap_or(0);
    let first = playlist.segments.first().map_or(0, |segment| segment.start);
    let from = match title {
        Title::Archive(_, window) => window.start.seconds().unsigned_abs() * 1000,
        Title::Live(_) => first,
    };
    let skip = from.saturating_sub(first);
    let kind = if playlist.is_whole { "VOD" } else { "EVENT" };
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-PLAYLIST-TYPE:{kind}\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-START:TIME-OFFSET={}.{:03}\n",
        longest.div_ceil(1000),
        skip / 1000,
        skip % 1000
    );
    for (place, ListedSegment { name, start, duration, discontinuity }) in
        playlist.segments.iter().enumerate()
    {
        if *discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if *discontinuity || place == 0 {
            let moment = Timestamp::from_millisecond(i64::try_from(*start).unwrap_or(0)).unwrap_or_default();
            // Writing to a text cannot fail.
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", moment.strftime("%Y-%m-%dT%H:%M:%S.%3fZ"));
        }
        let _ = writeln!(
            text,
            "#EXTINF:{}.{:03},\n/hls/{token}/{}",
            duration / 1000,
            duration % 1000,
            name.file()
        );
    }
    if playlist.is_whole {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    text
}
