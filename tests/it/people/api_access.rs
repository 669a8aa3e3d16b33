//! Who may call the Server API: whitelist, keys, scopes, proxies.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{KEY, TestServer, linecard};

const WRONG: &str = "wrong-key-9876543210";

fn behind_proxy() -> TestServer {
    TestServer::on(tempfile::tempdir().expect("a folder"), &["--trusted-proxies", "127.0.0.0/8"])
}

fn from(server: &TestServer, address: &str, key: &str) -> (u16, Value) {
    let (forwarded, bearer) = (format!("X-Forwarded-For: {address}"), format!("Authorization: Bearer {key}"));
    server.curl("/api/line/list", &["-H", &forwarded, "-H", &bearer])
}

fn error(answer: &Value) -> String {
    assert_eq!(answer["result"], false, "{answer}");
    answer["error"].as_str().expect("a text").to_owned()
}

fn new_key(server: &TestServer, fields: &str) -> String {
    let answer = server.done("settings/api_key_new", fields);
    answer["api_key"].as_str().expect("a text").to_owned()
}

fn with_key(server: &TestServer, key: &str, call: &str, body: &str) -> (u16, Value) {
    server.post(call, &format!("api_key={key}&{body}"))
}

#[test]
fn an_address_off_the_whitelist_is_told_which_it_is_and_how_to_add_it() {
    let server = behind_proxy();
    for address in ["203.0.113.9", "2001:db8::9"] {
        for key in [KEY, WRONG] {
            let (status, answer) = from(&server, address, key);
            let text = error(&answer);
            assert_eq!(status, 403, "{text}");
            for part in
                [address, "General Settings -> API Settings", &format!("linecard whitelist add {address}")]
            {
                assert!(text.contains(part), "{text}");
            }
        }
    }
}

#[test]
fn the_whitelist_takes_ranges_of_both_families_and_lets_go_at_once() {
    let server = behind_proxy();
    let added = server.done("settings/whitelist_add", "address=203.0.113.0/24&note=office");
    assert_eq!(added["address"], "203.0.113.0/24");
    server.done("settings/whitelist_add", "data[address]=2001:db8::/32");
    assert_eq!(from(&server, "203.0.113.9", KEY).0, 200);
    assert_eq!(from(&server, "::ffff:203.0.113.9", KEY).0, 200, "a mapped address is its v4 address");
    assert_eq!(from(&server, "203.0.114.9", KEY).0, 403);
    assert_eq!(from(&server, "2001:db8:5::1", KEY).0, 200);
    assert_eq!(from(&server, "203.0.113.9", WRONG).0, 401, "both, always");
    server.done("settings/whitelist_remove", "address=203.0.113.0/24");
    assert_eq!(from(&server, "203.0.113.9", KEY).0, 403);
    let listed = server.done("settings/whitelist_list", "");
    let addresses: Vec<&Value> =
        listed["whitelist"].as_array().expect("a list").iter().map(|row| &row["address"]).collect();
    assert_eq!(addresses, ["127.0.0.0/8", "::1", "2001:db8::/32"]);
    assert_eq!(listed["your_address"], "127.0.0.1");
}

#[test]
fn whitelist_entries_are_checked() {
    let server = TestServer::start();
    for wrong in ["x", "203.0.113.300", "203.0.113.0/33", "example.com"] {
        assert!(
            server
                .refused("settings/whitelist_add", &format!("address={wrong}"))
                .starts_with("Invalid address"),
            "{wrong}"
        );
    }
    server.done("settings/whitelist_add", "address=203.0.113.9");
    for again in ["203.0.113.9", "203.0.113.9/32", "::ffff:203.0.113.9"] {
        let refused = server.refused("settings/whitelist_add", &format!("address={again}"));
        assert_eq!(refused, "Address is on the whitelist already", "{again}");
    }
    assert!(server.refused("settings/whitelist_remove", "address=203.0.113.8").contains("203.0.113.8"));
}

#[test]
fn a_forwarded_address_counts_only_from_a_trusted_proxy() {
    let plain = TestServer::start();
    assert_eq!(from(&plain, "203.0.113.9", KEY).0, 200, "the header is ignored");
    let server = behind_proxy();
    assert_eq!(
        from(&server, "127.0.0.1, 203.0.113.9", KEY).0,
        403,
        "what the caller wrote himself does not count"
    );
    assert_eq!(from(&server, "203.0.113.9, 127.0.0.5", KEY).0, 403, "a chain of trusted proxies");
    let elsewhere =
        TestServer::on(tempfile::tempdir().expect("a folder"), &["--trusted-proxies", "10.0.0.1"]);
    assert_eq!(from(&elsewhere, "203.0.113.9", KEY).0, 200);
}

#[test]
fn an_entry_added_on_the_command_line_is_noticed_within_two_seconds() {
    let server = behind_proxy();
    assert_eq!(from(&server, "203.0.113.9", KEY).0, 403);
    let (code, _, errors) = linecard(server.data(), &["whitelist", "add", "203.0.113.9"]);
    assert_eq!(code, 0, "{errors}");
    let until = Instant::now() + Duration::from_secs(2);
    while from(&server, "203.0.113.9", KEY).0 != 200 {
        assert!(Instant::now() < until, "it is not noticed");
        std::thread::sleep(Duration::from_millis(50));
    }
    let (code, _, errors) = linecard(server.data(), &["whitelist", "remove", "203.0.113.9"]);
    assert_eq!(code, 0, "{errors}");
    let until = Instant::now() + Duration::from_secs(2);
    while from(&server, "203.0.113.9", KEY).0 != 403 {
        assert!(Instant::now() < until, "it is not noticed");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_key_is_taken_from_the_body_the_header_and_the_url() {
    let server = TestServer::start();
    let (in_body, bearer) = (format!("api_key={KEY}"), format!("Authorization: Bearer {KEY}"));
    let in_json = json!({ "api_key": KEY }).to_string();
    let url = format!("/api/line/list/{KEY}");
    for (place, path, arguments) in [
        ("form", "/api/line/list", vec!["-d", in_body.as_str()]),
        ("json", "/api/line/list", vec!["-H", "Content-Type: application/json", "-d", &in_json]),
        ("multipart", "/api/line/list", vec!["-F", &in_body]),
        ("header", "/api/line/list", vec!["-H", &bearer]),
        ("url by get", &url, vec![]),
        ("url by post", &url, vec!["-d", ""]),
    ] {
        let (status, answer) = server.curl(path, &arguments);
        assert_eq!((status, &answer["total"]), (200, &json!(0)), "{place}");
    }
}

#[test]
fn key_and_id_in_the_url_may_be_percent_encoded() {
    let server = TestServer::start();
    let path = format!("/api/servers/info/{}/%31", KEY.replace('-', "%2D"));
    let (status, answer) = server.curl(&path, &[]);
    assert_eq!((status, &answer["server"]["id"]), (200, &json!(1)), "{answer}");
}

#[test]
fn slashes_before_a_call_may_be_several() {
    let server = TestServer::start();
    assert_eq!(server.curl(&format!("//api/servers/list/{KEY}"), &[]).1["result"], true);
}

#[test]
fn a_key_sent_as_the_name_of_a_field_is_not_repeated() {
    let server = TestServer::start();
    for body in [format!("{KEY}=1"), format!("data[{KEY}]=1")] {
        let refused = server.refused("line/new", &body);
        assert!(refused.starts_with("Unknown field: ***. The"), "{refused}");
    }
}

#[test]
fn the_body_wins_over_the_header_and_the_header_over_the_url() {
    let server = TestServer::start();
    let status = |body: Option<&str>, header: Option<&str>, url: &str| {
        let body = body.map(|key| format!("api_key={key}"));
        let header = header.map(|key| format!("Authorization: Bearer {key}"));
        let mut arguments = Vec::new();
        arguments.extend(body.iter().flat_map(|body| ["-d", body]));
        arguments.extend(header.iter().flat_map(|header| ["-H", header]));
        server.curl(&format!("/api/line/list/{url}"), &arguments).0
    };
    assert_eq!(status(Some(KEY), Some(WRONG), WRONG), 200);
    assert_eq!(status(Some(WRONG), Some(KEY), KEY), 401);
    assert_eq!(status(None, Some(KEY), WRONG), 200);
    assert_eq!(status(None, Some(WRONG), KEY), 401);
    assert_eq!(status(Some(""), Some(KEY), WRONG), 200, "an empty field is no key");
}

#[test]
fn a_key_in_the_query_string_is_never_taken() {
    let server = TestServer::start();
    let path = format!("/api/line/list?api_key={KEY}");
    for arguments in [&[][..], &["-d", ""], &["-d", "limit=1"]] {
        let (status, answer) = server.curl(&path, arguments);
        assert_eq!(status, 401, "{answer}");
        assert!(!error(&answer).contains(KEY));
    }
    assert_eq!(server.curl(&format!("/api/line/list/{KEY}?api_key={WRONG}"), &[]).0, 200);
}

#[test]
fn missing_and_wrong_keys_are_401_and_ten_wrong_ones_429_with_the_time_to_wait() {
    let server = behind_proxy();
    server.done("settings/whitelist_add", "address=203.0.113.0/24");
    for _ in 0..12 {
        let (status, answer) = server.curl("/api/line/list", &[]);
        assert_eq!(status, 401, "a missing key is no guess: {answer}");
    }
    for _ in 0..10 {
        let (status, answer) = from(&server, "203.0.113.9", WRONG);
        assert_eq!(status, 401);
        assert!(!error(&answer).contains(WRONG));
    }
    let headers = server.data().join("headers");
    let headers = headers.to_str().expect("a path");
    let wrong_key = format!("/api/line/list/{WRONG}");
    let (status, answer) = server.curl(&wrong_key, &["-H", "X-Forwarded-For: 203.0.113.9", "-D", headers]);
    assert_eq!(status, 429, "{}", error(&answer));
    let head = std::fs::read_to_string(headers).expect("the headers").to_lowercase();
    let wait = head.lines().find_map(|line| line.strip_prefix("retry-after: ")).expect("Retry-After").trim();
    assert!((1..=61).contains(&wait.parse::<u32>().expect("seconds")), "{wait}");
    assert_eq!(from(&server, "203.0.113.9", KEY).0, 200, "the right key is no guess");
    assert_eq!(from(&server, "203.0.113.10", WRONG).0, 401, "another address does not wait");
    let noted = server.done("logs/list", "kind=login&face=api&address=203.0.113.9");
    assert_eq!((&noted["total"], &noted["logs"][0]["outcome"]), (&json!(10), &json!("wrong API key")));
}

#[test]
fn a_page_of_another_site_calls_nothing_and_programs_need_say_nothing_of_themselves() {
    let server = TestServer::start();
    let call = |headers: &[&str]| {
        let mut arguments = vec!["-d", "data[username]=anna", "-H"];
        let key = format!("Authorization: Bearer {KEY}");
        arguments.push(&key);
        arguments.extend(headers.iter().flat_map(|header| ["-H", header]));
        server.curl("/api/line/new", &arguments)
    };
    let own = format!("Origin: {}", server.url);
    for foreign in [
        &["Sec-Fetch-Site: cross-site"][..],
        &["Sec-Fetch-Site: same-site"],
        &["Sec-Fetch-Site: cross-site", &own],
        &["Origin: http://evil.example"],
        &["Origin: null"],
    ] {
        let (status, answer) = call(foreign);
        assert_eq!(status, 403, "{foreign:?} {answer}");
        assert!(error(&answer).starts_with("A page of another site"), "{answer}");
    }
    assert_eq!(server.done("line/list", "")["total"], 0);
    assert_eq!(call(&[&own]).0, 200);
    // A picture in a page asks with GET, which some calls that change something take; those that only look may be linked to.
    let get = |call: &str| {
        server.curl(&format!("/api/{call}/{KEY}/1"), &["-G", "-H", "Sec-Fetch-Site: cross-site"]).0
    };
    assert_eq!((get("streams/stop"), get("streams/start"), get("streams/online")), (403, 403, 200));
    assert_eq!(call(&[]).1["error"], "Username exists.");
}

#[test]
fn a_scope_opens_its_resources_and_nothing_else() {
    let server = TestServer::start();
    let lines = new_key(&server, "data[name]=lines&data[scope][]=line&data[scope][]=mag:read");
    let reads = new_key(&server, "data[name]=reads&data[scope][]=read_only");
    for (key, call, body, allowed) in [
        (&lines, "line/new", "data[username]=anna", true),
        (&lines, "line/list", "", true),
        (&lines, "mag/list", "", true),
        (&lines, "mag/new", "data[mac_address]=00:1A:79:00:00:01", false),
        (&lines, "resellers/list", "", false),
        (&lines, "settings/api_key_new", "data[name]=x", false),
        (&reads, "resellers/list", "", true),
        (&reads, "settings/whitelist_list", "", true),
        (&reads, "line/delete", "username=anna", false),
        (&reads, "settings/api_key_new", "data[name]=x", false),
    ] {
        let (status, answer) = with_key(&server, key, call, body);
        assert_eq!((status, &answer["result"]), (200, &json!(allowed)), "{call}: {answer}");
        assert!(allowed || error(&answer).starts_with("Not allowed to "), "{call}: {answer}");
    }
    assert_eq!(server.done("line/list", "")["total"], 1);
    assert_eq!(server.done("mag/list", "")["total"], 0);
}

#[test]
fn no_key_makes_a_key_or_a_group_that_may_more_than_itself() {
    let server = TestServer::start();
    let key = new_key(
        &server,
        "data[name]=clerk&data[scope][]=settings&data[scope][]=groups&data[scope][]=administrators",
    );
    for (call, body) in [
        ("settings/api_key_new", "data[name]=boss&data[scope][]=full"),
        ("settings/api_key_new", "data[name]=boss"),
        ("groups/new", "data[name]=bosses&data[rights][]=line"),
        (
            "administrators/new",
            "data[username]=eve&data[password]=long-enough&data[email]=eve@example.com&data[group_id]=1",
        ),
        ("administrators/update", "id=1&data[password]=long-enough"),
        ("administrators/delete", "id=1"),
        ("settings/api_key_revoke", "id=1"),
    ] {
        let answer = with_key(&server, &key, call, body).1;
        assert!(error(&answer).starts_with("You cannot give the right"), "{call}: {answer}");
    }
    assert_eq!(server.done("settings/api_key_list", "")["total"], 2);
    assert_eq!(server.done("administrators/list", "")["total"], 1);
}

#[test]
fn a_key_with_addresses_works_from_those_only() {
    let server = behind_proxy();
    server.done("settings/whitelist_add", "address=203.0.113.0/24");
    let key = new_key(&server, "data[name]=office&data[addresses][]=203.0.113.9");
    assert_eq!(from(&server, "203.0.113.9", &key).0, 200);
    let (status, answer) = from(&server, "203.0.113.10", &key);
    assert_eq!(status, 403);
    assert!(error(&answer).contains("203.0.113.10") && !error(&answer).contains(&key), "{answer}");
}

#[test]
fn an_expired_key_is_refused() {
    let server = TestServer::start();
    let over = new_key(&server, "data[name]=over&data[expires_at]=1700000000");
    let (status, answer) = with_key(&server, &over, "line/list", "");
    assert_eq!((status, error(&answer).contains("expired")), (401, true), "{answer}");
    let valid = new_key(&server, "data[name]=valid&data[expires_at]=4102444800");
    assert_eq!(with_key(&server, &valid, "line/list", "").0, 200);
}

#[test]
fn a_revoked_key_ends_at_once() {
    let server = TestServer::start();
    for by in ["id=2", "name=billing"] {
        let key = new_key(&server, "data[name]=billing");
        assert_eq!(with_key(&server, &key, "line/list", "").0, 200);
        server.done("settings/api_key_revoke", by);
        assert_eq!(with_key(&server, &key, "line/list", "").0, 401);
        assert!(server.refused("settings/api_key_revoke", by).starts_with("API key does not exist"));
    }
    let listed = server.done("settings/api_key_list", "");
    assert_eq!((&listed["total"], &listed["api_keys"][0]["name"]), (&json!(1), &json!("first key")));
}

#[test]
fn a_key_shows_once_and_never_again() {
    let server = TestServer::start();
    let key = new_key(&server, "data[name]=billing");
    assert_eq!(server.refused("settings/api_key_new", "data[name]=Billing"), "Name exists.");
    with_key(&server, &key, "line/new", "");
    for answer in [
        server.done("settings/api_key_list", ""),
        server.done("logs/list", "kind=audit"),
        server.done("logs/list", "kind=login"),
    ] {
        assert!(!answer.to_string().contains(&key), "{answer}");
        let text = answer.to_string();
        let hash = text.split(|c: char| !c.is_ascii_hexdigit()).find(|run| run.len() == 64);
        assert_eq!(hash, None, "not even the hash of one");
    }
}

#[test]
fn no_key_reaches_the_log_an_error_text_or_the_audit_trail_from_any_place() {
    let server = TestServer::start();
    for key in [KEY, WRONG] {
        let (in_body, bearer) = (format!("api_key={key}"), format!("Authorization: Bearer {key}"));
        for (path, arguments) in [
            ("/api/line/new".to_owned(), vec!["-d", in_body.as_str()]),
            ("/api/line/new".to_owned(), vec!["-H", &bearer, "-d", ""]),
            (format!("/api/line/new/{key}"), vec!["-d", ""]),
            (format!("/api/line/new/{key}/7"), vec!["-d", ""]),
            (format!("/api/line/new/x/{key}"), vec!["-d", ""]),
            (format!("/api/line/nothing/{key}"), vec!["-d", ""]),
            (format!("/api/nothing/{key}"), vec![]),
            (format!("/api/line/{key}"), vec![]),
            (format!("/api/{key}/line/list"), vec![]),
            (format!("/{key}"), vec![]),
            (format!("/api/line/list/a/b/c/{key}"), vec![]),
            (format!("/api/line/list?api_key={key}"), vec![]),
            (format!("/api/line/list?key={key}"), vec!["-H", &bearer]),
            ("/api/line/new".to_owned(), vec!["-H", "Content-Type: application/json", "-d", &in_body]),
        ] {
            let (_, answer) = server.curl(&path, &arguments);
            assert!(!answer.to_string().contains(key), "{path}: {answer}");
        }
        std::thread::sleep(Duration::from_millis(50));
        assert!(!server.log().contains(key), "{}", server.log());
    }
    let fresh = TestServer::on(server.stop(), &[]);
    for kind in ["audit", "error", "login"] {
        let text = fresh.done("logs/list", &format!("kind={kind}")).to_string();
        assert!(!text.contains(KEY) && !text.contains(WRONG), "{text}");
    }
}

#[test]
fn the_right_to_settings_gives_nothing_that_its_holder_has_not() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    let scope = |name: &str, rights: &[&str]| {
        let rights = rights.join("&data[scope][]=");
        new_key(&server, &format!("data[name]={name}&data[scope][]={rights}"))
    };
    let settings = scope("settings", &["settings"]);
    let denied = |body: &str, told: &str| {
        let (status, answer) = with_key(&server, &settings, "settings/update", body);
        assert!(status == 200 && error(&answer).starts_with(told), "{status} {answer}");
    };
    denied("data[classic_api]=1", "classic_api cannot be changed without the right line");
    denied(
        "data[operator_name]=x&data[classic_api_allow][]=127.0.0.0/8",
        "classic_api_allow cannot be changed",
    );
    denied("data[classic_api_password]=known", "classic_api_password cannot be changed");
    denied("data[fetch_local]=1", "fetch_local cannot be changed without the right full");
    let rest = "data[operator_name]=Mine&data[classic_api]=0&data[fetch_local]=0";
    assert_eq!(with_key(&server, &settings, "settings/update", rest).1["result"], true);
    let (status, answer) = with_key(&server, &settings, "settings/whitelist_add", "address=203.0.113.0/24");
    assert!(status == 200 && error(&answer).starts_with("You cannot let in the API key"), "{answer}");
    assert_eq!(server.curl("/api.php?action=server&sub=list", &[]).0, 404);

    let classic = ["settings", "line", "mag", "resellers", "streams", "servers:read"];
    let able = scope("able", &classic);
    let on = "data[classic_api]=1&data[classic_api_allow][]=127.0.0.0/8";
    assert_eq!(with_key(&server, &able, "settings/update", on).1["result"], true);
    assert_eq!(server.curl("/api.php?action=server&sub=list", &[]).0, 200);

    // A right that is missing is named as it can be given.
    let reading = scope("reading", &["events:read"]);
    let (_, answer) = with_key(&server, &reading, "webhooks/new", "data[url]=https://hooks.example/");
    assert!(error(&answer).ends_with("add events to the scope of this API key"), "{answer}");
    let (_, answer) = with_key(&server, &reading, "guide_sources/new", "data[name]=x");
    assert!(error(&answer).ends_with("add guide to the scope of this API key"), "{answer}");
}
