//! The socket of a request, kept at hand so that a player or browser that reads nothing can be cut.

use actix_web::HttpRequest;
use rustix::net::{Shutdown, shutdown};

use super::connection::{Known, Socket};

/// The socket on which a request came.
pub fn of(request: &HttpRequest) -> Option<Socket> {
    request.conn_data::<Known>().map(|known| known.socket.clone())
}

/// Cuts a connection, whatever its buffers hold.
pub fn cut(socket: &Socket) {
    // It may have been closed from the other side.
    let _ = shutdown(socket.as_ref().as_ref(), Shutdown::Both);
}
