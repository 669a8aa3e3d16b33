//! Which box is let in: profile, token, device, login, maker.

use serde_json::{Value, json};

use crate::support::{
    TestServer, disk,
    set::{MAC, Set, ask, catalogue, device, mag},
};

#[test]
fn a_profile_has_what_real_boxes_and_kodi_insist_on() {
    let server = catalogue();
    let mut set = Set::new(&server, MAC);
    set.shake("");
    let profile =
        set.js("type=stb&action=get_profile&stb_type=MAG250&sn=SN1&image_version=218&hw_version=1.7&hd=1");
    for (name, value) in [
        ("status", json!(0)),
        ("msg", json!("")),
        ("block_msg", json!("")),
        ("blocked", json!("0")),
        ("mac", json!(MAC)),
        ("epg_data_block_period_for_stb", json!("5")),
        ("additional_services_on", json!("1")),
        ("store_auth_data_on_stb", json!(false)),
        ("stb_type", json!("MAG250")),
    ] {
        assert_eq!(profile[name], value, "{name}");
    }
    assert!(profile["timeslot"].as_i64() > Some(0), "Kodi asks without a pause otherwise");
    assert!(profile["watchdog_timeout"].as_i64() > Some(0));
    let types = profile["allowed_stb_types"].as_array().expect("a list");
    assert!(types.iter().all(|one| one.as_str().is_some_and(|one| one == one.to_lowercase())));
    let device = device(&server);
    let about = ["model", "serial", "firmware", "hardware", "ip"].map(|name| device[name].clone());
    assert_eq!(about, ["MAG250", "SN1", "218", "1.7", "127.0.0.1"].map(Value::from));
    assert!(device["first_seen_at"].is_i64() && device["last_seen_at"].is_i64(), "{device}");
}

#[test]
fn a_token_stays_until_another_device_comes_and_over_a_restart() {
    let server = catalogue();
    let mut first = Set::on(&server, MAC);
    let token = first.token.clone();
    let again = first.shake(&token);
    assert_eq!((again["token"].as_str(), &again["not_valid"]), (Some(token.as_str()), &json!(0)));
    let server = TestServer::on(server.stop(), &[]);
    let first = Set { server: &server, mac: MAC, token, from: None, range: false };
    assert!(first.js("type=itv&action=get_genres").is_array(), "after a restart");
    let mut second = Set::new(&server, MAC);
    second.shake("");
    assert!(first.js("type=itv&action=get_genres").is_array(), "a handshake alone takes nothing over");
    assert_eq!(second.text("type=itv&action=get_genres").1, "Authorization failed.");
    second.js("type=stb&action=get_profile");
    assert!(second.js("type=itv&action=get_genres").is_array());
    assert_eq!(first.text("type=itv&action=get_genres").1, "Authorization failed.");
    let mut old = Set::new(&server, MAC);
    let stale = old.shake(&first.token);
    assert_eq!(stale["not_valid"], 1);
    assert_ne!(stale["token"], json!(first.token));
}

#[test]
fn a_mag_is_bound_to_the_device_that_it_was_first_used_with() {
    let server = catalogue();
    let profile = |ids: &str| {
        let mut set = Set::new(&server, MAC);
        set.shake("");
        set.js(&format!("type=stb&action=get_profile&{ids}"))
    };
    assert_eq!(profile("device_id=&device_id2=")["status"], 0, "nothing to bind to yet");
    assert_eq!(profile("device_id=AAA&device_id2=BBB")["status"], 0);
    let conflict = json!({
        "status": 1,
        "msg": "device conflict - device_id mismatch",
        "block_msg": "Your STB is damaged.<br/> Call the provider.",
    });
    for ids in ["device_id=XXX&device_id2=BBB", "device_id=AAA&device_id2=YYY", "device_id=&device_id2=", ""]
    {
        assert_eq!(profile(ids), conflict, "{ids}");
    }
    let shown = device(&server);
    assert_eq!((&shown["device_id"], &shown["device_id2"]), (&json!("AAA"), &json!("BBB")));
    let refusals = server.done("mag/explain", &format!("mac_address={MAC}"))["refusals"].clone();
    assert!(refusals[0]["reason"].as_str().is_some_and(|why| why.contains("another device")), "{refusals}");
    mag(&server, "data[lock_device]=0");
    assert_eq!(profile("device_id=XXX")["status"], 0);
    mag(&server, "data[lock_device]=1");
    assert_eq!(profile("device_id=AAA&device_id2=BBB"), conflict, "the last one that came is the one");
    server.done("mag/reset_device", &format!("mac_address={MAC}"));
    assert_eq!(device(&server)["device_id"], "");
    assert_eq!(profile("device_id=ZZZ")["status"], 0);
    assert_eq!(profile("device_id=XXX"), conflict);
    let audit = server.done("logs/list", "kind=audit&limit=1000&resource=mag");
    let rows = audit["logs"].as_array().expect("a list");
    let bound: Vec<_> = rows
        .iter()
        .filter(|row| row["action"] == "bind_device")
        .map(|row| (row["after"]["device_id"].as_str().unwrap_or("-"), row["before"]["device_id"].as_str()))
        .collect();
    assert_eq!(bound, [("AAA", Some("")), ("ZZZ", Some(""))], "each binding once: {audit}");
    let row = rows.iter().find(|row| row["action"] == "bind_device").expect("a row");
    assert_eq!(
        ["actor_kind", "actor", "address", "target"].map(|name| row[name].clone()),
        ["mag", MAC, "127.0.0.1", MAC].map(Value::from)
    );
    assert!(rows.iter().any(|row| row["action"] == "reset_device"), "{audit}");
}

#[test]
fn ids_that_say_nothing_bind_to_nothing_and_their_case_tells_nothing() {
    let server = catalogue();
    let profile = |ids: &str| {
        let mut set = Set::new(&server, MAC);
        set.shake("");
        set.js(&format!("type=stb&action=get_profile&{ids}"))["status"].clone()
    };
    for nothing in
        ["undefined", "null", "0000000000000000000000000000000000000000000000000000000000000000", ""]
    {
        assert_eq!(profile(&format!("device_id={nothing}&device_id2={nothing}")), 0, "{nothing}");
        assert_eq!(device(&server)["device_id"], "", "{nothing}");
    }
    assert_eq!(profile("device_id=ab12&device_id2=undefined"), 0);
    assert_eq!(profile("device_id=AB12&device_id2=null"), 0);
    assert_eq!(profile("device_id=AB13"), 1);
}

#[test]
fn a_token_that_anybody_can_guess_is_none() {
    let server = catalogue();
    let bare = MAC.replace(':', "");
    for word in [
        "null",
        "undefined",
        "None",
        "(null)",
        "0",
        "00000000000000000000",
        "abc",
        MAC,
        &bare,
        &bare.repeat(2),
        "d41d8cd98f00b204e9800998ecf8427e",
        "[object%20Object]",
        "AAAAAAAAAAAAAAAA",
        "0123456789abcdef",
    ] {
        let set = Set { server: &server, mac: MAC, token: word.into(), from: None, range: false };
        set.text("type=stb&action=get_profile&device_id=VICTIM1");
        let answer = set.text("type=itv&action=get_genres").1;
        assert_eq!(answer, "Authorization failed.", "{word}");
    }
}

#[test]
fn a_token_that_a_box_has_made_counts_where_it_was_let_in_with_it() {
    let server = TestServer::on(catalogue().stop(), &["--trusted-proxies", "127.0.0.1"]);
    let is_let_in = |set: &Set<'_>| set.text("type=itv&action=get_genres").1 != "Authorization failed.";
    let elsewhere = |token: &str| Set {
        server: &server,
        mac: MAC,
        token: token.to_owned(),
        from: Some("127.0.0.9"),
        range: false,
    };
    // SHA-1 of a MAC, its characters, and what somebody has typed.
    for token in
        ["8d6ab84ca2af9fccd4e4048694176ebf0a5f4ed5", "30303a31413a37393a34423a43323a3031", "13579bdf02468ace"]
    {
        let own = Set { from: None, ..elsewhere(token) };
        assert_eq!(own.js("type=stb&action=get_profile&device_id=BOX1")["status"], 0, "{token}");
        assert!(is_let_in(&own), "{token}");
        let other = elsewhere(token);
        assert!(!is_let_in(&other), "{token}");
        assert_eq!(other.js("type=stb&action=get_profile&device_id=BOX2")["status"], 1, "{token}");
        assert!(!is_let_in(&other) && is_let_in(&own), "{token}");
    }
    // The one that it was given goes where the box goes.
    let mut own = Set::new(&server, MAC);
    own.shake("");
    assert_eq!(own.js("type=stb&action=get_profile&device_id=BOX1")["status"], 0);
    let moved = elsewhere(&own.token);
    assert!(is_let_in(&moved));
    let changed = if own.token.ends_with('0') { "1" } else { "0" };
    assert!(!is_let_in(&elsewhere(&format!("{}{changed}", &own.token[..31]))));
}

#[test]
fn a_box_gets_in_and_out_while_the_disk_is_full() {
    let folder = tempfile::tempdir().expect("a folder");
    let flag = folder.path().join("full");
    let server = TestServer::with(folder, &[], &[("LD_PRELOAD", disk::library()), ("DISK_FULL", &flag)])
        .expecting("disk full");
    server.done("streams/new", "data[name]=a&data[sources][]=media/a.ts&data[on_demand]=1");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    let is_let_in = |set: &Set<'_>| set.text("type=itv&action=get_genres").1 != "Authorization failed.";
    let enter = |device: &str| {
        let mut set = Set::new(&server, MAC);
        set.shake("");
        let profile = set.js(&format!("type=stb&action=get_profile&device_id={device}"));
        assert_eq!(profile["status"], 0, "{device}: {profile}");
        assert!(is_let_in(&set), "{device}");
        set
    };
    std::fs::write(&flag, "").expect("the flag");
    let first = enter("BOX1");
    assert!(first.link(1).is_ok());
    let (status, answer) = first.text("type=itv&action=set_fav&fav_ch=1");
    let answer: Value = serde_json::from_str(&answer).expect("an envelope");
    assert_eq!((status, &answer["js"]), (500, &json!(false)));
    assert!(answer["text"].as_str().is_some_and(|text| text.ends_with("try again later.")), "{answer}");
    assert_eq!(first.js("type=stb&action=logout"), true);
    assert!(!is_let_in(&first));
    let second = enter("BOX2");
    assert!(!is_let_in(&first));
    std::fs::remove_file(&flag).expect("room");
    // It is written down at the end at the latest.
    let (first, second) = (first.token.clone(), second.token.clone());
    let server = TestServer::on(server.stop(), &[]);
    let with = |token| Set { server: &server, mac: MAC, token, from: None, range: false };
    let answers = [first, second].map(|token| with(token).text("type=itv&action=get_genres").1);
    assert_eq!(answers[0], "Authorization failed.");
    assert_ne!(answers[1], "Authorization failed.");
}

#[test]
fn a_box_with_a_password_is_let_in_by_it_even_where_none_is_required() {
    let server = catalogue();
    mag(&server, "data[login]=anna&data[password]=s3cret");
    let mut set = Set::new(&server, MAC);
    set.shake("");
    assert_eq!(set.js("type=stb&action=do_auth&login=anna&password=wrong"), false);
    assert_eq!(set.js("type=stb&action=do_auth&login=other&password=s3cret"), false);
    assert_eq!(set.text("type=itv&action=get_genres").1, "Authorization failed.");
    set.shake("");
    assert_eq!(set.js("type=stb&action=do_auth&login=00A1&password="), true, "apps send no password unasked");
    assert_eq!(set.text("type=itv&action=get_genres").1, "Authorization failed.", "but that lets nobody in");
    assert_eq!(set.js("type=stb&action=do_auth&login=anna&password=s3cret"), true);
    assert!(set.js("type=itv&action=get_genres").is_array(), "let in");
    mag(&server, "data[login]=&data[password]=");
    assert_eq!(
        set.js("type=stb&action=do_auth&login=any&password=any"),
        true,
        "a MAG without one needs none"
    );
}

#[test]
fn a_box_that_is_let_in_and_sends_a_wrong_password_is_out() {
    let server = catalogue();
    mag(&server, "data[login]=anna&data[password]=s3cret");
    let mut set = Set::new(&server, MAC);
    set.shake("");
    let auth = |set: &Set<'_>, login: &str, password: &str| {
        set.js(&format!("type=stb&action=do_auth&login={login}&password={password}"))
    };
    let asks_again =
        |set: &Set<'_>| set.js("type=stb&action=get_profile&auth_second_step=1")["status"].clone();
    let is_let_in = |set: &Set<'_>| set.text("type=itv&action=get_genres").1 != "Authorization failed.";
    for (login, password) in
        [("anna", "wrong"), ("other", "s3cret"), ("anna", "s3cret%20"), ("anna", "S3CRET")]
    {
        assert_eq!(auth(&set, "anna", "s3cret"), true);
        assert!(is_let_in(&set));
        // A stranger, who knows the MAC, has a token of his own.
        let mut stranger = Set::new(&server, MAC);
        stranger.shake("");
        assert_eq!(auth(&stranger, "anna", "guessed"), false);
        assert!(is_let_in(&set), "it signs nobody out");
        assert_eq!(auth(&set, login, password), false, "{login} {password}");
        assert!(!is_let_in(&set), "{login} {password}");
        assert_eq!((asks_again(&set), is_let_in(&set)), (json!(2), false), "nor does its MAC help it");
        assert_eq!(auth(&set, "00A1", ""), false, "nor to send none");
    }
    // Nor does it matter that it tells no device id where one is bound.
    server.done("settings/update", "data[mag_login_required]=1");
    assert_eq!(auth(&set, "anna", "s3cret&device_id=D1"), true);
    assert_eq!(set.js("type=stb&action=get_profile&device_id=D1")["status"], 0);
    assert_eq!((auth(&set, "anna", "s3cret"), is_let_in(&set)), (json!(true), true));
    assert_eq!((auth(&set, "anna", "wrong"), is_let_in(&set)), (json!(false), false));
    assert_eq!(auth(&set, "anna", "s3cret"), false, "it may be any device by now");
    server.done("settings/update", "data[mag_login_required]=0");
    server.done("mag/reset_device", &format!("mac_address={MAC}"));
    // A box that is started anew.
    set.shake("");
    assert_eq!((asks_again(&set), is_let_in(&set)), (json!(0), true));
    mag(&server, "data[password]=");
    assert_eq!(auth(&set, "any", "any"), true, "a MAG without one needs none");
}

#[test]
fn a_box_is_known_however_it_sends_its_mac_and_its_token() {
    let server = catalogue();
    let token = Set::on(&server, MAC).token;
    let encoded = MAC.replace(':', "%3A");
    for (path, cookie, bearer) in [
        ("/portal.php", format!("MAC={MAC}"), format!("bearer {token}")),
        ("/portal.php/", format!("Mac={encoded}"), format!("BEARER {token}")),
        ("/ministra/portal.php", format!("mac={}", encoded.replace('%', "%25")), format!("Bearer  {token}")),
        ("/stalker/server/load.php", format!("stb_lang=en; mac=\"{MAC}\""), format!("Bearer {token}")),
        ("/client/portal.php", format!("mac={}", MAC.to_lowercase()), format!("bearer {token}")),
    ] {
        let headers = [format!("Cookie: {cookie}"), format!("authorization: {bearer}")];
        let (status, text) = ask(&server, &format!("{path}?type=itv&action=get_genres"), &headers, &[]);
        assert!(status == 200 && text.contains("\"All\""), "{path} {cookie} {bearer}: {status} {text}");
    }
    for query in [format!("MAC={MAC}"), format!("mac={}", encoded.replace('%', "%2525"))] {
        let headers = [format!("Authorization: Bearer {token}")];
        let (_, text) =
            ask(&server, &format!("/portal.php?type=itv&action=get_genres&{query}"), &headers, &[]);
        assert!(text.contains("\"All\""), "{query}: {text}");
    }
}

/// What a rule of "Why can't this box watch?" says.
fn verdict(server: &TestServer, rule: &str) -> (bool, String) {
    let verdicts = server.done("mag/explain", &format!("mac_address={MAC}"))["verdicts"].clone();
    let verdicts = verdicts.as_array().expect("a list");
    let verdict = verdicts.iter().find(|one| one["rule"] == rule).unwrap_or_else(|| panic!("no {rule}"));
    (verdict["passes"] == true, verdict["words"].as_str().expect("words").to_owned())
}

#[test]
fn it_is_told_that_another_device_or_a_missing_login_is_in_the_way() {
    let server = catalogue();
    let profile = |id: &str| {
        let mut set = Set::new(&server, MAC);
        set.shake("");
        set.js(&format!("type=stb&action=get_profile&device_id={id}"))["status"].clone()
    };
    assert!(verdict(&server, "device").0 && verdict(&server, "sign_in").0);
    assert_eq!((profile("AAA"), profile("BBB")), (json!(0), json!(1)));
    let (passes, words) = verdict(&server, "device");
    assert!(!passes && words.contains("another one was refused"), "{words}");
    assert_eq!(server.done("mag/explain", &format!("mac_address={MAC}"))["may_watch"], false);
    server.done("mag/reset_device", &format!("mac_address={MAC}"));
    assert!(verdict(&server, "device").0);

    server.done("settings/update", "data[mag_login_required]=1");
    let (passes, words) = verdict(&server, "sign_in");
    assert!(!passes && words.contains("it has no password"), "{words}");
    mag(&server, "data[login]=anna&data[password]=s3cret");
    let (passes, words) = verdict(&server, "sign_in");
    assert!(!passes && words.contains("has yet to send"), "{words}");
    let mut set = Set::new(&server, MAC);
    set.shake("");
    assert_eq!(set.js("type=stb&action=do_auth&login=anna&password=s3cret"), true);
    assert!(verdict(&server, "sign_in").0);
    server.done("line/new", "data[username]=bob&data[password]=secret1");
    let of_line = server.done("line/explain", "username=bob")["verdicts"].to_string();
    assert!(!of_line.contains("device") && !of_line.contains("sign_in"), "{of_line}");
}

#[test]
fn a_login_is_asked_for_where_settings_require_it() {
    let server = catalogue();
    server.done("settings/update", "data[mag_login_required]=1");
    mag(&server, "data[login]=anna&data[password]=s3cret");
    let mut set = Set::new(&server, MAC);
    set.shake("");
    let wanted = json!({ "status": 2, "template": "default", "info": "" });
    assert_eq!(set.js("type=stb&action=get_profile"), wanted);
    assert_eq!(set.text("type=itv&action=get_genres").1, "Authorization failed.");
    assert_eq!(set.js("type=stb&action=do_auth&login=anna&password=wrong"), false);
    assert_eq!(set.js("type=stb&action=do_auth&login=anna&password="), false);
    assert_eq!(set.js("type=stb&action=get_profile&auth_second_step=1"), wanted);
    assert_eq!(set.js("type=stb&action=do_auth&login=anna&password=s3cret"), true);
    let profile = set.js("type=stb&action=get_profile&auth_second_step=1");
    assert_eq!((&profile["status"], &profile["store_auth_data_on_stb"]), (&json!(0), &json!(true)));
    assert!(set.js("type=itv&action=get_genres").is_array());
    let mut other = Set::new(&server, MAC);
    other.shake("");
    assert_eq!(other.js("type=stb&action=get_profile"), wanted, "another box signs in itself");
    assert!(!server.log().contains("s3cret"));
    mag(&server, "data[password]=");
    assert_eq!(other.js("type=stb&action=do_auth&login=anna&password="), false, "no password opens nothing");
}

#[test]
fn who_has_to_sign_in_since_is_told_once_to_load_the_portal_anew() {
    let server = catalogue();
    let set = Set::on(&server, MAC);
    let events = "type=watchdog&action=get_events";
    server.done("settings/update", "data[mag_login_required]=1");
    let told = set.js(events)["data"].clone();
    assert_eq!(told["event"], "reload_portal");
    assert!(told["send_time"].is_string(), "{told}");
    assert_eq!(set.text(events).1, "Authorization failed.");
    server.done("settings/update", "data[mag_login_required]=0");
    assert_eq!(set.js(events)["data"]["event"], "cut_on");
}

#[test]
fn apps_that_tell_no_id_or_one_of_two_are_no_other_device() {
    let server = catalogue();
    let set = Set::on(&server, MAC);
    let status = |ids: &str| set.js(&format!("type=stb&action=get_profile{ids}"))["status"].clone();
    let auth = |ids: &str| set.js(&format!("type=stb&action=do_auth&login=x&password={ids}"));
    assert_eq!(status("&device_id=AA&device_id2=BB"), 0);
    assert_eq!([auth(""), auth("&device_id=AA"), auth("&device_id=ZZ")], [true, true, false]);
    assert_eq!([status("&device_id=AA"), status("&device_id2=BB")], [0, 0]);
    assert_eq!([status(""), status("&device_id=AA&device_id2=ZZ"), status("&device_id=ZZ")], [1, 1, 1]);
}

#[test]
fn slashes_that_are_too_many_are_one() {
    let server = catalogue();
    for path in ["//portal.php", "/c//portal.php", "/stalker_portal//server/load.php"] {
        let path = format!("{path}?type=stb&action=handshake&mac={MAC}");
        assert!(server.curl(&path, &[]).1["js"]["token"].is_string(), "{path}");
    }
}

#[test]
fn only_addresses_of_the_maker_are_let_in_where_settings_say_so() {
    let server = TestServer::start();
    server.done("mag/new", "data[mac_address]=10:22:33:00:00:01");
    let mut set = Set::new(&server, "10:22:33:00:00:01");
    set.shake("");
    assert_eq!(set.js("type=stb&action=get_profile")["status"], 0);
    server.done("settings/update", "data[mag_oui_check]=1");
    set.shake("");
    assert_eq!(set.js("type=stb&action=get_profile")["status"], 1);
}
