//! What billing systems send, beside what it is to be compared with in the same run:
//! `cargo bench --bench billing -- [bulk | classic | pocketbase] [small]`. Needs wrk and curl.
//!
//! `bulk`: line/bulk over 100,000 lines while line/new goes on, beside a bare rusqlite loop that writes the same rows.
//! `classic`: the classic API's user&sub=create beside line/new. `pocketbase`: line/new beside a record of PocketBase, which
//! scripts/bench-pocketbase fetches (POCKETBASE names another).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

mod common;

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use common::{
    KEY, Load, Server,
    creation::{event, fill, trail, transactions},
    median, quiet_disk, row, wrk,
};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

const SECONDS: u64 = 10;
const ROUNDS: usize = 3;
/// Lines that are changed.
const LINES: usize = 100_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let wanted = |part: &str| has(part) || !["bulk", "classic", "pocketbase"].into_iter().any(has);
    // To try the benchmark itself.
    let (seconds, rounds, lines) = if has("small") { (1, 1, 5_000) } else { (SECONDS, ROUNDS, LINES) };
    if wanted("bulk") {
        bulk(seconds, rounds, lines);
    }
    if wanted("classic") {
        classic(seconds, rounds);
    }
    if wanted("pocketbase") {
        pocketbase(seconds, rounds);
    }
}

fn bulk(seconds: u64, rounds: usize, lines: usize) {
    println!("line/bulk over {lines} lines while 64 connections send line/new");
    let (mut quiet, mut busy, mut rates, mut alone, mut bare) = (vec![], vec![], vec![], vec![], vec![]);
    for round in 0..rounds {
        bare.push(bare_updates(seconds, lines));
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), lines);
        let conn = Connection::open(folder.path().join("linecard.db")).unwrap();
        // By this they are told from those that are made meanwhile.
        conn.execute("UPDATE lines SET restreamer = 1", []).unwrap();
        drop(conn);
        let server = Server::start(folder.path(), &[]);
        quiet.push(new_lines(&server, seconds));
        let meanwhile = std::thread::scope(|scope| {
            let load = scope.spawn(|| {
                let longest = new_lines(&server, seconds);
                (longest, Instant::now())
            });
            std::thread::sleep(Duration::from_millis(500));
            let (begun, batch) = (Instant::now(), order(&server, &format!("under load {round}")));
            let (load, ended) = load.join().unwrap();
            let done = progress(&server, batch).0.min(lines);
            let busy_for = ended.duration_since(begun);
            let took = wait_for(&server, batch, begun);
            // Whichever came first: the end of the load or of the batch.
            let rate = if took <= busy_for {
                lines as f64 / took.as_secs_f64()
            } else {
                done as f64 / busy_for.as_secs_f64()
            };
            (load, rate)
        });
        busy.push(meanwhile.0);
        rates.push(meanwhile.1);
        quiet_disk();
        let begun = Instant::now();
        let batch = order(&server, &format!("alone {round}"));
        alone.push(lines as f64 / wait_for(&server, batch, begun).as_secs_f64());
    }
    let (quiet, busy, bare, rate, alone) =
        (median(quiet), median(busy), middle(bare), middle(rates), middle(alone));
    row("line/new, quiet", quiet, quiet);
    row("line/new during line/bulk", busy, quiet);
    println!(
        "  p99 during / quiet: {:.2} times (goal: under 3)",
        busy.p99.as_secs_f64() / quiet.p99.as_secs_f64()
    );
    println!("  bare rusqlite loop, the same rows          {bare:>9.0} rows/s");
    println!(
        "  line/bulk during line/new                  {rate:>9.0} rows/s  {:>5.2} of the loop (goal: 0.25)",
        rate / bare
    );
    println!(
        "  line/bulk alone                            {alone:>9.0} rows/s  {:>5.2} of the loop",
        alone / bare
    );
}

fn new_lines(server: &Server, seconds: u64) -> Load {
    wrk(
        &server.url("/api/line/new"),
        64,
        seconds,
        &format!("wrk.method='POST' wrk.body='api_key={KEY}' {FORM}"),
    )
}

const FORM: &str = "wrk.headers['Content-Type']='application/x-www-form-urlencoded'";

/// Orders a change of the lines that were there at first; the number of its batch.
fn order(server: &Server, notes: &str) -> i64 {
    let fields = format!("action=update&data[notes]={notes}&filter[restreamer]=1");
    call(server, "line/bulk", &fields)["batch_id"].as_i64().unwrap()
}

/// How many rows of a batch were changed, and whether it has ended.
fn progress(server: &Server, batch: i64) -> (usize, bool) {
    let told = call(server, "batches/info", &format!("id={batch}"));
    let batch = &told["batch"];
    assert_eq!(batch["failed"], 0, "{told}");
    (usize::try_from(batch["done"].as_i64().unwrap()).unwrap(), batch["state"] == "done")
}

fn wait_for(server: &Server, batch: i64, begun: Instant) -> Duration {
    while !progress(server, batch).1 {
        std::thread::sleep(Duration::from_millis(10));
        assert!(begun.elapsed() < Duration::from_mins(5), "{:?}", progress(server, batch));
    }
    begun.elapsed()
}

/// Rows a second of what line/bulk writes for each: the line, its row of the batch, audit trail and event.
fn bare_updates(seconds: u64, lines: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), lines);
    let conn = Connection::open(folder.path().join("linecard.db")).unwrap();
    let batch = "INSERT INTO batches (id, resource, action, edit, actor_kind, actor_id, actor, meant, created_at, updated_at) \
                 VALUES (1, 'line', 'update', '{}', 'api_key', 1, 'first key', 0, 1800000000, 1800000000)";
    conn.execute(batch, []).unwrap();
    drop(conn);
    let (mut id, mut times) = (0_i64, 0_i64);
    let mut before = String::from("before");
    transactions(folder.path(), Duration::from_secs(seconds), |tx| {
        id += 1;
        if usize::try_from(id).unwrap() > lines {
            (id, times) = (1, times + 1);
            before = format!("round {times}");
            tx.execute("DELETE FROM batch_rows", []).unwrap();
        }
        let after = format!("round {}", times + 1);
        let mut update = tx.prepare_cached(UPDATE).unwrap();
        let name = format!("line{id}");
        update.execute(params![name, after, 1_800_000_000 + times, id]).unwrap();
        let kept = KEPT.replace("NAME", &name);
        let mut done = tx.prepare_cached(DONE).unwrap();
        done.execute(params![id, name, kept, 1_800_000_000 + times]).unwrap();
        let shown = |notes: &str| format!("{{\"notes\":\"{notes}\"}}");
        trail(tx, "bulk", (id, &name), (&shown(&before), &shown(&after)));
        event(tx, "line.updated", (id, &name), (&shown(&before), &shown(&after)));
    })
}

const UPDATE: &str = "UPDATE lines SET username = ?, password = '0123456789', token = NULL, restreamer = 0, max_allowed_connections = 1, \
     expire_date = NULL, subscription_plan_id = NULL, reseller_id = NULL, disabled = 0, banned = 0, allowed_ips = '[]', \
     allowed_user_agents = '[]', allowed_outputs = '[]', catchup = 1, server_id = NULL, isp_lock = 0, isp_asn = NULL, is_trial = 0, \
     reference = '', email = '', reminders = 1, notes = ?, updated_at = ? WHERE id = ?";
const DONE: &str = "INSERT INTO batch_rows (batch_id, row_id, name, outcome, before, changed_at, reseller_id, credits) \
     VALUES (1, ?, ?, 'done', ?, ?, NULL, 0)";
/// A line as a batch keeps it.
const KEPT: &str = "{\"row\":{\"username\":\"NAME\",\"password\":\"0123456789\",\"token\":null,\"restreamer\":0,\
     \"max_allowed_connections\":1,\"expire_date\":null,\"subscription_plan_id\":null,\"reseller_id\":null,\"disabled\":0,\
     \"banned\":0,\"allowed_ips\":[],\"allowed_user_agents\":[],\"allowed_outputs\":[],\"catchup\":1,\"server_id\":null,\
     \"isp_lock\":0,\"isp_asn\":null,\"is_trial\":0,\"reference\":\"\",\"email\":\"\",\"reminders\":1,\"notes\":\"before\",\
     \"bouquets\":[]},\"created_at\":1800000000,\"updated_at\":1800000000}";

fn classic(seconds: u64, rounds: usize) {
    println!("user&sub=create of the classic API beside line/new, 64 connections");
    let (mut new, mut create) = (vec![], vec![]);
    for _ in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &[]);
        call(&server, "settings/update", "data[classic_api]=1&data[classic_api_allow][]=127.0.0.1");
        new.push(new_lines(&server, seconds));
        let script = format!("wrk.method='POST' wrk.body='user_data[max_connections]=1' {FORM}");
        create.push(wrk(&server.url("/api.php?action=user&sub=create"), 64, seconds, &script));
    }
    let (new, create) = (median(new), median(create));
    row("line/new", new, new);
    row("user&sub=create (goal: 0.9)", create, new);
}

fn pocketbase(seconds: u64, rounds: usize) {
    println!("line/new beside a record of PocketBase with a unique username, 64 connections");
    let (mut ours, mut theirs) = (vec![], vec![]);
    for _ in 0..rounds {
        let folder = tempfile::tempdir().unwrap();
        ours.push(new_lines(&Server::start(folder.path(), &[]), seconds));
        let server = PocketBase::start();
        theirs.push(wrk(&format!("{}/api/collections/lines/records", server.url), 64, seconds, RECORD));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    row("PocketBase", theirs, theirs);
    row("line/new (goal: 10)", ours, theirs);
}

const RECORD: &str = "wrk.method='POST' wrk.headers['Content-Type']='application/json' math.randomseed(os.time()) \
     function request() return wrk.format(nil, nil, nil, \
     string.format('{\"username\":\"%08x%08x\",\"password\":\"0123456789\"}', math.random(0, 2^31 - 1), math.random(0, 2^31 - 1))) end";

/// A PocketBase with its defaults and a collection `lines`, which anybody may add to.
struct PocketBase {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl PocketBase {
    fn start() -> Self {
        let program = std::env::var("POCKETBASE").unwrap_or_else(|_| {
            let fetched = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/bench-pocketbase"))
                .output()
                .unwrap();
            assert!(fetched.status.success(), "{}", String::from_utf8_lossy(&fetched.stderr));
            let told = String::from_utf8(fetched.stdout).unwrap();
            Path::new(env!("CARGO_MANIFEST_DIR")).join(told.trim()).to_str().unwrap().to_owned()
        });
        let folder = tempfile::tempdir().unwrap();
        let dir = format!("--dir={}", folder.path().display());
        let (who, password) = ("bench@example.com", "bench-password-0123456789");
        let made =
            Command::new(&program).args(["superuser", "upsert", who, password, &dir]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(&program)
            .args(["serve", &format!("--http={port}"), &dir])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, url: format!("http://{port}"), _folder: folder };
        let begun = Instant::now();
        while curl(&[&format!("{}/api/health", server.url)]).is_none() {
            std::thread::sleep(Duration::from_millis(50));
            assert!(begun.elapsed() < Duration::from_secs(30), "PocketBase does not answer");
        }
        let send = |path: &str, token: &str, body: &Value| {
            let (url, body) = (format!("{}{path}", server.url), body.to_string());
            let token = format!("Authorization: {token}");
            curl(&["-H", "Content-Type: application/json", "-H", &token, "-d", &body, &url]).unwrap()
        };
        let signed_in = send(
            "/api/collections/_superusers/auth-with-password",
            "",
            &json!({ "identity": who, "password": password }),
        );
        let token = signed_in["token"].as_str().unwrap();
        let text = |name: &str| json!({ "name": name, "type": "text" });
        let collection = json!({
            "name": "lines", "type": "base", "createRule": "", "fields": [text("username"), text("password")],
            "indexes": ["CREATE UNIQUE INDEX lines_username ON lines (username)"],
        });
        let made = send("/api/collections", token, &collection);
        assert_eq!(made["name"], "lines", "{made}");
        server
    }
}

impl Drop for PocketBase {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn call(server: &Server, name: &str, fields: &str) -> Value {
    let (url, body) = (server.url(&format!("/api/{name}")), format!("api_key={KEY}&{fields}"));
    let told = curl(&["-d", &body, &url]).unwrap();
    assert_eq!(told["result"], true, "{told}");
    told
}

fn curl(arguments: &[&str]) -> Option<Value> {
    let output = Command::new("curl").args(["-sS", "-g"]).args(arguments).output().unwrap();
    serde_json::from_slice(&output.stdout).ok()
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
