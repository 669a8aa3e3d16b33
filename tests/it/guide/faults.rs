//! What sources and machines do wrong: the guide from before stays, and nothing else is harmed.

use std::fmt::Write as _;

use super::{hour, put, refreshed, titles, xmltv};
use crate::support::{TestServer, tv::within};

/// A server with a stream and a source that was read.
fn with_guide() -> TestServer {
    let server = TestServer::start();
    server.done("streams/new", "data[name]=A");
    put(&server, "a.xml", xmltv(&[("a", "A")], &[("a", hour(), hour() + 3_600, "before")]));
    server.done("guide_sources/new", "data[name]=a&data[url]=guide/a.xml");
    within(20, "its programmes", || titles(&server, 1) == ["before"]);
    server
}

#[test]
fn whatever_a_file_holds_the_guide_from_before_stays() {
    let server = with_guide();
    let deep = format!("<tv>{}", "<a>".repeat(100));
    let long = format!("<tv><channel id='a'><display-name>{}", "x".repeat(3 << 20));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        std::io::Write::write_all(&mut packed, &vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = packed.finish().unwrap();
    let cases: [(&str, &[u8], &str); 8] = [
        ("html", b"<html><h1>404</h1></html>", "no XMLTV"),
        ("nothing", b"", "no XML"),
        ("half", b"<tv><channel id='a'><display-name>A</display", "broken"),
        ("empty", b"<tv></tv>", "no channels"),
        ("deep", deep.as_bytes(), "inside each other"),
        ("long", long.as_bytes(), "larger than 1 MiB"),
        ("bomb", &bomb, "larger than 1 MiB"),
        ("zip", b"PK\x03\x04nothing of a zip", "zip is damaged"),
    ];
    for (name, bytes, reason) in cases {
        put(&server, "a.xml", bytes);
        let row = refreshed(&server, 1);
        assert!(row["last_error"].as_str().unwrap().contains(reason), "{name}: {row}");
        assert_eq!(titles(&server, 1), ["before"], "{name}");
    }
    std::fs::remove_file(server.data().join("guide/a.xml")).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(server.data().join("guide/a.xml"))
            .status()
            .unwrap()
            .success()
    );
    let row = refreshed(&server, 1);
    assert!(row["last_error"].as_str().unwrap().contains("no file"), "a pipe: {row}");
}

#[test]
fn a_kill_in_the_middle_of_a_refresh_leaves_the_guide_from_before() {
    let server = with_guide();
    let mut many = "<tv><channel id='a'><display-name>A</display-name></channel>".to_owned();
    for at in 0..60_000 {
        let start = super::time(hour() + at % 500_000);
        let _ = write!(many, "<programme channel='a' start='{start}'><title>new {at}</title></programme>");
    }
    put(&server, "a.xml", &many[..many.len() - 10]);
    server.done("guide_sources/refresh", "id=1");
    // Chunks are on their way: SQLite's log grows.
    let log = server.data().join("guide.db-wal");
    let size = || std::fs::metadata(&log).map_or(0, |about| about.len());
    let before = size();
    within(20, "rows are written", || size() > before + 100_000);
    let server = TestServer::on(server.kill(), &[]);
    assert_eq!(titles(&server, 1), ["before"]);
    put(&server, "a.xml", many + "</tv>");
    assert_eq!(refreshed(&server, 1)["last_error"], "");
    assert!(titles(&server, 1).iter().all(|title| title.starts_with("new")));
}

#[test]
fn a_source_that_hangs_holds_up_no_other_and_no_match() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = with_guide();
    server.done("settings/update", "data[fetch_local]=1");
    server.done("guide_sources/new", &format!("data[name]=hangs&data[url]=http://127.0.0.1:{port}/"));
    let (held, _) = listener.accept().unwrap();
    server.done("streams/new", "data[name]=B");
    put(&server, "b.xml", xmltv(&[("b", "B")], &[("b", hour(), hour() + 3_600, "beside")]));
    server.done("guide_sources/new", "data[name]=b&data[url]=guide/b.xml");
    within(20, "the other is read", || titles(&server, 2) == ["beside"]);
    assert_eq!(refreshed(&server, 1)["last_error"], "");
    assert_eq!(
        server.done("guide_sources/info", "id=2")["guide_source"]["last_try_at"],
        serde_json::Value::Null
    );
    // Nor the end of the program.
    let begun = std::time::Instant::now();
    server.stop();
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    drop(held);
}

#[test]
fn a_damaged_guide_db_is_set_aside_and_filled_again() {
    let folder = with_guide().stop();
    std::fs::write(folder.path().join("guide.db"), b"no database ".repeat(1_000)).unwrap();
    let server = TestServer::on(folder, &[]);
    within(20, "it is read again", || titles(&server, 1) == ["before"]);
    assert!(server.log().contains("guide.db.set-aside"), "{}", server.log());
}
