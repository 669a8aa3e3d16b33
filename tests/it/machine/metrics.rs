//! /metrics and /healthz: who may look, and that what is shown follows what happens.

use std::{
    collections::BTreeSet,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    KEY, TestServer,
    http::{self, Answer},
    panel::{self, Panel},
    tv::{self, Player, within},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SOURCE: &str = include_str!("../../../src/ops/machine/metrics.rs");
const DOCS: &str = include_str!("../../../docs/monitoring.md");

fn scrape(server: &TestServer, path: &str, headers: &[&str]) -> Answer {
    let headers: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
    http::ask(&format!("{}{path}", server.url), &headers, None)
}

fn with_key(server: &TestServer) -> String {
    let answer = scrape(server, "/metrics", &[&format!("Authorization: Bearer {KEY}")]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

/// The number behind a name with its labels.
fn number(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Where scripts/test puts it.
fn promtool() -> Command {
    let own = Path::new(ROOT).join("target/tools/promtool");
    Command::new(if own.is_file() { own } else { "promtool".into() })
}

fn check_metrics(text: &str) {
    let mut tool = promtool()
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool: scripts/test installs it");
    tool.stdin.take().expect("its input").write_all(text.as_bytes()).expect("it reads");
    let done = tool.wait_with_output().expect("it ends");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.is_empty(), "{said}\n{text}");
}

#[test]
fn keys_with_the_right_and_addresses_that_are_allowed_read_metrics() {
    let server = TestServer::start();
    let status = |headers: &[&str]| scrape(&server, "/metrics", headers).status;
    let key = |name: &str, scope: &str| {
        let made = server.done("settings/api_key_new", &format!("data[name]={name}&data[scope][]={scope}"));
        format!("Authorization: Bearer {}", made["api_key"].as_str().expect("a key"))
    };
    let (metrics, reading, line) = (key("m", "metrics"), key("r", "metrics:read"), key("l", "line"));
    server.done("resellers/new", "data[name]=North");
    assert_eq!((status(&[]), status(&["Authorization: Bearer wrong-key-0123456789"])), (401, 401));
    assert_eq!((status(&[&metrics]), status(&[&reading]), status(&[&line])), (200, 200, 403));
    let denied = scrape(&server, "/metrics", &[&line]).body;
    assert_eq!(
        denied,
        "{\"result\":false,\"error\":\"Not allowed to read metrics: add metrics:read to the scope of this API key\"}"
    );
    assert_eq!(scrape(&server, &format!("/metrics?api_key={KEY}"), &[]).status, 401);

    server.done("settings/update", "data[metrics_allow][]=127.0.0.0/8");
    assert_eq!(status(&[]), 200);
    assert_eq!(
        status(&["Authorization: Bearer wrong-key-0123456789"]),
        401,
        "a key that is sent must be right"
    );
    server.done("settings/update", "data[metrics_allow]=");
    assert_eq!(status(&[]), 401);
    // Wrong keys count as at the Server API.
    let wrong: Vec<u16> =
        (0..12).map(|n| status(&[&format!("Authorization: Bearer wrong-{n}-0123456789")])).collect();
    assert_eq!((wrong.last(), status(&[&metrics])), (Some(&429), 200));
    server.done("settings/whitelist_remove", "address=127.0.0.0/8");
    assert_eq!(status(&[&metrics]), 403);
}

#[test]
fn only_who_may_read_metrics_lets_others_read_them() {
    let server = panel::server();
    let made = server.done("settings/api_key_new", "data[name]=s&data[scope][]=settings");
    let body =
        format!("api_key={}&data[metrics_allow][]=192.0.2.1", made["api_key"].as_str().expect("a key"));
    let (_, answer) = server.post("settings/update", &body);
    let error = answer["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("metrics_allow cannot be changed without the right metrics:read"), "{answer}");
    let admin = Panel::admin(&server);
    let page = admin.post("/panel/settings", &[("metrics_allow", "127.0.0.1\n10.0.0.0/8")]);
    assert_eq!(page.status, 303, "{}", page.body);
    let settings = server.done("settings/get", "");
    assert_eq!(settings["settings"]["metrics_allow"], serde_json::json!(["127.0.0.1", "10.0.0.0/8"]));
    assert_eq!(scrape(&server, "/metrics", &[]).status, 200);
}

#[test]
fn figures_follow_what_happens_in_both_forms() {
    let server = tv::with_streams(1);
    server.done("settings/update", "data[metrics_allow][]=127.0.0.1");
    let mut player = Player::get(&server, "/live/bob/pw/1.ts", "one");
    player.read(188 * 50);
    assert_eq!(Player::get(&server, "/live/bob/wrong/1.ts", "two").status, 401);
    server.refused("line/new", "data[username]=bob&data[password]=pw");
    server.done("line/new", "data[username]=ann&data[password]=pw&dry_run=1");
    let text = with_key(&server);
    check_metrics(&text);
    assert!((number(&text, "linecard_sessions{form=\"ts\"}") - 1.0).abs() < 0.1);
    for (name, least) in [
        ("linecard_streams{state=\"running\"}", 1.0),
        ("linecard_received_bytes_total", 10_000.0),
        ("linecard_sent_bytes_total", 9_000.0),
        ("linecard_refusals_total{reason=\"wrong_credentials\"}", 1.0),
        ("linecard_api_calls_total{resource=\"line\",action=\"new\",outcome=\"ok\"}", 1.0),
        ("linecard_api_calls_total{resource=\"line\",action=\"new\",outcome=\"taken\"}", 1.0),
        ("linecard_api_calls_total{resource=\"line\",action=\"new\",outcome=\"dry_run\"}", 1.0),
        ("linecard_api_call_duration_seconds_count{resource=\"line\"}", 3.0),
        ("linecard_commit_duration_seconds_count", 5.0),
        ("linecard_database_size_bytes", 4_096.0),
        ("linecard_wal_size_bytes", 1.0),
        ("linecard_disk_free_bytes", 1.0),
        ("process_resident_memory_bytes", 5e6),
        ("process_open_fds", 5.0),
        ("process_cpu_seconds_total", 0.01),
        ("process_start_time_seconds", 1.7e9),
    ] {
        assert!(number(&text, name) >= least, "{name} in {text}");
    }
    assert!(number(&text, "linecard_writer_queue") < 100.0 && number(&text, "linecard_clock_in_doubt") < 0.5);
    assert!(!text.contains("stream=\"") && !text.contains("bob"), "{text}");
    assert!(
        text.contains("linecard_build_info{version=\"") && text.ends_with('\n') && !text.contains("# EOF")
    );

    // Subscribers as the dashboard last counted them: at the start, and each minute.
    assert!(number(&text, "linecard_lines{state=\"active\"}") >= 0.0);
    let by_stream = scrape(&server, "/metrics?streams=1", &[]).body;
    check_metrics(&by_stream);
    assert!(number(&by_stream, "linecard_stream_received_bytes_total{stream=\"1\"}") > 10_000.0);
    assert!((number(&by_stream, "linecard_stream_sessions{stream=\"1\"}") - 1.0).abs() < 0.1);
    assert!((number(&by_stream, "linecard_stream_up{stream=\"1\"}") - 1.0).abs() < 0.1);

    let open =
        scrape(&server, "/metrics", &["Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5"]);
    assert!(
        open.header("content-type")
            .any(|kind| kind.starts_with("application/openmetrics-text; version=1.0.0"))
    );
    assert!(open.body.ends_with("# EOF\n") && open.body.contains("# TYPE linecard_sent_bytes counter\n"));
    drop(player);
    within(10, "the viewer is gone", || number(&with_key(&server), "linecard_sessions{form=\"ts\"}") < 0.5);
    // What it had been sent stays counted, and so does what came of a stream that is deleted.
    let before = number(&with_key(&server), "linecard_received_bytes_total");
    server.done("streams/delete", "id=1");
    within(10, "the stream is gone", || {
        number(&with_key(&server), "linecard_streams{state=\"running\"}") < 0.5
    });
    let after = with_key(&server);
    assert!(number(&after, "linecard_received_bytes_total") >= before);
    assert!(number(&after, "linecard_sent_bytes_total") >= 9_000.0);
}

/// What begins like a metric of ours in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_metric = |word: &&str| {
        (word.starts_with("linecard_") || word.starts_with("process_")) && word.matches('_').count() > 0
    };
    words.filter(is_metric).collect()
}

#[test]
fn rules_dashboard_and_docs_name_metrics_that_are_there() {
    let quoted: Vec<&str> = SOURCE.split('"').skip(1).step_by(2).collect();
    let there: BTreeSet<&str> = quoted.iter().flat_map(|text| names(text)).collect();
    assert!(there.len() > 30, "{there:?}");
    let known = |name: &str| {
        let ends = ["", "_total", "_bucket", "_sum", "_count"];
        ends.iter().any(|end| name.strip_suffix(end).is_some_and(|base| there.contains(base)))
    };
    let folder = Path::new(ROOT).join("docs/monitoring");
    for file in ["alerts.yml", "dashboard.json"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("a file");
        let unknown: Vec<&str> = names(&text).into_iter().filter(|name| !known(name)).collect();
        assert!(unknown.is_empty() && names(&text).len() > 5, "{file}: {unknown:?}");
    }
    let unknown: Vec<&str> = names(DOCS).into_iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "docs/monitoring.md: {unknown:?}");
    let told = names(DOCS);
    let untold: Vec<&&str> = there
        .iter()
        .filter(|name| !["", "_total"].iter().any(|end| told.contains(format!("{name}{end}").as_str())))
        .collect();
    assert!(untold.is_empty(), "docs/monitoring.md does not tell of {untold:?}");

    let dashboard = std::fs::read_to_string(folder.join("dashboard.json")).expect("a file");
    let dashboard: Value = serde_json::from_str(&dashboard).expect("JSON");
    assert!(dashboard["panels"].as_array().is_some_and(|panels| panels.len() > 15));
    let done = promtool().args(["check", "rules"]).arg(folder.join("alerts.yml")).output();
    let done = done.expect("promtool: scripts/test installs it");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn healthz_tells_live_from_ready() {
    let server = TestServer::start().expecting("database is locked");
    let ask = |path: &str| {
        let answer = scrape(&server, path, &[]);
        (answer.status, serde_json::from_str::<Value>(&answer.body).expect("JSON"))
    };
    for path in ["/healthz", "/healthz/live", "/healthz/ready"] {
        let (status, body) = ask(path);
        assert_eq!(status, 200, "{path} {body}");
        assert_eq!(body["version"], env!("CARGO_PKG_VERSION"), "{path}");
        assert!(body["schema"].as_i64().is_some_and(|schema| schema >= 18), "{path} {body}");
    }
    let (_, body) = ask("/healthz/ready");
    let named: Vec<&str> = body["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|check| check["name"].as_str())
        .collect();
    assert_eq!(named, ["database", "writes", "schema", "disk", "clock", "guide", "ffmpeg"]);
    let folder = server.data().display().to_string();
    assert!(!body.to_string().contains(&folder), "{body}");

    // Another program holds the lock: it lives, and is not ready.
    let open = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    open.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let begun = Instant::now();
    let held = || ask("/healthz/ready");
    within(10, "not ready", || held().0 == 503);
    assert!(begun.elapsed() < Duration::from_secs(10));
    let (_, body) = held();
    let writes = &body["checks"][1];
    assert!(body["status"] == "not ready" && writes["state"] == "failed", "{body}");
    assert_eq!((ask("/healthz").0, ask("/healthz/live").0), (200, 200));
    open.execute_batch("ROLLBACK").expect("the lock is back");
    within(15, "ready again", || ask("/healthz/ready").0 == 200);
}
