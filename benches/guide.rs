//! The guide: 1 GB of XMLTV read by the real program, beside a loop that only reads the same file's events. `cargo bench
//! --bench guide`. Takes a minute or two, and 2 GB below the temporary folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::disallowed_methods)]

mod common;

use std::{
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    net::TcpStream,
    path::Path,
    time::{Duration, Instant},
};

use common::{KEY, Server};
use quick_xml::{Reader, events::Event};
use rusqlite::{Connection, params};

const CHANNELS: usize = 900;
const MATCHED: usize = 100;
const DAYS: usize = 14;
/// Of a channel on a day.
const PROGRAMMES: usize = 72;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path(), &[]));
    let file = folder.path().join("guide/big.xml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    write(&file);
    let size = std::fs::metadata(&file).unwrap().len() as f64 / 1e6;
    println!("{size:.0} MB of XMLTV: {CHANNELS} channels, {DAYS} days, {MATCHED} channels matched");

    let conn = Connection::open(folder.path().join("linecard.db")).unwrap();
    for channel in (0..CHANNELS).step_by(CHANNELS / MATCHED) {
        let name = format!("Channel {channel}");
        let sql = "INSERT INTO streams (name, on_demand, created_at, updated_at) VALUES (?, 1, 1, 1)";
        conn.execute(sql, params![name]).unwrap();
    }
    let sql = "INSERT INTO guide_sources (name, url, refresh_hours, created_at, updated_at) VALUES ('big', 'guide/big.xml', 0, 1, 1)";
    conn.execute(sql, []).unwrap();
    conn.execute("UPDATE settings SET guide_future_days = 31", []).unwrap();
    drop(conn);

    let server = Server::start(folder.path(), &[]);
    std::thread::sleep(Duration::from_secs(3));
    let before = memory(server.child.id(), "VmRSS");
    for round in 1..=3 {
        let bare = bare(&file);
        // It is read again as if it were another file.
        let now = std::time::SystemTime::now();
        File::options().append(true).open(&file).unwrap().set_modified(now).unwrap();
        let tried = ask(&server, "guide_sources/info", "last_try_at\":");
        let begun = Instant::now();
        ask(&server, "guide_sources/refresh", "");
        while ask(&server, "guide_sources/info", "last_try_at\":") == tried {
            std::thread::sleep(Duration::from_millis(20));
        }
        let ours = begun.elapsed();
        let grown = memory(server.child.id(), "VmHWM") - before;
        let kept = ask(&server, "guide_sources/info", "programmes\":");
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

fn write(path: &Path) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    writeln!(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<tv>").unwrap();
    for channel in 0..CHANNELS {
        writeln!(
            file,
            "  <channel id=\"channel{channel}.example\">\n    <display-name lang=\"en\">Channel {channel}</display-name>\n    \
             <icon src=\"http://logos.example/{channel}.png\"/>\n  </channel>"
        )
        .unwrap();
    }
    let about =
        "What happens in this programme, with names, places &amp; other things that viewers want to know. "
            .repeat(8);
    let begin = jiff::Timestamp::now().as_second() / 86_400 * 86_400;
    let time = |seconds: i64| jiff::Timestamp::from_second(seconds).unwrap().strftime("%Y%m%d%H%M%S +0000");
    for channel in 0..CHANNELS {
        for programme in 0..DAYS * PROGRAMMES {
            let start = begin + i64::try_from(programme * 86_400 / PROGRAMMES).unwrap();
            writeln!(
                file,
                "  <programme start=\"{}\" stop=\"{}\" channel=\"channel{channel}.example\">\n    <title lang=\"en\">Programme \
                 {programme}</title>\n    <sub-title lang=\"en\">Episode {programme}</sub-title>\n    <desc lang=\"en\">{about}</desc>\n    \
                 <category lang=\"en\">Series</category>\n    <episode-num system=\"onscreen\">S01E{programme}</episode-num>\n  \
                 </programme>",
                time(start),
                time(start + 1_200)
            )
            .unwrap();
        }
    }
    writeln!(file, "</tv>").unwrap();
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
