//! A power cut: all that the disk was not made to write is lost (`tests/faults/disk.c`).
//!
//! `kill -9` cannot show whether commits wait for the disk, as the system keeps what the process
//! wrote. So the same cut is made with `--unsafe-sync`, and there it must lose something.

use std::{path::Path, time::Duration};

use crate::support::{
    TestServer, disk,
    writers::{Books, assert_whole, make_reseller},
};

/// Cuts the power of a server with 64 writers, which the signal starts, with further variables for the
/// disk; what was acknowledged, and how much of it is lost.
fn cut(arguments: &[&str], signal: &str, disk: &[&str]) -> (i64, i64) {
    let server = TestServer::start();
    make_reseller(&server);
    let folder = server.stop();
    let mut environment = vec![("LD_PRELOAD", disk::library()), ("RUST_LOG", Path::new("warn"))];
    environment.extend(disk.iter().map(|name| (*name, Path::new("1"))));
    let server = TestServer::with(folder, arguments, &environment);
    let mut books = Books::default();
    let (status, folder) = books.fill(server, 64, Duration::from_millis(700), |server| server.end(signal));
    let server = TestServer::on(folder, &[]);
    assert_eq!(status.code(), Some(disk::CUT), "{}", server.log());
    assert_whole(&server);
    let lost = books.lost(&server);
    let log = server.log();
    let told = log.lines().find(|line| line.starts_with("power cut")).expect("the disk tells");
    println!("{arguments:?} {disk:?}: {told}; {} acknowledged, {lost} of them lost", books.total());
    (books.total(), lost)
}

#[test]
fn a_power_cut_loses_nothing_acknowledged() {
    for round in 1..=3 {
        let (acknowledged, lost) = cut(&[], "-USR1", &[]);
        assert!(acknowledged > 50, "too few to prove anything: {acknowledged}");
        assert_eq!(lost, 0, "round {round}");
    }
}

#[test]
fn a_power_cut_that_keeps_some_of_the_latest_writes_loses_nothing_acknowledged() {
    for round in 1..=3 {
        let (acknowledged, lost) = cut(&[], "-USR1", &["DISK_TORN"]);
        assert!(acknowledged > 50, "too few to prove anything: {acknowledged}");
        assert_eq!(lost, 0, "round {round}");
    }
}

#[test]
fn a_power_cut_while_the_log_is_moved_into_the_file_loses_nothing_acknowledged() {
    for torn in [&["DISK_CHECKPOINT"][..], &["DISK_CHECKPOINT", "DISK_TORN"]] {
        // Signal 0 ends nothing: the disk itself knows the moment.
        let (acknowledged, lost) = cut(&[], "-0", torn);
        assert!(acknowledged > 50, "too few to prove anything: {acknowledged}");
        assert_eq!(lost, 0, "{torn:?}");
    }
}

#[test]
fn the_control_without_waiting_for_the_disk_loses_something() {
    // A cut right after a checkpoint, which synchronises everything, may lose nothing.
    assert!(
        (0..3).any(|_| cut(&["--unsafe-sync"], "-USR1", &[]).1 > 0),
        "the power cut of this test cuts nothing"
    );
}
