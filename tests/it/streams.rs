//! Streams under supervision: wanted, running, lost and found.

use std::process::Command;

use serde_json::json;

use super::support::{
    KEY, TestServer,
    tv::{Player, offline, online, with_streams, within},
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
