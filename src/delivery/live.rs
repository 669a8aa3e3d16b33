//! `/live/U/P/ID`, `.ts`, `.m3u8`, `/U/P/ID`, `/live/TOKEN/ID`: one endless transport stream, or a playlist.

use std::{
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

use super::{hls, refusal};
use crate::{
    domain::{
        fields::{container::Container, token::LineToken},
        ids::{StreamId, parse_id},
        viewing::title::Title,
    },
    ops::{
        Ops,
        viewing::{Client, Credentials, Hold, Refusal, Subscriber, Tap, WatchRequest, Watching, Way},
    },
    wire::{cors, path, socket, visitor::Visitor},
};

/// What players call an MPEG transport stream.
const MPEG_TS: &str = "video/mp2t";

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
        if way == Way::Path && parse(file).is_none() {
            return Err(Refusal::NoSuchStream);
        }
        let who = ops.viewing.subscriber(credentials, way, &from)?;
        let (title, container) = parse(file).ok_or(Refusal::NoSuchStream)?;
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
fn not_watching(method: &Method) -> Option<HttpResponse> {
    if *method == Method::OPTIONS {
        return Some(cors::preflight());
    }
    let watches = matches!(*method, Method::GET | Method::HEAD);
    let refusal =
        || HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, "GET, HEAD, OPTIONS")).finish();
    (!watches).then(refusal)
}

async fn answer(
    request: &HttpRequest,
    who: &Subscriber,
    title: Title,
    container: Container,
    from: &Client,
    ops: &Ops,
) -> Result<HttpResponse, Refusal> {
    let wish = WatchRequest { title, container, socket: socket::of(request) };
    if *request.method() == Method::HEAD {
        ops.viewing.may_watch(who, &wish, from)?;
        return Ok(head(container));
    }
    Ok(match ops.viewing.watch(who, &wish, from).await? {
        Watching::Ts(tap, hold) => transport_stream(Viewer { tap, hold }),
        Watching::Hls(channel, token) => hls::playlist(title.stream(), &channel.segments(), &token),
    })
}

/// Who wants to watch, and which file: `/live/U/P/FILE`, `/U/P/FILE` or `/live/TOKEN/FILE`.
fn address<S: AsRef<str>>(segments: &[S]) -> Option<(Credentials<'_>, Way, &str)> {
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    match segments[..] {
        ["live", token, file] if LineToken::new(token).is_ok() => {
            Some((Credentials::Token(token), Way::Plain, file))
        }
        ["live", username, password, file] => {
            Some((Credentials::Password { username, password }, Way::Plain, file))
        }
        [username, password, file] => Some((Credentials::Password { username, password }, Way::Path, file)),
        _ => None,
    }
}

/// `7`, `7.ts` or `7.m3u8`; without an ending it is a transport stream.
fn parse(file: &str) -> Option<(Title, Container)> {
    let (id, container) = match file.split_once('.') {
        None => (file, Container::Ts),
        Some((id, ending)) if ending.eq_ignore_ascii_case("ts") => (id, Container::Ts),
        Some((id, ending)) if ending.eq_ignore_ascii_case("m3u8") => (id, Container::Hls),
        Some(_) => return None,
    };
    parse_id(id).ok().map(|id| (Title::Live(StreamId(id)), container))
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
struct Unsaid;

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
        assert_eq!(told("live/7"), None);
        assert_eq!(told("live/u/p/7/8"), None);
    }

    #[test]
    fn a_file_names_a_stream_and_a_form() {
        assert_eq!(parse("7"), Some((Title::Live(StreamId(7)), Container::Ts)));
        assert_eq!(parse("7.ts"), Some((Title::Live(StreamId(7)), Container::Ts)));
        assert_eq!(parse("7.m3u8"), Some((Title::Live(StreamId(7)), Container::Hls)));
        assert_eq!(parse("7.TS"), Some((Title::Live(StreamId(7)), Container::Ts)));
        for bad in ["", "0", "x", "7.mp4", "7.ts.ts", "-7", "7 ", "99999999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
