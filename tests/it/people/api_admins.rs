//! The calls of administrators, as the wire contract has them.

use serde_json::{Value, json};

use crate::support::TestServer;

const ANNA: &str =
    "data[username]=anna&data[password]=long-enough&data[email]=anna@example.com&data[group_id]=1";

fn listed(server: &TestServer, username: &str) -> Value {
    server.done("administrators/list", &format!("username={username}"))["administrators"][0].clone()
}

#[test]
fn an_administrator_is_made_and_its_password_never_shows() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    let answer = server.done("administrators/new", &format!("{ANNA}&data[reseller_id]=1&data[group_id]=2"));
    let expected = json!({"result": true, "created_id": 2, "username": "anna", "email": "anna@example.com"});
    assert_eq!(answer, expected);
    let row = listed(&server, "anna");
    for (name, value) in [
        ("id", json!(2)),
        ("username", json!("anna")),
        ("email", json!("anna@example.com")),
        ("group_id", json!(2)),
        ("group", json!("Resellers")),
        ("reseller_id", json!(1)),
        ("reseller", json!("North")),
        ("disabled", json!(0)),
        ("last_login_at", Value::Null),
    ] {
        assert_eq!(row[name], value, "{name}");
    }
    assert!(row.get("password").is_none());
    let everything = [server.done("administrators/list", ""), server.done("logs/list", "kind=audit")];
    for answer in everything {
        let text = answer.to_string();
        assert!(!text.contains("long-enough") && !text.contains("argon2"), "{text}");
    }
    assert!(!server.log().contains("long-enough"));
}

#[test]
fn what_an_administrator_needs_is_named_when_it_is_missing() {
    let server = TestServer::start();
    for name in ["username", "password", "email", "group_id"] {
        let fields: Vec<&str> =
            ANNA.split('&').filter(|field| !field.contains(&format!("[{name}]"))).collect();
        assert_eq!(server.refused("administrators/new", &fields.join("&")), format!("Missing field: {name}"));
        let empty = format!("{}&data[{name}]=", fields.join("&"));
        assert_eq!(server.refused("administrators/new", &empty), format!("Missing field: {name}"));
    }
    assert_eq!(server.done("administrators/list", "")["total"], 1);
}

#[test]
fn each_refusal_of_an_administrator_has_its_text() {
    let server = TestServer::start();
    server.done("administrators/new", ANNA);
    let bert = "data[username]=bert&data[password]=long-enough&data[email]=bert@example.com&data[group_id]=1";
    for (field, value, text) in [
        ("username", "ANNA", "Username exists."),
        ("email", "Anna@Example.com", "Email exists."),
        ("email", "nowhere", "Invalid email"),
        ("group_id", "99", "Group does not exist"),
        ("reseller_id", "99", "Reseller does not exist"),
    ] {
        let fields: Vec<&str> =
            bert.split('&').filter(|part| !part.contains(&format!("[{field}]"))).collect();
        let body = format!("{}&data[{field}]={value}", fields.join("&"));
        assert_eq!(server.refused("administrators/new", &body), text, "{field}");
    }
    let short = server.refused("administrators/new", &bert.replace("long-enough", "seven77"));
    assert!(short.starts_with("Invalid password") && short.contains("8 characters"), "{short}");
    assert!(!short.contains("seven77"));
    assert_eq!(server.done("administrators/list", "")["total"], 2);
}

#[test]
fn an_administrator_is_changed_by_id_or_by_username() {
    let server = TestServer::start();
    server.done("administrators/new", ANNA);
    let answer = server.done("administrators/update", "id=2&data[username]=anne");
    assert_eq!(answer, json!({"result": true, "modified_id": 2, "username": "anne"}));
    server.done("administrators/update", "username=anne&data[email]=anne@example.com&data[disabled]=1");
    let row = listed(&server, "anne");
    assert_eq!((&row["email"], &row["disabled"]), (&json!("anne@example.com"), &json!(1)));
    server.done("administrators/update", "id=2&username=ANNE&data[disabled]=0");
    for who in ["id=99", "username=nobody", "id=2&username=nobody", "id=99&username=anne"] {
        for call in ["administrators/update", "administrators/delete"] {
            assert_eq!(server.refused(call, who), "Administrator does not exist", "{call} {who}");
        }
    }
    assert!(
        server.refused("administrators/delete", "id=1&username=anne").contains("different administrators")
    );
    assert_eq!(server.refused("administrators/update", "data[disabled]=1"), "Missing field: id or username");
    assert_eq!(
        server.refused("administrators/update", "username=anne&data[username]=admin"),
        "Username exists."
    );
    assert_eq!(
        server.refused("administrators/update", "username=anne&data[group_id]=99"),
        "Group does not exist"
    );
    assert!(
        server.refused("administrators/update", "id=2&data[password]=short").starts_with("Invalid password")
    );
}

#[test]
fn the_last_full_administrator_stays_as_it_is() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    server.done("administrators/new", &format!("{ANNA}&data[disabled]=1"));
    let before = listed(&server, "admin");
    let refusal = |call: &str, body: &str| {
        let text = server.refused(call, body);
        assert!(text.starts_with("The last full administrator cannot be deleted"), "{call} {body}: {text}");
    };
    refusal("administrators/delete", "username=admin");
    refusal("administrators/delete", "id=1");
    refusal("administrators/update", "id=1&data[disabled]=1");
    refusal("administrators/update", "id=1&data[group_id]=2");
    refusal("administrators/update", "id=1&data[reseller_id]=1");
    assert_eq!(listed(&server, "admin"), before);

    server.done("administrators/update", "username=anna&data[disabled]=0");
    assert_eq!(
        server.done("administrators/delete", "username=admin"),
        json!({"result": true, "deleted_id": 1})
    );
    refusal("administrators/delete", "username=anna");
}
