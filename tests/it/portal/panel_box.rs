//! The box behind a MAG in the panel: what it told, events, PIN, device; MAGs that become lines and back.

use crate::support::{
    panel::{PASSWORD, Panel, server},
    set::{MAC, Set},
};

#[test]
fn an_operator_sends_a_message_to_the_box_and_changes_its_pin() {
    let server = server();
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01");
    let panel = Panel::of(&server, "admin", PASSWORD);
    let shown = panel.get("/panel/mags/1/box");
    assert!(shown.contains("Parental PIN") && shown.contains("never"), "{shown}");

    panel.done("/panel/mags/1/box/event", &[("event", "send_msg"), ("msg", "Good evening")]);
    assert_eq!(server.done("mag/info", "mac_address=001A79000001")["mag_device"]["events_waiting"], 1);
    let refused = panel.post("/panel/mags/1/box/event", &[("event", "send_msg"), ("msg", "")]);
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("Cannot be empty"), "{}", refused.body);
    let refused = panel.post("/panel/mags/1/box/event", &[("event", "play_channel"), ("msg", "first")]);
    assert!(refused.status == 422 && refused.body.contains("value=\"first\""), "{}", refused.body);

    panel.done("/panel/mags/1/box/pin", &[("parent_pin", "4711")]);
    assert_eq!(server.done("mag/info", "mac_address=001A79000001")["mag_device"]["parent_pin"], "4711");
    assert_eq!(panel.post("/panel/mags/1/box/pin", &[("parent_pin", "0000")]).status, 422);
    let audit = server.done("logs/list", "kind=audit&resource=mag");
    let actions: Vec<_> =
        audit["logs"].as_array().expect("a list").iter().map(|row| &row["action"]).collect();
    assert_eq!(actions, ["new", "send_event", "set_parent_pin"]);
}

#[test]
fn a_mag_becomes_a_line_and_a_mag_again_with_what_was_sold() {
    let server = server();
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01&data[expire_date]=4102444800");
    let panel = Panel::of(&server, "admin", PASSWORD);
    panel.done("/panel/mags/1/convert", &[("username", "bob"), ("password", "secret1")]);
    let line = server.done("line/info", "username=bob");
    assert_eq!(line["line_info"]["expire_date"], 4_102_444_800_i64);
    assert_eq!(server.done("mag/list", "")["total"], 0);

    let refused = panel.post("/panel/lines/1/convert", &[("mac_address", "nonsense")]);
    assert_eq!(refused.status, 422);
    panel.done("/panel/lines/1/convert", &[("mac_address", "00-1a-79-00-00-02")]);
    let mag = server.done("mag/info", "mac_address=00:1A:79:00:00:02");
    assert_eq!(mag["mag_info"]["expire_date"], 4_102_444_800_i64);
    assert_eq!(server.done("line/list", "")["total"], 0);
}

#[test]
fn why_a_box_cannot_watch_offers_to_reset_its_device() {
    let server = server();
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01");
    let profile = |id: &str| {
        let mut set = Set::new(&server, MAC);
        set.shake("");
        set.js(&format!("type=stb&action=get_profile&device_id={id}"))["status"].clone()
    };
    assert_eq!((profile("AAA"), profile("BBB")), (0.into(), 1.into()));
    let panel = Panel::of(&server, "admin", PASSWORD);
    let page = panel.get("/panel/mags/1/why");
    assert!(page.contains("another one was refused") && page.contains("Reset the device"), "{page}");
    panel.done("/panel/mags/1/box/reset", &[]);
    assert!(!panel.get("/panel/mags/1/why").contains("Reset the device"));
    assert_eq!(profile("BBB"), 0);
}

#[test]
fn why_a_box_cannot_watch_leads_to_the_form_where_its_password_is_set() {
    let server = server();
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:01");
    server.done("settings/update", "data[mag_login_required]=1");
    let panel = Panel::of(&server, "admin", PASSWORD);
    let page = panel.get("/panel/mags/1/why");
    let button = page.split("<a ").find(|link| link.contains("Set a password")).expect("a button");
    assert!(button.contains("href=\"/panel/mags/1/edit\""), "{button}");
    let form = panel.get("/panel/mags/1/edit");
    assert!(form.contains("name=\"login\"") && form.contains("name=\"password\""), "{form}");
}
