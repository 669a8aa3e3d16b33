//! Players of recordings that are paused, and those that have vanished meanwhile.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use super::viewing_faults::library_of;
use crate::support::{
    TestServer, tape,
    tv::{Player, open, within},
};

/// More than the kernel keeps on both sides of a connection, many times over.
const LARGE: usize = 20 << 20;

/// A data folder with forty seconds of the stream 1, an hour ago, of which each piece is large, and the line `bob` with the password
/// `pw` and three connections. When the recording begins, in unix seconds.
fn with_large_archive() -> (tempfile::TempDir, u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let from = (tape::now() - 3600) / 60 * 60;
    tape::record(folder.path(), 1, from);
    enlarge(&folder.path().join("archive"));
    let server = TestServer::on(folder, &[]);
    server.done("streams/new", "data[name]=News&data[sources][]=media/none.ts&data[archive_days]=1");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done(
        "line/new",
        "data[username]=bob&data[password]=pw&data[bouquets][]=1&data[max_allowed_connections]=3",
    );
    (server.stop(), from)
}

fn enlarge(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            enlarge(&path);
        } else {
            let bytes = fs::read(&path).expect("a piece");
            fs::write(&path, bytes.repeat(LARGE / bytes.len() + 1)).expect("a larger one");
        }
    }
}

fn ask(server: &TestServer, from: u64, agent: &str, range: &str) -> Player {
    let path = format!("/timeshift/bob/pw/1/{from}/1.ts");
    within(20, "the archive is known", || {
        let head = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\n\r\n");
        Player::send(server, &head).status == 200
    });
    Player::send(server, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\n{range}\r\n"))
}

#[test]
fn who_has_vanished_is_found_within_half_a_minute_and_who_is_paused_stays() {
    let (folder, from) = with_large_archive();
    let server = TestServer::on(folder, &[]);
    let mut paused = ask(&server, from, "paused", "");
    let gone_while_paused = ask(&server, from, "one", "");
    let mut gone_on_the_way = ask(&server, from, "another", "");
    // Until nothing more fits into what the kernel keeps of each.
    std::thread::sleep(Duration::from_secs(1));
    let begun = Instant::now();
    gone_while_paused.vanish();
    gone_on_the_way.vanish();
    // It takes what had come, so that more is sent, which is lost.
    gone_on_the_way.read(60_000);
    assert_eq!(open(&server), 3);
    within(50, "both are found", || open(&server) == 1);
    let took = begun.elapsed();
    assert!((20..40).contains(&took.as_secs()), "neither at once nor late: {took:?}");
    let left = &server.done("connections/list", "")["connections"][0];
    assert_eq!(left["user_agent"], "paused", "{left}");
    // The other one has been there all the time: longer than whoever vanishes.
    std::thread::sleep(Duration::from_secs(40).saturating_sub(took));
    assert_eq!(paused.read_body().len() % 188, 0);
}

#[test]
fn a_paused_player_is_given_up_after_ten_minutes_and_goes_on_where_it_was() {
    /// So much faster than ours is the server's clock.
    const SPEED: u64 = 100;
    let (folder, from) = with_large_archive();
    let (library, speed) = (library_of("libfaketime.so.1"), format!("+0 x{SPEED}"));
    let environment = [("LD_PRELOAD", library.as_path()), ("FAKETIME", Path::new(&speed))];
    let server = TestServer::with(folder, &[], &environment);
    let mut whole = ask(&server, from, "other", "");
    let whole = whole.read_body();
    let mut paused = ask(&server, from, "paused", "");
    let had = paused.read(1 << 20);
    let begun = Instant::now();
    let is_open = || {
        let open = server.done("connections/list", "")["connections"].clone();
        open.as_array().expect("a list").iter().any(|open| open["user_agent"] == "paused")
    };
    while begun.elapsed() < Duration::from_secs(500 / SPEED) {
        assert!(is_open(), "after {:?}", begun.elapsed());
    }
    within(20, "it is given up", || !is_open());
    assert!(paused.is_closed_within(5));
    let mut again = ask(&server, from, "paused", &format!("Range: bytes={}-\r\n", had.len()));
    assert_eq!(again.status, 206, "{}", again.head);
    let rest = again.read_body();
    assert!([had, rest].concat() == whole, "it goes on where it was");
}
