//! The log of events: one for each change and for what it means, in order; following it, and what it refuses.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{KEY, TestServer, linecard};

/// The events behind a number.
fn behind(server: &TestServer, after: i64) -> Value {
    server.done("events/list", &format!("after={after}&limit=1000"))
}

fn last(server: &TestServer) -> i64 {
    behind(server, 0)["last_id"].as_i64().expect("a number")
}

/// The types of the events that a call gives.
fn types_of(server: &TestServer, call: &str, body: &str) -> Vec<String> {
    let before = last(server);
    server.done(call, body);
    called(server, before).iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
}

/// The events behind a number that the server has not made itself.
fn called(server: &TestServer, after: i64) -> Vec<Value> {
    let events = behind(server, after)["events"].as_array().expect("a list").clone();
    events.into_iter().filter(|event| event["actor"] != "linecard").collect()
}

#[test]
fn every_change_gives_its_events_and_no_change_none() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North&data[use_credits]=1");
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=10");
    for (call, body, types) in [
        ("line/new", "data[username]=bob&data[password]=s3cret-of-bob", "line.created"),
        ("line/update", "username=bob&data[notes]=x", "line.updated"),
        ("line/update", "username=bob&data[notes]=x", ""),
        ("line/update", "username=bob&data[disabled]=1", "line.updated line.disabled"),
        (
            "line/update",
            "username=bob&data[disabled]=0&data[banned]=1",
            "line.updated line.enabled line.banned",
        ),
        ("line/update", "username=bob&data[banned]=0", "line.updated line.unbanned"),
        ("line/update", "username=bob&data[expire_date]=1900000000", "line.updated"),
        ("line/update", "username=bob&data[expire_date]=1900000001", "line.updated line.extended"),
        ("line/convert_to_mag", "username=bob&mac_address=00:1A:79:00:00:01", "mag.created line.deleted"),
        ("mag/update", "mac_address=00:1A:79:00:00:01&data[disabled]=1", "mag.updated mag.disabled"),
        ("mag/delete", "mac_address=00:1A:79:00:00:01", "mag.deleted"),
        ("resellers/add_credits", "id=1&credits=15", "reseller.credits"),
        (
            "line/new",
            "data[username]=eve&data[reseller_id]=1&data[subscription_plan_id]=1",
            "line.created reseller.credits reseller.credits_low",
        ),
        ("bouquets/new", "data[name]=All", "bouquet.created"),
        ("bouquets/delete", "id=1", "bouquet.deleted"),
        ("categories/new", "data[name]=News", "category.created"),
        ("streams/new", "data[name]=One&data[enabled]=0", "stream.created"),
        ("groups/new", "data[name]=Shift&data[rights][]=line", "group.created"),
        ("servers/new", "data[name]=Edge&data[server_ip]=192.0.2.7", "server.created"),
        ("guide_sources/new", "data[name]=G&data[url]=guide/x.xml&data[enabled]=0", "guide_source.created"),
        ("settings/api_key_new", "data[name]=shop&data[scope][]=line", "api_key.created"),
        ("settings/api_key_revoke", "name=shop", "api_key.deleted"),
        ("settings/update", "data[operator_name]=North TV", "settings.updated"),
        ("settings/whitelist_add", "address=198.51.100.0/24", "settings.updated"),
    ] {
        assert_eq!(types_of(&server, call, body).join(" "), types, "{call} {body}");
    }
    // A refused call and the repeat of one that was done.
    let before = last(&server);
    server.refused("line/new", "data[username]=eve");
    assert!(called(&server, before).is_empty());
    for _ in 0..2 {
        let sent = format!("api_key={KEY}&data[username]=once");
        server.curl("/api/line/new", &["-H", "Idempotency-Key: k1", "-d", &sent]);
    }
    assert_eq!(called(&server, before).len(), 1);

    // What one says.
    let before = last(&server);
    server
        .done("line/new", "data[username]=zoe&data[password]=s3cret-of-zoe&data[max_allowed_connections]=3");
    let answer = json!(called(&server, before));
    let event = &answer[0];
    assert_eq!(
        event["data"],
        json!({"before": {}, "after":
        {"username": "zoe", "password": "***", "max_allowed_connections": 3}})
    );
    assert_eq!((&event["resource"], &event["key"]), (&json!("line"), &json!("zoe")));
    assert_eq!((&event["actor"], &event["reference"]), (&json!("api_key:first key"), &Value::Null));
    assert!(!answer.to_string().contains("s3cret-of"), "{answer}");
    let notes = "x".repeat(1_500);
    server.done("line/update", &format!("username=zoe&data[notes]={notes}&data[banned]=1"));
    let event = called(&server, event["id"].as_i64().unwrap())[0].clone();
    assert_eq!((&event["omitted"], &event["data"]["after"]), (&json!(["notes"]), &json!({"banned": 1})));
}

#[test]
fn who_follows_reads_in_pages_by_type_and_is_refused_what_is_not_there() {
    let server = TestServer::start();
    for name in 0..5 {
        server.done("line/new", &format!("data[username]=user{name}"));
        server.done("categories/new", &format!("data[name]=c{name}"));
    }
    let mut seen = Vec::new();
    let mut after = 0;
    loop {
        let part = server.done("events/list", &format!("after={after}&limit=2&types=line.*"));
        let last = part["last_id"].as_i64().unwrap();
        seen.extend(part["events"].as_array().unwrap().iter().map(|event| event["key"].clone()));
        assert!(last > after || part["has_more"] == false, "{part}");
        after = last;
        if part["has_more"] == false {
            break;
        }
    }
    assert_eq!(json!(seen), json!(["user0", "user1", "user2", "user3", "user4"]));
    assert_eq!(after, last(&server), "what no type matches is passed over");
    let two = server.done("events/list", "types[]=line.deleted&types[]=category.created");
    assert_eq!(two["events"].as_array().map(Vec::len), Some(5));

    let unknown = "Event 99999 is not there yet: the log is another one, begin with after=0";
    assert_eq!(server.refused("events/list", "after=99999"), unknown);
    for (body, begins) in [
        ("types=line.gone", "Invalid types: entry 1: a type of events"),
        ("wait=31", "Invalid wait: a whole number of seconds from 0 to 30"),
        ("after=-1", "Invalid after: "),
        ("limit=0", "Invalid limit: "),
        ("offset=1", "Unknown field: offset"),
    ] {
        let why = server.refused("events/list", body);
        assert!(why.starts_with(begins), "{why}");
    }
    // A key without the right sees nothing.
    let made = server.done("settings/api_key_new", "data[name]=shop&data[scope][]=line");
    let key = made["api_key"].as_str().unwrap();
    let (_, answer) = server.post("events/list", &format!("api_key={key}"));
    assert_eq!(answer["error"], "Not allowed to read events: add events:read to the scope of this API key");
}

#[test]
fn who_waits_is_answered_as_soon_as_something_happens_and_when_the_server_stops() {
    let server = TestServer::start();
    let from = last(&server);
    let url = format!("{}/api/events/list", server.url);
    let wait = |seconds: u32, types: &str| {
        std::process::Command::new("curl")
            .args(["-sS", "-d", &format!("api_key={KEY}&after={from}&wait={seconds}&types={types}"), &url])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("curl")
    };
    let answer = |child: std::process::Child| -> Value {
        serde_json::from_slice(&child.wait_with_output().expect("curl").stdout).expect("JSON")
    };
    let begun = Instant::now();
    let (waiting, other) = (wait(30, "line.*"), wait(2, "mag.*"));
    std::thread::sleep(Duration::from_millis(300));
    server.done("line/new", "data[username]=bob");
    let told = answer(waiting);
    assert_eq!(told["events"][0]["key"], "bob");
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let nothing = answer(other);
    assert_eq!(nothing["events"], json!([]));
    assert!(nothing["last_id"].as_i64() >= told["last_id"].as_i64(), "it was looked at in vain");
    assert!(begun.elapsed() >= Duration::from_secs(2));

    let waiting = wait(30, "mag.*");
    std::thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    server.stop();
    assert_eq!(answer(waiting)["events"], json!([]));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn old_events_go_the_log_knows_and_the_command_line_is_followed() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=old");
    let old = last(&server);
    let folder = server.stop();
    let file = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("a file");
    file.execute_batch("UPDATE events SET at = at - 31 * 86400").expect("they are old");
    drop(file);
    let server = TestServer::on(folder, &[]);
    let until = Instant::now() + Duration::from_secs(20);
    while behind(&server, 0)["oldest_id"].as_i64().is_some_and(|oldest| oldest <= old) {
        assert!(Instant::now() < until, "the old ones stay");
        std::thread::sleep(Duration::from_millis(50));
    }
    let gone = server.refused("events/list", &format!("after={}", old - 1));
    assert!(gone.starts_with("Events before ") && gone.ends_with(" are gone"), "{gone}");
    assert_eq!(
        server.call("events/list", &format!("after={old}"))["result"],
        true,
        "who has read all misses nothing"
    );

    let (code, ..) = linecard(server.data(), &["whitelist", "add", "198.51.100.9"]);
    assert_eq!(code, 0);
    let told = server.done("events/list", &format!("after={old}&wait=10&types=settings.*"));
    assert_eq!(told["events"][0]["actor"], "command_line", "{told}");

    // No events are wanted: none are written, and those that there are go.
    server.done("settings/update", "data[event_retention_days]=0");
    let before = last(&server);
    server.done("line/new", "data[username]=silent");
    assert!(called(&server, before).is_empty());
}
