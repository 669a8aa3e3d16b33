//! Databases of every version of the schema, opened by this program.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{PROGRAM, TestServer, disk, linecard};

#[test]
fn a_database_of_every_version_is_taken_over_and_goes_on_being_used() {
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"));
    let mut versions = 0;
    for entry in fs::read_dir(fixtures).expect("fixtures").flatten() {
        let name = entry.file_name().into_string().expect("a name");
        if !name.starts_with("schema-") {
            continue;
        }
        versions += 1;
        let folder = tempfile::tempdir().expect("a folder");
        let file = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("a file");
        file.execute_batch(&fs::read_to_string(entry.path()).expect("text")).expect("a database");
        drop(file);

        let server = TestServer::on(folder, &[]);
        assert_eq!(server.done("line/list", "")["total"], 3, "{name}");
        assert_eq!(server.done("line/info", "username=carol-3")["line_info"]["notes"], "notes 3", "{name}");
        assert_eq!(server.done("mag/list", "")["total"], 3, "{name}");
        for list in ["streams", "bouquets", "administrators", "resellers", "servers", "groups"] {
            assert_eq!(server.done(&format!("{list}/list"), "")["total"], 3, "{name}: {list}");
        }
        server.done("line/update", "username=anna&data[notes]=changed");
        server.done("line/new", "data[username]=newcomer&data[subscription_plan_id]=3");
        server.done("mag/delete", "mac_address=00:1A:79:00:00:02");

        let folder = server.stop();
        let (code, said, complaint) = linecard(folder.path(), &["check"]);
        assert_eq!(code, 0, "{name}: {said}{complaint}");
        let server = TestServer::on(folder, &[]);
        assert_eq!(server.done("line/info", "username=anna")["line_info"]["notes"], "changed", "{name}");
    }
    assert!(versions >= 6, "{versions} fixtures");
}

#[test]
fn rows_that_a_batch_kept_before_an_upgrade_come_back_with_defaults_for_what_they_did_not_have() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema-12.sql");
    let folder = tempfile::tempdir().expect("a folder");
    let file = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("a file");
    file.execute_batch(&fs::read_to_string(fixture).expect("text")).expect("a database");
    // A line and a MAG that were deleted a moment ago, kept with the columns of then, less those of a version before.
    let mut batches = Vec::new();
    for (table, name, from, own) in [
        (
            "lines",
            "username",
            "'anna'",
            "'password', password, 'restreamer', restreamer, 'username', username,",
        ),
        ("mags", "mac_address", "'00:1A:79:00:00:02'", "'mac_address', mac_address,"),
    ] {
        let kept = format!(
            "json_object('row', json_object({own} 'max_allowed_connections', max_allowed_connections, 'expire_date', expire_date, \
             'bouquets', json_array(1, 99), 'disabled', disabled, 'banned', banned, 'is_trial', is_trial, 'notes', 'kept'), \
             'created_at', created_at, 'updated_at', updated_at)"
        );
        file.execute_batch(&format!(
            "INSERT INTO batches (resource, action, edit, state, actor_kind, actor_id, actor, meant, done, created_at, ended_at, \
             updated_at) VALUES ('{}', 'delete', '{{}}', 'done', 'api_key', 1, 'test', 1, 1, unixepoch(), unixepoch(), unixepoch()); \
             INSERT INTO batch_rows (batch_id, row_id, name, outcome, before, changed_at) SELECT last_insert_rowid(), id, {name}, 'done', {kept}, \
             unixepoch() FROM {table} WHERE {name} = {from}; DELETE FROM {table} WHERE {name} = {from};",
            table.trim_end_matches('s')
        ))
        .expect("a batch");
        let id = file.query_row("SELECT max(id) FROM batches", [], |row| row.get::<_, i64>(0));
        batches.push(id.expect("its number"));
    }
    drop(file);
    let server = TestServer::on(folder, &[]);
    for batch in batches {
        let undone = server.done("batches/undo", &format!("id={batch}"));
        assert_eq!((&undone["undone"], &undone["kept_total"]), (&1.into(), &0.into()), "{undone}");
    }
    let line = server.done("line/info", "username=anna")["line_info"].clone();
    let facts = [&line["notes"], &line["catchup"], &line["reference"], &line["bouquets"]];
    assert_eq!(serde_json::json!(facts), serde_json::json!(["kept", 1, "", [1]]), "{line}");
    let mag = server.done("mag/info", "mac_address=00:1A:79:00:00:02")["mag_info"].clone();
    assert_eq!(
        serde_json::json!([mag["notes"], mag["lock_device"]]),
        serde_json::json!(["kept", 1]),
        "{mag}"
    );
}

/// What an upgrade changes, and what it may not lose: the version, the schema, and how many rows each table has.
fn whole(folder: &Path) -> Vec<String> {
    let file = rusqlite::Connection::open(folder.join("linecard.db")).expect("the file");
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = file.prepare(sql).expect(sql);
        let rows = statement.query_map([], |row| row.get::<_, rusqlite::types::Value>(0)).expect(sql);
        rows.map(|row| format!("{:?}", row.expect(sql))).collect()
    };
    assert_eq!(texts("PRAGMA integrity_check"), ["Text(\"ok\")"]);
    let mut found =
        [texts("PRAGMA user_version"), texts("SELECT sql FROM sqlite_schema ORDER BY name")].concat();
    let tables: Vec<String> = {
        let mut statement = file
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .expect("tables");
        let rows = statement.query_map([], |row| row.get(0)).expect("tables");
        rows.map(|row| row.expect("a name")).collect()
    };
    for table in tables {
        found.extend(
            texts(&format!("SELECT count(*) FROM {table}"))
                .into_iter()
                .map(|count| format!("{table} {count}")),
        );
    }
    found
}

/// Starts a server that upgrades the folder, and waits until it is in the middle: so many bytes are in the log.
fn upgrading(folder: &Path, bytes: u64, full: &Path) -> Child {
    let child = Command::new(PROGRAM)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("LINECARD_DATA", folder)
        .env("LD_PRELOAD", disk::library())
        .env("DISK_FULL", full)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let until = Instant::now() + Duration::from_secs(30);
    while fs::metadata(folder.join("linecard.db-wal")).map_or(0, |found| found.len()) < bytes {
        assert!(Instant::now() < until, "no upgrade of {bytes} bytes");
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}

#[test]
fn an_upgrade_that_is_killed_or_finds_the_disk_full_in_the_middle_leaves_everything_as_it_was() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/schema-1.sql");
    let folder = tempfile::tempdir().expect("a folder");
    let full = folder.path().join("full");
    let file = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("a file");
    file.execute_batch(&fs::read_to_string(fixture).expect("text")).expect("a database");
    // So many that indexes of them do not fit into memory.
    file.execute_batch(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
         INSERT INTO lines (username, password, notes, created_at, updated_at) SELECT 'user-' || i, 'pw-' || i, 'notes ' || i, 1, 1 FROM n",
    )
    .expect("lines");
    drop(file);
    let before = whole(folder.path());
    assert!(before.iter().any(|found| found == "lines Integer(60003)"), "{before:?}");

    for bytes in [1, 500_000, 1_000_000] {
        let mut child = upgrading(folder.path(), bytes, &full);
        child.kill().expect("it runs");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(
            output.status.code(),
            None,
            "it was too quick: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(whole(folder.path()), before, "killed after {bytes} bytes");
    }
    for bytes in [1, 500_000] {
        let child = upgrading(folder.path(), bytes, &full);
        fs::write(&full, "").expect("the flag");
        let output = child.wait_with_output().expect("it ends");
        fs::remove_file(&full).expect("the flag");
        let why = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && why.contains("disk full"), "{:?}: {why}", output.status);
        assert_eq!(whole(folder.path()), before, "full after {bytes} bytes");
    }
    let server = TestServer::on(folder, &[]);
    assert_eq!(server.done("line/list", "limit=1")["total"], 60_003);
}
