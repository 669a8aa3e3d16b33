//! Servers, streams, plans, bouquets, categories, groups, settings and logs, as the wire contract has them.

use serde_json::{Value, json};

use crate::support::{KEY, TestServer};

fn info(server: &TestServer, resource: &str, singular: &str, id: i64) -> Value {
    server.done(&format!("{resource}/info"), &format!("id={id}"))[singular].clone()
}

fn has(row: &Value, expected: &Value) {
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&row[name], value, "{name} of {row}");
    }
}

#[test]
fn every_resource_is_made_changed_shown_listed_and_deleted() {
    let server = TestServer::start();
    for (resource, singular, wanted, noun) in [
        ("servers", "server", "data[name]=One&data[server_ip]=192.0.2.1", "Server"),
        ("streams", "stream", "data[name]=One", "Stream"),
        ("bouquets", "bouquet", "data[name]=One", "Bouquet"),
        ("categories", "category", "data[name]=One", "Category"),
        ("subscription_plans", "subscription_plan", "data[name]=One", "Subscription plan"),
        ("groups", "group", "data[name]=One&data[rights][]=line", "Group"),
    ] {
        let call = |action: &str| format!("{resource}/{action}");
        let before = server.done(&call("list"), "")["total"].as_i64().expect("a number");
        let made = server.done(&call("new"), wanted);
        let id = made["created_id"].as_i64().expect("an id");
        let answer = server.done(&call("update"), &format!("id={id}&data[name]=Two"));
        assert_eq!(answer["modified_id"], id, "{resource}");
        assert_eq!(info(&server, resource, singular, id)["name"], "Two");
        let by_url = server.curl(&format!("/api/{resource}/info/{KEY}/{id}"), &[]).1;
        assert_eq!(by_url[singular]["id"], id, "{resource}");
        let listed = server.done(&call("list"), &format!("id={id}"));
        assert_eq!((&listed["total"], &listed[resource][0]["name"]), (&json!(1), &json!("Two")));
        assert_eq!(
            server.done(&call("delete"), &format!("id={id}")),
            json!({"result": true, "deleted_id": id})
        );
        for action in ["info", "update", "delete"] {
            assert_eq!(server.refused(&call(action), &format!("id={id}")), format!("{noun} does not exist"));
            assert_eq!(server.refused(&call(action), ""), "Missing field: id", "{resource}");
            assert!(server.refused(&call(action), "id=x").starts_with("Invalid id"), "{resource}");
        }
        assert_eq!(server.refused(&call("new"), &wanted.replace("=One", "=")), "Missing field: name");
        assert_eq!(server.done(&call("list"), "")["total"], before);
        let again = server.done(&call("new"), wanted)["created_id"].as_i64();
        assert!(again > Some(id), "an id never comes back");
    }
}

#[test]
fn names_are_unique_without_regard_to_case_where_they_select() {
    let server = TestServer::start();
    for (resource, more) in [
        ("servers", "&data[server_ip]=192.0.2.1"),
        ("bouquets", ""),
        ("categories", ""),
        ("subscription_plans", ""),
        ("groups", ""),
    ] {
        server.done(&format!("{resource}/new"), &format!("data[name]=North{more}"));
        let other =
            server.done(&format!("{resource}/new"), &format!("data[name]=South{more}"))["created_id"].clone();
        let (new, update) = (format!("{resource}/new"), format!("{resource}/update"));
        assert_eq!(server.refused(&new, &format!("data[name]=NORTH{more}")), "Name exists.", "{resource}");
        assert_eq!(
            server.refused(&update, &format!("id={other}&data[name]=north")),
            "Name exists.",
            "{resource}"
        );
    }
}

#[test]
fn a_changed_server_answers_the_seeds_own_key() {
    let server = TestServer::start();
    let answer = server.done("servers/update", "id=1&data[name]=Lisbon&data[server_ip]=192.0.2.7");
    assert_eq!(
        answer,
        json!({"result": true, "modified_id": 1, "name": "Lisbon", "IP address": "192.0.2.7"})
    );
    let answer = server.done("servers/update", "id=1&data[server_ip]=2001:DB8::1&data[vpn_ip]=10.0.0.1");
    assert_eq!(answer["IP address"], "2001:db8::1");
    assert_eq!(info(&server, "servers", "server", 1)["vpn_ip"], "10.0.0.1");
    server.done("servers/update", "id=1&data[vpn_ip]=");
    assert_eq!(info(&server, "servers", "server", 1)["vpn_ip"], "");
    for field in ["server_ip", "vpn_ip"] {
        for wrong in ["x", "192.0.2.300", "192.0.2.0/24", "example.com"] {
            let refused = server.refused("servers/update", &format!("id=1&data[{field}]={wrong}"));
            assert_eq!(refused, "Invalid IP address", "{field}={wrong}");
        }
    }
    assert_eq!(info(&server, "servers", "server", 1)["server_ip"], "2001:db8::1");
}

#[test]
fn server_one_is_the_main_server_and_stays() {
    let server = TestServer::start();
    server.done("servers/new", "data[name]=Edge&data[server_ip]=192.0.2.2");
    let (_, answer) = server.curl(&format!("/api/servers/list/{KEY}"), &[]);
    let servers = answer["servers"].as_array().expect("servers");
    let shown: Vec<_> = servers.iter().map(|row| (&row["id"], &row["role"], &row["status"])).collect();
    let expected = [
        (&json!(1), &json!("main"), &json!("online")),
        (&json!(2), &json!("load_balancer"), &json!("offline")),
    ];
    assert_eq!(shown, expected);
    assert!(server.refused("servers/delete", "id=1").contains("main server"));
    server.done("streams/new", "data[name]=One&data[server_id]=2");
    server.done("line/new", "data[server_id]=2");
    let refused = server.refused("servers/delete", "id=2");
    assert!(refused.contains("1 stream") && refused.contains("1 line"), "{refused}");
    assert_eq!(server.done("servers/list", "")["total"], 2);
}

#[test]
fn a_stream_keeps_its_columns_and_its_sources_in_order() {
    let server = TestServer::start();
    server.done("categories/new", "data[name]=News");
    server.done(
        "streams/new",
        "data[name]=One&data[category_id]=1&data[sources][]=http://b.example/1&data[sources][]=udp://239.1.1.1:1234&\
         data[sources][]=media/loop.ts&data[logo_url]=https://img.example/1.png&data[epg_channel_id]=one.pt&\
         data[number]=7&data[on_demand]=1&data[enabled]=0&data[notes]=n",
    );
    let expected = json!({
        "name": "One", "category_id": 1, "server_id": 1, "logo_url": "https://img.example/1.png",
        "sources": ["http://b.example/1", "udp://239.1.1.1:1234", "media/loop.ts"],
        "epg_channel_id": "one.pt", "number": 7, "on_demand": 1, "enabled": 0, "notes": "n",
    });
    has(&info(&server, "streams", "stream", 1), &expected);
    for source in [
        "file:///etc/passwd",
        "media/../linecard.db",
        "/etc/passwd",
        "ftp://h/x",
        "concat:a",
        "http://h%20a/b",
    ] {
        let refused = server.refused("streams/update", &format!("id=1&data[sources][]={source}"));
        assert!(refused.starts_with("Invalid sources"), "{source}: {refused}");
    }
    assert!(
        server.refused("streams/update", "id=1&data[logo_url]=javascript:x").starts_with("Invalid logo_url")
    );
    assert_eq!(server.refused("streams/update", "id=1&data[category_id]=9"), "Category does not exist");
    has(&info(&server, "streams", "stream", 1), &expected);
}

#[test]
fn a_bouquet_keeps_the_order_of_its_streams_and_names_one_that_is_not_there() {
    let server = TestServer::start();
    for n in 1..=3 {
        server.done("streams/new", &format!("data[name]=Channel {n}"));
    }
    server.done("bouquets/new", "data[name]=All&data[streams]=[3,1,2]&data[position]=4");
    has(&info(&server, "bouquets", "bouquet", 1), &json!({"streams": [3, 1, 2], "position": 4}));
    let refused =
        server.refused("bouquets/update", "id=1&data[name]=Other&data[streams][]=1&data[streams][]=9");
    assert_eq!(refused, "Stream does not exist: 9");
    has(&info(&server, "bouquets", "bouquet", 1), &json!({"name": "All", "streams": [3, 1, 2]}));
    server.done("streams/delete", "id=1");
    has(&info(&server, "bouquets", "bouquet", 1), &json!({"streams": [3, 2]}));
    server.done("bouquets/update", "id=1&data[streams]=");
    has(&info(&server, "bouquets", "bouquet", 1), &json!({"streams": []}));
}

#[test]
fn a_deleted_bouquet_leaves_plans_and_lines() {
    let server = TestServer::start();
    server.done("bouquets/new", "data[name]=One");
    server.done("bouquets/new", "data[name]=Two");
    server.done("subscription_plans/new", "data[name]=Month&data[bouquets][]=2&data[bouquets][]=1");
    server.done("line/new", "data[username]=anna&data[bouquets][]=1&data[bouquets][]=2");
    server.done("bouquets/delete", "id=1");
    assert_eq!(info(&server, "subscription_plans", "subscription_plan", 1)["bouquets"], json!([2]));
    assert_eq!(server.done("line/info", "username=anna")["line_info"]["bouquets"], json!([2]));
}

#[test]
fn a_category_in_use_cannot_be_deleted() {
    let server = TestServer::start();
    server.done("categories/new", "data[name]=News");
    server.done("streams/new", "data[name]=One&data[category_id]=1");
    assert!(server.refused("categories/delete", "id=1").contains("1 stream"));
    server.done("streams/update", "id=1&data[category_id]=");
    server.done("categories/delete", "id=1");
}

#[test]
fn a_plan_has_its_columns_and_cannot_be_deleted_in_use() {
    let server = TestServer::start();
    server.done("subscription_plans/new", "data[name]=Month");
    let defaults = json!({
        "name": "Month", "bouquets": [], "duration": 1, "duration_unit": "month", "max_allowed_connections": 1,
        "credits": 0, "is_trial": 0, "position": 0,
    });
    has(&info(&server, "subscription_plans", "subscription_plan", 1), &defaults);
    for (field, value) in
        [("duration", "0"), ("duration", "-1"), ("duration_unit", "week"), ("position", "x")]
    {
        let refused = server.refused("subscription_plans/update", &format!("id=1&data[{field}]={value}"));
        assert!(refused.starts_with(&format!("Invalid {field}")), "{refused}");
    }
    assert_eq!(server.refused("subscription_plans/update", "id=1&data[credits]=-1"), "Invalid credits");
    assert_eq!(
        server.refused("subscription_plans/update", "id=1&data[bouquets][]=9"),
        "Bouquet does not exist: 9"
    );
    server.done("line/new", "data[username]=anna&data[subscription_plan_id]=1");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01&data[subscription_plan_id]=1");
    let refused = server.refused("subscription_plans/delete", "id=1");
    assert!(refused.contains("1 line") && refused.contains("1 MAG"), "{refused}");
}

#[test]
fn a_line_takes_from_its_plan_what_the_caller_does_not_say() {
    let server = TestServer::start();
    server.done(
        "subscription_plans/new",
        "data[name]=Trial&data[duration]=24&data[duration_unit]=hour&data[max_allowed_connections]=3&data[is_trial]=1",
    );
    let line = |more: &str| {
        let made = server.done("line/new", &format!("data[subscription_plan_id]=1{more}"));
        let username = made["username"].as_str().expect("a text").to_owned();
        server.done("line/info", &format!("username={username}"))["line_info"].clone()
    };
    let filled = line("");
    has(&filled, &json!({"max_allowed_connections": 3, "is_trial": 1}));
    let seconds = |name: &str| filled[name].as_i64().expect("seconds");
    assert_eq!(seconds("expire_date"), seconds("created_at") + 86_400);
    let said = line("&data[expire_date]=4102444800&data[max_allowed_connections]=1&data[is_trial]=0");
    has(&said, &json!({"expire_date": 4_102_444_800_i64, "max_allowed_connections": 1, "is_trial": 0}));
}

#[test]
fn an_extension_adds_calendar_months_to_the_date_of_expiry() {
    let server = TestServer::start();
    server.done("subscription_plans/new", "data[name]=Month");
    server.done("subscription_plans/new", "data[name]=Year&data[duration_unit]=year");
    // 31 January 2095 and 29 February 2096, 12:00 UTC, and what they become.
    for (plan, before, after) in [
        (1, 3_947_313_600_i64, 3_949_732_800_i64),
        (1, 3_981_355_200, 3_983_860_800),
        (2, 3_981_355_200, 4_012_891_200),
    ] {
        let made =
            server.done("line/new", &format!("data[subscription_plan_id]={plan}&data[expire_date]={before}"));
        let username = made["username"].as_str().expect("a text").to_owned();
        server.done("line/update", &format!("username={username}&data[extend_plan]=1"));
        let row = server.done("line/info", &format!("username={username}"))["line_info"].clone();
        assert_eq!(row["expire_date"], after, "{before}");
    }
}

#[test]
fn who_goes_on_with_a_plan_that_is_no_trial_is_none_either() {
    let server = TestServer::start();
    server.done("subscription_plans/new", "data[name]=Trial&data[duration_unit]=day&data[is_trial]=1");
    server.done("subscription_plans/new", "data[name]=Month");
    server.done("line/new", "data[username]=bob&data[subscription_plan_id]=1");
    let trial = || server.done("line/info", "username=bob")["line_info"]["is_trial"].clone();
    assert_eq!(trial(), 1);
    server.done("line/update", "username=bob&data[extend_plan]=1");
    assert_eq!(trial(), 1, "with a trial plan it stays one");
    let paid = "username=bob&data[subscription_plan_id]=2&data[extend_plan]=1";
    server.done("line/update", &format!("{paid}&data[is_trial]=1"));
    assert_eq!(trial(), 1, "what the call says counts");
    server.done("line/update", paid);
    assert_eq!(trial(), 0);
}

#[test]
fn an_extension_of_an_expired_line_counts_from_now_and_by_the_operators_zone() {
    let server = TestServer::start();
    server.done("subscription_plans/new", "data[name]=Day&data[duration_unit]=day");
    server.done("line/new", "data[username]=anna&data[subscription_plan_id]=1&data[expire_date]=1700000000");
    server.done("line/update", "username=anna&data[extend_plan]=1");
    let row = server.done("line/info", "username=anna")["line_info"].clone();
    let seconds = |name: &str| row[name].as_i64().expect("seconds");
    // The change may have come within the second of the creation: updated_at is one later then.
    assert!((0..=1).contains(&(seconds("updated_at") + 86_400 - seconds("expire_date"))), "{row}");

    server.done("settings/update", "data[time_zone]=Europe/Lisbon");
    // Noon in Lisbon on the day before summer time of 2040 begins: the next noon is 23 hours away.
    server.done("line/update", "username=anna&data[expire_date]=2216203200");
    server.done("line/update", "username=anna&data[extend_plan]=1");
    assert_eq!(
        server.done("line/info", "username=anna")["line_info"]["expire_date"],
        2_216_203_200_i64 + 23 * 3600
    );
}

#[test]
fn an_extension_that_makes_no_sense_is_refused() {
    let server = TestServer::start();
    server.done("subscription_plans/new", "data[name]=Month");
    server.done("line/new", "data[username]=planless&data[expire_date]=4102444800");
    server.done("line/new", "data[username]=endless&data[subscription_plan_id]=1");
    server.done("line/update", "username=endless&data[expire_date]=");
    for body in [
        "username=planless&data[extend_plan]=1",
        "username=endless&data[extend_plan]=1",
        "username=endless&data[extend_plan]=1&data[expire_date]=4102444800",
    ] {
        assert!(server.refused("line/update", body).starts_with("Invalid extend_plan"), "{body}");
    }
}

#[test]
fn groups_one_and_two_stay_and_a_group_in_use_too() {
    let server = TestServer::start();
    for id in [1, 2] {
        assert!(server.refused("groups/delete", &format!("id={id}")).contains("cannot be deleted"));
    }
    assert!(server.refused("groups/update", "id=1&data[rights][]=line").contains("full"));
    assert!(server.refused("groups/update", "id=1&data[rights]=").contains("full"));
    server.done("groups/update", "id=1&data[name]=Owners");
    server.done("groups/new", "data[name]=Support&data[rights][]=line:read&data[rights][]=mag:read");
    assert_eq!(info(&server, "groups", "group", 3)["rights"], json!(["line:read", "mag:read"]));
    assert!(
        server.refused("groups/new", "data[name]=x&data[rights][]=everything").starts_with("Invalid rights")
    );
    server.done(
        "administrators/new",
        "data[username]=sue&data[password]=long-enough&data[email]=sue@example.com&data[group_id]=3",
    );
    assert!(server.refused("groups/delete", "id=3").contains("1 administrator"));
    server.done("administrators/delete", "username=sue");
    server.done("groups/delete", "id=3");
}

#[test]
fn settings_are_shown_changed_and_reset() {
    let server = TestServer::start();
    let settings = || server.done("settings/get", "")["settings"].clone();
    let defaults = json!({
        "operator_name": "", "time_zone": "UTC", "audit_retention_days": 365, "error_retention_days": 31,
        "login_retention_days": 31,
    });
    has(&settings(), &defaults);
    server.done(
        "settings/update",
        "data[operator_name]=Linha&data[time_zone]=Europe/Lisbon&data[audit_retention_days]=9",
    );
    has(
        &settings(),
        &json!({"operator_name": "Linha", "time_zone": "Europe/Lisbon", "audit_retention_days": 9}),
    );
    for (field, value) in
        [("time_zone", "Mars/Base"), ("audit_retention_days", "-1"), ("login_retention_days", "x")]
    {
        let refused =
            server.refused("settings/update", &format!("data[operator_name]=No&data[{field}]={value}"));
        assert!(refused.starts_with(&format!("Invalid {field}")), "{refused}");
    }
    assert_eq!(settings()["operator_name"], "Linha");
    server.done("settings/update", "data[operator_name]=&data[time_zone]=&data[audit_retention_days]=");
    has(&settings(), &defaults);
}

#[test]
fn the_audit_trail_tells_who_changed_what_without_secrets() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=anna&data[password]=S3cretOfAnna");
    server.done("line/update", "username=anna&data[password]=An0therSecret&data[disabled]=1");
    server.refused("line/update", "username=anna&data[disabled]=7");
    server.done("line/delete", "username=anna");
    let answer = server.done("logs/list", "kind=audit&resource=line");
    assert_eq!(answer["total"], 3, "{answer}");
    let rows = answer["logs"].as_array().expect("rows");
    let actions: Vec<&Value> = rows.iter().map(|row| &row["action"]).collect();
    assert_eq!(actions, ["new", "update", "delete"]);
    has(
        &rows[1],
        &json!({"actor_kind": "api_key", "actor": "first key", "address": "127.0.0.1", "target": "anna"}),
    );
    assert_eq!((&rows[1]["before"]["disabled"], &rows[1]["after"]["disabled"]), (&json!(0), &json!(1)));
    let text = answer.to_string();
    assert!(!text.contains("S3cretOfAnna") && !text.contains("An0therSecret"), "{text}");
}

#[test]
fn logs_are_paged_filtered_and_of_three_kinds() {
    let server = TestServer::start();
    for n in 0..4 {
        server.done("line/new", &format!("data[username]=user{n}"));
    }
    let page = server.done("logs/list", "kind=audit&resource=line&limit=2&offset=1");
    let targets: Vec<&Value> =
        page["logs"].as_array().expect("rows").iter().map(|row| &row["target"]).collect();
    assert_eq!((&page["total"], targets), (&json!(4), vec![&json!("user1"), &json!("user2")]));
    assert_eq!(server.done("logs/list", "kind=audit&search=user3")["total"], 1);
    assert_eq!(server.done("logs/list", "kind=error")["logs"], json!([]));
    assert_eq!(server.done("logs/list", "kind=login")["logs"], json!([]));
    assert_eq!(server.refused("logs/list", ""), "Missing field: kind");
    assert!(server.refused("logs/list", "kind=other").starts_with("Invalid kind"));
    assert!(server.refused("logs/list", "kind=audit&colour=red").starts_with("Unknown field: colour"));
}
