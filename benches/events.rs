//! What events cost, and how quickly they are delivered: `cargo bench --bench events -- [creations | deliveries] [small]`.
//!
//! `creations`: line/new with events and without, in turn, on databases of their own. `deliveries`: 10,000 events that wait for a
//! webhook, sent to a receiver on this machine that answers at once; the order for each line is checked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

mod common;

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use common::{KEY, Load, Server, median, row, wrk};

const SECONDS: u64 = 10;
const ROUNDS: usize = 3;
/// Events that wait.
const EVENTS: usize = 10_000;
/// Lines that they are of.
const LINES: usize = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let wanted = |part: &str| has(part) || !(has("creations") || has("deliveries"));
    // To try the benchmark itself.
    let small = has("small");
    if wanted("creations") {
        creations(if small { 1 } else { SECONDS }, if small { 1 } else { ROUNDS });
    }
    if wanted("deliveries") {
        deliveries(if small { EVENTS / 20 } else { EVENTS });
    }
}

fn creations(seconds: u64, rounds: usize) {
    println!("line/new, 64 connections, synchronous=FULL, {seconds} s a round");
    let (mut without, mut with) = (vec![], vec![]);
    for _ in 0..rounds {
        without.push(create(0, seconds));
        with.push(create(30, seconds));
    }
    let (without, with) = (median(without), median(with));
    row("without events", without, without);
    row("with events", with, without);
}

fn create(days: u32, seconds: u64) -> Load {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    call(&server, "settings/update", &format!("data[event_retention_days]={days}"));
    let form = "wrk.headers['Content-Type']='application/x-www-form-urlencoded'";
    wrk(
        &server.url("/api/line/new"),
        64,
        seconds,
        &format!("wrk.method='POST' wrk.body='api_key={KEY}' {form}"),
    )
}

fn call(server: &Server, name: &str, body: &str) {
    let url = server.url(&format!("/api/{name}"));
    let output = Command::new("curl").args(["-sS", "-d", &format!("api_key={KEY}&{body}"), &url]).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(text.contains("\"result\":true"), "{text}");
}

fn deliveries(events: usize) {
    let folder = tempfile::tempdir().unwrap();
    let came = Arc::new(Mutex::new(Vec::new()));
    let url = receiver(&came);
    let server = Server::start(folder.path(), &[]);
    call(&server, "settings/update", "data[fetch_local]=1");
    call(&server, "webhooks/new", &format!("data[url]={url}&data[types]=line.*"));
    drop(server);
    queue(folder.path(), events);
    let server = Server::start(folder.path(), &[]);
    let begun = Instant::now();
    while came.lock().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let (waited, first) = (begun.elapsed(), Instant::now());
    while came.lock().len() < events {
        std::thread::sleep(Duration::from_millis(5));
        assert!(first.elapsed() < Duration::from_mins(5), "{} came", came.lock().len());
    }
    let took = first.elapsed();
    drop(server);
    let mut last: HashMap<i64, i64> = HashMap::new();
    for (line, event) in came.lock().iter() {
        let before = last.insert(*line, *event);
        assert!(before.is_none_or(|before| before < *event), "line {line}: {event} after {before:?}");
    }
    println!(
        "{events} events of {LINES} lines to one receiver: {:.0}/s, in order for each line; the first came {} ms after the start",
        events as f64 / took.as_secs_f64(),
        waited.as_millis()
    );
}

/// Events as a busy day would have left them.
fn queue(folder: &Path, events: usize) {
    let conn = rusqlite::Connection::open(folder.join("linecard.db")).unwrap();
    conn.execute_batch("BEGIN").unwrap();
    for number in 0..events {
        let line = i64::try_from(number % LINES).unwrap();
        conn.execute(
            "INSERT INTO events (type, at, resource, resource_id, key, actor, data, omitted) VALUES \
             ('line.updated', 1796000000, 'line', ?1, 'line' || ?1, 'api_key:billing', ?2, '[]')",
            rusqlite::params![line, "{\"before\":{\"notes\":\"before\"},\"after\":{\"notes\":\"after\"}}"],
        )
        .unwrap();
    }
    conn.execute_batch("COMMIT").unwrap();
}

/// Takes everything at once; notes of which line, and which event it was.
fn receiver(came: &Arc<Mutex<Vec<(i64, i64)>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let came = came.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let came = came.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while one(&mut reader, &stream, &came).is_some() {}
            });
        }
    });
    url
}

fn one(
    reader: &mut BufReader<TcpStream>,
    mut stream: &TcpStream,
    came: &Mutex<Vec<(i64, i64)>>,
) -> Option<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let number = |name: &str| body["data"][name].as_i64().unwrap();
    came.lock().push((number("resource_id"), number("id")));
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()
}
