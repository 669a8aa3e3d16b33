//! Which channel belongs to which stream.

use serde_json::{Value, json};

use super::{hour, put, refreshed, titles, xmltv};
use crate::support::{TestServer, tv::within};

fn matches(server: &TestServer) -> Vec<(i64, String, String, String)> {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let found = server.done("guide/matches", "");
    let rows = found["matches"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            (
                row["stream_id"].as_i64().unwrap(),
                text(row, "guide_id"),
                text(row, "state"),
                text(row, "chosen_by"),
            )
        })
        .collect()
}

fn row(id: i64, guide_id: &str, state: &str, by: &str) -> (i64, String, String, String) {
    (id, guide_id.into(), state.into(), by.into())
}

#[test]
fn rules_match_what_is_sure_and_what_a_person_chose_stays() {
    let server = TestServer::start();
    let now = hour();
    for (name, id) in
        [("UK| BBC One FHD", ""), ("By id", "ARTE.fr"), ("Discovery Scince", ""), ("Nothing like it", "")]
    {
        server.done("streams/new", &format!("data[name]={name}&data[epg_channel_id]={id}"));
    }
    let channels =
        [("bbc1.uk", "BBC One"), ("arte.fr", "ARTE"), ("ds", "Discovery Science"), ("later.uk", "Later")];
    let on = channels.map(|(id, name)| (id, now, now + 3_600, name));
    put(&server, "one.xml", xmltv(&channels, &on));
    put(
        &server,
        "two.xml",
        xmltv(&[("BBC1.uk", "Other"), ("two", "Two")], &[("BBC1.uk", now, now + 60, "of the other")]),
    );
    // The second source is the first by its position, but holds no better match; of one id the lower position wins.
    server.done(
        "guide_sources/new",
        "data[name]=one&data[url]=guide/one.xml&data[position]=1&data[refresh_hours]=0",
    );
    server.done(
        "guide_sources/new",
        "data[name]=two&data[url]=guide/two.xml&data[position]=2&data[refresh_hours]=0",
    );
    for id in [1, 2] {
        assert_eq!(refreshed(&server, id)["last_error"], "");
    }
    let by_rules = [
        row(1, "bbc1.uk", "matched", "rule"),
        row(2, "arte.fr", "matched", "rule"),
        row(3, "ds", "suggested", "rule"),
        row(4, "", "none", "rule"),
    ];
    within(20, "the matches", || matches(&server) == by_rules);
    within(20, "the programmes", || titles(&server, 1) == ["BBC One"] && titles(&server, 2) == ["ARTE"]);
    assert_eq!(titles(&server, 3), Vec::<String>::new(), "a suggestion shows nothing");
    let ids: Vec<Value> = (1..=4)
        .map(|id| server.done("streams/info", &format!("id={id}"))["stream"]["epg_channel_id"].clone())
        .collect();
    assert_eq!(ids, ["bbc1.uk", "ARTE.fr", "", ""], "filled only where it was empty");
    let suggested = server.done("guide/matches", "state=suggested")["matches"][0].clone();
    assert!(suggested["score"].as_i64() >= Some(70) && suggested["source_id"] == 1, "{suggested}");

    // A person chooses, and is asked for the file that was read before.
    server.done("guide/match", "stream_id=3&source_id=1&guide_id=DS");
    server.done("guide/match", "stream_id=1&guide_id=");
    server.done("guide/match", "stream_id=4&source_id=1&guide_id=later.uk");
    within(20, "the chosen ones", || {
        titles(&server, 3) == ["Discovery Science"] && titles(&server, 4) == ["Later"]
    });
    assert_eq!(titles(&server, 1), Vec::<String>::new(), "none of these");
    let chosen = [
        row(1, "", "none", "person"),
        row(2, "arte.fr", "matched", "rule"),
        row(3, "ds", "matched", "person"),
        row(4, "later.uk", "matched", "person"),
    ];
    assert_eq!(matches(&server), chosen);

    // It stays over a refresh that no longer knows the channel, and over a restart.
    put(&server, "one.xml", xmltv(&channels[..3], &on[..3]));
    assert_eq!(refreshed(&server, 1)["last_error"], "");
    assert_eq!(matches(&server), chosen);
    let server = TestServer::on(server.stop(), &[]);
    assert_eq!(matches(&server), chosen);
    assert_eq!(titles(&server, 3), ["Discovery Science"]);
    server.done("guide/match", "stream_id=1&reset=1");
    within(20, "the rules again", || matches(&server)[0] == row(1, "bbc1.uk", "matched", "rule"));
}

#[test]
fn a_choice_that_cannot_be_is_refused() {
    let server = TestServer::start();
    server.done("streams/new", "data[name]=A");
    put(&server, "a.xml", xmltv(&[("x", "X")], &[]));
    server.done("guide_sources/new", "data[name]=a&data[url]=guide/a.xml");
    within(20, "its channels", || server.done("guide/channels", "")["total"] == 1);
    for (fields, reason) in [
        ("", "Missing field: stream_id"),
        ("stream_id=1", "Missing field: guide_id"),
        ("stream_id=1&guide_id=x", "Missing field: source_id"),
        ("stream_id=9&guide_id=", "Stream does not exist"),
        ("stream_id=1&source_id=1&guide_id=y", "Guide channel does not exist"),
        ("stream_id=1&source_id=2&guide_id=x", "Guide channel does not exist"),
        ("stream_id=1&reset=1&guide_id=x&source_id=1", "Invalid reset"),
        ("stream_id=1&unknown=1", "Unknown field"),
    ] {
        let why = server.refused("guide/match", fields);
        assert!(why.contains(reason), "{fields}: {why}");
    }
    assert_eq!(server.done("guide/matches", "after=1")["matches"], json!([]));
    assert!(server.refused("guide/channels", "after=1").contains("use offset"));
    assert!(server.refused("guide/matches", "state=perhaps").contains("matched, suggested or none"));
    assert!(server.refused("guide/programmes", "stream_id=9").contains("Stream does not exist"));
    server.done("guide/match", "stream_id=1&source_id=1&guide_id=x");
    assert_eq!(server.done("guide/channels", "")["channels"][0]["stream_ids"], json!([1]));
    server.done("streams/delete", "id=1");
    assert_eq!(server.done("guide/matches", "")["total"], 0);
}
