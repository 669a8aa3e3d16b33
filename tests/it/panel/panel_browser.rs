//! The panel in a real browser: what people do from the first start to the last credit, and every page
//! without an error in the console, a request that fails, or a violation of accessibility.

use crate::support::{
    TestServer,
    browser::Browser,
    panel::{self, PASSWORD, Panel},
    tv::{self, Player},
};

/// The password that the first start printed.
fn generated(server: &TestServer) -> String {
    let line = server.greeting.lines().find(|line| line.trim().starts_with("password"));
    line.and_then(|line| line.split_whitespace().nth(1)).expect("a password in the greeting").to_owned()
}

#[test]
fn the_first_login_asks_for_a_password_of_ones_own() {
    let server = TestServer::start();
    let browser = Browser::on(&server.url);
    browser.open("/panel/plans");
    assert_eq!(browser.path(), "/panel/login?next=%2Fpanel%2Fplans");
    assert_eq!(browser.problems(), [""; 0]);
    browser.fill("username", "admin");
    browser.fill("password", "not the password");
    browser.press("Sign in");
    browser.sees("Wrong username or password.");
    assert_eq!(browser.console().len(), 1, "the refusal itself");
    browser.fill("password", &generated(&server));
    browser.press("Sign in");
    browser.sees("Choose your own password first");
    browser.open("/panel/plans");
    assert_eq!(browser.path(), "/panel/account");
    assert_eq!(browser.problems(), [""; 0]);

    browser.fill("old_password", &generated(&server));
    browser.fill("new_password", "my own password");
    browser.fill("again", "my own pasword");
    browser.press("Change password");
    browser.sees("Not the same as above");
    assert_eq!(browser.console().len(), 1, "the refusal itself");
    browser.fill("old_password", &generated(&server));
    browser.fill("new_password", "my own password");
    browser.fill("again", "my own password");
    browser.press("Change password");
    browser.console();
    browser.open("/panel/plans");
    browser.press("Sign out");
    browser.sign_in("admin", "my own password");
    browser.console();
    browser.open("/panel/plans");
    browser.sees("Subscription plans");
    assert_eq!(browser.problems(), [""; 0]);
}

/// A stream, a bouquet, a plan of 10 credits: all made by hand.
fn set_up_a_channel(browser: &Browser, server: &TestServer) {
    tv::put_picture(server.data());
    browser.open("/panel/streams/new");
    browser.fill("name", "Harbour News");
    browser.fill("sources", "media/test.ts");
    browser.press("Create");
    browser.sees("Harbour News was created.");
    tv::within(30, "the stream runs", || tv::online(server) == [1]);

    browser.open("/panel/bouquets/new");
    browser.fill("name", "Basic");
    browser.fill_at("[aria-label=\"Search streams to add\"]", "harbour");
    browser.click("[aria-label=\"Add Harbour News\"]");
    browser.press("Create");
    browser.sees("Basic was created.");

    browser.open("/panel/plans/new");
    browser.fill("name", "Month");
    browser.fill("credits", "10");
    browser.choose("duration_unit", "month");
    browser.click("[name=\"bouquets[]\"][value=\"1\"]");
    browser.press("Create");
    browser.sees("Month was created.");
}

#[test]
fn an_operator_sets_up_a_channel_sells_it_sees_it_watched_and_kicks() {
    let server = panel::server();
    let browser = Browser::on(&server.url);
    browser.sign_in("admin", PASSWORD);
    set_up_a_channel(&browser, &server);

    browser.open("/panel/lines/new");
    browser.fill("username", "bob");
    browser.fill("password", "secret1");
    browser.click("[name=subscription_plan_id][value=\"1\"]");
    browser.press("Create");
    browser.sees("bob was created.");
    browser.sees("Nobody is watching.");
    let mut player = Player::get(&server, "/live/bob/secret1/1", "Test Player");
    assert_eq!(player.status, 200);
    player.read(188 * 100);
    browser.open("/panel/lines/1");
    browser.sees("Test Player");
    browser.open("/panel/connections");
    browser.sees("Harbour News");
    browser.open("/panel/lines/1");
    browser.press("Kick");
    browser.sees("Nobody is watching.");
    assert!(player.is_closed_within(2), "whoever is kicked watches no longer");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_key_that_is_made_in_api_settings_opens_the_api() {
    let server = panel::server();
    let browser = Browser::on(&server.url);
    browser.sign_in("admin", PASSWORD);
    browser.open("/panel/settings");
    browser.press("API Settings");
    browser.sees("Your current address is 127.0.0.1");
    browser.press("New API key");
    browser.fill("name", "billing");
    browser.press("Create");
    browser.sees("The key is shown only this once");
    let key = browser.run("return document.querySelector('#key').value");
    let key = key.as_str().expect("the key");
    let (status, answer) = server.post("line/new", &format!("api_key={key}&data[username]=carol"));
    assert_eq!((status, &answer["username"]), (200, &"carol".into()), "{answer}");
    browser.open("/panel/settings/api");
    browser.sees("billing");
    assert!(!browser.text().contains(key), "a key is shown once");
    browser.open("/panel/lines");
    browser.sees("carol");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
fn a_reseller_sells_until_its_credits_end() {
    let server = panel::server();
    let operator = Browser::on(&server.url);
    operator.sign_in("admin", PASSWORD);
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=10");
    operator.open("/panel/resellers/new");
    operator.fill("name", "North");
    operator.click("input[type=checkbox][name=use_credits]");
    operator.fill("credits", "15");
    operator.press("Create");
    operator.sees("North was created.");
    operator.open("/panel/administrators/new");
    operator.fill("username", "nora");
    operator.fill("email", "nora@example.com");
    operator.fill("password", "nora sells lines");
    operator.choose("group_id", "2");
    operator.choose("reseller_id", "1");
    operator.click("input[type=checkbox][name=must_change_password]");
    operator.press("Create");
    operator.sees("nora was created");

    let seller = Browser::on(&server.url);
    seller.sign_in("nora", "nora sells lines");
    seller.open("/panel/lines/new");
    seller.sees("15");
    seller.fill("username", "dora");
    seller.click("[name=subscription_plan_id][value=\"1\"]");
    seller.press("Create");
    seller.sees("dora was created.");
    seller.open("/panel/statement");
    seller.sees("Sale");
    assert_eq!(seller.console(), [""; 0]);
    seller.open("/panel/lines/new");
    seller.sees("The balance covers none of these plans");

    operator.open("/panel/resellers/1");
    operator.choose("way", "add");
    operator.fill("amount", "20");
    operator.fill("note", "invoice 4711");
    operator.press("Book");
    operator.sees("invoice 4711");
    seller.open("/panel/lines/new");
    seller.fill("username", "erik");
    seller.click("[name=subscription_plan_id][value=\"1\"]");
    seller.press("Create");
    seller.sees("erik was created.");
    assert_eq!(seller.console(), [""; 0]);
    operator.open("/panel/lines");
    operator.sees("erik");
    assert_eq!(operator.console(), [""; 0]);
}

/// Pages that an operator and a reseller see.
const EVERYBODYS: &[&str] = &[
    "/panel/",
    "/panel/account",
    "/panel/account/second-factor",
    "/panel/lines",
    "/panel/lines/new",
    "/panel/lines/1",
    "/panel/lines/1/edit",
    "/panel/lines/1/extend",
    "/panel/lines/1/why",
    "/panel/lines/mass",
    "/panel/mags",
    "/panel/mags/new",
    "/panel/mags/1",
    "/panel/connections",
    "/panel/batches",
];

/// Pages that are the operator's.
const OPERATORS: &[&str] = &[
    "/panel/lines/1/delete",
    "/panel/mags/1/edit",
    "/panel/mags/1/box",
    "/panel/mags/1/convert",
    "/panel/lines/1/convert",
    "/panel/streams",
    "/panel/streams/new",
    "/panel/streams/1",
    "/panel/streams/1/edit",
    "/panel/streams/import",
    "/panel/guide",
    "/panel/guide/sources",
    "/panel/guide/sources/new",
    "/panel/guide/sources/1",
    "/panel/guide/matches?state=any",
    "/panel/guide/matches/1",
    "/panel/bouquets",
    "/panel/bouquets/1",
    "/panel/bouquets/order",
    "/panel/categories",
    "/panel/categories/1",
    "/panel/plans",
    "/panel/plans/1",
    "/panel/resellers",
    "/panel/resellers/new",
    "/panel/resellers/1",
    "/panel/resellers/1/edit",
    "/panel/administrators",
    "/panel/administrators/new",
    "/panel/administrators/1",
    "/panel/groups",
    "/panel/groups/2",
    "/panel/servers",
    "/panel/servers/new",
    "/panel/servers/1",
    "/panel/batches/1",
    "/panel/recordings",
    "/panel/events",
    "/panel/webhooks",
    "/panel/webhooks/new",
    "/panel/webhooks/1",
    "/panel/webhooks/1/deliveries",
    "/panel/messages",
    "/panel/messages?state=waiting",
    "/panel/message-targets",
    "/panel/message-targets/new",
    "/panel/message-targets/1",
    "/panel/settings",
    "/panel/settings/mail",
    "/panel/settings/jobs",
    "/panel/settings/api",
    "/panel/settings/api/keys/new",
    "/api/docs",
    "/panel/settings/security",
    "/panel/settings/backups",
    "/panel/logs/error",
    "/panel/logs/audit",
    "/panel/logs/api",
    "/panel/logs/login",
    "/panel/logs/connection",
    "/panel/logs/refusal",
];

/// Every page with something on it, once in a wide window and once on a telephone: nothing in the console, no
/// request that fails, no violation that axe-core knows, nothing wider than the window.
fn look_at_every(browser: &Browser, pages: Vec<&str>) {
    let mut wrong = Vec::new();
    // From narrow to wide and back: each page is opened once.
    let mut widths = [500, 1280];
    for page in &pages {
        browser.open(page);
        for width in widths {
            browser.set_width(width);
            let problems = browser.problems();
            wrong.extend(problems.iter().map(|problem| format!("{page} at {width}: {problem}")));
        }
        widths.reverse();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_is_without_errors_and_violations_for_an_operator() {
    let server = panel::server();
    tv::put_picture(server.data());
    furnish(&server);
    server.done("backups/new", "");
    let browser = Browser::on(&server.url);
    browser.sign_in("admin", PASSWORD);
    look_at_every(&browser, [EVERYBODYS, OPERATORS].concat());
    // What was deleted is brought back from the notice, on the page where that stands.
    server.done("categories/new", "data[name]=Spare");
    browser.open("/panel/categories/2/delete");
    browser.press("Delete");
    browser.sees("Spare was deleted.");
    for width in [500, 1280] {
        browser.set_width(width);
        assert_eq!(browser.problems(), [""; 0]);
    }
    browser.press("Undo");
    browser.sees("1 row taken back.");
    assert_eq!((browser.path().as_str(), browser.console()), ("/panel/categories", Vec::new()));
    browser.sees("Spare");
}

#[test]
fn every_page_is_without_errors_and_violations_for_a_reseller() {
    let server = panel::server();
    tv::put_picture(server.data());
    furnish(&server);
    let browser = Browser::on(&server.url);
    browser.sign_in("nora", PASSWORD);
    look_at_every(&browser, [EVERYBODYS, &["/panel/statement"]].concat());
}

/// What no page may take for markup: tags, both quotes, an ampersand, emoji, letters that run to the left.
const HOSTILE: &str = "\"'><b class=hostile>&amp;\u{1f98a} \u{5e9}\u{5dc}\u{5d5}\u{5dd}</b>";

#[test]
fn names_are_text_on_every_page_whatever_stands_in_them() {
    let server = panel::server();
    tv::put_picture(server.data());
    furnish(&server);
    let hostile: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    for resource in
        ["categories", "streams", "bouquets", "subscription_plans", "servers", "resellers", "guide_sources"]
    {
        server.done(&format!("{resource}/update"), &format!("id=1&data[name]={hostile}"));
    }
    server.done("settings/update", &format!("data[operator_name]={hostile}"));
    server.done("line/update", &format!("username=bob&data[notes]={hostile}"));
    server.done("groups/new", &format!("data[name]={hostile}"));
    server.done("resellers/add_credits", &format!("id=1&credits=1&note={hostile}"));
    server.refused("line/new", &format!("data[username]={hostile}"));
    assert_eq!(Player::get(&server, "/live/bob/secret1/1", &HOSTILE.replace('"', "")).status, 200);
    let stranger = Panel::nobody(&server).with_header(&format!("User-Agent: {HOSTILE}"));
    stranger.sign_in(HOSTILE, "wrong");
    let admin = Panel::nobody(&server).with_header(&format!("User-Agent: {HOSTILE}"));
    assert_eq!(admin.sign_in("admin", PASSWORD).status, 303);
    let nora = Panel::of(&server, "nora", PASSWORD);
    let looked_for = "/panel/lines?search=".to_owned() + &hostile;
    let operators = [EVERYBODYS, OPERATORS, &[looked_for.as_str(), "/panel/none"]].concat();
    let resellers = [EVERYBODYS, &["/panel/statement"]].concat();
    let mut seen = 0;
    for (panel, pages) in [(&admin, operators), (&nora, resellers)] {
        for page in pages {
            let body = panel.ask(page).body;
            assert!(!body.contains("<b class=hostile"), "{page}: {body}");
            seen += usize::from(body.contains("&#60;b class=hostile&#62;&#38;amp;\u{1f98a}"));
        }
    }
    assert!(seen > 40, "they stand on most pages, not on {seen}");
}

/// One of everything, and somebody who watches.
fn furnish(server: &TestServer) {
    server.done("categories/new", "data[name]=News");
    server.done("streams/new", "data[name]=Harbour News&data[category_id]=1&data[sources][]=media/test.ts");
    server.done("guide_sources/new", "data[name]=Guide&data[url]=guide/none.xml&data[refresh_hours]=0");
    server.done("bouquets/new", "data[name]=Basic&data[streams][]=1");
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=10&data[bouquets][]=1");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=500");
    let sold = "data[subscription_plan_id]=1&data[reseller_id]=1";
    server.done("line/new", &format!("data[username]=bob&data[password]=secret1&{sold}"));
    server.done("mag/new", &format!("data[mac_address]=00:1A:79:00:00:01&{sold}"));
    let nora = "data[username]=nora&data[email]=nora@example.com&data[group_id]=2&data[reseller_id]=1";
    server.done("administrators/new", &format!("{nora}&data[password]={PASSWORD}"));
    server.done("line/bulk", "ids[]=1&ids[]=99&action=update&data[email]=bob@example.com");
    server.done("webhooks/new", "data[url]=https://hooks.example/&data[types]=line.*&data[enabled]=0");
    let target = "data[name]=Chat&data[url]=https://chat.example/&data[types]=stream.*&data[body]=%22%7Btext%7D%22&data[enabled]=0";
    server.done("message_targets/new", target);
    tv::within(30, "the stream runs", || tv::online(server) == [1]);
    assert_eq!(Player::get(server, "/live/bob/wrong/1", "Test Player").status, 401);
    assert_eq!(Player::get(server, "/live/bob/secret1/1", "Test Player").status, 200);
}

#[test]
fn back_and_create_again_makes_nothing_a_second_time() {
    let server = panel::server();
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=10");
    let browser = Browser::on(&server.url);
    browser.sign_in("admin", PASSWORD);
    browser.open("/panel/lines/new");
    browser.click("[name=subscription_plan_id][value=\"1\"]");
    browser.press("Create");
    browser.sees("was created.");
    browser.run("history.back()");
    browser.until("the form", || browser.path() == "/panel/lines/new");
    browser.press("Create");
    browser.until("the line", || browser.path() != "/panel/lines/new");
    assert_eq!(server.done("line/list", "")["total"], 1);
}
