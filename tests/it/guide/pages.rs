//! The guide in the panel.

use super::shows::{half_hour, read, xml};
use crate::support::{
    TestServer,
    browser::Browser,
    panel::{self, PASSWORD, Panel},
    tv,
};

/// Two channels with programmes and 49 without. `base` is the half hour.
fn server() -> (TestServer, i64) {
    let server = panel::server();
    server.done("categories/new", "data[name]=Talk");
    server.done(
        "streams/new",
        "data[name]=News&data[epg_channel_id]=news.tv&data[number]=1&data[category_id]=1",
    );
    server.done("streams/new", "data[name]=Films&data[epg_channel_id]=films.tv&data[number]=2");
    for number in 3..=51 {
        server.done("streams/new", &format!("data[name]=Channel {number}&data[number]={number}"));
    }
    let base = half_hour();
    let shows = [
        ("news.tv", -30, 60, "The &lt;b&gt; hour", "All &amp; sundry"),
        ("news.tv", 60, 90, "Afterwards", ""),
        ("films.tv", 120, 300, "A film", ""),
        ("films.tv", 24 * 60, 26 * 60, "Tomorrow", ""),
    ];
    read(&server, &xml(base, &[("news.tv", "News"), ("films.tv", "Films")], &shows), "The <b> hour");
    (server, base)
}

#[test]
fn what_is_on_is_seen_by_channel_and_hour() {
    let (server, base) = server();
    let admin = Panel::admin(&server);
    let page = admin.get("/panel/guide");
    assert!(page.contains("The &#60;b&#62; hour") && page.contains("All &#38; sundry"), "escaped: {page}");
    let on = page.split("<td ").find(|cell| cell.contains("hour<small>")).expect("a cell");
    assert!(on.contains("class=\"on\" aria-current=\"time\""), "{on}");
    assert!(on.starts_with("colspan=\"12\"") || half_hour() != base, "an hour is left of it: {on}");
    assert!(page.contains("<line x1="), "the line of now");
    assert!(page.contains("Channel 40") && !page.contains("Channel 41"), "40 channels on a page");
    assert!(admin.get("/panel/guide?from=40").contains("Channel 41"));
    assert!(!page.contains("Tomorrow"));
    let tomorrow = admin.get(&format!("/panel/guide?at={}", base + 23 * 3_600));
    assert!(tomorrow.contains("Tomorrow") && !tomorrow.contains("<line x1="));
    let found = admin.get("/panel/guide?search=film");
    assert!(found.contains("A film") && !found.contains("Afterwards") && found.contains("1 channel<"));
    assert!(!admin.get("/panel/guide?category=1").contains("A film"));
    for odd in
        ["at=x", "at=-5", "at=99999999999999", "from=-1", "from=9999999", "day=2026-13-45", "day=9999-12-31"]
    {
        assert_eq!(admin.ask(&format!("/panel/guide?{odd}")).status, 200, "{odd}");
    }
}

#[test]
fn what_is_on_now_and_next_stands_beside_streams() {
    let (server, _) = server();
    let admin = Panel::admin(&server);
    let list = admin.get("/panel/streams");
    assert!(list.contains(">On now<") && list.contains("The &#60;b&#62; hour"), "{list}");
    assert!(list.contains(", then Afterwards"), "{list}");
    assert!(!admin.get("/panel/streams?search=channel").contains(">On now<"), "none of these has a guide");
    let page = admin.get("/panel/streams/1");
    assert!(page.contains("<dt>On now</dt>") && page.contains("then Afterwards"), "{page}");
    assert!(!admin.get("/panel/streams/3").contains("On now"));
}

#[test]
fn a_line_shows_what_is_on_where_it_watches() {
    let server = panel::server();
    tv::put_picture(server.data());
    server.done("streams/new", "data[name]=News&data[epg_channel_id]=news.tv&data[sources][]=media/test.ts");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    let shows = [("news.tv", -30, 60, "The hour", ""), ("news.tv", 60, 90, "Afterwards", "")];
    read(&server, &xml(half_hour(), &[("news.tv", "News")], &shows), "The hour");
    tv::within(30, "the stream runs", || tv::online(&server) == [1]);
    let _player = tv::Player::get(&server, "/live/bob/pw/1", "Test Player");
    let page = Panel::admin(&server).get("/panel/lines/1");
    assert!(page.contains("The hour until ") && page.contains(", then Afterwards"), "{page}");
}

#[test]
fn whoever_may_not_see_the_guide_is_not_shown_it() {
    let (server, _) = server();
    server.done("groups/new", "data[name]=Streams&data[rights][]=streams");
    server.done(
        "administrators/new",
        "data[username]=ann&data[email]=a@example.com&data[password]=a-long-secret-1&data[group_id]=3",
    );
    let ann = Panel::of(&server, "ann", "a-long-secret-1");
    assert_eq!(ann.ask("/panel/guide").status, 403);
    let list = ann.get("/panel/streams");
    assert!(!list.contains("On now") && !list.contains("/panel/guide"), "{list}");
}

#[test]
fn a_browser_walks_through_the_guide_by_keyboard_and_on_a_phone() {
    let (server, _) = server();
    let browser = Browser::on(&server.url);
    browser.sign_in("admin", PASSWORD);
    for width in [1280, 500] {
        browser.set_width(width);
        browser.open("/panel/guide");
        browser.sees("Afterwards");
        assert_eq!(browser.problems(), [""; 0], "at {width}");
    }
    let focus = |what: &str| {
        browser.run("return document.activeElement.textContent").as_str().unwrap().contains(what)
    };
    browser.run("document.querySelector('[data-guide] button').focus()");
    assert!(focus("hour"));
    browser.key("ArrowRight");
    assert!(focus("Afterwards"));
    browser.key("ArrowDown");
    assert!(focus("A film"));
    browser.key("ArrowUp");
    assert!(focus("Afterwards"));
    browser.key("ArrowLeft");
    let is_open = || browser.run("return document.querySelectorAll(':popover-open').length") == 1;
    assert!(!is_open());
    browser.key("Enter");
    browser.until("it tells of the programme", is_open);
    assert_eq!(browser.problems(), [""; 0], "open");
}
