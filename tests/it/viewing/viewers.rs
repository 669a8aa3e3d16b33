//! Viewers: admitted, counted, limited, cut.

use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use serde_json::json;

use crate::support::{
    TestServer,
    tv::{Player, make_file, open, put_picture, with_streams, within},
};

/// Unix seconds.
#[allow(clippy::disallowed_methods, reason = "a subscription is to end soon")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn watch(server: &TestServer, stream: i64, agent: &str) -> Player {
    Player::get(server, &format!("/live/bob/pw/{stream}"), agent)
}

fn status_of_head(server: &TestServer, path: &str) -> u16 {
    Player::send(server, &format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n")).status
}

fn status(server: &TestServer, path: &str) -> u16 {
    Player::get(server, path, "probe").status
}

#[test]
fn every_form_of_a_streams_address_plays() {
    let server = with_streams(1);
    for path in ["/live/bob/pw/1", "/live/bob/pw/1.ts", "/bob/pw/1", "/bob/pw/1.TS"] {
        let mut player = Player::get(&server, path, "VLC");
        assert_eq!(player.status, 200, "{path}");
        assert!(player.head.contains("content-type: video/mp2t"), "{}", player.head);
        assert!(player.head.contains("access-control-allow-origin: *"), "{}", player.head);
        assert!(!player.head.contains("chunked"), "{}", player.head);
        let bytes = player.read(188 * 3);
        let pids: Vec<u16> =
            bytes.chunks(188).map(|packet| u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2])).collect();
        assert!(bytes.chunks(188).all(|packet| packet[0] == 0x47));
        assert_eq!(pids[0], 0, "PAT comes first");
        assert_eq!(bytes[188 * 2 + 5] & 0x40, 0x40, "after the tables comes a key frame");
    }
}

#[test]
fn head_answers_without_opening_anything() {
    let server = with_streams(1);
    let head = |path: &str| Player::send(&server, &format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    let answer = head("/live/bob/pw/1");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: video/mp2t"));
    assert!(!answer.head.contains("content-length"), "it has no end: {}", answer.head);
    assert_eq!(open(&server), 0);
    assert_eq!(head("/live/bob/wrong/1").status, 401);
    let options = Player::send(&server, "OPTIONS /live/bob/pw/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(options.status, 204);
}

#[test]
fn each_refusal_has_its_status() {
    let server = with_streams(1);
    server.done("streams/new", "data[name]=Stopped&data[enabled]=0");
    server.done("streams/new", "data[name]=Elsewhere");
    server.done("bouquets/update", "id=1&data[streams][]=1&data[streams][]=2");
    assert_eq!(status(&server, "/live/bob/wrong/1"), 401);
    assert_eq!(status(&server, "/live/nobody/pw/1"), 401);
    assert_eq!(status(&server, "/live/bob/pw/99"), 404);
    assert_eq!(status(&server, "/live/bob/pw/x.ts"), 404);
    assert_eq!(status(&server, "/live/bob/pw/3"), 403);
    let stopped = Player::get(&server, "/live/bob/pw/2", "VLC");
    assert_eq!(stopped.status, 503);
    assert!(stopped.head.contains("retry-after"), "{}", stopped.head);
    for (change, back) in [
        ("data[disabled]=1", "data[disabled]=0"),
        ("data[banned]=1", "data[banned]="),
        ("data[expire_date]=1000000000", "data[expire_date]="),
        ("data[allowed_ips][]=192.0.2.1", "data[allowed_ips]="),
        ("data[allowed_user_agents][]=Kodi*", "data[allowed_user_agents]="),
        ("data[allowed_outputs][]=hls", "data[allowed_outputs]="),
        ("data[bouquets]=", "data[bouquets][]=1"),
    ] {
        server.done("line/update", &format!("username=bob&{change}"));
        assert_eq!(status(&server, "/live/bob/pw/1"), 403, "{change}");
        server.done("line/update", &format!("username=bob&{back}"));
        assert_eq!(status(&server, "/live/bob/pw/1"), 200, "{back}");
    }
    // The words are for people; what is stored to be compared are codes, which no answer shows.
    let told = server.done("line/explain", "username=bob")["refusals"].clone();
    assert!(told[0].get("code").is_none(), "{told}");
    let file = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    let mut codes =
        file.prepare("SELECT code FROM refusal_log WHERE code <> 'wrong_credentials' ORDER BY id").unwrap();
    let codes: Vec<String> = codes.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let rules = ["disabled", "banned", "expired", "address", "user_agent", "output", "bouquet"];
    let expected = [&["no_such_stream", "bouquet", "stream_switched_off"], &rules[..]].concat();
    assert_eq!(codes, expected);
}

#[test]
fn one_connection_is_one_device_and_zapping_takes_it_along() {
    let server = with_streams(2);
    for policy in ["kick_oldest", "refuse"] {
        server.done("settings/update", &format!("data[connection_policy]={policy}"));
        let mut first = watch(&server, 1, "Kodi");
        let again = watch(&server, 1, "Kodi");
        assert_eq!((first.status, again.status, open(&server)), (200, 200, 1));
        let mut second = watch(&server, 2, "Kodi");
        assert_eq!((second.status, open(&server)), (200, 1), "{policy}");
        assert!(first.is_closed_within(2));
        second.read(188 * 10);
        assert_eq!(server.done("line/info", "username=bob")["line_conn_info"][0]["stream_id"], 2);
        drop((first, again, second));
        within(5, "nobody watches", || open(&server) == 0);
    }
}

#[test]
fn at_the_limit_the_oldest_goes_or_the_newest_is_refused() {
    let server = with_streams(1);
    let mut first = watch(&server, 1, "VLC");
    let second = watch(&server, 1, "Kodi");
    assert_eq!((second.status, open(&server)), (200, 1));
    assert!(first.is_closed_within(2));
    server.done("settings/update", "data[connection_policy]=refuse");
    assert_eq!(watch(&server, 1, "mpv").status, 403);
    assert_eq!(open(&server), 1);
    // A predecessor that closes within the grace makes room.
    let closing = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(700));
        drop(second);
    });
    assert_eq!(watch(&server, 1, "mpv").status, 200);
    closing.join().unwrap();
}

#[test]
fn fifty_viewers_at_once_never_exceed_the_limit() {
    let server = with_streams(1);
    server.done("line/update", "username=bob&data[max_allowed_connections]=3");
    std::thread::scope(|scope| {
        let players: Vec<_> = (0..50)
            .map(|n| {
                let server = &server;
                let request =
                    format!("GET /live/bob/pw/1 HTTP/1.1\r\nHost: x\r\nUser-Agent: player {n}\r\n\r\n");
                // Some are kicked before they are answered.
                scope.spawn(move || Player::try_send(server, &request))
            })
            .collect();
        for _ in 0..5 {
            assert!(open(&server) <= 3);
        }
        let players: Vec<Player> = players.into_iter().filter_map(|player| player.join().unwrap()).collect();
        // Others are kicked while they are: they are told so.
        assert!(players.iter().all(|player| matches!(player.status, 200 | 403)));
        assert!(players.iter().filter(|player| player.status == 200).count() >= 3);
        assert_eq!(open(&server), 3);
    });
    within(10, "nobody watches", || open(&server) == 0);
}

#[test]
fn hls_plays_by_token_and_stops_when_it_is_killed() {
    let server = with_streams(1);
    let playlist = || {
        let mut player = Player::send(
            &server,
            "GET /live/bob/pw/1.m3u8 HTTP/1.1\r\nHost: x\r\nUser-Agent: hls\r\nConnection: close\r\n\r\n",
        );
        (player.status, String::from_utf8(player.read_body()).unwrap())
    };
    let (status_of, text) = playlist();
    assert_eq!(status_of, 200);
    let segment = text.lines().find(|line| line.starts_with("/hls/")).expect("a segment").to_owned();
    let mut player = Player::get(&server, &segment, "hls");
    assert_eq!(player.status, 200);
    assert_eq!(player.read(188)[0], 0x47);
    assert_eq!(open(&server), 1);
    let connection = server.done("connections/list", "username=bob")["connections"][0].clone();
    assert_eq!((&connection["container"], &connection["subscriber"]), (&json!("hls"), &json!("bob")));
    assert_eq!(status(&server, "/hls/WrongToken/1_0.ts"), 403);
    assert_eq!(Player::get(&server, &segment, "another player").status, 403, "it is of that session alone");
    let id = &connection["connection_id"];
    assert_eq!(server.done("connections/kill", &format!("connection_id={id}"))["killed"], json!([id]));
    assert_eq!(status(&server, &segment), 403);
    assert_eq!(playlist().0, 403, "its next request does not begin anew");
}

#[test]
fn segments_come_whole_to_a_client_that_asks_for_many_before_it_reads_one() {
    let server = with_streams(1);
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: hls\r\n\r\n");
    let mut player = Player::send(&server, &ask("/live/bob/pw/1.m3u8"));
    let text = String::from_utf8(player.read_body()).unwrap();
    let segment = text.lines().find(|line| line.starts_with("/hls/")).expect("a segment").to_owned();
    let mut player = Player::send(&server, &ask(&segment));
    let bytes = player.read_body();
    assert!(bytes.len() > 100_000 && bytes.len().is_multiple_of(188), "{}", bytes.len());

    let mut player = Player::send(&server, &ask(&segment).replace("GET", "HEAD"));
    assert!(player.head.contains(&format!("content-length: {}", bytes.len())), "{}", player.head);
    player.stays_silent();

    // More than both ends buffer.
    let count = (32 << 20) / bytes.len();
    let requests = [ask(&segment), ask("/live/bob/pw/1.m3u8"), ask("/hls/WrongToken/1_0.ts")].concat();
    let mut player = Player::send(&server, &requests.repeat(count));
    std::thread::sleep(Duration::from_secs(1));
    for number in 0..count {
        assert!(number == 0 || player.read_head(), "answer {number}");
        assert_eq!(player.status, 200, "answer {number}: {}", player.head);
        assert!(player.read_body() == bytes, "answer {number} is another segment");
        assert!(player.read_head() && player.status == 200, "{}", player.head);
        let text = String::from_utf8_lossy(&player.read_body()).into_owned();
        assert!(text.starts_with("#EXTM3U"), "answer {number}: {text:.300}, after {}", player.head);
        assert!(player.read_head() && player.status == 403, "{}", player.head);
        player.read_body();
    }
}

#[test]
fn a_viewer_who_reads_nothing_is_cut_within_a_second() {
    let server = with_streams(1);
    server.done("line/update", "username=bob&data[max_allowed_connections]=3");
    let mut players = [watch(&server, 1, "a"), watch(&server, 1, "b"), watch(&server, 1, "c")];
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(server.done("connections/kill", "username=bob")["killed"].as_array().unwrap().len(), 3);
    assert_eq!(open(&server), 0);
    assert!(players.iter_mut().all(|player| player.is_closed_within(1)));
    assert_eq!(server.refused("connections/kill", "connection_id=999"), "Connection does not exist");
    assert_eq!(server.refused("connections/kill", "stream_id=999"), "Stream does not exist");
}

#[test]
fn changes_cut_those_who_watch() {
    let server = with_streams(2);
    for (change, back) in [
        ("line/update username=bob&data[disabled]=1", "line/update username=bob&data[disabled]=0"),
        ("line/update username=bob&data[banned]=1", "line/update username=bob&data[banned]=0"),
        ("line/update username=bob&data[bouquets]=", "line/update username=bob&data[bouquets][]=1"),
        (
            "bouquets/update id=1&data[streams][]=2",
            "bouquets/update id=1&data[streams][]=1&data[streams][]=2",
        ),
        ("line/update username=bob&data[expire_date]=SOON", "line/update username=bob&data[expire_date]="),
        ("streams/stop id=1", "streams/start id=1"),
        ("line/delete username=bob", ""),
    ] {
        within(20, "it plays", || status(&server, "/live/bob/pw/1") == 200);
        let mut player = watch(&server, 1, "VLC");
        assert_eq!(player.status, 200);
        let (call, body) = change.split_once(' ').unwrap();
        server.done(call, &body.replace("SOON", &(now() + 2).to_string()));
        assert!(player.is_closed_within(if body.contains("SOON") { 4 } else { 2 }), "{change}");
        if let Some((call, body)) = back.split_once(' ') {
            server.done(call, body);
        }
    }
}

#[test]
fn a_new_password_or_token_ends_who_watches_with_the_old_one() {
    let server = with_streams(1);
    server.done("line/update", "username=bob&data[new_token]=1&data[max_allowed_connections]=3");
    let token =
        || server.done("line/info", "username=bob")["line_info"]["token"].as_str().unwrap().to_owned();
    let by_token = || format!("/live/{}/1", token());
    let mut thief = watch(&server, 1, "thief");
    let mut holder = Player::get(&server, &by_token(), "holder");
    let mut hls = Player::get(&server, "/live/bob/pw/1.m3u8", "hls");
    let text = String::from_utf8(hls.read_body()).unwrap();
    let segment = text.lines().find(|line| line.starts_with("/hls/")).expect("a segment");
    assert_eq!(Player::get(&server, segment, "hls").status, 200);
    server.done("line/update", "username=bob&data[password]=other");
    assert!(thief.is_closed_within(5), "the password is no longer his");
    within(5, "nor are segments", || Player::get(&server, segment, "hls").status == 403);
    assert!(!holder.is_closed_within(1), "the token still is");
    let mut owner = Player::get(&server, "/live/bob/other/1", "owner");
    assert_eq!(owner.status, 200);
    server.done("line/update", "username=bob&data[new_token]=1");
    assert!(holder.is_closed_within(5), "now the token is not");
    server.done("line/update", "username=bob&data[notes]=x");
    assert!(!owner.is_closed_within(1), "the password is");
    let reasons = || {
        let rows = server.done("logs/list", "kind=connection")["logs"].clone();
        let reasons = rows.as_array().unwrap().iter().map(|row| row["reason"].as_str().unwrap().to_owned());
        reasons.collect::<Vec<_>>()
    };
    within(10, "all are in the history", || reasons() == ["new password"; 3]);
    server.done("settings/update", "data[connection_policy]=refuse");
    server.done("line/update", "username=bob&data[password]=third");
    assert!(owner.is_closed_within(5), "whatever happens at the limit");
}

#[test]
fn what_was_acknowledged_holds_for_the_very_next_request_however_many_ask_meanwhile() {
    let server = with_streams(1);
    server.done("streams/new", "data[name]=Other&data[enabled]=0");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let ask = || {
                while !done.load(Ordering::Relaxed) {
                    status_of_head(&server, "/live/bob/pw/1");
                    status_of_head(&server, "/live/BOB/new/1");
                }
            };
            scope.spawn(ask);
        }
        for (call, body, path, status) in [
            ("line/update", "username=bob&data[disabled]=1", "/live/bob/pw/1", 403),
            ("line/update", "username=bob&data[disabled]=0", "/live/bob/pw/1", 200),
            ("line/update", "username=bob&data[password]=new", "/live/bob/pw/1", 401),
            ("line/update", "username=bob&data[password]=pw", "/live/Bob/pw/1", 200),
            ("line/update", "username=bob&data[username]=rob", "/live/bob/pw/1", 401),
            ("line/update", "username=rob&data[username]=bob", "/live/bob/pw/1", 200),
            ("bouquets/update", "id=1&data[streams][]=2", "/live/bob/pw/1", 403),
            ("bouquets/update", "id=1&data[streams][]=1", "/live/bob/pw/1", 200),
            ("streams/update", "id=1&data[enabled]=0", "/live/bob/pw/1", 503),
            ("streams/update", "id=1&data[enabled]=1", "/live/bob/pw/99", 404),
        ]
        .repeat(20)
        {
            server.done(call, body);
            assert_eq!(status_of_head(&server, path), status, "{call} {body}");
        }
        done.store(true, Ordering::Relaxed);
    });
    server.done("bouquets/new", "data[name]=Second&data[streams][]=1");
    server.done("line/update", "username=bob&data[bouquets][]=2");
    assert_eq!(status_of_head(&server, "/live/bob/pw/1"), 200);
    server.done("bouquets/delete", "id=2");
    assert_eq!(status_of_head(&server, "/live/bob/pw/1"), 403);
    server.done("line/delete", "username=bob");
    assert_eq!(status_of_head(&server, "/live/bob/pw/1"), 401);
}

#[test]
fn what_keeps_a_subscriber_from_watching_is_explained() {
    let server = with_streams(1);
    let explain = |more: &str| server.done("line/explain", &format!("username=bob{more}"));
    assert_eq!(explain("&stream_id=1")["may_watch"], true);
    server.done("line/update", "username=bob&data[disabled]=1&data[allowed_ips][]=192.0.2.1");
    assert_eq!(status(&server, "/live/bob/pw/1"), 403);
    let answer = explain("&stream_id=1&address=192.0.2.9&user_agent=VLC&output=ts");
    let refusing: Vec<&str> = answer["verdicts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|verdict| verdict["passes"] == false)
        .filter_map(|verdict| verdict["rule"].as_str())
        .collect();
    assert_eq!(refusing, ["disabled", "address"]);
    assert_eq!((&answer["may_watch"], &answer["refusals"][0]["reason"]), (&json!(false), &json!("disabled")));
    assert_eq!(server.refused("line/explain", "username=bob&stream_id=99"), "Stream does not exist: 99");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01");
    assert_eq!(server.done("mag/explain", "mac_address=00:1A:79:00:00:01&stream_id=1")["may_watch"], false);
}

#[test]
fn segments_are_for_the_address_that_has_the_playlist() {
    let folder = tempfile::tempdir().unwrap();
    crate::support::tv::put_picture(folder.path());
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.1"]);
    server.done("streams/new", "data[name]=One&data[sources][]=media/test.ts");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    let get = |path: &str, from: &str| {
        let head = format!("Host: x\r\nUser-Agent: hls\r\nX-Forwarded-For: {from}");
        Player::send(&server, &format!("GET {path} HTTP/1.1\r\n{head}\r\n\r\n"))
    };
    let text = String::from_utf8(get("/live/bob/pw/1.m3u8", "192.0.2.1").read_body()).unwrap();
    let segment = text.lines().find(|line| line.starts_with("/hls/")).expect("a segment").to_owned();
    assert_eq!(get(&segment, "192.0.2.1").status, 200);
    assert_eq!(get(&segment, "192.0.2.2").status, 403);
}

#[test]
fn a_viewer_who_is_ended_while_his_stream_starts_is_answered() {
    let server = with_streams(1);
    server.done("streams/new", "data[name]=Slow&data[on_demand]=1&data[sources][]=udp://@:28999");
    server.done("bouquets/update", "id=1&data[streams][]=1&data[streams][]=2");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| Player::get(&server, "/live/bob/pw/2", "VLC").status);
        within(10, "he waits", || open(&server) == 1);
        server.done("connections/kill", "username=bob");
        assert_eq!(waiting.join().unwrap(), 403);
    });
}

#[test]
fn sessions_become_history() {
    let server = with_streams(1);
    watch(&server, 1, "VLC").read(188 * 100);
    let rows = || server.done("logs/list", "kind=connection")["logs"].as_array().unwrap().clone();
    within(10, "the session is written down", || rows().len() == 1);
    let row = &rows()[0];
    for (name, value) in [
        ("subscriber", json!("bob")),
        ("stream", json!("Stream 1")),
        ("user_agent", json!("VLC")),
        ("container", json!("ts")),
        ("reason", json!("closed")),
        ("address", json!("127.0.0.1")),
    ] {
        assert_eq!(row[name], value, "{name}");
    }
    assert!(row["bytes_sent"].as_i64() >= Some(18_800), "{row}");
}

#[test]
fn nothing_is_left_of_viewers_who_come_and_go() {
    let server = with_streams(1);
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    let sockets = || std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
    let before = sockets();
    for round in 0..10 {
        let players: Vec<Player> = (0..50).map(|n| watch(&server, 1, &format!("{round} {n}"))).collect();
        drop(players);
    }
    let idle: Vec<std::net::TcpStream> = (0..200)
        .map(|_| std::net::TcpStream::connect(server.url.trim_start_matches("http://")).unwrap())
        .collect();
    assert_eq!(watch(&server, 1, "VLC").status, 200, "requests that never come keep nobody out");
    drop(idle);
    within(20, "sockets are back to their start", || sockets() <= before + 5);
    within(10, "so are sessions", || open(&server) == 0);
}

#[test]
fn who_hangs_up_before_the_first_playlist_holds_no_connection() {
    // A source that is connected to and sends nothing: the stream goes on starting.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = TestServer::start();
    let source = format!("http://{}/a.ts", silent.local_addr().unwrap());
    server.done("streams/new", &format!("data[name]=a&data[sources][]={source}&data[on_demand]=1"));
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    server.done("settings/update", "data[connection_policy]=refuse");
    let refused = || server.done("line/explain", "username=bob&stream_id=1")["refusals"].to_string();
    let before = refused();
    let mut phone = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    phone.write_all(b"GET /live/bob/pw/1.m3u8 HTTP/1.1\r\nHost: x\r\nUser-Agent: phone\r\n\r\n").unwrap();
    within(5, "it waits", || open(&server) == 1);
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(open(&server), 1, "as long as it is there");
    drop(phone);
    within(4, "its connection is free", || open(&server) == 0);
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(refused(), before, "and it was refused nothing");
}

#[test]
fn hls_of_rare_key_frames_comes_at_the_first_request_and_its_segments_are_there() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let media = folder.path().join("media");
    let rare = "-map 0 -map 1 -c:v libx264 -preset ultrafast -g 250 -keyint_min 250 -sc_threshold 0 -c:a aac";
    make_file(&media.join("rare.ts"), 80, rare);
    // Its first key frame is nine seconds away.
    let whole = std::fs::read(media.join("rare.ts")).unwrap();
    std::fs::write(media.join("late.ts"), &whole[whole.len() / 50 / 188 * 188..]).unwrap();
    let server = TestServer::on(folder, &[]);
    for name in ["rare", "late"] {
        server.done(
            "streams/new",
            &format!("data[name]={name}&data[sources][]=media/{name}.ts&data[on_demand]=1"),
        );
    }
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    let ask = |path: &str| {
        let asked = Command::new("curl")
            .args(["-sS", "-m", "45", "-A", "hls", "-w", "\n%{http_code}"])
            .arg(format!("{}{path}", server.url))
            .output();
        String::from_utf8_lossy(&asked.expect("curl").stdout).into_owned()
    };
    std::thread::scope(|scope| {
        for id in 1..=2 {
            scope.spawn(move || {
                let list = ask(&format!("/live/bob/pw/{id}.m3u8"));
                assert!(list.ends_with("\n200"), "{id}: {list}");
                let segments: Vec<&str> = list.lines().filter(|line| line.starts_with("/hls/")).collect();
                assert!(segments.len() > 1, "{id}: {list}");
                for segment in segments {
                    let answer = ask(segment);
                    assert!(answer.ends_with("\n200") && answer.len() > 1000, "{id}: {segment}");
                }
            });
        }
    });
}
