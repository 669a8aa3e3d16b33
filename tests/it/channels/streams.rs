//! Streams under supervision: wanted, running, lost and found.

use std::{
    io::{Read as _, Write as _},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::json;

use crate::support::{
    KEY, TestServer,
    tv::{Player, offline, online, peak, put_picture, resident, with_streams, within},
};

/// The process ids of the ffmpeg that a server runs.
fn children(server: &TestServer) -> Vec<u32> {
    let tasks = format!("/proc/{0}/task/{0}/children", server.pid());
    let text = std::fs::read_to_string(tasks).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

fn signal(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn a_running_stream_tells_what_it_is() {
    let server = with_streams(1);
    within(10, "a bit rate", || {
        server.done("streams/online", "")["streams"][0]["bitrate_kbps"].as_i64() > Some(100)
    });
    let stream = &server.done("streams/online", "")["streams"][0];
    for (name, value) in [
        ("status", json!("running")),
        ("video_codec", json!("h264")),
        ("audio_codec", json!("aac")),
        ("width", json!(320)),
        ("height", json!(180)),
        ("source", json!("media/test.ts")),
        ("server_id", json!(1)),
        ("why", json!(null)),
    ] {
        assert_eq!(stream[name], value, "{name}: {stream}");
    }
    assert!(stream["uptime"].as_i64() >= Some(1) && stream["started_at"].as_i64() > Some(0), "{stream}");
}

#[test]
fn streams_are_stopped_and_started_in_every_spelling_of_their_ids() {
    let server = with_streams(3);
    assert_eq!(server.done("streams/stop", "stream_ids[]=1&stream_ids[]=2")["stopped"], json!([1, 2]));
    assert_eq!(online(&server), [3], "true at the moment of asking");
    assert_eq!(offline(&server, 1)["why"], "stopped");
    let (status, answer) = server.curl(&format!("/api/streams/start/{KEY}/1,2"), &[]);
    assert_eq!((status, &answer["started"]), (200, &json!([1, 2])));
    within(20, "they run again", || online(&server) == [1, 2, 3]);
    assert_eq!(server.done("streams/stop", "stream_id=1")["stopped"], json!([1]));
    assert_eq!(server.done("streams/stop", "id=2")["stopped"], json!([2]));
    assert_eq!(server.done("streams/stop", "id=all")["stopped"], json!([1, 2, 3]));
    assert_eq!(server.done("streams/start", "id=all&server_id=2")["started"], json!([]));
    assert_eq!(online(&server), [] as [i64; 0]);
    within(5, "no ffmpeg is left", || children(&server).is_empty());
}

#[test]
fn an_unknown_stream_is_named_and_no_other_is_touched() {
    let server = with_streams(1);
    assert_eq!(server.refused("streams/stop", ""), "Missing field: stream_ids");
    assert_eq!(server.refused("streams/stop", "stream_ids[]=1&stream_ids[]=7"), "Stream does not exist: 7");
    assert_eq!(online(&server), [1]);
}

#[test]
fn enabled_streams_come_back_by_themselves_and_stopped_ones_stay_stopped() {
    let server = with_streams(2);
    server.done("streams/stop", "id=2");
    let server = TestServer::on(server.stop(), &[]);
    within(20, "the enabled one runs", || online(&server) == [1]);
    assert_eq!(offline(&server, 2)["status"], "stopped");
}

#[test]
fn ffmpeg_that_is_killed_comes_back_and_its_viewers_go_on() {
    let server = with_streams(1);
    let mut player = Player::get(&server, "/live/bob/pw/1", "VLC");
    player.read(188 * 100);
    signal("-KILL", children(&server)[0]);
    // More than the sockets' buffers can have held.
    player.read(2_000_000);
    assert_eq!(online(&server), [1]);
    assert!(server.done("streams/online", "")["streams"][0]["restarts"].as_i64() >= Some(1));
}

#[test]
fn ffmpeg_that_is_frozen_is_noticed_and_replaced() {
    let server = with_streams(1);
    let frozen = children(&server)[0];
    signal("-STOP", frozen);
    within(30, "another one", || children(&server).first().is_some_and(|pid| *pid != frozen));
    within(20, "it runs", || online(&server) == [1]);
}

#[test]
fn no_ffmpeg_outlives_the_server() {
    let server = with_streams(2);
    let left = children(&server);
    assert_eq!(left.len(), 2);
    drop(server.kill());
    within(5, "they are gone", || {
        left.iter().all(|pid| !std::path::Path::new(&format!("/proc/{pid}")).exists())
    });
}

#[test]
fn a_stream_on_demand_runs_while_somebody_watches() {
    let server = with_streams(1);
    server.done("streams/update", "id=1&data[on_demand]=1");
    within(20, "it stops", || offline(&server, 1)["status"] == "stopped");
    let mut player = Player::get(&server, "/live/bob/pw/1", "VLC");
    assert_eq!(player.status, 200);
    player.read(188 * 10);
    assert_eq!(online(&server), [1]);
    drop(player);
    within(20, "it stops after the last viewer", || online(&server).is_empty());
}

/// Where a program is found on PATH.
fn found(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(program));
    files.find(|file| file.is_file()).unwrap_or_else(|| panic!("{program} is not installed"))
}

#[test]
fn ffmpeg_that_is_missing_is_told_and_used_as_soon_as_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let programs = folder.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    symlink(found("setpriv"), programs.join("setpriv")).unwrap();
    let server = TestServer::with(folder, &[], &[("PATH", &programs)]);
    server.done("streams/new", "data[name]=A&data[sources][]=media/test.ts");
    within(5, "it waits", || offline(&server, 1)["status"] == "waiting");
    let why = offline(&server, 1)["why"].to_string();
    assert!(why.contains("ffmpeg is not installed"), "{why}");
    symlink(found("ffmpeg"), programs.join("ffmpeg")).unwrap();
    within(15, "it plays", || online(&server) == [1]);
}

/// An ffmpeg that does nothing right for sources with these words in them.
const MADMAN: &str = r#"#!/bin/sh
case "$*" in
*garbage*) exec head -c 1000000 /dev/urandom ;;
*noise*)
    # One line of 64 MB, then many that are no text, then a million words of a track that is none.
    { printf '[error] '; head -c 64000000 /dev/zero | tr '\0' '\377'; } >&2
    yes "$(printf '[error] \377\376\033[2J \001http://h/secret')" | head -c 2000000 >&2
    yes '[warning] Could not find codec parameters for stream 1 (Audio: ' | head -c 20000000 >&2
    yes '[info] Program 7' | head -c 2000000 >&2
    yes "$(printf '[error] \377\376\033[2J \001http://h/secret')" | head -c 2000 >&2 ;;
*) exec FFMPEG "$@" ;;
esac
"#;

#[test]
fn an_ffmpeg_that_prints_garbage_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let programs = folder.path().join("programs");
    std::fs::create_dir(&programs).unwrap();
    let script = MADMAN.replace("FFMPEG", &found("ffmpeg").display().to_string());
    std::fs::write(programs.join("ffmpeg"), script).unwrap();
    std::fs::set_permissions(programs.join("ffmpeg"), PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let path = PathBuf::from(format!("{}:{path}", programs.display()));
    let server = TestServer::with(folder, &[], &[("PATH", &path)]);
    server.done("streams/new", "data[name]=A&data[sources][]=media/test.ts");
    within(20, "it plays", || online(&server) == [1]);
    let before = resident(&server);
    server.done("streams/new", "data[name]=B&data[sources][]=rtmp://127.0.0.1:1/x/garbage");
    within(10, "what is no stream is given up", || offline(&server, 2)["status"] == "waiting");
    let why = offline(&server, 2)["why"].to_string();
    assert!(why.contains("not a transport stream"), "{why}");
    server.done("streams/new", "data[name]=C&data[sources][]=rtmp://127.0.0.1:1/x/noise");
    let errors = || offline(&server, 3)["errors"].as_array().cloned().unwrap_or_default();
    within(60, "its lines are read", || errors().len() == 20);
    let highest = peak(&server);
    for error in errors() {
        let error = error.as_str().unwrap();
        assert!(error.chars().count() <= 320 && !error.contains(char::is_control), "{error:?}");
        assert!(!error.contains("secret"), "{error:?}");
    }
    assert!(highest < before + 32_768, "{before} KiB became {highest} KiB");
    assert_eq!(online(&server), [1]);
    assert!(!server.log().contains("panic"), "{}", server.log());
}

/// A provider that sends the first seconds of a film and then nothing, without an end.
fn silent_after(film: &Path) -> String {
    let film = std::fs::read(film).unwrap();
    let beginning = film[..film.len() / 4 / 188 * 188].to_vec();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.ts", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut socket in listener.incoming().flatten() {
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n");
            let _ = socket.write_all(&beginning);
            open.push(socket);
        }
    });
    url
}

#[test]
fn a_source_that_falls_silent_is_given_up_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let silent = silent_after(&folder.path().join("media/test.ts"));
    let server = TestServer::on(folder, &[]);
    let stream = || server.done("streams/online", "")["streams"][0].clone();
    server
        .done("streams/new", &format!("data[name]=A&data[sources][]={silent}&data[sources][]=media/test.ts"));
    within(10, "the first source plays", || stream()["source_number"] == 1);
    let first = children(&server);
    within(20, "the second plays", || stream()["source_number"] == 2);
    assert!(stream()["errors"].to_string().contains("sent nothing for 10 seconds"), "{}", stream());
    assert!(first.iter().all(|pid| !children(&server).contains(pid)), "the ffmpeg that waited is gone");
}

/// Processor time of a server so far.
fn busy(server: &TestServer) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
    let ticks = text.split_whitespace().skip(13).take(2).map(|ticks| ticks.parse::<u64>().unwrap());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

#[test]
fn streams_on_demand_that_nobody_watches_cost_next_to_nothing() {
    const COUNT: u32 = 20_000;
    let server = TestServer::start();
    let folder = server.stop();
    let server = TestServer::on(folder, &[]);
    let before = (resident(&server), busy(&server));
    let folder = server.stop();
    let mut rows = rusqlite::Connection::open(folder.path().join("linecard.db")).unwrap();
    let tx = rows.transaction().unwrap();
    for number in 0..COUNT {
        let sources = format!("[\"http://provider.example:8080/live/user/password/{number}.ts\"]");
        tx.execute(
            "INSERT INTO streams (name, sources, on_demand, created_at, updated_at) VALUES (?, ?, 1, 0, 0)",
            (format!("Channel {number}"), sources),
        )
        .unwrap();
    }
    tx.commit().unwrap();
    drop(rows);
    let server = TestServer::on(folder, &[]);
    // Another start takes the same but for the streams. Half of a KiB each may be the database's own memory.
    let (more, busy) = (resident(&server).saturating_sub(before.0), busy(&server).saturating_sub(before.1));
    assert!(more < u64::from(COUNT), "{more} KiB for {COUNT} streams");
    assert!(busy < Duration::from_secs(5), "{busy:?}");
    // ffmpeg may be asked what it can do, once.
    within(20, "no stream has a process", || children(&server).is_empty());
}
