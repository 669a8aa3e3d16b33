//! Speed and memory of the Server API, as ratios of two sides measured in the same run:
//! `cargo bench --bench server_api`. Needs wrk (Debian's package) and about five minutes.
//!
//! The server is the real program in a process of its own, with its log on, driven by wrk over
//! loopback. The bare loop runs the statements of one creation with rusqlite and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod common;

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    time::{Duration, Instant},
};

use common::{KEY, Load, Server, empty_load, median, quiet_disk, row, wrk};
use rusqlite::{Connection, params};

const ROUNDS: usize = 3;
const SECONDS: u64 = 5;

fn main() {
    if std::env::args().any(|argument| argument == "--empty-handler") {
        return common::empty_handler();
    }
    let small = tempfile::tempdir().unwrap();
    fill(small.path(), 1_000);
    let big = tempfile::tempdir().unwrap();
    fill(big.path(), 1_000_000);
    creations(small.path(), big.path());
    reads(small.path(), big.path());
    pages(big.path());
    idle();
}

fn creations(small: &Path, big: &Path) {
    println!("line/new, 64 connections, synchronous=FULL, {SECONDS} s a round");
    let (mut bare, mut grouped, mut single, mut million) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        bare.push(Load { per_second: bare_loop(), p99: Duration::ZERO });
        grouped.push(create_over_http(small, &[]));
        single.push(create_over_http(small, &["--batch", "1"]));
        million.push(create_over_http(big, &[]));
    }
    let (bare, grouped, single, million) = (median(bare), median(grouped), median(single), median(million));
    row("bare rusqlite loop, 200 a transaction", bare, bare);
    row("over HTTP", grouped, bare);
    row("over HTTP, one commit a request", single, bare);
    row("over HTTP, 1,000,000 lines in the file", million, bare);
    println!("  over HTTP / one commit a request: {:.1} times", grouped.per_second / single.per_second);
    println!(
        "  p99, one commit a request / over HTTP: {:.1} times",
        single.p99.as_secs_f64() / grouped.p99.as_secs_f64()
    );
    println!("  1,000,000 lines / 1,000 lines: {:.2}", million.per_second / grouped.per_second);
}

fn reads(small: &Path, big: &Path) {
    println!("line/info, 64 connections, {SECONDS} s a round");
    let (mut empty, mut thousand, mut million) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        empty.push(empty_load(SECONDS, ""));
        thousand.push(info_load(small, 1_000));
        million.push(info_load(big, 1_000_000));
    }
    let (empty, thousand, million) = (median(empty), median(thousand), median(million));
    row("empty actix handler", empty, empty);
    row("line/info, 1,000 lines", thousand, empty);
    row("line/info, 1,000,000 lines", million, empty);
    println!("  1,000,000 lines / 1,000 lines: {:.2}", million.per_second / thousand.per_second);
}

fn pages(big: &Path) {
    println!("line/list, limit=100, one connection, 1,000,000 lines");
    let server = Server::start(big, &[]);
    for after in [0, 500_000, 999_000] {
        let body = format!("api_key={KEY}&limit=100&after={after}");
        let load =
            wrk(&server.url("/api/line/list"), 1, 2, &format!("wrk.method='POST' wrk.body='{body}' {FORM}"));
        println!("  after={after:<8} {:>8.0}/s", load.per_second);
    }
}

fn idle() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 100_000);
    let mut starts = Vec::new();
    let mut rss = 0;
    for _ in 0..5 {
        let begun = Instant::now();
        let server = Server::start(folder.path(), &[]);
        let mut stream = TcpStream::connect(server.address.as_str()).unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        starts.push(begun.elapsed());
        std::thread::sleep(Duration::from_secs(2));
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        rss = line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
    }
    starts.sort();
    println!("idle with 100,000 lines");
    println!("  memory (VmRSS)            {:>8.1} MiB", rss as f64 / 1024.0);
    println!("  start to first answer     {:>8} ms", starts[2].as_millis());
    let size = std::fs::metadata(env!("CARGO_BIN_EXE_linecard")).unwrap().len();
    println!("  size of the program       {:>8.1} MB", size as f64 / 1e6);
}

const FORM: &str = "wrk.headers['Content-Type']='application/x-www-form-urlencoded'";

fn create_over_http(folder: &Path, arguments: &[&str]) -> Load {
    let server = Server::start(folder, arguments);
    wrk(
        &server.url("/api/line/new"),
        64,
        SECONDS,
        &format!("wrk.method='POST' wrk.body='api_key={KEY}' {FORM}"),
    )
}

fn info_load(folder: &Path, lines: usize) -> Load {
    let server = Server::start(folder, &[]);
    let script = format!(
        "wrk.method='POST' {FORM} function request() \
         return wrk.format(nil, nil, nil, 'api_key={KEY}&username=line' .. math.random(1, {lines})) end"
    );
    wrk(&server.url("/api/line/info"), 64, SECONDS, &script)
}

/// A database as the program makes it, with so many lines `line1`, `line2`, ...
fn fill(folder: &Path, lines: usize) {
    drop(Server::start(folder, &[]));
    let mut conn = Connection::open(folder.join("linecard.db")).unwrap();
    conn.pragma_update(None, "synchronous", "OFF").unwrap();
    let tx = conn.transaction().unwrap();
    (1..=lines).for_each(|n| create(&tx, &format!("line{n}")));
    tx.commit().unwrap();
}

/// Creations a second without HTTP: 200 a transaction, each commit on the disk.
fn bare_loop() -> f64 {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 1_000);
    let mut conn = Connection::open(folder.path().join("linecard.db")).unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.pragma_update(None, "foreign_keys", true).unwrap();
    conn.pragma_update(None, "wal_autocheckpoint", 16_000).unwrap();
    quiet_disk();
    let (begun, mut made) = (Instant::now(), 0_u64);
    while begun.elapsed() < Duration::from_secs(SECONDS) {
        let tx = conn.transaction().unwrap();
        for _ in 0..200 {
            made += 1;
            // As spread as the random names that the server gives.
            create(&tx, &format!("{:016x}", made.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        }
        tx.commit().unwrap();
    }
    made as f64 / begun.elapsed().as_secs_f64()
}

/// The statements of one creation.
fn create(conn: &Connection, username: &str) {
    let mut line = conn
        .prepare_cached(
            "INSERT INTO lines (username, password, restreamer, max_allowed_connections, expire_date, \
             subscription_plan_id, reseller_id, disabled, banned, allowed_ips, allowed_user_agents, server_id, isp_lock, \
             is_trial, notes, created_at, updated_at) VALUES (?, ?, 0, 1, NULL, NULL, NULL, 0, 0, '[]', '[]', NULL, 0, 0, \
             '', ?, ?)",
        )
        .unwrap();
    line.execute(params![username, "0123456789", 1_800_000_000, 1_800_000_000]).unwrap();
    let after = format!("{{\"password\":\"***\",\"username\":\"{username}\"}}");
    let mut audit = conn
        .prepare_cached(
            "INSERT INTO audit_log (at, actor_kind, actor, address, resource, action, target_id, target, before, after) \
             VALUES (?, 'api_key', 'first key', '127.0.0.1', 'line', 'new', ?, ?, '{}', ?)",
        )
        .unwrap();
    audit.execute(params![1_800_000_000, conn.last_insert_rowid(), username, after]).unwrap();
}
