//! A provider of streams, with or without TLS, that answers as a test says.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{Arc, LazyLock, Mutex},
    time::Instant,
};

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as it came.
pub struct Asked {
    /// Path and query.
    pub path: String,
    /// All of it, names of headers in any case.
    pub head: String,
}

impl Asked {
    /// The value of a header, if it was sent.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Status, further header lines, body; after `Connection: close` its length is not told.
pub type Answer = (&'static str, String, Vec<u8>);

/// An answer with that body.
pub fn ok(body: impl Into<Vec<u8>>) -> Answer {
    ("200 OK", String::new(), body.into())
}

/// An answer that leads elsewhere.
pub fn to(address: &str) -> Answer {
    ("302 Found", format!("Location: {address}\r\n"), Vec::new())
}

/// An answer without anything.
pub fn status(line: &'static str) -> Answer {
    (line, String::new(), Vec::new())
}

/// A provider that runs until the test ends.
pub struct Origin {
    pub port: u16,
    /// `http://127.0.0.1:PORT` or `https://localhost:PORT`.
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    /// Starts one.
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::listen(None, answer)
    }

    /// Starts one that speaks TLS.
    pub fn with_tls(
        config: Arc<ServerConfig>,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::listen(Some(config), answer)
    }

    /// The heads of all requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("a list").clone()
    }

    fn listen(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = if tls.is_some() {
            format!("https://localhost:{port}")
        } else {
            format!("http://127.0.0.1:{port}")
        };
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (answer, noted) = (Arc::new(answer), asked.clone());
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (answer, noted, tls) = (answer.clone(), noted.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => serve(socket, &*answer, &noted),
                    Some(config) => {
                        let Ok(connection) = ServerConnection::new(config) else { return };
                        serve(StreamOwned::new(connection, socket), &*answer, &noted);
                    }
                });
            }
        });
        Self { port, url, asked }
    }
}

fn serve(mut socket: impl Read + Write, answer: &dyn Fn(&Asked) -> Answer, noted: &Mutex<Vec<String>>) {
    let (mut head, mut part) = (Vec::new(), [0; 4096]);
    loop {
        while !head.windows(4).any(|four| four == b"\r\n\r\n") {
            match socket.read(&mut part) {
                Ok(length) if length > 0 => head.extend_from_slice(&part[..length]),
                _ => return,
            }
        }
        let text = String::from_utf8_lossy(&std::mem::take(&mut head)).into_owned();
        let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
        noted.lock().expect("a list").push(text.clone());
        let (status, lines, body) = answer(&Asked { path, head: text });
        let is_last = lines.contains("Connection: close");
        let length = if is_last { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("HTTP/1.1 {status}\r\n{lines}{length}\r\n");
        if socket.write_all(&[head.as_bytes(), &body].concat()).is_err() || socket.flush().is_err() || is_last
        {
            return;
        }
    }
}

/// Ten segments of two seconds: transport streams, the same as fragmented MP4 after its beginning, encrypted, and the sound alone.
pub struct Segments {
    pub ts: Vec<Vec<u8>>,
    pub encrypted: Vec<Vec<u8>>,
    pub key: Vec<u8>,
    pub init: Vec<u8>,
    pub mp4: Vec<Vec<u8>>,
    pub sound: Vec<Vec<u8>>,
    pub picture: Vec<Vec<u8>>,
}

/// Made once a run.
pub static SEGMENTS: LazyLock<Segments> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    super::tv::put_picture(at);
    std::fs::write(at.join("key"), b"0123456789abcdef").expect("a key");
    std::fs::write(at.join("info"), format!("http://h/key\n{}\n", at.join("key").display()))
        .expect("its file");
    let cut = |options: &str, name: &str| {
        let list = at.join(format!("{name}.m3u8"));
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(at.join("media/test.ts"))
            .args(options.split_whitespace())
            .args("-c copy -f hls -hls_time 2 -hls_list_size 0 -hls_segment_filename".split_whitespace())
            .arg(at.join(format!("{name}%d")))
            .arg(list)
            .current_dir(at)
            .status();
        assert!(made.expect("ffmpeg").success(), "{name}");
        (0..9).map(|number| read(at, &format!("{name}{number}"))).collect::<Vec<_>>()
    };
    let ts = cut("", "ts");
    let encrypted = cut("-hls_key_info_file info", "enc");
    let mp4 = cut("-bsf:a aac_adtstoasc -hls_segment_type fmp4 -hls_fmp4_init_filename init", "mp4");
    let sound = cut("-map 0:a", "sound");
    let picture = cut("-map 0:v", "picture");
    Segments {
        ts: ts.iter().map(|segment| recounted(segment)).collect(),
        encrypted,
        key: b"0123456789abcdef".to_vec(),
        init: read(at, "init"),
        mp4,
        sound,
        picture,
    }
});

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The same with continuity counters that begin at 0, as many packagers write each segment.
fn recounted(segment: &[u8]) -> Vec<u8> {
    let mut counters = std::collections::HashMap::<u16, u8>::new();
    let mut segment = segment.to_vec();
    for packet in segment.chunks_exact_mut(188) {
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        let has_payload = packet[3] & 0x10 != 0;
        let counter = counters.entry(pid).or_insert(15);
        *counter = (*counter + u8::from(has_payload)) & 15;
        packet[3] = packet[3] & 0xf0 | *counter;
    }
    segment
}

/// A live list that gains a segment every two seconds and holds the last four.
pub struct Live(pub Instant);

impl Live {
    /// The number of the newest segment.
    pub fn newest(&self) -> u64 {
        4 + self.0.elapsed().as_secs() / 2
    }

    /// The list, numbers counted from `shift`, with tags before and a name for each segment.
    pub fn list(&self, shift: i64, tags: &str, name: impl Fn(u64) -> String) -> String {
        let newest = self.newest();
        let first = newest - 3;
        let count = i64::try_from(first).expect("small") + shift;
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{count}\n{tags}"
        );
        for number in first..=newest {
            text.extend(["#EXTINF:2.0,\n", &name(number), "\n"]);
        }
        text
    }
}
