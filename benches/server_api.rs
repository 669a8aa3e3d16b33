//! Speed and memory of the Server API, as ratios of two sides measured in the same run:
//! `cargo bench --bench server_api`. Needs wrk (Debian's package) and about seven minutes; the names
//! of parts after `--` (creations, reads, pages, idle) run only those.
//!
//! The server is the real program in a process of its own, with its log on, driven by wrk over
//! loopback. The bare loop runs the statements of one creation with rusqlite and nothing else; the
//! pool runs them with a transaction for each request, on writing connections behind actix.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

mod common;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use common::{
    creation::{Events, bare_loop, create, fill, set_up, spread},
    quiet_disk,
};
use rusqlite::{Connection, TransactionBehavior};

const KEY: &str = "bench-key-0123456789";
const ROUNDS: usize = 3;
const SECONDS: u64 = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--empty-handler"] => return empty_handler(),
        ["--pool-handler", folder] => return pool_handler(Path::new(folder)),
        _ => {}
    }
    let named: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |part: &str| named.is_empty() || named.iter().any(|name| *name == part);
    let small = tempfile::tempdir().unwrap();
    fill(small.path(), 1_000);
    let big = tempfile::tempdir().unwrap();
    fill(big.path(), 1_000_000);
    if wanted("creations") {
        creations(small.path(), big.path());
    }
    if wanted("reads") {
        reads(small.path(), big.path());
    }
    if wanted("pages") {
        pages(big.path());
    }
    if wanted("idle") {
        idle();
    }
}

fn creations(small: &Path, big: &Path) {
    println!("line/new, 64 connections, synchronous=FULL, {SECONDS} s a round");
    let bare =
        |events| Load { per_second: bare_loop(SECONDS, events), p99: Duration::ZERO, cpu: Duration::ZERO };
    let (mut bare_off, mut bare_on, mut off, mut on) = (vec![], vec![], vec![], vec![]);
    let (mut single, mut pool, mut million) = (vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        bare_off.push(bare(Events::Off));
        bare_on.push(bare(Events::On));
        keep_events(small, 0);
        off.push(create_over_http(small, &[]));
        keep_events(small, 30);
        on.push(create_over_http(small, &[]));
        single.push(create_over_http(small, &["--batch", "1"]));
        pool.push(create_through_a_pool());
        million.push(create_over_http(big, &[]));
    }
    let (bare_off, off) = (median(bare_off), median(off));
    println!(" without events");
    row("bare rusqlite loop, 200 a transaction", bare_off, bare_off);
    row("over HTTP", off, bare_off);
    println!(" with events");
    let (bare, grouped, single) = (median(bare_on), median(on), median(single));
    let (pool, million) = (median(pool), median(million));
    row("bare rusqlite loop, 200 a transaction", bare, bare);
    row("over HTTP", grouped, bare);
    row("over HTTP, one commit a request", single, bare);
    row("a pool, a transaction a request", pool, bare);
    row("over HTTP, 1,000,000 lines in the file", million, bare);
    let p99_times = |other: Load| other.p99.as_secs_f64() / grouped.p99.as_secs_f64();
    println!("  with events / without: {:.2}", grouped.per_second / off.per_second);
    println!("  over HTTP / one commit a request: {:.1} times", grouped.per_second / single.per_second);
    println!("  over HTTP / a pool: {:.1} times", grouped.per_second / pool.per_second);
    println!("  p99, one commit a request / over HTTP: {:.1} times", p99_times(single));
    println!("  p99, a pool / over HTTP: {:.1} times", p99_times(pool));
    println!("  1,000,000 lines / 1,000 lines: {:.2}", million.per_second / grouped.per_second);
}

/// For so many days; 0 writes none.
fn keep_events(folder: &Path, days: u32) {
    let conn = Connection::open(folder.join("linecard.db")).unwrap();
    conn.execute("UPDATE settings SET event_retention_days = ?", [days]).unwrap();
}

fn reads(small: &Path, big: &Path) {
    println!("line/info, 64 connections, {SECONDS} s a round");
    let sold = tempfile::tempdir().unwrap();
    fill(sold.path(), 1_000);
    sell(sold.path());
    let (mut empty, mut thousand, mut with_plan, mut million) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        empty.push(empty_load());
        thousand.push(info_load(small, 1_000));
        with_plan.push(info_load(sold.path(), 1_000));
        million.push(info_load(big, 1_000_000));
    }
    let (empty, thousand, million) = (median(empty), median(thousand), median(million));
    row("empty actix handler", empty, empty);
    row("line/info, 1,000 lines", thousand, empty);
    row("line/info, the same with plan and bouquets", median(with_plan), empty);
    row("line/info, 1,000,000 lines", million, empty);
    println!("  1,000,000 lines / 1,000 lines: {:.2}", million.per_second / thousand.per_second);
}

/// A plan of three bouquets with 100 channels each, for every line; and a bouquet of its own for each.
fn sell(folder: &Path) {
    let conn = Connection::open(folder.join("linecard.db")).unwrap();
    conn.execute_batch(
        "BEGIN;
         WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 400)
         INSERT INTO streams (name, on_demand, created_at, updated_at)
         SELECT 'channel ' || i, 1, 1800000000, 1800000000 FROM n;
         WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 4)
         INSERT INTO bouquets (name, position, created_at, updated_at)
         SELECT 'bouquet ' || i, i, 1800000000, 1800000000 FROM n;
         INSERT INTO bouquet_streams (bouquet_id, place, stream_id)
         SELECT (id - 1) / 100 + 1, (id - 1) % 100, id FROM streams ORDER BY id LIMIT 400;
         INSERT INTO subscription_plans (name, created_at, updated_at) VALUES ('plan', 1800000000, 1800000000);
         INSERT INTO plan_bouquets (plan_id, place, bouquet_id) SELECT 1, id - 1, id FROM bouquets WHERE id < 4;
         UPDATE lines SET subscription_plan_id = 1;
         INSERT INTO line_bouquets (line_id, place, bouquet_id) SELECT id, 0, 4 FROM lines;
         COMMIT;",
    )
    .unwrap();
}

fn pages(big: &Path) {
    println!("line/list, limit=100, one connection, 1,000,000 lines");
    let server = Server::start(big, &[]);
    for after in [0, 500_000, 999_000] {
        let body = format!("api_key={KEY}&limit=100&after={after}");
        let load =
            wrk(&server, "/api/line/list", 1, 2, &format!("wrk.method='POST' wrk.body='{body}' {FORM}"));
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

#[derive(Clone, Copy)]
struct Load {
    per_second: f64,
    p99: Duration,
    /// What the server computed for each request.
    cpu: Duration,
}

fn row(name: &str, load: Load, base: Load) {
    let p99 = load.p99.as_secs_f64() * 1000.0;
    println!(
        "  {name:<42} {:>9.0}/s  {:>5.2} of the first  p99 {p99:>8.2} ms  {:>4} us of the server's CPU each",
        load.per_second,
        load.per_second / base.per_second,
        load.cpu.as_micros()
    );
}

fn median(mut loads: Vec<Load>) -> Load {
    loads.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    loads[loads.len() / 2]
}

const FORM: &str = "wrk.headers['Content-Type']='application/x-www-form-urlencoded'";

fn create_over_http(folder: &Path, arguments: &[&str]) -> Load {
    let server = Server::start(folder, arguments);
    wrk(&server, "/api/line/new", 64, SECONDS, &format!("wrk.method='POST' wrk.body='api_key={KEY}' {FORM}"))
}

fn create_through_a_pool() -> Load {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 1_000);
    let server = Server::of_this_program(&["--pool-handler", folder.path().to_str().unwrap()]);
    wrk(&server, "/", 64, SECONDS, "")
}

fn info_load(folder: &Path, lines: usize) -> Load {
    let server = Server::start(folder, &[]);
    let script = format!(
        "wrk.method='POST' {FORM} function request() \
         return wrk.format(nil, nil, nil, 'api_key={KEY}&username=line' .. math.random(1, {lines})) end"
    );
    wrk(&server, "/api/line/info", 64, SECONDS, &script)
}

fn empty_load() -> Load {
    wrk(&Server::of_this_program(&["--empty-handler"]), "/", 64, SECONDS, "")
}

fn empty_handler() {
    let empty = || async { actix_web::HttpResponse::Ok().finish() };
    serve(move |config| {
        config.default_service(actix_web::web::to(empty));
    });
}

/// What a server does that has no writer of its own: as many transactions as requests, on the blocking
/// threads, each with a connection out of a pool; SQLite makes them wait for one another.
fn pool_handler(folder: &Path) {
    let manager = r2d2_sqlite::SqliteConnectionManager::file(folder.join("linecard.db")).with_init(|conn| {
        conn.busy_timeout(Duration::from_secs(30))?;
        set_up(conn)
    });
    let pool = r2d2::Pool::builder().max_size(16).build(manager).unwrap();
    let made = Arc::new(AtomicU64::new(0));
    let handler = move || {
        let (pool, made) = (pool.clone(), made.clone());
        async move {
            let created = actix_web::web::block(move || {
                let mut conn = pool.get().unwrap();
                let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
                create(&tx, &spread(made.fetch_add(1, Ordering::Relaxed)), Events::On);
                tx.commit().unwrap();
            });
            created.await.unwrap();
            actix_web::HttpResponse::Ok().finish()
        }
    };
    serve(move |config| {
        config.default_service(actix_web::web::to(handler.clone()));
    });
}

/// Serves on a free port, which it prints.
fn serve(routes: impl Fn(&mut actix_web::web::ServiceConfig) + Clone + Send + 'static) {
    actix_web::rt::System::new().block_on(async {
        let app = move || actix_web::App::new().configure(routes.clone());
        let server = actix_web::HttpServer::new(app).bind(("127.0.0.1", 0)).unwrap();
        println!("{LISTENING}{}", server.addrs()[0]);
        server.run().await.unwrap();
    });
}

/// Drives one path of a server and reads what wrk tells.
fn wrk(server: &Server, path: &str, connections: u32, seconds: u64, script: &str) -> Load {
    quiet_disk();
    let before = server.cpu();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    let output = Command::new("wrk")
        .args(["--latency", "-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "-s"])
        .arg(file.path())
        .arg(format!("http://{}{path}", server.address))
        .output()
        .expect("wrk: apt-get install wrk");
    let cpu = server.cpu().saturating_sub(before);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "{text}");
    let after = |name: &str| {
        let line =
            text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{text}"));
        line.split_whitespace().last().unwrap().to_owned()
    };
    let p99 = after("99%");
    let digits = p99.trim_end_matches(char::is_alphabetic);
    let unit = match &p99[digits.len()..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        _ => 1.0,
    };
    let p99 = Duration::from_secs_f64(digits.parse::<f64>().unwrap() * unit);
    let per_second: f64 = after("Requests/sec:").parse().unwrap();
    Load { per_second, p99, cpu: cpu.div_f64(per_second * seconds as f64) }
}

/// What a server prints before its address.
const LISTENING: &str = "Linecard is listening on http://";

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::of(
            Command::new(env!("CARGO_BIN_EXE_linecard"))
                .args(["serve", "--listen", "127.0.0.1:0"])
                .args(arguments)
                .env("LINECARD_DATA", folder)
                .env("LINECARD_API_KEY", KEY)
                .stderr(std::fs::File::create(folder.join("stderr.log")).unwrap()),
        )
    }

    fn of_this_program(arguments: &[&str]) -> Self {
        Self::of(Command::new(std::env::current_exe().unwrap()).args(arguments))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| line.unwrap().strip_prefix(LISTENING).map(str::to_owned));
        Self { child, address: address.unwrap() }
    }

    /// What its process has computed so far; the kernel counts in hundredths of a second.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap());
        Duration::from_millis(10 * ticks.sum::<u64>())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}
