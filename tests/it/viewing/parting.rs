//! The end of a server: viewers are sent a proper end, nobody is waited for long, and nothing is left behind.

use std::{
    io::Write as _,
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    TestServer, disk,
    tv::{Player, fill, put_picture, within},
};

const PACKET: usize = 188;

/// The ffmpeg of a server.
fn children(server: &TestServer) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).expect("it runs").flatten();
    let of =
        |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let pids: String = tasks.map(of).collect::<Vec<_>>().join(" ");
    pids.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Clients of every unpleasant kind, open as long as what is returned.
fn nuisances(server: &TestServer) -> (Player, Vec<TcpStream>) {
    let stuck = Player::get(server, "/live/bob/pw/1.ts", "stuck");
    let halves = [
        "",
        "GET /healthz HTTP/1.1\r\nHo",
        "POST /api/line/new HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc",
    ];
    let half = |text: &&str| {
        let mut socket = TcpStream::connect(server.url.trim_start_matches("http://")).expect("it listens");
        socket.write_all(text.as_bytes()).expect("it takes it");
        socket
    };
    (stuck, halves.iter().map(half).collect())
}

/// Ends a server that is watched; how many sessions were written as ended by that.
fn end(server: TestServer, what: &str) -> (tempfile::TempDir, i64) {
    let viewers: Vec<_> = (0..4)
        .map(|n| {
            let mut player = Player::get(&server, "/live/bob/pw/1.ts", &format!("player {n}"));
            assert_eq!(player.status, 200, "{what}");
            player.read(PACKET * 20);
            thread::spawn(move || player.read_out())
        })
        .collect();
    let nuisances = nuisances(&server);
    let ffmpeg = children(&server);
    assert!(!ffmpeg.is_empty(), "{what}: no ffmpeg");
    thread::sleep(Duration::from_millis(300));
    let begun = Instant::now();
    let folder = server.stop();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{what}: {took:?}");
    for viewer in viewers {
        let watched = viewer.join().expect("it reads").expect("a proper end of the connection");
        assert_eq!(watched.len() % PACKET, 0, "{what}: the last packet is torn");
        assert!(watched.chunks(PACKET).all(|packet| packet[0] == 0x47), "{what}");
    }
    let is_there = |pid: &u32| Path::new(&format!("/proc/{pid}")).exists();
    within(2, "ffmpeg is gone", || !ffmpeg.iter().any(is_there));
    drop(nuisances);
    let open = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("the database");
    let sql = "SELECT count(*) FROM connection_log WHERE reason = 'shutdown'";
    let written = open.query_row(sql, [], |row| row.get(0)).expect("a count");
    (folder, written)
}

#[test]
fn viewers_are_sent_a_proper_end_and_nobody_is_waited_for_long() {
    let folder = tempfile::tempdir().expect("a folder");
    put_picture(folder.path());
    let flag = folder.path().join("full");
    let preload = [("LD_PRELOAD", disk::library()), ("DISK_FULL", flag.as_path())];
    let server = TestServer::with(folder, &[], &preload);
    fill(&server, 1);
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    let (folder, written) = end(server, "well");
    assert_eq!(written, 5, "every connection is in the log");

    let runs = |folder, expected| {
        let server = TestServer::with(folder, &[], &preload).expecting(expected);
        within(30, "the stream runs", || !server.done("streams/online", "")["streams"][0].is_null());
        server
    };
    let server = runs(folder, "locked");
    let other = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let (folder, _) = end(server, "while another program holds the lock");
    drop(other);

    let server = runs(folder, "disk full");
    std::fs::write(&flag, "").expect("the flag");
    let (folder, _) = end(server, "on a full disk");
    std::fs::remove_file(&flag).expect("the flag");
    let server = runs(folder, "nothing");
    server.done("line/info", "username=bob");
}
