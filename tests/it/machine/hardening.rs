//! Ways in and ways to lose something that an attack on the running server once found open.

use serde_json::json;

use crate::support::{KEY, TestServer, linecard};

#[test]
fn no_path_outside_api_reaches_a_call() {
    let server = TestServer::start();
    let header = format!("Authorization: Bearer {KEY}");
    assert_eq!(server.curl("/anything/line/new", &["-H", &header, "-d", ""]).0, 404);
    assert_eq!(server.done("line/list", "")["total"], 0);
}

#[test]
fn a_key_cannot_shed_its_own_limits_but_can_revoke_itself() {
    let server = TestServer::start();
    let made = server
        .done("settings/api_key_new", "data[name]=narrow&data[scope][]=settings&data[addresses][]=127.0.0.1");
    let narrow = made["api_key"].as_str().expect("a key");
    let (_, wide) = server
        .post("settings/api_key_new", &format!("api_key={narrow}&data[name]=wide&data[scope][]=settings"));
    assert_eq!(wide["result"], false, "{wide}");
    let body = format!("api_key={narrow}&name=narrow");
    let arguments = ["-H", "Idempotency-Key: once", "-d", &body];
    let (_, gone) = server.curl("/api/settings/api_key_revoke", &arguments);
    assert_eq!(gone["result"], true, "{gone}");
    assert_eq!(server.post("line/list", &format!("api_key={narrow}")).0, 401);
}

#[test]
fn a_group_with_more_rights_than_the_caller_is_out_of_reach() {
    let server = TestServer::start();
    let made = server.done("settings/api_key_new", "data[name]=g&data[scope][]=groups");
    let key = made["api_key"].as_str().expect("a key");
    let (_, answer) = server.post("groups/update", &format!("api_key={key}&id=2&data[rights]="));
    assert_eq!(answer["result"], false, "{answer}");
    let rights = server.done("groups/info", "id=2")["group"]["rights"].clone();
    assert_eq!(rights, json!(["line", "mag"]));
}

#[test]
fn writes_are_refused_once_the_file_is_gone() {
    let server = TestServer::start().expecting("the database file is gone");
    server.done("line/new", "");
    std::fs::remove_file(server.data().join("linecard.db")).expect("it is there");
    let refused = server.refused("line/new", "");
    assert!(refused.contains("the database file is gone"), "{refused}");
}

#[test]
fn a_start_that_cannot_listen_keeps_the_first_start_for_the_next() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let (code, _, errors) = linecard(folder.path(), &["serve", "--listen", &address]);
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("cannot listen"), "{errors}");
    assert!(TestServer::on(folder, &[]).greeting.contains("administrator"));
}
