//! Links to channels, and what they open.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    TestServer,
    set::{MAC, Set, ask, mag, watchable},
    tv::{self, Player, within},
};

#[test]
fn a_mag_opens_its_portal_and_watches() {
    let server = watchable();
    let set = Set::on(&server, MAC);
    let channels = set.js("type=itv&action=get_all_channels");
    assert_eq!((&channels["total_items"], &channels["data"][0]["name"]), (&json!(1), &json!("Stream 1")));
    let path = set.link(1).unwrap();
    let mut player = Player::get(&server, &path, "Lavf");
    assert_eq!((player.status, player.read(188)[0]), (200, 0x47));
    let info = server.done("mag/info", &format!("mac_address={MAC}"));
    let open = info["mag_conn_info"].as_array().expect("a list");
    assert_eq!((open.len(), &open[0]["stream_id"]), (1, &json!(1)), "{info}");
    assert_eq!(server.done("mag/explain", &format!("mac_address={MAC}&stream_id=1"))["may_watch"], true);
    drop(player);
    within(10, "nobody watches", || {
        server.done("mag/info", &format!("mac_address={MAC}"))["mag_conn_info"] == json!([])
    });
}

#[test]
fn a_link_opens_its_channel_twice_from_its_address_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    tv::put_picture(folder.path());
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.1"]);
    server.done("streams/new", "data[name]=One&data[sources][]=media/test.ts");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    within(30, "it runs", || tv::online(&server).len() == 1);
    let mut set = Set::new(&server, MAC);
    set.from = Some("192.0.2.1");
    set.shake("");
    set.js("type=stb&action=get_profile");
    let path = set.link(1).unwrap();
    let get = |method: &str, path: &str, from: &str| {
        Player::send(
            &server,
            &format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: Lavf\r\nX-Forwarded-For: {from}\r\n\r\n"
            ),
        )
    };
    assert_eq!(get("GET", &path, "192.0.2.2").status, 403, "from another address");
    assert_eq!(get("GET", "/play/AAAAAAAAAAAAAAAAAAAAAAAA/ts", "192.0.2.1").status, 401);
    let head = get("HEAD", &path, "192.0.2.1");
    assert!(head.status == 200 && head.head.contains("video/mp2t"), "{}", head.head);
    let first = get("GET", &path, "192.0.2.1");
    let mut second = get("GET", &path, "192.0.2.1");
    assert_eq!((first.status, second.status, second.read(188)[0]), (200, 200, 0x47));
    let info = server.done("mag/info", &format!("mac_address={MAC}"));
    assert_eq!(
        info["mag_conn_info"].as_array().unwrap().len(),
        1,
        "one device and stream is one session: {info}"
    );
    std::thread::sleep(Duration::from_secs(16));
    assert_eq!(get("GET", &path, "192.0.2.1").status, 403, "it is over");
    assert!(!second.is_closed_within(1), "who watches goes on");
    assert!(!server.log().contains(path.split('/').nth(2).unwrap()));
}

#[test]
fn a_mag_that_is_deleted_takes_its_links_with_it() {
    let server = watchable();
    let set = Set::on(&server, MAC);
    let link = set.link(1).expect("a link");
    let status = |path: &str| Player::get(&server, path, "Lavf").status;
    server.done("mag/delete", &format!("mac_address={MAC}"));
    assert_eq!(status(&link), 403);
    assert_eq!(set.text("type=itv&action=get_genres").1, "Authorization failed.");
    server.done("mag/new", &format!("data[mac_address]={MAC}"));
    assert_eq!(status(&link), 403);
    assert_eq!(status("/play/nobodyhasgiventhisoneout/ts"), 401);
    assert_eq!(server.done("logs/list", "kind=error")["total"], 0);
}

#[test]
fn a_link_that_cannot_be_given_says_why() {
    let server = watchable();
    server.done("streams/new", "data[name]=Elsewhere&data[sources][]=media/test.ts");
    let set = Set::on(&server, MAC);
    assert_eq!(set.link(2), Err("nothing_to_play".into()), "not in its bouquets");
    assert_eq!(set.link(99), Err("nothing_to_play".into()));
    server.done("streams/stop", "id=1");
    assert_eq!(set.link(1), Err("nothing_to_play".into()));
    server.done("streams/start", "id=1");
    mag(&server, "data[allowed_ips][]=192.0.2.1");
    assert_eq!(set.link(1), Err("link_fault".into()));
    mag(&server, "data[allowed_ips]=&data[allowed_outputs][]=hls");
    assert!(set.link(1).unwrap().ends_with("/m3u8"), "the form that it may watch");
    within(10, "the refusals are written down", || {
        let refusals = server.done("logs/list", "kind=refusal").to_string();
        refusals.contains("bouquet") && refusals.contains("address")
    });
}

#[test]
fn at_its_limit_a_mag_is_told_so_where_new_viewers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    tv::put_picture(folder.path());
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.1"]);
    for name in ["One", "Two"] {
        server.done("streams/new", &format!("data[name]={name}&data[sources][]=media/test.ts"));
    }
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    server.done("settings/update", "data[connection_policy]=refuse");
    within(30, "they run", || tv::online(&server).len() == 2);
    let mut set = Set::on(&server, MAC);
    let mut player = Player::get(&server, &set.link(1).unwrap(), "box");
    assert_eq!(player.status, 200);
    let next = set.link(2).expect("the box goes on to the next channel");
    set.from = Some("192.0.2.7");
    assert_eq!(set.link(2), Err("limit".into()), "somebody elsewhere");
    assert_eq!(Player::get(&server, &next, "box").status, 200);
    assert!(player.is_closed_within(2), "the same device has zapped");
}

#[test]
fn a_second_device_ends_what_the_first_one_watches() {
    let server = watchable();
    let first = Set::on(&server, MAC);
    let mut player = Player::get(&server, &first.link(1).unwrap(), "Lavf");
    let unused = first.link(1).unwrap();
    player.read(188);
    let mut second = Set::new(&server, MAC);
    second.shake("");
    assert_eq!(Player::get(&server, &unused, "Lavf").status, 200, "a handshake alone takes nothing over");
    let unused = first.link(1).unwrap();
    second.js("type=stb&action=get_profile");
    assert!(player.is_closed_within(2));
    assert_eq!(Player::get(&server, &unused, "Lavf").status, 403, "a link of the first device");
    let mut player = Player::get(&server, &second.link(1).unwrap(), "Lavf");
    assert_eq!(player.status, 200, "from the same address, with the same player");
    player.read(188);
    second.js("type=stb&action=get_profile");
    assert!(!player.is_closed_within(1), "the device itself asks for its profile again");
    within(10, "the log says why", || {
        server.done("logs/list", "kind=connection").to_string().contains("other device")
    });
}

#[test]
fn hls_links_hold_as_long_as_somebody_watches() {
    let server = watchable();
    let set = Set::on(&server, MAC);
    let link = set.js("type=itv&action=create_link&output=hls&cmd=ffmpeg%20http://localhost/ch/1_");
    let cmd = link["cmd"].as_str().unwrap().strip_prefix("ffmpeg ").unwrap().to_owned();
    let path = cmd.strip_prefix(&server.url).unwrap();
    for _ in 0..3 {
        let (status, text) = ask(&server, path, &["User-Agent: hls".into()], &[]);
        assert!(status == 200 && text.starts_with("#EXTM3U"), "{status} {text}");
        std::thread::sleep(Duration::from_secs(7));
    }
}

#[test]
fn a_device_that_is_reset_is_out_at_once() {
    let server = watchable();
    let set = Set::on(&server, MAC);
    let mut player = Player::get(&server, &set.link(1).unwrap(), "Lavf");
    player.read(188);
    let unused = set.link(1).unwrap();
    server.done("mag/reset_device", &format!("mac_address={MAC}"));
    assert!(player.is_closed_within(2), "nobody else has come, and its picture ends");
    assert_eq!(Player::get(&server, &unused, "Lavf").status, 403);
    assert_eq!(set.text("type=watchdog&action=get_events").1, "Authorization failed.");
}

#[test]
fn a_login_that_is_required_from_now_on_is_asked_of_boxes_that_are_on() {
    let server = watchable();
    mag(&server, "data[login]=anna&data[password]=s3cret");
    let mut set = Set::on(&server, MAC);
    let mut player = Player::get(&server, &set.link(1).unwrap(), "Lavf");
    player.read(188);
    let unused = set.link(1).unwrap();
    server.done("settings/update", "data[mag_login_required]=1");
    assert!(player.is_closed_within(2));
    assert_eq!(Player::get(&server, &unused, "Lavf").status, 403);
    for query in
        ["type=itv&action=get_genres", "type=itv&action=create_link&cmd=1", "type=stb&action=get_modules"]
    {
        assert_eq!(set.text(query), (200, "Authorization failed.".into()), "{query}");
    }
    let told = set.js("type=watchdog&action=get_events")["data"]["event"].clone();
    assert_eq!(told, "reload_portal", "real boxes stop at the text, and start anew at this");
    let token = set.token.clone();
    assert_eq!(set.shake(&token)["not_valid"], 0);
    assert_eq!(set.js("type=stb&action=get_profile")["status"], 2);
    assert_eq!(set.js("type=stb&action=do_auth&login=anna&password=s3cret"), true);
    assert_eq!(set.js("type=stb&action=get_profile&auth_second_step=1")["status"], 0);
    let mut player = Player::get(&server, &set.link(1).unwrap(), "Lavf");
    assert_eq!((player.status, player.read(188)[0]), (200, 0x47));
    assert!(set.js("type=watchdog&action=get_events")["data"]["event"].is_null());
    server.done("settings/update", "data[connection_policy]=refuse");
    assert!(!player.is_closed_within(2), "another setting ends nothing");
}
