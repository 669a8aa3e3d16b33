//! What boxes are told: the end of their subscription, and what operators send.

use serde_json::json;

use crate::support::{
    set::{MAC, Set, catalogue, device, mag, watchable},
    tv::Player,
};

#[test]
fn a_mag_that_loses_its_subscription_is_cut_off_within_two_seconds() {
    let server = watchable();
    let set = Set::on(&server, MAC);
    let events =
        || set.js("type=watchdog&action=get_events&cur_play_type=1&event_active_id=0")["data"].clone();
    assert_eq!(events(), json!({ "msgs": 0, "additional_services_on": "1" }));
    for (lost, back) in
        [("data[disabled]=1", "data[disabled]=0"), ("data[expire_date]=1000000000", "data[expire_date]=")]
    {
        let mut player = Player::get(&server, &set.link(1).unwrap(), "Lavf");
        assert_eq!(player.status, 200);
        mag(&server, lost);
        assert!(player.is_closed_within(2), "{lost}");
        assert_eq!(events()["event"], "cut_off", "{lost}");
        mag(&server, back);
        assert_eq!(events()["event"], "cut_on", "{back}");
        assert_eq!(events()["event"], json!(null));
    }
}

#[test]
fn kodi_reads_no_events_finds_every_channel_shut_and_goes_on_once_it_may() {
    let server = watchable();
    let mut set = Set::on(&server, MAC);
    // It sends this with whatever it asks, and takes timeslot for the period in which it asks for events.
    set.range = true;
    let slot = set.js("type=stb&action=get_profile")["timeslot"].as_i64();
    assert!((15..30).contains(&slot.unwrap()), "{slot:?}");
    let events = "type=watchdog&action=get_events&init=0";
    let create_link = "type=itv&action=create_link&cmd=ffmpeg%20http://localhost/ch/1_";
    for (lost, back) in
        [("data[disabled]=1", "data[disabled]=0"), ("data[expire_date]=1000000000", "data[expire_date]=")]
    {
        mag(&server, lost);
        assert_eq!(set.text(create_link), (200, "Access denied.".into()));
        // It signs in anew after "Authorization failed." here, five times, and then never again.
        assert!(set.js(events)["data"].is_object());
        mag(&server, back);
        assert!(set.link(1).is_ok(), "with the token that it had");
    }
}

#[test]
fn events_are_told_once_and_messages_until_they_are_read() {
    let server = catalogue();
    let set = Set::on(&server, MAC);
    let events = |showing: &str| {
        set.js(&format!("type=watchdog&action=get_events&cur_play_type=1&event_active_id={showing}"))["data"]
            .clone()
    };
    let send =
        |more: &str| server.done("mag/send_event", &format!("mac_address={MAC}&{more}"))["event_id"].clone();
    for plain in
        ["reboot", "reload_portal", "update_channels", "update_subscription", "update_epg", "show_menu"]
    {
        let id = send(&format!("event={plain}"));
        let told = events("0");
        assert_eq!((&told["event"], &told["id"]), (&json!(plain), &json!(id.to_string())));
        assert_eq!(events("0")["event"], json!(null), "{plain} is told once");
    }
    send("event=play_channel&msg=99");
    let told = events("0");
    assert_eq!((&told["event"], &told["msg"]), (&json!("play_channel"), &json!("99")));

    let id = send("event=send_msg&msg=Hello%20%3Cb%3Ethere&reboot_after_ok=1").to_string();
    send("event=reload_portal");
    set.head("type=watchdog&action=get_events");
    assert_eq!(events("0")["event"], "reload_portal", "neither a message nor HEAD holds it back");
    for _ in 0..2 {
        let told = events("0");
        assert_eq!(
            (&told["event"], &told["msg"], &told["id"]),
            (&json!("send_msg"), &json!("Hello <b>there"), &json!(id))
        );
        assert_eq!((&told["need_confirm"], &told["reboot_after_ok"]), (&json!("1"), &json!("1")));
    }
    send("event=update_epg");
    assert_eq!(events(&id)["event"], "update_epg", "while a message is shown, other things are told");
    assert_eq!(device(&server)["events_waiting"], 1);
    assert_eq!(
        set.js(&format!("type=watchdog&action=confirm_event&event_active_id={id}")),
        json!({ "data": "ok" })
    );
    assert_eq!(events("0")["event"], json!(null));
    send("event=send_msg&msg=Soon%20gone&auto_hide_timeout=5");
    assert_eq!(
        (events("0")["auto_hide_timeout"].clone(), events("0")["event"].clone()),
        (json!("5"), json!(null))
    );

    let refused = |more: &str| server.refused("mag/send_event", &format!("mac_address={MAC}&{more}"));
    assert_eq!(refused("event=send_msg"), "Missing field: msg");
    assert_eq!(refused("event=play_channel&msg=one"), "Invalid msg: the number of a channel");
    assert!(refused("event=cut_off").starts_with("Invalid event: one of send_msg,"));
    assert_eq!(
        refused("event=reboot&msg=x"),
        "Invalid msg: only with send_msg, send_msg_with_video and play_channel"
    );
    assert_eq!(
        server.refused("mag/send_event", "mac_address=00:1A:79:00:00:99&event=reboot"),
        "MAC Address does not exist"
    );
    for _ in 0..50 {
        send("event=show_menu");
    }
    assert!(refused("event=show_menu").contains("50 events wait"));
    let audit = server.done("logs/list", "kind=audit&limit=1000").to_string();
    assert!(audit.contains("send_event") && audit.contains("Soon gone"), "{audit}");
}
