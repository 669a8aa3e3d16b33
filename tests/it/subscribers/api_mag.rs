//! The calls of MAGs, as the wire contract has them.

use serde_json::{Value, json};

use crate::support::{TestServer, set::Set};

const MAC: &str = "00:1A:79:79:79:79";

#[test]
fn a_mac_is_taken_in_every_spelling_and_answered_upper_case_with_colons() {
    let server = TestServer::start();
    for (place, spelling) in
        ["00:1a:79:00:00:01", "00-1A-79-00-00-02", "001a79000003", "00%3A1a%3A79%3A00%3A00%3A04"]
            .iter()
            .enumerate()
    {
        let answer = server.done("mag/new", &format!("data[mac_address]={spelling}"));
        let mac = format!("00:1A:79:00:00:0{}", place + 1);
        assert_eq!(answer, json!({"result": true, "created_id": place + 1, "mac_address": mac}));
        let shown = server.done("mag/info", &format!("mac_address={}", mac.to_lowercase().replace(':', "-")));
        assert_eq!(shown["mag_info"]["mac_address"], mac);
    }
}

#[test]
fn one_address_in_another_spelling_already_exists() {
    let server = TestServer::start();
    server.done("mag/new", &format!("data[mac_address]={MAC}"));
    for spelling in [MAC, "00-1a-79-79-79-79", "001A79797979"] {
        let refused = server.refused("mag/new", &format!("data[mac_address]={spelling}"));
        assert_eq!(refused, "MAC Address already exists", "{spelling}");
    }
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01");
    let refused =
        server.refused("mag/update", &format!("mac_address=00:1A:79:00:00:01&data[mac_address]={MAC}"));
    assert_eq!(refused, "MAC Address already exists");
    assert_eq!(server.done("mag/list", "")["total"], 2);
}

#[test]
fn what_is_no_address_of_a_box_is_an_invalid_mac_address() {
    let server = TestServer::start();
    for wrong in [
        "x",
        "00:1A:79:79:79",
        "00:1A:79:79:79:79:79",
        "00:1A:79:79:79:7G",
        "00:00:00:00:00:00",
        "FF:FF:FF:FF:FF:FF",
        "01:00:5E:00:00:01",
        "00:1A-79:79-79:79",
    ] {
        assert_eq!(
            server.refused("mag/new", &format!("data[mac_address]={wrong}")),
            "Invalid MAC Address",
            "{wrong}"
        );
        for call in ["mag/update", "mag/delete", "mag/info"] {
            assert_eq!(
                server.refused(call, &format!("mac_address={wrong}")),
                "Invalid MAC Address",
                "{call} {wrong}"
            );
        }
    }
    assert_eq!(server.refused("mag/new", ""), "Missing field: mac_address");
    assert_eq!(server.done("mag/list", "")["total"], 0);
}

#[test]
fn an_unknown_box_does_not_exist() {
    let server = TestServer::start();
    for call in ["mag/update", "mag/delete", "mag/info"] {
        assert_eq!(
            server.refused(call, &format!("mac_address={MAC}")),
            "MAC Address does not exist",
            "{call}"
        );
    }
}

#[test]
fn a_box_is_made_changed_shown_and_deleted() {
    let server = TestServer::start();
    server.done("streams/new", "data[name]=One");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("subscription_plans/new", "data[name]=Month&data[max_allowed_connections]=2");
    let made = format!(
        "data[mac_address]={MAC}&data[expire_date]=4102444800&data[subscription_plan_id]=1&data[bouquets][]=1&\
         data[allowed_ips][]=192.0.2.1"
    );
    server.done("mag/new", &made);
    let shown = server.done("mag/info", &format!("mac_address={MAC}"));
    assert_eq!((&shown["mag_channel_ids"], &shown["mag_conn_info"]), (&json!([1]), &json!([])));
    let mut row = shown["mag_info"].as_object().expect("an object").clone();
    assert!(
        row.remove("created_at").is_some_and(|at| at.is_i64())
            && row.remove("updated_at").is_some_and(|at| at.is_i64())
    );
    let expected = json!({
        "id": 1, "mac_address": MAC, "login": "", "password": "", "lock_device": 1, "max_allowed_connections": 2, "expire_date": 4_102_444_800_i64,
        "subscription_plan_id": 1, "reseller_id": null, "disabled": 0, "banned": 0, "allowed_ips": ["192.0.2.1"],
        "allowed_user_agents": [], "allowed_outputs": [], "catchup": 1, "server_id": null, "isp_lock": 0, "isp_asn": null,
        "is_trial": 0, "reference": "", "email": "", "reminders": 1, "notes": "", "bouquets": [1],
    });
    assert_eq!(serde_json::Value::Object(row), expected);

    let other = "00:1A:79:00:00:09";
    let answer = server
        .done("mag/update", &format!("mac_address={MAC}&data[mac_address]=001a79000009&data[expire_date]="));
    assert_eq!(answer, json!({"result": true, "modified_id": 1, "mac_address": other}));
    let row = server.done("mag/info", &format!("mac_address={other}"))["mag_info"].clone();
    assert_eq!((&row["expire_date"], &row["max_allowed_connections"]), (&json!(null), &json!(2)));
    assert_eq!(
        server.done("mag/delete", &format!("mac_address={other}")),
        json!({"result": true, "deleted_id": 1})
    );
    assert_eq!(server.done("mag/list", "")["mags"], json!([]));
}

#[test]
fn boxes_are_listed_by_page_and_filter() {
    let server = TestServer::start();
    for n in 1..=4 {
        server.done("mag/new", &format!("data[mac_address]=00:1A:79:00:00:0{n}&data[disabled]={}", n % 2));
    }
    let list = |query: &str| {
        let answer = server.done("mag/list", query);
        let ids: Vec<i64> =
            answer["mags"].as_array().expect("mags").iter().filter_map(|mag| mag["id"].as_i64()).collect();
        (answer["total"].as_i64().expect("a number"), ids)
    };
    assert_eq!(list(""), (4, vec![1, 2, 3, 4]));
    assert_eq!(list("limit=2&offset=1"), (4, vec![2, 3]));
    assert_eq!(list("limit=2&after=2"), (4, vec![3, 4]));
    assert_eq!(list("disabled=1"), (2, vec![1, 3]));
    assert_eq!(list("search=00:04"), (1, vec![4]));
    assert_eq!(list("mac_address=00:1A:79:00:00:02"), (1, vec![2]));
}

#[test]
fn each_listed_mag_shows_its_box_as_it_is_now() {
    let server = TestServer::start();
    server.done("mag/new", &format!("data[mac_address]={MAC}"));
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:02");
    let mut set = Set::new(&server, MAC);
    set.shake("");
    set.js("type=stb&action=get_profile&stb_type=MAG322&sn=SN7&image_version=220&device_id=AAA");
    let listed = server.done("mag/list", "");
    let device = &listed["mags"][0]["mag_device"];
    let shown = ["model", "serial", "firmware", "device_id", "ip"].map(|name| device[name].clone());
    assert_eq!(shown, ["MAG322", "SN7", "220", "AAA", "127.0.0.1"].map(Value::from), "{listed}");
    assert!(device["last_seen_at"].is_i64(), "before anything was written down: {listed}");
    let silent = &listed["mags"][1]["mag_device"];
    assert_eq!((&silent["model"], &silent["last_seen_at"]), (&json!(""), &json!(null)));
    assert!(!listed.to_string().contains("parent_pin") && !listed.to_string().contains("token"), "{listed}");
    let page = server.done("mag/list", "after=1&limit=1");
    assert_eq!((&page["mags"][0]["id"], &page["mags"][0]["mag_device"]), (&json!(2), silent));
    let mut info = server.done("mag/info", &format!("mac_address={MAC}"))["mag_device"].clone();
    for more in ["parent_pin", "favourite_ids", "events_waiting"] {
        assert!(info.as_object_mut().expect("an object").remove(more).is_some(), "{more}");
    }
    assert_eq!(&info, device);
}
