//! A replicator beside the server, which does to the files what Litestream does: it holds a reading transaction for seconds, moves the
//! log by itself between two of them, and keeps two tables of its own.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::support::{
    TestServer, linecard,
    writers::{Books, assert_whole, make_reseller},
};

/// Replicates for a time; how long the log has become, in bytes, and how often it was moved to its end.
fn replicate(data: &Path, time: Duration) -> (u64, u32) {
    let file = data.join("linecard.db");
    let conn = Connection::open(&file).expect("the database");
    conn.busy_timeout(Duration::from_secs(5)).expect("set");
    conn.execute_batch(
        "PRAGMA wal_autocheckpoint = 0; CREATE TABLE IF NOT EXISTS _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
         CREATE TABLE IF NOT EXISTS _litestream_lock (id INTEGER)",
    )
    .expect("its tables");
    let (until, mut longest, mut moved) = (Instant::now() + time, 0, 0);
    while Instant::now() < until {
        conn.execute_batch("BEGIN; SELECT count(*) FROM _litestream_seq").expect("it reads");
        std::thread::sleep(Duration::from_millis(300));
        longest = fs::metadata(data.join("linecard.db-wal")).map_or(longest, |log| log.len().max(longest));
        conn.execute_batch("ROLLBACK").expect("it has read");
        for how in ["PASSIVE", "RESTART"] {
            let busy =
                conn.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get::<_, i64>(0));
            moved += u32::from(busy == Ok(0));
        }
        // So that the next log begins with a frame of its own, and nobody writes while it looks.
        conn.execute_batch(
            "INSERT INTO _litestream_seq (id, seq) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET seq = seq + 1;
             BEGIN; INSERT INTO _litestream_lock (id) VALUES (1); ROLLBACK",
        )
        .expect("it writes");
    }
    (longest, moved)
}

#[test]
fn a_replicator_beside_the_server_is_nobody_who_writes_over_it_and_backups_go_on() {
    let server = TestServer::start();
    make_reseller(&server);
    let kept = tempfile::tempdir().expect("a folder");
    let file = kept.path().join("b.tar.zst");
    let mut books = Books::default();
    let data = books.fill(server, 16, Duration::from_millis(100), |server| {
        let (_, moved) = std::thread::scope(|scope| {
            let other = scope.spawn(|| replicate(server.data(), Duration::from_secs(3)));
            std::thread::sleep(Duration::from_secs(1));
            let (code, said, why) = linecard(server.data(), &["backup", file.to_str().expect("text")]);
            assert_eq!(code, 0, "{said}{why}");
            other.join().expect("it ends")
        });
        assert!(moved > 2, "it moves the log");
        let (status, data) = server.end("-TERM");
        assert!(status.success());
        data
    });
    let server = TestServer::on(data, &[]);
    assert_eq!(books.lost(&server), 0);
    assert!(!server.log().contains("overwritten"));
    assert_whole(&server);
    let (code, said, why) = linecard(kept.path(), &["verify", file.to_str().expect("text")]);
    assert_eq!(code, 0, "{said}{why}");
}
