//! Signing in to the panel, and being signed in.

use std::process::Command;

use crate::support::{
    TestServer, linecard,
    panel::{PASSWORD, Panel, server, server_with},
};

#[test]
fn whoever_signs_in_sees_the_panel_and_nobody_else_does() {
    let server = server();
    let panel = Panel::nobody(&server);
    let page = panel.ask("/panel/account");
    assert_eq!((page.status, page.location()), (303, "/panel/login?next=%2Fpanel%2Faccount"));
    assert_eq!(panel.sign_in("admin", "a wrong password").status, 401);
    assert_eq!(panel.ask("/panel/account").status, 303);
    assert_eq!(panel.sign_in("admin", PASSWORD).location(), "/panel/");
    assert!(panel.get("/panel/account").contains("Your account"));
    assert_eq!(panel.post("/panel/logout", &[]).location(), "/panel/login");
    assert_eq!(panel.ask("/panel/account").status, 303);
}

#[test]
fn whoever_came_in_with_a_generated_password_chooses_one_before_anything_else() {
    let server = TestServer::start();
    let generated = server.greeting.lines().find_map(|line| line.trim().strip_prefix("password "));
    let generated = generated.expect("a password").trim().to_owned();
    let panel = Panel::of(&server, "admin", &generated);
    assert_eq!(panel.ask("/panel/plans").location(), "/panel/account");
    let fields = |again| [("old_password", generated.as_str()), ("new_password", PASSWORD), ("again", again)];
    let page = panel.refused("/panel/account", &fields("something else"), 422);
    assert!(page.contains("Not the same as above"), "{page}");
    assert_eq!(panel.post("/panel/account", &fields(PASSWORD)).location(), "/panel/");
    panel.get("/panel/plans");
    assert_eq!(Panel::nobody(&server).sign_in("admin", &generated).status, 401);
    Panel::admin(&server);
}

#[test]
fn a_form_of_the_panel_says_what_was_done() {
    let server = server();
    let page = Panel::admin(&server).done("/panel/categories/new", &[("name", "News")]);
    assert!(page.contains("News was created."), "{page}");
}

#[test]
fn a_form_that_another_site_sends_changes_nothing() {
    let server = server();
    let fields = [("name", "News")];
    for header in ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site", "Origin: http://evil.example"] {
        let panel = Panel::admin(&server).with_header(header);
        panel.refused("/panel/categories/new", &fields, 403);
        panel.refused("/panel/login", &[("username", "admin"), ("password", PASSWORD)], 403);
    }
    let own = format!("Origin: {}", server.url);
    assert!(!Panel::admin(&server).get("/panel/categories").contains("News"));
    Panel::admin(&server).with_header(&own).done("/panel/categories/new", &fields);
}

/// Writes into the database as if time had passed.
fn aged(server: &TestServer, column: &str, seconds: i64) {
    let file = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    file.busy_timeout(std::time::Duration::from_secs(10)).expect("a timeout");
    let sql = format!("UPDATE panel_sessions SET {column} = {column} - ?");
    assert_eq!(file.execute(&sql, [seconds]).expect("an update"), 1);
}

#[test]
fn a_session_ends_after_12_hours_without_use_and_after_30_days_in_any_case() {
    for (column, almost, rest) in
        [("last_seen_at", 12 * 3600 - 60, 12 * 3600 + 61), ("created_at", 30 * 86_400 - 60, 61)]
    {
        let server = server();
        let panel = Panel::admin(&server);
        aged(&server, column, almost);
        panel.get("/panel/account");
        aged(&server, column, rest);
        let page = panel.ask("/panel/account");
        assert_eq!((page.status, page.location()), (303, "/panel/login?next=%2Fpanel%2Faccount"), "{column}");
    }
}

#[test]
fn the_cookie_of_a_session_is_for_this_panel_alone_and_for_tls_where_there_is_tls() {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    let cookie = |panel: &Panel<'_>| {
        let page = panel.sign_in("admin", PASSWORD);
        let cookies: Vec<String> = page.header("set-cookie").iter().map(ToString::to_string).collect();
        assert!(cookies.len() == 2 && cookies[1].contains("linecard_browser_"), "{cookies:?}");
        cookies[0].clone()
    };
    let plain = cookie(&Panel::nobody(&server));
    for part in ["linecard_session_", "; HttpOnly", "; SameSite=Lax", "; Path=/panel", "; Max-Age=2592000"] {
        assert!(plain.contains(part), "{plain}");
    }
    assert!(!plain.contains("Secure"), "{plain}");
    let behind = Panel::nobody(&server).with_header("X-Forwarded-Proto: https");
    let hosts = cookie(&behind);
    assert!(hosts.starts_with("__Host-linecard_session_") && hosts.contains("; Secure"), "{hosts}");
    let server = self::server();
    let claimed = Panel::nobody(&server).with_header("X-Forwarded-Proto: https");
    assert!(!cookie(&claimed).contains("Secure"), "a proxy that is not trusted only claims it");
}

#[test]
fn a_session_that_a_stranger_chose_is_not_taken_and_a_new_login_ends_the_old_session() {
    let server = server();
    let port = server.url.rsplit_once(':').unwrap().1;
    let chosen = format!("Cookie: linecard_session_{port}=chosen-by-a-stranger");
    let chosen = Panel::nobody(&server).with_header(&chosen);
    assert_eq!(chosen.ask("/panel/account").status, 303);
    let panel = Panel::admin(&server);
    panel.get("/panel/account");
    assert_eq!(panel.sign_in("admin", PASSWORD).status, 303);
    assert_eq!(server.done("administrators/sessions", "")["total"], 1);
    panel.get("/panel/account");
}

#[test]
fn after_signing_in_one_comes_back_to_a_page_of_the_panel_and_nowhere_else() {
    let server = server();
    let led = |next: &str| {
        let fields = [("username", "admin"), ("password", PASSWORD), ("next", next)];
        Panel::nobody(&server).post("/panel/login", &fields).location().to_owned()
    };
    assert_eq!(led("/panel/lines?search=a%20b&from=5"), "/panel/lines?search=a%20b&from=5");
    for evil in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/panel//evil.example",
        "/panel/\\evil.example",
        "/panel/\r\nSet-Cookie: a=b",
        "/panel/\u{e9}",
        "/panel/\t/x",
        "javascript:alert(1)",
        "/panelx/",
        "",
    ] {
        assert_eq!(led(evil), "/panel/", "{evil:?}");
    }
    let page = Panel::nobody(&server).get("/panel/login?next=%22%3E%3Cscript%3E");
    assert!(!page.contains("<script>"), "{page}");
}

#[test]
fn passwords_without_end_and_names_with_line_breaks_harm_nothing() {
    let server = server();
    let panel = Panel::nobody(&server);
    let long = format!("{PASSWORD}{}", "x".repeat(900_000));
    assert_eq!(panel.sign_in("admin", &long).status, 401);
    assert_eq!(panel.sign_in(&"n".repeat(900_000), PASSWORD).status, 401);
    assert_eq!(panel.sign_in("eve\r\n2026 admin signed in\u{1b}[31m", "a wrong password").status, 401);
    assert_eq!(panel.sign_in("admin", &"x".repeat(2_000_000)).status, 400);
    panel.sign_in("admin", PASSWORD);
    let log = server.done("logs/list", "kind=login");
    let rows: Vec<(&str, &str)> = log["logs"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["username"].as_str().expect("text"), row["outcome"].as_str().expect("text")))
        .collect();
    let (wrong, long) = ("wrong username or password", "n".repeat(64));
    let expected = [
        ("admin", wrong),
        (long.as_str(), wrong),
        ("eve2026 admin signed in[31m", wrong),
        ("admin", "signed in"),
    ];
    assert_eq!(rows, expected);
    assert!(!server.log().contains(PASSWORD) && !server.log().contains("eve"), "{}", server.log());
}

#[test]
fn guesses_at_the_same_moment_are_no_more_than_the_limit() {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    server.done("settings/update", "data[failure_limit]=4");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..16)
            .map(|n| {
                let server = &server;
                scope.spawn(move || {
                    let stranger = Panel::nobody(server).with_header("X-Forwarded-For: 203.0.113.9");
                    stranger.sign_in("admin", &format!("guess number {n}")).status
                })
            })
            .collect();
        guesses.into_iter().map(|guess| guess.join().expect("a status")).collect()
    });
    let wrong = statuses.iter().filter(|status| **status == 401).count();
    let shut = statuses.iter().filter(|status| **status == 429).count();
    assert!((4..=5).contains(&wrong) && wrong + shut == 16, "{statuses:?}");
    let rows = server.done("logs/list", "kind=login")["total"].as_u64().expect("a number");
    assert!(rows <= 5, "whoever is shut out does not fill the log: {rows}");
    // Strangers do not keep the operator out: its address is on the whitelist.
    assert_eq!(Panel::nobody(&server).sign_in("admin", PASSWORD).status, 303);
}

#[test]
fn a_new_password_of_ones_own_ends_the_other_sessions_and_keeps_this_one() {
    let server = server();
    let (panel, other) = (Panel::admin(&server), Panel::admin(&server));
    assert_eq!(panel.get("/panel/account").matches("/end\"").count(), 1, "the other session can be ended");
    let wrong = [
        ("old_password", "not this one"),
        ("new_password", "another password"),
        ("again", "another password"),
    ];
    assert!(
        panel.refused("/panel/account", &wrong, 422).contains("Not the password that you signed in with")
    );
    other.get("/panel/account");
    let fields =
        [("old_password", PASSWORD), ("new_password", "another password"), ("again", "another password")];
    panel.post("/panel/account", &fields);
    assert_eq!((panel.ask("/panel/account").status, other.ask("/panel/account").status), (200, 303));
    let third = Panel::of(&server, "admin", "another password");
    panel.done("/panel/account/sessions/3/end", &[]);
    assert_eq!(third.ask("/panel/account").status, 303);
    let audit = server.done("logs/list", "kind=audit&resource=administrators&actor=admin");
    assert_eq!(audit["logs"][0]["action"], "own_password", "{audit}");
    assert!(!audit.to_string().contains("another password"));
}

#[test]
fn a_password_from_the_command_line_ends_the_sessions() {
    let server = server();
    let panel = Panel::admin(&server);
    panel.get("/panel/account");
    let (code, printed, error) = linecard(server.data(), &["admin", "password", "admin"]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(panel.ask("/panel/account").status, 303);
    assert_eq!(panel.sign_in("admin", PASSWORD).status, 401);
    assert_eq!(panel.sign_in("admin", printed.trim()).status, 303);
    assert_eq!(
        panel.ask("/panel/plans").location(),
        "/panel/account",
        "what was printed is good for one login"
    );
    assert_eq!(panel.post("/panel/logout", &[]).location(), "/panel/login", "one may also leave");
}

#[test]
fn every_page_forbids_what_it_does_not_need() {
    let server = server();
    let page = Panel::admin(&server).ask("/panel/account");
    let policy = page.header("content-security-policy")[0];
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), ["nosniff"]);
    assert_eq!(page.header("cache-control"), ["no-store"]);
}

#[test]
fn two_servers_on_one_machine_do_not_end_each_others_sessions() {
    let (one, two) = (server(), server());
    let jar = tempfile::NamedTempFile::new().unwrap();
    let ask = |server: &TestServer, path: &str, more: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-b"])
            .arg(jar.path())
            .arg("-c")
            .arg(jar.path());
        let output = curl.args(more).arg(format!("{}{path}", server.url)).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let login = format!("username=admin&password={PASSWORD}");
    for server in [&one, &two] {
        assert_eq!(ask(server, "/panel/login", &["--data", &login]), "303");
    }
    for server in [&one, &two, &one] {
        assert_eq!(ask(server, "/panel/account", &[]), "200");
    }
    assert_eq!(ask(&one, "/panel/logout", &["-X", "POST"]), "303");
    assert_eq!(ask(&two, "/panel/account", &[]), "200");
}

#[test]
fn a_form_that_comes_after_the_end_of_a_session_is_said_to_be_not_done_and_leads_back_to_its_page() {
    let server = server();
    server.done("line/new", "data[username]=bob&data[notes]=old");
    let panel =
        Panel::nobody(&server).with_header(&format!("Referer: {}/panel/lines/1/edit?x=1", server.url));
    let page = panel.post_bare("/panel/lines/1/edit", &[("notes", "new")]);
    assert_eq!(
        (page.status, page.location()),
        (303, "/panel/login?next=%2Fpanel%2Flines%2F1%2Fedit%3Fx%3D1&not_done=1")
    );
    let page = panel.get(page.location());
    assert!(page.contains("what you sent was not done"), "{page}");
    let elsewhere = Panel::nobody(&server).with_header("Referer: http://evil.example/panel/x//y");
    let page = elsewhere.post_bare("/panel/lines/1/edit", &[("notes", "new")]);
    assert_eq!(page.location(), "/panel/login?next=%2Fpanel%2F&not_done=1");
}

#[test]
fn an_address_that_only_takes_forms_is_a_page_with_a_way_on() {
    let server = server();
    server.done("resellers/new", "data[name]=North");
    let panel = Panel::admin(&server);
    for path in ["/panel/resellers/1/credits", "/panel/settings/security/unblock", "/panel/logout"] {
        let page = panel.ask(path);
        assert!(
            page.status == 405 && page.body.contains("not a page") && page.body.contains("/panel/lines"),
            "{path}"
        );
        let page = Panel::nobody(&server).ask(path);
        assert!(page.status == 405 && page.body.contains("not a page"), "{path}");
    }
}
