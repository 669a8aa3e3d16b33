//! Resellers and their credits, as the wire contract has them.

use serde_json::{Value, json};

use crate::support::{TestServer, linecard};

fn row(server: &TestServer, id: i64) -> Value {
    server.done("resellers/list", &format!("id={id}"))["resellers"][0].clone()
}

fn balance(server: &TestServer, id: i64) -> i64 {
    row(server, id)["credits"].as_i64().expect("a number")
}

/// Amount, balance after it and reason of every booking, oldest first.
fn ledger(server: &TestServer, id: i64) -> Vec<(i64, i64, String)> {
    let answer = server.done("resellers/statement", &format!("id={id}"));
    let rows = answer["statement"].as_array().expect("rows").iter().map(|row| {
        let number = |name: &str| row[name].as_i64().expect("a number");
        (
            number("id"),
            (number("amount"), number("balance"), row["reason"].as_str().expect("a text").to_owned()),
        )
    });
    let mut rows: Vec<_> = rows.collect();
    rows.sort_by_key(|(id, _)| *id);
    assert_eq!(answer["total"], rows.len());
    rows.into_iter().map(|(_, row)| row).collect()
}

fn booked(amount: i64, balance: i64, reason: &str) -> (i64, i64, String) {
    (amount, balance, reason.into())
}

/// A reseller who pays, with 100 credits, and a plan that costs 30.
fn shop() -> TestServer {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=100");
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=30");
    server
}

#[test]
fn a_reseller_is_made_changed_and_listed() {
    let server = TestServer::start();
    let made = server.done(
        "resellers/new",
        "data[name]=North&data[max_allowed_connections]=50&data[use_credits]=1&data[credits]=7",
    );
    assert_eq!(made, json!({"result": true, "created_id": 1, "name": "North", "credits": 7}));
    assert_eq!(server.done("resellers/new", "data[name]=South")["credits"], 0);
    server.done(
        "administrators/new",
        "data[username]=nina&data[password]=long-enough&data[email]=nina@example.com&data[group_id]=2&data[reseller_id]=1",
    );
    server.done("line/new", "data[reseller_id]=1");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01&data[reseller_id]=1");
    let changed = server.done("resellers/update", "id=1&data[name]=Northern&data[credits]=12");
    assert_eq!(changed, json!({"result": true, "modified_id": 1, "name": "Northern", "credits": 12}));
    let shown = row(&server, 1);
    for (name, value) in [
        ("name", json!("Northern")),
        ("usernames", json!(["nina"])),
        ("emails", json!(["nina@example.com"])),
        ("max_allowed_connections", json!(50)),
        ("use_credits", json!(1)),
        ("credits", json!(12)),
        ("lines", json!(1)),
        ("mags", json!(1)),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
}

#[test]
fn each_refusal_of_a_reseller_has_its_text() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    assert_eq!(server.refused("resellers/new", "data[name]=NORTH"), "Name exists.");
    assert_eq!(server.refused("resellers/new", "data[credits]=5"), "Missing field: name");
    for credits in ["-1", "x", "1.5", "1e3", "99999999999999999999"] {
        let body = format!("data[name]=South&data[credits]={credits}");
        assert_eq!(server.refused("resellers/new", &body), "Invalid credits", "{credits}");
    }
    for call in ["resellers/update", "resellers/delete", "resellers/statement"] {
        for who in ["id=9", "username=nobody"] {
            assert_eq!(server.refused(call, who), "Reseller does not exist", "{call} {who}");
        }
        assert_eq!(server.refused(call, ""), "Missing field: id or username", "{call}");
    }
    assert_eq!(server.refused("resellers/add_credits", "id=9&credits=1"), "Reseller does not exist");
    assert_eq!(server.done("resellers/list", "")["total"], 1);
}

#[test]
fn username_is_the_resellers_name_or_else_that_of_an_administrator_of_it() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    server.done("resellers/new", "data[name]=South");
    for (username, reseller) in [("nina", 1), ("South", 1)] {
        server.done(
            "administrators/new",
            &format!(
                "data[username]={username}&data[password]=long-enough&data[email]={username}@example.com&\
                 data[group_id]=2&data[reseller_id]={reseller}"
            ),
        );
    }
    let add =
        |who: &str| server.done("resellers/add_credits", &format!("{who}&credits=1"))["modified_id"].clone();
    assert_eq!(add("username=north"), 1);
    assert_eq!(add("username=NINA"), 1);
    assert_eq!(add("username=South"), 2, "a reseller's name comes before an administrator's");
    assert_eq!(add("id=1&username=nina"), 1);
    for call in ["resellers/add_credits", "resellers/update", "resellers/delete"] {
        let credits = if call == "resellers/add_credits" { "&credits=1" } else { "" };
        let refused = server.refused(call, &format!("id=2&username=nina{credits}"));
        assert!(refused.contains("different resellers"), "{call}: {refused}");
    }
    assert_eq!((balance(&server, 1), balance(&server, 2)), (3, 1));
}

#[test]
fn credits_are_added_and_taken_down_to_zero_and_not_below() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North&data[credits]=10");
    let answer = server.done("resellers/add_credits", "id=1&credits=5");
    assert_eq!(answer, json!({"result": true, "modified_id": 1, "credits": 15}));
    assert_eq!(server.refused("resellers/add_credits", "id=1&credits=-16"), "Not enough credits");
    for wrong in ["0", "x", "1.5", "+5", "0x10", "99999999999999999999", "1000000000001"] {
        assert_eq!(
            server.refused("resellers/add_credits", &format!("id=1&credits={wrong}")),
            "Invalid credits",
            "{wrong}"
        );
    }
    assert_eq!(server.refused("resellers/add_credits", "id=1"), "Missing field: credits");
    assert_eq!(server.refused("resellers/add_credits", "id=1&credits=1000000000000"), "Invalid credits");
    assert_eq!(server.done("resellers/add_credits", "id=1&credits=-15")["credits"], 0);
    let expected = [booked(10, 10, "opening"), booked(5, 15, "added"), booked(-15, 0, "added")];
    assert_eq!(ledger(&server, 1), expected);
}

#[test]
fn a_balance_that_is_set_is_booked_as_the_difference() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North&data[credits]=10");
    server.done("resellers/update", "id=1&data[credits]=4");
    server.done("resellers/update", "id=1&data[credits]=4");
    server.done("resellers/update", "id=1&data[credits]=");
    assert_eq!(ledger(&server, 1), [booked(10, 10, "opening"), booked(-6, 4, "set"), booked(-4, 0, "set")]);
}

#[test]
fn a_sale_and_an_extension_are_charged_and_booked() {
    let server = shop();
    let line =
        server.done("line/new", "data[username]=anna&data[reseller_id]=1&data[subscription_plan_id]=1");
    assert_eq!(balance(&server, 1), 70);
    server.done("line/update", "username=anna&data[extend_plan]=1");
    server.done(
        "mag/new",
        "data[mac_address]=00:1A:79:00:00:01&data[reseller_id]=1&data[subscription_plan_id]=1",
    );
    let expected = [
        booked(100, 100, "opening"),
        booked(-30, 70, "sale"),
        booked(-30, 40, "extension"),
        booked(-30, 10, "sale"),
    ];
    assert_eq!(ledger(&server, 1), expected);
    let rows = server.done("resellers/statement", "id=1")["statement"].clone();
    let sale =
        rows.as_array().expect("rows").iter().find(|row| row["balance"] == 70).cloned().expect("the sale");
    assert_eq!((&sale["line_id"], &sale["mag_id"]), (&line["created_id"], &Value::Null));
    assert_eq!((&sale["subscription_plan_id"], &sale["actor"]), (&json!(1), &json!("first key")));
    assert!(sale["at"].as_i64().is_some_and(|at| at > 1_700_000_000));
}

#[test]
fn a_refused_sale_leaves_no_line_no_booking_and_no_extension() {
    let server = shop();
    let sale = "data[reseller_id]=1&data[subscription_plan_id]=1";
    server.done("line/new", &format!("data[username]=anna&{sale}"));
    server.done("resellers/update", "id=1&data[credits]=29");
    let line = || server.done("line/info", "username=anna")["line_info"].clone();
    let (before, bookings) = (line(), ledger(&server, 1));
    assert_eq!(server.refused("line/new", &format!("data[username]=bert&{sale}")), "Not enough credits");
    let mag = format!("data[mac_address]=00:1A:79:00:00:01&{sale}");
    assert_eq!(server.refused("mag/new", &mag), "Not enough credits");
    let refused = server.refused("line/update", "username=anna&data[extend_plan]=1&data[notes]=x");
    assert_eq!(refused, "Not enough credits");
    assert_eq!((line(), ledger(&server, 1)), (before, bookings));
    assert_eq!(
        (&server.done("line/list", "")["total"], &server.done("mag/list", "")["total"]),
        (&json!(1), &json!(0))
    );
    server.done("line/new", &format!("data[username]=bert&{sale}&data[free]=1"));
    assert_eq!(balance(&server, 1), 29, "free costs nothing");
}

#[test]
fn who_does_not_use_credits_is_not_charged() {
    let server = shop();
    server.done("resellers/update", "id=1&data[use_credits]=0");
    server.done("line/new", "data[reseller_id]=1&data[subscription_plan_id]=1");
    server.done("resellers/update", "id=1&data[use_credits]=1");
    server.done("line/new", "data[subscription_plan_id]=1");
    server.done("line/new", "data[reseller_id]=1");
    assert_eq!(ledger(&server, 1), [booked(100, 100, "opening")]);
}

#[test]
fn the_ceiling_is_over_the_connections_of_all_lines_and_boxes() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North&data[max_allowed_connections]=5");
    server.done("line/new", "data[username]=anna&data[reseller_id]=1&data[max_allowed_connections]=3");
    server.done(
        "mag/new",
        "data[mac_address]=00:1A:79:00:00:01&data[reseller_id]=1&data[max_allowed_connections]=2",
    );
    server.done("line/new", "data[username]=free&data[max_allowed_connections]=9");
    for (call, body) in [
        ("line/new", "data[reseller_id]=1"),
        ("line/new", "data[reseller_id]=1&data[max_allowed_connections]=0"),
        ("line/update", "username=anna&data[max_allowed_connections]=4"),
        ("line/update", "username=free&data[reseller_id]=1"),
        ("mag/update", "mac_address=00:1A:79:00:00:01&data[max_allowed_connections]=3"),
    ] {
        let refused = server.refused(call, body);
        assert!(refused.contains("North") && refused.contains("5 connections"), "{call} {body}: {refused}");
    }
    assert_eq!(server.done("line/list", "")["total"], 2);
    server.done("line/update", "username=anna&data[max_allowed_connections]=2");
    server.done("line/new", "data[reseller_id]=1");
}

#[test]
fn a_statement_is_paged() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    server.done("resellers/new", "data[name]=South&data[credits]=99");
    for credits in 1..=5 {
        server.done("resellers/add_credits", &format!("id=1&credits={credits}"));
    }
    let all = server.done("resellers/statement", "username=North");
    assert_eq!(
        (&all["id"], &all["name"], &all["credits"], &all["total"]),
        (&json!(1), &json!("North"), &json!(15), &json!(5))
    );
    let rows = all["statement"].as_array().expect("rows").clone();
    let page = server.done("resellers/statement", "id=1&limit=2&offset=2");
    assert_eq!(
        (&page["total"], page["statement"].as_array().expect("rows").as_slice()),
        (&json!(5), &rows[2..4])
    );
    assert!(server.refused("resellers/statement", "id=1&limit=0").starts_with("Invalid limit"));
}

#[test]
fn a_reseller_to_whom_something_belongs_cannot_be_deleted() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North&data[credits]=5");
    server.done("line/new", "data[username]=anna&data[reseller_id]=1");
    server.done("line/new", "data[username]=bert&data[reseller_id]=1");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01&data[reseller_id]=1");
    server.done(
        "administrators/new",
        "data[username]=nina&data[password]=long-enough&data[email]=nina@example.com&data[group_id]=2&data[reseller_id]=1",
    );
    let refused = server.refused("resellers/delete", "id=1");
    for part in ["2 lines", "1 MAG,", "1 administrator:"] {
        assert!(refused.contains(part), "{refused}");
    }
    assert_eq!(balance(&server, 1), 5);
    server.done("line/delete", "username=anna");
    server.done("line/update", "username=bert&data[reseller_id]=");
    server.done("mag/delete", "mac_address=00:1A:79:00:00:01");
    server.done("administrators/delete", "username=nina");
    assert_eq!(server.done("resellers/delete", "username=North"), json!({"result": true, "deleted_id": 1}));
    assert_eq!(server.done("resellers/list", "")["total"], 0);
}

#[test]
fn ledger_and_balances_agree_to_the_end() {
    let server = shop();
    server.done("line/new", "data[username]=anna&data[reseller_id]=1&data[subscription_plan_id]=1");
    server.refused("resellers/add_credits", "id=1&credits=-71");
    server.done("line/delete", "username=anna");
    let folder = server.stop();
    let (code, said, errors) = linecard(folder.path(), &["check"]);
    assert_eq!(code, 0, "{said}{errors}");
    for (change, count) in [
        ("UPDATE resellers SET credits = credits + 1 WHERE id = 1", "1 problem found"),
        ("UPDATE row_counts SET rows = rows + 1 WHERE name = 'lines'", "2 problems found"),
    ] {
        let open = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("the database");
        open.execute_batch(change).expect("spoilt");
        drop(open);
        let (code, said, errors) = linecard(folder.path(), &["check"]);
        assert!(code == 1 && errors.contains(count), "{said}{errors}");
    }
}

#[test]
fn sales_at_the_same_moment_never_sell_more_than_the_balance() {
    let server = shop();
    let sold: usize = std::thread::scope(|scope| {
        let sell = || server.call("line/new", "data[reseller_id]=1&data[subscription_plan_id]=1");
        let sales: Vec<_> = (0..8).map(|_| scope.spawn(sell)).collect();
        let answers = sales.into_iter().map(|sale| sale.join().expect("an answer"));
        answers.filter(|answer| answer["result"] == true || answer["error"] != "Not enough credits").count()
    });
    assert_eq!((sold, balance(&server, 1)), (3, 10));
    assert_eq!((&server.done("line/list", "")["total"], ledger(&server, 1).len()), (&json!(3), 4));
}
