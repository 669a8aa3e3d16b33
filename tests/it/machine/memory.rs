//! What the program keeps of memory that it needed for a moment.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    TestServer,
    set::{MAC, Set},
    tv::Player,
};

/// Channels of a long list.
const CHANNELS: usize = 20_000;

/// `VmRSS` and `VmHWM` of a process, in KiB.
fn memory(server: &TestServer) -> (i64, i64) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("its status");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the field");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    };
    (field("VmRSS:"), field("VmHWM:"))
}

#[test]
fn logins_leave_no_memory_behind() {
    let server = TestServer::start();
    server.done("settings/update", "data[failure_limit]=0");
    let log_in = |name: &str| {
        let body = format!("username={name}&password=wrong-password");
        server.curl("/panel/login", &["-o", "/dev/null", "-d", &body]).0
    };
    // The hash that nobody has is made by the first.
    log_in("first");
    let (before, _) = memory(&server);
    thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || (0..8).for_each(|n| assert_eq!(log_in(&format!("n{worker}-{n}")), 401)));
        }
    });
    let (after, most) = memory(&server);
    assert!(after - before < 10_000, "{before} KiB before, {after} after");
    assert!(most - before < 50_000, "{before} KiB before, {most} at the most");
}

/// A server with a bouquet of 20,000 channels, the line `bob` and a MAG that have it.
fn with_many_channels() -> TestServer {
    let server = TestServer::start();
    server.done("categories/new", "data[name]=News");
    server.done("bouquets/new", "data[name]=All");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    let folder = server.kill();
    let open = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("the database");
    open.execute_batch(&format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {CHANNELS}) \
         INSERT INTO streams (id, name, category_id, server_id, logo_url, created_at, updated_at) \
         SELECT n, 'Channel \"' || n, iif(n % 2, 1, NULL), NULL, 'http://logos.example/' || n || '.png', 1, 1 FROM n; \
         INSERT INTO bouquet_streams (bouquet_id, place, stream_id) SELECT 1, id, id FROM streams;"
    ))
    .expect("channels");
    drop(open);
    TestServer::on(folder, &[])
}

/// The memory of a server, once its first jobs are done.
fn settled(server: &TestServer) -> (i64, i64) {
    let mut quiet = 0;
    let mut last = memory(server);
    while quiet < 5 {
        thread::sleep(Duration::from_millis(400));
        let now = memory(server);
        quiet = if now.0 - last.0 < 500 { quiet + 1 } else { 0 };
        last = now;
    }
    last
}

/// Seconds of processor that a server has used.
fn processor(server: &TestServer) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("it runs");
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let ticks: u32 =
        fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u32>().expect("a number")).sum();
    f64::from(ticks) / 100.0
}

#[test]
fn long_lists_are_never_in_memory_as_a_whole() {
    let server = with_many_channels();
    let set = Set::on(&server, MAC);
    let (before, most_before) = settled(&server);
    let is_over = AtomicBool::new(false);
    let all = thread::scope(|scope| {
        let longest = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                assert_eq!(server.curl("/healthz", &[]).0, 200);
                longest = longest.max(asked.elapsed());
            }
            longest
        });
        let all = set.js("type=itv&action=get_all_channels");
        for path in ["/player_api.php?action=get_live_streams&", "/panel_api.php?"] {
            let (status, list) = server.curl(&format!("{path}username=bob&password=pw"), &[]);
            let list = list.get("available_channels").unwrap_or(&list);
            let count = list.as_array().map_or_else(|| list.as_object().map_or(0, |all| all.len()), Vec::len);
            assert_eq!((status, count), (200, CHANNELS), "{path}");
        }
        is_over.store(true, Ordering::Relaxed);
        let longest = longest.join().expect("answers");
        assert!(longest < Duration::from_secs(3), "/healthz took {longest:?}");
        all
    });
    let (after, most) = memory(&server);
    assert!(after - before < 60_000, "{before} KiB before, {after} after");
    assert!(most - most_before < 60_000, "{most_before} KiB at the most before, {most} after");

    let rows = all["data"].as_array().expect("a list");
    assert_eq!((rows.len(), &all["total_items"]), (CHANNELS, &Value::from(CHANNELS)));
    let numbers: Vec<usize> = rows.iter().filter_map(|row| row["number"].as_str()?.parse().ok()).collect();
    assert_eq!(numbers, (1..=CHANNELS).collect::<Vec<_>>());
    let used = processor(&server);
    for page in [1, 2, 700, 1429] {
        let shown = set.js(&format!("type=itv&action=get_ordered_list&genre=*&p={page}"));
        let part: Vec<_> = rows.iter().skip((page - 1) * 14).take(14).cloned().collect();
        assert_eq!(shown["data"], Value::from(part), "page {page}");
    }
    let used = processor(&server) - used;
    // A list made for every page takes some seconds without optimisation.
    assert!(used < 1.5, "four pages took {used} seconds of processor");
}

#[test]
fn a_viewer_fetches_four_long_lists_at_once() {
    let server = with_many_channels();
    let set = Set::on(&server, MAC);
    let portal = format!(
        "GET /portal.php?type=itv&action=get_all_channels HTTP/1.1\r\nHost: tv.example\r\nCookie: mac={MAC}\r\n\
         Authorization: Bearer {}\r\n\r\n",
        set.token
    );
    let player = "GET /player_api.php?username=bob&password=pw&action=get_live_streams HTTP/1.1\r\nHost: tv.example\r\n\r\n";
    for request in [portal.as_str(), player] {
        // Nothing but the heads is read.
        let mut fetching: Vec<Player> = (0..4).map(|_| Player::send(&server, request)).collect();
        assert!(fetching.iter().all(|player| player.status == 200));
        assert_eq!(Player::send(&server, request).status, 429, "{request}");
        fetching.pop();
        crate::support::tv::within(10, "there is room again", || {
            Player::send(&server, request).status == 200
        });
    }
}
