//! HTTPS of a test server: an authority of our own, certificates in files, and clients that trust it.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use super::{TestServer, panel::PASSWORD, tape};

/// An authority that signs what tests need.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate.
    pub pem: String,
}

/// A certificate and its key, as PEM.
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut about = CertificateParams::new(Vec::new()).expect("parameters");
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        about.distinguished_name.push(rcgen::DnType::CommonName, "Test Authority");
        let pem = about.self_signed(&key).expect("signed").pem();
        Self { issuer: Issuer::new(about, key), pem }
    }

    /// One for these names, valid for another 90 days.
    pub fn sign(&self, names: &[&str]) -> Pair {
        self.sign_until(names, 90)
    }

    /// One for these names, valid for so many days from now; less than none if it has ended.
    pub fn sign_until(&self, names: &[&str], days: i64) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut about = CertificateParams::new(names).expect("parameters");
        let day = |from_now: i64| {
            let moment = jiff::Timestamp::from_second(tape::now().cast_signed() + 86_400 * from_now)
                .expect("a moment");
            let date = moment.to_zoned(jiff::tz::TimeZone::UTC).date();
            let number = |number: i8| u8::try_from(number).expect("of a date");
            rcgen::date_time_ymd(i32::from(date.year()), number(date.month()), number(date.day()))
        };
        (about.not_before, about.not_after) = (day(days.min(0) - 30), day(days));
        let signed = about.signed_by(&key, &self.issuer).expect("signed");
        Pair { certificate: signed.pem(), key: key.serialize_pem() }
    }

    /// A client that trusts it.
    pub fn connect(&self, server: &TestServer) -> Encrypted {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("PEM")).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        let socket = TcpStream::connect(("127.0.0.1", port(server))).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
        StreamOwned::new(client, socket)
    }
}

/// A connection over TLS.
pub type Encrypted = StreamOwned<ClientConnection, TcpStream>;

/// Sends a request of a path with further headers, each of which ends its line; the head of the answer, in lower case.
pub fn send(connection: &mut Encrypted, path: &str, headers: &str) -> String {
    let port = connection.sock.peer_addr().expect("a peer").port();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n{headers}\r\n").expect("sent");
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte).expect("a head");
        read.push(byte[0]);
    }
    String::from_utf8_lossy(&read).to_lowercase()
}

/// Asks over a connection that stays open; status and body.
pub fn ask(connection: &mut Encrypted, path: &str) -> (u16, Vec<u8>) {
    ask_with(connection, path, "")
}

/// The same with further headers.
pub fn ask_with(connection: &mut Encrypted, path: &str, headers: &str) -> (u16, Vec<u8>) {
    let head = send(connection, path, headers);
    let length =
        head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    connection.read_exact(&mut body).expect("a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, body)
}

impl Pair {
    /// Puts it where a server will look, as others would: a whole file in the place of the one before.
    pub fn put(&self, folder: &Path) {
        put(&folder.join("tls.crt"), &self.certificate);
        put(&folder.join("tls.key"), &self.key);
    }
}

/// Puts a whole file in the place of the one before, readable for its owner alone.
pub fn put(file: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let part = file.with_extension("part");
    let options = std::fs::File::options().create(true).write(true).truncate(true).mode(0o600).open(&part);
    options.expect("a file").write_all(text.as_bytes()).expect("written");
    std::fs::rename(part, file).expect("in its place");
}

/// The arguments of a server that is served by what [`Pair::put`] has put into its folder.
pub fn arguments(folder: &Path) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    ["--tls-listen", "127.0.0.1:0", "--tls-cert", &file("tls.crt"), "--tls-key", &file("tls.key")]
        .map(str::to_owned)
        .into()
}

/// A server with HTTPS for `localhost` and `127.0.0.1`.
pub fn serve(authority: &Authority, folder: tempfile::TempDir) -> TestServer {
    authority.sign(&["localhost", "127.0.0.1"]).put(folder.path());
    start(folder)
}

/// A server with HTTPS, whatever is in its folder; its `admin` signs in with [`PASSWORD`].
pub fn start(folder: tempfile::TempDir) -> TestServer {
    start_with(folder, &[])
}

/// The same with further arguments of `serve`.
pub fn start_with(folder: tempfile::TempDir, more: &[&str]) -> TestServer {
    let arguments = arguments(folder.path());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
    TestServer::with(folder, &arguments, &[("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))])
}

/// The port of a server's HTTPS.
pub fn port(server: &TestServer) -> u16 {
    let told = server.greeting.lines().find_map(|line| line.strip_prefix("HTTPS is on https://"));
    told.and_then(|address| address.rsplit_once(':')?.1.parse().ok()).expect("HTTPS is on")
}

/// What curl says of an address of a server's HTTPS: exit code, and the body or else the error.
pub fn curl(server: &TestServer, authority: &Path, path: &str, arguments: &[&str]) -> (i32, String) {
    let url = format!("https://localhost:{}{path}", port(server));
    let output = Command::new("curl")
        .args(["-sS", "-g", "--max-time", "30", "--cacert"])
        .arg(authority)
        .args(arguments)
        .arg(url)
        .output()
        .expect("curl");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    (code, if code == 0 { text(&output.stdout) } else { text(&output.stderr) })
}

/// The authority's certificate as a file in the folder of a server.
pub fn roots(server: &TestServer, authority: &Authority) -> PathBuf {
    let file = server.data().join("roots.pem");
    put(&file, &authority.pem);
    file
}

/// Tells a server that its certificates were replaced.
pub fn hang_up(server: &TestServer) {
    let told = Command::new("kill").args(["-HUP", &server.pid().to_string()]).status();
    assert!(told.expect("kill").success());
}
