//! Answers that are sent as they are made.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{ConnectionType, Version},
    web::Bytes,
};
use futures_util::{Stream, stream};
use tokio::task::yield_now;

use super::fetching::Fetch;

/// Pieces of a long answer are gathered to this many bytes.
pub const PIECE: usize = 64 << 10;

/// An answer in pieces, for a request of that version. Clients of HTTP/1.0 know no chunks: for them it ends with its
/// connection.
pub fn answer(
    mut response: HttpResponseBuilder,
    version: Version,
    pieces: impl Stream<Item = Result<Bytes, std::io::Error>> + 'static,
) -> HttpResponse {
    let mut response = response.streaming(pieces);
    if version < Version::HTTP_11 {
        response.head_mut().no_chunking(true);
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// A text that is written as it is sent, so that none of it is in memory that is not on its way.
pub struct Text<F> {
    /// Adds to a piece; whether anything is left.
    more: F,
    /// The first piece.
    begin: Vec<u8>,
    is_whole: bool,
}

impl<F: FnMut(&mut Vec<u8>) -> bool + 'static> Text<F> {
    /// The text that comes of calling `more` until it says that nothing is left.
    pub fn of(mut more: F) -> Self {
        let mut begin = Vec::new();
        let is_whole = !fill(&mut more, &mut begin);
        Self { more, begin, is_whole }
    }

    /// Whether it is made already, because it is no longer than a piece.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The answer. Between two pieces of a long one it is the turn of others. `fetch` lasts until all is sent.
    pub fn answer(
        self,
        mut response: HttpResponseBuilder,
        version: Version,
        is_head: bool,
        fetch: Option<Fetch>,
    ) -> HttpResponse {
        if self.is_whole {
            return response.body(self.begin);
        }
        if is_head {
            return answer(response, version, stream::empty());
        }
        let rest = stream::unfold((Some(self.more), fetch), |(more, fetch)| async move {
            yield_now().await;
            let mut more = more?;
            let mut piece = Vec::with_capacity(PIECE + PIECE / 4);
            let is_left = fill(&mut more, &mut piece);
            Some((Ok(Bytes::from(piece)), (is_left.then_some(more), fetch)))
        });
        let begin = stream::iter([Ok(Bytes::from(self.begin))]);
        answer(response, version, stream::StreamExt::chain(begin, rest))
    }
}

/// Makes a piece; whether anything is left.
fn fill(more: &mut impl FnMut(&mut Vec<u8>) -> bool, piece: &mut Vec<u8>) -> bool {
    while piece.len() < PIECE {
        if !more(piece) {
            return false;
        }
    }
    true
}
