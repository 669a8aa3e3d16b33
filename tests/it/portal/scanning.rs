//! Trying MACs tells nothing.

use crate::support::{
    TestServer,
    set::{MAC, Set},
};

#[test]
fn trying_addresses_tells_nothing_and_is_soon_stopped() {
    let server = TestServer::on(tempfile::tempdir().unwrap(), &["--trusted-proxies", "127.0.0.1"]);
    server.done("settings/update", "data[failure_limit]=3");
    server.done("mag/new", &format!("data[mac_address]={MAC}"));
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:02&data[disabled]=1");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:03&data[expire_date]=1000000000");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:04&data[banned]=1");
    let profile = |mac: &str, from: &str| {
        let mut set = Set { server: &server, mac, token: String::new(), from: Some(from), range: false };
        set.shake("");
        set.js("type=stb&action=get_profile&device_id=X")
    };
    let (unknown, disabled) =
        (profile("00:1A:79:00:00:99", "192.0.2.1"), profile("00:1A:79:00:00:02", "192.0.2.2"));
    let (expired, banned) =
        (profile("00:1A:79:00:00:03", "192.0.2.3"), profile("00:1A:79:00:00:04", "192.0.2.4"));
    assert!(unknown == disabled && unknown == expired && unknown == banned, "{unknown} {disabled}");
    assert_eq!(unknown["status"], 1);

    for _ in 0..5 {
        profile("00:1A:79:00:00:98", "192.0.2.9");
    }
    let own = Set { server: &server, mac: MAC, token: String::new(), from: Some("192.0.2.9"), range: false };
    let mut own = own;
    own.shake("");
    assert_eq!(
        own.js("type=stb&action=get_profile")["status"],
        0,
        "one wrong box is one failure, however often it asks"
    );
    for n in 10..12 {
        profile(&format!("00:1A:79:00:00:{n}"), "192.0.2.9");
    }
    let scanner =
        Set { server: &server, mac: MAC, token: String::new(), from: Some("192.0.2.9"), range: false };
    assert_eq!(scanner.text("type=stb&action=handshake"), (429, "Access denied.".into()));
    assert_eq!(scanner.text("type=stb&action=get_profile").0, 429, "also for a MAC that there is");
    assert!(own.js("type=watchdog&action=get_events").is_object(), "a box that is let in goes on");
    let elsewhere =
        Set { server: &server, mac: MAC, token: String::new(), from: Some("192.0.2.10"), range: false };
    assert_eq!(elsewhere.text("type=stb&action=handshake").0, 200);
    let blocks = server.done("security/blocks", "").to_string();
    assert!(blocks.contains("\"portal\"") && blocks.contains("192.0.2.9"), "{blocks}");
    server.done("security/unblock", "address=192.0.2.9");
    assert_eq!(scanner.text("type=stb&action=handshake").0, 200);
}
