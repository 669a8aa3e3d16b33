//! A receiver of webhooks that does as it is told: takes, refuses, hangs, talks without end.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use parking_lot::Mutex;
use ring::hmac;
use serde_json::Value;

/// What it does with a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manner {
    /// Answers that status at once.
    Status(u16),
    /// Takes it after so many milliseconds.
    Slow(u64),
    /// Refuses with 503 and asks for so many seconds of peace.
    Later(u32),
    /// Never answers.
    Hang,
    /// Answers 200, and a body of 2 GB.
    Endless,
    /// Refuses the events of that key alone.
    Picky(&'static str),
}

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Got {
    /// Its headers, by names in lower case.
    pub headers: HashMap<String, String>,
    /// Its body.
    pub body: String,
    /// Whether it was taken.
    pub taken: bool,
}

impl Got {
    /// The event.
    pub fn event(&self) -> Value {
        serde_json::from_str::<Value>(&self.body).expect("JSON")["data"].clone()
    }

    /// The key of the event, and its number.
    pub fn key(&self) -> (String, i64) {
        let event = self.event();
        (event["key"].as_str().expect("a key").to_owned(), event["id"].as_i64().expect("a number"))
    }

    /// Whether one of its signatures was made with that secret.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key =
            BASE64_STANDARD.decode(secret.strip_prefix("whsec_").expect("its beginning")).expect("base64");
        let signed =
            format!("{}.{}.{}", self.headers["webhook-id"], self.headers["webhook-timestamp"], self.body);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        let own = format!("v1,{}", BASE64_STANDARD.encode(tag));
        self.headers["webhook-signature"].split(' ').any(|signature| signature == own)
    }
}

/// The receiver.
pub struct Receiver {
    /// Where it listens.
    pub url: String,
    got: Arc<Mutex<Vec<Got>>>,
    manner: Arc<Mutex<Manner>>,
    begun: Arc<AtomicUsize>,
}

impl Receiver {
    /// Begins to listen.
    pub fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/hook?key=s3cret", listener.local_addr().expect("an address"));
        let (got, manner) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(manner)));
        let begun = Arc::new(AtomicUsize::new(0));
        let (to, how, count) = (got.clone(), manner.clone(), begun.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (to, how, count) = (to.clone(), how.clone(), count.clone());
                std::thread::spawn(move || while one(&stream, &to, &how, &count).is_some() {});
            }
        });
        Self { url, got, manner, begun }
    }

    /// Does otherwise from now on.
    pub fn set(&self, manner: Manner) {
        *self.manner.lock() = manner;
    }

    /// How many messages have come, answered or not.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// All that came.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().clone()
    }

    /// Forgets what came.
    pub fn clear(&self) {
        self.got.lock().clear();
    }

    /// Waits until that is so of what came.
    pub fn wait(&self, what: &str, is_so: impl Fn(&[Got]) -> bool) -> Vec<Got> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let got = self.got();
            if is_so(&got) {
                return got;
            }
            assert!(Instant::now() < until, "{what}: {got:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// One request on a connection; none if that is over.
fn one(stream: &TcpStream, to: &Mutex<Vec<Got>>, how: &Mutex<Manner>, begun: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let mut got = Got { headers, body: String::from_utf8(body).ok()?, taken: false };
    begun.fetch_add(1, Ordering::Relaxed);
    let manner = *how.lock();
    let answer = match manner {
        Manner::Status(status) => format!("HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:1/\r\n"),
        Manner::Slow(millis) => {
            std::thread::sleep(Duration::from_millis(millis));
            "HTTP/1.1 204 X\r\n".into()
        }
        Manner::Later(seconds) => format!("HTTP/1.1 503 X\r\nRetry-After: {seconds}\r\n"),
        Manner::Picky(key) => format!("HTTP/1.1 {} X\r\n", if got.key().0 == key { 500 } else { 200 }),
        Manner::Hang => {
            to.lock().push(got);
            std::thread::sleep(Duration::from_secs(120));
            return None;
        }
        Manner::Endless => "HTTP/1.1 200 X\r\n".into(),
    };
    got.taken = answer.starts_with("HTTP/1.1 2");
    to.lock().push(got);
    let mut stream = stream;
    if manner == Manner::Endless {
        stream.write_all(format!("{answer}Content-Length: 2000000000\r\n\r\n").as_bytes()).ok()?;
        let much = vec![b'x'; 1 << 20];
        for _ in 0..2_000 {
            stream.write_all(&much).ok()?;
        }
        return None;
    }
    let length = if answer.starts_with("HTTP/1.1 204") { "" } else { "Content-Length: 0\r\n" };
    stream.write_all(format!("{answer}{length}\r\n").as_bytes()).ok()
}
