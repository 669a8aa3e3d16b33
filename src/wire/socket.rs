//! The socket of a request, kept at hand so that a player or browser that reads nothing can be cut.

use std::{any::Any, net::TcpStream, os::fd::AsFd, sync::Arc};

use actix_web::{HttpRequest, dev::Extensions, rt};

/// A second handle to the socket of a connection.
struct Socket(Arc<TcpStream>);

/// Remembers the socket of a new connection, for `HttpServer::on_connect`.
pub fn remember(connection: &dyn Any, extensions: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<rt::net::TcpStream>() else { return };
    // Without a handle a stalled player is cut when its buffers time out: no reason to refuse it.
    if let Ok(handle) = stream.as_fd().try_clone_to_owned() {
        extensions.insert(Socket(Arc::new(handle.into())));
    }
}

/// The socket on which a request came.
pub fn of(request: &HttpRequest) -> Option<Arc<TcpStream>> {
    request.conn_data::<Socket>().map(|socket| socket.0.clone())
}
