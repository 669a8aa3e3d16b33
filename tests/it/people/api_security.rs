//! `security/...`: limits on failures, addresses that are shut out, and letting them in again.

use serde_json::{Value, json};

use crate::support::TestServer;

const WRONG: &str = "wrong-key-9876543210";

fn server() -> TestServer {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.0/8"]);
    server.done("settings/whitelist_add", "address=203.0.113.0/24");
    server.done("settings/whitelist_add", "address=2001:db8::/32");
    server
}

/// Asks from an address; the status.
fn from(server: &TestServer, address: &str, key: &str) -> u16 {
    let (forwarded, bearer) = (format!("X-Forwarded-For: {address}"), format!("Authorization: Bearer {key}"));
    server.curl("/api/line/list", &["-H", &forwarded, "-H", &bearer]).0
}

fn guess(server: &TestServer, address: &str, times: usize) {
    for _ in 0..times {
        assert_eq!(from(server, address, WRONG), 401);
    }
}

fn blocks(server: &TestServer, body: &str) -> Vec<Value> {
    server.done("security/blocks", body)["blocks"].as_array().expect("a list").clone()
}

#[test]
fn limits_of_every_face_are_shown_as_they_are_set() {
    let server = server();
    let limits = |server: &TestServer| server.done("security/blocks", "")["limits"].clone();
    let of = |face: &str, failures: i64, window: i64, block: i64| json!({ "face": face, "failure_limit": failures, "failure_window": window, "block_seconds": block });
    let (api, classic) = (of("api", 10, 60, 60), of("classic_api", 10, 60, 60));
    assert_eq!(
        limits(&server),
        json!([
            api,
            classic,
            of("player", 20, 300, 600),
            of("stray", 20, 300, 600),
            of("portal", 20, 300, 600),
            of("panel", 20, 300, 600)
        ])
    );
    server.done("settings/update", "data[failure_limit]=5&data[failure_window]=30&data[block_seconds]=90");
    assert_eq!(
        limits(&server),
        json!([
            api,
            classic,
            of("player", 5, 30, 90),
            of("stray", 5, 30, 90),
            of("portal", 5, 30, 90),
            of("panel", 5, 30, 90)
        ])
    );
}

#[test]
fn an_address_that_guesses_is_listed_shut_out_and_let_in_again() {
    let server = server();
    assert_eq!(server.done("security/blocks", "")["total"], 0);
    guess(&server, "203.0.113.9", 10);
    guess(&server, "203.0.113.8", 3);
    assert_eq!(from(&server, "203.0.113.9", WRONG), 429);
    let listed = blocks(&server, "");
    let few = json!({
        "face": "api", "address": "203.0.113.8", "username": null, "failures": 3,
        "blocked": 0, "seconds_left": 0, "blocked_until": null,
    });
    assert_eq!((listed.len(), &listed[0]), (2, &few));
    assert_eq!((&listed[1]["address"], &listed[1]["failures"]), (&json!("203.0.113.9"), &json!(10)));
    let left = listed[1]["seconds_left"].as_i64().expect("seconds");
    assert!(listed[1]["blocked"] == 1 && (1..=60).contains(&left), "{listed:?}");
    let now = server.done("line/new", "")["created_id"].as_i64().expect("an id");
    let line =
        server.done("line/list", &format!("id={now}"))["lines"][0]["created_at"].as_i64().expect("a time");
    let until = listed[1]["blocked_until"].as_i64().expect("a time");
    assert!((line + left - 3..=line + left).contains(&until), "{until} is not about {line} + {left}");

    let answer = server.done("security/unblock", "address=203.0.113.9");
    assert_eq!(answer, json!({ "result": true, "address": "203.0.113.9" }));
    assert_eq!(blocks(&server, ""), [few]);
    assert_eq!(server.refused("security/unblock", "address=203.0.113.9"), "Block does not exist");
    let audit = server.done("logs/list", "kind=audit&resource=security");
    assert_eq!(audit["total"], 1, "{audit}");
    let row = &audit["logs"][0];
    assert_eq!((&row["action"], &row["target"]), (&json!("unblock"), &json!("203.0.113.9")));
    assert_eq!((&row["before"], &row["after"]), (&json!({ "api": 10 }), &json!({})));
}

#[test]
fn a_v6_network_is_listed_by_its_beginning_and_unblocked_by_any_of_its_addresses() {
    let server = server();
    guess(&server, "2001:db8:1:2::7", 6);
    guess(&server, "2001:db8:1:2::8", 4);
    assert_eq!(blocks(&server, "")[0]["address"], "2001:db8:1:2::");
    assert_eq!(from(&server, "2001:db8:1:2::9", WRONG), 429);
    server.done("security/unblock", "data[address]=2001:db8:1:2::abcd");
    assert_eq!(from(&server, "2001:db8:1:2::9", WRONG), 401);
}

#[test]
fn blocks_come_in_pages() {
    let server = server();
    (1..=5).for_each(|host| guess(&server, &format!("203.0.113.{host}"), 1));
    let page = server.done("security/blocks", "limit=2&offset=3");
    assert_eq!(page["total"], 5);
    let shown: Vec<&Value> =
        page["blocks"].as_array().expect("a list").iter().map(|row| &row["address"]).collect();
    assert_eq!(shown, ["203.0.113.4", "203.0.113.5"]);
    assert!(blocks(&server, "offset=9").is_empty());
    assert!(server.refused("security/blocks", "after=1").starts_with("Invalid after"));
}

#[test]
fn wrong_addresses_and_narrow_keys_are_refused() {
    let server = server();
    assert_eq!(server.refused("security/unblock", ""), "Missing field: address");
    for wrong in ["x", "203.0.113.0/24", "203.0.113.300"] {
        let refused = server.refused("security/unblock", &format!("address={wrong}"));
        assert!(refused.starts_with("Invalid address"), "{wrong}: {refused}");
    }
    let key = server.done("settings/api_key_new", "data[name]=reads&data[scope][]=security:read");
    let key = key["api_key"].as_str().expect("a key");
    let (_, answer) = server.post("security/blocks", &format!("api_key={key}"));
    assert_eq!(answer["result"], true, "{answer}");
    guess(&server, "203.0.113.9", 1);
    let (_, answer) = server.post("security/unblock", &format!("api_key={key}&address=203.0.113.9"));
    assert!(
        answer["error"].as_str().expect("a text").starts_with("Not allowed to change security"),
        "{answer}"
    );
    assert_eq!(blocks(&server, "").len(), 1);
}
