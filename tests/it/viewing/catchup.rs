//! What is recorded, asked for as players ask.

use std::{path::Path, process::Command};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

use crate::support::{
    TestServer,
    panel::{PASSWORD, Panel},
    tape,
    tv::{Player, open, within},
};

/// A server with the stream 1, whose archive holds twice forty seconds an hour ago with a gap of twenty between them, the stream
/// 2 without one, and the line `bob` with the password `pw` and one connection. When the archive begins, in unix seconds.
fn with_archive() -> (TestServer, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let from = (tape::now() - 3600) / 60 * 60;
    tape::record(folder.path(), 1, from);
    tape::record(folder.path(), 1, from + 60);
    let password = [("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))];
    let server = TestServer::with(folder, &[], &password);
    for name in ["News", "Sports"] {
        server.done(
            "streams/new",
            &format!("data[name]={name}&data[sources][]=media/none.ts&data[archive_days]=1"),
        );
    }
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    server.done("subscription_plans/new", "data[name]=Month&data[bouquets][]=1");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[subscription_plan_id]=1");
    within(20, "the archive is known", || head(&server, &path(from, "1.ts")).status == 200);
    (server, from)
}

fn head(server: &TestServer, path: &str) -> Player {
    Player::send(server, &format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: VLC\r\n\r\n"))
}

fn get(server: &TestServer, path: &str, headers: &str) -> Player {
    Player::send(server, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: VLC\r\n{headers}\r\n"))
}

/// Two minutes from that second on.
fn path(from: u64, file: &str) -> String {
    format!("/timeshift/bob/pw/2/{from}/{file}")
}

fn clock(at: u64, zone: &str, form: &str) -> String {
    let moment = Timestamp::from_second(at.cast_signed()).expect("a moment");
    moment.to_zoned(TimeZone::get(zone).expect("a zone")).strftime(form).to_string()
}

fn body(player: &mut Player) -> Vec<u8> {
    player.read_body()
}

/// Begins with PAT, PMT and a key frame.
fn begins(bytes: &[u8]) {
    assert!(bytes.chunks(188).all(|packet| packet[0] == 0x47));
    let pids: Vec<u16> =
        bytes.chunks(188).map(|packet| u16::from(packet[1] & 0x1F) << 8 | u16::from(packet[2])).collect();
    assert!(pids.contains(&0), "PAT");
    let picture =
        bytes.chunks(188).find(|packet| packet[1] & 0x1F == 1 && packet[2] == 0 && packet[1] & 0x40 != 0);
    assert_eq!(picture.expect("a picture")[5] & 0x40, 0x40, "a key frame comes first");
}

fn kinds(server: &TestServer) -> Vec<Value> {
    let open = server.done("connections/list", "")["connections"].clone();
    open.as_array().expect("a list").iter().map(|open| open["kind"].clone()).collect()
}

#[test]
fn every_form_of_asking_gets_the_same_window() {
    let (server, from) = with_archive();
    server.done("settings/update", "data[time_zone]=Europe/Berlin");
    let token = server.done("line/update", "username=bob&data[new_token]=1");
    let token = server.done("line/info", "username=bob")["line_info"]["token"]
        .as_str()
        .map(str::to_owned)
        .unwrap_or(token.to_string());
    let start = from + 12;
    let in_berlin = |form| clock(start, "Europe/Berlin", form);
    let mut window = get(&server, &format!("/timeshift/bob/pw/2/{start}/1.ts"), "");
    assert_eq!(window.status, 200, "{}", window.head);
    assert!(window.head.contains("content-type: video/mp2t") && window.head.contains("accept-ranges: bytes"));
    let whole = body(&mut window);
    begins(&whole);
    drop(window);
    for path in [
        format!("/timeshift/bob/pw/2/{start}/1"),
        format!("/timeshift/bob/pw/2/{}/1.ts", in_berlin("%Y-%m-%d:%H-%M-%S")),
        format!("/timeshift/bob/pw/2/{}/1.ts", in_berlin("%Y-%m-%d_%H-%M-%S")),
        format!("/timeshift/bob/pw/2/{}/1.ts", in_berlin("%Y-%m-%d:%H:%M:%S")),
        format!("/timeshift/bob/pw/2/{}/1.ts", in_berlin("%Y-%m-%d%%20%H:%M:%S")),
        format!("/timeshift/bob/pw/2/{}/1.ts", in_berlin("%Y-%m-%dT%H:%M:%S")),
        format!("/timeshift/bob/pw/2/{start}000/1.ts"),
        format!("/timeshift/{token}/2/{start}/1.ts"),
        format!("/streaming/timeshift.php?username=bob&password=pw&stream=1&start={start}&duration=2"),
        format!("/streaming/timeshift.php?token={token}&stream=1&start={start}&duration=2&extension=ts"),
        format!("/live/bob/pw/1?utc={start}&lutc={}&duration=120", tape::now()),
        format!("/bob/pw/1.ts?utc={start}&utcend={}", start + 120),
        format!("/live/bob/pw/1/archive-{start}-120.ts"),
        format!("/live/bob/pw/1-archive-{start}-120.ts"),
    ] {
        let mut found = get(&server, &path, "");
        assert_eq!(found.status, 200, "{path}: {}", found.head);
        assert_eq!(body(&mut found), whole, "{path}");
    }
    // Without an end they go on: no length, and what is recorded begins at once.
    for path in [
        format!("/live/bob/pw/1?utc={start}&lutc={}", tape::now()),
        format!("/live/bob/pw/1/timeshift_abs-{start}.ts"),
        format!("/live/bob/pw/1/timeshift_rel-{}.ts", tape::now() - start),
    ] {
        let mut found = get(&server, &path, "");
        assert_eq!(found.status, 200, "{path}: {}", found.head);
        assert!(!found.head.contains("content-length") && !found.head.contains("chunked"), "{}", found.head);
        begins(&found.read(188 * 50));
    }
    server.done("settings/update", "data[catchup_minutes_before]=1&data[catchup_minutes_after]=1");
    let found = head(&server, &format!("/timeshift/bob/pw/2/{start}/1.ts"));
    let length: Option<usize> =
        found.head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.trim().parse().ok());
    let both = 2 * tape::recorded();
    assert!(
        (both..both + 400).contains(&length.expect("a length")),
        "it begins and ends earlier and later: {length:?}"
    );
}

#[test]
fn an_ended_window_is_read_in_ranges() {
    let (server, from) = with_archive();
    let path = path(from + 12, "1.ts");
    let answer = head(&server, &path);
    assert_eq!((answer.status, open(&server)), (200, 0), "HEAD opens nothing");
    let mut window = get(&server, &path, "");
    let whole = body(&mut window);
    let length = whole.len();
    assert!(answer.head.contains(&format!("content-length: {length}")), "{}", answer.head);
    assert_eq!(length % 188, 0);
    // The last seconds of the first eight are not of it: the key frame at 12 is the first of its own.
    assert!(length < 2 * tape::recorded() - tape::recorded() / 5 && length > tape::recorded(), "{length}");
    let tag =
        window.head.split("etag: ").nth(1).and_then(|rest| rest.lines().next()).expect("a tag").to_owned();
    for (range, first, last) in [
        ("bytes=0-".to_owned(), 0, length - 1),
        ("bytes=0-1".into(), 0, 1),
        ("bytes=100-375".into(), 100, 375),
        (
            format!("bytes={}-{}", length / 2, length / 2 + 999_999),
            length / 2,
            (length / 2 + 999_999).min(length - 1),
        ),
        ("bytes=-500".into(), length - 500, length - 1),
    ] {
        let mut part = get(&server, &path, &format!("Range: {range}\r\nIf-Range: {tag}\r\n"));
        assert_eq!(part.status, 206, "{range}: {}", part.head);
        assert!(
            part.head.contains(&format!("content-range: bytes {first}-{last}/{length}")),
            "{}",
            part.head
        );
        assert!(body(&mut part) == whole[first..=last], "{range}");
    }
    assert_eq!(get(&server, &path, &format!("Range: bytes={length}-\r\n")).status, 416);
    assert_eq!(get(&server, &path, "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n").status, 200);
    assert_eq!(get(&server, &path, "Range: bytes=0-1,5-6\r\n").status, 200);
    assert_eq!(get(&server, &path, "Range: lines=0-1\r\n").status, 200);
    // One request after the other on the same connection.
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: VLC\r\nRange: bytes=0-187\r\n\r\n");
    let mut both = Player::send(&server, &format!("{head}{head}"));
    assert_eq!(body(&mut both), whole[..188]);
    assert!(both.read_head());
    assert_eq!(body(&mut both), whole[..188]);

    let file = server.data().join("window.ts");
    std::fs::write(&file, &whole).expect("a file");
    let probed = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "packet=pts_time,flags",
            "-select_streams",
            "v",
            "-of",
            "csv=p=0",
        ])
        .arg(&file)
        .output()
        .expect("ffprobe");
    let shown = String::from_utf8_lossy(&probed.stdout).into_owned();
    let pictures = shown.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
    // 28 seconds of the first part, which begins with the key frame of its second 12, and 40 of the other.
    assert!((1690..=1730).contains(&pictures), "{pictures} pictures");
    assert!(shown.lines().next().is_some_and(|first| first.contains('K')), "{shown:.100}");
}

#[test]
fn a_window_is_a_connection_and_seeking_replaces_it() {
    let (server, from) = with_archive();
    server.done("line/update", "username=bob&data[max_allowed_connections]=3");
    let window = |ago: u64| get(&server, &path(from + ago, "1.ts"), "");
    let first = window(1);
    assert_eq!((first.status, kinds(&server)), (200, vec!["archive".into()]));
    let listed = server.done("connections/list", "stream_id=1")["connections"][0].clone();
    assert_eq!((&listed["stream_name"], &listed["container"]), (&"News".into(), &"ts".into()));
    let second = window(11);
    assert_eq!((second.status, kinds(&server).len()), (200, 1), "it was sought in");
    drop((first, second));
    within(10, "nobody watches", || open(&server) == 0);
    let held = window(1);
    server.done("connections/kill", "stream_id=1");
    within(5, "it was ended", || open(&server) == 0);
    drop(held);
    within(10, "it is in the log", || {
        let log = server.done("logs/list", "kind=connection");
        let rows = log["logs"].as_array().expect("rows").clone();
        rows.len() >= 3 && rows.iter().all(|row| row["kind"] == "archive")
    });
}

#[test]
fn who_may_not_watch_it_is_told_so() {
    let (server, from) = with_archive();
    let status = |path: &str| Player::get(&server, path, "probe").status;
    let path = path(from, "1.ts");
    let explained = |at: u64| {
        let told = server.done("line/explain", &format!("username=bob&stream_id=1&at={at}"));
        let verdicts = told["verdicts"].as_array().expect("a list").clone();
        let passes = |rule: &str| {
            verdicts.iter().find(|verdict| verdict["rule"] == rule).map(|verdict| verdict["passes"] == true)
        };
        (passes("catchup"), passes("archive"), passes("stream"))
    };
    assert_eq!(explained(from + 5), (Some(true), Some(true), Some(true)));
    for (minute, is_recorded) in [(from - 3_600, false), (from + 180, false), (from + 60, true)] {
        assert_eq!(explained(minute), (Some(true), Some(is_recorded), Some(true)));
        let found = status(&format!("/timeshift/bob/pw/1/{minute}/1.ts"));
        assert_eq!(found, if is_recorded { 200 } else { 404 }, "as players get it: {minute}");
    }
    for end in [from + 12, from] {
        assert_eq!(status(&format!("/live/bob/pw/1?utc={}&utcend={end}", from + 12)), 404, "no such window");
    }
    assert_eq!(explained(from - 90_000), (Some(true), Some(false), Some(true)));
    assert_eq!(explained(tape::now() + 900), (Some(true), Some(false), Some(true)));
    assert_eq!(server.refused("line/explain", "username=bob&at=5"), "Missing field: stream_id");
    for (resource, forbid, allow) in [
        ("line/update", "username=bob&data[catchup]=0", "username=bob&data[catchup]=1"),
        ("subscription_plans/update", "id=1&data[catchup]=0", "id=1&data[catchup]=1"),
    ] {
        server.done(resource, forbid);
        assert_eq!((status(&path), explained(from).0), (403, Some(false)), "{forbid}");
        server.done(resource, allow);
        assert_eq!(status(&path), 200, "{allow}");
    }
    for (path, expected) in [
        (format!("/timeshift/bob/wrong/2/{from}/1.ts"), 401),
        (format!("/timeshift/bob/pw/2/{}/1.ts", from - 90_000), 404),
        (format!("/timeshift/bob/pw/2/{}/1.ts", tape::now() + 600), 404),
        (format!("/timeshift/bob/pw/2/{from}/2.ts"), 404),
        (format!("/timeshift/bob/pw/2/{from}/99.ts"), 404),
        (format!("/timeshift/bob/pw/2/{from}/x.ts"), 404),
        ("/timeshift/bob/pw/2/yesterday/1.ts".into(), 404),
        ("/timeshift/bob/pw".into(), 404),
        ("/live/bob/pw/1?utc=yesterday".into(), 404),
        ("/streaming/timeshift.php?username=bob&password=pw".into(), 404),
        (format!("/streaming/timeshift.php?username=bob&password=no&stream=1&start={from}&duration=1"), 401),
    ] {
        assert_eq!(status(&path), expected, "{path}");
    }
    let refusals = server.done("line/explain", "username=bob")["refusals"].clone();
    assert!(
        refusals.as_array().is_some_and(|rows| rows.iter().any(|row| row["kind"] == "archive")),
        "{refusals}"
    );
}

#[test]
fn a_playlist_of_an_ended_window_names_all_of_its_segments() {
    let (server, from) = with_archive();
    let path = path(from + 12, "1.m3u8");
    assert_eq!(head(&server, &path).status, 200);
    let mut answer = get(&server, &path, "");
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert!(answer.head.contains("application/vnd.apple.mpegurl"), "{}", answer.head);
    let text = String::from_utf8(body(&mut answer)).expect("text");
    assert!(text.contains("#EXT-X-PLAYLIST-TYPE:VOD\n") && text.ends_with("#EXT-X-ENDLIST\n"), "{text}");
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), 1, "{text}");
    assert_eq!(text.matches("#EXT-X-PROGRAM-DATE-TIME:").count(), 2, "{text}");
    let moment = clock(from + 60, "UTC", "%Y-%m-%dT%H:%M:%S.000Z");
    assert!(text.contains(&format!("#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:{moment}\n")), "{text}");
    assert_eq!((kinds(&server), open(&server)), (vec!["archive".into()], 1));
    let mut sizes = 0;
    for segment in text.lines().filter(|line| line.starts_with("/hls/")) {
        let mut part = get(&server, segment, "");
        assert_eq!(part.status, 200, "{segment}");
        let bytes = body(&mut part);
        begins(&bytes);
        sizes += bytes.len();
        assert_eq!(Player::get(&server, segment, "Kodi").status, 403, "the token is another player's");
    }
    assert!(sizes > tape::recorded(), "{sizes}");
    let segment = text.lines().find(|line| line.starts_with("/hls/")).expect("a segment");
    let token = segment.split('/').nth(2).expect("a token");
    let outside = format!("/hls/{token}/1-{}-0-1.ts", (from - 9_000) * 1000);
    assert_eq!(get(&server, &outside, "").status, 404);
    // A player that was paused for so long that its session ended goes on with what it has.
    server.done("connections/kill", "stream_id=1");
    within(30, "who is let in again", || get(&server, segment, "").status == 200);
    assert_eq!(kinds(&server), ["archive"]);
    server.done("line/update", "username=bob&data[catchup]=0");
    within(10, "whoever may no longer watch is refused", || get(&server, segment, "").status == 403);
}

#[test]
fn a_window_that_goes_on_is_a_playlist_without_an_end() {
    let (server, from) = with_archive();
    let mut answer = get(&server, &format!("/live/bob/pw/1.m3u8?utc={from}&lutc={}", tape::now()), "");
    let text = String::from_utf8(body(&mut answer)).expect("text");
    assert!(text.contains("#EXT-X-PLAYLIST-TYPE:EVENT\n") && !text.contains("#EXT-X-ENDLIST"), "{text}");
}

#[test]
fn lists_say_what_can_be_watched_again_to_those_who_may() {
    let (server, _) = with_archive();
    let archived = || -> Vec<(i64, i64)> {
        let list = server.curl("/player_api.php?username=bob&password=pw&action=get_live_streams", &[]).1;
        let number = |channel: &Value, name: &str| channel[name].as_i64().expect("a number");
        let both = |channel: &Value| (number(channel, "tv_archive"), number(channel, "tv_archive_duration"));
        list.as_array().expect("a list").iter().map(both).collect()
    };
    let playlist = || {
        let mut answer = Player::get(&server, "/get.php?username=bob&password=pw", "Kodi");
        String::from_utf8(answer.read_body()).expect("text")
    };
    assert_eq!(archived(), [(1, 1), (0, 0)]);
    let text = playlist();
    assert_eq!(
        text.matches(" catchup=\"shift\" catchup-days=\"1\" timeshift=\"1\",News").count(),
        1,
        "{text}"
    );
    assert_eq!(text.matches("catchup").count(), 2, "{text}");
    server.done("line/update", "username=bob&data[catchup]=0");
    assert_eq!(archived(), [(0, 0), (0, 0)]);
    assert!(!playlist().contains("catchup"));
}

#[test]
fn the_panel_plays_any_moment() {
    let (server, from) = with_archive();
    let panel = Panel::admin(&server);
    assert!(panel.get("/panel/streams/1").contains("/panel/streams/1/archive"));
    assert!(panel.get("/panel/streams/2/archive").contains("Nothing of it is recorded."));
    let at = clock(from + 12, "UTC", "%Y-%m-%dT%H:%M:%S");
    let page = panel.get(&format!("/panel/streams/1/archive?at={at}"));
    let source = format!("/panel/streams/1/archive.mp4?at={}", from + 12);
    assert!(page.contains(&source), "{page}");
    let played = server.data().join("played.mp4");
    let (file, address) = (played.to_str().expect("a path"), source.as_str());
    panel.curl(&["-m", "20", "-o", file, "-r", "0-200000"], None, address);
    let bytes = std::fs::read(&played).expect("it plays");
    // The file begins with the head of the answer.
    let is_film = bytes.windows(4).take(2_000).any(|four| four == b"ftyp");
    assert!(bytes.len() > 10_000 && is_film, "{} bytes", bytes.len());
    let missing = panel.ask("/panel/streams/1/archive.mp4?at=1000000000");
    assert!(
        missing.status == 409 && missing.body.contains("nothing of that moment is recorded"),
        "{}",
        missing.body
    );
    for (sent, words) in [
        ("soon", "A date and a time"),
        ("", "A date and a time"),
        ("2001-09-09T01:46:40", "Nothing of that moment is recorded"),
        ("2040-01-01T00:00", "Nothing of that moment is recorded"),
    ] {
        let page = panel.get(&format!("/panel/streams/1/archive?at={sent}"));
        assert!(page.contains(words) && !page.contains("archive.mp4"), "{sent}: {page}");
    }
    assert!(!panel.get("/panel/streams/1/archive").contains("A date and a time"), "nothing was asked yet");
    let why = panel.get(&format!("/panel/lines/1/why?stream=1&at={at}"));
    assert!(why.contains("Catch-up") && why.contains("Archive"), "{why}");
}
