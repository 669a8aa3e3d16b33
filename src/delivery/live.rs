//! `/live/U/P/ID`, `.ts`, `.m3u8`, `/U/P/ID`, `/live/TOKEN/ID`: one endless transport stream, or a playlist.

use std::{
    borrow::Cow,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    http::{Method, StatusCode, header},
    web::{Bytes, Data},
};
use futures_util::Stream;

use super::{catchup, hls, recording, refusal};
use crate::{
    domain::{
        fields::{container::Container, time::UnixTime, token::LineToken},
        ids::{StreamId, parse_id},
        viewing::{
            title::Title,
            window::{self, Window},
        },
    },
    ops::{
        Ops, clock,
        viewing::{Client, Credentials, Hold, Refusal, Subscriber, Tap, WatchRequest, Watching, Way},
    },
    wire::{cors, path, socket, visitor::Visitor},
};

/// What players call an MPEG transport stream.
pub const MPEG_TS: &str = "video/mp2t";

/// Watches a stream. HEAD answers as GET would, but opens nothing (Kodi asks so first).
pub async fn watch(request: HttpRequest, visitor: Visitor, ops: Data<Ops>) -> HttpResponse {
    if let Some(response) = not_watching(request.method()) {
        return response;
    }
    let from = Client { address: visitor.address, agent: visitor.agent.into() };
    let answer = async {
        let segments = path::segments(request.path());
        let (credentials, way, file) = address(&segments).ok_or(Refusal::NoSuchStream)?;
        // Three parts that end in no stream are an address of something else, and no guess.
        if way == Way::Path && parse(&file, clock::now()).is_none() {
            return Err(Refusal::NoSuchStream);
        }
        let who = ops.viewing.subscriber(credentials, way, &from)?;
        let (stream, container, window) = parse(&file, clock::now()).ok_or(Refusal::NoSuchStream)?;
        let window = match window {
            Some(window) => Some(window),
            None => catchup::in_query(request.query_string(), &ops)?,
        };
        let title = window.map_or(Title::Live(stream), |window| Title::Archive(stream, window));
        answer(&request, &who, title, container, &from, &ops).await
    };
    answer.await.unwrap_or_else(|refused| refusal::response(&refused))
}

/// Watches what a link of the portal opens: `/play/TOKEN/ts`, `/play/TOKEN/m3u8`; `ts` if it does not say.
pub async fn play(request: HttpRequest, visitor: Visitor, ops: Data<Ops>) -> HttpResponse {
    if let Some(response) = not_watching(request.method()) {
        return response;
    }
    let segment = |name| request.match_info().get(name);
    let (token, form) = (segment("token").unwrap_or_default(), segment("form").unwrap_or("ts"));
    let from = Client { address: visitor.address, agent: visitor.agent.into() };
    let answer = async {
        let (who, title) = ops.linked(token, &from)?;
        let container = Container::named(form).ok_or(Refusal::NoSuchStream)?;
        let response = answer(&request, &who, title, container, &from, &ops).await?;
        if container == Container::Hls {
            ops.keep_link(token);
        }
        Ok(response)
    };
    answer.await.unwrap_or_else(|refused| refusal::response(&refused))
}

/// The answer to a method that does not watch.
pub fn not_watching(method: &Method) -> Option<HttpResponse> {
    if *method == Method::OPTIONS {
        return Some(cors::preflight());
    }
    let watches = matches!(*method, Method::GET | Method::HEAD);
    let refusal =
        || HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "GET, HEAD, OPTIONS")).finish();
    (!watches).then(refusal)
}

/// Begins to watch; HEAD only learns whether that would be allowed.
///
/// # Errors
/// [`Refusal`].
pub async fn answer(
    request: &HttpRequest,
    who: &Subscriber,
    title: Title,
    container: Container,
    from: &Client,
    ops: &Ops,
) -> Result<HttpResponse, Refusal> {
    let wish = WatchRequest { title, container, socket: socket::of(request) };
    if *request.method() == Method::HEAD {
        return match ops.viewing.look_up(who, &wish, from).await? {
            Some(found) => recording::answer(request, found, None),
            None => Ok(head(container)),
        };
    }
    Ok(match ops.viewing.watch(who, &wish, from).await? {
        Watching::Ts(tap, hold) => transport_stream(Viewer { tap, hold }),
        Watching::Hls(channel, token) => hls::playlist(title.stream(), &channel.segments(), &token),
        Watching::Recording(found, hold) => recording::answer(request, found, Some(hold))?,
        Watching::Playlist(found, token) => recording::playlist(title, &found, &token),
    })
}

/// Who wants to watch, and which file: `/live/U/P/FILE`, `/U/P/FILE` or `/live/TOKEN/FILE`; `/live/U/P/7/timeshift_abs-START.ts` is
/// of `7-timeshift_abs-START.ts`.
fn address<S: AsRef<str>>(segments: &[S]) -> Option<(Credentials<'_>, Way, Cow<'_, str>)> {
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    match segments[..] {
        ["live", token, file] if LineToken::new(token).is_ok() => {
            Some((Credentials::Token(token), Way::Plain, file.into()))
        }
        ["live", token, id, file] if LineToken::new(token).is_ok() && catchup::is_part(file) => {
            Some((Credentials::Token(token), Way::Plain, format!("{id}-{file}").into()))
        }
        ["live", username, password, file] => {
            Some((Credentials::Password { username, password }, Way::Plain, file.into()))
        }
        ["live", username, password, id, file] if catchup::is_part(file) => {
            let file = format!("{id}-{file}").into();
            Some((Credentials::Password { username, password }, Way::Plain, file))
        }
        [username, password, file] => {
            Some((Credentials::Password { username, password }, Way::Path, file.into()))
        }
        _ => None,
    }
}

/// `7`, `7.ts` or `7.m3u8`; without an ending it is a transport stream. `7-timeshift_abs-START.ts` and its kin are of its archive.
pub fn parse(file: &str, now: UnixTime) -> Option<(StreamId, Container, Option<Window>)> {
    let (id, container) = match file.split_once('.') {
        None => (file, Container::Ts),
        Some((id, ending)) if ending.eq_ignore_ascii_case("ts") => (id, Container::Ts),
        Some((id, ending)) if ending.eq_ignore_ascii_case("m3u8") => (id, Container::Hls),
        Some(_) => return None,
    };
    let (id, window) = match window::flussonic(id, now) {
        Some((id, window)) => (id, Some(window)),
        None => (id, None),
    };
    parse_id(id).ok().map(|id| (StreamId(id), container, window))
}

fn head(container: Container) -> HttpResponse {
    let kind = match container {
        Container::Ts => MPEG_TS,
        Container::Hls => hls::PLAYLIST,
    };
    let mut response = HttpResponse::Ok()
        .content_type(kind)
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .body(Unsaid);
    response.head_mut().no_chunking(true);
    response
}

/// Ends with its connection rather than in chunks: players of HTTP/1.0 know no chunks, and a chunk's
/// frame around each part helps nobody.
fn transport_stream(viewer: Viewer) -> HttpResponse {
    let mut response = HttpResponse::Ok()
        .content_type(MPEG_TS)
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .force_close()
        .body(viewer);
    response.head_mut().no_chunking(true);
    debug_assert_eq!(response.status(), StatusCode::OK);
    response
}

/// No body, and nothing said about the length that it would have: a `Content-Length` of 0 would be untrue.
pub struct Unsaid;

impl MessageBody for Unsaid {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

/// One viewer's body; the session lives while it does.
struct Viewer {
    tap: Tap,
    hold: Hold,
}

impl MessageBody for Viewer {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.hold.is_cut(context) {
            return Poll::Ready(None);
        }
        self.hold.taken();
        let next = Pin::new(&mut self.tap).poll_next(context);
        if let Poll::Ready(Some(bytes)) = &next {
            self.hold.count(bytes.len());
        }
        next.map(|bytes| bytes.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_line_and_a_file() {
        let told = |path: &str| {
            let segments: Vec<&str> = path.split('/').collect();
            address(&segments).map(|(credentials, way, file)| match credentials {
                Credentials::Password { username, password } => {
                    format!("{username} {password} {file} {way:?}")
                }
                Credentials::Token(token) => format!("{token} {file} {way:?}"),
            })
        };
        let token = "0123456789abcdef0123456789abcdef";
        assert_eq!(told("live/u/p/7.ts").as_deref(), Some("u p 7.ts Plain"));
        assert_eq!(told("u/p/7").as_deref(), Some("u p 7 Path"));
        assert_eq!(told(&format!("live/{token}/7")), Some(format!("{token} 7 Plain")));
        assert_eq!(told("live/p/7").as_deref(), Some("live p 7 Path"), "a line may have that name");
        assert_eq!(told("live/u/p/7/timeshift_abs-5.ts").as_deref(), Some("u p 7-timeshift_abs-5.ts Plain"));
        let relative = format!("{token} 7-timeshift_rel-5.m3u8 Plain");
        assert_eq!(told(&format!("live/{token}/7/timeshift_rel-5.m3u8")), Some(relative));
        assert_eq!(told("live/7"), None);
        assert_eq!(told("live/u/p/7/8"), None);
    }

    #[test]
    fn a_file_names_a_stream_and_a_form() {
        let now = UnixTime::clamped(1_795_975_200);
        let parse = |file| parse(file, now);
        let live = |container| Some((StreamId(7), container, None));
        assert_eq!(parse("7"), live(Container::Ts));
        assert_eq!(parse("7.ts"), live(Container::Ts));
        assert_eq!(parse("7.m3u8"), live(Container::Hls));
        assert_eq!(parse("7.TS"), live(Container::Ts));
        let window = Window::from(UnixTime::clamped(1_795_974_300));
        assert_eq!(parse("7-timeshift_rel-900.m3u8"), Some((StreamId(7), Container::Hls, Some(window))));
        assert_eq!(parse("7-timeshift_abs-1795974300.ts"), Some((StreamId(7), Container::Ts, Some(window))));
        for bad in ["", "0", "x", "7.mp4", "7.ts.ts", "-7", "7 ", "99999999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
