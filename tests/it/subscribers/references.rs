//! The caller's own number of a line or MAG: unique among both, and taken wherever a username or MAC address is.

use serde_json::json;

use crate::support::{
    TestServer,
    panel::{Panel, server},
};

#[test]
fn a_sale_that_is_repeated_is_refused_and_costs_nothing() {
    let server = TestServer::start();
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=3");
    server.done("resellers/new", "data[name]=North&data[use_credits]=1&data[credits]=10");
    let sale = "data[username]=anna&data[reference]=svc-1&data[subscription_plan_id]=1&data[reseller_id]=1";
    let sold = server.done("line/new", sale);
    // As it is, with another name, as a MAG, and in vain with credits that would not do: told the same.
    for (call, body) in [
        ("line/new", sale),
        ("line/new", "data[reference]=svc-1&data[subscription_plan_id]=1&data[reseller_id]=1"),
        ("mag/new", "data[mac_address]=001A79000001&data[reference]=svc-1"),
        ("line/new", "data[username]=anna&data[reference]=svc-1&data[subscription_plan_id]=99"),
    ] {
        assert_eq!(server.refused(call, body), "Reference exists.", "{call} {body}");
    }
    assert_eq!(server.done("resellers/list", "")["resellers"][0]["credits"], 7);
    assert_eq!(server.done("line/list", "reference=svc-1")["lines"][0]["id"], sold["created_id"]);
    assert_eq!(server.done("line/list", "reference=SVC-1")["total"], 0, "to the letter");

    // Two without one do not meet, and what is its own may be sent again.
    server.done("line/new", "data[reference]=");
    server.done("line/new", "");
    server.done("line/update", "reference=svc-1&data[reference]=svc-1&data[notes]=x");
    server.done("mag/new", "data[mac_address]=001A79000001&data[reference]=svc-2");
    for (call, body) in [
        ("line/update", "username=anna&data[reference]=svc-2"),
        ("mag/update", "reference=svc-2&data[reference]=svc-1"),
    ] {
        assert_eq!(server.refused(call, body), "Reference exists.", "{call}");
    }
    server.done("line/delete", "reference=svc-1");
    server.done("mag/update", "reference=svc-2&data[reference]=svc-1");
    assert_eq!(server.done("mag/info", "reference=svc-1")["mag_info"]["mac_address"], "00:1A:79:00:00:01");
}

#[test]
fn every_call_on_one_line_or_mag_takes_its_reference() {
    let server = TestServer::start();
    server.done(
        "line/new",
        "data[username]=anna&data[password]=pw&data[reference]=a 1&data[email]=a@example.com",
    );
    let line = server.done("line/info", "reference=a 1")["line_info"].clone();
    assert_eq!(
        (&line["reference"], &line["email"], &line["reminders"]),
        (&json!("a 1"), &json!("a@example.com"), &json!(1))
    );
    assert_eq!(
        server.done("line/update", "reference=a 1&data[reminders]=0&data[email]=")["username"],
        "anna"
    );
    assert_eq!(server.refused("line/update", "reference=a 1&data[email]=nobody"), "Invalid email");
    assert_eq!(server.done("line/info", "reference=a 1&password=pw")["line_info"]["email"], "");
    assert_eq!(server.refused("line/info", "reference=a 1&password=no"), "Wrong Username/Password.");
    assert_eq!(server.done("line/explain", "reference=a 1")["may_watch"], true);
    assert_eq!(server.done("connections/list", "reference=a 1")["total"], 0);
    assert_eq!(server.done("connections/kill", "reference=a 1")["killed"], json!([]));
    assert_eq!(server.done("line/convert_to_mag", "reference=a 1&mac_address=001A79000001")["created_id"], 1);

    assert_eq!(server.refused("line/info", "reference=a 1"), "Wrong Username/Password.");
    assert_eq!(server.done("mag/update", "reference=a 1&data[notes]=x")["mac_address"], "00:1A:79:00:00:01");
    assert_eq!(server.done("mag/explain", "reference=a 1")["may_watch"], true);
    assert_eq!(server.done("mag/send_event", "reference=a 1&event=reboot")["event_id"], 1);
    assert_eq!(server.done("mag/reset_device", "reference=a 1")["modified_id"], 1);
    assert_eq!(server.done("mag/set_parent_pin", "reference=a 1&parent_pin=4711")["parent_pin"], "4711");
    assert_eq!(server.done("connections/list", "reference=a 1")["total"], 0);
    assert_eq!(server.done("mag/convert_to_line", "reference=a 1")["username"], "anna");
    assert_eq!(server.done("line/delete", "reference=a 1")["deleted_id"], 2);

    for call in ["line/update", "line/delete", "line/info", "line/explain", "connections/kill"] {
        assert_eq!(server.refused(call, "reference=a 1"), "Wrong Username/Password.", "{call}");
    }
    for call in
        ["mag/update", "mag/delete", "mag/info", "mag/explain", "mag/reset_device", "mag/set_parent_pin"]
    {
        assert_eq!(server.refused(call, "reference=a 1"), "MAC Address does not exist", "{call}");
    }
    assert_eq!(server.refused("line/info", "username=x&reference=y"), "Send username or reference, not both");
    assert_eq!(server.refused("line/info", "reference="), "Missing field: username");
    let long = format!("data[reference]={}", "x".repeat(65));
    assert_eq!(server.refused("line/new", &long), "Invalid reference: at most 64 characters");
}

#[test]
fn the_panel_edits_shows_and_finds_them() {
    let server = server();
    server.done("line/new", "data[username]=anna");
    server.done("mag/new", "data[mac_address]=001A79000001&data[reference]=box-7");
    let panel = Panel::admin(&server);
    let typed = [("reference", "svc-9"), ("email", "anna@example.com"), ("reminders", "1")];
    panel.done("/panel/lines/1/edit", &typed);
    let page = panel.get("/panel/lines/1");
    assert!(page.contains("svc-9") && page.contains("anna@example.com"), "{page}");
    for search in ["SVC-9", "anna@EXAMPLE"] {
        assert!(panel.get(&format!("/panel/lines?search={search}")).contains("/panel/lines/1"), "{search}");
    }
    assert!(panel.get("/panel/lines?search=nobody").contains("No subscribers match."));
    assert_eq!(server.done("line/list", "search=example.com")["total"], 1);
    let refused = panel.refused("/panel/lines/1/edit", &[("reference", "box-7")], 409);
    assert!(refused.contains("Is taken: choose another"), "{refused}");
}
