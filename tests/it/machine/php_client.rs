//! The example of a billing system, run by PHP itself against the real program.

use std::{path::Path, process::Command};

use serde_json::json;

use crate::support::{KEY, TestServer};

fn run(url: &str, key: &str) -> (bool, String, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/billing.php");
    let mut php = Command::new("php");
    let php = php.arg(script).env("LINECARD_URL", url).env("LINECARD_API_KEY", key);
    let output = php.output().expect("php is installed: scripts/test does that");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_billing_example_does_its_day_and_leaves_the_state_it_says() {
    let server = TestServer::start();
    let (good, said, errors) = run(&server.url, KEY);
    assert!(good, "{said}{errors}");
    let expected = "plan 1: one month, two connections\n\
                    line 1: customer-1001\n\
                    customer-1001 has 2 connections\n\
                    customer-1001 extended by a month\n\
                    reseller 1: 250 credits after a payment sent twice\n\
                    mag 1: 00:1A:79:12:34:56\n\
                    refused: Username exists.\n\
                    2 lines, the first is customer-1001\n\
                    customer-1002 deleted, 1 line left\n";
    assert_eq!((said.as_str(), errors.as_str()), (expected, ""));

    let lines = server.done("line/list", "");
    assert_eq!((&lines["total"], &lines["lines"][0]["username"]), (&json!(1), &json!("customer-1001")));
    assert_eq!(lines["lines"][0]["allowed_ips"], json!(["192.0.2.10", "198.51.100.0/24"]));
    let statement = server.done("resellers/statement", "id=1");
    assert_eq!((&statement["total"], &statement["credits"]), (&json!(1), &json!(250)));
    let mag = server.done("mag/info", "mac_address=00:1A:79:12:34:56")["mag_info"].clone();
    assert_eq!((&mag["reseller_id"], &mag["subscription_plan_id"]), (&json!(1), &json!(1)));
}

#[test]
fn the_billing_example_fails_with_the_servers_reason() {
    let server = TestServer::start();
    let (good, said, errors) = run(&server.url, "wrong-key-9876543210");
    assert!(!good && said.is_empty() && errors.contains("API key wrong"), "{said}{errors}");
    assert_eq!(server.done("subscription_plans/list", "")["total"], 0);
}
