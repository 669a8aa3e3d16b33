//! The classic API, called as modules for Xtream Codes call it.

mod access;
mod calls;

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::support::TestServer;

/// A server that answers the classic API to this machine.
fn server() -> TestServer {
    let server = TestServer::start();
    switch_on(&server);
    server
}

fn switch_on(server: &TestServer) {
    server.done("settings/update", "data[classic_api]=1&data[classic_api_allow][]=127.0.0.0/8");
}

/// Runs a PHP script of this folder against a server; what it printed, line by line.
fn php(server: &TestServer, script: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/classic").join(script);
    let output = Command::new("php")
        .args(["-d", "display_errors=stderr", "-d", "error_reporting=-1", "-d", "zend.assertions=1"])
        .arg(path)
        .env("PANEL_URL", format!("{}/", server.url))
        .output()
        .expect("php is installed: scripts/test does that");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{script}: {errors}");
    let said = String::from_utf8(output.stdout).expect("text");
    said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// Asks with a form body; `call` is as in `user/create`.
fn ask(server: &TestServer, call: &str, body: &str) -> Value {
    let (action, sub) = call.split_once('/').expect("ACTION/SUB");
    let (status, answer) = server.curl(&format!("/api.php?action={action}&sub={sub}"), &["-d", body]);
    assert_eq!(status, 200, "{call} {body}: {answer}");
    answer
}

/// Asks, and expects a refusal; its text.
fn refused(server: &TestServer, call: &str, body: &str) -> String {
    let answer = ask(server, call, body);
    assert_eq!(answer["result"], false, "{call} {body}: {answer}");
    answer["error"].as_str().expect("a text").to_owned()
}
