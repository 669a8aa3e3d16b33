//! An S3-compatible store that does as it is told: keeps objects whole and in parts, is away for a while, refuses.

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD};
use md5::{Digest, Md5};
use parking_lot::Mutex;

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Manner {
    /// Refuses so many requests with 503, and keeps what comes then.
    Busy(usize),
    /// Refuses all with 403 and that code, and says a secret beside it.
    Refuses(&'static str),
    /// Keeps, and lets nobody look.
    WriteOnly,
    /// Says that it keeps all and has lost the end.
    Loses,
}

/// The store.
pub struct Bucket {
    pub address: SocketAddr,
    pub objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// Request lines as they came.
    pub requests: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Shelf {
    objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    requests: Arc<Mutex<Vec<String>>>,
    parts: Arc<Mutex<BTreeMap<usize, Vec<u8>>>>,
    manner: Manner,
    count: Arc<AtomicUsize>,
}

impl Bucket {
    /// Begins to listen, at that port or at any.
    pub fn start(port: u16, manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let shelf = Shelf {
            objects: Arc::default(),
            requests: Arc::default(),
            parts: Arc::default(),
            manner,
            count: Arc::default(),
        };
        let (objects, requests) = (shelf.objects.clone(), shelf.requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shelf = shelf.clone();
                std::thread::spawn(move || shelf.serve(stream));
            }
        });
        Self { address, objects, requests }
    }
}

/// A request as it came.
struct Asked {
    method: String,
    path: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

fn read(stream: &mut TcpStream) -> Option<(String, Asked)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((line, Asked { method, path: path.to_owned(), query, headers, body }))
}

impl Shelf {
    fn serve(&self, mut stream: TcpStream) {
        let Some((line, asked)) = read(&mut stream) else { return };
        self.requests.lock().push(line);
        let (status, headers, body) = self.answer(&asked);
        let length = if asked.method == "HEAD" {
            String::new()
        } else {
            format!("content-length: {}\r\n", body.len())
        };
        let head = format!("HTTP/1.1 {status} X\r\n{headers}{length}connection: close\r\n\r\n");
        let _ = stream.write_all(head.as_bytes());
        if asked.method != "HEAD" {
            let _ = stream.write_all(body.as_bytes());
        }
    }

    fn answer(&self, asked: &Asked) -> (u16, String, String) {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let refuse = |status, code: &str| {
            let body = format!("<Error><Code>{code}</Code><Message>AKIAKEY s3cret/word</Message></Error>");
            (status, String::new(), body)
        };
        let is_signed = asked.query.contains_key("X-Amz-Signature")
            && asked.query.get("X-Amz-Credential").is_some_and(|who| who.starts_with("AKIAKEY%2F"));
        if !is_signed {
            return refuse(403, "AccessDenied");
        }
        match self.manner {
            Manner::Busy(times) if count < times => return refuse(503, "SlowDown"),
            Manner::Refuses(code) => return refuse(403, code),
            Manner::WriteOnly if asked.method == "HEAD" => return refuse(403, "AccessDenied"),
            _ => {}
        }
        let has = |name| asked.query.contains_key(name);
        match (asked.method.as_str(), has("uploads"), asked.query.get("partNumber")) {
            ("POST", true, _) => {
                let body = "<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                            <UploadId>upload1</UploadId></InitiateMultipartUploadResult>";
                (200, String::new(), body.to_owned())
            }
            ("PUT", _, number) => {
                let digest = Md5::digest(&asked.body);
                if asked.headers.get("content-md5") != Some(&BASE64_STANDARD.encode(digest)) {
                    return refuse(400, "BadDigest");
                }
                match number {
                    Some(number) => {
                        self.parts.lock().insert(number.parse().expect("a number"), asked.body.clone());
                    }
                    None => {
                        self.objects.lock().insert(asked.path.clone(), asked.body.clone());
                    }
                }
                let tag = digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
                (200, format!("etag: \"{tag}\"\r\n"), String::new())
            }
            ("POST", ..) => {
                let whole: Vec<u8> = self.parts.lock().values().flatten().copied().collect();
                let parts = String::from_utf8_lossy(&asked.body).matches("<PartNumber>").count();
                assert_eq!(parts, self.parts.lock().len());
                self.objects.lock().insert(asked.path.clone(), whole);
                (200, String::new(), "<CompleteMultipartUploadResult/>".into())
            }
            ("HEAD", ..) => match self.objects.lock().get(&asked.path) {
                Some(object) => {
                    let length = object.len() - usize::from(self.manner == Manner::Loses);
                    (200, format!("content-length: {length}\r\n"), String::new())
                }
                None => (404, String::new(), String::new()),
            },
            _ => (204, String::new(), String::new()),
        }
    }
}
