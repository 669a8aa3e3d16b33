//! Sources that are not what they promised, or do not stay what they were.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, LazyLock, Mutex, OnceLock},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    TestServer,
    tv::{Player, online, open, within},
};

const PICTURE: &str = "-c:v libx264 -preset ultrafast -g 25";
const SOUND: &str = "-map 1:a -c:a aac";
/// Both last so many seconds.
const LENGTH: u64 = 60;

type Films = Mutex<HashMap<(String, String), Arc<OnceLock<Vec<u8>>>>>;

/// A transport stream of ffmpeg's test picture of that size, made once for all who want the same.
fn film(size: &str, arguments: &str) -> Vec<u8> {
    static MADE: LazyLock<Films> = LazyLock::new(Films::default);
    let key = (size.to_owned(), arguments.split_whitespace().collect::<Vec<_>>().join(" "));
    let film = MADE.lock().unwrap().entry(key).or_default().clone();
    film.get_or_init(|| make(size, arguments)).clone()
}

fn make(size: &str, arguments: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("film.ts");
    let sources = format!("-v error -f lavfi -i testsrc2=size={size}:rate=25 -f lavfi -i sine -map 0:v");
    let made = Command::new("ffmpeg")
        .args(sources.split_whitespace())
        .args(arguments.split_whitespace())
        .args(["-t", &LENGTH.to_string(), "-f", "mpegts"])
        .arg(&file)
        .status();
    assert!(made.unwrap().success(), "{arguments}");
    std::fs::read(file).unwrap()
}

/// A provider that sends the first film for ten seconds, then the second, to all who ask, at the
/// pace at which they play.
fn provider(films: [Vec<u8>; 2]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/a.ts", listener.local_addr().unwrap());
    let begun = Instant::now();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let films = films.clone();
            std::thread::spawn(move || send(socket, &films, begun));
        }
    });
    url
}

fn send(mut socket: TcpStream, films: &[Vec<u8>; 2], begun: Instant) -> Option<()> {
    let _ = socket.read(&mut [0; 4096]);
    socket.write_all(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n").ok()?;
    let change = Duration::from_secs(10);
    let place = |film: &[u8], since: Duration| {
        let packets = film.len() as u64 / 188;
        let past = u64::try_from(since.as_millis()).unwrap() * packets / (LENGTH * 1000);
        usize::try_from(past.min(packets)).unwrap() * 188
    };
    let mut last = begun.elapsed();
    loop {
        std::thread::sleep(Duration::from_millis(40));
        let now = begun.elapsed();
        if last < change {
            let (from, to) = (place(&films[0], last), place(&films[0], now.min(change)));
            socket.write_all(&films[0][from..to]).ok()?;
        }
        if now > change {
            let from = place(&films[1], last.saturating_sub(change));
            let to = place(&films[1], now.saturating_sub(change));
            socket.write_all(&films[1][from..to]).ok()?;
        }
        last = now;
    }
}

/// A server with one stream of that source, and the line `bob`.
fn server_of(source: &str, media: &[(&str, &[u8])]) -> TestServer {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("media");
    std::fs::create_dir(&files).unwrap();
    for (name, bytes) in media {
        std::fs::write(Path::new(&files).join(name), bytes).unwrap();
    }
    let server = TestServer::on(folder, &[]);
    server.done("streams/new", &format!("data[name]=A&data[sources][]={source}"));
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    within(30, "it runs", || online(&server) == [1]);
    server
}

fn shown(server: &TestServer) -> Value {
    server.done("streams/online", "")["streams"][0].clone()
}

fn playlist(server: &TestServer) -> String {
    let output = Command::new("curl").args(["-sS", &format!("{}/live/bob/pw/1.m3u8", server.url)]).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// Whether a playlist shows a break, or counts one that has left it.
fn tells_of_a_break(playlist: &str) -> bool {
    let counted = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-DISCONTINUITY-SEQUENCE:"));
    playlist.contains("#EXT-X-DISCONTINUITY\n") || counted.is_some_and(|count| count != "0")
}

/// What ffprobe finds in the stream: `aac audio, h264 video 640`.
fn probed(server: &TestServer) -> String {
    let what =
        "-v error -analyzeduration 2000000 -show_entries stream=codec_type,codec_name,width -of csv=p=0:s=/";
    let output = Command::new("ffprobe")
        .args(what.split(' '))
        .arg(format!("{}/live/bob/pw/1", server.url))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap().replace('/', " ");
    let lines: std::collections::BTreeSet<&str> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.into_iter().collect::<Vec<_>>().join(", ")
}

/// A viewer sees the change from the first film to the second, until it is shown; then everything is as `now` says.
fn goes_on(films: [Vec<u8>; 2], now: &[(&str, Value)], found: &str) -> TestServer {
    let server = server_of(&provider(films), &[]);
    let mut player = Player::get(&server, "/live/bob/pw/1", "VLC");
    let mut stream = Value::Null;
    let until = Instant::now() + Duration::from_secs(40);
    while now.iter().any(|(name, value)| stream[*name] != *value) {
        assert!(Instant::now() < until, "{now:?}: {stream}");
        player.read(188 * 10);
        stream = shown(&server);
    }
    // More than what the sockets' buffers can hold of the time before.
    let bytes = player.read(1_000_000);
    assert!(bytes.chunks_exact(188).all(|packet| packet[0] == 0x47));
    assert_eq!(probed(&server), found);
    within(10, "one viewer", || open(&server) >= 1);
    server
}

/// Nothing of what a track carries, with its tables.
fn without_payload(mut film: Vec<u8>, pid: u16) -> Vec<u8> {
    for packet in film.chunks_exact_mut(188) {
        if u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2]) == pid {
            packet[1..3].copy_from_slice(&[0x1F, 0xFF]);
        }
    }
    film
}

#[test]
fn a_sound_track_that_nobody_can_make_out_costs_the_picture_nothing() {
    let two = film("320x180", &format!("{PICTURE} -map 1:a -map 1:a -c:a mp2"));
    let server = server_of("media/one.ts", &[("one.ts", &without_payload(two, 0x101))]);
    assert_eq!(probed(&server), "h264 video 320, mp2 audio");
    let errors = shown(&server)["errors"].to_string();
    assert!(errors.contains("track 1 cannot be identified"), "{errors}");
    let alone = film("320x180", &format!("{PICTURE} -map 1:a -c:a mp2"));
    let server = server_of("media/one.ts", &[("one.ts", &without_payload(alone, 0x101))]);
    assert_eq!(probed(&server), "h264 video 320");
    assert_eq!(shown(&server)["audio_codec"], json!(null));
}

#[test]
fn sound_that_is_not_what_its_file_says_is_left_out_and_the_file_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (film_at, made_at) = (folder.path().join("film.ts"), folder.path().join("bare.mp4"));
    std::fs::write(&film_at, film("320x180", &format!("{PICTURE} {SOUND}"))).unwrap();
    // Without anything to decode: the header of AAC is empty.
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&film_at)
        .args("-c copy -bsf:a aac_adtstoasc -movflags frag_keyframe+empty_moov".split(' '))
        .arg(&made_at)
        .status();
    assert!(made.unwrap().success());
    let server = server_of("media/bare.mp4", &[("bare.mp4", &std::fs::read(&made_at).unwrap())]);
    within(20, "it is played without its sound", || {
        shown(&server)["errors"].to_string().contains("track 1 cannot be identified: playing without it")
    });
    within(10, "it plays again", || online(&server) == [1]);
    assert_eq!(probed(&server), "h264 video 320");
    std::thread::sleep(Duration::from_secs(6));
    let stream = shown(&server);
    assert_eq!((&stream["restarts"], &stream["status"]), (&json!(1), &json!("running")), "{stream}");
}

#[test]
fn a_picture_that_goes_on_as_h265_is_begun_anew() {
    let hevc = "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=25";
    let films = [PICTURE, hevc].map(|picture| film("320x180", &format!("{picture} {SOUND}")));
    let server = goes_on(films, &[("video_codec", json!("hevc"))], "aac audio, hevc video 320");
    within(15, "players are told", || tells_of_a_break(&playlist(&server)));
}

#[test]
fn a_picture_that_goes_on_as_mpeg_2_is_begun_anew() {
    let films =
        [PICTURE, "-c:v mpeg2video -g 25"].map(|picture| film("320x180", &format!("{picture} {SOUND}")));
    goes_on(films, &[("video_codec", json!("mpeg2video"))], "aac audio, mpeg2video video 320");
}

#[test]
fn sound_that_goes_on_in_another_codec_is_begun_anew() {
    let films = [SOUND, "-map 1:a -c:a ac3"].map(|sound| film("320x180", &format!("{PICTURE} {sound}")));
    goes_on(films, &[("audio_codec", json!("ac3"))], "ac3 audio, h264 video 320");
}

#[test]
fn another_size_of_the_picture_goes_on_and_is_shown() {
    let films = ["320x180", "640x360"].map(|size| film(size, &format!("{PICTURE} {SOUND}")));
    let now = [("width", json!(640)), ("height", json!(360)), ("restarts", json!(0))];
    let server = goes_on(films, &now, "aac audio, h264 video 640");
    within(15, "players are told", || tells_of_a_break(&playlist(&server)));
}

#[test]
fn sound_that_ends_is_shown_no_more() {
    let films = [SOUND, ""].map(|sound| film("320x180", &format!("{PICTURE} {sound}")));
    let now = [("audio_codec", json!(null)), ("video_codec", json!("h264")), ("restarts", json!(0))];
    goes_on(films, &now, "aac audio, h264 video 320");
}

#[test]
fn sound_that_begins_is_taken_in() {
    let films = ["", SOUND].map(|sound| film("320x180", &format!("{PICTURE} {sound}")));
    goes_on(films, &[("audio_codec", json!("aac"))], "aac audio, h264 video 320");
}

#[test]
fn other_tracks_are_followed() {
    let films =
        ["", "-mpegts_start_pid 0x200"].map(|pids| film("320x180", &format!("{PICTURE} {SOUND} {pids}")));
    goes_on(films, &[("restarts", json!(1))], "aac audio, h264 video 320");
}

#[test]
fn other_tables_are_followed() {
    let films = ["", "-mpegts_pmt_start_pid 0x1100"]
        .map(|tables| film("320x180", &format!("{PICTURE} {SOUND} {tables}")));
    goes_on(films, &[("restarts", json!(0))], "aac audio, h264 video 320");
}

/// The clock of the second film is another, and nobody notices.
fn clocks(offsets: [&str; 2]) {
    let films =
        offsets.map(|offset| film("320x180", &format!("{PICTURE} {SOUND} -output_ts_offset {offset}")));
    let server = goes_on(films, &[("restarts", json!(0))], "aac audio, h264 video 320");
    within(30, "segments", || playlist(&server).matches("#EXTINF").count() >= 4);
    for line in playlist(&server).lines().filter(|line| line.starts_with("#EXTINF:")) {
        let seconds: f64 = line[8..].trim_end_matches(',').parse().unwrap();
        assert!((0.9..4.5).contains(&seconds), "{line}");
    }
}

#[test]
fn a_clock_that_wraps_is_nobodys_business() {
    // 33 bits of 1/90,000 second are 95,443.7 seconds: the first film plays up to there.
    clocks(["95433.717", "0"]);
}

#[test]
fn a_clock_that_jumps_is_nobodys_business() {
    clocks(["0", "50000"]);
}
