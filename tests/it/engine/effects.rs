//! What follows a commit: it happens after it, once, and never for a kept answer of an `Idempotency-Key`.

use serde_json::{Value, json};

use crate::support::{
    KEY, TestServer, disk,
    panel::{PASSWORD, Panel},
    tv::{Player, fill, put_picture, within},
};

/// What each writing call is sent, in an order in which all succeed: on a server with the running streams 1 and 2,
/// the bouquet 1, the line bob that watches 1, an address that guessed, and a session of the panel.
pub const SENT: &[(&str, &str)] = &[
    ("line/new", "data[username]=anna&data[password]=pw"),
    ("line/update", "username=anna&data[notes]=x"),
    ("line/convert_to_mag", "username=anna&mac_address=00:1A:79:00:00:01"),
    ("mag/convert_to_line", "mac_address=00:1A:79:00:00:01&username=anna&password=pw"),
    ("line/delete", "username=anna"),
    ("line/bulk", "ids[]=999&action=delete"),
    ("mag/bulk", "ids[]=999&action=delete"),
    ("mag/new", "data[mac_address]=00:1A:79:00:00:02"),
    ("mag/update", "mac_address=00:1A:79:00:00:02&data[notes]=x"),
    ("mag/send_event", "mac_address=00:1A:79:00:00:02&event=reboot"),
    ("mag/reset_device", "mac_address=00:1A:79:00:00:02"),
    ("mag/set_parent_pin", "mac_address=00:1A:79:00:00:02"),
    ("mag/delete", "mac_address=00:1A:79:00:00:02"),
    ("administrators/end_session", "session_id=1"),
    ("groups/new", "data[name]=Shift&data[rights][]=line"),
    ("groups/update", "id=3&data[name]=Night shift"),
    ("groups/delete", "id=3"),
    (
        "administrators/new",
        "data[username]=eve&data[password]=Correct-Horse-7&data[email]=eve@example.com&data[group_id]=1",
    ),
    ("administrators/update", "username=eve&data[email]=eve@example.org"),
    ("administrators/delete", "username=eve"),
    ("resellers/new", "data[name]=South&data[credits]=5"),
    ("resellers/update", "id=3&data[credits]=7"),
    ("resellers/delete", "id=2"),
    ("resellers/add_credits", "id=1&credits=50"),
    ("servers/new", "data[name]=Edge&data[server_ip]=192.0.2.7"),
    ("servers/update", "id=2&data[name]=Edge 2"),
    ("servers/delete", "id=2"),
    ("streams/new", "data[name]=Third&data[sources][]=media/test.ts&data[enabled]=0"),
    ("streams/update", "id=3&data[name]=3"),
    ("streams/start", "stream_ids[]=1"),
    ("streams/stop", "stream_ids[]=2"),
    ("streams/delete", "id=3"),
    ("subscription_plans/new", "data[name]=Month&data[duration]=1&data[duration_unit]=month"),
    ("subscription_plans/update", "id=1&data[name]=A month"),
    ("subscription_plans/delete", "id=1"),
    ("bouquets/new", "data[name]=More"),
    ("bouquets/update", "id=2&data[name]=Even more"),
    ("bouquets/delete", "id=2"),
    ("categories/new", "data[name]=News"),
    ("categories/update", "id=1&data[name]=New"),
    ("categories/delete", "id=1"),
    (
        "settings/update",
        "data[operator_name]=North TV&data[smtp_url]=smtp://192.0.2.1:9&data[mail_from]=tv@example.com",
    ),
    ("settings/whitelist_add", "address=198.51.100.0/24"),
    ("settings/whitelist_remove", "address=198.51.100.0/24"),
    ("settings/api_key_new", "data[name]=billing"),
    ("settings/api_key_revoke", "name=billing"),
    ("guide_sources/new", "data[name]=Guide&data[url]=guide/x.xml&data[refresh_hours]=0"),
    ("guide_sources/update", "id=1&data[shift_minutes]=60"),
    ("guide_sources/refresh", "id=1"),
    ("guide/match", "stream_id=1&guide_id="),
    ("guide_sources/delete", "id=1"),
    ("webhooks/new", "data[url]=http://192.0.2.1:9/"),
    ("webhooks/update", "id=1&data[description]=shop"),
    ("webhooks/rotate", "id=1"),
    ("webhooks/test", "id=1"),
    ("webhooks/resend", "id=1&after=0"),
    ("webhooks/delete", "id=1"),
    ("message_targets/new", "data[name]=Pager&data[url]=http://192.0.2.1:9/"),
    ("message_targets/update", "id=1&data[body]={}"),
    ("message_targets/test", "id=1"),
    ("messages/resend", "id=1"),
    ("message_targets/delete", "id=1"),
    ("messages/test", "to=night@example.com"),
    ("archive/delete", "stream_id=1"),
    ("connections/kill", "stream_id=1"),
    ("security/unblock", "address=203.0.113.9"),
    ("backups/new", ""),
    ("backups/verify", "id=1"),
    ("backups/delete", "id=1"),
    ("batches/undo", "id=1"),
];

fn send(server: &TestServer, call: &str, body: &str) -> Value {
    let (header, body) = (format!("Idempotency-Key: {call}"), format!("api_key={KEY}&{body}"));
    let (status, answer) = server.curl(&format!("/api/{call}"), &["-H", &header, "-d", &body]);
    assert_eq!((status, &answer["result"]), (200, &json!(true)), "{call} {body}: {answer}");
    assert!(answer.to_string().starts_with("{\"result\":true"), "{call} {body}: {answer}");
    answer
}

/// What the program writes by itself, whoever asks for what.
const BY_ITSELF: [&str; 19] = [
    "api_log",
    "backups",
    "batch_pieces",
    "batch_rows",
    "batches",
    "connection_log",
    "end_events",
    "event_log",
    "events",
    "heartbeat",
    "let_in",
    "login_log",
    "message_targets",
    "messages",
    "open_sessions",
    "refusal_log",
    "usage_samples",
    "webhook_deliveries",
    "webhooks",
];

/// Everything that is kept but for that.
pub fn kept(server: &TestServer) -> Vec<String> {
    let database = rusqlite::Connection::open_with_flags(
        server.data().join("linecard.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .expect("the database");
    let mut names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("SQL");
    let names: Vec<String> =
        names.query_map([], |row| row.get(0)).expect("tables").collect::<Result<_, _>>().expect("names");
    let mut all = Vec::new();
    for name in names.iter().filter(|name| !BY_ITSELF.contains(&name.as_str())) {
        let mut rows = database.prepare(&format!("SELECT * FROM {name}")).expect("SQL");
        let columns: Vec<String> = rows.column_names().into_iter().map(str::to_owned).collect();
        let mut rows = rows.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            // When a key, a session or a box was last used.
            let values = columns.iter().enumerate().filter(|(_, column)| !column.starts_with("last_"));
            let values: Vec<String> =
                values.map(|(at, _)| format!("{:?}", row.get_ref(at).expect("a value"))).collect();
            let row = format!("{name} {}", values.join(" "));
            // Ids of the logs that are written meanwhile.
            if !(name == "sqlite_sequence"
                && BY_ITSELF.iter().any(|log| row.contains(&format!("{:?}", log.as_bytes()))))
            {
                all.push(row);
            }
        }
    }
    all
}

/// Who watches.
fn watching(server: &TestServer) -> Vec<Value> {
    let connections = server.done("connections/list", "")["connections"].clone();
    connections.as_array().expect("a list").iter().map(|open| open["connection_id"].clone()).collect()
}

/// Asks what a call would do, then makes it: nothing is done before, and the answers are the same but for what is made.
fn rehearse_and_send(server: &TestServer, call: &str, body: &str) -> Value {
    let (before, watched) = (kept(server), watching(server));
    let dry = send(server, call, &format!("{body}&dry_run=1"));
    let after = kept(server);
    let changed: Vec<_> = after.iter().filter(|row| !before.contains(row)).collect();
    assert!(after == before, "{call}: {changed:?}");
    assert_eq!(watching(server), watched, "{call}");
    let mut answer = send(server, call, body);
    let real = answer.clone();
    if call.ends_with("/bulk") {
        assert!(
            dry["preview_id"].is_number() && real["batch_id"].is_number(),
            "{call}: a preview, then a batch"
        );
        return real;
    }
    answer["dry_run"] = true.into();
    let made = ["created_id", "event_id", "api_key", "secret", "username", "password", "parent_pin"];
    for (name, value) in answer.as_object_mut().expect("an object") {
        if dry[name].is_null() && made.contains(&name.as_str()) {
            *value = Value::Null;
        }
    }
    assert_eq!(dry.to_string(), answer.to_string(), "{call}");
    real
}

/// An address fails at the API, and somebody watches: what a repeat must leave as it is.
fn disturb(server: &TestServer, agent: &str) -> Player {
    let wrong = ["-H", "X-Forwarded-For: 203.0.113.9", "-H", "Authorization: Bearer wrong-key-9876543210"];
    assert_eq!(server.curl("/api/line/list", &wrong).0, 401);
    let mut player = Player::get(server, "/live/bob/pw/1", agent);
    assert_eq!(player.status, 200, "{}", player.head);
    player.read(188 * 10);
    player
}

/// What a writing call may change, in the database and outside of it.
fn seen(server: &TestServer) -> Value {
    let total = |call: &str, body: &str| server.done(call, body)["total"].clone();
    let streams = server.done("streams/online", "");
    let streams = streams["streams"].as_array().expect("a list").iter();
    let tasks = format!("/proc/{0}/task/{0}/children", server.pid());
    let connections = server.done("connections/list", "")["connections"].clone();
    let open: Vec<&Value> =
        connections.as_array().expect("a list").iter().map(|open| &open["connection_id"]).collect();
    json!({
        "streams": streams.map(|stream| [stream["id"].clone(), stream["restarts"].clone()]).collect::<Vec<_>>(),
        "processes": std::fs::read_to_string(tasks).expect("children"),
        "connections": open,
        "failures": server.done("security/blocks", "")["blocks"].as_array().expect("a list").iter()
            .map(|block| [block["address"].clone(), block["failures"].clone()]).collect::<Vec<_>>(),
        "audit": total("logs/list", "kind=audit"),
        "ledger": server.done("resellers/statement", "id=1")["total"],
        "credits": server.done("resellers/list", "")["resellers"][0]["credits"],
        "sessions": server.done("administrators/sessions", "")["sessions"].as_array().map(Vec::len),
        "lines": [total("line/list", ""), total("mag/list", "")],
    })
}

/// A server on which all of [`SENT`] succeed once somebody has signed in to the panel; who watches.
pub fn stage() -> (TestServer, Player) {
    let folder = tempfile::tempdir().expect("a folder");
    put_picture(folder.path());
    let server = TestServer::with(
        folder,
        &["--trusted-proxies", "127.0.0.0/8"],
        &[("LINECARD_ADMIN_PASSWORD", std::path::Path::new(PASSWORD))],
    );
    server.done("settings/whitelist_add", "address=203.0.113.0/24");
    fill(&server, 2);
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    server.done("resellers/new", "data[name]=North");
    server.done("resellers/new", "data[name]=Empty");
    let watching = disturb(&server, "first");
    (server, watching)
}

#[test]
fn a_repeat_of_any_writing_call_under_its_key_changes_nothing_anywhere() {
    let (server, _first) = stage();
    let _signed_in = Panel::admin(&server);
    let described = server.curl("/api/openapi.json", &[]).1;
    let paths = described["paths"].as_object().expect("paths");
    // Only what writes takes an Idempotency-Key.
    for (path, _) in paths.iter().filter(|(_, item)| !item["post"]["parameters"].is_null()) {
        let call = path.trim_start_matches("/api/");
        assert!(SENT.iter().any(|(sent, _)| *sent == call), "{call} is not among those that are sent here");
    }

    let answers: Vec<Value> =
        SENT.iter().map(|(call, body)| rehearse_and_send(&server, call, body)).collect();
    within(30, "stream 1 runs again", || server.done("streams/online", "")["streams"][0]["id"] == 1);
    // Two who signed in and watch after the first calls: a second effect would be theirs.
    let _second = disturb(&server, "second");
    let _signed_in = Panel::admin(&server);
    let before = seen(&server);
    assert_eq!(before["connections"].as_array().map(Vec::len), Some(1), "{before}");
    for ((call, body), first) in SENT.iter().zip(answers) {
        let again = send(&server, call, body);
        // A secret is told once.
        if ["settings/api_key_new", "webhooks/new", "webhooks/rotate"].contains(call) {
            assert_eq!(again["created_id"], first["created_id"], "{call}");
            assert_ne!(again, first, "{call}");
        } else {
            assert_eq!(again.to_string(), first.to_string(), "{call}: not to the letter");
        }
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(seen(&server), before);
}

#[test]
fn a_kick_whose_commit_fails_cuts_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    put_picture(folder.path());
    let flag = folder.path().join("full");
    let password = std::path::Path::new(PASSWORD);
    let preload = [("LD_PRELOAD", disk::library()), ("DISK_FULL", flag.as_path())];
    let environment = [preload[0], preload[1], ("LINECARD_ADMIN_PASSWORD", password)];
    let server = TestServer::with(folder, &[], &environment).expecting("disk full");
    fill(&server, 1);
    let panel = Panel::admin(&server);
    let mut player = Player::get(&server, "/live/bob/pw/1", "VLC");
    player.read(188 * 10);
    let pids =
        || std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.pid())).expect("children");
    let id = server.done("connections/list", "")["connections"][0]["connection_id"].clone();
    let before = pids();

    std::fs::write(&flag, "").expect("the flag");
    for body in [format!("connection_id={id}"), "username=bob".into(), "stream_id=1".into()] {
        assert!(server.refused("connections/kill", &body).contains("disk full"));
    }
    assert!(server.refused("streams/start", "stream_ids[]=1").contains("disk full"));
    panel.post(&format!("/panel/connections/do?id={id}"), &[]);
    panel.post("/panel/connections/kick", &[]);
    panel.post(&format!("/panel/streams/1/kick?connection_id={id}"), &[]);
    player.read(188 * 100);
    assert_eq!(server.done("connections/list", "")["connections"][0]["connection_id"], id);
    assert_eq!(pids(), before, "the stream was started anew");
    std::fs::remove_file(&flag).expect("the flag");

    let killed = server.done("connections/kill", "username=bob");
    assert_eq!(killed["killed"], json!([id]));
    assert!(player.is_closed_within(2));
}
