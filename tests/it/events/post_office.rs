//! A mail server that does as it is told: takes, refuses, asks to come again, hangs; with STARTTLS, with TLS, in the clear.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use parking_lot::Mutex;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What it does with a letter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manner {
    /// Takes it.
    Takes,
    /// Asks to come again, at its receiver.
    Later,
    /// Knows no such receiver.
    Nobody,
    /// Refuses whoever signs in.
    NoLogin,
    /// Never answers.
    Hangs,
    /// Takes it, and goes away without a word.
    Vanishes,
}

/// How it is spoken to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speech {
    StartTls,
    Tls,
    Clear,
}

/// A letter as it came.
#[derive(Clone, Debug)]
pub struct Letter {
    pub to: String,
    /// User and password, if somebody signed in.
    pub login: Option<String>,
    pub is_encrypted: bool,
    /// Headers and text.
    pub data: String,
}

impl Letter {
    /// A header's value.
    pub fn header(&self, name: &str) -> &str {
        let head = self.data.split("\r\n\r\n").next().unwrap();
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(other, _)| *other == name).map_or("", |(_, value)| value)
    }

    /// Its text, as it was written.
    pub fn text(&self) -> String {
        let text = self.data.split_once("\r\n\r\n").unwrap().1;
        text.replace("=\r\n", "").replace("=C3=9F", "ß")
    }
}

/// The mail server.
pub struct PostOffice {
    port: u16,
    speech: Speech,
    letters: Arc<Mutex<Vec<Letter>>>,
    manner: Arc<Mutex<Manner>>,
}

/// A certificate for localhost, and a file with the authority that signed it.
pub fn certificate(folder: &Path) -> (Arc<ServerConfig>, PathBuf) {
    use tokio_rustls::rustls::pki_types::PrivateKeyDer;
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut about = rcgen::CertificateParams::new(Vec::new()).unwrap();
    about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = about.self_signed(&authority).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(about, authority);
    let signed = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &issuer)
        .unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    let file = folder.join("roots.pem");
    std::fs::write(&file, root.pem()).unwrap();
    (Arc::new(config), file)
}

impl PostOffice {
    /// Begins to listen.
    pub fn start(speech: Speech, tls: &Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (letters, manner) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Manner::Takes)));
        let (to, how, tls) = (letters.clone(), manner.clone(), tls.clone());
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let talk = Talk { to: to.clone(), how: how.clone(), tls: tls.clone() };
                std::thread::spawn(move || talk.begin(socket, speech));
            }
        });
        Self { port, speech, letters, manner }
    }

    /// The setting smtp_url, with a login unless it is spoken to in the clear; as a form sends it.
    pub fn url(&self) -> String {
        match self.speech {
            Speech::StartTls => format!("smtp://tv:s3cret%2540word@localhost:{}", self.port),
            Speech::Tls => format!("smtps://tv:s3cret%2540word@localhost:{}", self.port),
            Speech::Clear => format!("smtp://127.0.0.1:{}?tls=none", self.port),
        }
    }

    /// Does otherwise from now on.
    pub fn set(&self, manner: Manner) {
        *self.manner.lock() = manner;
    }

    /// All that came.
    pub fn letters(&self) -> Vec<Letter> {
        self.letters.lock().clone()
    }

    /// Waits until so many came.
    pub fn wait(&self, count: usize) -> Vec<Letter> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let letters = self.letters();
            if letters.len() >= count {
                return letters;
            }
            assert!(Instant::now() < until, "{count} letters: {letters:#?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

struct Talk {
    to: Arc<Mutex<Vec<Letter>>>,
    how: Arc<Mutex<Manner>>,
    tls: Arc<ServerConfig>,
}

impl Talk {
    fn begin(&self, mut socket: TcpStream, speech: Speech) -> Option<()> {
        if *self.how.lock() == Manner::Hangs {
            std::thread::sleep(Duration::from_secs(120));
            return None;
        }
        if speech == Speech::Tls {
            let connection = ServerConnection::new(self.tls.clone()).ok()?;
            let mut stream = StreamOwned::new(connection, socket);
            say(&mut stream, "220 post.example")?;
            return self.talk(stream, true);
        }
        say(&mut socket, "220 post.example")?;
        if speech == Speech::Clear {
            return self.talk(socket, false);
        }
        // Until STARTTLS it says nothing but hello.
        let mut byte = [0];
        let mut line = String::new();
        loop {
            socket.read_exact(&mut byte).ok()?;
            line.push(char::from(byte[0]));
            if !line.ends_with('\n') {
                continue;
            }
            if line.starts_with("EHLO") {
                say(&mut socket, "250-post.example\r\n250 STARTTLS")?;
            } else if line.starts_with("STARTTLS") {
                say(&mut socket, "220 go ahead")?;
                let connection = ServerConnection::new(self.tls.clone()).ok()?;
                return self.talk(StreamOwned::new(connection, socket), true);
            } else {
                say(&mut socket, "530 STARTTLS first")?;
            }
            line.clear();
        }
    }

    fn talk(&self, stream: impl Read + Write, is_encrypted: bool) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let (mut login, mut to) = (None, String::new());
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let line = line.trim_end();
            let manner = *self.how.lock();
            let answer = match line.split(' ').next().unwrap_or_default() {
                "EHLO" => "250-post.example\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
                "AUTH" if manner == Manner::NoLogin => "535 wrong password",
                "AUTH" => {
                    let sent = BASE64_STANDARD.decode(line.rsplit(' ').next()?).ok()?;
                    login = Some(String::from_utf8(sent).ok()?.trim_start_matches('\0').replace('\0', ":"));
                    "235 welcome"
                }
                "RCPT" if manner == Manner::Later => "451 come again",
                "RCPT" if manner == Manner::Nobody => "550 nobody of that name",
                "RCPT" => {
                    to = line.trim_start_matches("RCPT TO:<").trim_end_matches('>').into();
                    "250 ok"
                }
                "DATA" => {
                    say(reader.get_mut(), "354 go on")?;
                    let mut data = String::new();
                    while !data.ends_with("\r\n.\r\n") {
                        reader.read_line(&mut data).ok().filter(|read| *read > 0)?;
                    }
                    data.truncate(data.len() - 3);
                    self.to.lock().push(Letter { to: to.clone(), login: login.clone(), is_encrypted, data });
                    if manner == Manner::Vanishes {
                        return None;
                    }
                    "250 taken"
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            say(reader.get_mut(), answer)?;
        }
    }
}

fn say(to: &mut impl Write, answer: &str) -> Option<()> {
    to.write_all(format!("{answer}\r\n").as_bytes()).ok()?;
    to.flush().ok()
}
