//! Connections in the panel: seen, narrowed, ended.

use std::path::Path;

use crate::support::{
    TestServer,
    browser::Browser,
    panel::{PASSWORD, Panel},
    tv::{Player, online, put_picture, within},
};

/// Two running streams, and the lines `hers` of reseller 1 and `theirs` of reseller 2, who may watch both.
fn server() -> TestServer {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let server = TestServer::with(folder, &[], &[("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))]);
    for name in ["News", "Films"] {
        server.done("streams/new", &format!("data[name]={name}&data[sources][]=media/test.ts"));
    }
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    for (reseller, line) in [("North", "hers"), ("South", "theirs")] {
        server.done("resellers/new", &format!("data[name]={reseller}"));
        let id = if reseller == "North" { 1 } else { 2 };
        server.done(
            "line/new",
            &format!("data[username]={line}&data[password]=pw&data[bouquets][]=1&data[max_allowed_connections]=5&data[reseller_id]={id}"),
        );
    }
    server.done(
        "administrators/new",
        &format!("data[username]=sara&data[email]=s@example.com&data[group_id]=2&data[reseller_id]=1&data[password]={PASSWORD}"),
    );
    within(30, "the streams run", || online(&server).len() == 2);
    server
}

fn watch(server: &TestServer, line: &str, stream: i64, agent: &str) -> Player {
    let player = Player::get(server, &format!("/live/{line}/pw/{stream}"), agent);
    assert_eq!(player.status, 200);
    player
}

/// The ids of the connections on a page, newest first.
fn ids(page: &str) -> Vec<&str> {
    page.split("name=\"ids[]\" value=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"').map(|(id, _)| id))
        .collect()
}

#[test]
fn what_is_watched_is_listed_narrowed_and_told_to_whoever_looks() {
    let server = server();
    let panel = Panel::admin(&server);
    assert!(panel.get("/panel/connections").contains("Nobody is watching."));
    let _hers = watch(&server, "hers", 1, "VLC/3.0");
    let _theirs = watch(&server, "theirs", 2, "Kodi <21>");
    let page = panel.get("/panel/connections");
    assert!(page.contains("2 connections") && page.contains("Kodi &#60;21&#62;"), "{page}");
    for (query, count) in [
        ("stream=1", 1),
        ("search=kodi", 1),
        ("search=HERS", 1),
        ("form=hls", 0),
        ("form=ts", 2),
        ("search=127.0.0.1", 2),
    ] {
        assert_eq!(ids(&panel.get(&format!("/panel/connections?{query}"))).len(), count, "{query}");
    }
    let told = panel.told("/panel/connections?stream=2", 3).body;
    assert!(told.contains("event: rows-summary\ndata: 1 connection\n\n"), "{told}");
    assert!(told.contains("theirs</a>") && !told.contains("hers</a></td><td>News"), "{told}");
    assert!(panel.get("/panel/lines?state=watching").contains("2 lines"));
}

#[test]
fn one_several_or_all_that_are_listed_are_kicked() {
    let server = server();
    let panel = Panel::admin(&server);
    let mut one = watch(&server, "hers", 1, "one");
    let mut two = watch(&server, "hers", 2, "two");
    let mut three = watch(&server, "theirs", 2, "three");
    let mut four = watch(&server, "theirs", 1, "four");
    let page = panel.get("/panel/connections?search=one");
    let id = ids(&page)[0];
    assert!(panel.done(&format!("/panel/connections/do?id={id}"), &[]).contains("The connection was ended."));
    assert!(one.is_closed_within(5));
    assert!(panel.done("/panel/connections/do", &[("do", "kick")]).contains("Nothing was selected"));
    let all = [("do", "all"), ("back", "/panel/connections?stream=2")];
    let question = panel.done("/panel/connections/do", &all);
    assert!(question.contains("the stream Films will be ended: 2 connections now."), "{question}");
    assert!(panel.done("/panel/connections/kick?stream=2", &[]).contains("2 connections were ended."));
    assert!(two.is_closed_within(5) && three.is_closed_within(5));
    let page = panel.get("/panel/connections");
    let ticked: Vec<(&str, &str)> = ids(&page).into_iter().map(|id| ("ids[]", id)).collect();
    assert_eq!(ticked.len(), 1);
    panel.done("/panel/connections/do", &ticked);
    assert!(four.is_closed_within(5));
}

#[test]
fn the_page_of_a_line_kicks_one_or_all_and_tells_what_was_watched() {
    let server = server();
    let panel = Panel::admin(&server);
    let (mut one, mut two) = (watch(&server, "hers", 1, "one"), watch(&server, "hers", 2, "two"));
    let page = panel.get("/panel/lines/1");
    assert!(page.contains(">Kick all<"), "{page}");
    let at = page.find("/panel/lines/1/kick?connection=").unwrap();
    panel.done(page[at..].split_once('"').unwrap().0, &[]);
    assert!(one.is_closed_within(5));
    panel.done("/panel/lines/1/kick", &[]);
    assert!(two.is_closed_within(5));
    let page = panel.get("/panel/lines/1");
    assert!(
        page.contains("Nobody is watching.") && page.matches("<td>an operator ended it</td>").count() == 2,
        "{page}"
    );
    assert_eq!(panel.get("/panel/lines/1/history").matches("<td>an operator ended it</td>").count(), 2);
}

#[test]
fn a_reseller_sees_and_kicks_only_who_watches_with_its_own_lines() {
    let server = server();
    let mut hers = watch(&server, "hers", 1, "one");
    let mut theirs = watch(&server, "theirs", 1, "two");
    let foreign = Panel::admin(&server).get("/panel/connections?search=theirs");
    let foreign = ids(&foreign)[0];
    let sara = Panel::of(&server, "sara", PASSWORD);
    for page in ["/panel/connections", "/panel/connections?stream=1"] {
        for page in [sara.get(page), sara.told(page, 3).body] {
            assert!(page.contains("hers</a>") && !page.contains("theirs"), "{page}");
        }
    }
    assert!(sara.done(&format!("/panel/connections/do?id={foreign}"), &[]).contains("It had already ended."));
    assert!(sara.done("/panel/connections/kick?", &[]).contains("The connection was ended."));
    assert!(hers.is_closed_within(5));
    assert!(!theirs.is_closed_within(1));
    assert_eq!(sara.post(&format!("/panel/lines/1/kick?connection={foreign}"), &[]).status, 303);
    assert!(!theirs.is_closed_within(1), "a foreign connection is not one of the line");
}

#[test]
fn rows_wait_while_one_of_them_is_ticked_or_has_the_focus_and_a_lost_session_leads_to_the_login() {
    let server = server();
    let browser = Browser::on(&server.url);
    browser.sign_in("admin", PASSWORD);
    let _one = watch(&server, "hers", 1, "First player");
    browser.open("/panel/connections");
    browser.sees("First player");
    let rows = || browser.run("return document.querySelector('#rows').innerText").to_string();
    browser.click("#rows input");
    let _two = watch(&server, "hers", 2, "Second player");
    browser.sees("2 connections");
    assert!(!rows().contains("Second player"), "{}", rows());
    browser.click("#rows input");
    browser.run("document.querySelector('#rows button').focus()");
    let _three = watch(&server, "theirs", 2, "Third player");
    browser.sees("3 connections");
    assert!(!rows().contains("Third player"), "{}", rows());
    browser.run("document.activeElement.blur()");
    browser.sees("Second player");
    browser.sees("Third player");
    assert_eq!(browser.console(), [""; 0]);
    browser.run("fetch('/panel/logout', { method: 'POST', redirect: 'manual' })");
    browser.until("the login", || browser.path().starts_with("/panel/login?next="));
}
