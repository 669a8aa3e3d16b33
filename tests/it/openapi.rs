//! The API description: served as committed, and true about which calls there are.

use std::path::Path;

use serde_json::Value;

use super::support::{KEY, TestServer};

fn committed() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("docs/openapi.json")).expect("JSON")
}

#[test]
fn the_committed_description_is_the_one_that_is_served() {
    let server = TestServer::start();
    let (status, served) = server.curl("/api/openapi.json", &[]);
    assert_eq!(status, 200);
    // To renew it: curl -s HOST/api/openapi.json | python3 -m json.tool > docs/openapi.json
    assert!(served == committed(), "docs/openapi.json is not what the server says: renew it");
}

#[test]
fn every_described_call_is_there_with_every_method_described() {
    let server = TestServer::start();
    let document = committed();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() > 40, "{}", paths.len());
    for (path, item) in paths {
        for method in item.as_object().expect("an object").keys().filter(|name| *name != "parameters") {
            let method = method.to_uppercase();
            let address = path.replace("{api_key}", KEY).replace("{id}", "1");
            let bearer = format!("Authorization: Bearer {KEY}");
            let (status, answer) = server.curl(&address, &["-X", &method, "-H", &bearer]);
            assert_eq!(status, 200, "{method} {address}: {answer}");
            assert!(answer["result"].is_boolean(), "{method} {address}: {answer}");
        }
    }
}
