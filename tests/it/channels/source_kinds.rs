//! What sources are made of, how they end, and why they fail.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    TestServer,
    transport::Transport,
    tv::{Player, make_file, offline, online, put_picture, within},
};

const PICTURE: &str = "-map 0 -c:v libx264 -preset ultrafast -g 25";

fn shown(server: &TestServer, id: i64) -> Value {
    let answer = server.done("streams/online", "");
    let streams = answer["streams"].as_array().unwrap();
    streams.iter().find(|stream| stream["id"] == id).cloned().unwrap_or(Value::Null)
}

fn why(server: &TestServer, id: i64) -> String {
    offline(server, id)["why"].as_str().unwrap_or_default().to_owned()
}

/// A line that may watch the streams up to that id.
fn bob(server: &TestServer, last: i64) {
    let all: Vec<String> = (1..=last).map(|id| format!("&data[streams][]={id}")).collect();
    server.done("bouquets/new", &format!("data[name]=All{}", all.concat()));
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
}

#[test]
fn what_no_transport_stream_carries_is_named_left_out_or_turned_into_aac() {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media");
    std::fs::create_dir(&media).unwrap();
    let cover = media.join("cover.jpg");
    make_file(&cover, 1, "-map 0 -frames:v 1");
    let cover_of = |name: &str, codec: &str| {
        let how = format!(
            "-i {} -map 1 -map 2 -c:a {codec} -c:v copy -disposition:v attached_pic",
            cover.display()
        );
        // The picture is an input, which comes before the options of the output.
        let (input, how) = how.split_at(how.find(" -map").unwrap());
        let made = Command::new("ffmpeg")
            .args("-v error -f lavfi -i color -f lavfi -i sine".split(' '))
            .args(input.split(' '))
            .args("-t 30".split(' '))
            .args(how.split_whitespace())
            .arg(media.join(name))
            .status();
        assert!(made.unwrap().success(), "{name}");
    };
    cover_of("cover.mp3", "libmp3lame");
    cover_of("cover.m4a", "aac");
    make_file(&media.join("film.webm"), 8, "-map 0 -map 1 -c:v libvpx -b:v 300k -c:a libvorbis");
    make_file(&media.join("camera.mkv"), 8, "-map 0 -c:v mjpeg");
    make_file(&media.join("radio.ogg"), 8, "-map 1 -c:a libvorbis");
    make_file(&media.join("alaw.mov"), 8, &format!("{PICTURE} -map 1 -c:a pcm_alaw -ar 8000"));
    let server = TestServer::on(folder, &[]);
    for name in ["film.webm", "camera.mkv", "radio.ogg", "alaw.mov", "cover.mp3", "cover.m4a"] {
        server.done("streams/new", &format!("data[name]=A&data[sources][]=media/{name}"));
    }
    for (id, said) in [(1, "its video is vp8"), (2, "its video is mjpeg"), (3, "its audio is vorbis")] {
        within(15, said, || why(&server, id).contains(said));
    }
    within(30, "the others play", || online(&server) == [4, 5, 6]);
    let alaw = shown(&server, 4);
    assert_eq!((&alaw["video_codec"], &alaw["audio_codec"]), (&json!("h264"), &json!(null)));
    assert!(
        alaw["errors"].to_string().contains("track 1 is pcm_alaw, which a transport stream cannot carry")
    );
    for (id, codec) in [(5, "mp3"), (6, "aac")] {
        let radio = shown(&server, id);
        assert_eq!((&radio["video_codec"], &radio["audio_codec"]), (&json!(null), &json!(codec)), "{radio}");
        assert_eq!(radio["width"], json!(null), "{radio}");
    }
    for id in [3, 4] {
        server.done("streams/update", &format!("id={id}&data[audio_to_aac]=1"));
        within(30, "its sound is AAC", || shown(&server, id)["audio_codec"] == "aac");
    }
}

/// Answers every request with that head and body.
fn answering(head: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.ts", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let _ = socket.read(&mut [0; 4096]);
            let _ = write!(socket, "HTTP/1.0 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    url
}

#[test]
fn the_reason_of_a_failure_is_told_in_words_that_help() {
    let server = TestServer::start();
    let port = UdpSocket::bind("127.0.0.1:0").unwrap();
    let cases = [
        (answering("403 Forbidden", ""), "the server answered 403 Forbidden"),
        (answering("404 Not Found", ""), "the server answered 404 Not Found"),
        (
            answering("200 OK\r\nContent-Type: video/mp2t", "neither this nor that"),
            "answered with a text, not a stream",
        ),
        ("http://nosuch.invalid/a.ts".into(), "no such host: nosuch.invalid"),
        ("http://127.0.0.1:1/a.ts".into(), "Connection refused"),
        (format!("udp://127.0.0.1:{}", port.local_addr().unwrap().port()), "its port is in use"),
        ("srt://127.0.0.1:9?mode=caller".into(), "nobody answers at 127.0.0.1:9"),
    ];
    for (source, _) in &cases {
        server.done("streams/new", &format!("data[name]=A&data[sources][]={source}"));
    }
    for ((source, said), id) in cases.iter().zip(1..) {
        within(30, &format!("{source}: {said}"), || why(&server, id).contains(said));
    }
}

#[test]
fn a_file_with_one_key_frame_is_looped_without_a_seam() {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media");
    std::fs::create_dir(&media).unwrap();
    let one = "-map 0 -map 1 -c:v libx264 -preset ultrafast -bf 2 -g 1000 -sc_threshold 0 -c:a aac";
    make_file(&media.join("one.ts"), 3, one);
    make_file(&media.join("one.mkv"), 3, one);
    let server = TestServer::on(folder, &[]);
    server.done("streams/new", "data[name]=A&data[sources][]=media/one.ts");
    server.done("streams/new", "data[name]=A&data[sources][]=media/one.mkv");
    bob(&server, 2);
    within(30, "they run", || online(&server) == [1, 2]);
    std::thread::scope(|scope| {
        for id in [1, 2] {
            let server = &server;
            scope.spawn(move || {
                let mut player = Player::get(server, &format!("/live/bob/pw/{id}"), "VLC");
                let (begun, mut bytes) = (Instant::now(), Vec::new());
                while begun.elapsed() < Duration::from_secs(11) {
                    bytes.extend(player.read(188 * 10));
                }
                let found = Transport::of(&bytes);
                assert!(found.keys >= 3 && found.late == 0, "{id}: {found:?}");
                assert_eq!((found.breaks.len(), found.clocks <= 100), (0, true), "{id}: {found:?}");
                let stream = shown(server, id);
                assert_eq!((&stream["restarts"], &stream["errors"]), (&json!(0), &json!([])), "{stream}");
            });
        }
    });
}

/// Serves a file, with ranges as web servers do, or from its beginning only; its address.
fn serve(file: PathBuf, has_ranges: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/film.mkv", listener.local_addr().unwrap());
    let film = std::fs::read(file).unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let film = film.clone();
            std::thread::spawn(move || send(socket, &film, has_ranges));
        }
    });
    url
}

fn send(mut socket: TcpStream, film: &[u8], has_ranges: bool) {
    let mut request = [0; 4096];
    let length = socket.read(&mut request).unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..length]).to_ascii_lowercase();
    if !has_ranges {
        let _ = write!(socket, "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", film.len());
        let _ = socket.write_all(film);
        return;
    }
    let from = request.split_once("range: bytes=").and_then(|(_, range)| range.split('-').next());
    let from = from.and_then(|from| from.parse().ok()).unwrap_or(0_usize).min(film.len());
    let part = &film[from..];
    let _ = write!(
        socket,
        "HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Range: bytes {from}-{}/{}\r\n\r\n",
        part.len(),
        film.len() - 1,
        film.len()
    );
    let _ = socket.write_all(part);
}

#[test]
fn a_film_behind_http_is_paced_and_looped_or_ended() {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media");
    std::fs::create_dir(&media).unwrap();
    make_file(&media.join("film.mkv"), 5, &format!("{PICTURE} -map 1 -c:a aac"));
    make_file(&media.join("film.ts"), 5, &format!("{PICTURE} -map 1 -c:a aac"));
    let url = serve(media.join("film.mkv"), true);
    let plain = serve(media.join("film.ts"), false);
    let server = TestServer::on(folder, &[]);
    assert_eq!(
        server.refused("streams/new", "data[name]=A&data[at_end]=never"),
        "Invalid at_end: loop or stop"
    );
    server.done("streams/new", &format!("data[name]=Loop&data[sources][]={url}"));
    server.done("streams/new", &format!("data[name]=Stop&data[at_end]=stop&data[sources][]={url}"));
    server.done("streams/new", "data[name]=File&data[at_end]=stop&data[sources][]=media/film.ts");
    server.done("streams/new", &format!("data[name]=Plain&data[at_end]=stop&data[sources][]={plain}"));
    bob(&server, 4);
    within(30, "all play", || online(&server) == [1, 2, 3, 4]);
    let begun = Instant::now();
    let mut player = Player::get(&server, "/live/bob/pw/2", "VLC");
    within(30, "it ends", || online(&server) == [1]);
    for id in [2, 3, 4] {
        let stream = offline(&server, id);
        assert_eq!(stream["status"], "ended", "{stream}");
        assert!(stream["why"].as_str().unwrap().contains("played to its end"), "{stream}");
    }
    assert!(player.is_closed_within(5), "its viewers are let go");
    assert_eq!(Player::get(&server, "/live/bob/pw/2", "VLC").status, 503);
    server.done("streams/start", "id=2");
    within(20, "it is played again", || online(&server) == [1, 2]);
    while begun.elapsed() < Duration::from_secs(12) {
        std::thread::sleep(Duration::from_millis(200));
    }
    let stream = shown(&server, 1);
    assert!(stream["uptime"].as_i64() >= Some(11) && stream["restarts"].as_i64() <= Some(1), "{stream}");
    assert!(stream["bitrate_kbps"].as_i64() < Some(4_000), "{stream}");
}

/// Serves a film without telling its length, in chunks or until it hangs up; its address.
fn serve_without_length(film: Vec<u8>, in_chunks: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/film.ts", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let film = film.clone();
            std::thread::spawn(move || {
                let _ = socket.read(&mut [0; 4096]);
                if in_chunks {
                    let _ = write!(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                    for part in film.chunks(1 << 16) {
                        let size = format!("{:x}\r\n", part.len());
                        let _ = socket.write_all(&[size.as_bytes(), part, b"\r\n"].concat());
                    }
                    let _ = socket.write_all(b"0\r\n\r\n");
                } else {
                    let _ = write!(socket, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
                    let _ = socket.write_all(&film);
                }
            });
        }
    });
    url
}

#[test]
fn a_film_whose_length_is_not_told_is_paced_and_looped_or_ended() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("film.ts");
    make_file(&file, 20, &format!("{PICTURE} -map 1 -c:a aac"));
    let film = std::fs::read(file).unwrap();
    let server = TestServer::on(folder, &[]);
    for (name, in_chunks, at_end) in [("A", true, "stop"), ("B", false, "loop")] {
        let url = serve_without_length(film.clone(), in_chunks);
        server.done("streams/new", &format!("data[name]={name}&data[at_end]={at_end}&data[sources][]={url}"));
    }
    bob(&server, 2);
    within(20, "both play", || online(&server) == [1, 2]);
    let begun = Instant::now();
    let mut player = Player::get(&server, "/live/bob/pw/2", "VLC");
    let mut bytes = Vec::new();
    while begun.elapsed() < Duration::from_secs(12) {
        bytes.extend(player.read(188 * 50));
    }
    let found = Transport::of(&bytes);
    assert!(found.breaks.is_empty() && found.announced == 1, "it has turned, and did not stop: {found:?}");
    assert!(found.pictures >= 25 * 11 && found.pictures < 25 * 30, "{found:?}");
    assert_eq!(offline(&server, 1)["status"], "ended");
    let stream = shown(&server, 2);
    assert_eq!((&stream["status"], &stream["restarts"]), (&"running".into(), &0.into()), "{stream}");
}

#[test]
fn a_film_behind_http_begins_once_and_turns_without_a_loss() {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media");
    std::fs::create_dir(&media).unwrap();
    let how = "-map 0 -map 1 -c:v libx264 -preset ultrafast -bf 2 -g 50 -c:a aac";
    let names = ["film.ts", "film.mkv", "film.mp4"];
    let urls = names.map(|name| {
        make_file(&media.join(name), 4, how);
        serve(media.join(name), true)
    });
    let server = TestServer::on(folder, &[]);
    for url in &urls {
        server.done("streams/new", &format!("data[name]=A&data[on_demand]=1&data[sources][]={url}"));
    }
    bob(&server, 3);
    std::thread::scope(|scope| {
        for (name, id) in names.iter().zip(1..) {
            let server = &server;
            scope.spawn(move || {
                let mut player = Player::get(server, &format!("/live/bob/pw/{id}"), "VLC");
                let begun = Instant::now();
                let mut bytes = Vec::new();
                while begun.elapsed() < Duration::from_secs(11) {
                    bytes.extend(player.read(188 * 20));
                }
                let found = Transport::of(&bytes);
                let turns = found.announced;
                assert!(found.breaks.is_empty() && (2..=3).contains(&turns), "{name}: {found:?}");
                // Each turn has all its pictures, and no more come than there is time for, but for three seconds.
                assert!(found.pictures >= turns * 100 && found.pictures <= 25 * 15, "{name}: {found:?}");
                assert!(found.pictures >= 25 * 11, "{name} never stops: {found:?}");
            });
        }
    });
}

/// Sends three programs, 101 to 103, to that port.
fn multiplex(media: PathBuf, port: u16) -> Child {
    let maps = "-map 0:v -map 0:a -map 0:v -map 0:a -map 0:v -map 0:a -program program_num=101:st=0:st=1 \
                -program program_num=102:st=2:st=3 -program program_num=103:st=4:st=5";
    Command::new("ffmpeg")
        .args("-v error -re -stream_loop -1 -i test.ts -c copy".split(' '))
        .args(maps.split_whitespace())
        .args(["-f", "mpegts", &format!("udp://127.0.0.1:{port}?pkt_size=1316")])
        .current_dir(media)
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

/// The command lines of the ffmpeg that a server runs.
fn commands(server: &TestServer) -> Vec<String> {
    let tasks = format!("/proc/{0}/task/{0}/children", server.pid());
    let children = std::fs::read_to_string(tasks).unwrap_or_default();
    let command = |pid: &str| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    children.split_whitespace().map(|pid| String::from_utf8_lossy(&command(pid)).into_owned()).collect()
}

#[test]
fn programs_of_one_multiplex_are_streams_that_read_it_once() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let media = folder.path().join("media");
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut sending = multiplex(media, port);
    let server = TestServer::on(folder, &[]);
    for program in [101, 102, 103, 999] {
        let source = format!("udp://127.0.0.1:{port}%23program={program}");
        server.done("streams/new", &format!("data[name]=A&data[sources][]={source}"));
    }
    bob(&server, 3);
    within(40, "they play", || online(&server) == [1, 2, 3]);
    within(20, "a wrong one is told", || {
        why(&server, 4).contains("it has no program 999; its programs are 101, 102, 103")
    });
    server.done("streams/stop", "id=4");
    let reads = || commands(&server).iter().filter(|command| command.contains("udp://")).count();
    assert_eq!(reads(), 1, "{:?}", commands(&server));
    let mut player = Player::get(&server, "/live/bob/pw/2", "VLC");
    let found = Transport::of(&player.read(188 * 2000));
    assert_eq!((found.late, &found.breaks), (0, &vec![]), "{found:?}");
    let before = shown(&server, 2)["restarts"].clone();
    server.done("streams/stop", "id=1");
    player.read(1_000_000);
    assert_eq!((online(&server), &shown(&server, 2)["restarts"]), (vec![2, 3], &before));
    server.done("streams/stop", "id=all");
    within(10, "nobody reads it any more", || reads() == 0);
    // One that plays all of it reads it alone, until programs of it are wanted too, before and after.
    server.done("streams/new", &format!("data[name]=All&data[sources][]=udp://@:{port}"));
    within(20, "all of it plays", || online(&server) == [5]);
    server.done("streams/start", "id=2");
    within(40, "both play", || online(&server) == [2, 5]);
    server.done("streams/start", "id=5");
    within(20, "it is begun anew", || online(&server) == [2]);
    within(20, "both play again", || online(&server) == [2, 5]);
    assert_eq!(reads(), 1, "{:?}", commands(&server));
    let _ = sending.kill();
    let _ = sending.wait();
}
