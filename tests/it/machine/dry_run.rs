//! `dry_run=1`: what a call would do. That nothing is done, whatever the call, is in engine::effects.

use serde_json::{Value, json};

use crate::support::{KEY, TestServer};

#[test]
fn a_dry_run_is_refused_as_the_call_is_and_charges_nothing() {
    let server = TestServer::start();
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=3");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=3");
    let sale = "data[subscription_plan_id]=1&data[reseller_id]=1";
    let dry = server.done("line/new", &format!("{sale}&dry_run=1"));
    let nulls =
        json!({"result": true, "created_id": null, "username": null, "password": null, "dry_run": true});
    assert_eq!(dry.to_string(), nulls.to_string());
    assert_eq!(
        server.done("line/new", &format!("{sale}&data[username]=anna&dry_run=true"))["username"],
        "anna"
    );
    assert_eq!(
        server.done("line/new", &format!("{sale}&data[username]=anna"))["created_id"],
        1,
        "no id is lost"
    );

    for (call, body, told) in [
        ("line/new", "data[username]=ANNA", "Username exists."),
        ("line/new", sale, "Not enough credits"),
        ("line/update", "username=nobody", "Wrong Username/Password."),
        ("line/new", "data[nosuch]=1", "Unknown field: nosuch."),
        ("resellers/add_credits", "id=1&credits=-1", "Not enough credits"),
        ("servers/delete", "id=1", "Server 1 is the main server"),
    ] {
        let real = server.refused(call, body);
        assert!(real.starts_with(told), "{call}: {real}");
        assert_eq!(server.refused(call, &format!("{body}&dry_run=1")), real, "{call}");
    }
    assert_eq!(server.done("resellers/statement", "id=1")["total"], 2);
    assert_eq!(server.done("logs/list", "kind=error")["total"], 0);
    assert_eq!(server.done("line/list", "")["total"], 1);
    // What is off is the call itself.
    assert_eq!(server.done("line/new", "dry_run=0")["dry_run"], Value::Null);
    assert_eq!(server.done("line/new", "dry_run=")["created_id"], 3);
}

#[test]
fn it_stands_beside_data_on_calls_that_write() {
    let server = TestServer::start();
    for call in ["line/list", "settings/get", "logs/list", "connections/list"] {
        assert!(server.refused(call, "kind=audit&dry_run=1").starts_with("Unknown field"), "{call}");
    }
    assert!(server.refused("line/new", "data[dry_run]=1").starts_with("Unknown field: dry_run"));
    assert_eq!(server.refused("line/new", "dry_run=perhaps"), "Invalid dry_run: 1 or 0 (or true or false)");
    assert!(server.refused("line/new", "dry_run[]=1").starts_with("Invalid dry_run: "));
    let body = format!(r#"{{"api_key":"{KEY}","dry_run":true,"data":{{"username":"anna"}}}}"#);
    let (_, answer) = server.curl("/api/line/new", &["-H", "Content-Type: application/json", "-d", &body]);
    assert_eq!((&answer["dry_run"], &answer["created_id"]), (&json!(true), &Value::Null));
    // Where a GET writes, too.
    server.done("streams/new", "data[name]=One&data[enabled]=0");
    let (_, answer) = server.curl(&format!("/api/streams/start/{KEY}/1?dry_run=1"), &[]);
    assert_eq!(answer.to_string(), r#"{"result":true,"started":[1],"dry_run":true}"#);
    assert_eq!(server.done("streams/info", "id=1")["stream"]["enabled"], 0);
}

#[test]
fn it_is_no_answer_of_an_idempotency_key_and_shows_one_that_is_there() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    let send = |body: &str| {
        let body = format!("api_key={KEY}&{body}");
        server.curl("/api/resellers/add_credits", &["-H", "Idempotency-Key: k", "-d", &body]).1
    };
    assert_eq!(send("id=1&credits=5&dry_run=1")["credits"], 5);
    assert_eq!(send("id=1&credits=7&dry_run=1")["credits"], 7, "nothing is kept");
    let first = send("id=1&credits=5");
    assert_eq!((&first["credits"], &first["dry_run"]), (&json!(5), &Value::Null));
    let again = send("id=1&credits=5&dry_run=1");
    assert_eq!((&again["credits"], &again["dry_run"]), (&json!(5), &json!(true)), "as the call would answer");
    assert_eq!(send("id=1&credits=7&dry_run=1")["result"], false);
    assert_eq!(send("id=1&credits=5"), first);
}
