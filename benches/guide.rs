//! The guide: 1 GB of XMLTV read by the real program, beside a loop that only reads the same file's events, and admission
//! meanwhile; `xmltv.php` beside the same bytes from memory; `get_short_epg` beside an empty handler; memory while nobody asks.
//! `cargo bench --bench guide`, or one part: `-- refresh`, `admission`, `xmltv`, `epg`, `idle`. Needs wrk, 2 GB below the temporary
//! folder and about twelve minutes, half of them `idle`. `-- small PART` only shows that it runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::disallowed_methods)]

mod common;

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    net::TcpStream,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use common::{KEY, Server, body_load, empty_load, median, row, viewers::Head, wrk};
use quick_xml::{Reader, events::Event};
use rusqlite::{Connection, params};
use tempfile::TempDir;

const PASSWORD: &str = "0123456789";
const ROUNDS: usize = 3;
/// Of each round.
const SECONDS: u64 = 5;

fn main() {
    if std::env::args().any(|argument| argument == "--empty-handler") {
        return common::empty_handler();
    }
    let parts: [(&str, fn()); 5] =
        [("refresh", refresh), ("admission", admission), ("xmltv", xmltv), ("epg", epg), ("idle", idle)];
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    for (name, part) in parts {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            part();
        }
    }
}

/// Whether it is only to be seen that all of this runs.
fn is_small() -> bool {
    std::env::args().any(|argument| argument == "small")
}

/// A guide as a source has it, and who may see it.
#[derive(Clone, Copy)]
struct Guide {
    channels: usize,
    /// Of each channel so many, from the first on, have a stream.
    matched: usize,
    days: usize,
    /// Programmes of a channel on a day.
    programmes: usize,
    /// How often the text of a programme is repeated.
    words: usize,
    lines: usize,
}

/// 1 GB of it.
const BIG: Guide = Guide { channels: 900, matched: 100, days: 14, programmes: 72, words: 8, lines: 1_000 };
/// As large as that of a large operator.
const FULL: Guide =
    Guide { channels: 2_000, matched: 2_000, days: 7, programmes: 36, words: 2, lines: 1_000 };

impl Guide {
    /// A data folder with it as source 1 that is not read yet, a stream for each matched channel, and lines `line1`, `line2`, ... who
    /// may watch them all.
    fn folder(self) -> TempDir {
        let (channels, days) = if is_small() { (self.channels / 10, 2) } else { (self.channels, self.days) };
        Self { channels, matched: self.matched.min(channels), days, ..self }.made()
    }

    fn made(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        drop(Server::start(folder.path(), &[]));
        let file = folder.path().join("guide/big.xml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        self.write(&file);
        let size = std::fs::metadata(&file).unwrap().len() as f64 / 1e6;
        println!(
            "  {size:.0} MB of XMLTV: {} channels, {} of them matched, {} days, {} programmes a day; {} lines",
            self.channels, self.matched, self.days, self.programmes, self.lines
        );
        let mut conn = Connection::open(folder.path().join("linecard.db")).unwrap();
        let tx = conn.transaction().unwrap();
        tx.execute_batch(
            "INSERT INTO bouquets (id, name, created_at, updated_at) VALUES (1, 'all', 0, 0);
             INSERT INTO subscription_plans (id, name, created_at, updated_at) VALUES (1, 'all', 0, 0);
             INSERT INTO plan_bouquets (plan_id, place, bouquet_id) VALUES (1, 0, 1);
             INSERT INTO guide_sources (name, url, refresh_hours, created_at, updated_at)
                 VALUES ('big', 'guide/big.xml', 0, 1, 1);
             UPDATE settings SET guide_future_days = 31;",
        )
        .unwrap();
        for channel in (0..self.channels).step_by(self.channels / self.matched) {
            let sql = "INSERT INTO streams (name, on_demand, created_at, updated_at) VALUES (?, 1, 1, 1)";
            tx.execute(sql, params![format!("Channel {channel}")]).unwrap();
        }
        let sql = "INSERT INTO bouquet_streams (bouquet_id, place, stream_id) SELECT 1, id, id FROM streams";
        tx.execute(sql, []).unwrap();
        for number in 1..=self.lines {
            let sql = "INSERT INTO lines (username, password, subscription_plan_id, created_at, updated_at) \
                       VALUES (?, ?, 1, 0, 0)";
            let mut line = tx.prepare_cached(sql).unwrap();
            line.execute(params![format!("line{number}"), PASSWORD]).unwrap();
        }
        tx.commit().unwrap();
        folder
    }

    /// The same, with the source read.
    fn read(self) -> TempDir {
        let folder = self.folder();
        let server = Server::start(folder.path(), &[]);
        // It is not read by itself.
        ask(&server, "guide_sources/refresh", "");
        while ask(&server, "guide_sources/info", "last_success_at\":") == "null" {
            std::thread::sleep(Duration::from_millis(100));
        }
        println!("  {} programmes kept", ask(&server, "guide_sources/info", "\"programmes\":"));
        folder
    }

    /// As XMLTV, from today on.
    fn write(&self, path: &Path) {
        let mut file = BufWriter::new(File::create(path).unwrap());
        writeln!(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<tv>").unwrap();
        for channel in 0..self.channels {
            writeln!(
                file,
                "  <channel id=\"channel{channel}.example\">\n    <display-name lang=\"en\">Channel {channel}</display-name>\n    \
                 <icon src=\"http://logos.example/{channel}.png\"/>\n  </channel>"
            )
            .unwrap();
        }
        let about =
            "What happens in this programme, with names, places &amp; other things that viewers want to know. "
                .repeat(self.words);
        let begin = jiff::Timestamp::now().as_second() / 86_400 * 86_400;
        let time =
            |seconds: i64| jiff::Timestamp::from_second(seconds).unwrap().strftime("%Y%m%d%H%M%S +0000");
        for channel in 0..self.channels {
            for programme in 0..self.days * self.programmes {
                let start = begin + i64::try_from(programme * 86_400 / self.programmes).unwrap();
                writeln!(
                    file,
                    "  <programme start=\"{}\" stop=\"{}\" channel=\"channel{channel}.example\">\n    <title lang=\"en\">Programme \
                     {programme}</title>\n    <sub-title lang=\"en\">Episode {programme}</sub-title>\n    <desc lang=\"en\">{about}</desc>\n    \
                     <category lang=\"en\">Series</category>\n    <episode-num system=\"onscreen\">S01E{programme}</episode-num>\n  \
                     </programme>",
                    time(start),
                    time(start + i64::try_from(86_400 / self.programmes).unwrap())
                )
                .unwrap();
            }
        }
        writeln!(file, "</tv>").unwrap();
    }
}

fn refresh() {
    println!("reading a source");
    let folder = BIG.folder();
    let file = folder.path().join("guide/big.xml");
    let server = Server::start(folder.path(), &[]);
    std::thread::sleep(Duration::from_secs(3));
    let before = memory(server.child.id(), "VmRSS");
    for round in 1..=ROUNDS {
        let bare = bare(&file);
        let begun = Instant::now();
        read_again(&server, &file, Duration::from_millis(20));
        let ours = begun.elapsed();
        let grown = memory(server.child.id(), "VmHWM") - before;
        let kept = ask(&server, "guide_sources/info", "\"programmes\":");
        println!(
            "  {round}: only reading events {:.1} s; refreshing {:.1} s, of which up to 1 s waits for the job: {:.2} of its \
             speed; {kept} programmes kept; memory grew by {:.1} MiB",
            bare.as_secs_f64(),
            ours.as_secs_f64(),
            bare.as_secs_f64() / ours.as_secs_f64(),
            grown as f64 / 1024.0
        );
    }
}

/// Has source 1 read as if its file were another one, and asks after each pause whether that is done.
fn read_again(server: &Server, file: &Path, pause: Duration) {
    let now = std::time::SystemTime::now();
    File::options().append(true).open(file).unwrap().set_modified(now).unwrap();
    let tried = ask(server, "guide_sources/info", "last_try_at\":");
    ask(server, "guide_sources/refresh", "");
    while ask(server, "guide_sources/info", "last_try_at\":") == tried {
        std::thread::sleep(pause);
    }
}

fn admission() {
    println!(
        "admission: HEAD of a stream's URL, 500 a second on one connection, without and with a source being read; asked four \
         times a second meanwhile whether it is"
    );
    let folder = BIG.read();
    let file = folder.path().join("guide/big.xml");
    let server = Server::start(folder.path(), &[]);
    std::thread::sleep(Duration::from_secs(5));
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        // The same questions are asked in both, or their answers would count as the reading's.
        let pause = Duration::from_millis(250);
        let [quiet, busy] = [false, true].map(|reads| {
            let done = Arc::new(AtomicBool::new(false));
            let asking = std::thread::spawn({
                let (address, done) = (server.address.clone(), done.clone());
                move || heads(&address, || done.load(Ordering::Relaxed))
            });
            if reads {
                read_again(&server, &file, pause);
            } else {
                for _ in 0..20 {
                    ask(&server, "guide_sources/info", "last_try_at\":");
                    std::thread::sleep(pause);
                }
            }
            done.store(true, Ordering::Relaxed);
            asking.join().unwrap()
        });
        let [quiet, busy] = [quiet, busy].map(|mut times| {
            times.sort_unstable();
            let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e6;
            (times.len(), at(50), at(99))
        });
        for (name, (count, median, p99)) in [("without", quiet), ("with", busy)] {
            println!("  {name:<8} {count:>6} admissions, median {median:>6.0} us, p99 {p99:>6.0} us");
        }
        ratios.push(busy.2 / quiet.2);
    }
    ratios.sort_by(f64::total_cmp);
    println!("  p99 with / without: {:.2}", ratios[ROUNDS / 2]);
}

/// How long each admission took, one every two milliseconds; for ten seconds, or until it is over.
fn heads(address: &str, is_over: impl Fn() -> bool) -> Vec<Duration> {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    let (begun, mut times) = (Instant::now(), Vec::new());
    let mut buffer = [0; 4096];
    while !is_over() && begun.elapsed() < Duration::from_secs(10) {
        let line = times.len() * 7 % BIG.lines + 1;
        let request = format!("HEAD /live/line{line}/{PASSWORD}/1 HTTP/1.1\r\nHost: x\r\n\r\n");
        let asked = Instant::now();
        socket.write_all(request.as_bytes()).unwrap();
        let mut head = Head::default();
        while head
            .feed(&{
                let length = socket.read(&mut buffer).unwrap();
                assert!(length > 0, "the server closed the connection");
                buffer[..length].to_vec()
            })
            .is_none()
        {}
        times.push(asked.elapsed());
        let next = begun + Duration::from_millis(2) * times.len() as u32;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    times
}

fn xmltv() {
    const CLIENTS: u32 = 16;
    println!("xmltv.php, {CLIENTS} connections, {SECONDS} s a round");
    let folder = FULL.read();
    let server = Server::start(folder.path(), &[]);
    std::thread::sleep(Duration::from_secs(3));
    for (name, headers) in [("packed", "Accept-Encoding: gzip\r\n"), ("plain", "")] {
        // The first one makes it.
        let begun = Instant::now();
        let body = get(&server.address, &guide_of("1"), headers);
        let file = folder.path().join("xmltv");
        std::fs::write(&file, &body).unwrap();
        println!("  {name}: {:.1} MB, after {:.2} s", body.len() as f64 / 1e6, begun.elapsed().as_secs_f64());
        // Nobody may fetch several at once: each connection is another line's.
        let headers = if headers.is_empty() { "" } else { ", {['Accept-Encoding']='gzip'}" };
        let script = format!(
            "local n = 0 function request() n = n % {} + 1 return wrk.format('GET', '{}'{headers}) end",
            FULL.lines,
            guide_of("' .. n .. '")
        );
        let (mut memory, mut ours) = (vec![], vec![]);
        for _ in 0..ROUNDS {
            memory.push(body_load(&file, CLIENTS, SECONDS, &script));
            ours.push(wrk(&server.url("/"), CLIENTS, SECONDS, &script));
        }
        let (memory, ours) = (median(memory), median(ours));
        row("the same bytes from memory", memory, memory);
        row("xmltv.php", ours, memory);
    }
}

fn guide_of(line: &str) -> String {
    format!("/xmltv.php?username=line{line}&password={PASSWORD}")
}

fn epg() {
    println!("get_short_epg of a random channel for a random line, 64 connections, {SECONDS} s a round");
    let folder = FULL.read();
    let server = Server::start(folder.path(), &[]);
    std::thread::sleep(Duration::from_secs(3));
    let path = format!(
        "/player_api.php?username=line' .. math.random(1, {}) .. '&password={PASSWORD}&action=get_short_epg&stream_id=' .. \
         math.random(1, {}) .. '",
        FULL.lines, FULL.matched
    );
    let script = format!("function request() return wrk.format('GET', '{path}') end");
    let one = get(
        &server.address,
        &path.replace("' .. math.random(1, 1000) .. '", "1").replace("' .. math.random(1, 2000) .. '", "1"),
        "",
    );
    let one = String::from_utf8_lossy(&one).into_owned();
    assert!(one.contains("\"title\""), "{one}");
    let (mut empty, mut ours) = (vec![], vec![]);
    for _ in 0..ROUNDS {
        empty.push(empty_load(SECONDS, &script));
        ours.push(wrk(&server.url("/"), 64, SECONDS, &script));
    }
    let (empty, ours) = (median(empty), median(ours));
    row("empty actix handler", empty, empty);
    row("get_short_epg", ours, empty);
}

fn idle() {
    println!("memory while nobody asks for anything");
    let folder = Guide { programmes: 72, words: 1, lines: 100_000, ..FULL }.read();
    let server = Server::start(folder.path(), &[]);
    let memory = |when: &str| {
        let memory = memory(server.child.id(), "VmRSS") as f64 / 1024.0;
        println!("  {when:<42} {memory:>6.1} MiB");
    };
    std::thread::sleep(Duration::from_secs(20));
    memory("20 s after the start");
    read_again(&server, &folder.path().join("guide/big.xml"), Duration::from_millis(250));
    std::thread::sleep(Duration::from_secs(5));
    memory("5 s after the guide was read anew");
    drop(get(&server.address, &guide_of("1"), "Accept-Encoding: gzip\r\n"));
    memory("after xmltv.php of every channel");
    std::thread::sleep(if is_small() { Duration::from_secs(5) } else { Duration::from_mins(6) });
    memory("six minutes later");
}

fn get(address: &str, path: &str, headers: &str) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).unwrap();
    // Neither length nor chunks: what comes until the end is the body.
    write!(socket, "GET {path} HTTP/1.0\r\nHost: x\r\n{headers}\r\n").unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    assert!(answer[9..].starts_with(b"200"), "{}", String::from_utf8_lossy(&answer[..end]));
    answer.split_off(end)
}

/// How long it takes to read every event.
fn bare(path: &Path) -> Duration {
    let begun = Instant::now();
    let mut reader = Reader::from_reader(BufReader::with_capacity(64 << 10, File::open(path).unwrap()));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        if matches!(reader.read_event_into(&mut buffer).unwrap(), Event::Eof) {
            return begun.elapsed();
        }
    }
}

/// A call for source 1; what follows that text in the answer, up to the next comma.
fn ask(server: &Server, call: &str, after: &str) -> String {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let body = format!("api_key={KEY}&id=1");
    write!(
        stream,
        "POST /api/{call} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"result\":true"), "{answer}");
    let (_, rest) = answer.split_once(after).unwrap_or_else(|| panic!("{answer}"));
    rest.split([',', '}']).next().unwrap().to_owned()
}

/// In KiB.
fn memory(pid: u32, name: &str) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
