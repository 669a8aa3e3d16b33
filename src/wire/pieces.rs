//! Answers that are sent as they are made.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{ConnectionType, Version},
    web::Bytes,
};
use futures_util::Stream;

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
