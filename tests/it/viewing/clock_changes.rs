//! Guide and catch-up when clocks are put back in autumn and on in spring.

use std::{path::Path, process::Command};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::json;

use super::viewing_faults::library_of;
use crate::support::{
    TestServer, tape,
    tv::{Player, within},
};

/// A server three hours after a change of the clocks, of whose stream forty seconds are recorded from that second on, and whose guide
/// has a programme of twenty minutes around the change; and the line `bob` with the password `pw`.
fn after(change: u64, zone: &str, recorded: u64) -> TestServer {
    let folder = tempfile::tempdir().expect("a folder");
    tape::record(folder.path(), 1, recorded);
    std::fs::create_dir(folder.path().join("guide")).expect("a folder");
    let [start, stop] = [change - 600, change + 600].map(|at| clock(at, "UTC", "%Y%m%d%H%M%S +0000"));
    let guide = format!(
        "<tv><channel id='News'/><programme channel='News' start='{start}' stop='{stop}'><title>Night</title></programme></tv>"
    );
    std::fs::write(folder.path().join("guide/a.xml"), guide).expect("a file");
    let off = format!("{:+}", (change + 3 * 3600).cast_signed() - tape::now().cast_signed());
    let library = library_of("libfaketime.so.1");
    let environment = [
        ("LD_PRELOAD", library.as_path()),
        ("FAKETIME", Path::new(&off)),
        ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
    ];
    let server = TestServer::with(folder, &[], &environment);
    server.done("settings/update", &format!("data[time_zone]={zone}"));
    server.done("streams/new", "data[name]=News&data[sources][]=media/none.ts&data[archive_days]=1");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done(
        "line/new",
        "data[username]=bob&data[password]=pw&data[bouquets][]=1&data[max_allowed_connections]=9",
    );
    server.done("guide_sources/new", "data[name]=a&data[url]=guide/a.xml");
    within(20, "it is read", || server.done("guide/programmes", "stream_id=1")["programmes"] != json!([]));
    within(20, "the archive is known", || watched(&server, recorded) == 200);
    server
}

fn clock(at: u64, zone: &str, form: &str) -> String {
    let moment = Timestamp::from_second(at.cast_signed()).expect("a moment");
    moment.to_zoned(TimeZone::get(zone).expect("a zone")).strftime(form).to_string()
}

/// The status of a minute from then on, as a player asks for it.
fn watched(server: &TestServer, start: impl std::fmt::Display) -> u16 {
    let path = format!("/timeshift/bob/pw/1/{start}/1.ts");
    Player::send(server, &format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: VLC\r\n\r\n")).status
}

/// When the programme begins and ends, as lists and the guide say.
fn told(server: &TestServer) -> [[String; 2]; 2] {
    let asked = "/player_api.php?username=bob&password=pw&action=get_simple_data_table&stream_id=1";
    let listed = server.curl(asked, &[]).1["epg_listings"][0].clone();
    let address = format!("{}/xmltv.php?username=bob&password=pw", server.url);
    let guide = Command::new("curl").args(["-sS", &address]).output().expect("curl").stdout;
    let guide = String::from_utf8(guide).expect("text");
    let times: Vec<&str> = guide.split("<programme ").nth(1).expect("a programme").split('"').collect();
    let text = |name: &str| listed[name].as_str().expect("a time").to_owned();
    [[text("start"), text("end")], [times[1].to_owned(), times[3].to_owned()]]
}

#[test]
fn in_autumn_the_hour_that_comes_twice_is_the_first_and_the_second_by_its_seconds() {
    let change = 1_792_890_000;
    let server = after(change, "Europe/Berlin", change - 1800);
    assert_eq!(watched(&server, "2026-10-25:02-30"), 200);
    assert_eq!(watched(&server, change + 1800), 404, "the second was not recorded");
    assert_eq!(
        told(&server),
        [["2026-10-25 02:50:00", "2026-10-25 02:10:00"], ["20261025025000 +0200", "20261025021000 +0100"]]
    );
}

#[test]
fn in_spring_the_hour_that_is_left_out_is_an_hour_later() {
    let change = 1_805_007_600;
    let server = after(change, "America/New_York", change + 1800);
    for start in ["2027-03-14:03-30", "2027-03-14:02-30"] {
        assert_eq!(watched(&server, start), 200, "{start}");
    }
    assert_eq!(watched(&server, "2027-03-14:01-30"), 404);
    assert_eq!(
        told(&server),
        [["2027-03-14 01:50:00", "2027-03-14 03:10:00"], ["20270314015000 -0500", "20270314031000 -0400"]]
    );
}

#[test]
fn clocks_of_half_an_hour_change_as_well() {
    let change = 1_791_041_400;
    let server = after(change, "Australia/Lord_Howe", change);
    assert_eq!(watched(&server, "2026-10-04:02-30"), 200);
    assert_eq!(watched(&server, "2026-10-04:01-30"), 404);
    assert_eq!(
        told(&server),
        [["2026-10-04 01:50:00", "2026-10-04 02:40:00"], ["20261004015000 +1030", "20261004024000 +1100"]]
    );
}
