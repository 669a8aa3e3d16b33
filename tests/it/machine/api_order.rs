//! The order of answers: `result` first, then the members as the contract writes them; rows as `schema.sql` has their
//! columns. People read them, and simple scripts look at how they begin.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{KEY, TestServer};

/// The names of an object's members, in the order in which they came.
fn names(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// The columns of every table, as `schema.sql` has them.
fn schema() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut tables: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut table = "";
    for line in include_str!("../../../schema.sql").lines() {
        if let Some(name) = line.strip_prefix("CREATE TABLE ") {
            table = name.trim_end_matches(" (");
        } else if let Some(column) = line.strip_prefix("    ")
            && column.starts_with(|first: char| first.is_ascii_lowercase())
        {
            tables.entry(table).or_default().extend(column.split(' ').next());
        }
    }
    tables
}

#[test]
fn columns_of_rows_stand_as_the_schema_has_them() {
    let server = TestServer::start();
    let made = [
        ("streams/new", "data[name]=One&data[sources][]=media/one.ts&data[enabled]=0"),
        ("bouquets/new", "data[name]=All&data[streams][]=1"),
        ("categories/new", "data[name]=News"),
        ("subscription_plans/new", "data[name]=Month"),
        ("guide_sources/new", "data[name]=Guide&data[url]=guide/x.xml&data[refresh_hours]=0"),
        ("resellers/new", "data[name]=North"),
        ("line/new", "data[username]=bob"),
        ("mag/new", "data[mac_address]=00:1A:79:00:00:01"),
        (
            "administrators/new",
            "data[username]=eve&data[password]=Correct-Horse-7&data[email]=eve@example.com&data[group_id]=1",
        ),
    ];
    for (call, body) in made {
        server.done(call, body);
    }
    let schema = schema();
    let rows = [
        ("lines", "line/list", "", "/lines/0"),
        ("lines", "line/info", "username=bob", "/line_info"),
        ("mags", "mag/list", "", "/mags/0"),
        ("mags", "mag/info", "mac_address=001A79000001", "/mag_info"),
        ("streams", "streams/info", "id=1", "/stream"),
        ("bouquets", "bouquets/list", "", "/bouquets/0"),
        ("categories", "categories/list", "", "/categories/0"),
        ("subscription_plans", "subscription_plans/list", "", "/subscription_plans/0"),
        ("groups", "groups/list", "", "/groups/0"),
        ("guide_sources", "guide_sources/list", "", "/guide_sources/0"),
        ("resellers", "resellers/list", "", "/resellers/0"),
        ("administrators", "administrators/list", "", "/administrators/0"),
        ("servers", "servers/list", "", "/servers/0"),
        ("settings", "settings/get", "", "/settings"),
        ("api_keys", "settings/api_key_list", "", "/api_keys/0"),
    ];
    for (table, call, body, place) in rows {
        let answer = server.done(call, body);
        let found = names(answer.pointer(place).expect(place));
        let columns = &schema[table];
        let known: Vec<&str> = found.iter().copied().filter(|name| columns.contains(name)).collect();
        let shown: Vec<&str> = columns.iter().copied().filter(|name| found.contains(name)).collect();
        assert_eq!(known, shown, "{call}");
        // All but what is secret, and the id of the one row of settings.
        assert!(shown.len() + 2 > columns.len(), "{call}: {shown:?}");
    }
}

#[test]
fn members_stand_as_the_contract_writes_them() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    let answers: &[(&str, &str, &[&str])] = &[
        ("line/new", "data[username]=bob", &["result", "created_id", "username", "password"]),
        ("line/update", "username=bob&data[notes]=x", &["result", "modified_id", "username", "password"]),
        ("line/info", "username=bob", &["result", "line_info", "line_conn_info", "line_channel_ids"]),
        ("line/list", "", &["result", "total", "lines"]),
        ("line/delete", "username=bob", &["result", "deleted_id"]),
        ("mag/new", "data[mac_address]=001A79000001", &["result", "created_id", "mac_address"]),
        (
            "mag/info",
            "mac_address=001A79000001",
            &["result", "mag_info", "mag_conn_info", "mag_channel_ids", "mag_device"],
        ),
        ("resellers/add_credits", "id=1&credits=5", &["result", "modified_id", "credits"]),
        ("resellers/update", "id=1&data[name]=South", &["result", "modified_id", "name", "credits"]),
        ("servers/update", "id=1&data[name]=Main", &["result", "modified_id", "name", "IP address"]),
        ("line/info", "username=nobody", &["result", "error"]),
    ];
    for (call, body, members) in answers {
        assert_eq!(names(&server.call(call, body)), *members, "{call}");
    }
    let reseller = server.done("resellers/list", "")["resellers"][0].clone();
    assert_eq!(names(&reseller)[..5], ["id", "name", "usernames", "emails", "max_allowed_connections"]);
    let row = server.done("servers/list", "")["servers"][0].clone();
    assert_eq!(names(&row)[..5], ["id", "name", "role", "server_ip", "vpn_ip"]);
}

#[test]
fn every_answer_begins_with_its_result() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=bob");
    server.done("mag/new", "data[mac_address]=001A79000001");
    server.done("streams/new", "data[name]=One&data[enabled]=0");
    let bodies = ["", "&id=1", "&username=bob", "&mac_address=001A79000001", "&kind=audit", "&stream_id=1"];
    let described = server.curl("/api/openapi.json", &[]).1;
    let mut read = 0;
    for path in described["paths"].as_object().expect("paths").keys() {
        // What writes succeeds in engine::effects, which holds this too.
        let texts = bodies.iter().map(|body| {
            let url = format!("{}{path}", server.url);
            let sent = std::process::Command::new("curl")
                .args(["-sS", "-d", &format!("api_key={KEY}{body}"), &url])
                .output();
            String::from_utf8(sent.expect("curl").stdout).expect("UTF-8")
        });
        for text in texts.collect::<Vec<_>>() {
            let begins = ["{\"result\":true", "{\"result\":false,\"error\":\""];
            assert!(begins.iter().any(|begin| text.starts_with(begin)), "{path}: {text}");
            read += usize::from(text.starts_with(begins[0]));
        }
    }
    assert!(read > 40, "{read}");
}
