//! The HTTP server on connections of our own: counted, timed, one descriptor each.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, TcpListener},
    sync::Arc,
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
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use super::{
    connection::{Connection, PATIENCE},
    gate::Gate,
    stream::{Stream, Tcp},
};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1_024;

/// Where the library logs every client that breaks off as an error of the server.
pub const BROKEN_OFF: &str = "actix_http::h1::dispatcher";

/// Where connections come in.
pub struct Door {
    /// What the log calls it.
    pub name: &'static str,
    /// Bound already.
    pub listener: TcpListener,
    /// How they are encrypted, if they are.
    pub tls: Option<Arc<ServerConfig>>,
}

/// A server of that many threads, each with an application of its own, bound but not yet running. One gate is for all its doors.
///
/// # Errors
/// What the system says.
pub fn server<F, I, S, B>(
    doors: Vec<Door>,
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
    let mut builder = Server::build()
        .workers(workers)
        // The gate counts.
        .max_concurrent_connections(usize::MAX >> 1)
        .shutdown_timeout(5)
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    for Door { name, listener, tls } in doors {
        listen(&listener, BACKLOG)?;
        let (gate, stopping, application) = (gate.clone(), stopping.clone(), application.clone());
        let tls = tls.map(TlsAcceptor::from);
        builder = builder.listen(name, listener, move || {
            let (gate, stopping, tls) = (gate.clone(), stopping.clone(), tls.clone());
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
                let (gate, tls) = (gate.clone(), tls.clone());
                async move {
                    let peer = stream.peer_addr().ok();
                    let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
                    let Some(place) = gate.enter(address, Instant::now()) else {
                        return Err(DispatchError::Io(io::ErrorKind::ConnectionRefused.into()));
                    };
                    let stream = begun(stream, tls.as_ref()).await.map_err(DispatchError::Io)?;
                    Ok((Connection::new(stream, place), Protocol::Http1, peer))
                }
            })
            .and_then(http)
        })?;
    }
    Ok(builder)
}

/// A connection after its handshake, for which a client has as long as for a head; it has its place at the gate meanwhile.
async fn begun(stream: TcpStream, tls: Option<&TlsAcceptor>) -> io::Result<Stream> {
    let tcp = Tcp::new(stream);
    let Some(tls) = tls else { return Ok(Stream::Plain(tcp)) };
    let encrypted = timeout(PATIENCE, tls.accept(tcp)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    Ok(Stream::Tls(Box::new(encrypted)))
}
