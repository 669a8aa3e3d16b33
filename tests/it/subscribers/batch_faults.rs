//! Batches under faults: kills in the middle of a deletion and of its undo, two undos at once by different faces, and a clock
//! that leaps. Nothing is doubled, nothing is lost.

use serde_json::{Value, json};

use crate::{
    machine::leaps::server_by,
    support::{
        KEY, TestServer,
        panel::{Panel, server},
        tv::within,
    },
};

fn batch(server: &TestServer, id: &Value) -> Value {
    server.done("batches/info", &format!("id={id}"))["batch"].clone()
}

/// A stopped server's folder with so many rows more.
fn filled(server: TestServer, sql: &str) -> tempfile::TempDir {
    let folder = server.stop();
    let database = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("the database");
    database.execute_batch(sql).expect("rows");
    folder
}

fn kill(pid: u32) {
    let _ = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
}

/// Undoes a batch by the Server API and in the panel at the same time; what the API answered.
fn undone_by_two(server: &TestServer, id: &Value) -> Value {
    let panel = Panel::admin(server);
    std::thread::scope(|scope| {
        let api = scope.spawn(|| server.done("batches/undo", &format!("id={id}")));
        let page = panel.done(&format!("/panel/batches/{id}/undo"), &[]);
        assert!(page.contains("was undone") && !page.contains("Kept as"), "{page}");
        api.join().expect("an answer")
    })
}

#[test]
fn kills_in_the_middle_of_a_deletion_and_of_its_undo_lose_no_line_and_bring_none_back_twice() {
    const LINES: i64 = 1500;
    let first = server();
    first.done("bouquets/new", "data[name]=All");
    let folder = filled(
        first,
        &format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {LINES}) \
             INSERT INTO lines (username, password, notes, token, created_at, updated_at) \
             SELECT 'line' || i, 'pw' || i, 'gone', 'token' || i, 1, 1 FROM n; \
             INSERT INTO line_bouquets (line_id, place, bouquet_id) SELECT id, 0, 1 FROM lines"
        ),
    );
    let server = TestServer::on(folder, &[]);
    let total = |server: &TestServer, filter: &str| {
        server.done("line/list", &format!("{filter}limit=1"))["total"].clone()
    };
    let body = format!("api_key={KEY}&search=gone&action=delete");
    let order = ["-H", "Idempotency-Key: clean", "-d", &body];
    let id = server.curl("/api/line/bulk", &order).1["batch_id"].clone();
    within(30, "some rows are gone", || batch(&server, &id)["done"].as_i64() > Some(0));
    let server = TestServer::on(server.kill(), &[]);
    within(60, "it goes on by itself and ends", || batch(&server, &id)["state"] == "done");
    assert_eq!((batch(&server, &id)["done"].clone(), total(&server, "")), (json!(LINES), json!(0)));

    let pid = server.pid();
    std::thread::scope(|scope| {
        scope.spawn(|| server.curl_quietly("/api/batches/undo", &format!("api_key={KEY}&id={id}")));
        within(30, "some rows are back", || batch(&server, &id)["undone"].as_i64() > Some(0));
        kill(pid);
    });
    let server = TestServer::on(server.kill(), &[]);
    let undone = undone_by_two(&server, &id);
    assert_eq!((&undone["undone"], &undone["kept_total"]), (&json!(LINES), &json!(0)));
    assert_eq!((total(&server, ""), total(&server, "bouquets=1&")), (json!(LINES), json!(LINES)));
    let line = server.done("line/info", "username=line77")["line_info"].clone();
    assert_eq!(json!([line["id"], line["token"], line["notes"]]), json!([77, "token77", "gone"]));
    let created = server.done("logs/list", "kind=audit&action=undo&limit=1")["total"].clone();
    assert_eq!(created, LINES + 1, "each once, and the undo itself");
}

#[test]
fn streams_that_are_deleted_while_the_server_is_killed_are_there_or_can_be_brought_back() {
    const STREAMS: i64 = 400;
    let first = server();
    first.done("bouquets/new", "data[name]=All");
    let folder = filled(
        first,
        &format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {STREAMS}) \
             INSERT INTO streams (name, enabled, created_at, updated_at) SELECT 'stream ' || i, 0, 1, 1 FROM n; \
             INSERT INTO bouquet_streams (bouquet_id, place, stream_id) SELECT 1, {STREAMS} - id, id FROM streams"
        ),
    );
    let server = TestServer::on(folder, &[]);
    let listed = |server: &TestServer| server.done("bouquets/info", "id=1")["bouquet"]["streams"].clone();
    let before = listed(&server);
    let ids: Vec<String> = (1..=STREAMS).map(|id| id.to_string()).collect();
    let address = format!("/panel/streams/delete?ids={}", ids.join(","));
    let (panel, pid) = (Panel::admin(&server), server.pid());
    let (path, marks) = panel.opened(&address);
    let fields: Vec<(&str, &str)> =
        marks.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    std::thread::scope(|scope| {
        scope.spawn(|| panel.post_bare(&path, &fields));
        std::thread::sleep(std::time::Duration::from_millis(15));
        kill(pid);
    });
    let server = TestServer::on(server.kill(), &[]);
    let batches = server.done("batches/list", "")["total"].clone();
    let gone = listed(&server) == json!([]);
    assert!(gone || listed(&server) == before, "all of them or none");
    assert_eq!(batches, i64::from(gone), "whatever is gone can be brought back");
    if !gone {
        let page = Panel::admin(&server).done(&address, &[]);
        assert!(page.contains("400 streams were deleted."), "{page}");
    }
    let undone = undone_by_two(&server, &json!(1));
    assert_eq!((&undone["undone"], &undone["kept_total"]), (&json!(STREAMS), &json!(0)));
    assert_eq!(listed(&server), before);
}

#[test]
fn a_clock_that_leaps_over_an_end_neither_doubles_nor_loses_what_batches_did() {
    let clock = tempfile::NamedTempFile::new().expect("a file");
    let set = |off: &str| std::fs::write(clock.path(), off).expect("the clock is set");
    set("+0");
    let server = server_by(tempfile::tempdir().expect("a folder"), clock.path());
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=2");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=10");
    server.done(
        "line/new",
        "data[username]=anna&data[subscription_plan_id]=1&data[reseller_id]=1&data[free]=1",
    );
    let end = server.done("line/info", "username=anna")["line_info"]["expire_date"].as_i64().expect("an end");
    let over = |body: &str| {
        let id = server.done("line/bulk", body)["batch_id"].clone();
        within(30, "the batch is over", || batch(&server, &id)["state"] == "done");
        id
    };
    let line = || server.done("line/info", "username=anna")["line_info"].clone();
    let credits = || server.done("resellers/list", "")["resellers"][0]["credits"].clone();
    // While it is ahead, past the end, somebody extends; it is set right again, and somebody else changes the same line.
    set("+40d");
    within(10, "the clock is ahead", || {
        server.done("line/list", "search=anna&limit=1")["total"] == 1
            && server.log().contains("ahead of the time")
    });
    let ahead = over("ids[]=1&action=extend");
    set("+0");
    let right = over("ids[]=1&action=update&data[notes]=right");
    assert_eq!((credits(), line()["notes"].clone()), (json!(8), json!("right")));
    for id in [&right, &ahead] {
        let undone = server.done("batches/undo", &format!("id={id}"));
        assert_eq!((&undone["undone"], &undone["kept_total"]), (&json!(1), &json!(0)), "{undone}");
    }
    assert_eq!(
        (credits(), line()["expire_date"].clone(), line()["notes"].clone()),
        (json!(10), json!(end), json!(""))
    );
    assert_eq!(server.done("resellers/statement", "id=1")["total"], 3);
    let told = |kind: &str| {
        server.done("events/list", &format!("types={kind}"))["events"].as_array().map_or(0, Vec::len)
    };
    assert!(told("line.expired") <= 1 && told("line.extended") <= 1);
}
