//! Connections to sources: the name is resolved first, and what was resolved is connected to.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use url::{Host, Url};

use super::tls::{self, Tls};

/// Until a name is found, a connection is there, or TLS is agreed upon: each.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most addresses of a name that are tried.
const TRIED: usize = 4;

/// Plain or TLS.
pub trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// What a connection leads to; requests to the same may share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub is_tls: bool,
    /// Without the brackets of v6.
    pub host: String,
    pub port: u16,
}

impl Target {
    /// That of an http or https URL.
    ///
    /// # Errors
    /// A sentence, for another one.
    pub fn of(url: &Url) -> Result<Self, String> {
        let is_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            "file" => {
                return Err("it leads to a file of this machine, and only http and https are followed".into());
            }
            other => {
                return Err(format!(
                    "it leads to an address of {other}, and only http and https are followed"
                ));
            }
        };
        let host = match url.host() {
            Some(Host::Ipv6(address)) => address.to_string(),
            Some(host) => host.to_string(),
            None => return Err("it leads to an address without a host".into()),
        };
        let port = url.port_or_known_default().unwrap_or(80);
        Ok(Self { is_tls, host, port })
    }
}

/// Connects to the first of its addresses that may be reached and answers.
///
/// # Errors
/// A sentence about what went wrong.
pub async fn connect(
    target: &Target,
    tls: &Tls,
    may_reach: impl Fn(IpAddr) -> bool,
) -> Result<Box<dyn Socket>, String> {
    let plain = reach(target, may_reach).await?;
    if !target.is_tls {
        return Ok(Box::new(plain));
    }
    let host = &target.host;
    let name = ServerName::try_from(host.clone()).map_err(|_| format!("no such host: {host}"))?;
    let shaking = TlsConnector::from(tls.clone()?).connect(name, plain);
    match timeout(PATIENCE, shaking).await {
        Ok(Ok(socket)) => Ok(Box::new(socket)),
        Ok(Err(error)) => Err(tls::reason(host, &error)),
        Err(_) => {
            Err(format!("{host} did not complete the TLS handshake within {} seconds", PATIENCE.as_secs()))
        }
    }
}

async fn reach(target: &Target, may_reach: impl Fn(IpAddr) -> bool) -> Result<TcpStream, String> {
    let Target { host, port, .. } = target;
    let found = timeout(PATIENCE, lookup_host((host.as_str(), *port))).await;
    let found: Vec<SocketAddr> = match found {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) if error.to_string().contains("Temporary") => {
            return Err(format!("no such host: {host} (no name server answered)"));
        }
        Ok(Err(_)) => return Err(format!("no such host: {host}")),
        Err(_) => {
            return Err(format!("the address of {host} was not found within {} seconds", PATIENCE.as_secs()));
        }
    };
    let Some(first) = found.first() else { return Err(format!("no such host: {host}")) };
    let to = first.ip().to_string();
    let to = if *host == to { to } else { format!("{to} ({host})") };
    let mut why = format!("it leads to {to}, which this source may not reach");
    for address in found.iter().filter(|address| may_reach(address.ip())).take(TRIED) {
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => {
                let _ = socket.set_nodelay(true);
                return Ok(socket);
            }
            Ok(Err(error)) => why = format!("{}: {host}:{port}", reason(&error)),
            Err(_) => why = format!("{host}:{port} did not answer within {} seconds", PATIENCE.as_secs()),
        }
    }
    Err(why)
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "Connection refused".into(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "no route to the host".into(),
        ErrorKind::TimedOut => "no answer".into(),
        _ => error.to_string(),
    }
}
