//! Message targets: what is called, with what, how often, and what nobody sees of them.

use serde_json::{Value, json};

use super::{
    messages::{happens, hurry, messages, wait},
    receiver::{Manner, Receiver},
};
use crate::support::TestServer;

#[test]
fn what_happens_is_called_out_in_words_of_a_template() {
    let server = TestServer::start();
    server.done("settings/update", "data[fetch_local]=1");
    let chat = Receiver::start(Manner::Status(200));
    let body = "%7B%22chat%22%3A7%2C%22text%22%3A%22%7Btype%7D: %7Btext%7D%22%7D";
    let made = format!(
        "data[name]=Chat&data[url]={}&data[headers][]=Authorization: Bearer t0ken&data[body]={body}&data[types][]=disk.*&data[types][]=line.created",
        chat.url
    );
    assert_eq!(server.done("message_targets/new", &made)["created_id"], 1);
    happens(&server, "disk.low", "servers", "NULL", "data", r#"{"why":"a \"quoted\"\nreason"}"#);
    let got = chat.wait("the disk", |got| got.len() == 1).remove(0);
    let sent: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(
        sent,
        json!({ "chat": 7, "text": "disk.low: The disk is nearly full: data: a \"quoted\" reason." })
    );
    assert_eq!(
        (got.headers["authorization"].as_str(), got.headers["content-type"].as_str()),
        ("Bearer t0ken", "application/json")
    );

    // What happens within seconds comes with one call; what nobody chose does not.
    sql_rest(&server);
    for name in ["bob", "eve", "zoe"] {
        server.done("line/new", &format!("data[username]={name}"));
    }
    server.done("categories/new", "data[name]=News");
    wait(&server, "three wait", |found| {
        found.iter().filter(|message| message["state"] == "waiting").count() == 3
    });
    hurry(&server);
    let got = chat.wait("the lines", |got| got.len() == 2).remove(1);
    let sent: Value = serde_json::from_str(&got.body).unwrap();
    assert_eq!(sent["text"], "line.created: line bob: created.\nline eve: created.\nline zoe: created.");

    // Nobody sees what is secret; what is shown of it leaves it.
    let shown = server.done("message_targets/info", "id=1")["message_target"].clone();
    assert_eq!(
        (&shown["url"], &shown["headers"]),
        (&json!("http://127.0.0.1/***"), &json!(["Authorization: ***"]))
    );
    let kept =
        "id=1&data[url]=http://127.0.0.1/***&data[headers][]=Authorization: ***&data[headers][]=X-A: 1";
    server.done("message_targets/update", kept);
    server.done("message_targets/test", "id=1");
    hurry(&server);
    let got = chat.wait("a test", |got| got.len() == 3).remove(2);
    assert_eq!((got.headers["authorization"].as_str(), got.headers["x-a"].as_str()), ("Bearer t0ken", "1"));
    for secret in ["t0ken", "s3cret"] {
        let audit = server.done("logs/list", "kind=audit&limit=1000").to_string();
        let events = server.done("events/list", "limit=1000").to_string();
        let listed = server.done("message_targets/list", "").to_string();
        assert!(![audit, events, listed, server.log()].iter().any(|text| text.contains(secret)), "{secret}");
    }

    // One that fails rests, and the same comes again under the same number; what was sent is not sent again.
    chat.set(Manner::Later(3_600));
    server.done("message_targets/update", "id=1&data[body]=%7B%22id%22%3A%22%7Bid%7D%22%7D");
    server.done("message_targets/test", "id=1");
    chat.wait("a try", |got| got.len() == 4);
    wait(&server, "it failed", |found| {
        found[0]["attempts"] == 1 && found[0]["error"] == "It answered with status 503."
    });
    assert_eq!(
        server.done("message_targets/list", "")["message_targets"][0]["last_error"],
        "It answered with status 503."
    );
    let server = TestServer::on(server.kill(), &[]);
    chat.set(Manner::Status(204));
    hurry(&server);
    let got = chat.wait("it again", |got| got.len() == 5);
    assert_eq!(got[4].body, got[3].body);
    wait(&server, "it was sent", |found| found.iter().all(|message| message["state"] == "sent"));
    server.done("messages/resend", &format!("id={}", messages(&server)[0]["id"]));
    hurry(&server);
    assert_ne!(chat.wait("once more", |got| got.len() == 6)[5].body, got[4].body);

    // Nothing in local networks unless that is set.
    server.done("settings/update", "data[fetch_local]=0");
    server.done("message_targets/test", "id=1");
    hurry(&server);
    wait(&server, "refused", |found| {
        found[0]["error"].as_str().unwrap().contains("fetch_local does not allow")
    });
    server.done("message_targets/delete", "id=1");
    assert!(messages(&server).is_empty());
}

/// The target rests: what comes waits.
fn sql_rest(server: &TestServer) {
    super::messages::sql(server.data(), "UPDATE message_targets SET resume_at = 99999999999");
}

#[test]
fn wrong_targets_are_refused_and_a_get_has_its_placeholders_in_the_address() {
    let server = TestServer::start();
    let url = "data[name]=A&data[url]=http://a.example/";
    for (fields, why) in [
        ("data[name]=A", "Missing field: url"),
        ("data[name]=A&data[url]=http://{name}.example/", "Invalid url: a URL that begins with http"),
        (
            &format!("{url}&data[body]=[{{text}}]"),
            "Invalid body: JSON in which placeholders stand between quotation marks",
        ),
        (&format!("{url}&data[method]=GET&data[body]=x"), "Invalid body: empty with GET"),
        (
            &format!("{url}&data[headers][]=Host: a"),
            "Invalid headers: entry 1: Host is set by the server itself",
        ),
        (
            &format!("{url}&data[headers][]=A: ***"),
            "Invalid headers: A: *** keeps a stored value, but there is none",
        ),
        (&format!("{url}&data[types][]=line"), "Invalid types: entry 1: a type of events"),
    ] {
        let answer = server.refused("message_targets/new", fields);
        assert!(answer.starts_with(why), "{fields}: {answer}");
    }
    let made = server.done("settings/api_key_new", "data[name]=shop&data[scope][]=line");
    let key = made["api_key"].as_str().unwrap();
    let refused = server.post("message_targets/list", &format!("api_key={key}")).1;
    assert!(
        refused["error"].as_str().unwrap().starts_with("Not allowed to read message_targets"),
        "{refused}"
    );
    server.done("message_targets/new", url);
    assert_eq!(server.refused("message_targets/new", url), "Name exists.");
    server.done("message_targets/update", "id=1&data[enabled]=0");
    assert_eq!(
        server.refused("message_targets/test", "id=1"),
        "This message target is disabled: enable it first"
    );
}
