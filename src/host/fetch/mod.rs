//! Fetches what people have typed the address of, into a file: by one rule, within bounds of size and time.
//!
//! A name is resolved first, and what is connected to is what was resolved, on every redirect anew.

mod places;

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio_rustls::rustls::crypto::ring;
use ureq::{
    Agent, Error,
    config::Config,
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
    unversioned::transport::DefaultConnector,
};

use places::Places;

/// How much one fetch may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the answer, as they come.
    pub bytes: u64,
    /// Redirects.
    pub redirects: u32,
    /// Until a connection is there.
    pub connect: Duration,
    /// Until the answer begins, and in which nothing comes.
    pub silence: Duration,
    /// The whole of it.
    pub whole: Duration,
}

/// For files that may be large: 1 GiB within half an hour.
pub const LARGE: Limits = Limits {
    bytes: 1 << 30,
    redirects: 5,
    connect: Duration::from_secs(15),
    silence: Duration::from_mins(1),
    whole: Duration::from_mins(30),
};

/// What an answer said of itself: sent along when the same is fetched again. Empty is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    pub etag: String,
    pub last_modified: String,
}

/// What came of a fetch.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The same as before: no file was written.
    Unchanged,
    /// The file is there, whole.
    New(Validators),
}

/// A validator that is longer is not kept, in bytes.
const VALIDATOR: usize = 1_024;

/// Fetches an http or https URL into that file, which is replaced only by a whole one. `local` is whether loopback and
/// private networks may be reached. Blocks; ends soon once `stop` is set.
///
/// # Errors
/// What went wrong as a sentence, without what is secret in the address.
pub fn to_file(
    address: &str,
    known: &Validators,
    local: bool,
    to: &Path,
    limits: &Limits,
    stop: &AtomicBool,
) -> Result<Answer, String> {
    let mut url = url::Url::parse(address).map_err(|_| "The address is no URL.".to_owned())?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let login = login(&url);
    // They are sent as a header; in the address they would be logged.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);

    let mut request = agent(Some(&host), local, limits)?.get(url.as_str());
    if let Some(login) = login {
        request = request.header("Authorization", login);
    }
    for (name, value) in [("If-None-Match", &known.etag), ("If-Modified-Since", &known.last_modified)] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    let said = |error: Error| format!("{host}: {}.", words(&error));
    let mut answer = request.call().map_err(said)?;
    match answer.status().as_u16() {
        304 if *known != Validators::default() => return Ok(Answer::Unchanged),
        304 => {
            return Err(format!(
                "{host} answered that nothing has changed (304), although it was asked for all of it."
            ));
        }
        200 => {}
        status => return Err(format!("{host} answered with status {status}.")),
    }
    let header = |name: &str| {
        let value = answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if value.len() <= VALIDATOR { value.to_owned() } else { String::new() }
    };
    let validators = Validators { etag: header("etag"), last_modified: header("last-modified") };
    if answer.body().content_length().is_some_and(|length| length > limits.bytes) {
        return Err(too_large(limits));
    }
    let body = answer.body_mut().with_config().limit(u64::MAX).reader();
    let part = to.with_extension("part");
    let written = write(body, &part, limits, stop);
    let done = written.and_then(|()| fs::rename(&part, to).map_err(|e| cannot_write(&e)));
    if let Err(why) = done {
        let _ = fs::remove_file(&part);
        return Err(why.replace("HOST", &host));
    }
    Ok(Answer::New(validators))
}

/// Bytes a second below which a body is given up, once it has come for as long as it may be silent.
const SLOWEST: u64 = 1_024;

/// Writes a body into a new file.
fn write(mut body: impl Read, part: &Path, limits: &Limits, stop: &AtomicBool) -> Result<(), String> {
    let mut file = create(part).map_err(|e| cannot_write(&e))?;
    let mut buffer = vec![0; 64 << 10];
    let mut total = 0;
    let begun = Instant::now();
    loop {
        let came = begun.elapsed();
        if came > limits.silence && total < came.as_secs() * SLOWEST {
            return Err("HOST sends too slowly.".into());
        }
        if stop.load(Ordering::Relaxed) {
            return Err("It was broken off.".into());
        }
        let read = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(format!("HOST: {}.", words(&Error::from(error)))),
        };
        total += read as u64;
        if total > limits.bytes {
            return Err(too_large(limits));
        }
        file.write_all(&buffer[..read]).map_err(|e| cannot_write(&e))?;
    }
    file.flush().map_err(|e| cannot_write(&e))
}

fn create(part: &Path) -> io::Result<File> {
    if let Some(folder) = part.parent() {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    File::options().write(true).create(true).truncate(true).mode(0o600).open(part)
}

fn cannot_write(error: &io::Error) -> String {
    format!("What was fetched cannot be written: {error}.")
}

fn too_large(limits: &Limits) -> String {
    format!("The file is larger than {} MiB.", limits.bytes >> 20)
}

/// User and password of an address as a header.
pub(super) fn login(url: &url::Url) -> Option<String> {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
    let named = !user.is_empty() || !password.is_empty();
    named.then(|| format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
}

/// A client: for one fetch from `host`, or for all that is sent.
pub(super) fn agent(host: Option<&str>, local: bool, limits: &Limits) -> Result<Agent, String> {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .root_certs(RootCerts::Specific(authorities()?))
        .build();
    let config = Config::builder()
        .http_status_as_error(false)
        .max_redirects(limits.redirects)
        // What the environment names would be asked instead of the address.
        .proxy(None)
        .user_agent(concat!("Linecard/", env!("CARGO_PKG_VERSION")))
        .accept("*/*")
        .accept_encoding("identity")
        .max_response_header_size(64 << 10)
        .max_idle_connections(64)
        .max_idle_connections_per_host(16)
        .timeout_global(Some(limits.whole))
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_recv_response(Some(limits.silence))
        .timeout_per_read(Some(limits.silence))
        .tls_config(tls)
        .build();
    Ok(Agent::with_parts(
        config,
        DefaultConnector::default(),
        Places { local, host: host.map(str::to_owned) },
    ))
}

/// The authorities that this machine trusts, read once.
fn authorities() -> Result<Arc<Vec<Certificate<'static>>>, String> {
    static READ: LazyLock<Arc<Vec<Certificate<'static>>>> = LazyLock::new(|| {
        let found = rustls_native_certs::load_native_certs().certs;
        Arc::new(found.iter().map(|cert| Certificate::from_der(cert).to_owned()).collect())
    });
    if READ.is_empty() {
        return Err("This machine has no certificate authorities: install ca-certificates.".into());
    }
    Ok(READ.clone())
}

/// What went wrong, for people. Addresses of redirects may hold secrets, and are not shown.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "it did not answer in time".into(),
        Error::HostNotFound => "its name cannot be resolved".into(),
        Error::TooManyRedirects => "too many redirects".into(),
        Error::BadUri(_) | Error::RedirectFailed => {
            "it leads to an address that is none of http or https".into()
        }
        Error::ConnectionFailed => "the connection failed".into(),
        Error::Other(refused) => refused.to_string(),
        Error::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => "the connection was refused".into(),
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "it did not answer in time".into(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => "the answer broke off".into(),
            _ => match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
                Some(inner) => words(inner),
                None => error.to_string(),
            },
        },
        Error::Rustls(error) => format!("TLS failed: {error}"),
        Error::Tls(what) => format!("TLS failed: {what}"),
        Error::LargeResponseHeader(..) => "its header is too large".into(),
        Error::Protocol(_) | Error::Http(_) => "it does not speak HTTP".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
