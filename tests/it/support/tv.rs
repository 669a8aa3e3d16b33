//! A server with streams that run, and viewers who watch them over plain sockets.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::TestServer;

/// Twenty seconds of ffmpeg's test picture, made once a run.
static PICTURE: LazyLock<(tempfile::TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("test.ts");
    let source = "-v error -y -f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine -t 20 -c:v libx264 \
                  -preset ultrafast -g 50 -c:a aac -f mpegts";
    let made = Command::new("ffmpeg").args(source.split_whitespace()).arg(&file).status();
    assert!(made.expect("ffmpeg: apt-get install ffmpeg").success());
    (folder, file)
});

/// Waits until it holds, for at most so many seconds.
pub fn within(seconds: u64, what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(seconds);
    while !holds() {
        assert!(Instant::now() < until, "not within {seconds} seconds: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Has ffmpeg make a file of its test picture (input 0) and a tone (input 1), so many seconds long.
pub fn make_file(file: &Path, seconds: u32, how: &str) {
    let inputs = "-v error -y -f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine";
    let made = Command::new("ffmpeg")
        .args(inputs.split_whitespace())
        .args(["-t", &seconds.to_string()])
        .args(how.split_whitespace())
        .arg(file)
        .status();
    assert!(made.expect("ffmpeg").success(), "{how}");
}

/// Puts the test picture into the folder of a server's files.
pub fn put_picture(data: &Path) {
    std::fs::create_dir_all(data.join("media")).expect("media/");
    std::fs::copy(&PICTURE.1, data.join("media/test.ts")).expect("a copy");
}

/// A server with so many running streams, one bouquet of them all, and the line `bob` with the
/// password `pw` and one connection.
pub fn with_streams(count: usize) -> TestServer {
    let folder = tempfile::tempdir().expect("a temporary folder");
    put_picture(folder.path());
    let server = TestServer::on(folder, &[]);
    fill(&server, count);
    server
}

/// Gives a server with the test picture what [`with_streams`] says.
pub fn fill(server: &TestServer, count: usize) {
    for number in 1..=count {
        server.done("streams/new", &format!("data[name]=Stream {number}&data[sources][]=media/test.ts"));
    }
    let streams: Vec<String> = (1..=count).map(|number| format!("&data[streams][]={number}")).collect();
    server.done("bouquets/new", &format!("data[name]=All{}", streams.concat()));
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    within(30, "every stream runs", || online(server).len() == count);
}

/// The ids of the streams that run.
pub fn online(server: &TestServer) -> Vec<i64> {
    let answer = server.done("streams/online", "");
    answer["streams"].as_array().expect("a list").iter().filter_map(|stream| stream["id"].as_i64()).collect()
}

/// A stream that does not run.
pub fn offline(server: &TestServer, id: i64) -> Value {
    let answer = server.done("streams/offline", "");
    let streams = answer["streams"].as_array().expect("a list");
    streams.iter().find(|stream| stream["id"] == id).cloned().unwrap_or(Value::Null)
}

/// How many connections of `bob` are open.
pub fn open(server: &TestServer) -> usize {
    server.done("line/info", "username=bob")["line_conn_info"].as_array().expect("a list").len()
}

/// Memory of a server, in KiB.
pub fn resident(server: &TestServer) -> u64 {
    memory(server, "VmRSS")
}

/// The most memory that a server has ever had, in KiB.
pub fn peak(server: &TestServer) -> u64 {
    memory(server, "VmHWM")
}

fn memory(server: &TestServer, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with(name)).expect("a line");
    line.split_whitespace().nth(1).and_then(|size| size.parse().ok()).expect("a number")
}

/// A player on a plain socket.
pub struct Player {
    socket: TcpStream,
    /// The status of the answer.
    pub status: u16,
    /// The head of the answer, in lower case.
    pub head: String,
    /// What followed the head in the same packets.
    rest: Vec<u8>,
}

impl Player {
    /// Asks for a path with that User-Agent.
    pub fn get(server: &TestServer, path: &str, agent: &str) -> Self {
        Self::send(server, &format!("GET {path} HTTP/1.1\r\nHost: tv.example\r\nUser-Agent: {agent}\r\n\r\n"))
    }

    /// Sends a request and reads the head of its answer.
    pub fn send(server: &TestServer, request: &str) -> Self {
        Self::try_send(server, request).unwrap_or_else(|| panic!("no answer to {request}"))
    }

    /// The same, for a request that may be cut before it is answered.
    pub fn try_send(server: &TestServer, request: &str) -> Option<Self> {
        let mut socket = TcpStream::connect(server.url.trim_start_matches("http://")).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        socket.write_all(request.as_bytes()).expect("it takes requests");
        let mut player = Self { socket, status: 0, head: String::new(), rest: Vec::new() };
        player.read_head().then_some(player)
    }

    /// Reads the head of the next answer on the same connection; whether one came.
    pub fn read_head(&mut self) -> bool {
        let mut part = [0; 4096];
        let end = loop {
            if let Some(at) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            match self.socket.read(&mut part) {
                Ok(length) if length > 0 => self.rest.extend_from_slice(&part[..length]),
                _ => return false,
            }
        };
        let head: Vec<u8> = self.rest.drain(..end + 4).collect();
        self.head = String::from_utf8_lossy(&head[..end]).to_lowercase();
        self.status = self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        true
    }

    /// The body of the answer whose head was read last.
    pub fn read_body(&mut self) -> Vec<u8> {
        let length = self.head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length = length.and_then(|length| length.trim().parse().ok()).expect("a content-length");
        self.read(length)
    }

    /// The next bytes of the body, so many.
    pub fn read(&mut self, count: usize) -> Vec<u8> {
        let mut part = [0; 4096];
        while self.rest.len() < count {
            let length = self.socket.read(&mut part).expect("more of the stream");
            assert!(length > 0, "the stream ended");
            self.rest.extend_from_slice(&part[..length]);
        }
        self.rest.drain(..count).collect()
    }

    /// All that follows until the server closes, however it does; an error if that was no proper end.
    pub fn read_out(mut self) -> std::io::Result<Vec<u8>> {
        let mut all = std::mem::take(&mut self.rest);
        self.socket.read_to_end(&mut all)?;
        Ok(all)
    }

    /// From now on nothing that is sent to it arrives, and nobody is told.
    pub fn vanish(&self) {
        // The filter lets nothing through (`ret 0`).
        let nothing = socket2::SockFilter::new(6, 0, 0, 0);
        socket2::SockRef::from(&self.socket).attach_filter(&[nothing]).expect("a filter");
    }

    /// Nothing follows the head that was read last.
    pub fn stays_silent(&mut self) {
        self.socket.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
        let read = self.socket.read(&mut [0; 1]).map_err(|error| error.kind());
        assert!(
            self.rest.is_empty() && matches!(read, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
            "{read:?}"
        );
    }

    /// Reads on until the server closes; whether it does within so many seconds.
    pub fn is_closed_within(&mut self, seconds: u64) -> bool {
        let until = Instant::now() + Duration::from_secs(seconds);
        self.socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
        let mut part = [0; 16_384];
        while Instant::now() < until {
            match self.socket.read(&mut part) {
                Ok(0) => return true,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return true,
                Ok(_) => {}
            }
        }
        false
    }
}
