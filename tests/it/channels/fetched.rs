//! Sources of http and https: how they are asked, and what they may do.

use std::{
    collections::HashSet,
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{
    TestServer,
    origin::{Answer, Asked, Live, Origin, SEGMENTS, ok, status, to},
    transport::Transport,
    tv::{Player, make_file, offline, within},
};

#[test]
fn secret_headers_are_masked_and_stay_when_the_mask_comes_back() {
    let server = TestServer::start();
    let source = "data[sources][]=http://h.example/a b.ts%7CUser-Agent=X%26Cookie=hush";
    let headers = "data[headers][]=Cookie: sid%3Dhush&data[headers][]=Referer: http://r.example/";
    server.done("streams/new", &format!("data[name]=A&{source}&{headers}&data[user_agent]=Box/1"));
    let shown = || server.done("streams/info", "id=1")["stream"].clone();
    assert_eq!(shown()["headers"], json!(["Cookie: ***", "Referer: http://r.example/"]));
    assert_eq!(shown()["sources"], json!(["http://h.example/a%20b.ts|User-Agent=X&Cookie=***"]));
    assert_eq!((&shown()["user_agent"], &shown()["tls_verify"]), (&json!("Box/1"), &json!(1)));
    let stored = || {
        let file = rusqlite::Connection::open(server.data().join("linecard.db")).unwrap();
        file.query_row("SELECT headers FROM streams", [], |row| row.get::<_, String>(0)).unwrap()
    };
    server.done("streams/update", "id=1&data[headers][]=Cookie: ***&data[headers][]=X-Token: t");
    assert_eq!(stored(), r#"["Cookie: sid=hush","X-Token: t"]"#);
    assert_eq!(shown()["headers"], json!(["Cookie: ***", "X-Token: ***"]));
    for (headers, why) in [
        ("data[headers][]=X-Key: ***", "X-Key: *** keeps a stored value, but there is none"),
        ("data[headers][]=A: 1&data[headers][]=a: 2", "each name only once, but a occurs twice"),
        ("data[headers][]=Host: h", "entry 1: Host is set by the server itself"),
        (
            "data[headers][]=A: 1%0d%0aB: 2",
            "entry 1: the value of A has at most 4096 bytes without control characters",
        ),
    ] {
        let refused = server.refused("streams/update", &format!("id=1&{headers}"));
        assert_eq!(refused, format!("Invalid headers: {why}"));
    }
    server.done("streams/update", "id=1&data[headers]=");
    assert_eq!(shown()["headers"], json!([]));
    let trail = server.done("logs/list", "kind=audit").to_string() + &server.log();
    assert!(!trail.contains("hush"), "{trail}");
}

/// A server with an empty folder that has these streams, each a name and what else is set.
fn server_with(sources: &[(&str, String)]) -> TestServer {
    let server = TestServer::start();
    for (name, columns) in sources {
        server.done("streams/new", &format!("data[name]={name}&{columns}"));
    }
    server
}

pub(super) fn source(address: &str) -> String {
    format!(
        "data[sources][]={}",
        url::form_urlencoded::byte_serialize(address.as_bytes()).collect::<String>()
    )
}

pub(super) fn stream(server: &TestServer, id: i64) -> serde_json::Value {
    let answer = server.done("streams/online", "");
    let streams = answer["streams"].as_array().unwrap();
    streams.iter().find(|stream| stream["id"] == id).cloned().unwrap_or_else(|| offline(server, id))
}

/// A live playlist of five segments at one address.
fn five_segments(address: &str) -> String {
    let segments = format!("#EXTINF:2,\n{address}\n").repeat(5);
    format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{segments}")
}

pub(super) fn why(server: &TestServer, id: i64) -> String {
    let mut why = String::new();
    within(60, "it is given up", || {
        let stream = offline(server, id);
        stream["why"].as_str().unwrap_or_default().clone_into(&mut why);
        stream["status"] == "waiting"
    });
    why
}

/// When the list was asked for first whose count begins anew.
static AGAIN: OnceLock<Instant> = OnceLock::new();

/// What a provider does: every list begins with its kind.
fn provider(asked: &Asked, live: &Live) -> Answer {
    let path = asked.path.split('?').next().unwrap();
    let (kind, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let number = || rest.split(['.', '/']).next_back().and_then(|n| n.parse::<usize>().ok());
    let number =
        number().or_else(|| rest.split(['.', '/']).next().and_then(|n| n.parse().ok())).unwrap_or(0) % 9;
    let list = |shift, tags: &str, name: &dyn Fn(u64) -> String| ok(live.list(shift, tags, name));
    let segment = |segments: &[Vec<u8>]| ok(segments[number].clone());
    let age = live.0.elapsed().as_secs();
    match kind {
        // No ending, a session in the query, a cookie that must come back.
        "chunk" if rest == "list" => {
            let (status, _, body) = list(0, "", &|number| format!("/chunk/{number}?sid=42"));
            (status, "Set-Cookie: sid=42; Path=/chunk\r\n".into(), body)
        }
        "chunk" if asked.header("cookie") == Some("sid=42") => segment(&SEGMENTS.ts),
        // Nothing without its headers.
        "headers" if asked.header("user-agent") != Some("Box/1") => status("403 Forbidden"),
        "headers" if asked.header("x-token") != Some("hush") => status("403 Forbidden"),
        "headers" if asked.header("referer") != Some("http://r.example/") => status("403 Forbidden"),
        "headers" if rest == "key" => ok(SEGMENTS.key.clone()),
        "headers" if rest == "list.m3u8" => {
            let key = "#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n";
            list(0, key, &|number| format!("{}.ts", number % 9))
        }
        "headers" => segment(&SEGMENTS.encrypted),
        "mp4" if rest == "list.m3u8" => list(0, "#EXT-X-MAP:URI=\"init?x\"\n", &|number| format!("{number}")),
        "mp4" if rest.starts_with("init") => ok(SEGMENTS.init.clone()),
        "mp4" => segment(&SEGMENTS.mp4),
        // Tokens that are good for five seconds.
        "token" if rest == "list.m3u8" => to(&format!("/token/{age}/list.m3u8")),
        "token" => {
            let issued: u64 = rest.split('/').next().and_then(|number| number.parse().ok()).unwrap_or(0);
            let path = rest.split('/').next_back().unwrap();
            match (age - issued, path) {
                (6.., _) => status("403 Forbidden"),
                (_, "list.m3u8") => list(0, "", &|number| format!("{number}.ts")),
                _ => segment(&SEGMENTS.ts),
            }
        }
        // After eight seconds its count begins anew.
        "again" if rest == "list.m3u8" && AGAIN.get_or_init(Instant::now).elapsed().as_secs() < 8 => {
            list(1000, "", &|number| format!("a{number}/{number}.ts"))
        }
        "again" if rest == "list.m3u8" => list(-4, "", &|number| format!("b{number}/{number}.ts")),
        "again" => segment(&SEGMENTS.ts),
        // Picture and sound apart.
        "apart" if rest == "list.m3u8" => ok("#EXTM3U\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",DEFAULT=YES,AUTOSELECT=YES,URI=\"/sound/list.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"y\",URI=\"/none/list.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1000,AUDIO=\"a\",SUBTITLES=\"s\"\n/picture/list.m3u8\n"),
        "sound" if rest == "list.m3u8" => list(0, "", &|number| format!("{number}.ts")),
        "sound" => segment(&SEGMENTS.sound),
        "picture" if rest == "list.m3u8" => list(0, "", &|number| format!("{number}.ts")),
        "picture" => segment(&SEGMENTS.picture),
        _ => status("404 Not Found"),
    }
}

#[test]
fn hls_sources_play_as_providers_serve_them_without_a_restart() {
    let live = Live(Instant::now());
    let _ = &SEGMENTS.ts;
    let origin = Origin::start(move |asked| provider(asked, &live));
    let at = |path: &str| source(&format!("{}/{path}", origin.url));
    let headers =
        "data[user_agent]=Box/1&data[headers][]=X-Token: hush&data[headers][]=Referer: http://r.example/";
    let server = server_with(&[
        ("chunk", at("chunk/list")),
        ("headers", format!("{}&{headers}", at("headers/list.m3u8"))),
        ("mp4", at("mp4/list.m3u8")),
        ("token", at("token/list.m3u8")),
        ("again", at("again/list.m3u8")),
        ("apart", at("apart/list.m3u8")),
    ]);
    for id in 1..=6 {
        within(60, "it plays", || stream(&server, id)["status"] == "running");
    }
    let arguments = children(server.pid());
    assert!(!arguments.is_empty() && !arguments.contains(&origin.port.to_string()), "{arguments}");
    assert!(!arguments.contains("hush") && !arguments.contains("test-key"), "{arguments}");
    assert!(!arguments.contains("NoNewPrivs:\t0"), "{arguments}");
    std::thread::sleep(Duration::from_secs(14));
    for id in 1..=6 {
        let stream = stream(&server, id);
        assert_eq!((&stream["status"], &stream["restarts"]), (&json!("running"), &json!(0)), "{stream}");
        assert!(stream["bitrate_kbps"].as_i64() > Some(0), "{stream}");
    }
    for kind in ["picture", "sound"] {
        assert!(origin.asked().iter().any(|head| head.starts_with(&format!("GET /{kind}/"))), "{kind}");
    }
    assert!(!origin.asked().iter().any(|head| head.starts_with("GET /none")), "subtitles are not carried");
}

#[test]
fn segments_that_come_late_are_played_and_a_playlist_that_fails_is_bridged() {
    let live = Live(Instant::now());
    let _ = &SEGMENTS.ts;
    let (seen, first) = (Mutex::new(HashSet::new()), OnceLock::<Instant>::new());
    let origin = Origin::start(move |asked| {
        let is_new = || seen.lock().unwrap().insert(asked.path.clone());
        let number = asked.path.split(['/', '.']).rev().nth(1).and_then(|n| n.parse::<usize>().ok());
        let kind = if asked.path.starts_with("/late") { "late" } else { "failing" };
        let list = || ok(live.list(0, "", |number| format!("/{kind}/{number}.ts")));
        match (kind, number) {
            // Each segment is there only when it is asked for again.
            ("late", Some(_)) if is_new() => status("404 Not Found"),
            (_, Some(number)) => ok(SEGMENTS.ts[number % 9].clone()),
            ("late", None) => list(),
            (_, None) => match first.get_or_init(Instant::now).elapsed().as_secs() {
                8..23 => status("502 Bad Gateway"),
                _ => list(),
            },
        }
    });
    let at = |path: &str| source(&format!("{}/{path}/list.m3u8", origin.url));
    let server = server_with(&[("late", at("late")), ("failing", at("failing"))]);
    within(60, "both play", || (1..=2).all(|id| stream(&server, id)["status"] == "running"));
    let begun = Instant::now();
    within(60, "a new segment comes after the gap", || {
        begun.elapsed() > Duration::from_secs(28) && stream(&server, 2)["bitrate_kbps"].as_i64() > Some(0)
    });
    for id in 1..=2 {
        let stream = stream(&server, id);
        assert_eq!((&stream["status"], &stream["restarts"]), (&json!("running"), &json!(0)), "{stream}");
    }
    let asked = origin.asked();
    let late: Vec<&str> =
        asked.iter().filter_map(|head| head.split(' ').nth(1)).filter(|p| p.starts_with("/late")).collect();
    let segments: HashSet<&str> = late.iter().copied().filter(|path| !path.contains("list")).collect();
    let times = |path: &&&str| late.iter().filter(|other| *other == *path).count();
    assert!(segments.len() > 8, "{late:?}");
    // The last may be asked for just now.
    assert!(segments.iter().filter(|path| times(path) < 2).count() <= 1, "{late:?}");
}

/// Command lines and environments of what a process has started.
fn children(parent: u32) -> String {
    let mut told = String::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |file: &str| std::fs::read(process.path().join(file)).unwrap_or_default();
        let stat = String::from_utf8_lossy(&read("stat")).into_owned();
        let is_child = stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.split(' ').nth(1) == Some(&parent.to_string()));
        if is_child {
            told += &String::from_utf8_lossy(&[read("cmdline"), read("environ"), read("status")].concat());
        }
    }
    told
}

#[test]
fn no_frame_is_lost_where_the_counters_of_segments_begin_anew() {
    let live = Live(Instant::now());
    let _ = &SEGMENTS.ts;
    let origin = Origin::start(move |asked| provider(asked, &live));
    let server = server_with(&[("chunk", source(&format!("{}/chunk/list", origin.url)))]);
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    within(60, "it plays", || stream(&server, 1)["status"] == "running");
    let film = server.data().join("film.ts");
    let recorded = Command::new("timeout")
        .args(["10", "curl", "-s", "-o"])
        .arg(&film)
        .arg(format!("{}/live/bob/pw/1.ts", server.url))
        .status();
    assert!(recorded.is_ok());
    let probe = "-v error -select_streams v -show_entries packet=pts_time -of csv=p=0";
    let probed = Command::new("ffprobe").args(probe.split(' ')).arg(&film).output().unwrap();
    let text = String::from_utf8(probed.stdout).unwrap();
    let mut times: Vec<f64> =
        text.lines().filter_map(|time| time.trim_end_matches(',').parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    assert!(times.len() > 100, "{text}");
    let gaps: Vec<f64> = times.windows(2).map(|two| two[1] - two[0]).filter(|gap| *gap > 0.06).collect();
    // The test picture itself may begin anew once meanwhile.
    assert!(gaps.len() <= 1, "{gaps:?} of {} frames", times.len());
}

#[test]
fn what_is_wrong_with_a_source_is_said_in_words() {
    let origin = Origin::start(|asked| match asked.path.as_str() {
        "/page" => ok("\n<!DOCTYPE html><html><body>Log in</body></html>"),
        "/forbidden" => status("403 Forbidden"),
        "/round" => to("/round"),
        "/metadata" => to("http://169.254.169.254/latest/hush"),
        "/anywhere" => ok("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://0.0.0.0:1/x.ts\n"),
        "/file" => to("file:///etc/passwd"),
        "/list" => ok("#EXTM3U\n#EXTINF:-1,One\nhttp://h/1\n"),
        "/expired" => ok("ERROR: expired"),
        "/packed" => ok(b"\x1f\x8b\x08\0\0\0\0\0\0\x03packed".to_vec()),
        "/image" => ok(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        "/empty" => ok("#EXTM3U\n#EXT-X-TARGETDURATION:2\n"),
        "/licence" => ok(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://k\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:2,\n/0.ts\n",
        ),
        "/key" => ok(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI=\"/forbidden\"\n#EXTINF:2,\n/0.ts\n#EXTINF:2,\n/0.ts\n",
        ),
        "/0.ts" => ok(SEGMENTS.encrypted[0].clone()),
        "/shut" => ok(five_segments("/forbidden")),
        "/pages" => ok(five_segments("/blocked")),
        "/blocked" => (
            "200 OK",
            "Content-Type: text/html\r\n".into(),
            b"<!DOCTYPE html><html><body>Too many viewers</body></html>".to_vec(),
        ),
        "/hollow" => ok(five_segments("/void")),
        "/void" => ok(""),
        "/gone" => ok(five_segments("/nowhere")),
        "/nowhere" => status("404 Not Found"),
        "/endless" => ok(format!("#EXTM3U\n{}", "#EXT-X-VERSION:3\n".repeat(200_000))),
        _ => ok(""),
    });
    let at = |path: &str| source(&format!("{}/{path}", origin.url));
    let cases = [
        (at("page"), "the source is a web page (HTML), not a stream"),
        (at("forbidden"), "the server answered 403 Forbidden"),
        (at("round"), "it redirects more than 10 times"),
        (at("metadata"), "it leads to 169.254.169.254"),
        (at("anywhere"), "it leads to 0.0.0.0"),
        (at("file"), "it leads to a file of this machine, and only http and https are followed"),
        (at("list"), "a channel list (M3U)"),
        (at("endless"), "longer than 2 MiB"),
        (at("nothing"), "answered with nothing"),
        (at("expired"), "answered with a text, not a stream"),
        (at("packed"), "is compressed (gzip)"),
        (at("image"), "is an image, not a stream"),
        (at("empty"), "its playlist has no segments"),
        (at("licence"), "encrypted for licensed players (DRM)"),
        (at("shut"), "its segments: the server answered 403 Forbidden"),
        (at("pages"), "its segments: a web page (HTML) came instead"),
        (at("hollow"), "its segments: an empty answer came instead"),
        (at("gone"), "its segments: the server answered 404 Not Found"),
        (at("key"), "the key of its segments: the server answered 403 Forbidden"),
        (source("http://nobody.invalid/x'hush"), "no such host: nobody.invalid"),
        (source("http://127.0.0.1:1/x'hush"), "Connection refused"),
        (source("rtmp://127.0.0.1:1/app/x'hush\"hush"), "efused"),
        (source("rtsp://me:p'hush@127.0.0.1:1/x'hush"), "efused"),
    ];
    let server = server_with(&cases.clone().map(|(columns, _)| ("A", columns)));
    for (id, (columns, word)) in (1..).zip(cases) {
        let why = why(&server, id);
        assert!(why.contains(word), "{columns}: {why}");
        let told = stream(&server, id)["errors"].to_string() + &why;
        assert!(!told.contains("hush"), "{told}");
        assert!(!told.contains("HTTP error"), "who fetched it says it: {told}");
    }
    assert!(!server.log().contains("hush"), "{}", server.log());
}

#[test]
fn digests_are_answered_and_files_whose_index_is_last_are_played_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("last.mp4");
    make_file(&file, 4, "-map 0 -map 1 -c:v libx264 -preset ultrafast -g 25 -c:a aac");
    let film = std::fs::read(file).unwrap();
    let ask = |nonce| {
        let both = format!(
            "Digest realm=\"cam\", nonce=\"{nonce}\", qop=\"auth\"\r\nWWW-Authenticate: Basic realm=\"cam\""
        );
        ("401 Unauthorized", format!("WWW-Authenticate: {both}\r\n"), Vec::new())
    };
    let origin = Origin::start(move |asked| {
        let path = asked.path.clone();
        let (kind, _) = path[1..].split_once('/').unwrap();
        let range = asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        match kind {
            "digest" => {
                let Some(told) = asked.header("authorization").filter(|told| told.starts_with("Digest "))
                else {
                    return ask("n1");
                };
                let mut told = digest_auth::AuthorizationHeader::parse(told).unwrap();
                let response = told.response.clone();
                told.digest(&digest_auth::AuthContext::new("cam", "p w", &*path));
                if told.response == response { ok(SEGMENTS.ts.concat()) } else { ask("n2") }
            }
            // Ranges that are not spoken of.
            "silent" => match range {
                Some((from, to)) => {
                    let from: usize = from.parse().unwrap();
                    let last = to.parse().unwrap_or(usize::MAX).min(film.len() - 1);
                    let lines = format!("Content-Range: bytes {from}-{last}/{}\r\n", film.len());
                    ("206 Partial Content", lines, film[from..=last].to_vec())
                }
                None => ok(film.clone()),
            },
            _ => ok(film.clone()),
        }
    });
    let address =
        |login: &str, path: &str| source(&format!("http://{login}127.0.0.1:{}/{path}", origin.port));
    let server = server_with(&[
        ("Digest", address("cam:p%20w@", "digest/a.ts?x=1")),
        ("Silent", address("", "silent/last.mp4")),
        ("Wrong", address("cam:hush@", "digest/a.ts")),
        ("None", address("", "none/last.mp4")),
    ]);
    within(30, "two play", || (1..=2).all(|id| stream(&server, id)["status"] == "running"));
    assert!(why(&server, 3).contains("the server answered 401 Unauthorized"));
    let index_last = why(&server, 4);
    assert!(index_last.contains("its index at its end"), "{index_last}");
    assert!(!server.log().contains("hush"), "{}", server.log());
}

/// Sends half of a body, or all that is asked for of it.
fn halved(listener: &TcpListener, in_chunks: bool, has_ranges: bool) {
    let live = Live(Instant::now());
    let broken: Mutex<HashSet<String>> = Mutex::default();
    for mut socket in listener.incoming().flatten() {
        let mut request = [0; 4096];
        let length = socket.read(&mut request).unwrap_or(0);
        let request = String::from_utf8_lossy(&request[..length]).to_ascii_lowercase();
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let Some(number) = path.strip_prefix("/s").and_then(|number| number.parse::<usize>().ok()) else {
            let (_, _, list) = ok(live.list(0, "", |number| format!("/s{number}")));
            let _ = write!(socket, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", list.len());
            let _ = socket.write_all(&list);
            continue;
        };
        let body = &SEGMENTS.ts[number % 9];
        let range = request.split_once("range: bytes=").and_then(|(_, rest)| rest.split_once('-'));
        let from = range.and_then(|(from, _)| from.parse().ok()).filter(|_| has_ranges).unwrap_or(0_usize);
        let is_first = broken.lock().unwrap().insert(path);
        let part = if is_first { &body[..body.len() / 2 + 31] } else { &body[from..] };
        let head = if in_chunks {
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len() - from)
        } else if from > 0 {
            let (last, all) = (body.len() - 1, body.len());
            let length = body.len() - from;
            format!(
                "HTTP/1.1 206 OK\r\nContent-Range: bytes {from}-{last}/{all}\r\nContent-Length: {length}\r\n\r\n"
            )
        } else {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())
        };
        let end: &[u8] = if in_chunks && !is_first { b"\r\n0\r\n\r\n" } else { b"" };
        let _ = socket.write_all(&[head.as_bytes(), part, end].concat());
    }
}

#[test]
fn segments_that_break_off_are_gone_on_with() {
    let addresses = [(false, true), (false, false), (true, false)].map(|(in_chunks, has_ranges)| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/list.m3u8", listener.local_addr().unwrap());
        std::thread::spawn(move || halved(&listener, in_chunks, has_ranges));
        address
    });
    let server = server_with(&addresses.clone().map(|address| ("A", source(&address))));
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2&data[streams][]=3");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1");
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    within(30, "all play", || (1..=3).all(|id| stream(&server, id)["status"] == "running"));
    std::thread::scope(|scope| {
        for id in 1..=3 {
            let server = &server;
            scope.spawn(move || {
                let mut player = Player::get(server, &format!("/live/bob/pw/{id}"), "VLC");
                let begun = Instant::now();
                let mut bytes = Vec::new();
                while begun.elapsed() < Duration::from_secs(9) {
                    bytes.extend(player.read(188 * 20));
                }
                let found = Transport::of(&bytes);
                assert!(found.pictures >= 25 * 7 && found.clocks <= 100, "{id}: {found:?}");
                let shown = stream(server, id);
                assert_eq!(
                    (found.breaks.len(), &shown["restarts"]),
                    (0, &json!(0)),
                    "{id}: {found:?} {shown}"
                );
            });
        }
    });
}
