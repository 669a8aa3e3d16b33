//! `if_updated_at`: nobody changes a row of the Server API as it was before another changed it.

use serde_json::Value;

use crate::support::TestServer;

/// One row of every resource that is updated: the call's name, what makes it, what selects it, and a change.
const ROWS: [(&str, &str, &str, &str); 11] = [
    ("bouquets", "data[name]=All", "id=1", "data[name]=Every"),
    ("categories", "data[name]=News", "id=1", "data[name]=Reports"),
    ("streams", "data[name]=One&data[server_id]=1", "id=1", "data[notes]=x"),
    ("subscription_plans", "data[name]=Month", "id=1", "data[credits]=5"),
    ("resellers", "data[name]=North", "id=1", "data[use_credits]=1"),
    ("groups", "data[name]=Staff&data[rights][]=line", "id=3", "data[name]=Team"),
    ("servers", "data[name]=Two&data[server_ip]=192.0.2.9", "id=2", "data[notes]=x"),
    (
        "administrators",
        "data[username]=sara&data[email]=sara@example.com&data[group_id]=3&data[password]=Jd83nskw72",
        "id=2",
        "data[email]=s@example.com",
    ),
    ("line", "data[username]=bob&data[bouquets][]=1", "username=bob", "data[notes]=x"),
    ("mag", "data[mac_address]=001A79000001&data[bouquets][]=1", "mac_address=001A79000001", "data[notes]=x"),
    ("settings", "", "", "data[operator_name]=Acme"),
];

/// The `updated_at` of the row of that id.
fn updated_at(server: &TestServer, resource: &str, id: i64) -> i64 {
    let rows = match resource {
        "settings" => return server.done("settings/get", "")["settings"]["updated_at"].as_i64().unwrap(),
        "line" | "mag" => server.done(&format!("{resource}/list"), "")[format!("{resource}s")].clone(),
        _ => server.done(&format!("{resource}/list"), "")[resource].clone(),
    };
    let row = rows.as_array().unwrap().iter().find(|row| row["id"] == id).cloned();
    row.unwrap_or(Value::Null)["updated_at"].as_i64().unwrap()
}

#[test]
fn every_update_can_be_bound_to_the_row_as_it_was_seen() {
    let server = TestServer::start();
    for (resource, new, which, change) in ROWS {
        let id = if new.is_empty() {
            1
        } else {
            server.done(&format!("{resource}/new"), new)["created_id"].as_i64().unwrap()
        };
        let call = format!("{resource}/update");
        let seen = updated_at(&server, resource, id);
        server.done(&call, &format!("{which}&{change}&if_updated_at={seen}"));
        // Also within one second the row is another after each change.
        let after = updated_at(&server, resource, id);
        assert!(after > seen, "{resource}: {seen} {after}");
        for place in ["if_updated_at", "data[if_updated_at]"] {
            let stale = format!("{which}&{change}&{place}={seen}");
            assert_eq!(server.refused(&call, &stale), "Changed meanwhile", "{resource} {place}");
        }
        assert_eq!(updated_at(&server, resource, id), after, "{resource}: a refusal changes nothing");
        server.done(&call, &format!("{which}&{change}&data[if_updated_at]={after}"));
        let wrong = server.refused(&call, &format!("{which}&{change}&if_updated_at="));
        assert!(wrong.starts_with("Invalid if_updated_at: "), "{resource}: {wrong}");
    }
}

#[test]
fn every_call_that_changes_or_removes_one_row_can_be_bound_to_it() {
    let server = TestServer::start();
    let bound = |call: &str, which: &str, seen: i64| {
        let (stale, right) =
            (format!("{which}&if_updated_at={}", seen - 1), format!("{which}&if_updated_at={seen}"));
        let wrong = server.refused(call, &format!("{which}&if_updated_at="));
        assert!(wrong.starts_with("Invalid if_updated_at: "), "{call}: {wrong}");
        assert_eq!(server.refused(call, &stale), "Changed meanwhile", "{call}");
        server.done(call, &right);
    };
    let rows = ROWS.iter().filter(|(_, new, ..)| !new.is_empty());
    for (resource, new, ..) in rows.clone() {
        server.done(&format!("{resource}/new"), new);
    }
    bound("resellers/add_credits", "id=1&credits=5", updated_at(&server, "resellers", 1));
    bound("line/convert_to_mag", "username=bob&mac_address=001A79000002", updated_at(&server, "line", 1));
    bound("mag/convert_to_line", "mac_address=001A79000002&username=bob", updated_at(&server, "mag", 2));
    server.done("settings/api_key_new", "data[name]=second");
    let keys = server.done("settings/api_key_list", "")["api_keys"].clone();
    let key = keys.as_array().unwrap().iter().find(|key| key["name"] == "second").cloned().unwrap();
    bound("settings/api_key_revoke", "name=second", key["updated_at"].as_i64().unwrap());
    for (resource, _, which, _) in rows.rev() {
        let id = match *resource {
            "line" | "servers" | "administrators" => 2,
            "groups" => 3,
            _ => 1,
        };
        bound(&format!("{resource}/delete"), which, updated_at(&server, resource, id));
    }
    // What is about several rows does not take it.
    server.done("streams/new", "data[name]=One");
    let unknown = server.refused("streams/stop", "id=2&if_updated_at=1");
    assert!(unknown.starts_with("Unknown field: if_updated_at"), "{unknown}");
}

#[test]
fn a_row_whose_list_lost_an_entry_or_whose_balance_moved_has_changed() {
    let server = TestServer::start();
    server.done("streams/new", "data[name]=One");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("subscription_plans/new", "data[name]=Month&data[bouquets][]=1");
    server.done("line/new", "data[username]=bob&data[bouquets][]=1");
    server.done("mag/new", "data[mac_address]=001A79000001&data[bouquets][]=1");
    server.done("resellers/new", "data[name]=North");
    let rises = |resource: &str, call: &str, body: &str| {
        let before = updated_at(&server, resource, 1);
        server.done(call, body);
        let after = updated_at(&server, resource, 1);
        assert!(after > before, "{resource} after {call}: {before} {after}");
    };
    rises("resellers", "resellers/add_credits", "id=1&credits=5");
    rises("bouquets", "streams/delete", "id=1");
    let before = ["subscription_plans", "line", "mag"].map(|resource| updated_at(&server, resource, 1));
    server.done("bouquets/delete", "id=1");
    let after = ["subscription_plans", "line", "mag"].map(|resource| updated_at(&server, resource, 1));
    assert!(before.iter().zip(&after).all(|(before, after)| before < after), "{before:?} {after:?}");
}
