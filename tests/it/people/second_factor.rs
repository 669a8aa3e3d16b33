//! Second factors: codes of an app, which another program makes here (oathtool), recovery codes, and what happens when they are lost.

use std::{
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::json;

use crate::support::{
    TestServer,
    browser::Browser,
    linecard,
    panel::{PASSWORD, Page, Panel, server, server_with},
};

const PAGE: &str = "/panel/account/second-factor";
/// Seconds for which an app shows a code.
const STEP: i64 = 30;

#[allow(clippy::disallowed_methods, reason = "tests read the clock that the server reads")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("seconds")
}

/// Waits for the beginning of a step if this one ends soon: codes of steps around it stay what they are.
fn steadily() {
    while now() % STEP > STEP - 8 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

/// The code that an app shows so many steps from now.
fn code(secret: &str, steps: i64) -> String {
    let at = now() + steps * STEP;
    let mut oathtool = Command::new("oathtool");
    oathtool.args(["--totp", "--base32", secret, "--now", &format!("@{at}")]);
    let output = oathtool.output().expect("oathtool is installed: scripts/test does that");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("digits").trim().to_owned()
}

fn between<'t>(text: &'t str, before: &str, behind: &str) -> &'t str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(behind).unwrap_or_else(|| panic!("no {behind}")).0
}

/// The secret and the offer of the page on which a second factor is set up.
fn offered(page: &str) -> (String, String) {
    let secret = between(page, "<dt>Secret</dt><dd class=\"copied\"><code>", "</code>").replace(' ', "");
    (secret, between(page, "name=\"offer\" value=\"", "\"").to_owned())
}

/// The recovery codes of the page that shows them.
fn shown_codes(page: &str) -> Vec<String> {
    let codes = page.split("<li><code>").skip(1).filter_map(|rest| rest.split_once("</code>"));
    codes.map(|(code, _)| code.to_owned()).collect()
}

/// Switches the second factor of whoever is signed in on with the code of the step before this: its secret and recovery codes.
pub fn switch_on(panel: &Panel<'_>) -> (String, Vec<String>) {
    steadily();
    let (secret, offer) = offered(&panel.get(PAGE));
    let first = code(&secret, -1);
    let page = panel.post(PAGE, &[("password", PASSWORD), ("code", &first), ("offer", &offer)]);
    assert_eq!(page.status, 200, "{}", page.body);
    (secret, shown_codes(&page.body))
}

/// A browser in which name and password were right, and the code is asked for.
fn half_way<'s>(panel: Panel<'s>, username: &str) -> Panel<'s> {
    let page = panel.sign_in(username, PASSWORD);
    assert_eq!((page.status, page.location()), (303, "/panel/login/code?next=%2Fpanel%2F"), "{}", page.body);
    panel
}

/// Sends a code after the password.
pub fn send_code(panel: &Panel<'_>, code: &str) -> Page {
    panel.post_bare("/panel/login/code", &[("code", code), ("next", "/panel/lines?search=a")])
}

#[test]
fn whoever_has_set_up_a_second_factor_signs_in_with_a_code_of_the_app_and_with_each_once() {
    let server = server();
    let (panel, other) = (Panel::admin(&server), Panel::admin(&server));
    steadily();
    let page = panel.ask(PAGE);
    let (secret, offer) = offered(&page.body);
    assert_eq!(secret.len(), 32, "160 bits: {secret}");
    assert!(page.body.contains("src=\"data:image/svg+xml;base64,"));
    assert!(page.header("content-security-policy")[0].contains("img-src 'self' data:"));
    let sent = |password: &str, code: &str| {
        panel.post(PAGE, &[("password", password), ("code", code), ("offer", &offer)])
    };
    let wrong = sent("not this one", &code(&secret, 0));
    assert!(wrong.status == 422 && wrong.body.contains("Not the password that you signed in with"));
    let wrong = sent(PASSWORD, &code(&secret, 5));
    assert!(
        wrong.status == 422 && wrong.body.contains("Not the code that the app shows now"),
        "{}",
        wrong.body
    );
    assert_eq!(offered(&wrong.body).0, secret, "it need not be scanned again");
    let on = sent(PASSWORD, &code(&secret, -1));
    let recovery = shown_codes(&on.body);
    assert!(on.status == 200 && recovery.len() == 10, "{}", on.body);
    assert_eq!(on.header("cache-control"), ["no-store"]);
    assert_eq!(other.ask("/panel/account").status, 303, "other sessions end");
    assert!(panel.get(PAGE).contains("<dt>Recovery codes left</dt><dd>10</dd>"));
    assert!(!panel.get(PAGE).contains(&recovery[0]) && !panel.get(PAGE).contains("<dt>Secret</dt>"));
    assert_eq!(sent(PASSWORD, &code(&secret, 0)).status, 303, "it is on, and stays as it is");

    let browser = half_way(Panel::nobody(&server), "admin");
    assert_eq!(browser.ask("/panel/account").status, 303, "half a sign-in is none");
    assert!(browser.get("/panel/login/code?next=%2Fpanel%2F").contains("Code of admin"));
    for bad in ["", "000", &code(&secret, -1), &code(&secret, 3), "abcd-efgh-jkmn-pqrs"] {
        if bad.is_empty() {
            continue;
        }
        let page = send_code(&browser, bad);
        assert!(page.status == 401 && page.body.contains("This code is wrong, or was used before"), "{bad}");
    }
    let page = send_code(&browser, &code(&secret, 0));
    assert_eq!((page.status, page.location()), (303, "/panel/lines?search=a"));
    browser.get("/panel/account");
    let again = half_way(Panel::nobody(&server), "admin");
    assert_eq!(send_code(&again, &code(&secret, 0)).status, 401, "a code is good once");
    let spaced = code(&secret, 1);
    let (one, two) = spaced.split_at(3);
    assert_eq!(send_code(&again, &format!(" {one} {two}")).status, 303, "clocks differ by half a minute");
    assert_eq!(send_code(&again, &code(&secret, 1)).status, 401, "that sign-in is over");

    let browser = half_way(Panel::nobody(&server), "admin");
    assert_eq!(send_code(&browser, &recovery[3].to_uppercase().replace('-', " ")).status, 303);
    let again = half_way(Panel::nobody(&server), "admin");
    assert_eq!(send_code(&again, &recovery[3]).status, 401, "a recovery code is good once");
    assert!(browser.get("/panel/account").contains("Recovery codes left: 9."));

    let row = &server.done("administrators/list", "username=admin")["administrators"][0];
    assert_eq!(row["has_2fa"], 1, "{row}");
    let event = &server.done("events/list", "types[]=administrator.updated&after=0")["events"][0];
    assert_eq!(
        (&event["data"]["before"], &event["data"]["after"]),
        (&json!({"has_2fa": 0}), &json!({"has_2fa": 1}))
    );
    let told = [
        row.to_string(),
        server.done("events/list", "after=0").to_string(),
        server.done("logs/list", "kind=audit").to_string(),
        server.log(),
    ];
    let bytes = std::fs::read(server.data().join("linecard.db")).expect("the database");
    let log = std::fs::read(server.data().join("linecard.db-wal")).expect("its log");
    let kept = String::from_utf8_lossy(&[bytes, log].concat()).into_owned();
    for (place, text) in told.iter().chain([&kept]).enumerate() {
        for secret in [&secret, &recovery[0], &recovery[0].replace('-', "")] {
            assert!(!text.contains(secret.as_str()), "{secret} in {place}");
        }
    }
    let outcomes = server.done("logs/list", "kind=login").to_string();
    assert!(outcomes.contains("\"code asked for\"") && outcomes.contains("\"wrong code\""), "{outcomes}");
}

#[test]
fn a_code_is_good_once_however_many_send_it_at_the_same_moment() {
    let server = server();
    server.done("settings/update", "data[failure_limit]=0");
    let (secret, recovery) = switch_on(&Panel::admin(&server));
    for kind in ["app", "recovery"] {
        let browsers: Vec<Panel<'_>> = (0..20).map(|_| half_way(Panel::nobody(&server), "admin")).collect();
        steadily();
        let code = if kind == "app" { code(&secret, 1) } else { recovery[0].clone() };
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let sent: Vec<_> =
                browsers.iter().map(|browser| scope.spawn(|| send_code(browser, &code).status)).collect();
            sent.into_iter().map(|sent| sent.join().expect("a status")).collect()
        });
        let count = |wanted: u16| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(303), count(401)), (1, 19), "{kind}: {statuses:?}");
    }
    // One sign-in that is sent twice is no second one either.
    let browser = half_way(Panel::nobody(&server), "admin");
    let both: Vec<u16> = std::thread::scope(|scope| {
        let sent: Vec<_> = recovery[1..3]
            .iter()
            .map(|code| {
                let browser = &browser;
                scope.spawn(move || {
                    browser.curl(&["-d", &format!("code={code}")], None, "/panel/login/code").status
                })
            })
            .collect();
        sent.into_iter().map(|sent| sent.join().expect("a status")).collect()
    });
    assert_eq!(both.iter().filter(|status| **status == 303).count(), 1, "{both:?}");
}

#[test]
fn wrong_codes_count_as_wrong_passwords_do_and_five_end_a_sign_in() {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    let from = |address: &str| Panel::nobody(&server).with_header(&format!("X-Forwarded-For: {address}"));
    let (_, recovery) = switch_on(&Panel::admin(&server));
    let browser = half_way(from("198.51.100.1"), "admin");
    for _ in 0..4 {
        assert!(send_code(&browser, "000000").body.contains("name=\"code\""));
    }
    let fifth = send_code(&browser, "000000");
    assert!(fifth.status == 401 && fifth.body.contains("name=\"password\""), "{}", fifth.body);
    assert_eq!(send_code(&browser, &recovery[0]).status, 401, "the sign-in is over");

    server.done("security/unblock", "username=admin");
    server.done("settings/update", "data[failure_limit]=4");
    let stranger = half_way(from("203.0.113.9"), "admin");
    for n in 0..2 {
        assert_eq!(send_code(&stranger, &format!("00000{n}")).status, 401);
        assert_eq!(from("203.0.113.9").sign_in("admin", "a wrong guess").status, 401);
    }
    let (right, wrong) = (send_code(&stranger, &recovery[0]), send_code(&stranger, "999999"));
    assert_eq!((right.status, wrong.status), (429, 429), "right and wrong are told the same");
    assert!(right.body.contains("Too many wrong passwords") && !right.header("retry-after").is_empty());
    assert_eq!(from("203.0.113.9").sign_in("admin", PASSWORD).status, 429);
    let blocks = server.done("security/blocks", "").to_string();
    assert!(blocks.contains("203.0.113.9") && blocks.contains("\"panel\""), "{blocks}");
    server.done("security/unblock", "address=203.0.113.9");
    server.done("security/unblock", "username=admin");
    assert_eq!(send_code(&stranger, &recovery[0]).status, 303, "nothing of it was used up");

    // Within the account too.
    let panel = stranger;
    for n in 0..4 {
        let fields = [("password", PASSWORD), ("code", &format!("00000{n}")[..])];
        assert!(panel.refused(&format!("{PAGE}/off"), &fields, 422).contains("Not a code that is good now"));
    }
    let fields = [("password", PASSWORD), ("code", &recovery[1][..])];
    assert!(panel.refused(&format!("{PAGE}/off"), &fields, 422).contains("Too many wrong passwords"));
}

#[test]
fn changing_and_switching_off_take_password_and_code() {
    let server = server();
    let panel = Panel::admin(&server);
    assert_eq!(panel.ask(&format!("{PAGE}/off")).location(), PAGE, "there is nothing to switch off");
    let (secret, old) = switch_on(&panel);
    let (codes, off) = (format!("{PAGE}/codes"), format!("{PAGE}/off"));
    panel.refused(&codes, &[("password", "not this one"), ("code", &code(&secret, 0))], 422);
    panel.refused(&codes, &[("password", PASSWORD), ("code", "123")], 422);
    let page = panel.post(&codes, &[("password", PASSWORD), ("code", &code(&secret, 0))]);
    let new = shown_codes(&page.body);
    assert!(page.status == 200 && new.len() == 10 && new.iter().all(|code| !old.contains(code)));
    panel.refused(&off, &[("password", PASSWORD), ("code", &old[0])], 422);
    panel.refused(&off, &[("password", PASSWORD), ("code", &code(&secret, 0))], 422);
    let page = panel.done(&off, &[("password", PASSWORD), ("code", &new[0])]);
    assert!(page.contains("was switched off") && page.contains("<dt>Secret</dt>"));
    assert_eq!(Panel::nobody(&server).sign_in("admin", PASSWORD).location(), "/panel/");
    let audit = server.done("logs/list", "kind=audit&resource=administrators&actor=admin");
    let actions: Vec<&str> =
        audit["logs"].as_array().expect("rows").iter().filter_map(|row| row["action"].as_str()).collect();
    assert_eq!(actions, ["second_factor_on", "recovery_codes", "second_factor_off"], "{audit}");
    // With a second factor again, and with another secret.
    let (anew, _) = switch_on(&panel);
    assert_ne!(anew, secret);
}

#[test]
fn whoever_is_in_a_group_that_asks_for_one_sets_it_up_before_anything_else() {
    let server = server();
    server.done("resellers/new", "data[name]=North");
    server.done("groups/new", "data[name]=Shift&data[rights][]=line&data[require_2fa]=1");
    for (name, group, reseller) in [("nina", 3, ""), ("rita", 2, "1")] {
        let person =
            format!("data[username]={name}&data[email]={name}@example.com&data[password]={PASSWORD}");
        server.done(
            "administrators/new",
            &format!("{person}&data[group_id]={group}&data[reseller_id]={reseller}"),
        );
    }
    let rita = Panel::of(&server, "rita", PASSWORD);
    rita.get("/panel/lines");
    let admin = Panel::admin(&server);
    admin.done("/panel/groups/2", &[("require_2fa", "1")]);
    assert_eq!(server.done("groups/info", "id=2")["group"]["require_2fa"], 1);
    let nina = Panel::of(&server, "nina", PASSWORD);
    for person in [&nina, &rita] {
        for path in ["/panel/", "/panel/lines", "/panel/account", "/panel/lines/new", "/panel/nothing"] {
            let page = person.ask(path);
            assert!(
                page.location() == PAGE || page.status == 404,
                "{path}: {} {}",
                page.status,
                page.location()
            );
        }
        let page = person.post_bare("/panel/lines/new", &[("username", "made")]);
        assert_eq!((page.status, page.location()), (303, PAGE));
        assert!(person.get(PAGE).contains("Your group asks for a second factor"));
        switch_on(person);
        person.get("/panel/lines");
    }
    assert_eq!(server.done("line/list", "")["total"], 0);
    assert_eq!(
        Panel::nobody(&server).sign_in("rita", PASSWORD).location(),
        "/panel/login/code?next=%2Fpanel%2F"
    );
    assert_eq!(server.call("line/list", "")["result"], true, "API keys are not asked");
}

#[test]
fn somebody_with_the_right_resets_the_second_factor_of_another_and_so_does_the_command_line() {
    let server = server();
    let person = format!(
        "data[username]=nina&data[email]=nina@example.com&data[group_id]=1&data[password]={PASSWORD}"
    );
    server.done("administrators/new", &person);
    let sells =
        format!("data[username]=tom&data[email]=tom@example.com&data[group_id]=3&data[password]={PASSWORD}");
    server.done("groups/new", "data[name]=Staff&data[rights][]=administrators");
    server.done("administrators/new", &sells);
    let (nina, admin) = (Panel::of(&server, "nina", PASSWORD), Panel::admin(&server));
    switch_on(&nina);
    let reset = "/panel/administrators/2/second-factor/reset";
    assert!(
        Panel::of(&server, "tom", PASSWORD).refused(reset, &[], 403).contains("full"),
        "not above himself"
    );
    assert!(nina.refused(reset, &[], 409).contains("Switch your own second factor off"));
    assert!(admin.get(reset).contains("nina will sign in with the password alone"));
    assert!(admin.done(reset, &[]).contains("The second factor was reset"));
    assert_eq!(nina.ask("/panel/account").status, 303, "sessions end");
    assert!(admin.refused(reset, &[], 409).contains("The second factor is off"));
    let audit = server.done("logs/list", "kind=audit&resource=administrators&actor=admin");
    assert_eq!(
        (&audit["logs"][0]["action"], &audit["logs"][0]["target"]),
        (&json!("reset_second_factor"), &json!("nina"))
    );

    let nina = Panel::of(&server, "nina", PASSWORD);
    switch_on(&nina);
    let (code, printed, error) = linecard(server.data(), &["admin", "reset-2fa", "nina"]);
    assert_eq!(
        (code, printed.trim()),
        (0, "The second factor of nina is off: nina signs in with the password alone."),
        "{error}"
    );
    assert_eq!(nina.ask("/panel/account").status, 303);
    Panel::of(&server, "nina", PASSWORD);
    let (code, _, error) = linecard(server.data(), &["admin", "reset-2fa", "nina"]);
    assert!(code == 1 && error.contains("The second factor is off"), "{code} {error}");

    // Nobody loses it by being deleted and brought back.
    let nina = Panel::of(&server, "nina", PASSWORD);
    let (_, recovery) = switch_on(&nina);
    admin.done("/panel/administrators/2/delete", &[]);
    let batch = &server.done("batches/list", "")["batches"][0]["id"];
    admin.post(&format!("/panel/batches/{batch}/undo"), &[("back", "/panel/administrators")]);
    let back = half_way(Panel::nobody(&server), "nina");
    assert_eq!(send_code(&back, &recovery[0]).status, 303);
    assert!(back.get("/panel/account").contains("Recovery codes left: 9."));
}

#[test]
fn without_the_key_file_recovery_codes_are_good_and_a_killed_server_begins_the_sign_in_anew() {
    let server = server();
    let (secret, recovery) = switch_on(&Panel::admin(&server));
    let browser = half_way(Panel::nobody(&server), "admin");
    let cookies = std::fs::read_to_string(browser.cookies()).expect("the cookies");
    let token = cookies.lines().find(|line| line.contains("linecard_step_")).expect("a cookie");
    let token = token.rsplit('\t').next().expect("its value").to_owned();
    let folder = server.kill();
    std::fs::remove_file(folder.path().join("linecard.key")).expect("the key file");
    let server = TestServer::on(folder, &[]);

    let port = server.url.rsplit_once(':').expect("a port").1;
    let kept = Panel::nobody(&server).with_header(&format!("Cookie: linecard_step_{port}={token}"));
    assert_eq!(kept.ask("/panel/login/code").location(), "/panel/login");
    let page = send_code(&kept, &code(&secret, 0));
    assert!(page.status == 401 && page.body.contains("sign in again"), "{}", page.body);

    let browser = half_way(Panel::nobody(&server), "admin");
    steadily();
    let page = send_code(&browser, &code(&secret, 0));
    assert!(page.status == 409 && page.body.contains("linecard.key is not the file"), "{}", page.body);
    assert_eq!(send_code(&browser, &recovery[0]).status, 303);
    assert!(browser.get(PAGE).contains("Codes of the app cannot be checked"));
    let fields = [("password", PASSWORD), ("code", &recovery[1][..])];
    browser.done(&format!("{PAGE}/off"), &fields);
    switch_on(&browser);
}

#[test]
fn sessions_say_where_they_are_and_end_one_by_one_or_all_others_together() {
    let server = server();
    let agent =
        "User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0";
    let panel = Panel::nobody(&server).with_header(agent);
    assert_eq!(panel.sign_in("admin", PASSWORD).status, 303);
    let others: Vec<Panel<'_>> = (0..3).map(|_| Panel::admin(&server)).collect();
    let page = panel.get("/panel/account");
    assert!(page.contains("Firefox 128 on Windows") && page.contains("this one"), "{page}");
    panel.done("/panel/account/sessions/2/end", &[]);
    let left = |panel: &Panel<'_>| panel.ask("/panel/account").status;
    assert_eq!([left(&others[0]), left(&others[1])], [303, 200]);
    assert!(
        panel.done("/panel/account/sessions/end-others", &[]).contains("Your other sessions were ended.")
    );
    assert_eq!([left(&panel), left(&others[1]), left(&others[2])], [200, 303, 303]);
    assert!(!panel.get("/panel/account").contains("End all others"));

    let person = format!(
        "data[username]=nina&data[email]=nina@example.com&data[group_id]=1&data[password]={PASSWORD}"
    );
    server.done("administrators/new", &person);
    let nina = Panel::of(&server, "nina", PASSWORD);
    assert!(panel.get("/panel/administrators/2").contains("End all"));
    panel.done("/panel/administrators/2/sessions/end-all", &[]);
    assert_eq!([left(&nina), left(&panel)], [303, 200]);
}

#[test]
fn in_a_browser_a_second_factor_is_set_up_and_asked_for() {
    let server = server();
    let browser = Browser::on(&server.url);
    browser.sign_in("admin", PASSWORD);
    browser.open("/panel/account");
    browser.press("Set up");
    browser.sees("Let it scan the picture");
    assert_eq!(browser.problems(), [""; 0]);
    let width = browser.run("return document.querySelector('img.qr').naturalWidth");
    assert!(width.as_u64().is_some_and(|width| width > 100), "the picture is there: {width}");
    steadily();
    let secret = browser.run("return document.querySelector('dd code').textContent");
    let secret = secret.as_str().expect("a secret").replace(' ', "");
    browser.fill("password", PASSWORD);
    browser.fill("code", &code(&secret, -1));
    browser.press("Switch on");
    browser.sees("The second factor is on");
    assert_eq!(browser.problems(), [""; 0]);
    browser.set_width(360);
    assert_eq!(browser.problems(), [""; 0]);
    browser.press("I have kept them");
    browser.sees("Recovery codes left");
    assert_eq!(browser.problems(), [""; 0]);
    browser.set_width(1200);
    browser.press("Sign out");
    browser.fill("username", "admin");
    browser.fill("password", PASSWORD);
    browser.press("Sign in");
    browser.sees("Code of admin");
    assert_eq!(browser.problems(), [""; 0]);
    browser.fill("code", &code(&secret, 0));
    browser.press("Sign in");
    browser.until("somebody is signed in", || browser.path() == "/panel/");
    assert_eq!(browser.console(), [""; 0]);
}
