//! Who may use the classic API: its own switch and its own whitelist, and no browser that acts for another site.

use serde_json::json;

use super::{ask, server, switch_on};
use crate::support::{KEY, TestServer};

const LIST: &str = "/api.php?action=server&sub=list";

#[test]
fn it_is_off_and_its_whitelist_empty_at_first() {
    let server = TestServer::start();
    let (status, answer) = server.curl(LIST, &[]);
    assert_eq!((status, &answer["result"]), (404, &json!(false)), "{answer}");
    // Whoever may use the Server API may not use this one, and no key opens it.
    server.done("settings/update", "data[classic_api]=1");
    for arguments in [
        &[][..],
        &["-d", "api_key=test-key-0123456789"],
        &["-H", "Authorization: Bearer test-key-0123456789"],
    ] {
        let (status, answer) = server.curl(LIST, arguments);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(status == 403 && error.contains("127.0.0.1"), "{status} {answer}");
    }
    switch_on(&server);
    assert_eq!(server.curl(LIST, &[]).0, 200);
    server.done("settings/update", "data[classic_api_allow]=");
    assert_eq!(server.curl(LIST, &[]).0, 403);
    server.done("settings/update", "data[classic_api]=0&data[classic_api_allow][]=127.0.0.1");
    assert_eq!(server.curl(LIST, &[]).0, 404);
    // It opens nothing else.
    server.done("settings/update", "data[classic_api]=1");
    assert_eq!(server.post("line/list", "").0, 401);
}

#[test]
fn the_address_behind_a_trusted_proxy_counts() {
    let server =
        TestServer::on(tempfile::tempdir().expect("a folder"), &["--trusted-proxies", "127.0.0.0/8"]);
    server.done("settings/update", "data[classic_api]=1&data[classic_api_allow][]=203.0.113.0/24");
    assert_eq!(server.curl(LIST, &[]).0, 403);
    assert_eq!(server.curl(LIST, &["-H", "X-Forwarded-For: 203.0.113.9"]).0, 200);
    assert_eq!(server.curl(LIST, &["-H", "X-Forwarded-For: 203.0.113.9, 198.51.100.1"]).0, 403);
}

#[test]
fn a_browser_is_refused_that_acts_for_another_site_or_does_not_say_for_which() {
    let server = server();
    server.done("resellers/new", "data[name]=North");
    let pay = "/api.php?action=reg_user&sub=credits&id=1&amount=5";
    let own = format!("Origin: {}", server.url);
    for (headers, status) in [
        (&["Sec-Fetch-Site: cross-site"][..], 403),
        (&["Sec-Fetch-Site: same-site"], 403),
        (&["Origin: http://evil.example"], 403),
        (&["Origin: null"], 403),
        (&["Accept-Language: en"], 403),
        (&["Accept-Language;"], 403),
        (&[&own, "Accept-Language: en"], 403),
        (&["Sec-Fetch-Site: none", "Accept-Language: en"], 403),
        (&["Sec-Fetch-Site: none"], 403),
        (&["Sec-Fetch-Site: same-origin", "Accept-Language: en"], 200),
        (&[&own], 200),
        (&[], 200),
    ] {
        let arguments: Vec<&str> = headers.iter().flat_map(|header| ["-H", header]).collect();
        assert_eq!(server.curl(pay, &arguments).0, status, "GET {headers:?}");
        let arguments = [&arguments[..], &["-d", "x=1"]].concat();
        assert_eq!(server.curl(pay, &arguments).0, status, "POST {headers:?}");
    }
    assert_eq!(server.done("resellers/list", "")["resellers"][0]["credits"], 30);
}

#[test]
fn what_only_posts_do_is_done_by_no_get_and_bodies_are_bounded() {
    let server = server();
    for call in ["user&sub=create", "user&sub=edit", "stb&sub=create", "stb&sub=edit"] {
        let (status, answer) =
            server.curl(&format!("/api.php?action={call}&user_data[mac]=001A79000001"), &[]);
        assert_eq!((status, &answer["error"]), (405, &json!("This call takes POST")), "{call}");
    }
    assert_eq!(server.curl(LIST, &["-X", "PUT"]).0, 405);
    assert_eq!(server.curl(LIST, &["-X", "OPTIONS"]).0, 405);
    let large = server.data().join("large");
    std::fs::write(&large, vec![b'a'; (1 << 20) + 1]).expect("a file");
    let body = format!("@{}", large.display());
    assert_eq!(
        server.curl("/api.php?action=user&sub=create", &["-H", "Expect:", "--data-binary", &body]).0,
        413
    );
    let many = format!("user_data[bouquet]=[{}1]", "1,".repeat(10_000));
    let (_, answer) = server.curl("/api.php?action=user&sub=create", &["-d", &many]);
    assert_eq!(answer["error"], "PARAMETER ERROR (bouquet)");
    let deep = format!("user_data{}=1", "[a]".repeat(9));
    assert_eq!(server.curl("/api.php?action=user&sub=create", &["-d", &deep]).0, 400);
    assert_eq!(server.curl("/api.php?action=user&sub=create", &["-d", "user_data[username]=%ff"]).0, 400);
    assert_eq!(server.done("line/list", "")["total"], 0);
}

#[test]
fn what_it_does_stands_in_the_logs_as_done_by_it_without_secrets() {
    let server = server();
    server.done("resellers/new", "data[name]=North");
    ask(&server, "user/create", "user_data[username]=bob&user_data[password]=secret-of-bob");
    ask(&server, "user/edit", "username=bob&password=secret-of-bob&user_data[max_connections]=3");
    ask(&server, "reg_user/credits", "id=1&amount=5");
    ask(&server, "user/create", "user_data[secret-of-bob]=1");
    let audit = server.done("logs/list", "kind=audit&actor_kind=classic_api")["logs"].clone();
    let rows = audit.as_array().expect("rows").iter();
    let rows: Vec<String> =
        rows.map(|row| format!("{}/{} {}", row["resource"], row["action"], row["target"])).collect();
    assert_eq!(rows.len(), 3, "{audit}");
    for row in
        ["\"line\"/\"new\" \"bob\"", "\"line\"/\"update\" \"bob\"", "\"resellers\"/\"add_credits\" \"North\""]
    {
        assert!(rows.iter().any(|found| found == row), "{row} is not in {rows:?}");
    }
    assert_eq!((&audit[0]["actor"], &audit[0]["address"]), (&json!("classic API"), &json!("127.0.0.1")));
    assert_eq!(server.done("resellers/statement", "id=1")["statement"][0]["actor"], "classic API");
    let calls = || server.done("logs/list", "kind=api&key_name=classic API")["logs"].clone();
    crate::support::tv::within(10, "four calls are noted", || calls().as_array().map(Vec::len) == Some(4));
    for log in [audit.to_string(), calls().to_string(), server.log()] {
        assert!(!log.contains("secret-of-bob"), "{log}");
    }
    assert!(calls().to_string().contains("PARAMETER ERROR (***)"));
    assert_eq!(server.curl("/api/logs/list", &["-d", &format!("api_key={KEY}&kind=login")]).1["total"], 0);
}

#[test]
fn a_password_is_sealed_asked_for_and_not_guessed_and_is_typed_again_without_its_key() {
    let server = crate::support::panel::server();
    switch_on(&server);
    server.done("settings/update", "data[classic_api_password]=s3cret %26 long");
    assert_eq!(server.done("settings/get", "")["settings"]["classic_api_password"], "***");
    // Whoever sends back what is shown changes nothing.
    server.done("settings/update", "data[classic_api_password]=***");
    let ask = |pass: &str| server.curl(&format!("{LIST}{pass}"), &[]).0;
    assert_eq!((ask(""), ask("&api_pass=wrong"), ask("&api_pass=***")), (401, 401, 401));
    assert_eq!(ask("&api_pass=s3cret+%26+long"), 200);
    assert_eq!(server.curl(LIST, &["-d", "api_pass=s3cret+%26+long"]).0, 200);
    let logins = server.done("logs/list", "kind=login&face=classic_api")["logs"].clone();
    assert_eq!((logins.as_array().map(Vec::len), &logins[0]["outcome"]), (Some(3), &json!("wrong password")));
    // Nothing readable of it is anywhere.
    let audit = server.done("logs/list", "kind=audit")["logs"].to_string();
    let events = server.done("events/list", "limit=1000").to_string();
    let files =
        std::fs::read_dir(server.data()).expect("the folder").flatten().filter(|file| file.path().is_file());
    for text in files
        .map(|file| String::from_utf8_lossy(&std::fs::read(file.path()).unwrap_or_default()).into_owned())
    {
        assert!(!text.contains("s3cret"), "in a file");
    }
    assert!(!audit.contains("s3cret") && !events.contains("s3cret"));

    for _ in 3..10 {
        assert_eq!(ask("&api_pass=guess"), 401);
    }
    // The right one is answered as a wrong one is.
    assert_eq!((ask("&api_pass=guess"), ask("&api_pass=s3cret+%26+long")), (429, 429));
    let blocks = server.done("security/blocks", "")["blocks"].clone();
    assert_eq!((&blocks[0]["face"], &blocks[0]["blocked"]), (&json!("classic_api"), &json!(1)));
    server.done("security/unblock", "address=127.0.0.1");
    assert_eq!(ask("&api_pass=s3cret+%26+long"), 200);

    // Restored without its key.
    let folder = server.stop();
    std::fs::remove_file(folder.path().join("linecard.key")).expect("the key");
    let server = TestServer::on(folder, &[]);
    assert!(server.log().contains("the password of the classic API was sealed with another key"));
    let dashboard = crate::support::panel::Panel::admin(&server).get("/panel/");
    assert!(dashboard.contains("The password of the classic API"), "{dashboard}");
    let (status, answer) = server.curl(&format!("{LIST}&api_pass=s3cret+%26+long"), &[]);
    assert!(
        status == 503 && answer["error"].as_str().is_some_and(|why| why.contains("type it again")),
        "{answer}"
    );
    server.done("settings/update", "data[classic_api_password]=second");
    assert_eq!(server.curl(&format!("{LIST}&api_pass=second"), &[]).0, 200);
    server.done("settings/update", "data[classic_api_password]=");
    assert_eq!(server.curl(LIST, &[]).0, 200);
}

#[test]
fn the_panel_switches_it_on_and_sets_and_removes_its_password() {
    let server = crate::support::panel::server();
    let panel = crate::support::panel::Panel::admin(&server);
    let path = "/panel/settings/api/classic";
    let done = panel.done(
        path,
        &[("classic_api", "1"), ("classic_api_allow", "127.0.0.1\n10.0.0.0/8"), ("classic_api_password", "")],
    );
    assert!(done.contains("The settings of the classic API were saved"), "{done}");
    assert_eq!(server.curl(LIST, &[]).0, 200);
    let page = panel.refused(path, &[("classic_api_allow", "nowhere")], 422);
    assert!(page.contains("nowhere") && page.contains("<strong class=\"wrong\">"), "{page}");
    let page = panel.done(path, &[("classic_api_password", "panel-pass")]);
    assert!(
        page.contains("There is one; empty: it stays as it is.") && !page.contains("panel-pass"),
        "{page}"
    );
    panel.done(path, &[("classic_api_password", "")]);
    assert_eq!(server.curl(LIST, &[]).0, 401);
    assert_eq!(server.curl(&format!("{LIST}&api_pass=panel-pass"), &[]).0, 200);
    panel.done(path, &[("remove_password", "1")]);
    assert_eq!(server.curl(LIST, &[]).0, 200);
    let settings = server.done("settings/get", "")["settings"].clone();
    assert_eq!(settings["classic_api_allow"], json!(["127.0.0.1", "10.0.0.0/8"]));
}

#[test]
fn fields_by_which_the_server_api_does_less_are_refused() {
    let server = server();
    server.done("resellers/new", "data[name]=North");
    for field in ["dry_run", "if_updated_at"] {
        let answer = ask(&server, "reg_user/credits", &format!("id=1&amount=5&{field}=1"));
        assert_eq!(answer["error"], format!("PARAMETER ERROR ({field})"));
    }
    assert_eq!(server.done("resellers/list", "")["resellers"][0]["credits"], 0);
}
