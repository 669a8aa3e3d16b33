//! What is left when the server ends badly, the disk fills up, or the file is not ours.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::support::{
    KEY, TestServer, disk, linecard,
    writers::{Books, assert_whole, make_reseller},
};

const QUIET: (&str, &str) = ("RUST_LOG", "warn");

fn quiet(folder: tempfile::TempDir) -> TestServer {
    TestServer::with(folder, &[], &[(QUIET.0, Path::new(QUIET.1))])
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
