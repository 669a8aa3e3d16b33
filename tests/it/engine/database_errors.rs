//! A statement that fails: what the caller is told, what the Panel Error Log keeps, what stays whole.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{KEY, TestServer};

/// A server whose every new MAG fails inside the database.
fn broken() -> TestServer {
    let server = TestServer::start().expecting("no such table: main.nowhere");
    let file = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    file.busy_timeout(Duration::from_secs(5)).expect("set");
    file.execute_batch(
        "CREATE TRIGGER broken AFTER INSERT ON mags BEGIN INSERT INTO nowhere VALUES (1); END",
    )
    .expect("a trigger");
    server
}

/// The Panel Error Log as soon as it holds that many rows: it is written a moment after the answer.
fn kept(server: &TestServer, rows: u64) -> Value {
    let until = Instant::now() + Duration::from_secs(3);
    loop {
        let kept = server.done("logs/list", "kind=error");
        if kept["total"].as_u64() == Some(rows) {
            return kept;
        }
        assert!(Instant::now() < until, "{kept}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_failed_statement_is_told_without_sql_and_kept_in_the_panel_error_log() {
    let server = broken();
    let text = server.refused("mag/new", "data[mac_address]=00:1A:79:00:00:01&data[notes]=S3cretNote");
    assert!(text.starts_with("Database error: ") && text.contains("LOGS -> Panel Error Log"), "{text}");
    let data = server.data().display().to_string();
    for word in ["nowhere", "INSERT", "SELECT", "mags", ".db", data.as_str()] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let kept = kept(&server, 1);
    let row = &kept["logs"][0];
    let who = (&row["resource"], &row["action"], &row["actor"], &row["address"]);
    assert_eq!(who, (&json!("mag"), &json!("new"), &json!("first key"), &json!("127.0.0.1")));
    assert!(row["at"].as_i64().is_some_and(|at| at > 1_700_000_000));
    assert!(text.contains(row["reference"].as_str().expect("a text")), "{text} {row}");
    assert!(row["detail"].as_str().is_some_and(|detail| detail.contains("nowhere")), "{row}");
    for written in [server.log(), kept.to_string()] {
        assert!(!written.contains("S3cretNote") && !written.contains(KEY), "{written}");
    }
}

#[test]
fn a_failed_statement_leaves_nothing_and_everything_else_goes_on() {
    let server = broken();
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=50");
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=5");
    let audited = || server.done("logs/list", "kind=audit&resource=mag")["total"].clone();
    let call = "data[mac_address]=00:1A:79:00:00:01&data[reseller_id]=1&data[subscription_plan_id]=1";
    std::thread::scope(|scope| {
        for n in 0..6 {
            let server = &server;
            scope.spawn(move || server.done("line/new", &format!("data[username]=user{n}")));
            scope.spawn(move || server.refused("mag/new", call));
        }
    });
    assert_eq!((server.done("mag/list", "")["total"].clone(), audited()), (json!(0), json!(0)));
    assert_eq!(server.done("resellers/list", "")["resellers"][0]["credits"], 50);
    assert_eq!(server.done("line/list", "")["total"], 6, "their neighbours in the queue are written");
    kept(&server, 6);
}
