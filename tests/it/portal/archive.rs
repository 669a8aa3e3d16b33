//! What was recorded, as boxes ask for it.

use serde_json::{Value, json};

use crate::support::{
    TestServer,
    set::{MAC, Set},
    tape,
    tv::{Player, within},
};

/// A server whose stream 1 was recorded for forty seconds an hour ago and for as long a minute later, and a MAG that may watch it.
fn with_archive() -> (TestServer, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let from = (tape::now() - 3600) / 60 * 60;
    tape::record(folder.path(), 1, from);
    tape::record(folder.path(), 1, from + 60);
    let server = TestServer::on(folder, &[]);
    server.done("streams/new", "data[name]=News&data[sources][]=media/none.ts&data[archive_days]=1");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    (server, from)
}

fn channel(set: &Set<'_>) -> Value {
    set.js("type=itv&action=get_all_channels")["data"][0].clone()
}

fn is_off(set: &Set<'_>, module: &str) -> bool {
    let off = set.js("type=stb&action=get_modules")["disabled_modules"].clone();
    off.as_array().expect("a list").contains(&json!(module))
}

/// The path of a command's address, without what boxes read after it.
fn path(link: &Value) -> String {
    let cmd = link["cmd"].as_str().expect("a command");
    let url = cmd.strip_prefix("ffmpeg http://").and_then(|rest| rest.split(' ').next()).expect("an address");
    url[url.find('/').expect("a path")..].to_owned()
}

#[test]
fn a_box_watches_a_past_programme_and_rewinds_what_is_live() {
    let (server, from) = with_archive();
    let set = Set::on(&server, MAC);
    within(20, "the archive is known", || channel(&set)["enable_tv_archive"] == 1);
    let shown = channel(&set);
    assert_eq!((&shown["archive"], &shown["tv_archive_duration"]), (&json!(1), &json!(24)), "hours");
    assert!(!is_off(&set, "tv_archive") && !is_off(&set, "time_shift") && is_off(&set, "karaoke"));

    let link = set.js(&format!("type=tv_archive&action=create_link&cmd=auto%20/media/1_{from}.mpg"));
    assert_eq!(link["error"], "", "{link}");
    let programme = path(&link);
    assert!(programme.ends_with(&format!("/1_{from}.mpg")), "{programme}");
    let get = |path: &str, range: &str| {
        Player::send(&server, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: MAG\r\n{range}\r\n"))
    };
    let mut whole = get(&programme, "");
    assert_eq!(
        (whole.status, whole.read_body().len() >= 2 * tape::recorded()),
        (200, true),
        "{}",
        whole.head
    );
    let mut part = get(&programme, "Range: bytes=188-375\r\n");
    assert_eq!((part.status, part.read_body().len()), (206, 188));
    let open = server.done("connections/list", "")["connections"].clone();
    let open = open.as_array().expect("a list");
    assert!(open.len() <= 1 && open.iter().all(|open| open["kind"] == "archive"), "{open:?}");

    let link = set.js("type=tv_archive&action=get_link_for_channel&ch_id=1");
    let cmd = link["cmd"].as_str().expect("a command");
    assert!(cmd.contains(" position:") && cmd.contains(" media_len:"), "{cmd}");
    let hour = path(&link);
    let mut answer = get(&hour, "");
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert!(answer.head.contains("accept-ranges: bytes"), "{}", answer.head);
    assert!(answer.read_body().len() % 188 == 0);
    // The box puts other hours in its place.
    let (before, _) = hour.rsplit_once('/').expect("a file");
    for no_hour in ["20200101-00", "20261130-99", "99999999-99", "2_1795976100", "x"] {
        assert_eq!(get(&format!("{before}/{no_hour}.mpg"), "").status, 404, "{no_hour}");
    }
    assert_eq!(get("/archive/AAAAAAAAAAAAAAAAAAAAAAAA/20200101-00.mpg", "").status, 401);

    for action in
        ["set_played", "set_played_timeshift", "update_played_end_time", "update_played_timeshift_end_time"]
    {
        assert_eq!(set.js(&format!("type=tv_archive&action={action}")), json!(true), "{action}");
    }
    assert_eq!(set.js("type=tv_archive&action=get_next_part_url&id=1"), json!(false));
    let nothing = set.js("type=tv_archive&action=create_link&cmd=auto%20/media/1_1000000000.mpg");
    assert_eq!((&nothing["cmd"], &nothing["error"]), (&json!(""), &json!("nothing_to_play")));

    server.done("mag/update", &format!("mac_address={MAC}&data[catchup]=0"));
    assert_eq!(channel(&set)["enable_tv_archive"], 0);
    assert!(is_off(&set, "tv_archive"));
    let refused = set.js(&format!("type=tv_archive&action=create_link&cmd=auto%20/media/1_{from}.mpg"));
    assert_eq!((&refused["cmd"], &refused["error"]), (&json!(""), &json!("link_fault")));
    assert_eq!(get(&programme, "").status, 403);
}
