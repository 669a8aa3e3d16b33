//! `linecard backup`, `verify` and `restore`: while many write, of every version, and of files that are none.

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use crate::support::{
    PROGRAM, TestServer, linecard,
    panel::{self, Panel},
    tv::within,
    writers::{Books, assert_whole, make_reseller},
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Runs a command that must succeed; its standard output.
fn done(data: &Path, arguments: &[&str]) -> String {
    let (code, said, errors) = linecard(data, arguments);
    assert_eq!(code, 0, "{arguments:?}: {said}{errors}");
    said
}

/// Runs a command that must fail; its standard error.
fn failed(data: &Path, arguments: &[&str]) -> String {
    let (code, said, errors) = linecard(data, arguments);
    assert!(
        code != 0 && errors.starts_with("linecard: ") && !errors.contains("panic"),
        "{arguments:?}: {said}{errors}"
    );
    errors
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// A folder with the database of a fixture.
pub fn of_version(version: u32) -> tempfile::TempDir {
    let folder = folder();
    let fixture = format!("{}/tests/fixtures/schema-{version}.sql", env!("CARGO_MANIFEST_DIR"));
    let file = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("a file");
    file.execute_batch(&fs::read_to_string(fixture).expect("text")).expect("a database");
    folder
}

/// Makes the database of a stopped server long: so many MiB of audit trail.
fn lengthen(data: &Path, mebibytes: u32) {
    let file = rusqlite::Connection::open(data.join("linecard.db")).expect("the database");
    file.execute_batch(&format!(
        "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {mebibytes} * 256)
         INSERT INTO audit_log (at, actor_kind, actor, resource, action, after)
         SELECT unixepoch(), 'test', 'test', 'line', 'update', hex(randomblob(2000)) FROM c"
    ))
    .expect("rows");
}

fn rows(file: &Path, sql: &str) -> i64 {
    let file = rusqlite::Connection::open(file).expect("a database");
    file.query_row(sql, [], |row| row.get(0)).expect("a number")
}

#[test]
fn what_64_writers_were_answered_before_a_backup_is_in_it_and_it_is_whole() {
    let server = TestServer::start();
    make_reseller(&server);
    let data = server.stop();
    lengthen(data.path(), 24);
    let server = TestServer::on(data, &[]);
    let kept = folder();
    let mut books = Books::default();
    let mut backups = Vec::new();
    let server = books.fill(server, 64, Duration::from_millis(400), |server| {
        for round in 0..3 {
            let list = server.done("line/list", "limit=1");
            let file = kept.path().join(format!("{round}.tar.zst"));
            let said = done(server.data(), &["backup", text(&file)]);
            assert!(said.contains("SHA-256 ") && said.contains("(linecard.key) is not in it"), "{said}");
            let after = server.done("line/list", "limit=1")["total"].as_i64().expect("a number");
            backups.push((file, list["total"].as_i64().expect("a number"), after));
        }
        // Answers that are under way are answered.
        let (status, data) = server.end("-TERM");
        assert!(status.success());
        data
    });
    let server = TestServer::on(server, &[]);
    assert_eq!(books.lost(&server), 0);
    assert_whole(&server);
    assert!(!server.log().contains("overwritten"), "a backup is nobody's writing");
    for (file, before, after) in backups {
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
        let said = done(kept.path(), &["verify", text(&file)]);
        assert!(said.contains("the backup is whole"), "{said}");
        let data = folder();
        done(data.path(), &["restore", text(&file)]);
        let lines = rows(&data.path().join("linecard.db"), "SELECT count(*) FROM lines");
        assert!((before..=after).contains(&lines), "{lines} lines, {before} before and {after} after");
        let last = rows(&data.path().join("linecard.db"), "SELECT max(id) FROM lines");
        assert_eq!(last, lines, "the first ones, each of them");
        assert!(said.contains(&format!("lines {lines}\n")), "{said}");
        assert!(after > before, "nothing was written meanwhile: {before}");
    }
    assert_eq!(fs::read_dir(kept.path()).expect("a folder").count(), 3, "nothing else is left behind");
}

#[test]
fn a_backup_that_is_killed_or_has_no_room_leaves_nothing_under_its_name() {
    let data = TestServer::start().stop();
    lengthen(data.path(), 24);
    let kept = folder();
    let (file, part) = (kept.path().join("b.tar.zst"), kept.path().join("b.tar.zst.part"));
    let mut killed = Command::new(PROGRAM)
        .args(["backup", text(&file)])
        .env("LINECARD_DATA", data.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    within(20, "it writes", || fs::metadata(&part).is_ok_and(|part| part.len() > 0));
    killed.kill().expect("it runs");
    killed.wait().expect("it ends");
    assert!(part.exists() && !file.exists());

    // A file may not become longer than 1 MiB.
    let limited = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" backup \"$1\"";
    let output = Command::new("bash")
        .args(["-c", limited, PROGRAM, text(&file)])
        .env("LINECARD_DATA", data.path())
        .output()
        .expect("bash");
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && why.contains("was not written: File too large"), "{why}");
    assert!(!part.exists() && !file.exists());

    done(data.path(), &["backup", text(&file)]);
    assert!(!part.exists());
    let before = fs::read(&file).expect("the file");
    let why = failed(data.path(), &["backup", text(&file)]);
    assert!(why.contains("is there already: name another file"), "{why}");
    assert!(fs::read(&file).expect("the file") == before);
    done(data.path(), &["verify", text(&file)]);
    let why = failed(&kept.path().join("nowhere"), &["backup", text(&kept.path().join("c"))]);
    assert!(why.contains("there is no linecard.db in"), "{why}");
}

/// A tar packed with zstd, of these entries: kind, name, length that it claims, content.
fn packed(entries: &[(tar::EntryType, &str, u64, &[u8])]) -> Vec<u8> {
    let mut plain = Vec::new();
    for (kind, name, length, content) in entries {
        let mut header = tar::Header::new_gnu();
        // By hand: the crate itself refuses names that lead out of the folder.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(*length);
        header.set_mode(0o644);
        header.set_cksum();
        plain.extend_from_slice(header.as_bytes());
        plain.extend_from_slice(content);
        plain.resize(plain.len().next_multiple_of(512), 0);
    }
    plain.resize(plain.len() + 1024, 0);
    zstd::encode_all(&plain[..], 1).expect("packed")
}

fn unpacked(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).expect("zstd"));
    let entries = archive.entries().expect("a tar");
    let read = entries.map(|entry| {
        let mut entry = entry.expect("an entry");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("its content");
        (String::from_utf8(entry.path_bytes().into_owned()).expect("text"), content)
    });
    read.collect()
}

/// Files that are no whole backup, made of one that is: what each is, and what is said of it.
fn no_backups(good: &[u8]) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    use tar::EntryType::{GNULongName, Regular, Symlink};
    let parts = unpacked(good);
    assert_eq!(
        parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["manifest.json", "linecard.db", "SHA256SUMS"]
    );
    let [manifest, database, sums] = [0, 1, 2].map(|n| &parts[n].1[..]);
    let length = |bytes: &[u8]| bytes.len() as u64;
    let manifest_entry = (Regular, "manifest.json", length(manifest), manifest);
    let database_entry = (Regular, "linecard.db", length(database), database);
    let sums_entry = (Regular, "SHA256SUMS", length(sums), sums);
    let changed = |from: &str, to: &str| {
        let text = String::from_utf8_lossy(manifest).into_owned();
        assert!(text.contains(from), "{text}");
        text.replace(from, to).into_bytes()
    };
    let with = |manifest: &[u8]| {
        packed(&[(Regular, "manifest.json", length(manifest), manifest), database_entry, sums_entry])
    };
    let own = format!("\"bytes\": {}", database.len());
    let huge = changed(&own, "\"bytes\": 1125899906842624");
    let mut other = database.to_vec();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    let mut flipped = good.to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    let long = "x".repeat(300);

    vec![
        ("empty", vec![], "is empty"),
        ("text", b"no backup at all".to_vec(), "is no backup of Linecard"),
        ("database", database.to_vec(), "is a database and no backup"),
        ("age", b"age-encryption.org/v1\n".to_vec(), "is encrypted: decrypt it first"),
        ("packed text", zstd::encode_all(&b"hello"[..], 1).expect("packed"), "is no backup of Linecard"),
        ("head", good[..10].to_vec(), "ends too early"),
        ("half", good[..good.len() / 2].to_vec(), "ends too early"),
        ("last byte", good[..good.len() - 1].to_vec(), "ends too early"),
        ("flipped", flipped, "is damaged"),
        ("more", [good, b"more"].concat(), "has something behind its end"),
        ("twice", [good, good].concat(), "has something behind its end"),
        ("newer schema", with(&changed("\"schema\": ", "\"schema\": 9")), "was made by a newer Linecard"),
        (
            "newer format",
            with(&changed("\"linecard_backup\": 1", "\"linecard_backup\": 2")),
            "was made by a newer",
        ),
        ("another time", with(&changed("\"made_at\": 1", "\"made_at\": 2")), "is damaged: its sums"),
        ("out", with(&changed("linecard.db", "../linecard.db")), "is no backup of Linecard"),
        ("no manifest", packed(&[database_entry, sums_entry]), "is no backup of Linecard"),
        ("no sums", packed(&[manifest_entry, database_entry]), "ends too early"),
        (
            "other sums",
            packed(&[manifest_entry, (Regular, "linecard.db", length(&other), &other), sums_entry]),
            "its sums",
        ),
        ("link", packed(&[manifest_entry, (Symlink, "linecard.db", 0, b""), sums_entry]), "other files"),
        (
            "another name",
            packed(&[manifest_entry, (Regular, "../x", length(database), database)]),
            "other files",
        ),
        (
            "a long name",
            packed(&[manifest_entry, (GNULongName, "././@LongLink", 300, long.as_bytes())]),
            "other files",
        ),
        ("one more", packed(&[manifest_entry, database_entry, sums_entry, sums_entry]), "other files"),
        (
            "huge",
            packed(&[
                (Regular, "manifest.json", length(&huge), &huge),
                (Regular, "linecard.db", 1 << 50, database),
            ]),
            "no room",
        ),
        (
            "cut",
            packed(&[manifest_entry, (Regular, "linecard.db", length(database), &database[..4096])]),
            "ends too early",
        ),
        (
            "zeros",
            zstd::encode_all(std::io::repeat(0).take(1 << 28), 1).expect("packed"),
            "is no backup of Linecard",
        ),
    ]
}

#[test]
fn what_is_no_whole_backup_is_refused_in_a_sentence_and_changes_nothing() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=kept");
    let data = server.stop();
    let kept = folder();
    let good = kept.path().join("good");
    done(data.path(), &["backup", text(&good)]);
    let good = fs::read(good).expect("the file");
    let before = fs::read(data.path().join("linecard.db")).expect("the database");
    for (name, bytes, why) in no_backups(&good) {
        let file = kept.path().join("bad");
        fs::write(&file, bytes).expect("a file");
        for command in [&["verify", text(&file)][..], &["restore", text(&file)]] {
            let said = failed(data.path(), command);
            assert!(said.contains(why), "{name}: {said}");
        }
        fs::remove_file(file).expect("it is there");
    }
    let fifo = kept.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    assert!(failed(data.path(), &["restore", text(&fifo)]).contains("is no file"));
    assert!(fs::read(data.path().join("linecard.db")).expect("the database") == before);
    let mut names: Vec<_> =
        fs::read_dir(data.path()).expect("it").flatten().map(|entry| entry.file_name()).collect();
    names.retain(|name| {
        name.to_string_lossy().contains("restor") || name.to_string_lossy().contains("replaced")
    });
    assert!(names.is_empty(), "{names:?}");
    assert_eq!(fs::read_dir(kept.path()).expect("it").count(), 2, "what was unpacked is gone");
}

#[test]
fn a_backup_of_an_older_version_is_restored_and_brought_up_to_date() {
    let kept = folder();
    for version in [1, 6, 12] {
        let data = of_version(version);
        let file = kept.path().join(format!("{version}.tar.zst"));
        done(data.path(), &["backup", text(&file)]);
        let schema =
            |data: &Path| rows(&data.join("linecard.db"), "SELECT user_version FROM pragma_user_version");
        assert_eq!(schema(data.path()), i64::from(version), "a backup upgrades nothing");
        let said = done(kept.path(), &["verify", text(&file)]);
        assert!(
            said.contains(&format!("schema {version};")) && said.contains("the backup is whole"),
            "{said}"
        );
        let new = folder();
        let said = done(new.path(), &["restore", text(&file)]);
        assert!(said.contains("linecard.key is not there: put the one of the former machine"), "{said}");
        assert!(schema(new.path()) > 12);
        done(new.path(), &["check"]);
        assert_eq!(rows(&new.path().join("linecard.db"), "SELECT count(*) FROM lines"), 3);
    }
}

#[test]
fn a_restore_waits_for_no_server_keeps_what_it_replaces_and_lets_nobody_stay_signed_in() {
    let server = panel::server();
    server.done("line/new", "data[username]=before");
    let kept = folder();
    let file = kept.path().join("b.tar.zst");
    let browser = Panel::admin(&server);
    let cookies = fs::read(browser.cookies()).expect("cookies");
    let log_id = |server: &TestServer| server.done("events/list", "limit=1")["log_id"].clone();
    let first = log_id(&server);
    let said = done(server.data(), &["backup", text(&file), "--with-key", "--with-guide"]);
    assert!(said.contains("IT HOLDS THE KEY"), "{said}");
    server.done("line/new", "data[username]=after");
    let why = failed(server.data(), &["restore", text(&file)]);
    assert!(why.contains("another linecard serve runs on the folder") && why.contains("stop it"), "{why}");
    browser.get("/panel/lines");
    drop(browser);

    let data = server.stop();
    let said = done(data.path(), &["restore", text(&file)]);
    let place = said.split("is kept in ").nth(1).and_then(|rest| rest.split(": ").next()).expect("where");
    let replaced = PathBuf::from(place);
    assert_eq!(rows(&replaced.join("linecard.db"), "SELECT count(*) FROM lines"), 2, "{said}");
    assert_eq!(fs::metadata(&replaced).expect("it").permissions().mode() & 0o777, 0o700);
    assert!(replaced.join("linecard.key").exists(), "{said}");

    let server = TestServer::on(data, &[]);
    assert_eq!(server.done("line/list", "")["total"], 1);
    assert_ne!(log_id(&server), first, "whoever follows the events notices");
    let again = Panel::nobody(&server);
    fs::write(again.cookies(), cookies).expect("cookies");
    assert!(again.ask("/panel/lines").location().contains("login"), "signed in no more");
    assert_whole(&server);
}

#[test]
fn a_restore_that_was_killed_is_finished_by_whoever_comes_next() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=old");
    let data = server.stop();
    let other = of_version(16);
    done(other.path(), &["whitelist", "list"]);
    let ready = data.path().join("linecard.restoring");
    fs::create_dir_all(ready.join("new")).expect("a folder");
    fs::copy(other.path().join("linecard.db"), ready.join("new/linecard.db")).expect("a copy");
    fs::write(ready.join("kept"), "replaced-here").expect("a file");
    // The first step was done.
    fs::create_dir(data.path().join("replaced-here")).expect("a folder");
    fs::rename(data.path().join("linecard.db"), data.path().join("replaced-here/linecard.db"))
        .expect("moved");
    done(data.path(), &["check"]);
    assert_eq!(rows(&data.path().join("linecard.db"), "SELECT count(*) FROM lines"), 3);
    assert_eq!(rows(&data.path().join("replaced-here/linecard.db"), "SELECT count(*) FROM lines"), 1);
    assert!(!ready.exists());
    let mut left = File::create(data.path().join("linecard.restoring-part")).expect("a file");
    left.write_all(b"left").expect("written");
}
