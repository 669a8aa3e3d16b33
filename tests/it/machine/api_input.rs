//! What hostile or broken callers send: refused, nothing written, nothing leaked.

use serde_json::{Value, json};

use crate::support::{KEY, TestServer};

/// What a refused request must leave as it was.
fn totals(server: &TestServer) -> Vec<Value> {
    let lists =
        ["line/list", "mag/list", "resellers/list", "administrators/list", "streams/list", "bouquets/list"];
    lists.iter().map(|call| server.done(call, "")["total"].clone()).collect()
}

/// Runs the requests and sees that none of them wrote, panicked or put a secret into the log.
fn harmless(requests: impl FnOnce(&TestServer)) {
    let server = TestServer::start();
    server.done("line/new", "data[username]=anna&data[password]=S3cretOfAnna");
    let before = totals(&server);
    requests(&server);
    assert_eq!(totals(&server), before);
    assert_eq!(server.done("line/info", "username=anna")["line_info"]["password"], "S3cretOfAnna");
    let errors = server.done("logs/list", "kind=error");
    assert_eq!(errors["total"], 0, "{errors}");
    let log = server.log();
    for word in ["panic", "ERROR", KEY, "S3cretOfAnna"] {
        assert!(!log.contains(word), "{log}");
    }
}

fn send(server: &TestServer, kind: &str, body: &[u8]) -> (u16, Value) {
    let file = server.data().join("body");
    std::fs::write(&file, body).expect("written");
    let (header, data) = (format!("Content-Type: {kind}"), format!("@{}", file.display()));
    let bearer = format!("Authorization: Bearer {KEY}");
    server.curl("/api/line/new", &["-H", &header, "-H", &bearer, "-H", "Expect:", "--data-binary", &data])
}

fn expect(server: &TestServer, status: u16, kind: &str, body: &[u8]) {
    let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
    let (got, answer) = send(server, kind, body);
    assert_eq!((got, &answer["result"]), (status, &json!(false)), "{kind} {shown}: {answer}");
    let text = answer["error"].as_str().expect("a text");
    assert!(!text.is_empty() && text.len() < 2000 && !text.contains(KEY), "{text}");
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[test]
fn a_body_that_cannot_be_read_is_400() {
    harmless(|server| {
        for body in ["{", "[]", "1", "\"x\"", "null", "{\"data\":{}} x", "{\"data\":NaN}"] {
            expect(server, 400, JSON, body.as_bytes());
        }
        for body in [&b"data[notes]=%FF"[..], b"data[notes]=\xff\xfe", b"data[no%00tes]=a"] {
            expect(server, 400, FORM, body);
        }
        expect(server, 400, JSON, b"{\"data\":{\"notes\":\"\xff\"}}");
        for kind in [
            "text/plain",
            "application/xml",
            "image/png",
            "multipart/form-data",
            "multipart/form-data; boundary=x",
        ] {
            expect(server, 400, kind, b"data[username]=x");
        }
    });
}

#[test]
fn a_nul_character_is_refused_wherever_it_stands() {
    harmless(|server| {
        for (kind, body) in [
            (FORM, "data[notes]=a%00b"),
            (FORM, "data[username]=a%00b"),
            (FORM, "data[allowed_ips][]=192.0.2.1%00"),
            (FORM, "data[allowed_user_agents][]=a%00"),
            (FORM, "colour%00=red"),
            (JSON, "{\"data\":{\"notes\":\"a\\u0000b\"}}"),
            (JSON, "{\"data\":{\"no\\u0000tes\":\"a\"}}"),
        ] {
            let (status, answer) = send(server, kind, body.as_bytes());
            assert!(matches!(status, 200 | 400) && answer["result"] == false, "{body}: {status} {answer}");
        }
    });
}

#[test]
fn data_that_is_no_set_of_fields_is_refused() {
    harmless(|server| {
        for (kind, body) in [(FORM, "data=text"), (JSON, "{\"data\":\"text\"}"), (JSON, "{\"data\":7}")] {
            expect(server, 200, kind, body.as_bytes());
        }
        expect(server, 200, JSON, b"{\"data\":{\"username\":{\"a\":\"b\"}}}");
        expect(server, 200, FORM, b"data[username][]=a&data[username][]=b");
    });
}

#[test]
fn deep_nesting_is_400_in_every_form() {
    harmless(|server| {
        for depth in [20, 1000, 100_000] {
            expect(server, 400, FORM, format!("data{}=x", "[a]".repeat(depth)).as_bytes());
            let json = format!("{{\"data\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
            expect(server, 400, JSON, json.as_bytes());
            let json = format!("{}1{}", "{\"data\":".repeat(depth), "}".repeat(depth));
            expect(server, 400, JSON, json.as_bytes());
        }
    });
}

#[test]
fn a_body_over_one_mebibyte_is_413_and_one_of_that_size_is_read() {
    harmless(|server| {
        let most = 1 << 20;
        for (kind, start) in
            [(FORM, "colour="), (JSON, "{\"colour\":\""), ("multipart/form-data; boundary=b", "--b\r\n")]
        {
            let mut body = start.as_bytes().to_vec();
            body.resize(most + 1, b'a');
            expect(server, 413, kind, &body);
        }
        let mut body = b"colour=".to_vec();
        body.resize(most, b'a');
        expect(server, 200, FORM, &body);
        let chunked = ["-H", "Transfer-Encoding: chunked", "-H", "Expect:", "--data-binary"];
        let big = format!("colour={}", "a".repeat(most));
        let file = server.data().join("big");
        std::fs::write(&file, big).expect("written");
        let data = format!("@{}", file.display());
        let mut arguments = chunked.to_vec();
        arguments.push(&data);
        assert_eq!(
            server.curl(&format!("/api/line/new/{KEY}"), &arguments).0,
            413,
            "without a Content-Length too"
        );
    });
}

#[test]
fn too_many_values_are_400_and_too_long_lists_are_refused() {
    harmless(|server| {
        let items =
            |count: usize| (0..count).map(|_| "data[allowed_ips][]=192.0.2.1").collect::<Vec<_>>().join("&");
        expect(server, 400, FORM, items(10_001).as_bytes());
        let (status, answer) = send(server, FORM, items(10_000).as_bytes());
        assert_eq!((status, &answer["result"]), (200, &json!(false)), "{answer}");
        assert!(
            answer["error"].as_str().is_some_and(|text| text.starts_with("Invalid allowed_ips")),
            "{answer}"
        );
        let list = vec!["192.0.2.1"; 20_000];
        expect(server, 400, JSON, json!({"data": {"allowed_ips": list}}).to_string().as_bytes());
    });
}

#[test]
fn huge_numbers_are_invalid_and_never_cut_short() {
    harmless(|server| {
        for number in [
            "9223372036854775808",
            "18446744073709551617",
            "-9223372036854775809",
            "1e999",
            "0x7f",
            "1.0",
            "٣",
            " 1",
            "+1",
        ] {
            for field in
                ["max_allowed_connections", "expire_date", "subscription_plan_id", "bouquets", "server_id"]
            {
                let body = format!("data[{field}]={}", number.replace('+', "%2B"));
                let refused = server.refused("line/new", &body);
                assert!(refused.starts_with(&format!("Invalid {field}")), "{body}: {refused}");
            }
        }
        for number in ["1e999", "99999999999999999999999999", "1.5"] {
            let body = format!("{{\"data\":{{\"max_allowed_connections\":{number}}}}}");
            let (status, answer) = send(server, JSON, body.as_bytes());
            assert!(matches!(status, 200 | 400) && answer["result"] == false, "{body}: {status} {answer}");
        }
        for query in ["limit=99999999999999999999", "offset=99999999999999999999", "after=x", "id=1e3"] {
            assert!(server.refused("line/list", query).starts_with("Invalid "), "{query}");
        }
        assert_eq!(server.done("line/list", "offset=9223372036854775807")["lines"], json!([]));
    });
}

#[test]
fn text_of_sql_is_text() {
    harmless(|server| {
        let quote = "x%27%29%3B%20DROP%20TABLE%20lines%3B--";
        assert!(
            server.refused("line/new", &format!("data[username]={quote}")).starts_with("Invalid username")
        );
        for query in [format!("search={quote}"), "search=%25%27%20OR%201=1".into(), format!("notes={quote}")]
        {
            assert_eq!(server.done("line/list", &query)["total"], 0, "{query}");
        }
        server.refused("line/list", "username%20OR%201=1");
        assert_eq!(server.refused("line/info", &format!("username={quote}")), "Wrong Username/Password.");
        server.done("line/new", &format!("data[username]=bert&data[notes]={quote}"));
        assert_eq!(
            server.done("line/info", "username=bert")["line_info"]["notes"],
            "x'); DROP TABLE lines;--"
        );
        assert_eq!(server.done("line/list", &format!("notes={quote}"))["total"], 1);
        server.done("line/delete", "username=bert");
    });
}

#[test]
fn unknown_fields_are_refused_at_both_levels_of_every_changing_call() {
    harmless(|server| {
        server.done("resellers/new", "data[name]=North");
        for (call, body) in [
            ("line/new", ""),
            ("line/update", "username=anna"),
            ("line/delete", "username=anna"),
            ("mag/new", "data[mac_address]=00:1A:79:00:00:01"),
            ("resellers/update", "id=1"),
            ("resellers/add_credits", "id=1&credits=5"),
            ("resellers/delete", "id=1"),
            ("administrators/update", "id=1"),
            ("streams/new", "data[name]=x"),
            ("bouquets/new", "data[name]=x"),
            ("settings/update", "data[operator_name]=x"),
        ] {
            for extra in ["data[colour]=red", "colour=red"] {
                let refused = server.refused(call, &format!("{body}&{extra}"));
                assert!(refused.starts_with("Unknown field: colour. The"), "{call} {extra}: {refused}");
            }
        }
        assert_eq!(server.done("resellers/list", "")["resellers"][0]["credits"], 0);
        server.done("resellers/delete", "id=1");
    });
}

#[test]
fn another_method_is_405_and_names_those_there_are() {
    harmless(|server| {
        let headers = server.data().join("headers");
        let headers = headers.to_str().expect("a path");
        for (path, method, allow) in [
            ("/api/line/new", "GET", "POST"),
            ("/api/line/new", "PUT", "POST"),
            ("/api/line/list", "DELETE", "GET, POST"),
            ("/api/line/list", "PATCH", "GET, POST"),
            ("/api/resellers/add_credits", "GET", "POST"),
        ] {
            let (status, answer) = server.curl(&format!("{path}/{KEY}"), &["-X", method, "-D", headers]);
            assert_eq!((status, &answer["result"]), (405, &json!(false)), "{method} {path}");
            let head = std::fs::read_to_string(headers).expect("the headers").to_lowercase();
            assert!(head.contains(&format!("allow: {}", allow.to_lowercase())), "{head}");
        }
    });
}

#[test]
fn an_unknown_call_is_404_and_names_the_path_without_the_key() {
    harmless(|server| {
        for (path, shown) in [
            (format!("/api/line/explode/{KEY}"), "/api/line/explode"),
            (format!("/api/lines/list/{KEY}/7"), "/api/lines/list"),
            (format!("/api/{KEY}"), "/api/"),
            ("/api/".to_owned(), "/api/"),
            (format!("/api/line/new/{KEY}/7/more"), "/api/line/new"),
        ] {
            let (status, answer) = server.curl(&path, &["-d", ""]);
            let text = answer["error"].as_str().expect("a text");
            assert_eq!((status, &answer["result"]), (404, &json!(false)), "{path}");
            assert!(text.contains(shown) && !text.contains(KEY), "{path}: {text}");
        }
    });
}

#[test]
fn every_answer_is_json_and_says_so() {
    harmless(|server| {
        let headers = server.data().join("headers");
        let headers = headers.to_str().expect("a path");
        for (path, arguments) in [
            (format!("/api/line/list/{KEY}"), &[][..]),
            (format!("/api/line/info/{KEY}"), &[]),
            ("/api/line/list".to_owned(), &[]),
            ("/api/none/at_all".to_owned(), &[]),
            ("/elsewhere".to_owned(), &[]),
            ("/api/line/new".to_owned(), &[]),
            (format!("/api/line/new/{KEY}"), &["-H", "Content-Type: application/json", "-d", "{"]),
        ] {
            let mut all = vec!["-D", headers];
            all.extend(arguments);
            let (_, answer) = server.curl(&path, &all);
            assert!(answer["result"].is_boolean(), "{path}: {answer}");
            let head = std::fs::read_to_string(headers).expect("the headers").to_lowercase();
            assert!(head.contains("content-type: application/json"), "{path}: {head}");
        }
    });
}

#[test]
fn true_and_false_of_json_are_flags_and_nothing_else() {
    harmless(|server| {
        for data in [
            r#"{"username":true}"#,
            r#"{"username":"bob","expire_date":false}"#,
            r#"{"username":"bob","max_allowed_connections":true}"#,
            r#"{"username":"bob","bouquets":[true]}"#,
        ] {
            expect(server, 200, JSON, format!(r#"{{"data":{data}}}"#).as_bytes());
        }
    });
    let server = TestServer::start();
    let (status, answer) = send(&server, JSON, br#"{"data":{"username":"bob","disabled":true}}"#);
    assert_eq!((status, &answer["result"]), (200, &json!(true)), "{answer}");
    // A form whose data is JSON is what the same JSON is.
    let (_, answer) = send(&server, FORM, b"data={\"username\":\"eve\",\"disabled\":true}");
    assert_eq!(answer["username"], "eve", "{answer}");
    assert_eq!(server.done("line/info", "username=eve")["line_info"]["disabled"], 1);
}

#[test]
fn fields_in_the_wrong_place_are_named_with_the_right_one() {
    let server = TestServer::start();
    for (call, body, told) in [
        (
            "line/list",
            "data[limit]=1",
            "Unknown field: limit. There are none here in data: send them beside it",
        ),
        (
            "line/new",
            "username=bob",
            "Unknown field: username. There are none here beside data: send columns as data[NAME]",
        ),
        ("settings/whitelist_list", "limit=1", "Unknown field: limit. This call takes no fields"),
    ] {
        assert_eq!(server.refused(call, body), told);
    }
    let told = server.refused("line/new", "data[expireDate]=1");
    assert!(told.starts_with("Unknown field: expireDate. The fields here are: "), "{told}");
}

#[test]
fn a_body_that_is_packed_is_refused_with_what_to_do() {
    let server = TestServer::start();
    let bearer = format!("Authorization: Bearer {KEY}");
    let (status, answer) =
        server.curl("/api/line/new", &["-H", &bearer, "-H", "Content-Encoding: gzip", "-d", "x=1"]);
    assert_eq!(status, 400);
    assert!(
        answer["error"].as_str().is_some_and(|text| text.contains("without Content-Encoding")),
        "{answer}"
    );
}

#[test]
fn a_first_synchronisation_asks_from_the_beginning_of_time() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=bob");
    assert_eq!(server.done("line/list", "changed_since=0")["total"], 1);
}
