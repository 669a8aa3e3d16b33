//! Batches: one change of many lines or MAGs, previewed, done by a job that goes on after a kill, and undone row by row.

use serde_json::{Value, json};

use crate::support::{
    KEY, TestServer,
    panel::{Panel, server},
    tv::within,
};

fn batch(server: &TestServer, id: &Value) -> Value {
    server.done("batches/info", &format!("id={id}"))["batch"].clone()
}

/// Orders a batch and waits for its end.
fn over(server: &TestServer, call: &str, body: &str) -> Value {
    let id = server.done(call, body)["batch_id"].clone();
    within(30, "the batch is over", || batch(server, &id)["state"] == "done");
    batch(server, &id)
}

fn credits(server: &TestServer) -> Value {
    server.done("resellers/list", "")["resellers"][0]["credits"].clone()
}

/// A plan for 2 credits, a reseller with 5, its lines anna and bert, and carl, who is nobody's and never ends.
fn shop() -> TestServer {
    let server = TestServer::start();
    server.done("bouquets/new", "data[name]=All");
    server.done("bouquets/new", "data[name]=More");
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=2&data[bouquets][]=1");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=5");
    for name in ["anna", "bert"] {
        let sale = "data[subscription_plan_id]=1&data[reseller_id]=1&data[expire_date]=1900000000";
        server.done("line/new", &format!("data[username]={name}&data[password]=pw&{sale}&data[free]=1"));
    }
    server.done("line/new", "data[username]=carl&data[password]=pw&data[notes]=staff");
    server
}

#[test]
fn a_preview_tells_what_the_batch_then_does_and_undo_takes_it_back() {
    let server = shop();
    let before = server.done("line/list", "")["lines"].clone();
    let extend = "filter[expires_after]=1&action=extend";
    let preview = server.done("line/bulk", &format!("{extend}&dry_run=1"));
    let members: Vec<&String> = preview.as_object().expect("an object").keys().collect();
    let order = ["result", "preview_id", "count", "credits", "refused", "refused_total", "sample", "dry_run"];
    assert_eq!(members, order);
    assert_eq!(
        (&preview["count"], &preview["credits"], &preview["refused_total"]),
        (&json!(2), &json!(4), &json!(0))
    );
    assert_eq!(preview["sample"][0]["username"], "anna");
    assert_eq!(preview["sample"][0]["before"], json!({ "expire_date": 1_900_000_000 }));
    assert_eq!(server.done("line/list", "")["lines"], before, "a preview changes nothing");
    assert_eq!((credits(&server), &server.done("batches/list", "")["total"]), (json!(5), &json!(0)));

    // Whoever was changed since the preview is left, and named.
    server.done("line/update", "username=bert&data[notes]=new");
    let done = over(&server, "line/bulk", &format!("preview_id={}", preview["preview_id"]));
    assert_eq!((&done["done"], &done["of"], &done["failed"]), (&json!(1), &json!(2), &json!(1)));
    assert_eq!(done["refused"][0]["username"], "bert");
    assert_eq!(credits(&server), 3);
    let extended = server.done("line/info", "username=anna")["line_info"]["expire_date"].as_i64();
    assert!(extended > Some(1_900_000_000 + 27 * 86_400), "{extended:?}");

    let dry = server.done("batches/undo", &format!("id={}&dry_run=1", done["id"]));
    assert_eq!((&dry["undone"], &dry["dry_run"], credits(&server)), (&json!(1), &json!(true), json!(3)));
    let undone = server.done("batches/undo", &format!("id={}", done["id"]));
    assert_eq!((&undone["undone"], &undone["kept"]), (&json!(1), &json!([])));
    assert_eq!(server.done("line/info", "username=anna")["line_info"]["expire_date"], 1_900_000_000);
    assert_eq!(credits(&server), 5);
    let statement = server.done("resellers/statement", "id=1")["statement"].clone();
    let last = statement.as_array().and_then(|rows| rows.last()).expect("a row");
    assert_eq!(
        (&last["reason"], &last["amount"], &last["line_id"]),
        (&json!("undone"), &json!(2), &json!(1))
    );
    // Asked once more, nothing is taken back twice.
    assert_eq!(server.done("batches/undo", &format!("id={}", done["id"]))["undone"], 1);
    assert_eq!((credits(&server), &batch(&server, &done["id"])["state"]), (json!(5), &json!("undone")));
}

#[test]
fn a_refused_row_keeps_no_other_and_what_it_costs_is_counted_in_order() {
    let server = shop();
    server.done("resellers/add_credits", "id=1&credits=-2");
    let asked = "ids[]=1&ids[]=2&ids[]=3&ids[]=77&action=extend";
    let preview = server.done("line/bulk", &format!("{asked}&dry_run=1"));
    assert_eq!((&preview["credits"], &preview["refused_total"]), (&json!(2), &json!(3)));
    let why: Vec<&str> =
        preview["refused"].as_array().expect("a list").iter().filter_map(|row| row["why"].as_str()).collect();
    assert!(why[0].contains("Not enough credits") && why[2].contains("does not exist"), "{why:?}");
    let done = over(&server, "line/bulk", asked);
    assert_eq!((&done["done"], &done["failed"], credits(&server)), (&json!(1), &json!(3), json!(1)));

    // Columns, and a bouquet more; what is as wanted already is done.
    over(&server, "line/bulk", "search=staff&action=update&data[add_bouquet]=2&data[disabled]=1");
    let carl = server.done("line/info", "username=carl")["line_info"].clone();
    assert_eq!(
        (&carl["bouquets"], &carl["disabled"], &carl["notes"]),
        (&json!([2]), &json!(1), &json!("staff"))
    );
    let done = over(&server, "line/bulk", "filter[state]=disabled&action=update&data[disabled]=1");
    assert_eq!((&done["of"], &done["done"]), (&json!(1), &json!(1)));
    over(&server, "line/bulk", "filter[reseller_id]=1&action=extend&data[days]=3");
    assert_eq!(
        server.done("line/info", "username=bert")["line_info"]["expire_date"],
        1_900_000_000 + 3 * 86_400
    );

    for (body, told) in [
        ("action=delete", "Missing field: ids or filter"),
        ("ids[]=1", "Missing field: action"),
        ("ids[]=1&action=move", "Invalid action: update, extend or delete"),
        ("ids[]=1&action=update", "Choose what to change"),
        ("ids[]=1&search=x&action=delete", "Invalid ids: not together with filter or search"),
        ("filter[state]=watching&action=delete", "Invalid state: active, expired, disabled, banned or trial"),
        ("filter[nosuch]=1&action=delete", "Unknown field: nosuch"),
        ("ids[]=1&action=update&data[username]=a b", "Invalid username"),
        ("ids[]=1&action=delete&data[notes]=x", "Unknown field: notes"),
        ("preview_id=1", "There is no preview 1 any more"),
        ("", "Missing field: action"),
    ] {
        let refused = server.refused("line/bulk", body);
        assert!(refused.starts_with(told), "{body}: {refused}");
    }
    assert!(server.refused("batches/undo", "id=999").starts_with("Batch does not exist"));
}

#[test]
fn deleted_rows_come_back_as_they_were_unless_their_name_is_taken() {
    let server = shop();
    server.done("line/update", "username=anna&data[new_token]=1&data[bouquets][]=2&data[reference]=svc-1");
    server.done("streams/new", "data[name]=One&data[enabled]=0");
    server.done("mag/new", "data[mac_address]=001A79000001&data[bouquets][]=1");
    server.done("mag/set_parent_pin", "mac_address=001A79000001&parent_pin=4711");
    let line = server.done("line/info", "username=anna")["line_info"].clone();
    let gone = over(&server, "line/bulk", "ids[]=1&ids[]=2&action=delete");
    let box_gone = over(&server, "mag/bulk", "ids[]=1&action=delete");
    assert_eq!((&gone["done"], &server.done("line/list", "")["total"]), (&json!(2), &json!(1)));
    server.done("line/new", "data[username]=BERT");

    let undone = server.done("batches/undo", &format!("id={}", gone["id"]));
    assert_eq!((&undone["undone"], &undone["kept_total"]), (&json!(1), &json!(1)));
    assert_eq!(undone["kept"][0]["username"], "bert");
    let mut back = server.done("line/info", "username=anna")["line_info"].clone();
    assert!(back["updated_at"].as_i64() > line["updated_at"].as_i64());
    back["updated_at"] = line["updated_at"].clone();
    assert_eq!(back, line);
    server.done("batches/undo", &format!("id={}", box_gone["id"]));
    let mag = server.done("mag/info", "mac_address=001A79000001");
    assert_eq!((&mag["mag_info"]["id"], &mag["mag_device"]["parent_pin"]), (&json!(1), &json!("4711")));
    assert_eq!(mag["mag_info"]["bouquets"], json!([1]));

    // Still in the way, then not any more.
    let again = |more: &str| server.done("batches/undo", &format!("id={}{more}", gone["id"]));
    assert_eq!((&again("")["undone"], &again("")["kept"][0]["username"]), (&json!(1), &json!("bert")));
    server.done("line/delete", "username=BERT");
    let dry = again("&dry_run=1");
    assert_eq!((&dry["undone"], &dry["kept_total"]), (&json!(2), &json!(0)));
    assert_eq!(server.done("line/list", "username=bert")["total"], 0, "a dry run brings nothing back");
    for _ in 0..2 {
        let all = again("");
        assert_eq!((&all["undone"], &all["kept"], &all["kept_total"]), (&json!(2), &json!([]), &json!(0)));
    }
    assert_eq!(server.done("line/info", "username=bert")["line_info"]["id"], 2);
    let told = batch(&server, &gone["id"]);
    assert_eq!(
        (&told["state"], &told["undone"], &told["kept_total"]),
        (&json!("undone"), &json!(2), &json!(0))
    );
}

/// Batches on one line or MAG of a reseller, undone in the wrong order, and past what was in the way.
fn rest_is_undone(server: &TestServer, kind: &str, row: &str, another: &str) {
    let bulk = |body: &str| over(server, &format!("{kind}/bulk"), &format!("ids[]=1&{body}"))["id"].clone();
    let undo = |id: &Value| server.done("batches/undo", &format!("id={id}"));
    let kept = |id: &Value, why: &str| {
        let left = undo(id);
        assert_eq!((&left["undone"], &left["kept_total"]), (&json!(0), &json!(1)), "{kind}: {left}");
        let told = left["kept"][0]["why"].as_str().unwrap_or_default();
        assert!(told.contains(why), "{kind}: {told}");
    };
    // Twice, so that nothing is paid back twice.
    let taken_back = |id: &Value| {
        for _ in 0..2 {
            let all = undo(id);
            assert_eq!((&all["undone"], &all["kept_total"]), (&json!(1), &json!(0)), "{kind}: {all}");
        }
    };
    let info = || server.done(&format!("{kind}/list"), "id=1");
    let before = info()[if kind == "line" { "lines" } else { "mags" }][0]["expire_date"].clone();

    let (extended, noted) = (bulk("action=extend"), bulk("action=update&data[notes]=new"));
    kept(&extended, "hanged");
    taken_back(&noted);
    assert_eq!(credits(server), 3);
    taken_back(&extended);
    assert_eq!(credits(server), 5);

    let (extended, deleted) = (bulk("action=extend"), bulk("action=delete"));
    kept(&extended, "does not exist");
    server.done("resellers/update", "id=1&data[max_allowed_connections]=1");
    let free = "data[subscription_plan_id]=1&data[reseller_id]=1&data[free]=1";
    server.done(&format!("{kind}/new"), &format!("{another}&{free}"));
    kept(&deleted, "connections");
    server.done(&format!("{kind}/delete"), &another.replace("data[", "").replace(']', ""));
    taken_back(&deleted);
    assert_eq!(credits(server), 3);
    taken_back(&extended);
    assert_eq!(credits(server), 5);
    let now = info()[if kind == "line" { "lines" } else { "mags" }][0].clone();
    assert_eq!(now["expire_date"], before, "{kind} {row}");
    server.done(&format!("{kind}/delete"), row);
}

#[test]
fn rows_that_an_undo_kept_come_back_and_are_paid_back_once_when_nothing_is_in_the_way() {
    let server = TestServer::start();
    server.done("bouquets/new", "data[name]=All");
    server.done("bouquets/new", "data[name]=More");
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=2&data[bouquets][]=1");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=5");
    let sale = "data[subscription_plan_id]=1&data[reseller_id]=1&data[expire_date]=1900000000&data[free]=1";
    server.done("line/new", &format!("data[username]=anna&{sale}"));
    rest_is_undone(&server, "line", "username=anna", "data[username]=lena");
    server.done("resellers/update", "id=1&data[max_allowed_connections]=");
    server.done("mag/new", &format!("data[mac_address]=001A79000001&{sale}"));
    rest_is_undone(&server, "mag", "mac_address=001A79000001", "data[mac_address]=001A79000002");

    // A bouquet that is gone meanwhile is left out.
    server.done("line/new", "data[username]=carl&data[bouquets][]=1&data[bouquets][]=2");
    let carl = server.done("line/info", "username=carl")["line_info"]["id"].clone();
    let gone = over(&server, "line/bulk", &format!("ids[]={carl}&action=delete"));
    server.done("bouquets/delete", "id=2");
    assert_eq!(server.done("batches/undo", &format!("id={}", gone["id"]))["undone"], 1);
    assert_eq!(server.done("line/info", "username=carl")["line_info"]["bouquets"], json!([1]));

    // With one Idempotency-Key the first answer is that of a repeat, and a repeat undoes no more than that tells.
    let noted = over(&server, "line/bulk", &format!("ids[]={carl}&action=update&data[notes]=old"));
    let newer = over(&server, "line/bulk", &format!("ids[]={carl}&action=update&data[notes]=new"));
    let body = format!("api_key={KEY}&id={}", noted["id"]);
    let once = || server.curl("/api/batches/undo", &["-H", "Idempotency-Key: undo", "-d", &body]).1;
    let first = once();
    assert_eq!(first["kept_total"], 1, "{first}");
    server.done("batches/undo", &format!("id={}", newer["id"]));
    assert_eq!(once(), first);
    assert_eq!(server.done("line/info", "username=carl")["line_info"]["notes"], "old");

    // A day later it stays as it is, and what was kept stays named.
    let folder = server.stop();
    let database = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("the database");
    database.execute_batch("UPDATE batches SET ended_at = ended_at - 86500").expect("a day");
    drop(database);
    let server = TestServer::on(folder, &[]);
    let late = server.refused("batches/undo", &format!("id={}", noted["id"]));
    assert!(late.contains("ended more than 24 hours ago"), "{late}");
    assert_eq!(batch(&server, &noted["id"])["kept_total"], 1);
}

#[test]
fn a_batch_needs_the_right_to_what_it_changes() {
    let server = shop();
    let done = over(&server, "line/bulk", "ids[]=1&action=update&data[notes]=x");
    let key = |scope: &str| {
        let made = server.done("settings/api_key_new", &format!("data[name]={scope}&data[scope][]={scope}"));
        made["api_key"].as_str().expect("a key").to_owned()
    };
    let (mags, reading) = (key("mag"), key("line:read"));
    let ask = |key: &str, call: &str, body: &str| server.post(call, &format!("api_key={key}&{body}")).1;
    assert_eq!(ask(&mags, "batches/list", "")["total"], 0);
    assert_eq!(ask(&reading, "batches/list", "")["total"], 1);
    for (key, call) in [(&mags, "batches/info"), (&mags, "batches/undo"), (&reading, "batches/undo")] {
        let answer = ask(key, call, &format!("id={}", done["id"]));
        assert!(answer["error"].as_str().unwrap_or_default().starts_with("Not allowed"), "{call}: {answer}");
    }
    // Whose key is gone, changes nothing more.
    let selling = key("line");
    let id = ask(&selling, "line/bulk", "search=a&action=update&data[notes]=y")["batch_id"].clone();
    server.done("settings/api_key_revoke", "name=line");
    within(20, "it is over", || {
        ["done", "stopped"].contains(&batch(&server, &id)["state"].as_str().unwrap_or(""))
    });
}

#[test]
fn kills_in_the_middle_of_a_batch_and_of_its_undo_double_nothing_and_lose_nothing() {
    const LINES: i64 = 1000;
    let server = TestServer::start();
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=1");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=1000");
    let folder = server.stop();
    let database = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("the database");
    database
        .execute_batch(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {LINES}) \
             INSERT INTO lines (username, password, subscription_plan_id, reseller_id, expire_date, created_at, updated_at) \
             SELECT 'line' || i, 'pw', 1, 1, 1900000000, 1, 1 FROM n"
        ))
        .expect("lines");
    drop(database);

    let server = TestServer::on(folder, &[]);
    let send = |server: &TestServer| {
        let body = format!("api_key={KEY}&filter[reseller_id]=1&action=extend");
        server.curl("/api/line/bulk", &["-H", "Idempotency-Key: renewal", "-d", &body]).1["batch_id"].clone()
    };
    let id = send(&server);
    within(30, "some rows are done", || batch(&server, &id)["done"].as_i64() > Some(0));
    let server = TestServer::on(server.kill(), &[]);
    assert_eq!(send(&server), id, "a repeat orders no other");
    within(60, "it goes on by itself and ends", || batch(&server, &id)["state"] == "done");
    assert_eq!(batch(&server, &id)["done"], LINES);
    assert_eq!(credits(&server), 0);
    assert_eq!(server.done("resellers/statement", "id=1&limit=1")["total"], LINES + 1);
    let ends = |server: &TestServer, end: i64| {
        server.done("line/list", &format!("expire_date={end}&limit=1"))["total"].clone()
    };
    assert_eq!(ends(&server, 1_900_000_000), 0);

    // All of it kept first, and then no longer: cut off in the middle, then asked for by two at once.
    let undo = format!("id={id}");
    let noted = over(&server, "line/bulk", "filter[reseller_id]=1&action=update&data[notes]=new");
    assert_eq!(server.done("batches/undo", &undo)["kept_total"], LINES);
    assert_eq!(server.done("batches/undo", &format!("id={}", noted["id"]))["undone"], LINES);
    assert_eq!((batch(&server, &id)["undone"].clone(), credits(&server)), (json!(0), json!(0)));
    let pid = server.pid();
    std::thread::scope(|scope| {
        scope.spawn(|| server.curl_quietly("/api/batches/undo", &format!("api_key={KEY}&{undo}")));
        within(30, "some rows are taken back", || batch(&server, &id)["undone"].as_i64() > Some(0));
        let _ = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    });
    let server = TestServer::on(server.kill(), &[]);
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(|| server.done("batches/undo", &undo))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert!(
        answers.iter().all(|answer| answer["undone"] == LINES && answer["kept_total"] == 0),
        "{answers:?}"
    );
    assert_eq!((ends(&server, 1_900_000_000), credits(&server)), (json!(LINES), json!(LINES)));
    assert_eq!(server.done("resellers/statement", "id=1&limit=1")["total"], 2 * LINES + 1);
}

#[test]
fn the_panel_lists_batches_and_undoes_them() {
    let server = server();
    server.done("line/new", "data[username]=anna&data[notes]=old");
    let panel = Panel::admin(&server);
    assert!(panel.get("/panel/batches").contains("None yet"));
    let done = over(&server, "line/bulk", "ids[]=1&action=update&data[notes]=new");
    let page = panel.get("/panel/batches");
    assert!(
        page.contains("Change 1 line") && page.contains("1 of 1 done") && page.contains(">Undo<"),
        "{page}"
    );
    panel.done(&format!("/panel/batches/{}/undo", done["id"]), &[]);
    let page = panel.get("/panel/batches");
    assert!(page.contains("undone") && !page.contains(">Undo"), "{page}");
    assert_eq!(server.done("line/info", "username=anna")["line_info"]["notes"], "old");

    // What was kept is tried again by a button that says so.
    let first = over(&server, "line/bulk", "ids[]=1&action=update&data[notes]=new");
    let second = over(&server, "line/bulk", "ids[]=1&action=update&data[notes]=newer");
    let undo = |batch: &Value| panel.done(&format!("/panel/batches/{}/undo", batch["id"]), &[]);
    assert!(undo(&first).contains("Undo the rest once that is out of the way"));
    for page in ["/panel/batches".to_owned(), format!("/panel/batches/{}", first["id"])] {
        assert!(panel.get(&page).contains(">Undo the rest<"), "{page}");
    }
    undo(&second);
    let page = undo(&first);
    assert!(page.contains("1 row taken back.") && !page.contains(">Undo"), "{page}");
    assert_eq!(server.done("line/info", "username=anna")["line_info"]["notes"], "old");
}

/// Two streams in two bouquets, which a plan, a line and a MAG hold; a reseller with credits; one of each that is unused.
fn catalogue(server: &TestServer) {
    server.done("categories/new", "data[name]=News&data[position]=4");
    server.done("guide_sources/new", "data[name]=Guide&data[url]=guide/none.xml&data[refresh_hours]=0");
    for name in ["One", "Two", "Three", "Four"] {
        server.done("streams/new", &format!("data[name]={name}&data[enabled]=0"));
    }
    server.done(
        "bouquets/new",
        "data[name]=All&data[streams][]=4&data[streams][]=1&data[streams][]=3&data[streams][]=2",
    );
    server.done("bouquets/new", "data[name]=Some&data[streams][]=1&data[streams][]=3");
    let both = "data[bouquets][]=2&data[bouquets][]=1";
    server.done("subscription_plans/new", &format!("data[name]=Month&data[credits]=2&{both}"));
    server.done("subscription_plans/new", &format!("data[name]=Unused&data[position]=9&{both}"));
    server.done("line/new", &format!("data[username]=anna&data[subscription_plan_id]=1&{both}"));
    server.done("mag/new", "data[mac_address]=001A79000001&data[bouquets][]=1");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=5");
    server.done("groups/new", "data[name]=Readers&data[rights][]=read_only");
    server.done(
        "administrators/new",
        "data[username]=rita&data[email]=r@example.com&data[group_id]=3&data[password]=panel-test-password",
    );
    server.done("servers/new", "data[name]=Edge&data[server_ip]=192.0.2.9");
    server.done("guide/match", "stream_id=1&guide_id=");
}

/// Every row of what the panel deletes, by resource, without the moments of changes and what is measured.
fn everything(server: &TestServer) -> Value {
    const RESOURCES: &str = "line mag streams bouquets subscription_plans categories resellers administrators groups servers guide_sources";
    let of_servers = ["id", "created_at", "server_ip", "name"];
    let mut all = serde_json::Map::new();
    for resource in RESOURCES.split(' ') {
        let mut answer = server.done(&format!("{resource}/list"), "");
        let mut rows = answer.as_object_mut().expect("an object").values_mut().find_map(Value::as_array_mut);
        for row in rows.iter_mut().flat_map(|rows| rows.iter_mut()).filter_map(Value::as_object_mut) {
            row.retain(|name, _| match resource {
                "servers" => of_servers.contains(&name.as_str()),
                "guide_sources" => name != "updated_at" && !name.starts_with("last_"),
                _ => name != "updated_at",
            });
        }
        all.insert(resource.into(), json!(rows));
    }
    all.insert("matches".into(), server.done("guide/matches", "state=none")["total"].clone());
    Value::Object(all)
}

fn same(now: &Value, before: &Value, when: &str) {
    for (resource, rows) in before.as_object().expect("an object") {
        assert_eq!(&now[resource], rows, "{when}: {resource}");
    }
}

/// The number of the batch that the notice on a page offers to undo.
fn offered(page: &str) -> String {
    let (_, rest) = page.split_once("class=\"notice undo\"").unwrap_or_else(|| panic!("no undo: {page}"));
    let rest = rest.split_once("/panel/batches/").expect("its address").1;
    rest.split_once('/').expect("its end").0.to_owned()
}

#[test]
fn whatever_the_panel_deletes_comes_back_under_its_id_in_the_lists_it_was_in() {
    let server = server();
    catalogue(&server);
    let panel = Panel::admin(&server);
    let before = everything(&server);
    let deleted = [
        "streams/1",
        "bouquets/1",
        "plans/2",
        "categories/1",
        "resellers/1",
        "administrators/2",
        "groups/3",
        "servers/2",
        "guide/sources/1",
        "lines/1",
        "mags/1",
    ];
    let mut batches = Vec::new();
    for row in deleted {
        let page = panel.done(&format!("/panel/{row}/delete"), &[]);
        assert!(page.contains("was deleted."), "{row}: {page}");
        batches.push((row, offered(&page)));
    }
    assert_eq!(server.done("bouquets/list", "")["bouquets"][0]["streams"], json!([3]));
    assert_eq!(server.done("batches/list", "")["total"], deleted.len());
    assert_eq!(server.done("resellers/list", "")["total"], 0);
    for (row, batch) in batches.iter().rev() {
        let page = panel.done(&format!("/panel/batches/{batch}/undo"), &[("back", "/panel/streams")]);
        assert!(page.contains("1 row taken back.") && page.contains("<h1>Streams"), "{row}: {page}");
    }
    same(&everything(&server), &before, "all are back");
    let statement = server.done("resellers/statement", "id=1")["statement"].clone();
    let reasons: Vec<&str> =
        statement.as_array().expect("a list").iter().filter_map(|row| row["reason"].as_str()).collect();
    assert_eq!(reasons, ["opening", "closing", "undone"]);
    // The button stands on the page of each batch and in the list for a day, and does nothing twice.
    let page = panel.get(&format!("/panel/batches/{}", batches[0].1));
    assert!(
        page.contains("Delete 1 stream") && page.contains(": undone</h1>") && !page.contains(">Undo<"),
        "{page}"
    );
    assert!(panel.get("/panel/batches").contains("Delete 1 category"));
}

#[test]
fn several_streams_come_back_in_their_places_also_after_the_list_was_written_anew() {
    let server = server();
    catalogue(&server);
    let panel = Panel::admin(&server);
    let order = || server.done("bouquets/info", "id=1")["bouquet"]["streams"].clone();
    let page = panel.done("/panel/streams/delete?ids=1,3", &[]);
    assert!(page.contains("2 streams were deleted."), "{page}");
    assert_eq!(order(), json!([4, 2]));
    let seen = server.done("bouquets/info", "id=1")["bouquet"]["updated_at"].as_i64();
    panel.done(&format!("/panel/batches/{}/undo", offered(&page)), &[]);
    assert_eq!(order(), json!([4, 1, 3, 2]));
    assert!(
        server.done("bouquets/info", "id=1")["bouquet"]["updated_at"].as_i64() > seen,
        "its list has another entry"
    );
    // Written anew meanwhile, with another in between: behind the one before it, or before the one behind it.
    let page = panel.done("/panel/streams/delete?ids=1,4", &[]);
    server.done("streams/new", "data[name]=Five&data[enabled]=0");
    server.done("bouquets/update", "id=1&data[streams][]=5&data[streams][]=3&data[streams][]=2");
    panel.done(&format!("/panel/batches/{}/undo", offered(&page)), &[]);
    assert_eq!(order(), json!([5, 4, 1, 3, 2]));
    // A bouquet that is gone is no hindrance, and a name that is taken is.
    let page = panel.done("/panel/streams/3/delete", &[]);
    server.done("bouquets/delete", "id=2");
    panel.done(&format!("/panel/batches/{}/undo", offered(&page)), &[]);
    assert_eq!(order(), json!([5, 4, 1, 3, 2]));
    let page = panel.done("/panel/bouquets/1/delete", &[]);
    server.done("bouquets/new", "data[name]=all");
    let page = panel.done(&format!("/panel/batches/{}/undo", offered(&page)), &[]);
    assert!(page.contains("Kept as they are by now: All (name exists)"), "{page}");
}

#[test]
fn moves_of_the_panel_are_batches_too() {
    let server = server();
    catalogue(&server);
    server.done("categories/new", "data[name]=Sports&data[position]=2");
    let panel = Panel::admin(&server);
    let before = everything(&server);
    let undo = |page: &str| panel.done(&format!("/panel/batches/{}/undo", offered(page)), &[]);
    for (address, fields) in [
        ("/panel/lines/1/edit", &[("reseller_id", "1")][..]),
        ("/panel/mags/1/edit", &[("subscription_plan_id", "2")][..]),
        ("/panel/streams/2/edit", &[("category_id", "1")][..]),
        ("/panel/plans/2", &[("bouquets", "1")][..]),
        ("/panel/bouquets/2", &[("streams", "3\n1")][..]),
        ("/panel/categories/order", &[("order", "1\n2")][..]),
        ("/panel/administrators/2", &[("group_id", "2"), ("reseller_id", "1")][..]),
    ] {
        let page = panel.done(address, fields);
        assert_ne!(everything(&server), before, "{address}: {page}");
        let page = undo(&page);
        assert!(page.contains("taken back.") && !page.contains("Kept as"), "{address}: {page}");
        same(&everything(&server), &before, address);
    }
    let page = panel.done("/panel/streams/do", &[("do", "bouquet"), ("bouquet", "2"), ("ids[]", "2")]);
    undo(&page);
    same(&everything(&server), &before, "a bouquet");
    // What is no move is no batch.
    let page = panel.done("/panel/lines/1/edit", &[("notes", "new")]);
    assert!(!page.contains("notice undo"), "{page}");
}
