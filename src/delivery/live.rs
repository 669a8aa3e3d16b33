//! `/live/U/P/ID`, `.ts`, `.m3u8`, `/U/P/ID`: one endless transport stream, or a playlist.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    http::{Method, StatusCode, header},
    web::{Bytes, Data, Path},
};
use futures_util::Stream;

use super::{hls, refusal, socket};
use crate::{
    domain::{container::Container, ids::StreamId, ids::parse_id},
    ops::{
        Ops,
        viewing::{Hold, Origin, Refusal, Tap, Watching, Wish},
    },
    wire::visitor::Visitor,
};

/// What players call an MPEG transport stream.
const MPEG_TS: &str = "video/mp2t";

/// Watches a stream. HEAD answers as GET would, but opens nothing (finding 2: Kodi asks so first).
pub async fn watch(
    request: HttpRequest,
    path: Path<(String, String, String)>,
    visitor: Visitor,
    ops: Data<Ops>,
) -> HttpResponse {
    let method = request.method();
    if *method == Method::OPTIONS {
        return hls::preflight();
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        return HttpResponse::MethodNotAllowed()
            .insert_header((header::ALLOW, "GET, HEAD, OPTIONS"))
            .finish();
    }
    let (username, password, file) = path.into_inner();
    answer(&request, &username, &password, &file, visitor, &ops)
        .await
        .unwrap_or_else(|refused| refusal::response(&refused))
}

async fn answer(
    request: &HttpRequest,
    username: &str,
    password: &str,
    file: &str,
    visitor: Visitor,
    ops: &Ops,
) -> Result<HttpResponse, Refusal> {
    let from = Origin { address: visitor.address, agent: visitor.agent.into() };
    let who = ops.subscriber(username, password, &from)?;
    let (stream, container) = parse(file).ok_or(Refusal::NoSuchStream)?;
    let wish = Wish { stream, container, socket: socket::of(request) };
    if *request.method() == Method::HEAD {
        ops.may_watch(&who, &wish, &from)?;
        return Ok(head(container));
    }
    Ok(match ops.watch(&who, &wish, &from).await? {
        Watching::Ts(tap, hold) => transport_stream(Viewer { tap, hold }),
        Watching::Hls(channel, token) => hls::playlist(stream, &channel.segments(), &token),
    })
}

/// `7`, `7.ts` or `7.m3u8`; without an ending it is a transport stream.
fn parse(file: &str) -> Option<(StreamId, Container)> {
    let (id, container) = match file.split_once('.') {
        None => (file, Container::Ts),
        Some((id, "ts")) => (id, Container::Ts),
        Some((id, "m3u8")) => (id, Container::Hls),
        Some(_) => return None,
    };
    parse_id(id).ok().map(|id| (StreamId(id), container))
}

fn head(container: Container) -> HttpResponse {
    let kind = match container {
        Container::Ts => MPEG_TS,
        Container::Hls => hls::PLAYLIST,
    };
    HttpResponse::Ok().content_type(kind).insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")).finish()
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
    fn a_file_names_a_stream_and_a_form() {
        assert_eq!(parse("7"), Some((StreamId(7), Container::Ts)));
        assert_eq!(parse("7.ts"), Some((StreamId(7), Container::Ts)));
        assert_eq!(parse("7.m3u8"), Some((StreamId(7), Container::Hls)));
        for bad in ["", "0", "x", "7.mp4", "7.ts.ts", "-7", "7 ", "99999999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
