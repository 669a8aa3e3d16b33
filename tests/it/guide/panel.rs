//! Sources and matches in the panel.

use super::{hour, put, titles, xmltv};
use crate::support::{
    panel::{self, Panel},
    tv::within,
};

#[test]
fn an_operator_adds_a_source_refreshes_it_and_reviews_its_matches() {
    let server = panel::server();
    let admin = Panel::admin(&server);
    for name in ["BBC One", "Discovery Scince", "<b>Bold</b>"] {
        server.done("streams/new", &format!("data[name]={name}"));
    }
    let now = hour();
    let channels = [("bbc1", "BBC One"), ("ds", "Discovery Science"), ("x&amp;y", "X &lt;i&gt;")];
    let on = [
        ("bbc1", now, now + 3_600, "News"),
        ("ds", now, now + 3_600, "Stars"),
        ("x&amp;y", now, now + 60, "X"),
    ];
    put(&server, "own.xml", xmltv(&channels, &on));
    assert!(admin.get("/panel/guide/sources").contains("players show no programmes"));
    let new = [
        ("name", "Own"),
        ("url", "guide/own.xml"),
        ("refresh_hours", "0"),
        ("assumed_zone", "UTC"),
        ("enabled", "1"),
    ];
    let refused =
        admin.refused("/panel/guide/sources/new", &[("name", "Own"), ("url", "file:///etc/passwd")], 422);
    assert!(refused.contains("begins with http://"), "{refused}");
    admin.done("/panel/guide/sources/new", &new);
    assert!(admin.get("/panel/guide/sources").contains("not read yet"));
    admin.done("/panel/guide/sources/1/refresh", &[]);
    within(20, "it is read", || admin.get("/panel/guide/sources").contains(">ok<"));
    within(20, "its programmes", || titles(&server, 1) == ["News"]);

    within(20, "the suggestion", || admin.get("/panel/guide/matches").contains("suggested"));
    let page = admin.get("/panel/guide/matches");
    assert!(
        page.contains("Discovery Scince") && page.contains("<code>ds</code>") && !page.contains("BBC One"),
        "{page}"
    );
    admin.done("/panel/guide/matches/2?state=suggested&source=1&guide_id=ds", &[]);
    within(20, "its programmes", || titles(&server, 2) == ["Stars"]);
    assert!(admin.get("/panel/guide/matches").contains("Nothing to review."));
    let page = admin.get("/panel/guide/matches/3?search=x");
    assert!(page.contains("Channel of &#60;b&#62;Bold") && page.contains("guide_id=x%26y"), "{page}");
    admin.done("/panel/guide/matches/3?source=1&guide_id=x%26y", &[]);
    within(20, "its programmes", || titles(&server, 3) == ["X"]);
    admin.done("/panel/guide/matches/1?none=1", &[]);
    assert_eq!(titles(&server, 1), Vec::<String>::new());
    assert!(admin.get("/panel/guide/matches?state=none").contains("none of these"));
    admin.done("/panel/guide/matches/1?reset=1", &[]);
    within(20, "the rules again", || titles(&server, 1) == ["News"]);

    let dashboard = admin.get("/panel/");
    assert!(dashboard.contains("runs out") && dashboard.contains("/panel/guide/sources/1"), "{dashboard}");
    put(&server, "own.xml", "<html>");
    admin.done("/panel/guide/sources/1/refresh", &[]);
    within(20, "it fails", || admin.get("/panel/").contains("first element is html"));
    assert!(admin.get("/panel/guide/sources").contains(">failed<"));
}

#[test]
fn who_may_only_view_the_guide_gets_no_buttons() {
    let server = panel::server();
    server.done("groups/new", "data[name]=Viewers&data[rights][]=guide:read");
    server.done(
        "administrators/new",
        "data[username]=vera&data[password]=Pa55-phrase-7&data[email]=v@example.com&data[group_id]=3",
    );
    server.done("streams/new", "data[name]=A");
    server.done(
        "guide_sources/new",
        "data[name]=s&data[url]=http://u:hush@guide.invalid/&data[refresh_hours]=0",
    );
    let vera = Panel::of(&server, "vera", "Pa55-phrase-7");
    let page = vera.get("/panel/guide/sources");
    assert!(
        page.contains("http://guide.invalid") && !page.contains("hush") && !page.contains("Refresh<"),
        "{page}"
    );
    assert!(!vera.get("/panel/guide/matches?state=any").contains("None of these"));
    vera.refused("/panel/guide/sources/1/refresh", &[], 403);
    vera.refused("/panel/guide/matches/1?none=1", &[], 403);
}
