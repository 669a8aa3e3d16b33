//! A start that cannot succeed says in one sentence what is in the way and what to do, and makes nothing that is in the way of the next.

use std::{
    fs,
    os::unix::fs::{chown, symlink},
    path::Path,
    process::Command,
};

use crate::{
    support::{PROGRAM, TestServer, disk},
    viewing::viewing_faults::library_of,
};

/// Starts a server where it cannot start, by `sh -c SCRIPT` that ends in `"$@"`; its one sentence.
fn refused(script: &str, data: &Path, listen: &str, environment: &[(&str, &Path)]) -> String {
    let mut command = Command::new("timeout");
    command.args(["20", "sh", "-c", script, "sh", PROGRAM, "serve", "--listen", listen]);
    let output = command
        .env("LINECARD_DATA", data)
        .env_remove("RUST_LOG")
        .envs(environment.iter().copied())
        .output()
        .expect("timeout and sh");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{script}: {said}");
    assert!(output.stdout.is_empty(), "{script}: {:?}", String::from_utf8_lossy(&output.stdout));
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 1 && said.starts_with("linecard: "), "{script}: {said}");
    said
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

const ANY: &str = "127.0.0.1:0";
const PLAIN: &str = "exec \"$@\"";
/// As root, whom no folder refuses: without that.
const POWERLESS: &str = "exec setpriv --bounding-set=-dac_override,-dac_read_search \"$@\"";

#[test]
fn folders_and_files_that_cannot_be_used_are_named_with_what_to_do() {
    let at = folder();
    let (file, link) = (at.path().join("file"), at.path().join("link"));
    fs::write(&file, "x").expect("a file");
    symlink("nowhere", &link).expect("a link");
    let database_is_a_folder = at.path().join("a");
    fs::create_dir_all(database_is_a_folder.join("linecard.db")).expect("folders");
    let key_is_a_folder = at.path().join("b");
    fs::create_dir_all(key_is_a_folder.join("linecard.key")).expect("folders");
    for (data, said) in [
        (file.clone(), "is a file and not a folder; move it away, or name another with --data"),
        (file.join("below"), "/file is a file and not a folder"),
        (link, "it is a link to nowhere, which is not there; create that"),
        (database_is_a_folder, "linecard.db: it is a folder and not a file; move it away"),
        (
            key_is_a_folder,
            "linecard.key: it is a folder and not a file; move it away, or name another with --secret-key-file",
        ),
    ] {
        let why = refused(PLAIN, &data, ANY, &[]);
        assert!(why.contains(said), "{why}");
    }
    assert_eq!(fs::read(&file).expect("the file"), b"x");
}

#[test]
fn what_belongs_to_another_user_is_said_with_the_command_that_gives_it_over() {
    let own = rustix::process::geteuid().as_raw();
    let at = folder();
    // Whoever is not root finds a folder of root's instead.
    let (script, theirs, owner) = if own == 0 {
        let theirs = at.path().join("theirs");
        fs::create_dir(&theirs).expect("a folder");
        chown(&theirs, Some(4321), None).expect("root may");
        (POWERLESS, theirs, 4321)
    } else {
        (PLAIN, "/usr".into(), 0)
    };
    let why = refused(script, &theirs, ANY, &[]);
    let shown = theirs.display();
    assert!(
        why.contains(&format!("{shown} belongs to user {owner}, and Linecard runs as user {own}")),
        "{why}"
    );
    assert!(why.contains(&format!("as root: chown -R {own} {shown}, or name another with --data")), "{why}");
    let below = theirs.join("new");
    let why = refused(script, &below, ANY, &[]);
    assert!(why.contains(&format!("install -d -o {own} {}", below.display())), "{why}");

    if own == 0 {
        // A database that was restored by another user, into a folder that all may use.
        let file = at.path().join("linecard.db");
        drop(rusqlite::Connection::open(&file).expect("a file").execute_batch("CREATE TABLE a (b)"));
        chown(&file, Some(4321), None).expect("root may");
        fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("done");
        let why = refused(script, at.path(), ANY, &[]);
        assert!(why.contains("linecard.db belongs to user 4321") && why.contains("chown -R 0 "), "{why}");
    }
}

#[test]
fn addresses_that_cannot_be_listened_to_are_explained() {
    let at = folder();
    let taken = std::net::TcpListener::bind(ANY).expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let why = refused(PLAIN, at.path(), &address, &[]);
    assert!(
        why.contains(&format!("cannot listen on {address}: another program listens there; stop it")),
        "{why}"
    );
    let why = refused(PLAIN, at.path(), "192.0.2.1:8080", &[]);
    assert!(why.contains("192.0.2.1 is no address of this machine; name one that it has"), "{why}");
    // What was made meanwhile is used by the next start, which is still the first.
    assert!(TestServer::on(at, &[]).greeting.contains("administrator"));
}

#[test]
fn limits_with_which_nothing_can_be_done_are_said() {
    let at = folder();
    for files in [4, 8, 32, 63] {
        let why = refused(&format!("ulimit -n {files}; {PLAIN}"), at.path(), ANY, &[]);
        assert!(
            why.contains(&format!("at most {files} files and connections may be open, which is too few")),
            "{why}"
        );
        assert!(why.contains("LimitNOFILE="), "{why}");
    }
    assert_eq!(fs::read_dir(at.path()).expect("the folder").count(), 0);
    // In blocks of 512 bytes, or of 1024.
    let why = refused(&format!("ulimit -f 64; {PLAIN}"), at.path(), ANY, &[]);
    assert!(why.contains("(ulimit -f)"), "{why}");
}

#[test]
fn a_full_disk_and_a_wrong_clock_stop_the_first_start_and_the_next_one_is_whole() {
    let at = folder();
    let full = at.path().join("full");
    fs::write(&full, "").expect("the flag");
    let disk = [("LD_PRELOAD", disk::library()), ("DISK_FULL", full.as_path())];
    let data = at.path().join("data");
    let why = refused(PLAIN, &data, ANY, &disk);
    assert!(
        why.contains("disk full") && why.contains("Make room on its file system (df -h, df -i)"),
        "{why}"
    );

    let library = library_of("libfaketime.so.1");
    for (clock, said) in [("@1970-01-02 00:00:00", "1970-01-0"), ("@2099-12-31 00:00:00", "2099-12-3")] {
        let environment = [("LD_PRELOAD", library.as_path()), ("FAKETIME", Path::new(clock))];
        let empty = folder();
        let why = refused(PLAIN, empty.path(), ANY, &environment);
        assert!(why.contains("the clock of this machine says") && why.contains(said), "{why}");
        assert!(why.contains("timedatectl set-ntp true"), "{why}");
        assert_eq!(fs::read_dir(empty.path()).expect("the folder").count(), 0, "nothing was made");
    }
    fs::remove_file(&full).expect("the flag");
    assert!(TestServer::on(at, &[]).greeting.contains("administrator"));
}

#[test]
fn without_ffmpeg_or_setpriv_a_server_starts_and_the_log_says_what_to_install() {
    let programs = folder();
    let path = [("PATH", programs.path())];
    let server = TestServer::with(folder(), &[], &path);
    let log = server.log();
    assert!(
        log.contains("no stream can be played: ffmpeg is not installed")
            && log.contains("apt-get install ffmpeg"),
        "{log}"
    );
    symlink("/bin/true", programs.path().join("ffmpeg")).expect("a link");
    let server = TestServer::with(server.stop(), &[], &path);
    assert!(
        server.log().contains("setpriv is not installed: install it (apt-get install util-linux)"),
        "{}",
        server.log()
    );
    // Neither a home, nor a locale, nor anything else is needed.
    let server = TestServer::under(server.stop(), "env", &["-u", "HOME", "-u", "USER", "LC_ALL=C", "LANG="]);
    server.done("servers/list", "");
}
