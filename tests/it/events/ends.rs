//! Events that time makes: ends that come near and that come, after a stop as well, and never twice.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::TestServer;

#[allow(clippy::disallowed_methods, reason = "tests read the clock that the server reads")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("seconds")
}

/// What events tell of ends: type, name and days.
fn told(server: &TestServer) -> Vec<String> {
    let types = "line.expiring,line.expired,mag.expiring,mag.expired";
    let answer = server.done("events/list", &format!("limit=1000&types={types}"));
    let line = |event: &Value| {
        let days = &event["data"]["after"]["days"];
        format!("{} {} {days}", event["type"].as_str().unwrap(), event["key"].as_str().unwrap())
    };
    answer["events"].as_array().unwrap().iter().map(line).collect()
}

fn wait_for(server: &TestServer, count: usize) -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let told = told(server);
        if told.len() >= count || Instant::now() > until {
            return told;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The first look sets where it begins.
fn wait_for_watches(server: &TestServer, watches: i64) {
    let until = Instant::now() + Duration::from_secs(20);
    let begun = || {
        let file = rusqlite::Connection::open(server.data().join("linecard.db")).expect("a file");
        file.query_row("SELECT count(*) FROM end_events", [], |row| row.get::<_, i64>(0)).unwrap() == watches
    };
    while !begun() {
        assert!(Instant::now() < until, "nobody watches ends");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn sql(folder: &tempfile::TempDir, sql: &str) {
    let file = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("a file");
    file.execute_batch(sql).expect(sql);
}

#[test]
fn ends_are_told_once_for_each_number_also_after_a_stop() {
    let server = TestServer::start();
    server.done("settings/update", "data[expiring_days]=1,7");
    assert_eq!(server.done("settings/get", "")["settings"]["expiring_days"], "7,1");
    wait_for_watches(&server, 6);
    let soon = now() + 4;
    server.done("line/new", &format!("data[username]=soon&data[reference]=S-7&data[expire_date]={soon}"));
    server.done(
        "mag/new",
        &format!("data[mac_address]=00:1A:79:00:00:01&data[expire_date]={}", soon + 7 * 86_400),
    );
    server.done("line/new", &format!("data[username]=later&data[expire_date]={}", now() + 40 * 86_400));
    let both = ["line.expired soon null", "mag.expiring 00:1A:79:00:00:01 7"];
    let mut seen = wait_for(&server, 2);
    seen.sort_unstable();
    assert_eq!(seen, both);
    let ended = server.done("events/list", "types=line.expired")["events"][0].clone();
    assert_eq!(ended["reference"], "S-7");

    // Two weeks without a server, of which its clock knows: it catches up.
    let folder = server.stop();
    sql(&folder, "UPDATE lines SET expire_date = expire_date - 1209600; UPDATE mags SET expire_date = expire_date - 1209600;
                  UPDATE end_events SET told_to = told_to - 1209600;");
    sql(&folder, &format!("INSERT INTO lines (username, password, expire_date, created_at, updated_at)
        VALUES ('past', 'x', {0} - 86400, 1, 1), ('tomorrow', 'x', {0} + 80000, 1, 1), ('week', 'x', {0} + 500000, 1, 1)", now()));
    let server = TestServer::on(folder, &[]);
    let mut seen = wait_for(&server, 7);
    seen.sort_unstable();
    let mut expected = both.map(str::to_owned).to_vec();
    expected.extend(
        [
            "line.expired past null",
            "line.expiring tomorrow 1",
            "line.expiring tomorrow 7",
            "line.expiring week 7",
            "mag.expired 00:1A:79:00:00:01 null",
        ]
        .map(str::to_owned),
    );
    expected.sort_unstable();
    assert_eq!(seen, expected);

    // Killed and started again, and with the clock of the log set back: nothing twice.
    let folder = server.kill();
    let server = TestServer::on(folder, &[]);
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(told(&server).len(), 7);
    // A new end is told anew.
    server.done("line/update", &format!("username=soon&data[expire_date]={}", now() + 2));
    assert!(wait_for(&server, 8).contains(&"line.expired soon null".to_owned()));
}

#[test]
fn an_end_that_is_set_into_the_past_is_told_once() {
    let server = TestServer::start();
    wait_for_watches(&server, 6);
    for (name, ago) in [("second", 1), ("minute", 60), ("hour", 3_600)] {
        let new = format!("data[username]={name}&data[expire_date]={}", now() + 9 * 86_400);
        server.done("line/new", &new);
        server.done("line/update", &format!("username={name}&data[expire_date]={}", now() - ago));
    }
    server.done("line/new", &format!("data[username]=late&data[expire_date]={}", now() - 100));
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01");
    let id = server.done("mag/info", "mac_address=00:1A:79:00:00:01")["mag_info"]["id"].clone();
    let bulk = format!("ids[]={id}&action=update&data[expire_date]={}", now() - 100);
    server.done("mag/bulk", &bulk);
    let mut seen = wait_for(&server, 5);
    seen.sort_unstable();
    let lines = ["hour", "late", "minute", "second"].map(|name| format!("line.expired {name} null"));
    assert_eq!(seen, [&lines[..], &["mag.expired 00:1A:79:00:00:01 null".to_owned()]].concat());
    // It had ended before.
    server.done("line/update", &format!("username=hour&data[expire_date]={}", now() - 7_200));
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(told(&server).len(), 5);
}

#[test]
fn a_restored_database_is_another_log_behind_a_gap() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=before");
    let log = server.done("events/list", "limit=1000");
    let backup = server.data().join("backup.db");
    let file = rusqlite::Connection::open(server.data().join("linecard.db")).expect("a file");
    file.execute("VACUUM INTO ?", [backup.to_str().unwrap()]).expect("a backup");
    drop(file);
    server.done("line/new", "data[username]=lost");
    let folder = server.stop();
    // The same database again is the same log.
    let server = TestServer::on(folder, &[]);
    assert_eq!(server.done("events/list", "")["log_id"], log["log_id"]);
    let folder = server.stop();

    let check = |server: TestServer| {
        let now = server.done("events/list", "limit=1000");
        assert_ne!(now["log_id"], log["log_id"]);
        server.done("line/new", "data[username]=after");
        let last = log["last_id"].as_i64().unwrap();
        let after = server.done("events/list", &format!("after={last}&types=line.*"));
        let id = after["events"][0]["id"].as_i64().unwrap();
        assert!(id > last + 1_000_000 && after["events"][0]["key"] == "after", "{after}");
        server
    };
    // In another folder, and over the old one.
    let other = tempfile::tempdir().expect("a folder");
    let restore = |to: &std::path::Path| {
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(to.join(format!("linecard.db{end}")));
        }
        std::fs::copy(&backup, to.join("linecard.db")).expect("a copy");
    };
    std::fs::copy(folder.path().join("backup.db"), other.path().join("linecard.db")).expect("a copy");
    check(TestServer::on(other, &[]));
    restore(folder.path());
    check(TestServer::on(folder, &[]));
}
