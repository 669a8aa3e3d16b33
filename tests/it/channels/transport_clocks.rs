//! The clocks of what viewers get, over every kind of source (ISO/IEC 13818-1).

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use super::source_drops::dropping;
use crate::support::{
    TestServer,
    origin::{Answer, Live, Origin, ok, status},
    transport::Transport,
    tv::{Player, make_file, online, put_picture, within},
};

/// A file below `media/`, and what ffmpeg makes it of; 0 is a picture, 1 a tone.
const FILES: [(&str, &str); 8] = [
    ("b.ts", "-map 0 -map 1 -c:v libx264 -preset ultrafast -bf 3 -g 50 -c:a aac"),
    ("b.mkv", "-map 0 -map 1 -c:v libx264 -preset ultrafast -bf 3 -g 50 -c:a libmp3lame"),
    (
        "hevc.mp4",
        "-map 0 -map 1 -c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=50 -c:a aac",
    ),
    ("two.ts", "-map 0 -map 1 -c:v mpeg2video -bf 2 -g 12 -c:a mp2"),
    ("slow.ts", "-map 0 -r 5 -c:v libx264 -preset ultrafast -g 10"),
    ("fast.ts", "-map 0 -map 1 -r 60 -c:v libx264 -preset ultrafast -g 60 -c:a ac3"),
    ("radio.mp3", "-map 1 -c:a libmp3lame"),
    ("radio.aac", "-map 1 -c:a aac -b:a 32k"),
];

#[test]
fn clocks_run_ahead_and_clocks_and_tables_come_often_enough_whatever_the_source() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let media = folder.path().join("media");
    for (name, how) in FILES {
        make_file(&media.join(name), 16, how);
    }
    // In each fragment four seconds of sound follow four seconds of picture.
    make_file(
        &media.join("list.m3u8"),
        16,
        "-map 0 -map 1 -c:v libx264 -preset ultrafast -bf 3 -g 100 -c:a aac -f hls -hls_time 4 -hls_list_size 0 \
         -hls_segment_type fmp4",
    );
    make_file(
        &media.join("fragments.mp4"),
        16,
        "-map 0 -map 1 -c:v libx264 -preset ultrafast -g 100 -c:a aac -movflags frag_keyframe+empty_moov",
    );
    let served = media.clone();
    let origin = Origin::start(move |asked| match std::fs::read(served.join(&asked.path[1..])) {
        Ok(bytes) => ok(bytes),
        Err(_) => status("404 Not Found"),
    });
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut sending = Command::new("ffmpeg")
        .args("-v error -re -stream_loop -1 -i media/b.ts -c copy -f mpegts".split(' '))
        .arg(format!("udp://127.0.0.1:{port}?pkt_size=1316"))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let server = TestServer::on(folder, &[]);
    let mut sources: Vec<String> = FILES.iter().map(|(name, _)| format!("media/{name}")).collect();
    sources.push(format!("udp://127.0.0.1:{port}"));
    sources.extend(["list.m3u8", "fragments.mp4"].map(|name| format!("{}/{name}", origin.url)));
    sources.push(format!("{}/live/bob/pw/1.m3u8", server.url));
    for source in &sources {
        server.done("streams/new", &format!("data[name]=A&data[sources][]={source}"));
    }
    let all: Vec<String> = (1..=sources.len()).map(|id| format!("&data[streams][]={id}")).collect();
    server.done("bouquets/new", &format!("data[name]=All{}", all.concat()));
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    within(60, "all play", || online(&server).len() == sources.len());
    std::thread::scope(|scope| {
        for (source, id) in sources.iter().zip(1..) {
            let server = &server;
            scope.spawn(move || check(server, source, id));
        }
    });
    let _ = sending.kill();
    let _ = sending.wait();
}

/// So many seconds of a stream.
fn watch(server: &TestServer, id: usize, seconds: u64) -> Transport {
    let mut player = Player::get(server, &format!("/live/bob/pw/{id}"), "VLC");
    let begun = Instant::now();
    let mut bytes = Vec::new();
    while begun.elapsed().as_secs() < seconds {
        bytes.extend(player.read(188 * 50));
    }
    Transport::of(&bytes)
}

/// Six seconds of a stream are as they should be.
fn check(server: &TestServer, source: &str, id: usize) {
    let found = watch(server, id, 6);
    assert!(found.units > 25, "{source}: {found:?}");
    assert_eq!((found.late, &found.breaks), (0, &vec![]), "{source}: {found:?}");
    assert!(found.clocks <= 100 && found.tables <= 100, "{source}: {found:?}");
    assert!(found.ahead <= 1_000, "{source}: {found:?}");
}

#[test]
fn who_stays_connected_gets_one_stream_whatever_becomes_of_its_source() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let media = folder.path().join("media");
    make_file(&media.join("b.ts"), 20, "-map 0 -map 1 -c:v libx264 -preset ultrafast -bf 3 -g 25 -c:a aac");
    make_file(&media.join("turn.ts"), 3, "-map 0 -map 1 -c:v libx264 -preset ultrafast -bf 3 -g 50 -c:a aac");
    make_file(
        &media.join("turn.mkv"),
        3,
        "-map 0 -map 1 -c:v libx264 -preset ultrafast -bf 3 -g 50 -c:a aac",
    );
    make_file(&media.join("two.ts"), 20, "-map 0 -map 1 -c:v mpeg2video -bf 2 -g 12 -c:a mp2");
    make_file(&media.join("radio.ts"), 20, "-map 1 -c:a mp2");
    let drops = |films: &[&str], seconds| {
        let films: Vec<_> = films.iter().map(|film| media.join(film)).collect();
        dropping(&films.iter().map(std::path::PathBuf::as_path).collect::<Vec<_>>(), seconds).0
    };
    let endless = drops(&["b.ts"], 60.0);
    // What becomes of each, and whether its clock is another afterwards.
    let sources = [
        (endless, "is restarted", true),
        (drops(&["b.ts"], 2.5), "drops", true),
        (drops(&["two.ts", "b.ts"], 3.0), "becomes another", true),
        (drops(&["radio.ts"], 2.5), "drops", true),
        ("media/turn.ts".into(), "turns", false),
        ("media/turn.mkv".into(), "turns", false),
    ];
    let server = TestServer::on(folder, &[]);
    for (source, ..) in &sources {
        server.done("streams/new", &format!("data[name]=A&data[sources][]={source}"));
    }
    let all: Vec<String> = (1..=sources.len()).map(|id| format!("&data[streams][]={id}")).collect();
    server.done("bouquets/new", &format!("data[name]=All{}", all.concat()));
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    within(60, "the one that is restarted plays", || online(&server).contains(&1));
    std::thread::scope(|scope| {
        for ((source, what, is_new), id) in sources.iter().zip(1..) {
            let server = &server;
            scope.spawn(move || {
                let found = watch(server, id, 12);
                assert_eq!((found.late, &found.breaks), (0, &vec![]), "{source} {what}: {found:?}");
                assert_eq!(found.announced > 0, *is_new, "{source} {what}: {found:?}");
                assert!(found.tables <= 100, "{source} {what}: {found:?}");
            });
        }
        std::thread::sleep(std::time::Duration::from_secs(3));
        server.done("streams/start", "id=1");
    });
}

/// What a provider makes of its segments: some are lost, come as a web page, or break off.
fn broken(kind: &str, number: u64, segment: Vec<u8>) -> Answer {
    let third = segment.len() / 188 / 3 * 188;
    match kind {
        "miss" if number % 4 == 3 => status("404 Not Found"),
        "page" if number % 4 == 3 => {
            ("200 OK", "Content-Type: text/html\r\n".into(), b"<html>Busy</html>".to_vec())
        }
        "cut" if number % 4 == 3 => ok(&segment[..third]),
        "empty" if number % 4 == 3 => ok(""),
        // Three in a row, of a length that nobody tells.
        "hollow" if number % 8 > 4 => ("200 OK", "Connection: close\r\n".into(), Vec::new()),
        "stub" if number % 4 == 3 => ok(breaks_off_in_sound(&segment[..third])),
        _ => ok(segment),
    }
}

/// Ends with the head of a unit of sound, and one byte of it.
fn breaks_off_in_sound(segment: &[u8]) -> Vec<u8> {
    let packets: Vec<&[u8]> = segment.chunks_exact(188).collect();
    let is_head = |packet: &&[u8]| packet[1..3] == [0x41, 1];
    let last = packets.iter().rposition(is_head).expect("sound");
    let packet = packets[last];
    let payload = if packet[3] & 0x20 == 0 { 4 } else { 5 + usize::from(packet[4]) };
    let mut unit = [&packet[payload..payload + 14], &[0]].concat();
    unit[4..6].copy_from_slice(&[0, 9]);
    let mut stuffed = vec![0x47, packet[1], packet[2], 0x30 | packet[3] & 15, 168, 0];
    stuffed.resize(188 - unit.len(), 0xFF);
    [packets[..last].concat(), stuffed, unit].concat()
}

#[test]
fn segments_that_are_lost_or_broken_are_announced_and_restart_nothing() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let media = folder.path().join("media");
    make_file(
        &media.join("list.m3u8"),
        90,
        "-map 0 -map 1 -c:v libx264 -preset ultrafast -g 50 -c:a aac -f hls -hls_time 2 -hls_list_size 0",
    );
    let live = Live(Instant::now());
    let origin = Origin::start(move |asked| {
        let (kind, rest) = asked.path[1..].split_once('/').unwrap();
        if rest == "list.m3u8" {
            return ok(live.list(0, "", |number| format!("{number}.ts")));
        }
        let number: u64 = rest.strip_suffix(".ts").unwrap().parse().unwrap();
        // Ten seconds are missing, which is as much as ffmpeg leaves as it is unless it is told.
        let missing = if kind == "leap" { number / 8 * 5 } else { 0 };
        let file = media.join(format!("list{}.ts", (number + missing) % 45));
        broken(kind, number, std::fs::read(file).unwrap())
    });
    let server = TestServer::on(folder, &[]);
    let kinds = ["miss", "page", "empty", "hollow", "cut", "stub", "leap"];
    for kind in kinds {
        server.done(
            "streams/new",
            &format!("data[name]={kind}&data[sources][]={}/{kind}/list.m3u8", origin.url),
        );
    }
    let all: Vec<String> = (1..=kinds.len()).map(|id| format!("&data[streams][]={id}")).collect();
    server.done("bouquets/new", &format!("data[name]=All{}", all.concat()));
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    within(60, "all play", || online(&server).len() == kinds.len());
    std::thread::scope(|scope| {
        for (kind, id) in kinds.iter().zip(1..) {
            let server = &server;
            scope.spawn(move || {
                let found = watch(server, id, 20);
                assert_eq!((found.late, &found.breaks), (0, &vec![]), "{kind}: {found:?}");
                assert!(found.clocks <= 100 && found.units > 100, "{kind}: {found:?}");
                let sounds = found.units - found.pictures;
                assert!(sounds * 8 > found.pictures, "{kind}: {found:?}");
                let is_lost = !matches!(*kind, "cut" | "stub");
                assert_eq!(found.announced > 0, is_lost, "{kind}: {found:?}");
            });
        }
    });
    for stream in server.done("streams/online", "")["streams"].as_array().unwrap() {
        assert_eq!(stream["restarts"], 0, "{stream}");
    }
}
