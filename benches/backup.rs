//! What a backup costs: `cargo bench --bench backup -- [small]`.
//!
//! `linecard backup` of a database with 1,000,000 lines while writers are held at 2,000 `line/new` a second, beside what `.backup` of the
//! `sqlite3` shell takes for the same file while nobody writes; both counted in bytes of the database, and ours with packing and sums.
//! And `line/new` meanwhile, beside the same rate without a backup. `small`: 20,000 lines, to try the benchmark itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod common;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use common::{KEY, Server, creation::fill, quiet_disk};

/// What the writers are held at, and how many there are.
const RATE: u32 = 2_000;
const WRITERS: u32 = 64;
const ROUNDS: usize = 3;

fn main() {
    let small = std::env::args().any(|argument| argument == "small");
    let (lines, rounds) = if small { (20_000, 1) } else { (1_000_000, ROUNDS) };
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), lines);
    let copies = tempfile::tempdir().unwrap();
    let database = folder.path().join("linecard.db");
    println!("{lines} lines, {:.0} MB; {rounds} rounds in turn, the median of each", megabytes(&database));

    let (mut sqlite, mut ours, mut quiet, mut busy) = (vec![], vec![], vec![], vec![]);
    for _ in 0..rounds {
        sqlite.push(sqlites_own(&database, copies.path()));
        let server = Server::start(folder.path(), &[]);
        let pause = AtomicBool::new(false);
        quiet
            .push(held(&server, &pause, || thread::sleep(Duration::from_secs(if small { 2 } else { 10 }))).1);
        let (rate, load) = held(&server, &pause, || {
            // The writers run at their rate by then.
            thread::sleep(Duration::from_secs(1));
            linecards(folder.path(), copies.path())
        });
        ours.push(rate);
        busy.push(load);
    }
    let (sqlite, ours) = (median(sqlite), median(ours));
    let p99 = |mut all: Vec<(f64, f64)>| {
        all.sort_by(|a, b| a.1.total_cmp(&b.1));
        all[all.len() / 2]
    };
    let ((quiet_rate, quiet), (busy_rate, busy)) = (p99(quiet), p99(busy));
    println!("  sqlite3 .backup, nobody writes             {sqlite:>8.0} MB/s");
    println!(
        "  linecard backup, writers at {RATE}/s        {ours:>8.0} MB/s  {:.2} of it (goal 0.5)",
        ours / sqlite
    );
    println!("  line/new without a backup                  {quiet_rate:>8.0}/s    p99 {quiet:.2} ms");
    println!(
        "  line/new during a backup                   {busy_rate:>8.0}/s    p99 {busy:.2} ms  {:.2} of it (goal 2)",
        busy / quiet
    );
}

fn megabytes(file: &Path) -> f64 {
    std::fs::metadata(file).unwrap().len() as f64 / 1e6
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// MB a second of the shell's own backup, with its copy on the disk.
fn sqlites_own(database: &Path, copies: &Path) -> f64 {
    quiet_disk();
    let copy = copies.join("sqlite.db");
    let begun = Instant::now();
    let backup = format!(".backup '{}'", copy.display());
    assert!(
        Command::new("sqlite3")
            .arg(database)
            .arg(backup)
            .status()
            .expect("sqlite3: apt-get install sqlite3")
            .success()
    );
    std::fs::File::open(&copy).unwrap().sync_all().unwrap();
    let rate = megabytes(&copy) / begun.elapsed().as_secs_f64();
    std::fs::remove_file(copy).unwrap();
    rate
}

/// The same of ours, from start to end of the command.
fn linecards(folder: &Path, copies: &Path) -> f64 {
    let backup = copies.join("linecard.tar.zst");
    let begun = Instant::now();
    let program = env!("CARGO_BIN_EXE_linecard");
    let output = Command::new(program).arg("backup").arg(&backup).arg("--data").arg(folder).output().unwrap();
    let took = begun.elapsed();
    assert!(output.status.success(), "{output:?}");
    let size = format!("{:.0} MB", megabytes(&backup));
    println!("  a backup took {:.2} s and has {size}", took.as_secs_f64());
    std::fs::remove_file(backup).unwrap();
    megabytes(&folder.join("linecard.db")) / took.as_secs_f64()
}

/// Holds the writers at their rate as long as `work` takes; what it returned, how many a second were answered, and the p99 in ms, each
/// counted from when it was due.
fn held<T>(server: &Server, stop: &AtomicBool, work: impl FnOnce() -> T) -> (T, (f64, f64)) {
    quiet_disk();
    stop.store(false, Ordering::Relaxed);
    let begun = Instant::now();
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..WRITERS).map(|n| scope.spawn(move || write(server, stop, begun, n))).collect();
        let done = work();
        stop.store(true, Ordering::Relaxed);
        let mut took: Vec<f64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
        took.sort_by(f64::total_cmp);
        (done, (rate, took[took.len() * 99 / 100]))
    })
}

fn write(server: &Server, stop: &AtomicBool, begun: Instant, number: u32) -> Vec<f64> {
    let body = format!("api_key={KEY}");
    let request = format!(
        "POST /api/line/new HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = BufReader::new(TcpStream::connect(&server.address).unwrap());
    stream.get_ref().set_nodelay(true).unwrap();
    let pause = Duration::from_secs(1) * WRITERS / RATE;
    let mut due = begun + pause * number / WRITERS;
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        stream.get_mut().write_all(request.as_bytes()).unwrap();
        answer(&mut stream);
        took.push(due.elapsed().as_secs_f64() * 1000.0);
        due += pause;
    }
    took
}

fn answer(stream: &mut BufReader<TcpStream>) {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(number) = line.strip_prefix("content-length: ") {
            length = number.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    assert!(body.starts_with(b"{\"result\":true"), "{}", String::from_utf8_lossy(&body));
}
