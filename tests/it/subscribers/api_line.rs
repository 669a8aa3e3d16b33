//! The calls of lines, as the wire contract has them.

use serde_json::{Value, json};

use crate::support::{KEY, TestServer};

fn info(server: &TestServer, username: &str) -> Value {
    server.done("line/info", &format!("username={username}"))["line_info"].clone()
}

fn usernames(answer: &Value) -> Vec<String> {
    let lines = answer["lines"].as_array().expect("lines");
    lines.iter().map(|line| line["username"].as_str().expect("a text").to_owned()).collect()
}

fn id(answer: &Value) -> i64 {
    answer["created_id"].as_i64().expect("an id")
}

#[expect(clippy::disallowed_methods, reason = "the test compares with the clock of its own machine")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("seconds")
}

#[test]
fn a_line_made_without_anything_gets_random_credentials_and_the_schemas_defaults() {
    let server = TestServer::start();
    let (one, other) =
        (server.done("line/new", ""), server.done("line/new", "data[username]=&data[password]="));
    for answer in [&one, &other] {
        for name in ["username", "password"] {
            let text = answer[name].as_str().expect("a text");
            assert!(text.len() == 10 && text.bytes().all(|b| b.is_ascii_alphanumeric()), "{text}");
        }
    }
    assert!(one["username"] != other["username"] && one["password"] != other["password"]);
    let username = one["username"].as_str().expect("a text");
    let mut shown = info(&server, username);
    for stamp in ["created_at", "updated_at"] {
        let seconds = shown.as_object_mut().and_then(|row| row.remove(stamp)).and_then(|at| at.as_i64());
        assert!(seconds.is_some_and(|at| (now() - at).abs() < 100), "{stamp} {seconds:?}");
    }
    let expected = json!({
        "id": one["created_id"], "username": one["username"], "password": one["password"], "restreamer": 0,
        "max_allowed_connections": 1, "expire_date": null, "subscription_plan_id": null, "reseller_id": null,
        "disabled": 0, "banned": 0, "allowed_ips": [], "allowed_user_agents": [], "allowed_outputs": [], "catchup": 1,
        "server_id": null, "isp_lock": 0, "isp_asn": null, "is_trial": 0, "reference": "", "email": "", "reminders": 1, "notes": "", "bouquets": [], "token": null,
    });
    assert_eq!(shown, expected);
    let whole = server.done("line/info", &format!("username={username}"));
    assert_eq!((&whole["line_conn_info"], &whole["line_channel_ids"]), (&json!([]), &json!([])));
}

#[test]
fn a_line_keeps_every_column_that_a_caller_gives() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    server.done("subscription_plans/new", "data[name]=Month");
    let made = server.done(
        "line/new",
        "data[username]=a-b_c.d~e@f&data[password]=p&data[restreamer]=true&data[max_allowed_connections]=3&\
         data[expire_date]=4102444800&data[subscription_plan_id]=1&data[reseller_id]=1&data[disabled]=1&\
         data[banned]=1&data[allowed_ips][]=192.0.2.1&data[allowed_ips][]=2001:db8::/32&\
         data[allowed_user_agents][]=VLC/*&data[server_id]=1&data[isp_lock]=1&data[is_trial]=1&data[notes]=two%0Alines",
    );
    assert_eq!(made["username"], "a-b_c.d~e@f");
    let shown = info(&server, "a-b_c.d~e@f");
    let expected = json!({
        "restreamer": 1, "max_allowed_connections": 3, "expire_date": 4_102_444_800_i64,
        "subscription_plan_id": 1, "reseller_id": 1, "disabled": 1, "banned": 1,
        "allowed_ips": ["192.0.2.1", "2001:db8::/32"], "allowed_user_agents": ["VLC/*"], "server_id": 1,
        "isp_lock": 1, "is_trial": 1, "notes": "two\nlines",
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&shown[name], value, "{name}");
    }
}

#[test]
fn a_taken_username_is_refused_without_regard_to_case() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=Anna");
    assert_eq!(server.refused("line/new", "data[username]=anna"), "Username exists.");
    server.done("line/new", "data[username]=bert");
    assert_eq!(server.refused("line/update", "username=bert&data[username]=ANNA"), "Username exists.");
    assert_eq!(server.done("line/list", "")["total"], 2);
}

#[test]
fn an_update_answers_the_credentials_as_they_are_afterwards() {
    let server = TestServer::start();
    let id = id(&server.done("line/new", "data[username]=old&data[password]=first"));
    let answer = server.done("line/update", "username=old&data[username]=new&data[password]=second");
    assert_eq!(answer, json!({"result": true, "modified_id": id, "username": "new", "password": "second"}));
    assert_eq!(server.refused("line/info", "username=old"), "Wrong Username/Password.");
    let same = server.done("line/update", "username=new&password=second&data[username]=NEW");
    assert_eq!(same["username"], "NEW");
}

#[test]
fn unknown_usernames_and_wrong_passwords_get_the_seeds_text_and_change_nothing() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=anna&data[password]=right");
    let wrong = "Wrong Username/Password.";
    for call in ["line/update", "line/delete", "line/info"] {
        for who in [
            "username=nobody",
            "username=anna&password=wrong",
            "username=%20",
            "username=anna&password=Right",
        ] {
            assert_eq!(server.refused(call, who), wrong, "{call} {who}");
        }
    }
    let refused = server.refused("line/update", "username=anna&password=wrong&data[notes]=x");
    assert_eq!((refused.as_str(), &info(&server, "anna")["notes"]), (wrong, &json!("")));
    assert_eq!(server.refused("line/update", "data[notes]=x"), "Missing field: username");
}

#[test]
fn a_deleted_line_is_gone_and_its_id_never_comes_back() {
    let server = TestServer::start();
    let first = id(&server.done("line/new", "data[username]=anna"));
    let answer = server.done("line/delete", "username=ANNA");
    assert_eq!(answer, json!({"result": true, "deleted_id": first}));
    assert_eq!(server.refused("line/info", "username=anna"), "Wrong Username/Password.");
    assert!(id(&server.done("line/new", "data[username]=anna")) > first);
}

#[test]
fn an_empty_value_resets_a_column_to_its_default_and_an_absent_one_leaves_it() {
    let server = TestServer::start();
    server.done(
        "line/new",
        "data[username]=anna&data[password]=pw&data[max_allowed_connections]=7&data[expire_date]=4102444800&\
         data[allowed_ips][]=192.0.2.1&data[notes]=hello&data[disabled]=1",
    );
    server.done(
        "line/update",
        "username=anna&data[expire_date]=&data[allowed_ips]=&data[max_allowed_connections]=",
    );
    let shown = info(&server, "anna");
    assert_eq!(shown["expire_date"], Value::Null);
    assert_eq!(shown["allowed_ips"], json!([]));
    assert_eq!(shown["max_allowed_connections"], 1);
    assert_eq!((&shown["notes"], &shown["disabled"]), (&json!("hello"), &json!(1)));
}

#[test]
fn lists_come_as_brackets_as_encoded_brackets_as_multipart_and_as_json_in_a_field() {
    let server = TestServer::start();
    let expected = json!(["192.0.2.1", "192.0.2.2"]);
    for (place, list) in [
        "data[allowed_ips][0]=192.0.2.1&data[allowed_ips][1]=192.0.2.2",
        "data[allowed_ips][]=192.0.2.1&data[allowed_ips][]=192.0.2.2",
        "data%5Ballowed_ips%5D%5B0%5D=192.0.2.1&data%5Ballowed_ips%5D%5B1%5D=192.0.2.2",
        "data[allowed_ips]=[\"192.0.2.1\",\"192.0.2.2\"]",
        "data[allowed_ips]=%5B%22192.0.2.1%22%2C+%22192.0.2.2%22%5D",
    ]
    .iter()
    .enumerate()
    {
        server.done("line/new", &format!("data[username]=form{place}&{list}"));
        assert_eq!(info(&server, &format!("form{place}"))["allowed_ips"], expected, "{list}");
    }
    let key = format!("api_key={KEY}");
    let multipart = server.curl(
        "/api/line/new",
        &[
            "-F",
            &key,
            "-F",
            "data[username]=multi",
            "-F",
            "data[allowed_ips][]=192.0.2.1",
            "-F",
            "data[allowed_ips][]=192.0.2.2",
        ],
    );
    assert_eq!((multipart.0, &multipart.1["result"]), (200, &json!(true)), "{}", multipart.1);
    assert_eq!(info(&server, "multi")["allowed_ips"], expected);
}

#[test]
fn a_json_body_takes_native_types_and_a_null_is_an_empty_value() {
    let server = TestServer::start();
    let post = |call: &str, body: Value| {
        let body = body.to_string();
        server.curl(
            &format!("/api/{call}"),
            &["-H", "Content-Type: application/json; charset=utf-8", "-d", &body],
        )
    };
    let body = json!({
        "api_key": KEY,
        "data": {
            "username": "json", "password": "secret", "max_allowed_connections": 4, "disabled": true,
            "expire_date": 4_102_444_800_i64, "allowed_ips": ["192.0.2.1"], "notes": "ünï",
        },
    });
    let (status, answer) = post("line/new", body);
    assert_eq!((status, &answer["username"]), (200, &json!("json")), "{answer}");
    let shown = info(&server, "json");
    assert_eq!(
        (&shown["max_allowed_connections"], &shown["disabled"], &shown["notes"]),
        (&json!(4), &json!(1), &json!("ünï"))
    );
    let body = json!({"api_key": KEY, "username": "json", "data": {"expire_date": null, "allowed_ips": []}});
    let (status, answer) = post("line/update", body);
    assert_eq!((status, &answer["result"]), (200, &json!(true)), "{answer}");
    let shown = info(&server, "json");
    assert_eq!((&shown["expire_date"], &shown["allowed_ips"]), (&Value::Null, &json!([])));
}

#[test]
fn a_bare_client_of_php_streams_is_served() {
    let server = TestServer::start();
    let body = format!("api_key={KEY}&data%5Busername%5D=bare");
    let arguments =
        ["--http1.0", "-H", "User-Agent:", "-H", "Accept:", "-H", "Connection: close", "-d", &body];
    let (status, answer) = server.curl("/api/line/new", &arguments);
    assert_eq!((status, &answer["username"]), (200, &json!("bare")));
}

#[test]
fn info_and_list_take_get_and_the_changing_calls_do_not() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=anna");
    let (status, answer) = server.curl(&format!("/api/line/info/{KEY}?username=anna"), &[]);
    assert_eq!((status, &answer["line_info"]["username"]), (200, &json!("anna")));
    assert_eq!(server.curl(&format!("/api/line/list/{KEY}"), &[]).1["total"], 1);
    for call in ["new", "update", "delete"] {
        assert_eq!(server.curl(&format!("/api/line/{call}/{KEY}?username=anna"), &[]).0, 405, "{call}");
    }
}

#[test]
fn a_list_is_cut_by_limit_offset_and_after_while_total_counts_all() {
    let server = TestServer::start();
    let ids: Vec<i64> =
        (0..5).map(|n| id(&server.done("line/new", &format!("data[username]=user{n}")))).collect();
    let page = |query: &str| {
        let answer = server.done("line/list", query);
        assert_eq!(answer["total"], 5, "{query}");
        usernames(&answer)
    };
    assert_eq!(page(""), ["user0", "user1", "user2", "user3", "user4"]);
    assert_eq!(page("limit=2"), ["user0", "user1"]);
    assert_eq!(page("limit=2&offset=3"), ["user3", "user4"]);
    assert_eq!(page("offset=9"), [""; 0]);
    assert_eq!(page(&format!("limit=2&after={}", ids[1])), ["user2", "user3"]);
    assert_eq!(page(&format!("after={}", ids[4])), [""; 0]);
    for wrong in ["limit=0", "limit=1001", "limit=-1", "offset=x", "offset=1&after=1"] {
        assert!(server.refused("line/list", wrong).starts_with("Invalid "), "{wrong}");
    }
}

#[test]
fn a_list_is_filtered_by_column_search_and_change() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    server.done("bouquets/new", "data[name]=Films");
    server.done("line/new", "data[username]=anna&data[disabled]=1&data[notes]=100%25_sure");
    server.done("line/new", "data[username]=bert&data[reseller_id]=1&data[allowed_ips][]=192.0.2.1");
    server.done("line/new", "data[username]=carl&data[bouquets][]=1&data[expire_date]=4102444800");
    let found = |query: &str| {
        let answer = server.done("line/list", query);
        assert_eq!(answer["total"], usernames(&answer).len(), "{query}");
        usernames(&answer)
    };
    assert_eq!(found("disabled=1"), ["anna"]);
    assert_eq!(found("disabled=0"), ["bert", "carl"]);
    assert_eq!(found("reseller_id=1"), ["bert"]);
    assert_eq!(found("reseller_id="), ["anna", "carl"]);
    assert_eq!(found("expire_date=4102444800"), ["carl"]);
    assert_eq!(found("bouquets=1"), ["carl"]);
    assert_eq!(found("allowed_ips=192.0.2.1"), ["bert"]);
    assert_eq!(found("username=ANNA"), ["anna"]);
    assert_eq!(found("search=ber"), ["bert"]);
    assert_eq!(found("search=0%25_s"), ["anna"]);
    assert_eq!(found("search=%25"), ["anna"]);
    assert_eq!(found("search=nothing"), [""; 0]);
    assert_eq!(found("changed_since=1"), ["anna", "bert", "carl"]);
    assert_eq!(found(&format!("changed_since={}", now() + 3600)), [""; 0]);
    assert!(server.refused("line/list", "colour=red").starts_with("Unknown field: colour"));
}

#[test]
fn changed_since_shows_what_was_changed_at_that_second_or_later() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=anna");
    server.done("line/new", "data[username]=bert");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    server.done("line/update", "username=bert&data[notes]=x");
    let changed = info(&server, "bert")["updated_at"].as_i64().expect("seconds");
    assert!(info(&server, "bert")["created_at"].as_i64() < Some(changed));
    assert_eq!(usernames(&server.done("line/list", &format!("changed_since={changed}"))), ["bert"]);
}

#[test]
fn channels_are_the_plans_bouquets_by_position_then_the_lines_own_each_once() {
    let server = TestServer::start();
    for n in 1..=5 {
        server.done(
            "streams/new",
            &format!("data[name]=Channel {n}&data[sources][]=http://origin.example/{n}"),
        );
    }
    server.done("bouquets/new", "data[name]=Late&data[position]=9&data[streams][]=1&data[streams][]=2");
    server.done("bouquets/new", "data[name]=Early&data[position]=1&data[streams][]=3&data[streams][]=2");
    server.done(
        "bouquets/new",
        "data[name]=Own&data[position]=0&data[streams][]=5&data[streams][]=1&data[streams][]=4",
    );
    server.done("subscription_plans/new", "data[name]=Both&data[bouquets][]=1&data[bouquets][]=2");
    server.done("line/new", "data[username]=anna&data[subscription_plan_id]=1&data[bouquets][]=3");
    let channels = || server.done("line/info", "username=anna")["line_channel_ids"].clone();
    assert_eq!(channels(), json!([3, 2, 1, 5, 4]));
    server.done("line/update", "username=anna&data[subscription_plan_id]=");
    assert_eq!(channels(), json!([5, 1, 4]));
    server.done("streams/delete", "id=1");
    assert_eq!(channels(), json!([5, 4]));
}

#[test]
fn an_expired_disabled_or_banned_line_may_watch_nothing() {
    let server = TestServer::start();
    server.done("streams/new", "data[name]=One");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("line/new", "data[username]=anna&data[bouquets][]=1");
    let channels = || server.done("line/info", "username=anna")["line_channel_ids"].clone();
    assert_eq!(channels(), json!([1]));
    for (off, on) in [
        ("data[expire_date]=1700000000", "data[expire_date]="),
        ("data[disabled]=1", "data[disabled]=0"),
        ("data[banned]=1", "data[banned]="),
    ] {
        server.done("line/update", &format!("username=anna&{off}"));
        assert_eq!(channels(), json!([]), "{off}");
        server.done("line/update", &format!("username=anna&{on}"));
        assert_eq!(channels(), json!([1]), "{on}");
    }
}

#[test]
fn invalid_values_name_their_field_and_write_nothing() {
    let server = TestServer::start();
    for (field, value) in [
        ("username", "a b"),
        ("username", "a/b"),
        ("password", "ü"),
        ("max_allowed_connections", "-1"),
        ("max_allowed_connections", "1.5"),
        ("expire_date", "tomorrow"),
        ("disabled", "2"),
        ("allowed_ips", "192.0.2.300"),
        ("allowed_ips", "[\"192.0.2.1\""),
    ] {
        let refused = server.refused("line/new", &format!("data[{field}]={value}"));
        assert!(refused.starts_with(&format!("Invalid {field}")), "{field}={value}: {refused}");
    }
    assert_eq!(
        server.refused("line/new", "data[subscription_plan_id]=9"),
        "Subscription plan does not exist"
    );
    assert_eq!(server.refused("line/new", "data[reseller_id]=9"), "Reseller does not exist");
    assert_eq!(server.refused("line/new", "data[bouquets][]=9"), "Bouquet does not exist: 9");
    let long = "a".repeat(65);
    assert!(server.refused("line/new", &format!("data[username]={long}")).starts_with("Invalid username"));
    assert_eq!(server.done("line/list", "")["total"], 0);
}

#[test]
fn an_unknown_field_is_named_with_the_fields_there_are_and_nothing_is_written() {
    let server = TestServer::start();
    let refused = server.refused("line/new", "data[username]=anna&data[max_connections]=2");
    assert!(
        refused.starts_with("Unknown field: max_connections") && refused.contains("max_allowed_connections"),
        "{refused}"
    );
    for field in ["id", "created_at", "updated_at"] {
        let refused = server.refused("line/new", &format!("data[{field}]=7"));
        assert!(refused.starts_with(&format!("Unknown field: {field}")), "{refused}");
    }
    assert!(server.refused("line/new", "colour=red").starts_with("Unknown field: colour"));
    assert_eq!(server.done("line/list", "")["total"], 0);
}

#[test]
fn one_username_is_given_once_to_many_callers_at_the_same_moment() {
    let server = TestServer::start();
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let make = || server.call("line/new", "data[username]=anna");
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer["result"] == true).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer["error"] == "Username exists.").count(), 7);
    assert_eq!(server.done("line/list", "")["total"], 1);
}

#[test]
fn what_a_line_must_have_cannot_be_emptied() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=anna&data[password]=pw");
    for field in ["username", "password"] {
        let refused = server.refused("line/update", &format!("username=anna&data[{field}]=&data[notes]=x"));
        assert_eq!(refused, format!("Missing field: {field}"));
    }
    let shown = info(&server, "anna");
    assert_eq!((&shown["password"], &shown["notes"]), (&json!("pw"), &json!("")));
}

#[test]
fn what_was_answered_survives_a_power_cut() {
    let server = TestServer::start();
    let made = server.done("line/new", "data[notes]=kept");
    let server = TestServer::on(server.kill(), &[]);
    let shown = info(&server, made["username"].as_str().expect("a text"));
    assert_eq!(
        (&shown["id"], &shown["password"], &shown["notes"]),
        (&made["created_id"], &made["password"], &json!("kept"))
    );
}
