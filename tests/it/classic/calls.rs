//! Each action and sub-action, with what PHP modules send, and with what is wrong.

use serde_json::{Value, json};

use super::{ask, php, refused, server};
use crate::support::{
    TestServer,
    tv::{fill, put_picture, within},
};

/// With two bouquets, a reseller that pays with its 100 credits, and two streams.
fn stocked() -> TestServer {
    let server = server();
    server.done("bouquets/new", "data[name]=One");
    server.done("bouquets/new", "data[name]=Two");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=100");
    server
        .done("streams/new", "data[name]=News&data[sources][]=media/none.ts&data[number]=7&data[enabled]=0");
    server.done("streams/new", "data[name]=Films&data[enabled]=0&data[logo_url]=http://tv.example/a.png");
    server
}

#[test]
fn a_php_module_sells_changes_and_shows_lines_boxes_credits_and_streams() {
    let server = stocked();
    let said = php(&server, "module.php");
    let [made, again, second, info, unlimited, edited, wrong, after] = &said[..8] else { panic!("{said:?}") };
    assert_eq!(
        *made,
        json!({"result": true, "created_id": 1, "username": "shop-1001", "password": "first.pass"})
    );
    assert_eq!(*again, json!({"result": false, "error": "EXISTS", "why": "username exists"}));
    assert_eq!((&second["created_id"], &second["result"]), (&json!(2), &json!(true)));

    let row = &info["user_info"];
    let texts: Vec<&str> = row.as_object().expect("a row").values().filter_map(Value::as_str).collect();
    let nulls = row.as_object().expect("a row").values().filter(|value| value.is_null()).count();
    assert_eq!(texts.len() + nulls, row.as_object().expect("a row").len(), "MySQL gives texts: {row}");
    for (column, value) in [
        ("id", "1"),
        ("username", "shop-1001"),
        ("password", "first.pass"),
        ("member_id", "1"),
        ("exp_date", "1896091200"),
        ("enabled", "1"),
        ("admin_enabled", "1"),
        ("admin_notes", "order 1001\npaid in cash"),
        ("bouquet", "[1,2]"),
        ("max_connections", "2"),
        ("is_restreamer", "0"),
        ("is_trial", "0"),
        ("allowed_ips", "[]"),
        ("active_cons", "0"),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    let other = &unlimited["user_info"];
    assert_eq!((&other["exp_date"], &other["is_restreamer"]), (&Value::Null, &json!("1")));
    assert_eq!((&other["bouquet"], &other["member_id"]), (&json!("[2]"), &Value::Null));

    assert_eq!(*edited, json!({"result": true}));
    assert_eq!(wrong["error"], "NOT EXISTS");
    let row = &after["user_info"];
    assert_eq!(
        (&row["exp_date"], &row["enabled"], &row["bouquet"]),
        (&json!("1896177600"), &json!("0"), &json!("[1,2]"))
    );
    let line = server.done("line/info", "username=shop-1001")["line_info"].clone();
    assert_eq!((&line["disabled"], &line["subscription_plan_id"]), (&json!(1), &Value::Null));

    let [box_made, box_again, box_edited, box_info] = &said[8..12] else { panic!("{said:?}") };
    assert_eq!((&box_made["result"], &box_made["created_id"]), (&json!(true), &json!(1)));
    assert_eq!((&box_again["error"], box_edited), (&json!("EXISTS"), &json!({"result": true})));
    let row = &box_info["user_info"];
    assert_eq!((&row["mac"], &row["is_mag"]), (&json!("00:1A:79:12:34:56"), &json!("1")));
    assert_eq!((&row["username"], &row["lock_device"]), (&box_made["username"], &json!("0")));

    assert_eq!(said[12..14], [json!({"result": true}), json!({"result": true})]);
    let [resellers, servers, streams] = &said[14..17] else { panic!("{said:?}") };
    assert_eq!((&resellers[0]["username"], &resellers[0]["credits"]), (&json!("North"), &json!("130")));
    // There are no plans in this dialect: nothing was paid.
    assert_eq!(server.done("resellers/statement", "id=1")["total"], 3);
    assert_eq!(
        (&servers[0]["id"], &servers[0]["is_main"], &servers[0]["status"]),
        (&json!("1"), &json!("1"), &json!("1"))
    );
    assert_eq!((&streams[0]["stream_display_name"], &streams[0]["order"]), (&json!("News"), &json!("7")));
    assert_eq!(
        (&streams[1]["id"], &streams[1]["stream_icon"]),
        (&json!("2"), &json!("http://tv.example/a.png"))
    );
    assert_eq!(said[17..19], [json!({"result": true}), json!({"result": true})]);
    let streams = server.done("streams/list", "")["streams"].clone();
    assert_eq!((&streams[0]["enabled"], &streams[1]["enabled"]), (&json!(1), &json!(0)));
    assert_eq!(said[19], json!({"result": false, "error": "NOT EXISTS", "why": "MAG does not exist"}));
    assert_eq!(said.len(), 20);
}

#[test]
fn what_is_wrong_is_refused_by_its_old_name_and_changes_nothing() {
    let server = stocked();
    ask(&server, "user/create", "user_data[username]=bob&user_data[password]=pw");
    ask(&server, "user/create", "user_data[username]=eve&user_data[password]=pw");
    ask(&server, "stb/create", "user_data[mac]=00:1A:79:00:00:01");
    ask(&server, "stb/create", "user_data[mac]=00:1A:79:00:00:02");
    let edit = |data: &str| format!("username=bob&password=pw&{data}");
    let before = server.done("line/list", "")["lines"].clone();
    for (call, body, error) in [
        ("user/create", String::new(), "PARAMETER ERROR (user_data)"),
        ("user/create", "user_data=nonsense".into(), "PARAMETER ERROR (user_data)"),
        ("user/create", "user_data[username]=a b".into(), "PARAMETER ERROR (username)"),
        ("user/create", "user_data[exp_date]=tomorrow".into(), "PARAMETER ERROR (exp_date)"),
        ("user/create", "user_data[exp_date]=-1".into(), "PARAMETER ERROR (exp_date)"),
        ("user/create", "user_data[max_connections]=many".into(), "PARAMETER ERROR (max_connections)"),
        ("user/create", "user_data[bouquet]=[1,9]".into(), "PARAMETER ERROR (bouquet)"),
        ("user/create", "user_data[bouquet]=[1,".into(), "PARAMETER ERROR (bouquet)"),
        ("user/create", "user_data[bouquet]=1,2".into(), "PARAMETER ERROR (bouquet)"),
        ("user/create", "user_data[member_id]=9".into(), "PARAMETER ERROR (member_id)"),
        ("user/create", "user_data[force_server_id]=9".into(), "PARAMETER ERROR (force_server_id)"),
        ("user/create", "user_data[is_trial]=yes".into(), "PARAMETER ERROR (is_trial)"),
        ("user/create", "user_data[enabled]=maybe".into(), "PARAMETER ERROR (enabled)"),
        ("user/create", "user_data[forced_country]=GR".into(), "PARAMETER ERROR (forced_country)"),
        ("user/create", "user_data[colour]=red".into(), "PARAMETER ERROR (colour)"),
        ("user/create", "user_data[expire_date]=1".into(), "PARAMETER ERROR (expire_date)"),
        ("user/create", "user_data[subscription_plan_id]=1".into(), "PARAMETER ERROR (subscription_plan_id)"),
        ("user/create", "user_data[username]=BOB".into(), "EXISTS"),
        ("user/edit", edit(""), "PARAMETER ERROR (user_data)"),
        ("user/edit", edit("user_data[username]=eve"), "EXISTS"),
        ("user/edit", edit("user_data[max_connections]=-1"), "PARAMETER ERROR (max_connections)"),
        ("user/edit", "username=bob&password=no&user_data[enabled]=0".into(), "NOT EXISTS"),
        ("user/edit", "username=a b&password=pw&user_data[enabled]=0".into(), "NOT EXISTS"),
        ("user/edit", "username=bob&user_data[enabled]=0".into(), "PARAMETER ERROR (username/password)"),
        ("user/info", "username=bob".into(), "PARAMETER ERROR (username/password)"),
        ("user/info", "username=nobody&password=pw".into(), "NOT EXISTS"),
        ("user/info", "username[]=bob&password=pw".into(), "NOT EXISTS"),
        ("stb/create", "user_data[exp_date]=1".into(), "PARAMETER ERROR (mac)"),
        ("stb/create", "user_data[mac]=00:1A".into(), "PARAMETER ERROR (mac)"),
        ("stb/create", "user_data[mac]=00-1a-79-00-00-02".into(), "EXISTS"),
        (
            "stb/create",
            "user_data[mac]=00:1A:79:00:00:03&user_data[is_restreamer]=1".into(),
            "PARAMETER ERROR (is_restreamer)",
        ),
        ("stb/edit", "user_data[enabled]=0".into(), "PARAMETER ERROR (mac)"),
        ("stb/edit", "mac=00:1A:79:00:00:09&user_data[enabled]=0".into(), "NOT EXISTS"),
        ("stb/edit", "mac=00:1A:79:00:00:01&user_data[mac]=00:1A:79:00:00:02".into(), "EXISTS"),
        ("stb/info", "mac=00:1A:79:00:00:09".into(), "NOT EXISTS"),
        ("reg_user/credits", "id=1".into(), "PARAMETER ERROR (amount)"),
        ("reg_user/credits", "amount=1".into(), "PARAMETER ERROR (id)"),
        ("reg_user/credits", "id=1&amount=0".into(), "PARAMETER ERROR (amount)"),
        ("reg_user/credits", "id=1&amount=1.50".into(), "PARAMETER ERROR (amount)"),
        ("reg_user/credits", "id=1&amount=-101".into(), "Not enough credits"),
        ("reg_user/credits", "id=9&amount=1".into(), "NOT EXISTS"),
        ("stream/start", String::new(), "PARAMETER ERROR (stream_ids)"),
        ("stream/start", "stream_ids[]=1&stream_ids[]=9".into(), "NOT EXISTS"),
        ("stream/stop", "stream_ids[]=x".into(), "PARAMETER ERROR (stream_ids)"),
    ] {
        assert_eq!(refused(&server, call, &body), error, "{call} {body}");
    }
    let why = ask(&server, "user/create", "user_data[exp_date]=tomorrow")["why"].clone();
    assert!(why.as_str().is_some_and(|why| why.starts_with("Invalid exp_date: unix seconds")), "{why}");
    let why = ask(&server, "user/create", "user_data[member_id]=9")["why"].clone();
    assert_eq!(why, "Reseller does not exist");
    for (action, sub) in [("user", "delete"), ("vod", "list"), ("", ""), ("user", "")] {
        let (status, answer) = server.curl(&format!("/api.php?action={action}&sub={sub}"), &["-d", "x=1"]);
        assert_eq!((status, &answer["result"]), (200, &json!(false)), "{action} {sub}");
    }
    assert_eq!(server.done("line/list", "")["lines"], before);
    assert_eq!(server.done("resellers/list", "")["resellers"][0]["credits"], 100);
    assert_eq!(server.done("streams/list", "")["streams"][0]["enabled"], 0);
}

#[test]
fn old_columns_become_ours_and_come_back_as_they_were_sent() {
    let server = stocked();
    let sent = "user_data[username]=bob&user_data[password]=pw&user_data[enabled]=1&user_data[admin_enabled]=0\
                &user_data[allowed_ips]=[\"192.0.2.1\",\"198.51.100.0/24\"]&user_data[allowed_ua][]=VLC*\
                &user_data[allowed_outputs]=[1]&user_data[is_isplock]=1&user_data[force_server_id]=1\
                &user_data[contact]=bob@example.com&user_data[is_trial]=1&user_data[member_id]=0";
    ask(&server, "user/create", sent);
    let line = server.done("line/info", "username=bob")["line_info"].clone();
    for (column, value) in [
        ("disabled", json!(0)),
        ("banned", json!(1)),
        ("allowed_ips", json!(["192.0.2.1", "198.51.100.0/24"])),
        ("allowed_user_agents", json!(["VLC*"])),
        ("allowed_outputs", json!(["hls"])),
        ("isp_lock", json!(1)),
        ("server_id", json!(1)),
        ("notes", json!("bob@example.com")),
        ("is_trial", json!(1)),
        ("reseller_id", Value::Null),
        ("expire_date", Value::Null),
        ("max_allowed_connections", json!(1)),
    ] {
        assert_eq!(line[column], value, "{column}");
    }
    let row = ask(&server, "user/info", "username=bob&password=pw")["user_info"].clone();
    for (column, value) in [
        ("admin_enabled", "0"),
        ("allowed_ips", "[\"192.0.2.1\",\"198.51.100.0/24\"]"),
        ("allowed_ua", "[\"VLC*\"]"),
        ("allowed_outputs", "[1]"),
        ("is_isplock", "1"),
        ("force_server_id", "1"),
        ("admin_notes", "bob@example.com"),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    // What is left out stays; what is empty goes back to what a new one has.
    let edit = "username=bob&password=pw&user_data[bouquet]=[2]&user_data[allowed_ips]=&user_data[exp_date]=1896091200";
    ask(&server, "user/edit", edit);
    ask(&server, "user/edit", "username=bob&password=pw&user_data[exp_date]=&user_data[username]=robert");
    let line = server.done("line/info", "username=robert")["line_info"].clone();
    assert_eq!((&line["bouquets"], &line["allowed_ips"]), (&json!([2]), &json!([])));
    assert_eq!((&line["expire_date"], &line["banned"]), (&Value::Null, &json!(1)));
    // PHP's strtotime() gives false for what it cannot read, which is sent as 0.
    server.done("settings/update", "data[refuse_zero_expiry]=1");
    assert_eq!(
        refused(&server, "user/create", "user_data[username]=zero&user_data[exp_date]=0"),
        "PARAMETER ERROR (exp_date)"
    );
    // JSON in a field, and a body of JSON.
    let data = r#"user_data={"username":"json","bouquet":[1],"exp_date":null}"#;
    assert_eq!(ask(&server, "user/create", data)["username"], "json");
    let body = r#"{"user_data":{"password":"only"}}"#;
    let arguments = ["-H", "Content-Type: application/json", "-d", body];
    let (_, answer) = server.curl("/api.php?action=user&sub=create", &arguments);
    assert_eq!(answer["username"].as_str().map(str::len), Some(10), "{answer}");
}

#[test]
fn a_line_with_a_plan_is_changed_without_a_price_and_a_resellers_ceiling_holds() {
    let server = stocked();
    server.done(
        "subscription_plans/new",
        "data[name]=Month&data[credits]=10&data[duration]=1&data[duration_unit]=month",
    );
    server.done(
        "line/new",
        "data[username]=bob&data[password]=pw&data[subscription_plan_id]=1&data[reseller_id]=1",
    );
    ask(&server, "user/edit", "username=bob&password=pw&user_data[exp_date]=1896091200");
    let line = server.done("line/info", "username=bob")["line_info"].clone();
    assert_eq!((&line["expire_date"], &line["subscription_plan_id"]), (&json!(1_896_091_200), &json!(1)));
    assert_eq!(server.done("resellers/list", "")["resellers"][0]["credits"], 90);
    server.done("resellers/update", "id=1&data[max_allowed_connections]=2");
    let over = refused(&server, "user/create", "user_data[member_id]=1&user_data[max_connections]=2");
    assert!(over.starts_with("Reseller North may have 2 connections in all"), "{over}");
}

#[test]
fn running_streams_are_online_on_their_server() {
    let folder = tempfile::tempdir().expect("a folder");
    put_picture(folder.path());
    let server = TestServer::on(folder, &[]);
    super::switch_on(&server);
    assert_eq!(ask(&server, "stream/online", ""), json!([]));
    fill(&server, 2);
    within(30, "both play", || ask(&server, "stream/online", "") == json!({"1": ["1"], "2": ["1"]}));
    assert_eq!(ask(&server, "stream/stop", "stream_ids[]=2"), json!({"result": true}));
    assert_eq!(ask(&server, "stream/offline", ""), json!({"2": ["1"]}));
    let (status, answer) = server.curl("/api.php?action=stream&sub=start&stream_ids[]=2", &[]);
    assert_eq!((status, answer), (200, json!({"result": true})));
    within(30, "it plays again", || ask(&server, "stream/offline", "") == json!([]));
}
