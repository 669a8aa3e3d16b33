//! Streams are recorded in pieces that can be played, whatever happens to the server, the disk and the clock.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    support::{
        TestServer, disk, linecard,
        panel::{PASSWORD, Panel},
        tv::{self, put_picture, within},
    },
    viewing::viewing_faults::library_of,
};

/// A server that records in pieces of two seconds: a stream that runs always and one on demand.
fn recording(folder: tempfile::TempDir, arguments: &[&str], environment: &[(&str, &Path)]) -> TestServer {
    put_picture(folder.path());
    let arguments = [&["--archive-piece", "2"], arguments].concat();
    let server = TestServer::with(folder, &arguments, environment);
    server.done("settings/update", "data[archive_keep_free_bytes]=0");
    server
}

fn add(server: &TestServer, more: &str) {
    server.done(
        "streams/new",
        &format!("data[name]=Recorded&data[sources][]=media/test.ts&data[archive_days]=7{more}"),
    );
}

/// The pieces below a folder: when each begins and ends in unix milliseconds, whether it joins, and its file; oldest first.
fn pieces(folder: &Path) -> Vec<(u64, u64, bool, PathBuf)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(pieces(&path));
        } else if let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".ts")) {
            let (name, joins) = name.strip_suffix("-d").map_or((name, true), |name| (name, false));
            let (start, duration) = name.split_once('-').expect("START-DURATION");
            let (start, duration): (u64, u64) = (start.parse().expect("ms"), duration.parse().expect("ms"));
            found.push((start, start + duration, joins, path));
        }
    }
    found.sort();
    found
}

/// Whether the first picture of a file is a key frame, and how many milliseconds it plays, as ffprobe says; it must find nothing wrong.
fn probe(file: &Path) -> (bool, u64) {
    let (is_key, lasts, wrong) = looked_at(file);
    assert!(wrong.is_empty(), "{}: {wrong}", file.display());
    (is_key, lasts)
}

/// The same of a piece that was broken off: its last picture may not be whole.
fn looked_at(file: &Path) -> (bool, u64, String) {
    let about = "-v error -select_streams v -show_entries frame=key_frame:format=duration -of csv=p=0";
    let said = Command::new("ffprobe").args(about.split_whitespace()).arg(file).output().expect("ffprobe");
    let (text, wrong) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    let lines: Vec<&str> = text.lines().map(|line| line.trim_matches(',')).collect();
    let (seconds, rest) = lines.last().and_then(|line| line.split_once('.')).expect("a duration");
    let (seconds, rest): (u64, u64) =
        (seconds.parse().expect("seconds"), rest[..3].parse().expect("the rest"));
    (lines[0] == "1", seconds * 1000 + rest, wrong.into_owned())
}

#[allow(clippy::disallowed_methods, reason = "the test has a clock of its own")]
fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_millis()).expect("a time")
}

#[test]
fn each_piece_begins_with_a_key_frame_and_plays_and_a_killed_server_leaves_a_gap_of_seconds() {
    let begun = now();
    let server = recording(tempfile::tempdir().expect("a folder"), &[], &[]);
    add(&server, "");
    add(&server, "&data[on_demand]=1");
    let archive = server.data().join("archive");
    let of = |archive: &Path, stream: u64| pieces(&archive.join(stream.to_string()));
    within(40, "both are recorded", || of(&archive, 1).len() > 3 && of(&archive, 2).len() > 3);
    assert_eq!(tv::online(&server), [1, 2], "one on demand runs as well");
    let found = of(&archive, 1);
    for (start, end, _, file) in &found {
        let (is_key, lasts) = probe(file);
        assert!(is_key && lasts.abs_diff(end - start) < 300, "{}: {lasts}", file.display());
        assert!(*start > begun - 3_000 && *end < now() + 3_000, "{start} {end} {begun}");
    }
    assert!(!found[0].2 && found[1..].iter().all(|piece| piece.2), "{found:?}");
    assert!(found.windows(2).all(|two| two[1].0 == two[0].1), "one after the other: {found:?}");
    // All together are one stream.
    let whole = server.data().join("whole.ts");
    let bytes: Vec<u8> = found.iter().flat_map(|(_, _, _, file)| fs::read(file).expect("a piece")).collect();
    fs::write(&whole, bytes).expect("a file");
    let (_, lasts) = probe(&whole);
    assert!(lasts.abs_diff(found[found.len() - 1].1 - found[0].0) < 300, "{lasts}: {found:?}");

    let folder = server.kill();
    let last = of(&archive, 1).last().expect("a piece").1;
    let server = TestServer::on(folder, &["--archive-piece", "2"]);
    within(40, "it goes on", || of(&archive, 1).iter().filter(|piece| piece.0 >= last).count() > 2);
    let found = of(&archive, 1);
    let gap = found.windows(2).map(|two| two[1].0.saturating_sub(two[0].1)).max();
    assert!(gap.is_some_and(|gap| gap < 15_000), "{found:?}");
    assert!(found.windows(2).all(|two| two[1].0 >= two[0].1), "none over another: {found:?}");
    assert!(found.iter().all(|(_, _, _, file)| looked_at(file).0));

    // A clean end leaves no part behind.
    let folder = server.stop();
    let names = fs::read_dir(folder.path().join("archive/1")).expect("a folder").flatten();
    assert!(names.into_iter().all(|name| name.path().is_dir()));
    drop(folder);
}

#[test]
fn a_disk_that_is_full_and_a_folder_that_is_gone_pause_recording_and_never_the_stream() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = tempfile::tempdir().expect("another folder");
    let (archive, full) = (elsewhere.path().join("disk"), elsewhere.path().join("full"));
    let environment = [("LD_PRELOAD", disk::library()), ("ARCHIVE_FULL", full.as_path())];
    let server = recording(folder, &["--archive", archive.to_str().expect("text")], &environment);
    add(&server, "");
    let why = || {
        let listed = server.done("archive/list", "");
        let row = &listed["archives"][0];
        (row["recording"] == 1, row["why"].as_str().unwrap_or_default().to_owned())
    };
    within(30, "it runs", || tv::online(&server) == [1]);
    within(30, "a folder that was named is not made", || why().1.contains("No such file or directory"));
    assert!(!archive.exists());
    fs::write(&archive, "").expect("a file");
    within(30, "a file is no folder", || why().1.contains("Not a directory"));
    fs::remove_file(&archive).expect("gone");
    fs::create_dir(&archive).expect("the disk is there");
    within(40, "it is recorded", || why().0 && pieces(&archive).len() > 1);
    fs::write(&full, "").expect("a file");
    within(30, "it says so", || why() == (false, why().1) && why().1.contains("No space left on device"));
    let before = pieces(&archive);
    fs::remove_file(&full).expect("room");
    within(40, "it goes on", || why().0 && pieces(&archive).len() > before.len() + 1);
    fs::rename(&archive, elsewhere.path().join("gone")).expect("gone");
    within(30, "it says so again", || why().1.contains("No such file or directory"));
    fs::create_dir(&archive).expect("another disk");
    within(40, "it goes on there", || why().0 && !pieces(&archive).is_empty());
    let running = server.done("streams/online", "");
    assert_eq!(running["streams"][0]["restarts"], 0, "the stream did not notice: {running}");
    for (_, _, _, file) in pieces(elsewhere.path()) {
        assert!(looked_at(&file).0);
    }
}

#[test]
fn a_small_disk_that_fills_up_and_one_that_is_read_only_pause_recording_until_they_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    put_picture(folder.path());
    let disk = tempfile::tempdir().expect("where it is mounted");
    let at = disk.path().to_str().expect("text");
    let start = format!(
        "mount -t tmpfs -o size=24m none {at} && LINECARD_ADMIN_PASSWORD='{PASSWORD}' exec \"$@\" --archive {at} --archive-piece 2"
    );
    let server = TestServer::under(folder, "unshare", &["-r", "-m", "sh", "-c", &start, "sh"]);
    server.done("settings/update", "data[archive_keep_free_bytes]=0");
    add(&server, "");
    let pid = server.pid().to_string();
    let there = PathBuf::from(format!("/proc/{pid}/root{at}"));
    let mount = |how: &str| {
        let enter = ["-t", &pid, "-U", "-m", "--preserve-credentials", "sh", "-c", how];
        assert!(Command::new("nsenter").args(enter).status().expect("nsenter").success(), "{how}");
    };
    let panel = Panel::admin(&server);
    let is_recorded = || {
        let listed = server.done("archive/list", "");
        listed["paused"].is_null() && listed["archives"][0]["recording"] == 1
    };
    let says = |words: &str| {
        let listed = server.done("archive/list", "").to_string();
        listed.contains(words) && panel.get("/panel/").contains("Streams that are not recorded")
    };
    let goes_on = |what: &str| {
        let last = pieces(&there).last().map_or(0, |piece| piece.1);
        within(40, what, || {
            is_recorded() && pieces(&there).iter().filter(|piece| piece.0 >= last).count() > 1
        });
        assert!(!panel.get("/panel/").contains("Streams that are not recorded"));
    };
    goes_on("it is recorded");
    // Whatever else is on the disk takes all of it.
    let mut ballast = fs::File::create(there.join("ballast")).expect("a file");
    while ballast.write_all(&[1; 4096]).is_ok() {}
    within(40, "it says that nothing is left", || {
        while ballast.write_all(&[1; 4096]).is_ok() {}
        says("the disk is full") || says("No space left on device")
    });
    fs::remove_file(there.join("ballast")).expect("room");
    drop(ballast);
    goes_on("it goes on where there is room");
    // The same folder, read-only.
    mount(&format!("mount --bind {at} {at} && mount -o remount,bind,ro {at}"));
    let before = pieces(&there);
    let refused = server.refused("archive/delete", "stream_id=1");
    let words = format!("The recordings cannot be deleted: cannot write to {at}: Read-only file system");
    assert!(refused.starts_with(&words) && !before.is_empty(), "{refused}");
    assert_eq!(pieces(&there).first(), before.first(), "nothing was deleted");
    let totals = server.done("archive/list", "")["archives"][0]["from"].as_u64();
    assert_eq!(totals, before.first().map(|piece| piece.0 / 1000), "nor forgotten");
    mount(&format!("umount -l {at}"));
    server.done("archive/delete", "stream_id=1");
    within(20, "now it is", || pieces(&there).first() != before.first());
    goes_on("it goes on after that");
    mount(&format!("mount -t tmpfs -o ro none {at}"));
    within(40, "it says that nothing can be written", || says("Read-only file system"));
    mount(&format!("umount {at}"));
    goes_on("it goes on where something can be written");
    let running = server.done("streams/online", "");
    assert_eq!(running["streams"][0]["restarts"], 0, "the stream did not notice: {running}");
}

#[test]
fn a_second_server_neither_records_into_the_folder_of_another_nor_deletes_in_it() {
    let archive = tempfile::tempdir().expect("a folder");
    let named = ["--archive", archive.path().to_str().expect("text")];
    let first = recording(tempfile::tempdir().expect("a folder"), &named, &[]);
    add(&first, "");
    within(40, "it is recorded", || !pieces(archive.path()).is_empty());
    let second = recording(tempfile::tempdir().expect("another folder"), &named, &[]);
    // Of the other server's recordings, to it.
    second.done("streams/new", "data[name]=Other&data[sources][]=media/test.ts");
    second.done("streams/new", "data[name]=Recorded&data[sources][]=media/test.ts&data[archive_days]=1");
    let listed = || second.done("archive/list", "");
    within(40, "it says so", || listed().to_string().matches("another server records into").count() > 1);
    assert!(!archive.path().join("2").exists(), "it records nothing");
    let before = pieces(archive.path());
    assert!(!before.is_empty() && before.iter().all(|piece| piece.3.exists()), "nothing was deleted");
    first.stop();
    within(40, "it records once it is alone", || {
        archive.path().join("2").exists() && listed()["paused"].is_null()
    });
}

#[test]
fn a_clock_that_is_set_back_and_forth_puts_nothing_over_or_before_what_is_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    fs::write(&clock, "+0").expect("a file");
    let library = library_of("libfaketime.so.1");
    let environment = [
        ("LD_PRELOAD", library.as_path()),
        ("FAKETIME_TIMESTAMP_FILE", clock.as_path()),
        ("FAKETIME_NO_CACHE", Path::new("1")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
    ];
    let server = recording(folder, &[], &environment);
    add(&server, "");
    let archive = server.data().join("archive");
    within(40, "it is recorded", || pieces(&archive).len() > 1);
    fs::write(&clock, "+2h").expect("a file");
    let ahead = now() + 7_000_000;
    let later = || pieces(&archive).iter().filter(|piece| piece.0 > ahead).count();
    within(40, "by the new clock", || later() > 1);
    fs::write(&clock, "+1h").expect("a file");
    let why =
        || server.done("archive/list", "")["archives"][0]["why"].as_str().unwrap_or_default().to_owned();
    within(40, "it waits", || why().contains("behind what is recorded"));
    let before = pieces(&archive);
    fs::write(&clock, "+2h").expect("a file");
    within(40, "it goes on", || pieces(&archive).len() > before.len() + 1);
    let found = pieces(&archive);
    assert_eq!(found[..before.len()], before[..], "nothing came before or over it");
    assert!(found.windows(2).all(|two| two[1].0 + 500 >= two[0].1), "{found:?}");
}

/// Puts pieces of a minute into an archive, each of 100,000 bytes, so many minutes before now.
fn put(archive: &Path, stream: u64, minutes_ago: impl Iterator<Item = u64>) {
    for minutes in minutes_ago {
        let start = (now() / 60_000 - minutes) * 60_000;
        let day =
            Command::new("date").args(["-u", "-d", &format!("@{}", start / 1000), "+%Y-%m-%d/%H"]).output();
        let day = String::from_utf8(day.expect("date").stdout).expect("text");
        let hour = archive.join(stream.to_string()).join(day.trim());
        fs::create_dir_all(&hour).expect("a folder");
        fs::write(hour.join(format!("{start}-60000.ts")), vec![0x47; 100_000]).expect("a piece");
    }
}

#[test]
fn the_oldest_of_the_stream_that_has_most_for_its_days_goes_first_and_what_is_too_old_and_what_nobody_records()
 {
    let folder = tempfile::tempdir().expect("a folder");
    let server = TestServer::with(folder, &[], &[("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))]);
    server.done("settings/update", "data[archive_keep_free_bytes]=0");
    for name in ["North", "South", "West"] {
        let one =
            format!("data[name]={name}&data[sources][]=media/none.ts&data[archive_days]=7&data[enabled]=0");
        server.done("streams/new", &one);
    }
    let folder = server.stop();
    let archive = folder.path().join("archive");
    put(&archive, 1, 100..120);
    put(&archive, 2, (100..103).chain(200..202));
    put(&archive, 3, 1..3);
    put(&archive, 3, 8 * 1440..8 * 1440 + 2);
    put(&archive, 9, 1500..1510);
    fs::write(archive.join("notes.txt"), "mine").expect("a file");
    let server = TestServer::on(folder, &[]);
    let held = || -> Vec<(i64, i64)> {
        let listed = server.done("archive/list", "");
        let rows = listed["archives"].as_array().expect("a list");
        rows.iter()
            .map(|row| (row["stream_id"].as_i64().expect("an id"), row["bytes"].as_i64().expect("bytes")))
            .collect()
    };
    within(20, "what is old or nobody's goes", || held() == [(1, 2_000_000), (2, 500_000), (3, 200_000)]);
    assert!(!archive.join("9").exists() && archive.join("notes.txt").exists());
    let listed = server.done("archive/list", "");
    let (north, south) = (&listed["archives"][0], &listed["archives"][1]);
    assert_eq!((&north["gaps"], &south["gaps"]), (&0.into(), &1.into()), "{listed}");
    assert_eq!((&south["days"], &south["seconds"]), (&7.into(), &300.into()), "{listed}");
    assert_eq!(
        (&south["recording"], &south["why"]),
        (&0.into(), &"the stream is stopped".into()),
        "{listed}"
    );
    let span = south["to"].as_i64().expect("a time") - south["from"].as_i64().expect("a time");
    assert_eq!(span, 102 * 60, "{listed}");

    server.done("settings/update", "data[archive_limit_bytes]=1500000");
    within(20, "the largest gives", || held() == [(1, 800_000), (2, 500_000), (3, 200_000)]);
    let left = pieces(&archive.join("1"));
    assert!(left.iter().all(|piece| piece.0 / 60_000 > now() / 60_000 - 110), "the newest stay: {left:?}");
    server.done(
        "settings/update",
        "data[archive_limit_bytes]=0&data[archive_keep_free_bytes]=1000000000000000",
    );
    within(20, "it pauses", || server.done("archive/list", "")["paused"].as_str().is_some());
    assert_eq!(held().len(), 3, "nothing goes for what is not possible");
    server.done("settings/update", "data[archive_keep_free_bytes]=0");

    let before = (now() / 60_000 - 150) * 60;
    server.done("archive/delete", &format!("stream_id=2&before={before}"));
    within(10, "the old ones go", || held()[1] == (2, 300_000));
    assert_eq!(server.refused("archive/delete", "stream_id=77"), "Stream does not exist: 77");
    assert_eq!(server.refused("archive/delete", ""), "Missing field: stream_id");
    let bound = server.refused("archive/delete", "stream_id=1&if_updated_at=5");
    assert!(bound.starts_with("Unknown field: if_updated_at"), "recordings are no row that changes: {bound}");
    let key = linecard(server.data(), &["api-key", "create", "reader", "--scope", "archive:read"]).1;
    let (_, answer) = server.post("archive/delete", &format!("api_key={}&stream_id=1", key.trim()));
    assert_eq!(answer["result"], false, "{answer}");

    let panel = Panel::admin(&server);
    let page = panel.get("/panel/recordings");
    for words in
        ["North", "no longer recorded", "the stream is stopped", "There is room for another", "Delete"]
    {
        assert_eq!(page.contains(words), words != "no longer recorded", "{words}: {page}");
    }
    assert!(panel.get("/panel/").contains("Streams that are not recorded"));
    let asked = panel.get("/panel/recordings/1/delete");
    assert!(asked.contains("Everything that is recorded of North will be deleted"), "{asked}");
    panel.done("/panel/recordings/1/delete", &[]);
    within(10, "all of it goes", || held().first() == Some(&(1, 0)));
    server.done("streams/update", "id=2&data[archive_days]=0");
    within(20, "what is recorded no longer goes", || !archive.join("2").exists());
    server.done("streams/delete", "id=3");
    assert!(panel.get("/panel/recordings").contains("Stream 3, which was deleted"));
    server.done("archive/delete", "stream_id=3");
    within(10, "of a deleted stream, too", || !archive.join("3").exists());
    assert_eq!(server.done("logs/list", "kind=audit&resource=archive")["total"], 3);
}
