//! HLS (RFC 8216): a live playlist for each session, and segments out of the ring.

use std::{
    fmt::Write as _,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodySize, MessageBody},
    http::{Method, header},
    web::{Bytes, Data, Path},
};

use super::{
    recording, refusal,
    sendfile::{self, Sent},
};
use crate::{
    domain::ids::StreamId,
    ops::{
        Ops,
        viewing::{Client, Refusal, Segment, SegmentName, Segments},
    },
    wire::{cors, socket, visitor::Visitor},
};

/// What players call a playlist.
pub const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// The playlist of a session. Its token stands in the segments' addresses, relative to the server.
pub fn playlist(stream: StreamId, segments: &Segments, token: &str) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(PLAYLIST)
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text(stream, segments, token))
}

fn text(stream: StreamId, segments: &Segments, token: &str) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n\
         #EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
        segments.target, segments.first, segments.discontinuities
    );
    for part in &segments.listed {
        if part.discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "#EXTINF:{:.3},\n/hls/{token}/{}_{}.ts\n",
            part.duration.as_secs_f64(),
            stream.0,
            part.number
        );
    }
    text
}

/// `/hls/TOKEN/STREAM_NUMBER.ts`: valid for the session of that token only, and only while it lives.
pub async fn segment(
    request: HttpRequest,
    path: Path<(String, String)>,
    visitor: Visitor,
    ops: Data<Ops>,
) -> HttpResponse {
    if *request.method() == Method::OPTIONS {
        return cors::preflight();
    }
    let (token, file) = path.into_inner();
    if let Some(name) = SegmentName::read(&file) {
        let from = Client { address: visitor.address, agent: visitor.agent.into() };
        let answer = async {
            let (parts, count) = ops.viewing.archive_segment(&token, name, &from).await?;
            recording::segment(&request, parts, count)
        };
        return answer.await.unwrap_or_else(|refused| refusal::response(&refused));
    }
    let Some((session, count)) = ops.viewing.hls_session(&token, visitor.address, &visitor.agent) else {
        return refusal::response(&Refusal::Ended);
    };
    let watched = session.title.stream();
    let number = file
        .strip_suffix(".ts")
        .and_then(|name| name.split_once('_'))
        .and_then(|(stream, number)| (stream.parse() == Ok(watched.0)).then_some(number.parse().ok()?));
    let Some(segment) = number.and_then(|number| session.channel.segment(number)) else {
        return refusal::response(&Refusal::NoSuchStream);
    };
    count.fetch_add(segment.length(), std::sync::atomic::Ordering::Relaxed);
    let mut response = HttpResponse::Ok();
    response
        .content_type("video/mp2t")
        .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .insert_header((header::CACHE_CONTROL, "private, max-age=60"));
    match from_file(&request, &segment) {
        Some(body) => response.no_chunking(segment.length()).body(body),
        None => response.body(SharedBytes::new(segment)),
    }
}

/// The segment out of a file in memory, where there is one, its bytes are asked for, and they are not encrypted.
fn from_file(request: &HttpRequest, segment: &Segment) -> Option<Sent<sendfile::Segment>> {
    if *request.method() != Method::GET {
        return None;
    }
    Some(Sent::segment(socket::plain(request)?, segment.file()?, segment.length()))
}

/// A body of the ring's own bytes.
struct SharedBytes {
    length: u64,
    chunks: vec::IntoIter<Bytes>,
}

impl SharedBytes {
    fn new(segment: Segment) -> Self {
        Self { length: segment.length(), chunks: segment.chunks().to_vec().into_iter() }
    }
}

impl MessageBody for SharedBytes {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(self.chunks.next().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ops::viewing::LiveSegment;

    #[test]
    fn a_playlist_names_its_segments_with_the_sessions_token() {
        let part = |number, discontinuity| LiveSegment {
            number,
            duration: Duration::from_millis(4004),
            discontinuity,
        };
        let segments =
            Segments { target: 5, first: 8, discontinuities: 2, listed: vec![part(8, false), part(9, true)] };
        assert_eq!(
            text(StreamId(7), &segments, "T"),
            "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:8\n\
             #EXT-X-DISCONTINUITY-SEQUENCE:2\n#EXTINF:4.004,\n/hls/T/7_8.ts\n#EXT-X-DISCONTINUITY\n\
             #EXTINF:4.004,\n/hls/T/7_9.ts\n"
        );
    }
}
