//! The files of the database: removed, replaced, copied over, open to others, damaged.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::{FileExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::support::{
    PROGRAM, TestServer, linecard,
    panel::{self, Panel},
    tv::within,
    writers::assert_whole,
};

fn file(folder: &Path, end: &str) -> PathBuf {
    folder.join(format!("linecard.db{end}"))
}

/// What a start on the folder says; it must fail.
fn refused_start(folder: &Path) -> String {
    let output = Command::new("timeout")
        .args(["20", PROGRAM, "serve", "--listen", "127.0.0.1:0"])
        .env("LINECARD_DATA", folder)
        .output()
        .expect("timeout is installed");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_log_that_is_removed_or_replaced_stops_writes_and_takes_nothing_acknowledged_with_it() {
    let remove: fn(&Path) = |path| fs::remove_file(path).expect("it is there");
    let replace: fn(&Path) = |path| {
        let other = path.with_extension("other");
        fs::write(&other, "x").expect("a file");
        fs::rename(&other, path).expect("in its place");
    };
    let mut folder = tempfile::tempdir().expect("a folder");
    for (round, (end, harm)) in
        [("-wal", remove), ("-wal", replace), ("-shm", remove)].into_iter().enumerate()
    {
        let server = TestServer::on(folder, &[]).expecting("restart the server");
        server.done("line/new", &format!("data[username]=kept{round}"));
        harm(&file(server.data(), end));
        for _ in 0..2 {
            let refusal = server.refused("line/new", "data[username]=lost");
            assert!(
                refusal.contains("the log of the database is gone from the data folder: restart"),
                "{refusal}"
            );
        }
        folder = server.kill();
        if end == "-wal" {
            // What stands there now is not the log.
            let _ = fs::remove_file(file(folder.path(), "-wal"));
        }
    }
    let server = TestServer::on(folder, &[]);
    for round in 0..3 {
        server.done("line/info", &format!("username=kept{round}"));
    }
    assert_eq!(server.done("line/list", "search=lost")["total"], 0);
    server.done("line/new", "data[username]=after");
    assert_whole(&server);
}

#[test]
fn a_log_that_is_removed_is_noticed_though_nobody_writes() {
    let server = TestServer::start().expecting("restart the server");
    server.done("line/new", "data[username]=kept");
    fs::remove_file(file(server.data(), "-wal")).expect("it is there");
    within(10, "it is told", || server.log().contains("the log of the database is gone"));
    let server = TestServer::on(server.kill(), &[]);
    server.done("line/info", "username=kept");
}

#[test]
fn a_database_copied_over_the_running_one_is_noticed_and_left_as_it_is() {
    let other = TestServer::start();
    other.done("line/new", "data[username]=other");
    let other = other.stop();
    let before = fs::read(file(other.path(), "")).expect("the file");

    let server = TestServer::start().expecting("restart the server").expecting("overwritten");
    server.done("line/new", "data[username]=mine");
    // A copy of its own from a moment ago, of which every byte may be right.
    let own = other.path().join("own.db");
    let reader = rusqlite::Connection::open(file(server.data(), "")).expect("the database");
    reader.execute("VACUUM INTO ?", [own.to_str().expect("text")]).expect("a copy");
    reader.execute_batch("PRAGMA wal_checkpoint(PASSIVE)").expect("another program may move the log");
    drop(reader);
    server.done("line/new", "data[username]=mine2");

    fs::copy(&own, file(server.data(), "")).expect("copied over");
    fs::copy(file(other.path(), ""), file(server.data(), "")).expect("copied over");
    for _ in 0..2 {
        let refusal = server.refused("line/new", "data[username]=lost");
        assert!(refusal.contains("the database file was copied over while the server ran"), "{refusal}");
    }
    let folder = server.stop();
    assert!(fs::read(file(folder.path(), "")).expect("the file") == before, "the copy was written to");

    let why = refused_start(folder.path());
    assert!(why.contains("was copied over while a server had it open") && why.contains("delete"), "{why}");
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(file(folder.path(), end));
    }
    let server = TestServer::on(folder, &[]);
    server.done("line/info", "username=other");
    server.done("line/new", "data[username]=after");
    assert_whole(&server);
    assert!(!file(server.data(), "-overwritten").exists());
}

/// Writes lines with long notes until the log is longer than the checkpointer leaves alone.
fn load(server: &TestServer) {
    let notes = "n".repeat(9000);
    let is_short = || fs::metadata(file(server.data(), "-wal")).is_ok_and(|log| log.len() < 9 << 19);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while is_short() {
                    server.done("line/new", &format!("data[notes]={notes}"));
                }
            });
        }
    });
}

#[test]
fn a_database_written_over_behind_a_load_is_noticed_in_its_first_run_too() {
    let other = TestServer::start();
    load(&other);
    let other = other.stop();
    let copy: fn(&Path, &Path) = |other, mine| {
        fs::copy(other, mine).expect("copied over");
    };
    let page: fn(&Path, &Path) = |_, mine| {
        let open = fs::File::options().write(true).open(mine).expect("the file");
        open.write_all_at(&[0; 4096], 20 * 4096).expect("written");
    };
    for (harm, wait) in [(copy, true), (copy, false), (page, true)] {
        // Jobs that read meet the same file.
        let server = TestServer::start()
            .expecting("restart the server")
            .expecting("overwritten")
            .expecting("database disk image is malformed");
        load(&server);
        let log_is_moved = || fs::metadata(file(server.data(), "")).is_ok_and(|found| found.len() > 1 << 20);
        if wait {
            within(20, "the log is moved", log_is_moved);
            std::thread::sleep(std::time::Duration::from_millis(600));
        }
        harm(&file(other.path(), ""), &file(server.data(), ""));
        within(5, "it is noticed", || server.log().contains("was overwritten while it was open"));
        let refusal = server.refused("line/new", "data[username]=lost");
        assert!(refusal.contains("the database file was copied over while the server ran"), "{refusal}");
    }
}

#[test]
fn a_load_and_other_programs_that_move_the_log_or_write_stop_nothing() {
    let server = TestServer::start().expecting("database busy");
    server.done("line/new", "data[username]=mine");
    std::thread::scope(|scope| {
        scope.spawn(|| load(&server));
        for _ in 0..20 {
            let other = rusqlite::Connection::open(file(server.data(), "")).expect("the database");
            other.busy_timeout(std::time::Duration::from_secs(5)).expect("patience");
            let move_log = "PRAGMA wal_checkpoint(PASSIVE)";
            let _ = other.query_row(move_log, [], |_| Ok(()));
            other
                .execute_batch("UPDATE lines SET notes = 'theirs' WHERE username = 'mine'")
                .expect("written");
            let _ = other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    });
    assert!(!server.log().contains("overwritten"), "{}", server.log());
    assert_whole(&server);
}

#[test]
fn a_list_that_is_imported_beside_a_running_server_is_no_copy() {
    let server = TestServer::start().expecting("database busy");
    let list = server.data().join("list.m3u");
    let mut text = String::from("#EXTM3U\n");
    for n in 0..20_000 {
        let _ = writeln!(text, "#EXTINF:-1 group-title=\"G{}\",Channel {n}\nhttp://10.0.0.1/{n}", n % 50);
    }
    fs::write(&list, text).expect("a list");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Both move the log into the file while the other writes: that takes many writers to happen.
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let answer = server.call("line/new", "");
                    let why = answer["error"].as_str().unwrap_or_default();
                    assert!(
                        answer["result"] == true || why.contains("busy") || why.contains("another program"),
                        "{why}"
                    );
                }
            });
        }
        let (code, said, why) = linecard(server.data(), &["import", "m3u", list.to_str().expect("text")]);
        over.store(true, Ordering::Relaxed);
        assert_eq!(code, 0, "{said}{why}");
    });
    assert!(!server.log().contains("overwritten") && !file(server.data(), "-overwritten").exists());
    assert_whole(&server);
}

#[test]
fn a_log_that_is_overwritten_behind_its_beginning_is_noticed() {
    let server = TestServer::start().expecting("overwritten").expecting("the disk failed to read or write");
    (0..4).for_each(|n| drop(server.done("line/new", &format!("data[username]=kept{n}"))));
    let log = fs::File::options().read(true).write(true).open(file(server.data(), "-wal")).expect("the log");
    // A touch, and the same bytes written again, are nobody's loss.
    let mut part = [0; 64];
    log.read_exact_at(&mut part, 4100).expect("of its first page");
    log.write_all_at(&part, 4100).expect("the same");
    server.done("line/new", "data[username]=kept4");
    // Times of files change every few milliseconds.
    std::thread::sleep(std::time::Duration::from_millis(30));
    log.write_all_at(&[0xA5; 64], 4100).expect("others");
    server.refused("line/new", "data[username]=lost");
    within(5, "it is told", || server.log().contains("-wal was overwritten"));
}

#[test]
fn a_check_changes_nothing_and_a_start_behind_it_still_refuses() {
    let server = TestServer::start();
    (0..4).for_each(|n| drop(server.done("line/new", &format!("data[username]=kept{n}"))));
    let held = |folder: &Path| ["", "-wal"].map(|end| fs::read(file(folder, end)).expect("a file"));

    // A server that was killed: its log holds everything.
    let folder = server.kill();
    let before = held(folder.path());
    let (code, found, told) = linecard(folder.path(), &["check"]);
    assert_eq!(code, 0, "{found}{told}");
    assert!(held(folder.path()) == before, "what was there is as it was");

    let server =
        TestServer::on(folder, &[]).expecting("overwritten").expecting("the disk failed to read or write");
    server.done("line/new", "");
    let log = fs::File::options().write(true).open(file(server.data(), "-wal")).expect("the log");
    log.set_len(20_000).expect("cut");
    within(5, "it is noticed", || server.log().contains("-wal was overwritten"));
    let folder = server.kill();
    let before = held(folder.path());
    for _ in 0..2 {
        let (code, found, told) = linecard(folder.path(), &["check"]);
        assert_eq!(code, 1, "{found}{told}");
        assert!(told.contains("-wal was overwritten") && told.contains("restore a backup"), "{told}");
    }
    assert!(held(folder.path()) == before, "what was there is as it was");
    let why = refused_start(folder.path());
    assert!(why.contains("-wal was overwritten"), "{why}");

    // Without a log nothing is left behind.
    let folder = TestServer::start().stop();
    let names = || fs::read_dir(folder.path()).expect("a folder").count();
    let there = names();
    let (code, ..) = linecard(folder.path(), &["check"]);
    assert_eq!((code, names()), (0, there));
}

/// What `check` says of a folder that is mounted so that nothing can be written to it; `None` where nothing can be mounted.
fn check_read_only(folder: &Path) -> Option<(bool, String)> {
    let mount = "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && echo mounted && exec \"$1\" check --data \"$0\"";
    let checked = Command::new("unshare")
        .args(["-rm", "sh", "-c", mount])
        .args([folder.as_os_str(), env!("CARGO_BIN_EXE_linecard").as_ref()])
        .output();
    let checked = checked.expect("util-linux is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let told = text(&checked.stdout).strip_prefix("mounted\n")?.to_owned();
    Some((checked.status.success(), told + &text(&checked.stderr)))
}

#[test]
fn a_folder_that_cannot_be_written_to_is_checked_or_what_to_do_is_said() {
    let above = tempfile::tempdir().expect("a folder");
    let folder = above.path().join("100% of a#1?");
    fs::create_dir(&folder).expect("a folder");
    let stopped = TestServer::start().stop();
    fs::copy(file(stopped.path(), ""), file(&folder, "")).expect("a backup");
    let Some((is_whole, told)) = check_read_only(&folder) else { return };
    assert!(is_whole && told.contains("the database is whole"), "{told}");
    let broken = rusqlite::Connection::open(file(&folder, "")).expect("it opens");
    broken.execute("UPDATE row_counts SET rows = rows + 5 WHERE name = 'lines'", []).expect("a wrong count");
    drop(broken);
    let (is_whole, told) = check_read_only(&folder).expect("as before");
    assert!(!is_whole && told.contains("count: lines are counted as 5"), "{told}");

    let server = TestServer::start();
    server.done("line/new", "data[username]=kept");
    let killed = server.kill();
    let (is_whole, told) = check_read_only(killed.path()).expect("as before");
    assert!(is_whole && told.contains("the database is whole"), "with what a server leaves: {told}");
    fs::remove_file(file(killed.path(), "-shm")).expect("the index of the log");
    let (is_whole, told) = check_read_only(killed.path()).expect("as before");
    assert!(!is_whole && told.contains("copy both files to a folder that can be written to"), "{told}");
}

#[test]
fn who_signs_in_without_the_database_is_told_what_is_wrong() {
    let server = panel::server().expecting("gone from the data folder");
    fs::remove_file(file(server.data(), "")).expect("it is there");
    let page = Panel::nobody(&server).sign_in("admin", panel::PASSWORD);
    assert_eq!(page.status, 500);
    // Nobody gets to the logs of the panel.
    assert!(page.body.contains("the database file is gone from the data folder"), "{}", page.body);
    assert!(!page.body.contains("Panel Error Log"), "{}", page.body);
    server.kill();
}

#[test]
fn a_touch_stops_nothing() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=mine");
    let path = file(server.data(), "");
    for how in [&[][..], &["-d", "2020-01-01"]] {
        let touched = Command::new("touch").args(how).arg(&path).status().expect("touch is installed");
        assert!(touched.success());
        server.done("line/new", "");
    }
    // While nobody writes, and while many do.
    std::thread::scope(|scope| {
        scope.spawn(|| (0..40).for_each(|_| drop(server.done("line/new", ""))));
        for _ in 0..40 {
            drop(Command::new("touch").arg(&path).status());
        }
    });
    assert!(!server.log().contains("overwritten"), "{}", server.log());
    assert_whole(&server);
}

#[test]
fn an_index_that_is_cut_short_loses_nothing_that_was_answered() {
    let server = TestServer::start();
    (0..4).for_each(|n| drop(server.done("line/new", &format!("data[username]=kept{n}"))));
    fs::write(file(server.data(), "-shm"), "").expect("emptied");
    // The system kills it with its next look at the index.
    let server = TestServer::on(server.kill(), &[]);
    (0..4).for_each(|n| drop(server.done("line/info", &format!("username=kept{n}"))));
    server.done("line/new", "data[username]=after");
    assert_whole(&server);
}

#[test]
fn a_log_that_is_emptied_or_written_over_in_place_stops_writes_and_spoils_nothing() {
    let other = TestServer::start();
    other.done("line/new", "data[username]=foreign");
    let foreign = fs::read(file(other.data(), "-wal")).expect("the log of another one");
    let shortened = |path: &Path| fs::read(path).map(|log| log[..log.len() / 2].to_vec()).expect("the log");
    for round in 0..3 {
        // Jobs that read meet the same log.
        let server = TestServer::start().expecting("overwritten").expecting("disk I/O error");
        (0..4).for_each(|n| drop(server.done("line/new", &format!("data[username]=kept{n}"))));
        let log = file(server.data(), "-wal");
        // In place: the file stays the one that is open.
        let spoilt = match round {
            0 => Vec::new(),
            1 => foreign.clone(),
            _ => shortened(&log),
        };
        fs::write(&log, spoilt).expect("overwritten");
        for _ in 0..2 {
            let refusal = server.refused("line/new", "data[username]=lost");
            assert!(refusal.contains("the log of the database was overwritten"), "{round}: {refusal}");
        }
        assert!(server.log().contains("linecard.db-wal was overwritten"), "{round}: {}", server.log());
        let folder = server.stop();
        if round > 0 {
            let why = refused_start(folder.path());
            assert!(why.contains("-wal was overwritten") && why.contains("restore a backup"), "{why}");
        }
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(file(folder.path(), end));
        }
        let server = TestServer::on(folder, &[]);
        assert_whole(&server);
        server.done("line/new", "data[username]=after");
        server.refused("line/info", "username=foreign");
    }
}

#[test]
fn files_of_the_database_are_taken_away_from_others_at_each_start() {
    let folder = TestServer::start().stop();
    let mode = |path: &Path| fs::metadata(path).expect("the file").permissions().mode() & 0o777;
    let database = file(folder.path(), "");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o644)).expect("a mode");
    let (_, _, told) = linecard(folder.path(), &["check"]);
    assert_eq!(mode(&database), 0o600);
    assert!(told.contains("was accessible to others (mode 644)"), "{told}");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o664)).expect("a mode");
    let server = TestServer::on(folder, &[]);
    server.done("line/new", "");
    for end in ["", "-wal", "-shm"] {
        assert_eq!(mode(&file(server.data(), end)), 0o600, "{end}");
    }
    for beside in ["linecard.mark", "linecard.ended", "linecard.key"] {
        assert_eq!(mode(&server.data().join(beside)), 0o600, "{beside}");
    }
    assert!(server.log().contains("was accessible to others (mode 664)"), "{}", server.log());
}

/// Writes over a whole page of the database.
fn damage(folder: &Path, page: u32) {
    let open = fs::File::options().write(true).open(file(folder, "")).expect("the file");
    open.write_all_at(&[0xA5; 4096], u64::from(page) * 4096).expect("written");
}

#[test]
fn a_damaged_database_is_described_as_far_as_it_can_be_read() {
    let server = TestServer::start();
    for number in 0..30 {
        server.done("line/new", &format!("data[username]=line{number}&data[notes]={}", "x".repeat(1500)));
    }
    server.done("resellers/new", "data[name]=North&data[credits]=5");
    let folder = server.stop();
    let open = rusqlite::Connection::open(file(folder.path(), "")).expect("the database");
    open.execute_batch("UPDATE resellers SET credits = 7").expect("a wrong balance");
    let root = |name: &str| -> u32 {
        open.query_row("SELECT rootpage - 1 FROM sqlite_schema WHERE name = ?", [name], |row| row.get(0))
            .expect("a table")
    };
    let (counts, settings) = (root("row_counts"), root("settings"));
    drop(open);

    damage(folder.path(), counts);
    let (code, found, told) = linecard(folder.path(), &["check"]);
    assert_eq!(code, 1, "{found}{told}");
    assert!(found.contains("reseller 1 has 7 credits, its ledger says 5"), "{found}{told}");
    assert!(
        found.contains("counts: cannot be checked to the end: the database file is damaged"),
        "{found}{told}"
    );

    damage(folder.path(), settings);
    let (code, found, told) = linecard(folder.path(), &["check"]);
    assert_eq!(code, 1, "{found}{told}");
    assert!(found.contains("reseller 1 has 7 credits"), "{found}{told}");
    for told in [told, refused_start(folder.path())] {
        assert!(told.contains("the database file is damaged"), "{told}");
        assert!(!told.contains("Panel Error Log"), "nobody can look there: {told}");
    }
}
