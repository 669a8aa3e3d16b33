//! What a start finds that went wrong before it: a clock that had leapt, a server that was killed.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    support::{
        KEY, TestServer, linecard,
        panel::{PASSWORD, Panel},
        tv::{Player, fill, put_picture, within},
    },
    viewing::viewing_faults::library_of,
};

/// Starts a server whose clock is off by so much, such as `+366d`.
fn server_at(folder: tempfile::TempDir, off: &str) -> TestServer {
    let library = library_of("libfaketime.so.1");
    let environment = [
        ("LD_PRELOAD", library.as_path()),
        ("FAKETIME", Path::new(off)),
        ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
        ("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD)),
    ];
    TestServer::with(folder, &[], &environment)
}

/// Starts a server whose clock is off by what stands in that file.
pub fn server_by(folder: tempfile::TempDir, clock: &Path) -> TestServer {
    let library = library_of("libfaketime.so.1");
    let environment = [
        ("LD_PRELOAD", library.as_path()),
        ("FAKETIME_TIMESTAMP_FILE", clock),
        ("FAKETIME_NO_CACHE", Path::new("1")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
    ];
    TestServer::with(folder, &[], &environment)
}

fn pay(server: &TestServer, key: &str) -> Value {
    let (header, body) = (format!("Idempotency-Key: {key}"), format!("api_key={KEY}&id=1&credits=50"));
    let (status, answer) = server.curl("/api/resellers/add_credits", &["-H", &header, "-d", &body]);
    assert_eq!((status, &answer["result"]), (200, &json!(true)), "{answer}");
    answer
}

fn total(server: &TestServer, body: &str) -> i64 {
    server.done("logs/list", body)["total"].as_i64().expect("a total")
}

fn execute(folder: &Path, sql: &str) {
    let open = rusqlite::Connection::open(folder.join("linecard.db")).expect("the database");
    open.execute_batch(sql).expect("done");
}

#[test]
fn a_start_with_a_clock_that_is_a_year_ahead_deletes_nothing_and_pays_nothing_twice() {
    let server = server_at(tempfile::tempdir().expect("a folder"), "+0");
    server.done("resellers/new", "data[name]=North");
    let paid = pay(&server, "invoice-7");
    let panel = Panel::admin(&server);
    assert!(!panel.get("/panel/").contains("The clock has jumped"));
    let audit = total(&server, "kind=audit");

    let server = server_at(server.stop(), "+366d");
    assert_eq!(pay(&server, "invoice-7"), paid);
    let panel = Panel::admin(&server);
    let dashboard = panel.get("/panel/");
    assert!(
        dashboard.contains("The clock has jumped") && dashboard.contains("366 days ahead"),
        "{dashboard}"
    );
    within(10, "it is told", || server.log().contains("Nothing is deleted because of its age"));
    assert_eq!(total(&server, "kind=audit"), audit);
    assert_eq!(server.done("resellers/list", "")["resellers"][0]["credits"], 50);

    // The clock is right again: as if nothing had been, but for who signed in meanwhile.
    let folder = server.stop();
    let sessions = |folder: &Path| -> i64 {
        let open = rusqlite::Connection::open(folder.join("linecard.db")).expect("the database");
        open.query_row("SELECT count(*) FROM panel_sessions", [], |row| row.get(0)).expect("a count")
    };
    assert_eq!(sessions(folder.path()), 2, "the session from before is not deleted");
    let server = server_at(folder, "+0");
    assert_eq!(pay(&server, "invoice-7"), paid);
    assert_eq!(total(&server, "kind=audit"), audit);
    assert!(!Panel::admin(&server).get("/panel/").contains("The clock has jumped"));
}

#[test]
fn a_session_made_while_the_clock_was_ahead_is_none_when_it_is_right_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::with(folder, &[], &[("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))]);
    let panel = Panel::admin(&server);
    panel.get("/panel/");
    let ahead = |seconds: i64| {
        let change =
            "UPDATE panel_sessions SET (created_at, last_seen_at) = (SELECT t, t FROM (SELECT unixepoch() + ";
        execute(server.data(), &format!("{change}{seconds} AS t))"));
    };
    ahead(60);
    panel.get("/panel/");
    ahead(3 * 86_400);
    assert_eq!(panel.ask("/panel/").status, 303);
}

#[test]
fn a_clock_that_is_confirmed_is_believed() {
    let server = server_at(tempfile::tempdir().expect("a folder"), "+0");
    server.done("resellers/new", "data[name]=North");
    pay(&server, "k");
    let server = server_at(server.stop(), "+3d");
    assert_eq!(pay(&server, "k")["credits"], 50);
    let panel = Panel::admin(&server);
    assert!(panel.get("/panel/").contains("3 days ahead"));
    assert!(panel.done("/panel/confirm-clock", &[]).contains("The clock was confirmed."));
    assert!(!panel.get("/panel/").contains("The clock has jumped"));
    assert_eq!(pay(&server, "k")["credits"], 100, "an answer of three days ago is over");
    assert_eq!(total(&server, "kind=audit&action=confirm_clock"), 1);

    let server = server_at(server.stop(), "+0");
    assert!(Panel::admin(&server).get("/panel/").contains("behind"));
    let (code, _, why) = linecard(server.data(), &["confirm-clock"]);
    assert_eq!(code, 0, "{why}");
    let server = server_at(server.stop(), "+0");
    assert!(!Panel::admin(&server).get("/panel/").contains("The clock has jumped"));
}

#[test]
fn what_was_paid_by_a_clock_that_was_behind_is_not_paid_again_once_it_is_right() {
    let server = server_at(tempfile::tempdir().expect("a folder"), "+0");
    server.done("resellers/new", "data[name]=North");
    let credits = |server: &TestServer| {
        server.done("resellers/list", "")["resellers"][0]["credits"].as_i64().expect("credits")
    };
    // Over a restart.
    let server = server_at(server.stop(), "-400d");
    let paid = pay(&server, "restart");
    let server = server_at(server.stop(), "+0");
    assert_eq!((pay(&server, "restart"), credits(&server)), (paid, 50));

    // From the first start on, until somebody says that the clock is right.
    let first = server_at(tempfile::tempdir().expect("a folder"), "-330d");
    first.done("resellers/new", "data[name]=North");
    let paid = pay(&first, "k");
    let folder = first.stop();
    let (code, _, why) = linecard(folder.path(), &["confirm-clock"]);
    assert_eq!(code, 0, "{why}");
    let first = server_at(folder, "+0");
    assert_eq!((pay(&first, "k"), credits(&first)), (paid, 50));

    // While the server runs: from a start behind what is known, and from one that nobody could doubt.
    for (folder, key) in [(server.stop(), "running"), (tempfile::tempdir().expect("a folder"), "first")] {
        let clock = tempfile::NamedTempFile::new().expect("a file");
        let set = |off: &str| std::fs::write(clock.path(), off).expect("the clock is set");
        set("-2d");
        let server = server_by(folder, clock.path());
        if key == "first" {
            server.done("resellers/new", "data[name]=North");
        }
        let before = credits(&server);
        let paid = pay(&server, key);
        set("+0");
        assert_eq!((pay(&server, key), credits(&server)), (paid.clone(), before + 50), "{key}: at once");
        let ageless = || -> i64 {
            let open = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
            let sql = "SELECT count(*) FROM idempotency WHERE created_at < unixepoch('now', '-1 day')";
            open.query_row(sql, [], |row| row.get(0)).expect("a count")
        };
        within(10, "it does not age by the leap", || ageless() == 0);
        let folder = server.stop();
        let (code, _, why) = linecard(folder.path(), &["confirm-clock"]);
        assert_eq!(code, 0, "{why}");
        let server = server_at(folder, "+0");
        assert_eq!((pay(&server, key), credits(&server)), (paid, before + 50), "{key}: later");
    }
}

#[test]
fn rows_from_the_future_hold_up_no_retention() {
    let folder = TestServer::start().stop();
    let rows = |at: &str, count: u32| {
        format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count}) INSERT INTO audit_log \
             (at, actor_kind, actor, resource, action) SELECT unixepoch('now', '{at}'), 'linecard', 'x', 'line', 'old' FROM n;"
        )
    };
    let old = rows("-400 days", 600);
    execute(
        folder.path(),
        &format!("DELETE FROM audit_log; {old}{}{old}{}", rows("+366 days", 700), rows("-1 days", 5)),
    );
    execute(folder.path(), "DELETE FROM heartbeat; INSERT INTO heartbeat VALUES (1, unixepoch('now'))");
    let server = TestServer::on(folder, &[]);
    within(20, "the old ones go", || total(&server, "kind=audit&action=old") == 705);
}

#[test]
fn sessions_that_were_open_when_the_server_was_killed_are_in_the_history() {
    let folder = tempfile::tempdir().expect("a folder");
    put_picture(folder.path());
    let server = TestServer::on(folder, &[]);
    fill(&server, 1);
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    let closed = Player::get(&server, "/live/bob/pw/1", "closed before");
    drop(closed);
    let mut players: Vec<Player> =
        (0..3).map(|number| Player::get(&server, "/live/bob/pw/1", &format!("VLC {number}"))).collect();
    for player in &mut players {
        player.read(188 * 100);
    }
    within(30, "one has ended", || total(&server, "kind=connection") == 1);
    let kept = |folder: &Path| -> i64 {
        let open = rusqlite::Connection::open(folder.join("linecard.db")).expect("the database");
        open.query_row("SELECT count(*) FROM open_sessions", [], |row| row.get(0)).expect("a count")
    };
    within(30, "all are written down", || kept(server.data()) == 3);
    let server = TestServer::on(server.kill(), &[]);
    drop(players);
    within(20, "they are in the history", || total(&server, "kind=connection") == 4);
    let rows = server.done("logs/list", "kind=connection");
    for row in rows["logs"].as_array().expect("a list") {
        let is_last = row["user_agent"].as_str().is_some_and(|agent| agent.starts_with("VLC "));
        let reason = if is_last { "crash" } else { "closed" };
        assert_eq!((&row["reason"], &row["subscriber"]), (&json!(reason), &json!("bob")), "{row}");
        assert!(row["at"].as_i64() >= row["started_at"].as_i64(), "{row}");
    }
    // A server that is stopped leaves nothing open.
    let mut player = Player::get(&server, "/live/bob/pw/1", "stopped");
    player.read(188 * 10);
    within(30, "it is written down", || kept(server.data()) == 1);
    let server = TestServer::on(server.stop(), &[]);
    assert_eq!(total(&server, "kind=connection"), 5);
    assert_eq!(total(&server, "kind=connection&reason=shutdown"), 1);
}

#[test]
fn a_clock_that_leaps_while_the_server_runs_is_told_once_in_the_log() {
    let clock = tempfile::NamedTempFile::new().expect("a file");
    let set = |off: &str| std::fs::write(clock.path(), off).expect("the clock is set");
    set("+0");
    let server = server_by(tempfile::tempdir().expect("a folder"), clock.path());
    let told = |words: &str| server.log().matches(words).count();
    assert_eq!(told("The clock of this machine"), 0);
    set("+3d");
    within(10, "it is told", || {
        told("3 days ahead of the time when Linecard last ran. Nothing is deleted") == 1
    });
    server.done("line/list", "");
    set("+0");
    within(10, "and its end", || told("The clock of this machine is trusted again") == 1);
    assert_eq!(told("3 days ahead"), 1, "{}", server.log());
}

#[test]
fn what_was_done_while_the_clock_was_behind_stays_in_the_audit_trail_once_it_is_right() {
    // The clock was right before.
    let server = server_at(tempfile::tempdir().expect("a folder"), "+0");
    server.done("line/new", "data[username]=before");
    let server = server_at(server.stop(), "-400d");
    server.done("line/new", "data[username]=behind");
    let rows = total(&server, "kind=audit");
    let server = server_at(server.stop(), "+0");
    server.done("line/new", "data[username]=after");
    within(10, "it is trusted", || {
        let open = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
        let sql = "SELECT count(*) FROM doubted_rows WHERE at IS NOT NULL";
        open.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a count") == 6
    });
    assert_eq!(total(&server, "kind=audit"), rows + 1);
    let server = server_at(server.stop(), "+0");
    assert_eq!(total(&server, "kind=audit"), rows + 1, "nor at the next start");

    // It was never right, and somebody says that it is now.
    let server = server_at(tempfile::tempdir().expect("a folder"), "-330d");
    server.done("settings/update", "data[audit_retention_days]=180");
    server.done("line/new", "data[username]=first");
    let rows = total(&server, "kind=audit");
    let server = server_at(server.stop(), "+0");
    Panel::admin(&server).done("/panel/confirm-clock", &[]);
    let server = server_at(server.stop(), "+0");
    server.done("line/list", "");
    assert_eq!(total(&server, "kind=audit"), rows + 1, "and that it was confirmed");
}
