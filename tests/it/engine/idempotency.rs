//! `Idempotency-Key`: a repeat gets the first answer and does nothing.

use serde_json::{Value, json};

use crate::support::{KEY, TestServer};

fn once(server: &TestServer, key: &str, call: &str, body: &str) -> Value {
    let (header, body) = (format!("Idempotency-Key: {key}"), format!("api_key={KEY}&{body}"));
    let (status, answer) = server.curl(&format!("/api/{call}"), &["-H", &header, "-d", &body]);
    assert_eq!(status, 200, "{answer}");
    answer
}

fn credits(server: &TestServer) -> Value {
    server.done("resellers/list", "")["resellers"][0]["credits"].clone()
}

#[test]
fn a_repeat_gets_the_first_answer_and_adds_no_credits() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    let first = once(&server, "invoice-7", "resellers/add_credits", "id=1&credits=50");
    assert_eq!(first["credits"], 50);
    server.done("resellers/add_credits", "id=1&credits=1");
    assert_eq!(once(&server, "invoice-7", "resellers/add_credits", "id=1&credits=50"), first);
    assert_eq!(credits(&server), 51);
    assert_eq!(once(&server, "invoice-8", "resellers/add_credits", "id=1&credits=50")["credits"], 101);
}

#[test]
fn a_line_with_random_credentials_is_made_once() {
    let server = TestServer::start();
    let first = once(&server, "order-1", "line/new", "");
    assert_eq!(once(&server, "order-1", "line/new", ""), first);
    assert_eq!(server.done("line/list", "")["total"], 1);
}

#[test]
fn the_same_key_with_another_body_or_call_is_refused() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    once(&server, "k", "resellers/add_credits", "id=1&credits=50");
    for (call, body) in [
        ("resellers/add_credits", "id=1&credits=51"),
        ("resellers/update", "id=1&credits=50"),
        ("line/new", ""),
    ] {
        let answer = once(&server, "k", call, body);
        let text = answer["error"].as_str().expect("a refusal");
        assert!(text.contains("Idempotency-Key") || text.starts_with("Unknown field"), "{call}: {text}");
    }
    assert_eq!((credits(&server), server.done("line/list", "")["total"].clone()), (json!(50), json!(0)));
}

#[test]
fn a_refused_call_may_be_repeated_with_its_key_once_the_reason_is_gone() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    assert_eq!(once(&server, "k", "resellers/add_credits", "id=1&credits=-5")["error"], "Not enough credits");
    server.done("resellers/add_credits", "id=1&credits=9");
    assert_eq!(once(&server, "k", "resellers/add_credits", "id=1&credits=-5")["credits"], 4);
    assert_eq!(once(&server, "k", "resellers/add_credits", "id=1&credits=-5")["credits"], 4);
    assert_eq!(credits(&server), 4);
}

#[test]
fn a_repeat_over_a_restart_or_a_power_cut_is_still_a_repeat() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    let first = once(&server, "k", "resellers/add_credits", "id=1&credits=50");
    // To the letter: members stay in their order.
    let written = first.to_string();
    assert_eq!(written, r#"{"result":true,"modified_id":1,"credits":50}"#);
    let server = TestServer::on(server.kill(), &[]);
    let again = once(&server, "k", "resellers/add_credits", "id=1&credits=50");
    assert_eq!(again.to_string(), written);
    let server = TestServer::on(server.stop(), &[]);
    let again = once(&server, "k", "resellers/add_credits", "id=1&credits=50");
    assert_eq!(again.to_string(), written);
    assert_eq!(credits(&server), 50);
}

#[test]
fn many_at_the_same_moment_make_one_line() {
    let server = TestServer::start();
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| once(&server, "order-1", "line/new", "data[notes]=x"))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer["result"] == true), "{answers:?}");
    assert_eq!(server.done("line/list", "")["total"], 1);
}

#[test]
fn a_multipart_repeat_with_another_boundary_is_a_repeat() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    let key = format!("api_key={KEY}");
    let send = || {
        let arguments = ["-H", "Idempotency-Key: m", "-F", &key, "-F", "id=1", "-F", "credits=50"];
        server.curl("/api/resellers/add_credits", &arguments)
    };
    let first = send();
    assert_eq!((first.0, &first.1["credits"]), (200, &json!(50)));
    assert_eq!(send(), first);
    assert_eq!(once(&server, "m", "resellers/add_credits", "id=1&credits=50"), first.1, "and so is the form");
    assert_eq!(credits(&server), 50);
}

#[test]
fn each_api_key_has_its_own_idempotency_keys() {
    let server = TestServer::start();
    let other = server.done("settings/api_key_new", "data[name]=other")["api_key"].clone();
    once(&server, "k", "line/new", "");
    let body = format!("api_key={}", other.as_str().expect("a text"));
    let (_, answer) = server.curl("/api/line/new", &["-H", "Idempotency-Key: k", "-d", &body]);
    assert_eq!((&answer["result"], &server.done("line/list", "")["total"]), (&json!(true), &json!(2)));
}

#[test]
fn a_new_api_keys_secret_is_not_kept_for_a_repeat() {
    let server = TestServer::start();
    let first = once(&server, "k", "settings/api_key_new", "data[name]=billing");
    let again = once(&server, "k", "settings/api_key_new", "data[name]=billing");
    assert!(first["api_key"].is_string());
    assert_eq!((&again["created_id"], &again["api_key"]), (&first["created_id"], &Value::Null));
}

#[test]
fn a_malformed_idempotency_key_is_refused_and_nothing_is_written() {
    let server = TestServer::start();
    for key in ["two words", &"x".repeat(256)] {
        let answer = once(&server, key, "line/new", "");
        assert!(
            answer["error"].as_str().is_some_and(|text| text.starts_with("Invalid Idempotency-Key")),
            "{answer}"
        );
    }
    assert_eq!(server.done("line/list", "")["total"], 0);
}
