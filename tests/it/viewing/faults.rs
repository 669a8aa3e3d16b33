//! What is left when the server ends badly, the disk fills up, or the file is not ours.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::support::{
    KEY, PROGRAM, TestServer, disk,
    tv::{Player, fill, put_picture},
    writers::{Books, assert_whole, at_once, make_reseller},
};

/// A server without an access log.
fn quiet(folder: tempfile::TempDir) -> TestServer {
    TestServer::with(folder, &[], &[("RUST_LOG", Path::new("warn"))])
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[test]
fn kill_9_in_the_middle_of_64_writers_loses_nothing_acknowledged() {
    let mut server = quiet(folder());
    make_reseller(&server);
    let mut books = Books::default();
    for round in 1..=5 {
        let before = books.total();
        server = quiet(books.fill(server, 64, Duration::from_millis(600), TestServer::kill));
        println!("round {round}: {} acknowledged", books.total() - before);
        assert!(books.total() > before + 50, "too few to prove anything: {}", books.total() - before);
        assert_eq!(books.lost(&server), 0, "round {round}");
        assert_whole(&server);
    }
}

#[test]
fn sigterm_during_16_writers_ends_cleanly_with_everything_in_the_file() {
    let server = quiet(folder());
    make_reseller(&server);
    let mut books = Books::default();
    let folder = books.fill(server, 16, Duration::from_millis(500), |server| {
        let asked = Instant::now();
        let folder = server.stop();
        println!("stopped after {:?}", asked.elapsed());
        folder
    });
    assert!(books.total() > 50, "too few to prove anything: {}", books.total());
    let log = fs::metadata(folder.path().join("linecard.db-wal")).map_or(0, |log| log.len());
    assert_eq!(log, 0, "the log is not empty");
    let server = quiet(folder);
    println!("{} acknowledged", books.total());
    assert_eq!(books.lost(&server), 0);
    assert_whole(&server);
}

#[test]
fn sigterm_as_soon_as_it_listens_ends_it_cleanly() {
    let mut folder = folder();
    for _ in 0..5 {
        folder = quiet(folder).stop();
    }
}

#[test]
fn a_full_disk_refuses_writes_with_a_reference_and_heals_without_a_restart() {
    let folder = folder();
    let flag = folder.path().join("full");
    let server = TestServer::with(folder, &[], &[("LD_PRELOAD", disk::library()), ("DISK_FULL", &flag)])
        .expecting("disk full");
    let line = server.done("line/new", "data[username]=before");
    let books = |server: &TestServer| {
        let total = |call: &str, body: &str| server.done(call, body)["total"].as_i64().expect("a total");
        (total("line/list", ""), total("logs/list", "kind=audit"))
    };
    let before = books(&server);

    fs::write(&flag, "").expect("the flag");
    let asked = Instant::now();
    let refusal = server.refused("line/new", "data[username]=refused");
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert!(refusal.contains("disk full"), "{refusal}");
    let reference = reference(&refusal);
    for inside in ["INSERT", "COMMIT", "SQL", "sqlite", "/", "linecard.db", "code"] {
        let rest = refusal.replace("LOGS -> Panel Error Log", "");
        assert!(!rest.contains(inside), "{inside} in: {refusal}");
    }
    assert_eq!(books(&server), before, "something was written, or reading does not work");
    let info = server.done("line/info", "username=before");
    assert_eq!(info["line_info"]["id"], line["created_id"]);
    let (status, _) = server.curl("/healthz", &["-m", "3"]);
    assert!(status == 200 || status == 503, "{status}");
    // The log row that waits is tried again each second, and must not be lost by that.
    std::thread::sleep(Duration::from_millis(2200));
    assert_eq!(books(&server), before);

    fs::remove_file(&flag).expect("the flag");
    server.done("line/new", "data[username]=after");
    let entry = error_log_entry(&server, &reference);
    assert_eq!(entry["resource"], "line", "{entry}");
    assert_eq!(entry["action"], "new", "{entry}");
    assert_eq!(entry["error"], "disk full", "{entry}");
    assert_eq!(entry["address"], "127.0.0.1", "{entry}");
    assert!(entry["actor"].as_str().is_some_and(|actor| actor.contains("first key")), "{entry}");
    assert_eq!(books(&server), (before.0 + 1, before.1 + 1));
    assert_eq!(server.curl("/healthz", &["-m", "3"]).0, 200);
    assert_whole(&server);
}

#[test]
fn each_of_many_callers_that_a_full_disk_refuses_finds_its_own_entry() {
    let folder = folder();
    let flag = folder.path().join("full");
    let server = TestServer::with(folder, &[], &[("LD_PRELOAD", disk::library()), ("DISK_FULL", &flag)])
        .expecting("disk full");
    fs::write(&flag, "").expect("the flag");
    let refusals = at_once(&server, 32, 4, "line/new");
    fs::remove_file(&flag).expect("the flag");
    let references: BTreeSet<String> =
        refusals.iter().map(|answer| reference(answer["error"].as_str().unwrap_or_default())).collect();
    assert_eq!(references.len(), 32 * 4, "callers share a reference");
    for reference in &references {
        error_log_entry(&server, reference);
    }
    assert_eq!(server.done("line/list", "")["total"], 0);
}

#[test]
fn another_process_that_holds_the_write_lock_delays_writes_and_then_refuses_them_with_a_reference() {
    let server = quiet(folder()).expecting("database busy");
    // Behind what the start itself writes.
    server.done("line/new", "");
    let other = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let refusal = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.refused("line/new", ""));
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(server.done("line/list", "")["total"], 1);
        assert_eq!(server.curl("/healthz", &["-m", "3"]).0, 200);
        waiting.join().expect("a refusal")
    });
    assert!(refusal.contains("database busy"), "{refusal}");
    let refused_after = |_| {
        let asked = Instant::now();
        server.refused("line/new", "");
        asked.elapsed()
    };
    let soonest = (0..4).map(refused_after).min().expect("four");
    assert!(soonest < Duration::from_millis(900), "half a second: {soonest:?}");
    other.execute_batch("ROLLBACK").expect("no lock");
    server.done("line/new", "");
    let entry = error_log_entry(&server, &reference(&refusal));
    assert_eq!((&entry["resource"], &entry["action"]), (&"line".into(), &"new".into()), "{entry}");

    // A short one delays them only.
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.done("line/new", ""));
        std::thread::sleep(Duration::from_millis(500));
        other.execute_batch("COMMIT").expect("no lock");
        waiting.join().expect("an answer");
    });
}

#[test]
fn a_write_lock_that_stays_with_another_process_keeps_nobody_waiting_longer_than_5_seconds() {
    let folder = folder();
    put_picture(folder.path());
    let server = quiet(folder).expecting("database busy");
    fill(&server, 1);
    let mut player = Player::get(&server, "/live/bob/pw/1", "VLC");
    player.read(188 * 10);
    let other = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    other.busy_timeout(Duration::from_secs(5)).expect("set");
    let ends = now() + 6;
    server.done("line/update", &format!("username=bob&data[expire_date]={ends}"));
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    std::thread::scope(|scope| {
        // One after the other, and at odds with one another.
        for late in 0..6 {
            let server = &server;
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(700 * late));
                for _ in 0..3 {
                    let asked = Instant::now();
                    assert!(server.refused("line/new", "").contains("database busy"));
                    assert!(asked.elapsed() < Duration::from_millis(5500), "{:?}", asked.elapsed());
                }
            });
        }
        let until_the_end = Duration::from_secs(ends.saturating_sub(now()));
        assert!(
            player.is_closed_within(until_the_end.as_secs() + 3),
            "the subscription ended while the lock was held"
        );
        assert!(now() >= ends, "too early");
    });
    let mut player = Player::get(&server, "/live/bob/pw/1", "VLC");
    assert!(player.is_closed_within(3) || player.status == 403);
    let asked = Instant::now();
    let folder = server.stop();
    assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
    other.execute_batch("ROLLBACK").expect("no lock");
    drop(other);
    assert_whole(&quiet(folder));
}

/// Unix seconds.
#[allow(clippy::disallowed_methods, reason = "a subscription is to end soon")]
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
}

#[test]
fn a_server_whose_disk_is_full_stops_cleanly_and_does_not_start_on_an_empty_folder() {
    let folder = folder();
    let flag = folder.path().join("full");
    let preload = [("LD_PRELOAD", disk::library()), ("DISK_FULL", flag.as_path())];
    let server = TestServer::with(folder, &[], &preload).expecting("disk full");
    server.done("line/new", "data[username]=kept");
    fs::write(&flag, "").expect("the flag");
    server.refused("line/new", "data[username]=refused");
    let server = TestServer::on(server.stop(), &[]);
    server.done("line/info", "username=kept");
    assert_whole(&server);

    let empty = tempfile::tempdir().expect("a temporary folder");
    let why = refused_start(empty.path(), &preload);
    assert!(why.contains("disk full"), "{why}");
}

/// Waits until the Panel Error Log has the entry.
fn error_log_entry(server: &TestServer, reference: &str) -> serde_json::Value {
    let until = Instant::now() + Duration::from_secs(4);
    loop {
        let found = server.done("logs/list", &format!("kind=error&reference={reference}"));
        if found["total"] == 1 {
            return found["logs"][0].clone();
        }
        assert!(Instant::now() < until, "no entry {reference}: {found}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The `E-XXXXXXXX` in a text.
fn reference(text: &str) -> String {
    let start = text.find("E-").unwrap_or_else(|| panic!("no reference: {text}"));
    let reference: String = text[start..].chars().take(10).collect();
    let right = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
    assert!(reference.len() == 10 && reference[2..].chars().all(right), "{text}");
    reference
}

/// Runs `serve` where it cannot start; the one sentence on standard error.
fn refused_start(data: &Path, environment: &[(&str, &Path)]) -> String {
    let output = Command::new("timeout")
        .args(["10", PROGRAM, "serve", "--listen", "127.0.0.1:0"])
        .env("LINECARD_DATA", data)
        .env("LINECARD_API_KEY", KEY)
        .env("RUST_LOG", "warn")
        .envs(environment.iter().copied())
        .output()
        .expect("timeout is installed");
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{why}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    println!("{}", why.trim_end());
    let why = why.trim_end().strip_prefix("linecard: ").unwrap_or_else(|| panic!("{why}"));
    assert!(!why.contains('\n'), "more than one line: {why}");
    why.to_owned()
}

/// `serve` refuses a folder with that file, leaves the file as it is, and says what to do.
fn refuses_the_file(folder: &Path, cause: &str) {
    let file = folder.join("linecard.db");
    let before = fs::read(&file).expect("the file");
    let why = refused_start(folder, &[]);
    assert!(why.contains(cause), "{why}");
    assert!(why.contains("linecard.db"), "{why}");
    assert!(fs::read(&file).expect("the file") == before, "the file was changed");
    for more in ["-wal", "-shm", "-journal"] {
        assert!(!folder.join(format!("linecard.db{more}")).exists(), "{more} is left");
    }
}

#[test]
fn another_program_s_sqlite_file_is_refused_and_left_as_it_is() {
    for (version, application, format) in [(0, 0, 1), (1, 0, 1), (7, 0x4142_4344, 1), (0, 0, 2)] {
        let folder = stopped();
        patch(folder.path(), version, application, format);
        refuses_the_file(folder.path(), "belongs to another program. Name another folder with --data");
    }
}

#[test]
fn a_newer_version_s_file_is_refused_and_left_as_it_is() {
    let folder = stopped();
    patch(folder.path(), 99, 0x4C4E_4344, 2);
    refuses_the_file(folder.path(), "a newer Linecard made it (schema 99");
}

#[test]
fn a_log_that_another_program_left_behind_stays_as_it_is() {
    let made = folder();
    let open = rusqlite::Connection::open(made.path().join("linecard.db")).expect("a database");
    open.execute_batch(
        "PRAGMA journal_mode = WAL; CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')",
    )
    .expect("a table");
    // As after a crash: the log was not yet moved into the file.
    let left = folder();
    let files = ["linecard.db", "linecard.db-wal"].map(|name| left.path().join(name));
    for file in &files {
        fs::copy(made.path().join(file.file_name().expect("a name")), file).expect("a copy");
    }
    let read = || files.each_ref().map(|file| fs::read(file).expect("the file"));
    let before = read();
    assert!(!before[1].is_empty(), "there is no log to leave alone");
    let why = refused_start(left.path(), &[]);
    assert!(why.contains("belongs to another program"), "{why}");
    assert!(read() == before, "a file was changed");
}

#[test]
fn a_text_file_is_refused_and_left_as_it_is() {
    let folder = folder();
    let text = "These are not the channels that you are looking for.\n".repeat(40);
    fs::write(folder.path().join("linecard.db"), text).expect("the file");
    refuses_the_file(folder.path(), "it is not a database");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "x").expect("the file");
    for data in [file.as_path(), &file.join("sub"), Path::new("/proc/linecard")] {
        let why = refused_start(data, &[]);
        assert!(why.contains("cannot create the folder"), "{why}");
        assert!(why.contains("name another with --data"), "{why}");
        assert!(why.contains(data.to_str().expect("text")), "{why}");
    }
    assert_eq!(fs::read(&file).expect("the file"), b"x");

    // There even root cannot make a file.
    let why = refused_start(Path::new("/sys/kernel"), &[]);
    assert!(why.contains("cannot write to the folder"), "{why}");
    assert!(why.contains("name another with --data"), "{why}");
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let server = quiet(folder());
    let by_another_name = folder();
    std::os::unix::fs::symlink(server.data(), by_another_name.path().join("data")).expect("a link");
    for file in fs::read_dir(server.data()).expect("the folder") {
        let name = file.expect("a file").file_name();
        assert!(!name.to_string_lossy().contains("lock"), "{name:?}: what can be removed keeps nobody out");
    }
    let why = refused_start(&by_another_name.path().join("data"), &[]);
    assert!(why.contains("another linecard serve runs on the folder"), "{why}");
    let why = refused_start(server.data(), &[]);
    assert!(why.contains("another linecard serve runs on the folder"), "{why}");
    assert!(why.contains("stop it, or name another with --data"), "{why}");
    server.done("line/new", "");
    assert_whole(&server);
}

/// A folder with a database of ours.
fn stopped() -> tempfile::TempDir {
    quiet(folder()).stop()
}

/// Writes version, owner and format (1 is the old journal, 2 the log) into the header of the database.
fn patch(folder: &Path, version: u32, application: u32, format: u8) {
    let file = folder.join("linecard.db");
    let mut bytes = fs::read(&file).expect("the file");
    bytes[18..20].fill(format);
    bytes[60..64].copy_from_slice(&version.to_be_bytes());
    bytes[68..72].copy_from_slice(&application.to_be_bytes());
    fs::write(&file, bytes).expect("the file");
}
