//! Sources of http and https: how they are asked, and what they may do.

use serde_json::json;

use super::support::TestServer;

#[test]
fn secret_headers_are_masked_and_stay_when_the_mask_comes_back() {
    let server = TestServer::start();
    let source = "data[sources][]=http://h.example/a b.ts%7CUser-Agent=X%26Cookie=hush";
    let headers = "data[headers][]=Cookie: sid%3Dhush&data[headers][]=Referer: http://r.example/";
    server.done("streams/new", &format!("data[name]=A&{source}&{headers}&data[user_agent]=Box/1"));
    let shown = || server.done("streams/info", "id=1")["stream"].clone();
    assert_eq!(shown()["headers"], json!(["Cookie: ***", "Referer: http://r.example/"]));
    assert_eq!(shown()["sources"], json!(["http://h.example/a%20b.ts|User-Agent=X&Cookie=hush"]));
    assert_eq!((&shown()["user_agent"], &shown()["tls_verify"]), (&json!("Box/1"), &json!(1)));
    let stored = || {
        let file = rusqlite::Connection::open(server.data().join("linecard.db")).unwrap();
        file.query_row("SELECT headers FROM streams", [], |row| row.get::<_, String>(0)).unwrap()
    };
    server.done("streams/update", "id=1&data[headers][]=Cookie: ***&data[headers][]=X-Token: t");
    assert_eq!(stored(), r#"["Cookie: sid=hush","X-Token: t"]"#);
    assert_eq!(shown()["headers"], json!(["Cookie: ***", "X-Token: ***"]));
    for (headers, why) in [
        ("data[headers][]=X-Key: ***", "X-Key: *** keeps a value, and there is none"),
        ("data[headers][]=A: 1&data[headers][]=a: 2", "each name once, and a comes twice"),
        ("data[headers][]=Host: h", "entry 1: Host is set by the server itself"),
        (
            "data[headers][]=A: 1%0d%0aB: 2",
            "entry 1: the value of A has at most 4096 bytes without control characters",
        ),
    ] {
        let refused = server.refused("streams/update", &format!("id=1&{headers}"));
        assert_eq!(refused, format!("Invalid headers: {why}"));
    }
    server.done("streams/update", "id=1&data[headers]=");
    assert_eq!(shown()["headers"], json!([]));
    let trail = server.done("logs/list", "kind=audit").to_string() + &server.log();
    assert!(!trail.contains("hush"), "{trail}");
}
