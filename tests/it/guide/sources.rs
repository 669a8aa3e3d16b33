//! Sources: fetched and read, by themselves and when asked.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::json;

use super::{hour, put, refreshed, time, titles, xmltv};
use crate::support::{
    TestServer,
    origin::{Origin, ok, status, to},
    tv::within,
};

fn gz(text: &str) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

#[test]
fn a_file_of_the_data_folder_is_read_by_itself_and_again_when_it_changes() {
    let server = TestServer::start();
    server.done("streams/new", "data[name]=BBC One HD&data[epg_shift_minutes]=30");
    server.done("streams/new", "data[name]=Nobody");
    let now = hour();
    let channels = [("bbc1.uk", "BBC One"), ("other.uk", "Other")];
    let on =
        [("bbc1.uk", now, now + 1_800, "News"), ("bbc1.uk", now + 1_800, now + 7_200, "Film &amp; more")];
    put(
        &server,
        "own.xml.gz",
        gz(&xmltv(&channels, &[&on[..], &[("other.uk", now, now + 60, "no")]].concat())),
    );
    let created =
        server.done("guide_sources/new", "data[name]=Own&data[url]=guide/own.xml.gz&data[shift_minutes]=60");
    assert_eq!(created["created_id"], 1);
    within(20, "its programmes", || titles(&server, 1) == ["News", "Film & more"]);
    let first = &server.done("guide/programmes", "stream_id=1")["programmes"][0];
    assert_eq!(
        *first,
        json!({
            "start": now + 5_400, "stop": now + 7_200, "title": "News", "subtitle": "", "description": "",
            "category": "", "recorded": false,
        }),
        "moved by the shifts of the source and of the stream"
    );
    assert_eq!(titles(&server, 2), Vec::<String>::new());
    let narrow =
        server.done("guide/programmes", &format!("stream_id=1&from={}&to={}", now + 7_200, now + 9_000));
    assert_eq!(
        narrow["programmes"].as_array().unwrap().len(),
        1,
        "what ends at its begin is not in it: {narrow}"
    );
    let row = &server.done("guide_sources/list", "")["guide_sources"][0];
    for (name, value) in [
        ("name", json!("Own")),
        ("url", json!("guide/own.xml.gz")),
        ("refresh_hours", json!(12)),
        ("assumed_zone", json!("UTC")),
        ("enabled", json!(1)),
        ("last_error", json!("")),
        ("channels", json!(2)),
        ("programmes", json!(2)),
    ] {
        assert_eq!(row[name], value, "{name}: {row}");
    }
    assert_eq!(row["last_try_at"], row["last_success_at"]);
    let channel = &server.done("guide/channels", "search=bbc")["channels"];
    let expected = json!([{ "guide_id": "bbc1.uk", "names": ["BBC One"], "source_id": 1, "programmes": 2, "stream_ids": [1] }]);
    assert_eq!(*channel, expected);
    assert_eq!(server.done("guide/channels", "limit=1&offset=1")["total"], 2);
    let filled = server.done("streams/info", "id=1")["stream"]["epg_channel_id"].clone();
    assert_eq!(filled, "bbc1.uk", "it had none");

    // The next file knows nothing of what is over: that stays. What is to come is as the file says.
    let past = [("bbc1.uk", now + 1_800, now + 3_600, "Sport")];
    put(&server, "own.xml.gz", xmltv(&channels, &past));
    assert_eq!(refreshed(&server, 1)["last_error"], "");
    assert_eq!(titles(&server, 1), ["News", "Sport"]);

    // What goes wrong is told, and nothing is lost.
    put(&server, "own.xml.gz", &gz(&xmltv(&channels, &on))[..80]);
    let row = refreshed(&server, 1);
    assert!(row["last_error"].as_str().unwrap().contains("file"), "{row}");
    assert!(row["last_try_at"].as_i64() > row["last_success_at"].as_i64(), "{row}");
    assert_eq!((titles(&server, 1).len(), &row["programmes"]), (2, &json!(2)));
    std::fs::remove_file(server.data().join("guide/own.xml.gz")).unwrap();
    let row = refreshed(&server, 1);
    assert_eq!(row["last_error"], "guide/own.xml.gz: the file is not there.");

    server.done("guide_sources/update", "id=1&data[enabled]=0");
    assert_eq!(titles(&server, 1), Vec::<String>::new(), "one that is disabled shows nothing");
    assert!(server.refused("guide_sources/refresh", "id=1").contains("disabled"));
    assert_eq!(server.done("guide_sources/refresh", "")["started"], json!([]));
    server.done("guide_sources/delete", "id=1");
    within(20, "it is forgotten", || server.done("guide/channels", "")["total"] == 0);
}

#[test]
fn a_source_is_fetched_by_its_validators_and_never_from_inside_unless_that_is_set() {
    let now = hour();
    let text = xmltv(&[("a", "News"), ("late", "Late")], &[("a", now, now + 3_600, "On")]);
    let whole = Arc::new(AtomicUsize::new(0));
    let counted = whole.clone();
    let origin = Origin::start(move |asked| match asked.path.as_str() {
        "/hidden" => to("http://169.254.169.254/"),
        "/loop" => to("/loop"),
        _ if asked.header("If-None-Match") == Some("\"v1\"") => status("304 Not Modified"),
        _ => {
            counted.fetch_add(1, Ordering::SeqCst);
            let (line, _, body) = ok(text.clone());
            (line, "ETag: \"v1\"\r\n".into(), body)
        }
    });
    let server = TestServer::start();
    server.done("streams/new", "data[name]=News");
    let url = origin.url.replace("http://", "http://me:hush@");
    server.done(
        "guide_sources/new",
        &format!("data[name]=Web&data[refresh_hours]=0&data[url]={url}/guide.xml"),
    );
    let row = refreshed(&server, 1);
    assert!(row["last_error"].as_str().unwrap().contains("fetch_local"), "{row}");
    assert_eq!(origin.asked().len(), 0, "nobody was asked");
    server.done("settings/update", "data[fetch_local]=1");
    let row = refreshed(&server, 1);
    assert_eq!((&row["last_error"], &row["channels"]), (&json!(""), &json!(2)));
    assert_eq!(titles(&server, 1), ["On"], "at the end of the first refresh its programmes are there");
    let row = refreshed(&server, 1);
    assert_eq!(row["last_try_at"], row["last_success_at"]);
    assert_eq!((whole.load(Ordering::SeqCst), origin.asked().len()), (1, 2), "unchanged");

    // A channel that is wanted later comes out of what was fetched.
    server.done("streams/new", "data[name]=Late");
    within(10, "its match", || server.done("guide/matches", "state=matched")["total"] == 2);
    assert_eq!(origin.asked().len(), 2);

    for path in ["hidden", "loop"] {
        server.done("guide_sources/update", &format!("id=1&data[url]={}/{path}", origin.url));
        let row = refreshed(&server, 1);
        assert_ne!(row["last_error"], "", "{row}");
        assert_eq!(titles(&server, 1), ["On"], "the guide from before");
    }
    assert!(!server.log().contains("hush"), "{}", server.log());
    let audit = server.done("logs/list", "kind=audit&search=guide_sources");
    assert!(!audit.to_string().contains("hush"));
}

#[test]
fn a_refresh_that_is_asked_for_begins_at_once() {
    let server = TestServer::start();
    put(&server, "a.xml", xmltv(&[("a", "A")], &[("a", hour(), hour() + 60, "on")]));
    server.done("guide_sources/new", "data[name]=a&data[url]=guide/a.xml&data[refresh_hours]=0");
    let begun = std::time::Instant::now();
    for _ in 0..6 {
        assert_eq!(refreshed(&server, 1)["last_error"], "");
    }
    // The job looks once a second.
    assert!(begun.elapsed().as_millis() < 4_000, "{:?}", begun.elapsed());
}

#[test]
fn what_a_source_is_must_be_right_and_the_right_is_called_guide() {
    let server = TestServer::start();
    for (data, reason) in [
        ("data[name]=x", "Missing field: url"),
        ("data[name]=x&data[url]=file:///etc/passwd", "Invalid url"),
        ("data[name]=x&data[url]=guide/../linecard.db", "Invalid url"),
        ("data[name]=x&data[url]=http://h/&data[assumed_zone]=Moon", "Invalid assumed_zone"),
        ("data[name]=x&data[url]=http://h/&data[shift_minutes]=1441", "Invalid shift_minutes"),
        ("data[name]=x&data[url]=http://h/&data[refresh_hours]=-1", "Invalid refresh_hours"),
    ] {
        assert!(server.refused("guide_sources/new", data).starts_with(reason), "{data}");
    }
    server.done("guide_sources/new", "data[name]=x&data[url]=http://h.invalid/&data[refresh_hours]=0");
    assert_eq!(server.refused("guide_sources/new", "data[name]=X&data[url]=guide/a"), "Name exists.");
    assert!(server.refused("guide_sources/refresh", "id=9").contains("does not exist"));
    let key = |scope: &str| {
        let made = server.done("settings/api_key_new", &format!("data[name]={scope}&data[scope][]={scope}"));
        made["api_key"].as_str().unwrap().to_owned()
    };
    let (guide, reading, line) = (key("guide"), key("guide:read"), key("line"));
    let asked = |key: &str, call: &str| {
        server.curl(&format!("/api/{call}/{key}"), &["-d", "id=1"]).1["result"].clone()
    };
    assert_eq!(asked(&guide, "guide_sources/refresh"), true);
    assert_eq!(asked(&reading, "guide_sources/info"), true);
    assert_eq!(asked(&reading, "guide_sources/refresh"), false);
    assert_eq!(asked(&line, "guide/channels"), false);
    assert!(
        server.refused("groups/new", "data[name]=g&data[rights][]=guide_sources").contains("Invalid rights")
    );
}

#[test]
fn times_without_a_zone_are_those_of_the_source() {
    let server = TestServer::start();
    server.done("streams/new", "data[name]=A");
    let now = hour();
    let bare = |seconds: i64| time(seconds).replace(" +0000", "");
    let text = format!("<tv><programme channel='A' start='{}'><title>on</title></programme></tv>", bare(now));
    put(&server, "a.xml", text);
    server.done("guide_sources/new", "data[name]=x&data[url]=guide/a.xml&data[assumed_zone]=Etc/GMT-5");
    within(20, "its programmes", || titles(&server, 1) == ["on"]);
    let found = &server.done("guide/programmes", "stream_id=1")["programmes"][0];
    assert_eq!(
        (&found["start"], &found["stop"]),
        (&json!(now - 18_000), &json!(now - 14_400)),
        "the last one: an hour"
    );
}
