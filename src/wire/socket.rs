//! The socket of a request, kept at hand so that a player or browser that reads nothing can be cut.

use std::time::Duration;

use actix_web::HttpRequest;
use rustix::net::{Shutdown, shutdown};

use super::connection::{Known, Socket};

/// The socket on which a request came.
pub fn of(request: &HttpRequest) -> Option<Socket> {
    request.conn_data::<Known>().map(|known| known.socket.clone())
}

/// Whether a request came over TLS that ends here.
pub fn is_tls(request: &HttpRequest) -> bool {
    request.conn_data::<Known>().is_some_and(|known| known.is_tls)
}

/// The socket on which a request came, if what is written to it arrives as it is.
pub fn plain(request: &HttpRequest) -> Option<Socket> {
    of(request).filter(|_| !is_tls(request))
}

/// Its client may take nothing of the answer for so long; false without a connection.
pub fn be_patient(request: &HttpRequest, patience: Duration) -> bool {
    request.conn_data::<Known>().map(|known| known.turn.be_patient(patience)).is_some()
}

/// Cuts a connection, whatever its buffers hold.
pub fn cut(socket: &Socket) {
    // It may have been closed from the other side.
    let _ = shutdown(socket.as_ref().as_ref(), Shutdown::Both);
}
