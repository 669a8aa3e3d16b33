//! What sources and machines do wrong: the guide from before stays, and nothing else is harmed.

use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
};

use super::{hour, put, refreshed, titles, xmltv};
use crate::support::{
    TestServer,
    tv::{peak, within},
};

/// A server with a stream and a source that was read.
fn with_guide() -> TestServer {
    let server = TestServer::start();
    server.done("streams/new", "data[name]=A");
    put(&server, "a.xml", xmltv(&[("a", "A")], &[("a", hour(), hour() + 3_600, "before")]));
    server.done("guide_sources/new", "data[name]=a&data[url]=guide/a.xml");
    let tried = || server.done("guide_sources/info", "id=1")["guide_source"]["last_try_at"].clone();
    within(20, "it is read", || !tried().is_null());
    assert_eq!(titles(&server, 1), ["before"]);
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

/// A zip of one file, deflated.
fn zip_of(name: &str, times: usize, plain: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    plain.chunks(1 << 20).for_each(|part| packer.write_all(part).unwrap());
    let packed = packer.finish().unwrap();
    let size = u32::try_from(packed.len()).unwrap().to_le_bytes();
    let mut sum = flate2::Crc::new();
    sum.update(plain);
    let sum = sum.sum().to_le_bytes();
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    let mut zip =
        [b"PK\x03\x04\x14\0\0\0\x08\0", &[0; 4][..], &sum, &size, &size, &length, &[0; 2], name.as_bytes()]
            .concat();
    zip.extend(packed);
    let head =
        [b"PK\x01\x02\x14\0\x14\0\0\0\x08\0", &[0; 4][..], &sum, &size, &size, &length, &[0; 16]].concat();
    let table = [&head, name.as_bytes()].concat().repeat(times);
    let (at, size) = (u32::try_from(zip.len()).unwrap(), u32::try_from(table.len()).unwrap());
    zip.extend(table);
    zip.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff");
    zip.extend([size.to_le_bytes(), at.to_le_bytes()].concat());
    zip.extend([0; 2]);
    zip
}

fn gz_of(plain: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(plain).unwrap();
    packer.finish().unwrap()
}

fn xz_of(plain: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    liblzma::bufread::XzEncoder::new(plain, 0).read_to_end(&mut packed).unwrap();
    packed
}

#[test]
fn what_is_packed_very_tightly_costs_no_memory() {
    const MANY: usize = 24 << 20;
    let server = with_guide();
    let blanks = vec![b' '; MANY];
    let ids = |kind: &str, end: &str| {
        let one = |number: usize| format!("<{kind}'{number}{}'{end}", "x".repeat(1_000_000));
        format!("<tv>{}</tv>", (0..MANY >> 20).map(one).collect::<String>())
    };
    let names = |number: usize| {
        let name = |place: usize| format!("<display-name>{place}{}</display-name>", "x".repeat(190));
        format!("<channel id='{number}'>{}</channel>", (0..20).map(name).collect::<String>())
    };
    let many_names = format!("<tv>{}</tv>", (0..(36 << 20) / 4_000).map(names).collect::<String>());
    let deep = format!("<tv>{}", "<a>".repeat(MANY / 3));
    let before = peak(&server);
    let grown = || (peak(&server) - before) >> 10;
    let refused = |name: &str, bytes: Vec<u8>, reason: &str| {
        put(&server, "a.xml", bytes);
        let row = refreshed(&server, 1);
        assert!(row["last_error"].as_str().unwrap().contains(reason), "{name}: {row}");
        assert_eq!(titles(&server, 1), ["before"], "{name}");
    };
    for (name, bytes, reason) in [
        ("xz", xz_of(&blanks), "larger than 1 MiB"),
        ("zip", zip_of("a.xml", 1, &blanks), "larger than 1 MiB"),
        ("a zip of many files", zip_of("a.xml", 65_535, &blanks[..9]), "no XML"),
        ("elements inside each other", gz_of(deep.as_bytes()), "inside each other"),
        ("ids of channels", gz_of(ids("channel id=", "/>").as_bytes()), "no channels"),
        (
            "ids of programmes",
            gz_of(ids("programme start='20301130' channel=", "></programme>").as_bytes()),
            "no channels",
        ),
    ] {
        refused(name, bytes, reason);
        assert!(grown() < 16, "{name}: {} MiB", grown());
    }
    let names = gz_of(many_names.as_bytes());
    refused("names", names, "names of its channels are larger than 32 MiB");
    assert!(grown() < 64, "{} MiB", grown());
}

#[test]
fn a_file_that_is_not_what_its_checksum_says_and_one_without_programmes_leave_the_guide_as_it_was() {
    let server = with_guide();
    let other = xmltv(&[("a", "A")], &[("a", hour(), hour() + 3_600, "another")]);
    let refused = |name: &str, bytes: &[u8], reason: &str| {
        put(&server, "a.xml", bytes);
        let row = refreshed(&server, 1);
        assert!(row["last_error"].as_str().unwrap().contains(reason), "{name}: {row}");
        assert_eq!(titles(&server, 1), ["before"], "{name}");
    };
    let mut gz = gz_of(other.as_bytes());
    let at = gz.len() - 8;
    refused("gzip cut short", &gz[..at], "cannot be read");
    gz[at] ^= 1;
    refused("gzip", &gz, "checksum");
    let xz = xz_of(other.as_bytes());
    refused("xz cut short", &xz[..xz.len() - 12], "cannot be read");
    let mut zip = zip_of("a.xml", 1, other.as_bytes());
    let table = zip.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    for sum in [[1, 2, 3, 4], [0; 4]] {
        zip[table + 16..table + 20].copy_from_slice(&sum);
        refused("zip", &zip, "checksum");
    }
    refused("no programmes", xmltv(&[("a", "A")], &[]).as_bytes(), "no programme at all");
    put(&server, "a.xml", [gz_of(other.as_bytes()), vec![0; 512]].concat());
    assert_eq!(refreshed(&server, 1)["last_error"], "", "zeros behind it fill a block");
    assert_eq!(titles(&server, 1), ["another"]);
}

#[test]
fn sources_that_drip_hold_up_no_file_and_end_when_they_are_deleted() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = with_guide();
    server.done("settings/update", "data[fetch_local]=1");
    let closed = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = closed.clone();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let count = count.clone();
            std::thread::spawn(move || {
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n<");
                while socket.write_all(b" ").is_ok() {
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            });
        }
    });
    for number in 2..6 {
        let url = format!("http://127.0.0.1:{port}/{number}");
        server.done("guide_sources/new", &format!("data[name]={number}&data[url]={url}"));
    }
    std::thread::sleep(std::time::Duration::from_secs(2));
    put(&server, "a.xml", xmltv(&[("a", "A")], &[("a", hour(), hour() + 3_600, "after")]));
    assert_eq!(refreshed(&server, 1)["last_error"], "");
    assert_eq!(titles(&server, 1), ["after"]);
    for number in 2..6 {
        server.done("guide_sources/delete", &format!("id={number}"));
    }
    within(20, "they are let go", || closed.load(std::sync::atomic::Ordering::SeqCst) == 4);
}

#[test]
fn another_address_keeps_what_is_over() {
    let server = with_guide();
    let two = [("a", hour() - 7_200, hour() - 3_600, "over"), ("a", hour(), hour() + 3_600, "before")];
    put(&server, "a.xml", xmltv(&[("a", "A")], &two));
    // Each try has a second of its own, so that the last one stands as later than the change that follows.
    for _ in 0..3 {
        assert_eq!(refreshed(&server, 1)["last_error"], "");
    }
    assert_eq!(titles(&server, 1), ["over", "before"]);
    put(&server, "b.xml", xmltv(&[("a", "A")], &[("a", hour(), hour() + 3_600, "new")]));
    server.done("guide_sources/update", "id=1&data[url]=guide/b.xml");
    within(20, "it is read from there", || titles(&server, 1) == ["over", "new"]);
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
