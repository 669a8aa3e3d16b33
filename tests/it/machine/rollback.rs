//! Upgrades of the schema, the backup before them, and the way back.

use std::{fs, path::Path, process::Command};

use super::backup::of_version;
use crate::support::{PROGRAM, TestServer, linecard};

fn schema(data: &Path) -> i64 {
    let file = rusqlite::Connection::open(data.join("linecard.db")).expect("a database");
    file.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a number")
}

/// What a start on the folder says; it must fail.
fn refused_start(data: &Path, environment: &[(&str, &str)]) -> String {
    let output = Command::new("timeout")
        .args(["20", PROGRAM, "serve", "--listen", "127.0.0.1:0"])
        .env("LINECARD_DATA", data)
        .envs(environment.iter().copied())
        .output()
        .expect("timeout is installed");
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Those from before an upgrade: the schedule makes its own there.
fn backups(data: &Path) -> Vec<String> {
    let entries = fs::read_dir(data.join("backups")).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().into_string().expect("text"));
    names.filter(|name| name.starts_with("before-schema-")).collect()
}

#[test]
fn an_upgrade_makes_a_backup_first_and_rollback_puts_it_back_and_says_what_is_lost() {
    let data = of_version(12);
    fs::write(data.path().join("linecard.version"), "0.1.77\n").expect("a file");
    let server = TestServer::on(data, &[]);
    let told = "The database is upgraded from schema 12 to ";
    assert!(server.greeting.contains(told) && server.log().contains(told), "{}", server.greeting);
    let made = backups(server.data());
    assert!(
        made.len() == 1 && made[0].starts_with("before-schema-") && server.greeting.contains(&made[0]),
        "{made:?}"
    );
    let newest = schema(server.data());
    server.done("line/new", "data[username]=since&data[notes]=with, a comma");
    server.done("resellers/add_credits", "id=1&credits=5");
    let (code, _, why) = linecard(server.data(), &["rollback", "--yes"]);
    assert!(code != 0 && why.contains("another linecard serve runs"), "{why}");

    let data = server.stop();
    let (code, said, why) = linecard(data.path(), &["rollback"]);
    assert!(code != 0 && why.contains("there is no terminal to ask at. Say --yes"), "{why}");
    assert!(said.contains("of the audit trail and 1 rows of the ledger"), "{said}");
    assert_eq!(schema(data.path()), newest, "nothing was changed");
    let list = data.path().join("lost.csv");
    let (code, said, why) =
        linecard(data.path(), &["rollback", "--yes", "--list", list.to_str().expect("text")]);
    assert_eq!(code, 0, "{said}{why}");
    assert!(said.contains("now install Linecard 0.1.77"), "{said}");
    let list = fs::read_to_string(list).expect("the list");
    let audit = list.lines().filter(|line| line.starts_with("audit_log,")).count();
    assert!(
        said.contains(&format!("since then {audit} rows of the audit trail")) && audit >= 2,
        "{said}{list}"
    );
    assert_eq!(list.lines().filter(|line| line.starts_with("ledger,")).count(), 1, "{list}");
    assert!(list.starts_with("log,id,at,who,") && list.contains("with, a comma"), "{list}");
    assert_eq!(schema(data.path()), 12);
    let kept = fs::read_dir(data.path()).expect("it").flatten();
    let kept = kept
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().contains("/replaced-"))
        .expect("kept");
    assert_eq!(schema(&kept), newest);
    assert_eq!(fs::read_to_string(data.path().join("linecard.version")).expect("text"), "0.1.77\n");

    let (code, _, why) = linecard(data.path(), &["rollback", "--yes"]);
    assert!(code != 0 && why.contains("there is nothing to take back"), "{why}");
    // The same upgrade again leaves one backup.
    let server = TestServer::on(data, &[]);
    assert_eq!(server.done("line/list", "search=since")["total"], 0);
    assert_eq!(backups(server.data()).len(), 1);
    let data = server.stop();
    assert_eq!(TestServer::on(data, &[]).greeting, "", "nothing was upgraded");
}

#[test]
fn an_upgrade_that_fails_or_has_no_room_for_its_backup_leaves_the_database_as_it_was() {
    let data = of_version(12);
    let database = data.path().join("linecard.db");
    let file = rusqlite::Connection::open(&database).expect("a database");
    file.execute_batch("PRAGMA journal_mode = WAL").expect("a log");
    drop(file);
    let before = fs::read(&database).expect("the file");

    // Where its folder should be is a file.
    fs::write(data.path().join("backups"), "in the way").expect("a file");
    let why = refused_start(data.path(), &[]);
    assert!(
        why.contains("nothing was upgraded. To go without a backup, set LINECARD_NO_UPGRADE_BACKUP=1"),
        "{why}"
    );
    let (code, _, why) = linecard(data.path(), &["whitelist", "list"]);
    assert!(code != 0 && why.contains("nothing was upgraded"), "{why}");
    assert!(fs::read(&database).expect("the file") == before);
    fs::remove_file(data.path().join("backups")).expect("it is there");

    let file = rusqlite::Connection::open(&database).expect("a database");
    file.execute_batch("CREATE TABLE message_targets (id INTEGER)").expect("a table in the way");
    drop(file);
    let before = fs::read(&database).expect("the file");
    for _ in 0..2 {
        let why = refused_start(data.path(), &[]);
        assert!(why.contains("cannot open") && why.contains("message_targets"), "{why}");
        assert!(fs::read(&database).expect("the file") == before);
        assert_eq!((schema(data.path()), backups(data.path()).len()), (12, 1));
    }

    let file = rusqlite::Connection::open(&database).expect("a database");
    file.execute_batch("DROP TABLE message_targets").expect("out of the way");
    drop(file);
    fs::remove_dir_all(data.path().join("backups")).expect("it is there");
    let without = [("LINECARD_NO_UPGRADE_BACKUP", Path::new("1"))];
    let server = TestServer::with(data, &[], &without);
    assert!(server.greeting.contains("without a backup"), "{}", server.greeting);
    assert!(backups(server.data()).is_empty());
    let (code, _, why) = linecard(server.data(), &["check"]);
    assert_eq!(code, 0, "{why}");
    let data = server.stop();
    let (code, _, why) = linecard(data.path(), &["rollback", "--yes"]);
    assert!(code != 0 && why.contains("there is no backup from before an upgrade"), "{why}");
}
