//! Webhooks: what is sent, to whom, signed with what; tests, other secrets, once more.

use serde_json::{Value, json};

use super::receiver::{Manner, Receiver};
use crate::support::{KEY, TestServer, tv::within};

/// A webhook with that receiver: its secret.
pub fn webhook(server: &TestServer, receiver: &Receiver, more: &str) -> String {
    server.done("settings/update", "data[fetch_local]=1");
    let made = server.done("webhooks/new", &format!("data[url]={}{more}", receiver.url));
    made["secret"].as_str().expect("a secret").to_owned()
}

#[test]
fn what_happens_is_sent_signed_to_whom_it_concerns() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=before");
    let (lines, all) = (Receiver::start(Manner::Status(200)), Receiver::start(Manner::Status(204)));
    let secret = webhook(&server, &lines, "&data[types][]=line.*&data[description]=shop");
    let other = webhook(&server, &all, "&data[with_passwords]=1");
    server.done("line/new", "data[username]=bob&data[password]=s3cret-of-bob");
    server.done("categories/new", "data[name]=News");
    server.done("line/update", "username=bob&data[disabled]=1");

    let got = lines.wait("three of lines", |got| got.len() >= 3);
    let types: Vec<_> = got.iter().map(|got| got.event()["type"].clone()).collect();
    assert_eq!(json!(types), json!(["line.created", "line.updated", "line.disabled"]));
    for got in &got {
        let body: Value = serde_json::from_str(&got.body).unwrap();
        assert_eq!(body["type"], body["data"]["type"]);
        assert!(body["timestamp"].as_str().unwrap().ends_with('Z'), "{body}");
        assert_eq!(got.headers["content-type"], "application/json");
        assert!(got.headers["webhook-id"].ends_with(&format!("_{}", body["data"]["id"])), "{got:?}");
        assert!(got.is_signed_with(&secret) && !got.is_signed_with(&other));
        assert!(!got.body.contains("s3cret-of-bob"), "{got:?}");
    }
    let got = all.wait("the category", |got| got.iter().any(|got| got.event()["type"] == "category.created"));
    assert!(got.iter().any(|got| got.body.contains("s3cret-of-bob") && got.is_signed_with(&other)));

    // For a day both secrets sign; a test is sent to its own webhook alone.
    let rotated = server.done("webhooks/rotate", "id=1")["secret"].as_str().unwrap().to_owned();
    assert_ne!(rotated, secret);
    server.done("webhooks/test", "id=1");
    let got = lines.wait("the test", |got| got.iter().any(|got| got.event()["type"] == "webhook.test"));
    let test = got.last().unwrap();
    assert!(test.is_signed_with(&secret) && test.is_signed_with(&rotated));
    // Nor does another one within the day take away the one that the receiver has.
    let third = server.done("webhooks/rotate", "id=1")["secret"].as_str().unwrap().to_owned();
    server.done("webhooks/test", "id=1");
    let got = lines.wait("another test", |got| {
        got.iter().filter(|got| got.event()["type"] == "webhook.test").count() == 2
    });
    let test = got.last().unwrap();
    assert!([&secret, &rotated, &third].into_iter().all(|secret| test.is_signed_with(secret)));

    // Once more, one and all: under the same number and the same id.
    let first = lines.got()[0].clone();
    server.done("webhooks/resend", &format!("id=1&event_id={}", first.key().1));
    let got = lines.wait("it again", |got| got.len() >= 6);
    assert_eq!(got[5].headers["webhook-id"], first.headers["webhook-id"]);
    server.done("webhooks/resend", &format!("id=1&after={}", first.key().1));
    lines.wait("all behind it again", |got| got.len() >= 10);
    within(10, "all is noted", || {
        server.done("webhooks/deliveries", "id=1&state=waiting")["total"] == 0
            && server.done("webhooks/deliveries", "id=1&state=delivered")["total"] == 5
    });
    let newest = server.done("webhooks/deliveries", "id=1&limit=1")["deliveries"][0].clone();
    assert_eq!((&newest["type"], &newest["status"]), (&json!("webhook.test"), &json!(200)));
    assert!(all.got().iter().all(|got| got.event()["type"] != "webhook.test"));

    // Nobody reads the secret again, and the address stands in no log.
    let shown = server.done("webhooks/info", "id=1");
    assert!(!shown.to_string().contains("whsec_") && shown["webhook"]["has_secret"] == 1, "{shown}");
    let audit = server.done("logs/list", "kind=audit&limit=1000").to_string();
    assert!(!audit.contains("key=s3cret") && !audit.contains("whsec_"), "{audit}");
    let sent = format!("api_key={KEY}&data[url]=http://127.0.0.1:9/");
    let twice = || server.curl("/api/webhooks/new", &["-H", "Idempotency-Key: hook", "-d", &sent]).1;
    let (once, again) = (twice(), twice());
    assert!(once["secret"].is_string() && again["secret"].is_null(), "{again}");
    assert_eq!(once["created_id"], again["created_id"]);
}

#[test]
fn who_may_not_makes_no_webhook_and_wrong_ones_are_refused() {
    let server = TestServer::start();
    for (call, body, why) in [
        ("webhooks/new", "", "Missing field: url"),
        ("webhooks/new", "data[url]=ftp://a", "Invalid url: a URL that begins with http:// or https://"),
        (
            "webhooks/new",
            "data[url]=http://a.example&data[types][]=line",
            "Invalid types: entry 1: a type of events",
        ),
        ("webhooks/test", "id=9", "Webhook does not exist"),
        ("webhooks/resend", "id=9", "Missing field: event_id"),
    ] {
        let answer = server.refused(call, body);
        assert!(answer.starts_with(why), "{call} {body}: {answer}");
    }
    let made = server.done("settings/api_key_new", "data[name]=shop&data[scope][]=events");
    let key = made["api_key"].as_str().unwrap();
    let by = |call: &str, body: &str| server.post(call, &format!("api_key={key}&{body}")).1;
    let url = "data[url]=http://a.example/&data[enabled]=0";
    assert_eq!(
        by("webhooks/new", &format!("{url}&data[with_passwords]=1"))["error"],
        "A webhook with passwords needs the right full"
    );
    assert_eq!(by("webhooks/new", url)["result"], true);
    // Addresses have passwords and tokens in them: who only looks sees where they lead.
    let reader = server.done("settings/api_key_new", "data[name]=reader&data[scope][]=events:read");
    let asked = format!("api_key={}&id=1", reader["api_key"].as_str().unwrap());
    server.done("webhooks/update", "id=1&data[url]=http://u:p@a.example/hook?token=t0ken");
    for (call, row) in [("webhooks/info", "/webhook"), ("webhooks/list", "/webhooks/0")] {
        let answer = server.post(call, &asked).1;
        assert_eq!(answer.pointer(row).unwrap()["url"], "http://a.example/***");
    }
    assert_eq!(by("webhooks/info", "id=1")["webhook"]["url"], "http://u:p@a.example/hook?token=t0ken");
    let row = by("webhooks/info", "id=1")["webhook"].clone();
    let columns: Vec<&String> = row.as_object().unwrap().keys().collect();
    assert_eq!(columns[columns.len() - 2..], ["created_at", "updated_at"]);
    assert_eq!(by("webhooks/test", "id=1")["error"], "This webhook is disabled: enable it first");
    server.done("webhooks/update", "id=1&data[with_passwords]=1");
    let redirected = by("webhooks/update", "id=1&data[url]=http://b.example/");
    assert_eq!(redirected["error"], "A webhook with passwords needs the right full");
    for _ in 1..32 {
        server.done("webhooks/new", url);
    }
    assert_eq!(server.refused("webhooks/new", url), "There are 32 webhooks already: delete one first");
    server.done("webhooks/delete", "id=1");
    server.done("webhooks/new", url);
}
