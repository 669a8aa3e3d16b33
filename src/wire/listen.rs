//! The HTTP server on connections of our own: counted, timed, one descriptor each.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, TcpListener},
    time::Instant,
};

use actix_http::{HttpService, Protocol, Request, body::MessageBody, error::DispatchError};
use actix_server::{Server, ServerBuilder};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    Error,
    dev::{AppConfig, Service, ServiceResponse},
};
use rustix::net::listen;
use tokio::net::TcpStream;

use super::{
    connection::{Connection, PATIENCE},
    gate::Gate,
};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1_024;

/// Where the library logs every client that breaks off as an error of the server.
pub const BROKEN_OFF: &str = "actix_http::h1::dispatcher";

/// A server of that many threads, each with an application of its own, bound but not yet running.
///
/// # Errors
/// What the system says.
pub fn server<F, I, S, B>(
    listener: TcpListener,
    gate: &Gate,
    workers: usize,
    application: F,
) -> io::Result<ServerBuilder>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::InitError: fmt::Debug,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    listen(&listener, BACKLOG)?;
    let builder = Server::build()
        .workers(workers)
        // The gate counts.
        .max_concurrent_connections(usize::MAX >> 1)
        .shutdown_timeout(5)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let gate = gate.clone();
    builder.listen("http", listener, move || {
        let (gate, stopping) = (gate.clone(), stopping.clone());
        let application = application().into_factory().map_err(|error: Error| error.error_response());
        let http = HttpService::build()
            .client_request_timeout(PATIENCE)
            .client_disconnect_timeout(std::time::Duration::from_secs(1))
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|connection: &Connection, known| {
                known.insert(connection.known());
            })
            .finish(map_config(application, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let gate = gate.clone();
            async move {
                let peer = stream.peer_addr().ok();
                let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
                match gate.enter(address, Instant::now()) {
                    Some(place) => Ok((Connection::new(stream, place), Protocol::Http1, peer)),
                    None => Err(DispatchError::Io(io::ErrorKind::ConnectionRefused.into())),
                }
            }
        })
        .and_then(http)
    })
}
