//! How long the panel's pages take with 1,000,000 lines: `cargo bench --bench panel`, about two minutes.
//!
//! The server is the real program in a process of its own; each page is asked for over loopback, 20 times, one
//! request after another, each on a connection of its own as a click would.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

const LINES: i64 = 1_000_000;
const TIMES: usize = 20;
const PASSWORD: &str = "bench-password-0123";

fn main() {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(folder.path()));
    let begun = Instant::now();
    fill(&folder.path().join("linecard.db"));
    println!(
        "{LINES} lines made in {:.0} s; {TIMES} requests each, milliseconds",
        begun.elapsed().as_secs_f64()
    );
    let server = Server::start(folder.path());
    let cookie = server.sign_in();
    println!("  {:<58} {:>7} {:>7} {:>7}", "page", "median", "worst", "kB");
    let deep = |sort: &str, key: &str| format!("/panel/lines?sort={sort}&after=500000.{key}");
    let end = now() + 100 * 86_400;
    let pages = [
        "/panel/lines".to_owned(),
        deep("-created", "500000"),
        deep("name", "u7000000"),
        deep("end", &end.to_string()),
        deep("-changed", "500000"),
        format!("/panel/lines?sort=name&before=500000.{}", "u7000000"),
        "/panel/lines?state=active&sort=end".into(),
        "/panel/lines?state=expired&sort=name".into(),
        "/panel/lines?state=expiring".into(),
        "/panel/lines?state=disabled&sort=-end".into(),
        "/panel/lines?state=banned&sort=name".into(),
        "/panel/lines?state=trial&sort=name".into(),
        "/panel/lines?state=watching".into(),
        "/panel/lines?reseller=1&sort=name".into(),
        "/panel/lines?reseller=40&sort=end".into(),
        "/panel/lines?plan=3&state=active&sort=name".into(),
        "/panel/lines?reseller=2&state=banned&plan=3&sort=name".into(),
        "/panel/lines?search=u4321".into(),
        "/panel/lines?search=nothing-has-this".into(),
        "/panel/lines?search=cash&sort=name".into(),
        "/panel/lines?search=u1&state=active&sort=-end".into(),
        "/panel/lines/500000".into(),
        "/panel/lines/500000/why?stream=1".into(),
        "/panel/mags".into(),
        "/panel/connections".into(),
        "/panel/".into(),
        "/panel/plans".into(),
        "/panel/plans/1/delete".into(),
        "/panel/bouquets".into(),
        "/panel/bouquets/1/delete".into(),
        "/panel/categories".into(),
        "/panel/resellers".into(),
        "/panel/resellers/40".into(),
        "/panel/streams".into(),
        "/panel/servers".into(),
        "/panel/administrators".into(),
        "/panel/groups".into(),
        "/panel/logs/audit".into(),
    ];
    for page in &pages {
        let mut times: Vec<Duration> = Vec::new();
        let mut size = 0;
        for _ in 0..TIMES {
            let begun = Instant::now();
            let answer = server.get(page, &cookie);
            times.push(begun.elapsed());
            assert!(answer.starts_with("HTTP/1.1 200"), "{page}: {answer}");
            size = answer.len();
        }
        times.sort();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let (median, worst) = (milliseconds(times[TIMES / 2]), milliseconds(times[TIMES - 1]));
        println!("  {page:<58} {median:>7.1} {worst:>7.1} {:>7}", size / 1000);
    }
}

/// Half of the lines have a reseller, some of whom have few; a quarter have a bouquet of their own; one in ten has
/// a note; some are expired, disabled, banned, trials.
fn fill(file: &Path) {
    let mut conn = Connection::open(file).unwrap();
    conn.pragma_update(None, "synchronous", "OFF").unwrap();
    let tx = conn.transaction().unwrap();
    tx.execute("INSERT INTO streams (id, name, created_at, updated_at) VALUES (1, 'News', 0, 0)", [])
        .unwrap();
    for id in 1..=4 {
        let sql = "INSERT INTO subscription_plans (id, name, created_at, updated_at) VALUES (?, ?, 0, 0)";
        tx.execute(sql, params![id, format!("Plan {id}")]).unwrap();
        let sql = "INSERT INTO bouquets (id, name, created_at, updated_at) VALUES (?, ?, 0, 0)";
        tx.execute(sql, params![id, format!("Bouquet {id}")]).unwrap();
    }
    for id in 1..=40 {
        let sql = "INSERT INTO resellers (id, name, created_at, updated_at) VALUES (?, ?, 0, 0)";
        tx.execute(sql, params![id, format!("Reseller {id}")]).unwrap();
    }
    let sql = "INSERT INTO lines (username, password, expire_date, subscription_plan_id, reseller_id, disabled, banned, \
               is_trial, notes, created_at, updated_at) VALUES (?, 'secret', ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut insert = tx.prepare(sql).unwrap();
    let begun = now();
    for n in 1..=LINES {
        // A permutation, so that names are not in the order of ids.
        let name = format!("u{:07}", n * 7_919 % 10_000_019);
        let end = (n % 50 != 0).then(|| begun + (n * 37 % 600 - 200) * 86_400);
        let reseller = (n % 2 == 0).then(|| (n / 2 % 1_600).isqrt() + 1);
        let notes = if n % 10 == 0 { "pays in cash" } else { "" };
        insert
            .execute(params![
                name,
                end,
                n % 4 + 1,
                reseller,
                n % 41 == 0,
                n % 5_003 == 0,
                n % 300 == 0,
                notes,
                n,
                n
            ])
            .unwrap();
    }
    drop(insert);
    let sql = "INSERT INTO line_bouquets (line_id, place, bouquet_id) SELECT id, 0, id / 4 % 4 + 1 FROM lines WHERE id % 4 = 0";
    tx.execute(sql, []).unwrap();
    tx.commit().unwrap();
}

#[allow(clippy::disallowed_methods, reason = "subscriptions end around now")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_linecard"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder)
            .env("LINECARD_ADMIN_PASSWORD", PASSWORD)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("Linecard is listening on http://").map(str::to_owned));
        Self { child, address: address.expect("it listens") }
    }

    fn sign_in(&self) -> String {
        let body = format!("username=admin&password={PASSWORD}");
        let answer = self.ask(&format!(
            "POST /panel/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: \
             application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a session");
        cookie.split(';').next().unwrap().to_owned()
    }

    fn get(&self, path: &str, cookie: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: {cookie}\r\n\r\n"))
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A clean end moves the log into the file.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
