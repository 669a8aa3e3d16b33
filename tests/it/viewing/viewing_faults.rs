//! What goes wrong while somebody watches: providers, full disks, clocks that jump, broken streams,
//! sockets that break off.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use serde_json::json;

use crate::support::{
    TestServer, disk, mmdb,
    tv::{Player, fill, offline, online, open, put_picture, resident, with_streams, within},
};

/// The status of a request that comes through a proxy from that address.
fn from(server: &TestServer, method: &str, address: &str) -> u16 {
    let head = format!("{method} /live/bob/pw/1 HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n\r\n");
    Player::send(server, &head).status
}

#[test]
fn isp_lock_binds_a_line_to_the_provider_that_it_first_watches_from() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let file = folder.path().join("asn.mmdb");
    std::fs::write(&file, mmdb::asn_db(&["192.0.2.0/24 64500", "198.51.100.0/24 64501"])).unwrap();
    let environment = [("LINECARD_ASN_DB", file.as_path())];
    let server = TestServer::with(folder, &["--trusted-proxies", "127.0.0.1"], &environment);
    fill(&server, 1);
    server.done("line/update", "username=bob&data[isp_lock]=1&data[max_allowed_connections]=0");
    let bound = || server.done("line/info", "username=bob")["line_info"]["isp_asn"].clone();
    assert_eq!(from(&server, "GET", "203.0.113.1"), 200, "nobody knows its provider: it binds to none");
    assert_eq!(from(&server, "HEAD", "192.0.2.1"), 200);
    assert_eq!(bound(), json!(null), "a question binds nothing");
    assert_eq!(from(&server, "GET", "192.0.2.1"), 200);
    assert_eq!(bound(), json!(64500));
    let row = &server.done("logs/list", "kind=audit&action=isp_lock")["logs"][0];
    assert_eq!(
        (&row["actor"], &row["target"], &row["before"], &row["after"]),
        (&json!("linecard"), &json!("bob"), &json!({ "isp_asn": null }), &json!({ "isp_asn": 64500 })),
        "{row}"
    );
    for (address, status) in [("192.0.2.200", 200), ("198.51.100.1", 403), ("203.0.113.1", 403)] {
        assert_eq!(from(&server, "GET", address), status, "{address}");
    }
    let refusals = server.done("line/explain", "username=bob&address=198.51.100.1")["refusals"].clone();
    assert_eq!(refusals[0]["reason"], "provider");
    server.done("line/update", "username=bob&data[isp_asn]=");
    assert_eq!(from(&server, "GET", "198.51.100.1"), 200, "emptied, it is bound anew");
    assert_eq!(bound(), json!(64501));
}

#[test]
fn a_disk_that_is_full_keeps_nobody_from_watching_and_loses_no_history() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let flag = folder.path().join("full");
    let server = TestServer::with(folder, &[], &[("LD_PRELOAD", disk::library()), ("DISK_FULL", &flag)])
        .expecting("disk full");
    fill(&server, 1);
    std::fs::write(&flag, "").unwrap();
    Player::get(&server, "/live/bob/pw/1", "first").read(188 * 100);
    within(10, "the row cannot be written", || {
        server.log().contains("\"Connection and refusal logs\" failed")
    });
    let mut second = Player::get(&server, "/live/bob/pw/1", "second");
    second.read(188 * 100);
    assert_eq!(Player::get(&server, "/live/bob/pw/9", "third").status, 404);
    std::fs::remove_file(&flag).unwrap();
    let first =
        |kind: &str| server.done("logs/list", &format!("kind={kind}"))["logs"][0]["user_agent"].clone();
    within(30, "what waited is written", || first("connection") == "first" && first("refusal") == "third");
    second.read(188 * 100);
}

#[test]
fn a_clock_that_jumps_ends_subscriptions_and_gives_them_back() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let clock = folder.path().join("clock");
    std::fs::write(&clock, "+0").unwrap();
    let library = library_of("libfaketime.so.1");
    let environment = [
        ("LD_PRELOAD", library.as_path()),
        ("FAKETIME_TIMESTAMP_FILE", &clock),
        ("FAKETIME_NO_CACHE", Path::new("1")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
    ];
    let server = TestServer::with(folder, &[], &environment);
    fill(&server, 1);
    server.done("subscription_plans/new", "data[name]=Day&data[duration_unit]=day&data[bouquets][]=1");
    server.done("line/new", "data[username]=eve&data[password]=pw&data[subscription_plan_id]=1");
    let mut bob = Player::get(&server, "/live/bob/pw/1", "VLC");
    let mut eve = Player::get(&server, "/live/eve/pw/1", "VLC");
    eve.read(188 * 100);
    std::fs::write(&clock, "+2d").unwrap();
    assert!(eve.is_closed_within(5), "it is over by the clock");
    assert_eq!(Player::get(&server, "/live/eve/pw/1", "VLC").status, 403);
    bob.read(188 * 1000);
    std::fs::write(&clock, "-2d").unwrap();
    let mut eve = Player::get(&server, "/live/eve/pw/1", "VLC");
    eve.read(188 * 1000);
    bob.read(188 * 1000);
    drop((bob, eve));
    within(10, "sessions end by a clock that does not jump", || open(&server) == 0);
}

/// A library of Debian's package faketime.
pub fn library_of(name: &str) -> std::path::PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime").join(name));
    libraries.find(|library| library.exists()).expect("apt-get install faketime")
}

#[test]
fn broken_transport_streams_play_as_far_as_they_can() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let media = folder.path().join("media");
    let whole = std::fs::read(media.join("test.ts")).unwrap();
    // Rubbish between packets, packets cut short, and a stretch without sync bytes.
    let mut torn = Vec::new();
    for (number, packet) in whole.chunks(188).enumerate() {
        match number % 400 {
            150 => torn.extend([0x55; 777]),
            250 => torn.extend(&packet[..100]),
            300..310 => torn.extend(packet.iter().map(|byte| byte ^ 0xFF)),
            _ => torn.extend(packet),
        }
    }
    std::fs::write(media.join("torn.ts"), torn).unwrap();
    let rubbish: Vec<u8> =
        (0..2_000_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    std::fs::write(media.join("rubbish.ts"), rubbish).unwrap();
    std::fs::write(media.join("empty.ts"), "").unwrap();
    let server = TestServer::on(folder, &[]);
    for file in ["torn", "rubbish", "empty"] {
        server.done("streams/new", &format!("data[name]={file}&data[sources][]=media/{file}.ts"));
    }
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    within(40, "what has a picture plays", || online(&server) == [1]);
    let mut player = Player::get(&server, "/live/bob/pw/1", "VLC");
    // Past the end of the file, where it begins anew.
    let bytes = player.read(whole.len());
    assert!(bytes.chunks_exact(188).all(|packet| packet[0] == 0x47), "whole packets only");
    for id in [2, 3] {
        within(40, "what has none is given up", || offline(&server, id)["status"] == "waiting");
        assert!(offline(&server, id)["why"].as_str().is_some_and(|why| !why.is_empty()));
    }
    assert_eq!(Player::get(&server, "/live/bob/pw/2", "VLC").status, 503);
}

#[test]
fn a_thousand_sockets_that_break_off_leave_nothing_behind() {
    let server = with_streams(1);
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    let address = server.url.trim_start_matches("http://");
    let sockets = || std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count();
    let break_off = || {
        std::thread::scope(|scope| {
            for thread in 0..20 {
                scope.spawn(move || {
                    for number in 0..50 {
                        let mut socket = TcpStream::connect(address).unwrap();
                        let request = format!(
                            "GET /live/bob/pw/1 HTTP/1.1\r\nHost: x\r\nUser-Agent: {thread} {number}\r\n\r\n"
                        );
                        if number % 2 == 0 {
                            socket.write_all(&request.as_bytes()[..20]).unwrap();
                            continue;
                        }
                        socket.write_all(request.as_bytes()).unwrap();
                        // A socket that is closed with something unread is reset.
                        let _ = socket.read(&mut [0; 1]);
                    }
                });
            }
        });
    };
    let before = sockets();
    break_off();
    within(20, "sessions end", || open(&server) == 0);
    let memory = resident(&server);
    break_off();
    within(20, "sessions end", || open(&server) == 0);
    within(20, "sockets are back to their start", || sockets() <= before + 5);
    assert!(resident(&server) < memory + 16_384, "{memory} KiB became {} KiB", resident(&server));
    assert_eq!(Player::get(&server, "/live/bob/pw/1", "VLC").status, 200);
    assert!(!server.log().contains("panic"), "{}", server.log());
}

/// A transport stream of about 17 Mbit/s: more than any socket holds of a few seconds.
fn put_rich_picture(data: &Path) {
    std::fs::create_dir_all(data.join("media")).unwrap();
    let arguments = "-v error -f lavfi -i testsrc2=size=320x180:rate=25,noise=alls=100:allf=t -t 4 -c:v libx264 \
                     -preset ultrafast -qp 0 -g 25 -f mpegts";
    let made = std::process::Command::new("ffmpeg")
        .args(arguments.split_whitespace())
        .arg(data.join("media/test.ts"))
        .status();
    assert!(made.unwrap().success());
}

/// How many packets are missing, by the counters of each track.
fn lost(bytes: &[u8]) -> usize {
    let mut counters = std::collections::HashMap::new();
    let mut lost = 0;
    for packet in bytes.chunks_exact(188) {
        let track = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]);
        let (has_payload, counter) = (packet[3] & 0x10 != 0, packet[3] & 0x0F);
        // Tables are put in by us before each key frame; they have no order.
        if has_payload && track >= 0x100 {
            let last = counters.insert(track, counter);
            lost += usize::from(last.is_some_and(|last| (last + 1) % 16 != counter));
        }
    }
    lost
}

#[test]
fn one_who_reads_a_byte_a_second_costs_the_others_nothing() {
    let folder = tempfile::tempdir().unwrap();
    put_rich_picture(folder.path());
    let server = TestServer::on(folder, &[]);
    fill(&server, 1);
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    let mut slow = Player::get(&server, "/live/bob/pw/1", "slow");
    let mut fast = Player::get(&server, "/live/bob/pw/1", "fast");
    let mut watched = Vec::new();
    let begun = std::time::Instant::now();
    for second in 1..=8 {
        slow.read(1);
        while begun.elapsed().as_secs() < second {
            watched.extend(fast.read(188 * 100));
        }
    }
    assert!(watched.len() > 8_000_000, "{} bytes in eight seconds", watched.len());
    assert_eq!(lost(&watched), 0);
    assert_eq!(open(&server), 2, "it may stay");
    let mut late = slow.read(12_000_000);
    late.drain(..180);
    assert!(late.chunks_exact(188).all(|packet| packet[0] == 0x47), "whole packets only");
    assert!(lost(&late) > 0, "it has skipped what it did not fetch");
}

/// Asks for the stream of `bob` as that player from that address, through a proxy.
fn watch_as(server: &TestServer, address: &str, agent: &str) -> Player {
    let head = format!("Host: x\r\nUser-Agent: {agent}\r\nX-Forwarded-For: {address}");
    Player::send(server, &format!("GET /live/bob/pw/1 HTTP/1.1\r\n{head}\r\n\r\n"))
}

#[test]
fn who_takes_nothing_any_more_gives_his_place_back() {
    let folder = tempfile::tempdir().unwrap();
    put_rich_picture(folder.path());
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.1"]);
    fill(&server, 1);
    server.done("settings/update", "data[connection_policy]=refuse");
    let watch = |address: &str, agent: &str| watch_as(&server, address, agent);
    let vanished = watch("192.0.2.1", "phone");
    assert_eq!(vanished.status, 200);
    let begun = std::time::Instant::now();
    let moved = watch("192.0.2.2", "phone");
    assert_eq!(moved.status, 200, "the same player in another network, with its first request");
    assert!(begun.elapsed() > std::time::Duration::from_secs(1), "not at once: networks have hiccups");
    assert_eq!(watch("192.0.2.3", "another").status, 403, "a stranger does not, he waits three seconds");
    let begun = std::time::Instant::now();
    let mut at_home = watch("192.0.2.2", "television");
    assert_eq!(at_home.status, 200, "another player at the same address");
    assert!(begun.elapsed() < std::time::Duration::from_secs(1), "at once, for the ghost is an old one");
    assert_eq!(open(&server), 1);
    // Whoever goes on watching stays, whoever asks.
    std::thread::scope(|scope| {
        let server = &server;
        let asking: Vec<_> = [("192.0.2.4", "television"), ("192.0.2.2", "phone")]
            .map(|(address, agent)| scope.spawn(move || watch_as(server, address, agent).status))
            .into();
        while asking.iter().any(|asked| !asked.is_finished()) {
            at_home.read(188 * 100);
        }
        assert!(asking.into_iter().all(|asked| asked.join().unwrap() == 403));
    });
    // One that reads nothing for half a minute has gone, though nobody comes instead.
    within(60, "the kernel gives him up", || open(&server) == 0);
    drop((vanished, moved, at_home));
}

#[test]
fn of_two_connections_only_the_ghost_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    put_rich_picture(folder.path());
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.1"]);
    fill(&server, 1);
    server.done("settings/update", "data[connection_policy]=refuse");
    server.done("line/update", "username=bob&data[max_allowed_connections]=2");
    let mut watching = watch_as(&server, "192.0.2.1", "phone");
    let mut ghost = watch_as(&server, "192.0.2.2", "phone");
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| watch_as(&server, "192.0.2.3", "phone").status);
        while !asking.is_finished() {
            watching.read(188 * 100);
        }
        assert_eq!(asking.join().unwrap(), 200);
    });
    watching.read(188 * 10_000);
    assert!(ghost.is_closed_within(5));
}
