//! What is on, as players ask for it (docs/players.md, "Programmes").

use std::process::Command;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::shows::{half_hour, read, xml};
use crate::support::{TestServer, panel, tv};

/// What would break out of markup.
const HOSTILE: &str = "]]&gt;&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt; &amp;amp; \"ünï\" שלום 🎬";
const SHOWN: &str = "]]></title><script>alert(1)</script> &amp; \"ünï\" שלום 🎬";

/// A line `bob`, `pw` with two channels, one of them twice, and a channel that is not his. `base` is the half hour.
pub fn server() -> (TestServer, i64) {
    let server = panel::server();
    for (name, id) in
        [("News", "news.tv"), ("Films", "films.tv"), ("News HD", "news.tv"), ("Other", "other.tv")]
    {
        server.done("streams/new", &format!("data[name]={name}&data[epg_channel_id]={id}"));
    }
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2&data[streams][]=3");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    let base = half_hour();
    read(&server, &guide(base, "Now"), "Now");
    (server, base)
}

fn guide(base: i64, title: &str) -> String {
    let mut shows = vec![
        ("news.tv", -90, -30, "Over", ""),
        ("news.tv", -30, 60, title, "What it is about"),
        ("other.tv", -60, 60, "Not his", ""),
        ("films.tv", 60, 180, HOSTILE, HOSTILE),
    ];
    shows.extend((0..20).map(|number| ("news.tv", 60 + number * 30, 90 + number * 30, "Later", "Text")));
    xml(base, &[("news.tv", "News"), ("films.tv", "Films"), ("other.tv", "Other")], &shows)
}

fn ask(server: &TestServer, action: &str) -> Value {
    let path = format!("/player_api.php?username=bob&password=pw&action={action}");
    let (status, answer) = server.curl(&path, &[]);
    assert_eq!(status, 200, "{action}: {answer}");
    answer
}

fn titles(listings: &Value) -> Vec<String> {
    let title = |entry: &Value| {
        let packed = STANDARD.decode(entry["title"].as_str().expect("a text")).expect("base64");
        String::from_utf8(packed).expect("UTF-8")
    };
    listings.as_array().expect("a list").iter().map(title).collect()
}

#[test]
fn programmes_are_listed_from_the_one_that_is_on_or_all_of_them() {
    let (server, base) = server();
    let short = |more: &str| ask(&server, &format!("get_short_epg&stream_id={more}"))["epg_listings"].clone();
    assert_eq!(titles(&short("1")), ["Now", "Later", "Later", "Later"], "four unless told");
    assert_eq!(titles(&short("1&limit=2")), ["Now", "Later"]);
    assert_eq!(titles(&short("2")), [SHOWN]);
    assert_eq!(titles(&short("3")), titles(&short("1")), "two streams of one channel");
    for none in ["4", "99", "x", ""] {
        assert_eq!(short(none), json!([]), "{none}");
    }
    let on = &short("1")[0];
    for (name, value) in [
        ("id", json!((base - 1_800).to_string())),
        ("channel_id", json!("news.tv")),
        ("start_timestamp", json!((base - 1_800).to_string())),
        ("stop_timestamp", json!((base + 3_600).to_string())),
        ("description", json!(STANDARD.encode("What it is about"))),
        ("now_playing", json!(1)),
        ("has_archive", json!(0)),
    ] {
        assert_eq!(on[name], value, "{name}");
    }
    assert!(on["epg_id"].as_str().is_some_and(|id| id.parse::<i32>().is_ok()), "{on}");
    for action in ["get_simple_data_table", "get_simple_date_table"] {
        let all = titles(&ask(&server, &format!("{action}&stream_id=1"))["epg_listings"]);
        assert_eq!((all.len(), all[0].as_str(), all[1].as_str()), (22, "Over", "Now"), "{action}");
    }
    let several = &ask(&server, "get_short_epg&stream_id=1,2,4&limit=1")["epg_listings"];
    assert_eq!(
        (titles(&several["1"]), titles(&several["2"])),
        (vec!["Now".to_owned()], vec![SHOWN.to_owned()])
    );
    assert_eq!(several["4"], json!([]));
    let (_, old) = server.curl("/panel_api.php?username=bob&password=pw&action=get_epg&stream_id=1", &[]);
    assert_eq!(titles(&old).len(), 22);

    // What is kept of an answer goes with the guide that it was made of.
    read(&server, &guide(base, "Changed"), "Changed");
    assert_eq!(titles(&short("1"))[0], "Changed");
    server.done("streams/update", "id=1&data[epg_shift_minutes]=30");
    assert_eq!(short("1")[0]["start_timestamp"], json!(base.to_string()));
    server.done("settings/update", "data[time_zone]=Asia/Tokyo");
    let start =
        ask(&server, "get_short_epg&stream_id=2")["epg_listings"][0]["start"].as_str().unwrap().to_owned();
    let zone = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    let local = jiff::Timestamp::from_second(base + 3_600).unwrap().to_zoned(zone);
    assert_eq!(start, local.strftime("%Y-%m-%d %H:%M:%S").to_string());
    server.done("line/update", "username=bob&data[disabled]=1");
    assert_eq!(short("1"), json!([]), "by the very next request");
}

/// Status, head in lower case, and body of an answer.
fn fetch(server: &TestServer, more: &str, arguments: &[&str]) -> (u16, String, Vec<u8>) {
    let output = Command::new("curl")
        .args(["-sS", "-i"])
        .args(arguments)
        .arg(format!("{}/xmltv.php?username=bob&password=pw{more}", server.url))
        .output()
        .expect("curl");
    let end = output.stdout.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&output.stdout[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head, output.stdout[end + 4..].to_vec())
}

fn tag(head: &str) -> String {
    let line = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag");
    line.replacen("w/", "W/", 1)
}

fn unpacked(bytes: &[u8]) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(bytes), &mut text).expect("gzip");
    text
}

#[test]
fn the_guide_is_one_file_packed_or_not_and_fetched_once_until_it_changes() {
    let (server, base) = server();
    let (status, head, plain) = fetch(&server, "", &[]);
    let text = String::from_utf8(plain).expect("UTF-8");
    assert!(status == 200 && head.contains("content-type: application/xml; charset=utf-8"), "{head}");
    assert!(text.contains("<channel id=\"news.tv\">") && text.ends_with("</tv>\n"), "{text}");
    assert_eq!(text.matches("<channel ").count(), 2, "of the line alone, each once: {text}");
    assert_eq!(text.matches("channel=\"news.tv\"").count(), 22, "{text}");
    assert!(!text.contains("Not his") && !text.contains("<script"), "{text}");
    assert_eq!(unpacked(&fetch(&server, "", &["-H", "Accept-Encoding: gzip"]).2), text);
    let (_, head_of_file, file) = fetch(&server, "&gzip=1", &[]);
    assert_eq!(unpacked(&file), text);
    assert!(
        head_of_file.contains("epg.xml.gz") && !head_of_file.contains("content-encoding"),
        "{head_of_file}"
    );
    let (_, head_of_old, old) = fetch(&server, "", &["--http1.0", "--raw"]);
    assert!(
        old == text.as_bytes() && !head_of_old.contains("transfer-encoding"),
        "no chunks in HTTP/1.0: {head_of_old}"
    );
    let held = format!("If-None-Match: {}", tag(&head));
    assert_eq!(fetch(&server, "", &["-H", &held]).0, 304);
    let (_, _, nothing) = fetch(&server, "", &["-I"]);
    assert!(nothing.is_empty());

    read(&server, &guide(base, "Changed"), "Changed");
    let (status, other, plain) = fetch(&server, "", &["-H", &held]);
    assert!(status == 200 && tag(&other) != tag(&head));
    assert!(String::from_utf8(plain).expect("UTF-8").contains("<title>Changed</title>"));
    server.done("settings/update", "data[time_zone]=America/St_Johns");
    let text = String::from_utf8(fetch(&server, "", &[]).2).expect("UTF-8");
    let zone = jiff::tz::TimeZone::get("America/St_Johns").unwrap();
    let start = jiff::Timestamp::from_second(base - 1_800).unwrap().to_zoned(zone);
    assert!(text.contains(&format!("start=\"{}\"", start.strftime("%Y%m%d%H%M%S %z"))), "{text}");
}

#[test]
fn the_guide_is_valid_by_its_dtd_and_by_the_validator_of_its_makers() {
    let (server, _) = server();
    let file = server.data().join("guide.xml");
    std::fs::write(&file, fetch(&server, "", &[]).2).expect("a file");
    let valid = Command::new("xmllint")
        .args(["--noout", "--dtdvalid", "/usr/share/xmltv/xmltv.dtd"])
        .arg(&file)
        .output();
    let valid = valid.expect("xmllint is installed: scripts/test does that");
    assert!(valid.status.success(), "{}", String::from_utf8_lossy(&valid.stderr));
    let valid =
        Command::new("tv_validate_file").arg("--dtd-file=/usr/share/xmltv/xmltv.dtd").arg(&file).output();
    let valid = valid.expect("tv_validate_file is installed: scripts/test does that");
    assert!(
        valid.status.success(),
        "{}{}",
        String::from_utf8_lossy(&valid.stdout),
        String::from_utf8_lossy(&valid.stderr)
    );
}

#[test]
fn the_demo_has_a_guide_of_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, _, error) = crate::support::linecard(folder.path(), &["demo"]);
    assert_eq!(code, 0, "{error}");
    let server = TestServer::on(folder, &[]);
    let short = || {
        let path = "/player_api.php?username=demo&password=demo&action=get_short_epg&stream_id=1";
        server.curl(path, &[]).1["epg_listings"].clone()
    };
    tv::within(30, "the guide is read", || short().as_array().is_some_and(|list| list.len() == 4));
    assert_eq!(short()[0]["now_playing"], 1);
}
