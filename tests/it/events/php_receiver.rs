//! The example of a receiver in PHP, run by PHP itself: it takes what is signed right, and does nothing twice.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::TestServer;

struct Php(Child);

impl Drop for Php {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lines(store: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(store).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn wait_for(store: &Path, count: usize) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(30);
    while lines(store).len() < count {
        assert!(Instant::now() < until, "{:?}", lines(store));
        std::thread::sleep(Duration::from_millis(50));
    }
    lines(store)
}

#[test]
fn the_example_of_a_receiver_in_php_takes_each_event_once() {
    let server = TestServer::start();
    server.done("settings/update", "data[fetch_local]=1");
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let address = format!("127.0.0.1:{port}");
    let made = server.done("webhooks/new", &format!("data[url]=http://{address}/&data[types]=line.*"));
    let store = server.data().join("events.jsonl");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/webhook.php");
    let mut php = Command::new("php");
    let php = php
        .args(["-S", &address])
        .arg(script)
        .env("LINECARD_WEBHOOK_SECRET", made["secret"].as_str().expect("a secret"))
        .env("LINECARD_WEBHOOK_STORE", &store)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let _php = Php(php.spawn().expect("php is installed: scripts/test does that"));
    let until = Instant::now() + Duration::from_secs(20);
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < until, "php does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }

    server.done("line/new", "data[username]=bob");
    server.done("line/update", "username=bob&data[notes]=x");
    let told = wait_for(&store, 2);
    assert_eq!((&told[0]["type"], &told[1]["type"]), (&"line.created".into(), &"line.updated".into()));
    assert_eq!(told[1]["data"]["after"]["notes"], "x");
    // All once more, then another: still one of each.
    server.done("webhooks/resend", "id=1&after=0");
    server.done("line/delete", "username=bob");
    let told = wait_for(&store, 3);
    assert_eq!(told.len(), 3);
    assert_eq!(told[2]["type"], "line.deleted");
    // What somebody else has signed is refused.
    let output = Command::new("curl")
        .args(["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-d", "{}", "-H", "webhook-id: x"])
        .args(["-H", "webhook-timestamp: 1", "-H", "webhook-signature: v1,x", &format!("http://{address}/")])
        .output()
        .expect("curl");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "400");
}
