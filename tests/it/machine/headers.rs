//! What browsers are told beside the answer, and what cannot get into it.

use crate::support::{
    TestServer,
    panel::{Panel, server, server_with},
};

#[test]
fn no_browser_guesses_what_an_answer_is() {
    let server = server();
    let anybody = Panel::nobody(&server);
    for path in [
        "/api/line/list",
        "/api/openapi.json",
        "/player_api.php",
        "/healthz",
        "/c/",
        "/portal.php",
        "/panel/login",
        "/no/such",
    ] {
        assert_eq!(anybody.ask(path).header("x-content-type-options"), ["nosniff"], "{path}");
    }
    for path in ["/c/", "/stalker_portal/c/", "/c/portal.js"] {
        let page = anybody.ask(path);
        let policy = page.header("content-security-policy").join(" ");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
    }
}

#[test]
fn cookies_are_named_after_the_port_that_the_server_listens_on_whatever_it_is_called() {
    let servers = [server(), server()];
    for server in &servers {
        let port = server.url.rsplit_once(':').unwrap().1;
        let panel = Panel::nobody(server).with_header("Host: tv.example");
        let cookies = panel.sign_in("admin", crate::support::panel::PASSWORD).header("set-cookie").join("\n");
        assert!(cookies.contains(&format!("linecard_session_{port}=")), "{cookies}");
    }
}

#[test]
fn over_tls_cookies_are_the_hosts_alone() {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    let https = "X-Forwarded-Proto: https";
    let signed_in =
        Panel::nobody(&server).with_header(https).sign_in("admin", crate::support::panel::PASSWORD);
    let cookies = signed_in.header("set-cookie");
    let cookie = cookies.iter().find(|cookie| cookie.contains("linecard_session")).expect("a session");
    for part in ["__Host-linecard_session", "; Path=/;", "; Secure"] {
        assert!(format!("{cookie};").contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let (pair, _) = cookie.split_once(';').expect("attributes");
    let asked = |cookie: &str| {
        Panel::nobody(&server)
            .with_header(https)
            .with_header(&format!("Cookie: {cookie}"))
            .ask("/panel/")
            .status
    };
    assert_eq!(asked(&format!("a=b; {pair}")), 200);
    assert_eq!(asked(pair.trim_start_matches("__Host-")), 303, "another site of the domain may have set it");
}

#[test]
fn a_line_end_in_an_address_to_go_back_to_is_none_in_a_header() {
    let server = server();
    let panel = Panel::admin(&server);
    for back in [
        "/panel/connections?a\r\nSet-Cookie: x=y",
        "/panel/connections?\u{e9}\u{2028}",
        "/panel/connections?a\nb",
    ] {
        let page = panel.post("/panel/connections/do", &[("back", back)]);
        assert_eq!(page.status, 303, "{back:?}: {}", page.body);
        assert!(page.header("set-cookie").iter().all(|cookie| !cookie.starts_with("x=")), "{}", page.head);
    }
}

#[test]
fn names_that_look_like_others_are_refused_and_emoji_are_not() {
    let server = TestServer::start();
    for (bad, shown) in [
        ("%E2%80%A8", "U+2028"),
        ("%E2%80%A9", "U+2029"),
        ("%E2%80%AE", "U+202E"),
        ("%E2%81%A6", "U+2066"),
        ("%E2%80%8B", "U+200B"),
        ("%E3%85%A4", "U+3164"),
        ("%F3%A0%81%81", "U+E0041"),
    ] {
        for (call, field) in [
            ("bouquets/new", "name"),
            ("categories/new", "name"),
            ("resellers/new", "name"),
            ("settings/update", "operator_name"),
            ("line/new", "notes"),
        ] {
            let refused = server.refused(call, &format!("data[{field}]=a{bad}b"));
            assert!(
                refused.ends_with(&format!("no invisible characters, such as {shown}")),
                "{call}: {refused}"
            );
        }
    }
    for alone in ["%E2%A0%80", "%EF%B8%8F", "%E2%80%8D", "%E2%80%8E%E2%A0%80"] {
        let refused = server.refused("bouquets/new", &format!("data[name]={alone}"));
        assert_eq!(refused, "Invalid name: at least one visible character", "{alone}");
    }
    // A family, joined; a Persian word with a joiner; a mark of direction.
    for good in [
        "%F0%9F%91%A8%E2%80%8D%F0%9F%91%A9%E2%80%8D%F0%9F%91%A7",
        "%D9%85%DB%8C%E2%80%8C%D8%AE",
        "%E2%80%8F%D7%90",
    ] {
        server.done("bouquets/new", &format!("data[name]={good}"));
    }
}

#[test]
fn what_somebody_may_not_have_is_in_the_login_log() {
    let server = server();
    server.done("resellers/new", "data[name]=north");
    let password = "a-long-enough-word-7";
    let who = format!(
        "data[username]=north1&data[email]=n@example.com&data[group_id]=2&data[reseller_id]=1&data[password]={password}"
    );
    server.done("administrators/new", &who);
    let panel = Panel::of(&server, "north1", password);
    let first = panel.ask("/panel/settings").status;
    if first == 303 {
        // A new password comes first.
        let fields = [
            ("old_password", password),
            ("new_password", "another-long-word-8"),
            ("repeated", "another-long-word-8"),
        ];
        panel.post("/panel/account", &fields);
    }
    for _ in 0..60 {
        assert_eq!(panel.ask("/panel/settings").status, 403);
    }
    let rows = || {
        server.done("logs/list", "kind=login&username=north1&limit=100")["logs"]
            .as_array()
            .expect("rows")
            .clone()
    };
    crate::support::tv::within(10, "the refusals are written down", || {
        rows().iter().filter(|row| row["outcome"] == "not allowed: GET /panel/settings").count() >= 30
    });
    let noted = rows()
        .iter()
        .filter(|row| row["outcome"].as_str().is_some_and(|text| text.starts_with("not allowed")))
        .count();
    assert!((30..=33).contains(&noted), "{noted}");
}
