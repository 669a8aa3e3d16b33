//! line/info answers out of memory, and yet says what was committed last: whoever committed it, and however.

use std::{fs, time::Duration};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{
    KEY, TestServer, linecard,
    panel::{Panel, server},
    tape,
    tv::within,
};

const PANEL_LINE: &str = "/panel/lines/1/edit";

/// A line `bob` with the reference `R-1` and a plan with bouquet 1 (streams 1 and 2), and bouquet 2 (stream 3) beside it. It
/// was asked for, so it is in memory.
fn shop() -> TestServer {
    let server = server();
    for name in ["one", "two", "three", "four"] {
        server.done("streams/new", &format!("data[name]={name}&data[enabled]=0"));
    }
    server.done("bouquets/new", "data[name]=First&data[streams][]=1&data[streams][]=2");
    server.done("bouquets/new", "data[name]=Second&data[position]=1&data[streams][]=3");
    server.done("subscription_plans/new", "data[name]=Month&data[bouquets][]=1");
    server.done(
        "line/new",
        "data[username]=Bob&data[password]=pw&data[subscription_plan_id]=1&data[expire_date]=1900000000&data[bouquets][]=2&\
         data[reference]=R-1&data[notes]=first",
    );
    assert_eq!(channels(&server), json!([1, 2, 3]));
    server
}

/// What is answered to every way of asking, twice each: the second time nothing has changed since the first.
fn told(server: &TestServer) -> Value {
    let answers = ["username=bob", "username=BOB&password=pw", "reference=R-1"]
        .map(|who| [server.done("line/info", who), server.done("line/info", who)]);
    let [[first, ..], ..] = &answers;
    assert!(answers.iter().flatten().all(|answer| answer == first), "{answers:?}");
    first.clone()
}

fn notes(server: &TestServer) -> Value {
    told(server)["line_info"]["notes"].clone()
}

fn channels(server: &TestServer) -> Value {
    told(server)["line_channel_ids"].clone()
}

#[test]
fn what_the_api_changes_shows_in_the_next_answer() {
    let server = shop();
    server.done("line/update", "username=bob&data[notes]=second");
    assert_eq!(notes(&server), "second");
    // What is only rehearsed shows nowhere.
    server.done("line/update", "username=bob&data[notes]=third&data[disabled]=1&dry_run=1");
    server.done("bouquets/update", "id=1&data[streams][]=2&dry_run=1");
    server.done("line/delete", "username=bob&dry_run=1");
    assert_eq!((notes(&server), channels(&server)), (json!("second"), json!([1, 2, 3])));

    server.done("bouquets/update", "id=1&data[streams][]=2&data[streams][]=4");
    assert_eq!(channels(&server), json!([2, 4, 3]));
    server.done("bouquets/update", "id=1&data[add_streams][]=1");
    assert_eq!(channels(&server), json!([2, 4, 1, 3]));
    server.done("streams/delete", "id=4");
    assert_eq!(channels(&server), json!([2, 1, 3]));
    server.done("subscription_plans/update", "id=1&data[bouquets][]=2&data[bouquets][]=1");
    server.done("line/update", "username=bob&data[bouquets][]=1");
    assert_eq!(channels(&server), json!([2, 1, 3]));
    server.done("bouquets/update", "id=1&data[position]=5");
    assert_eq!(channels(&server), json!([3, 2, 1]));
    server.done("line/update", "username=bob&data[subscription_plan_id]=");
    assert_eq!(channels(&server), json!([2, 1]));
    server.done("bouquets/delete", "id=1");
    let after = told(&server);
    assert_eq!((&after["line_channel_ids"], &after["line_info"]["bouquets"]), (&json!([]), &json!([])));

    // Under its old names it is gone at once, and whoever has them next is another.
    server.done("line/update", "username=bob&data[username]=rob&data[reference]=R-2&data[password]=new");
    for who in ["username=bob", "reference=R-1", "username=rob&password=pw"] {
        assert_eq!(server.refused("line/info", who), "Wrong Username/Password.", "{who}");
    }
    assert_eq!(server.done("line/info", "reference=R-2&password=new")["line_info"]["username"], "rob");
    server.done("line/new", "data[username]=bob&data[password]=pw&data[reference]=R-1");
    assert_eq!(told(&server)["line_info"]["id"], 2);
    server.done("line/convert_to_mag", "username=bob&mac_address=00:1A:79:00:00:01");
    assert_eq!(server.refused("line/info", "username=bob"), "Wrong Username/Password.");
    assert_eq!(server.refused("line/info", "reference=R-1"), "Wrong Username/Password.");
    server.done("line/delete", "username=rob");
    assert_eq!(server.refused("line/info", "username=rob"), "Wrong Username/Password.");
}

#[test]
fn what_the_clock_the_panel_and_batches_change_shows_in_the_next_answer() {
    let server = shop();
    let soon = tape::now() + 3;
    server.done("line/update", &format!("username=bob&data[expire_date]={soon}"));
    let left = loop {
        let ask = || server.done("line/info", "username=bob")["line_channel_ids"].clone();
        let (before, shown, after) = (tape::now(), ask(), tape::now());
        if before >= soon {
            break shown;
        }
        assert!(after >= soon || shown == json!([1, 2, 3]), "{shown} before its end");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(left, json!([]), "it ends without anybody doing anything");
    assert_eq!(told(&server)["line_info"]["expire_date"], soon);

    let panel = Panel::admin(&server);
    panel.done(PANEL_LINE, &[("expire_date", ""), ("notes", "by hand")]);
    assert_eq!((notes(&server), channels(&server)), (json!("by hand"), json!([1, 2, 3])));

    let over = |id: &Value| {
        within(30, "the batch is over", || {
            let shown = server.done("batches/info", &format!("id={id}"));
            shown["batch"]["state"] == "done"
        });
    };
    let batch = server.done("line/bulk", "ids[]=1&action=update&data[notes]=many&data[banned]=1");
    over(&batch["batch_id"]);
    assert_eq!((notes(&server), channels(&server)), (json!("many"), json!([])));
    server.done("batches/undo", &format!("id={}", batch["batch_id"]));
    assert_eq!((notes(&server), channels(&server)), (json!("by hand"), json!([1, 2, 3])));
    let batch = server.done("line/bulk", "ids[]=1&action=delete");
    over(&batch["batch_id"]);
    assert_eq!(server.refused("line/info", "username=bob"), "Wrong Username/Password.");
    server.done("batches/undo", &format!("id={}", batch["batch_id"]));
    assert_eq!((notes(&server), channels(&server)), (json!("by hand"), json!([1, 2, 3])));
}

#[test]
fn what_another_process_commits_shows_in_the_next_answer() {
    let server = shop();
    let other = Connection::open(server.data().join("linecard.db")).unwrap();
    other.busy_timeout(Duration::from_secs(10)).unwrap();
    for round in 0..20 {
        let note = format!("foreign {round}");
        other.execute("UPDATE lines SET notes = ?", [&note]).unwrap();
        assert_eq!(notes(&server), json!(note));
        // Also while this process writes, before it has found out who else does.
        server.done("line/new", "");
        other.execute("UPDATE lines SET notes = notes || '!'", []).unwrap();
        assert_eq!(notes(&server), json!(note + "!"));
        std::thread::sleep(Duration::from_millis(100));
    }
    other.execute("DELETE FROM bouquet_streams WHERE stream_id = 1", []).unwrap();
    assert_eq!(channels(&server), json!([2, 3]));
    drop(other);

    let list = server.data().join("list.m3u");
    fs::write(&list, "#EXTM3U\n#EXTINF:-1,five\nhttp://127.0.0.1:9/5.ts\n").unwrap();
    let imported = linecard(server.data(), &["import", "m3u", list.to_str().unwrap(), "--bouquet", "2"]);
    assert_eq!(imported.0, 0, "{imported:?}");
    assert_eq!(channels(&server), json!([2, 3, 5]));
}

#[test]
fn an_answer_out_of_memory_is_the_answer_of_the_database_byte_for_byte() {
    let server = shop();
    server.done(
        "line/update",
        "username=bob&data[notes]=a%20%22b%22%0A%5C%2F%C3%A4&data[allowed_ips][]=192.0.2.0/24",
    );
    let text = || {
        let body = format!("api_key={KEY}&username=bob");
        let told = std::process::Command::new("curl")
            .args(["-sS", "-d", &body, &format!("{}/api/line/info", server.url)])
            .output();
        String::from_utf8(told.unwrap().stdout).unwrap()
    };
    // A foreign commit that changes nothing that is shown makes the next answer one of the database.
    let other = Connection::open(server.data().join("linecard.db")).unwrap();
    let kept = [text(), text()];
    other.execute("UPDATE streams SET notes = 'x' WHERE id = 4", []).unwrap();
    let read = text();
    assert_eq!(kept, [read.clone(), read.clone()]);
    let row = &told(&server)["line_info"];
    let (created, updated) = (&row["created_at"], &row["updated_at"]);
    let expected = format!(
        "{{\"result\":true,\"line_info\":{{\"id\":1,\"username\":\"Bob\",\"password\":\"pw\",\"token\":null,\"restreamer\":0,\
         \"max_allowed_connections\":1,\"expire_date\":1900000000,\"subscription_plan_id\":1,\"reseller_id\":null,\"disabled\":0,\
         \"banned\":0,\"allowed_ips\":[\"192.0.2.0/24\"],\"allowed_user_agents\":[],\"allowed_outputs\":[],\"catchup\":1,\
         \"server_id\":null,\"isp_lock\":0,\"isp_asn\":null,\"is_trial\":0,\"reference\":\"R-1\",\"email\":\"\",\"reminders\":1,\
         \"notes\":\"a \\\"b\\\"\\n\\\\/ä\",\"bouquets\":[2],\"created_at\":{created},\"updated_at\":{updated}}},\
         \"line_conn_info\":[],\"line_channel_ids\":[1,2,3]}}"
    );
    assert_eq!(read, expected);
}
