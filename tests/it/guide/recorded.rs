//! What of the guide can be watched again.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::players;
use crate::support::{
    TestServer,
    panel::{PASSWORD, Panel},
    set::{MAC, Set},
};

/// Pieces of a minute each, as if stream 1 had been recorded from one moment to the other.
fn put_pieces(data: &Path, from: i64, to: i64) {
    for start in (from..to).step_by(60) {
        let moment = jiff::Timestamp::from_second(start).unwrap();
        let folder = data.join("archive/1").join(moment.strftime("%Y-%m-%d/%H").to_string());
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}-60000.ts", start * 1_000)), [0x47; 188]).unwrap();
    }
}

#[test]
fn a_programme_is_marked_once_it_is_over_and_recorded_for_those_who_may_watch_it() {
    let (server, base) = players::server();
    server.done("streams/update", "id=1&data[archive_days]=1");
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    let folder = server.stop();
    put_pieces(folder.path(), base - 5_400, base);
    let server = TestServer::with(folder, &[], &[("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))]);

    let marked = |listings: &Value, name: &str| -> Vec<i64> {
        let listings = listings.as_array().expect("a list").iter();
        listings.map(|one| one[name].as_i64().expect("a number")).collect()
    };
    let listed = |stream: i64| {
        let path = format!(
            "/player_api.php?username=bob&password=pw&action=get_simple_data_table&stream_id={stream}"
        );
        marked(&server.curl(&path, &[]).1["epg_listings"], "has_archive")
    };
    assert_eq!(listed(1)[..3], [1, 0, 0], "what is on is not over, however much of it is recorded");
    assert_eq!(listed(3)[..3], [0, 0, 0], "another stream of the channel, which is not recorded");
    let set = Set::on(&server, MAC);
    let on_box = || marked(&set.js("type=epg&action=get_all_program_for_ch&ch_id=1")["data"], "mark_archive");
    assert_eq!(on_box()[..3], [1, 0, 0]);
    let programmes = server.done("guide/programmes", "stream_id=1")["programmes"].clone();
    assert_eq!(programmes[0]["recorded"], json!(true), "{programmes}");

    let page = Panel::admin(&server).get(&format!("/panel/guide?at={}", base - 5_400));
    assert_eq!(page.matches(">recorded<").count(), 1, "{page}");

    server.done("line/update", "username=bob&data[catchup]=0");
    server.done("mag/update", &format!("mac_address={MAC}&data[catchup]=0"));
    assert_eq!((listed(1)[0], on_box()[0]), (0, 0), "who may not watch it is not shown it");
}
