//! Lines as the program makes them, without the program: the rows of one creation, written with rusqlite and nothing else.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use rusqlite::{Connection, params};

use super::{Server, quiet_disk};

/// Whether the event of a creation is written as well, as it is unless `event_retention_days` is 0.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Events {
    On,
    Off,
}

/// A database as the program makes it, with so many lines `line1`, `line2`, ...
pub fn fill(folder: &Path, lines: usize) {
    drop(Server::start(folder, &[]));
    let mut conn = Connection::open(folder.join("linecard.db")).unwrap();
    conn.pragma_update(None, "synchronous", "OFF").unwrap();
    let tx = conn.transaction().unwrap();
    (1..=lines).for_each(|n| create(&tx, &format!("line{n}"), Events::Off));
    tx.commit().unwrap();
}

/// Creations a second without HTTP: 200 a transaction, each commit on the disk.
pub fn bare_loop(seconds: u64, events: Events) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), 1_000);
    let mut made = 0_u64;
    transactions(folder.path(), Duration::from_secs(seconds), |tx| {
        made += 1;
        create(tx, &spread(made), events);
    })
}

/// Rows a second: 200 a transaction, each commit on the disk.
pub fn transactions(folder: &Path, long: Duration, mut row: impl FnMut(&Connection)) -> f64 {
    let mut conn = Connection::open(folder.join("linecard.db")).unwrap();
    set_up(&conn).unwrap();
    quiet_disk();
    let (begun, mut made) = (Instant::now(), 0_u32);
    while begun.elapsed() < long {
        let tx = conn.transaction().unwrap();
        (0..200).for_each(|_| row(&tx));
        tx.commit().unwrap();
        made += 200;
    }
    f64::from(made) / begun.elapsed().as_secs_f64()
}

/// As the program's own writer is set up.
pub fn set_up(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "wal_autocheckpoint", 16_000)
}

/// Usernames as spread as the random ones that the server gives.
pub fn spread(n: u64) -> String {
    format!("{:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// The statements of one creation.
pub fn create(conn: &Connection, username: &str, events: Events) {
    let mut line = conn
        .prepare_cached(
            "INSERT INTO lines (username, password, restreamer, max_allowed_connections, expire_date, \
             subscription_plan_id, reseller_id, disabled, banned, allowed_ips, allowed_user_agents, allowed_outputs, server_id, \
             isp_lock, is_trial, notes, created_at, updated_at) VALUES (?, ?, 0, 1, NULL, NULL, NULL, 0, 0, '[]', '[]', '[]', NULL, 0, 0, \
             '', ?, ?)",
        )
        .unwrap();
    line.execute(params![username, "0123456789", 1_800_000_000, 1_800_000_000]).unwrap();
    let id = conn.last_insert_rowid();
    let after = format!("{{\"username\":\"{username}\",\"password\":\"***\"}}");
    trail(conn, "new", (id, username), ("{}", &after));
    if events == Events::On {
        event(conn, "line.created", (id, username), ("{}", &after));
    }
}

/// A row of the audit trail.
pub fn trail(conn: &Connection, action: &str, (id, username): (i64, &str), (before, after): (&str, &str)) {
    let mut audit = conn
        .prepare_cached(
            "INSERT INTO audit_log (at, actor_kind, actor, address, resource, action, target_id, target, before, after) \
             VALUES (?, 'api_key', 'first key', '127.0.0.1', 'line', ?, ?, ?, ?, ?)",
        )
        .unwrap();
    audit.execute(params![1_800_000_000, action, id, username, before, after]).unwrap();
}

/// An event.
pub fn event(conn: &Connection, kind: &str, (id, username): (i64, &str), (before, after): (&str, &str)) {
    let mut event = conn
        .prepare_cached(
            "INSERT INTO events (type, at, resource, resource_id, key, reference, actor, data, omitted) \
             VALUES (?, ?, 'line', ?, ?, NULL, 'api_key:first key', ?, '[]')",
        )
        .unwrap();
    let data = format!("{{\"before\":{before},\"after\":{after}}}");
    event.execute(params![kind, 1_800_000_000, id, username, data]).unwrap();
}
