//! Sources whose key frames are rarer than 20 seconds, as of cameras with "smart" codecs or intra refresh.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    TestServer,
    transport::Transport,
    tv::{Player, make_file, online, within},
};

/// How long the films are, in seconds: more than the test takes.
const LENGTH: u32 = 75;
/// One key frame at the beginning.
const RARE: &str =
    "-map 0 -map 1 -c:v libx264 -preset ultrafast -g 9999 -keyint_min 9999 -sc_threshold 0 -c:a aac";
/// The picture is renewed bit by bit, in 4 seconds. x264 marks where that begins.
const REFRESH: &str =
    "-map 0 -map 1 -c:v libx264 -preset veryfast -x264-params intra-refresh=1:keyint=100 -c:a aac";
/// Many cameras mark nothing: without the messages (SEI) that do.
const UNMARKED: &str = "-bsf:v filter_units=remove_types=6";

/// Sends a film to each who asks: at its pace from so many seconds on, as a camera does, or at once with its length.
fn serve(file: &Path, live_from: Option<u32>) -> String {
    let film = std::fs::read(file).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.ts", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let film = film.clone();
            std::thread::spawn(move || send(socket, &film, live_from));
        }
    });
    url
}

fn send(mut socket: TcpStream, film: &[u8], live_from: Option<u32>) -> Option<()> {
    let _ = socket.read(&mut [0; 4096]);
    let Some(from) = live_from else {
        let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", film.len());
        return socket.write_all(&[head.as_bytes(), film].concat()).ok();
    };
    socket.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n").ok()?;
    let begun = Instant::now();
    let second = film.len() / 188 / LENGTH as usize;
    let mut sent = from as usize * second;
    loop {
        std::thread::sleep(Duration::from_millis(40));
        let gone = usize::try_from(begun.elapsed().as_millis()).ok()?;
        let upto = from as usize * second + second * gone / 1000;
        socket.write_all(film.get(sent * 188..upto * 188)?).ok()?;
        sent = upto;
    }
}

/// The first bytes that a new viewer gets, and after what time the last of them came.
fn join(server: &TestServer, id: i64) -> (Vec<u8>, Duration) {
    let begun = Instant::now();
    let mut player = Player::get(server, &format!("/live/bob/pw/{id}"), "VLC");
    assert_eq!(player.status, 200, "stream {id}");
    (player.read(188 * 300), begun.elapsed())
}

/// What ffmpeg makes out of the beginning of a stream: each track, its width, and how many frames could be decoded.
fn decoded(bytes: &[u8]) -> String {
    let what = "-v quiet -count_frames -show_entries stream=codec_name,width,nb_read_frames -of csv=p=0 -f mpegts -i -";
    let mut probe = Command::new("ffprobe")
        .args(what.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    probe.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(probe.wait_with_output().unwrap().stdout).unwrap()
}

/// The playlist of a stream: its target duration, and how long its segments are.
fn listed(server: &TestServer, id: i64) -> (u64, Vec<f64>) {
    let mut player = Player::get(server, &format!("/live/bob/pw/{id}.m3u8"), "hls");
    assert_eq!(player.status, 200, "{}", player.head);
    let text = String::from_utf8(player.read_body()).unwrap();
    let after = |tag: &'static str| text.lines().filter_map(move |line| line.strip_prefix(tag));
    let target = after("#EXT-X-TARGETDURATION:").next().unwrap().parse().unwrap();
    let seconds = after("#EXTINF:").map(|seconds| seconds.trim_end_matches(',').parse().unwrap()).collect();
    (target, seconds)
}

#[test]
fn a_stream_with_rare_key_frames_runs_and_lets_viewers_in_after_twenty_seconds_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media");
    std::fs::create_dir(&media).unwrap();
    make_file(&media.join("rare.ts"), LENGTH, RARE);
    make_file(&media.join("marked.ts"), LENGTH, REFRESH);
    make_file(&media.join("unmarked.ts"), LENGTH, &format!("{REFRESH} {UNMARKED}"));
    let sources = [
        ("a camera with rare key frames", serve(&media.join("rare.ts"), Some(0))),
        ("a camera with intra refresh", serve(&media.join("unmarked.ts"), Some(0))),
        ("a film behind http", serve(&media.join("rare.ts"), None)),
        ("a file", "media/rare.ts".into()),
        (
            "a camera with marked intra refresh that is joined midway",
            serve(&media.join("marked.ts"), Some(30)),
        ),
    ];
    let (rare, marked) = (1..=4, 5);
    let server = TestServer::on(folder, &[]);
    for (name, source) in &sources {
        server.done("streams/new", &format!("data[name]={name}&data[sources][]={source}"));
    }
    let all: Vec<String> = (1..=sources.len()).map(|id| format!("&data[streams][]={id}")).collect();
    server.done("bouquets/new", &format!("data[name]=All{}", all.concat()));
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    within(15, "all run", || online(&server).len() == sources.len());
    let begun = Instant::now();

    for (id, (name, _)) in (1..).zip(&sources) {
        let (bytes, time) = join(&server, id);
        assert_eq!(Transport::of(&bytes).keys, 1, "{name}: the key frame at the beginning, or a mark");
        assert!(time < Duration::from_secs(5), "{name}: {time:?}");
    }
    std::thread::scope(|scope| {
        let watching = rare.clone().map(|id| {
            let server = &server;
            scope.spawn(move || {
                let mut player = Player::get(server, &format!("/live/bob/pw/{id}"), "who stays");
                let mut bytes = Vec::new();
                while begun.elapsed() < Duration::from_secs(22) {
                    bytes.extend(player.read(188 * 50));
                }
                let found = Transport::of(&bytes);
                assert_eq!((found.keys, found.late, &found.breaks), (1, 0, &vec![]), "{id}: {found:?}");
            })
        });
        let watching: Vec<_> = watching.collect();
        let first = scope.spawn(|| listed(&server, 1));
        let (target, segments) = first.join().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(25), "the first playlist took {:?}", begun.elapsed());
        assert_eq!(target, 12, "{segments:?}");
        for thread in watching {
            thread.join().unwrap();
        }
    });

    for id in rare {
        let name = sources[usize::try_from(id).unwrap() - 1].0;
        within(6, &format!("{name}: viewers are let in at any picture"), || {
            Transport::of(&join(&server, id).0).keys == 0
        });
        let (bytes, time) = join(&server, id);
        assert!(time < Duration::from_secs(5), "{name}: {time:?}");
        let decoded = decoded(&bytes);
        assert!(decoded.contains("h264,320,") && decoded.contains("aac,"), "{name}: {decoded}");
    }
    within(6, "segments are cut there", || {
        let (target, segments) = listed(&server, 1);
        assert!(target == 12 && segments.iter().all(|seconds| *seconds < 12.5), "{target} {segments:?}");
        segments.iter().any(|seconds| (1.8..2.5).contains(seconds))
    });
    let (target, segments) = listed(&server, marked);
    assert!(
        target <= 5 && segments.iter().all(|seconds| *seconds < 4.5),
        "marks are key frames: {target} {segments:?}"
    );
    for stream in server.done("streams/online", "")["streams"].as_array().unwrap() {
        assert_eq!(stream["restarts"], 0, "{stream}");
        // ffmpeg complains of what it cannot decode of a picture before the first mark.
        assert!(stream["id"] == marked || stream["errors"] == json!([]), "{stream}");
    }
    assert_eq!(online(&server).len(), sources.len());
}
