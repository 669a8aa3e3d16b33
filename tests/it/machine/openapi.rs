//! The API description: served as committed, and true about which calls there are.

use std::path::Path;

use serde_json::Value;

use crate::support::{KEY, TestServer};

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

/// Something that each parameter may be.
fn plausible(name: &str) -> &'static str {
    match name {
        "mac_address" => "00:1A:79:00:00:01",
        "username" => "bob",
        "password" => "secret-of-bob",
        "address" => "192.0.2.1",
        "kind" => "audit",
        "event" => "reboot",
        "parent_pin" => "1234",
        "output" => "ts",
        "types" => "line.*",
        "name" => "first key",
        "changed_since" | "limit" | "credits" => "1",
        _ => "1",
    }
}

#[test]
fn what_a_call_takes_beside_data_is_what_is_described() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=bob&data[password]=secret-of-bob");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01");
    let document = committed();
    // Of these pairs a call takes one or the other.
    let apart = ["after", "offset", "username", "name", "stream_id", "mac_address", "reference"];
    let mut compared = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let schema = &item["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"];
        let mut described: Vec<&str> =
            schema.as_object().expect("properties").keys().map(String::as_str).collect();
        // Whether it is a dry run is known before its fields are looked at.
        described.retain(|name| !["data", "dry_run"].contains(name));
        described.sort_unstable();
        let call = path.strip_prefix("/api/").expect("a call");
        // An unknown field is told with those that there are, once what must be there is.
        let told = |sent: &[&str]| {
            let fields: Vec<String> = sent.iter().map(|name| format!("{name}={}", plausible(name))).collect();
            let answer = server.call(call, &format!("zzz=1&{}", fields.join("&")));
            answer["error"].as_str().unwrap_or_default().to_owned()
        };
        let one: Vec<&str> = described.iter().copied().filter(|name| !apart.contains(name)).collect();
        let attempts =
            [Vec::new(), described.clone(), one, vec!["username"], vec!["mac_address"], vec!["id"]];
        let text =
            attempts.iter().map(|sent| told(sent)).find(|text| text.starts_with("Unknown field: zzz. "));
        let Some(text) = text else { continue };
        let mut taken: Vec<&str> =
            text.split_once("The fields here are: ").map_or(vec![], |(_, names)| names.split(", ").collect());
        taken.sort_unstable();
        taken.dedup();
        if call == "logs/list" {
            // Each kind has columns of its own.
            assert!(taken.iter().all(|name| described.contains(name)), "{text}");
            continue;
        }
        // It reads `after` to say why there is none.
        taken.retain(|name| !["security/blocks", "guide/channels"].contains(&call) || *name != "after");
        assert_eq!(taken, described, "{path}: {text}");
        compared += 1;
    }
    assert!(compared > 50, "only {compared} calls told what they take");
}
