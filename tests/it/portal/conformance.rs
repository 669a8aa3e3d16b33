//! What the clients of portals rely on, row by row: addresses, identity, texts, actions.

use serde_json::{Value, json};

use crate::support::set::{MAC, Set, ask, catalogue, device, mag};

#[test]
fn the_portal_answers_at_every_address_by_get_and_post() {
    let server = catalogue();
    let header = [format!("Cookie: mac={MAC}")];
    let query = "type=stb&action=handshake&token=&JsHttpRequest=1-xml";
    for folder in ["", "/stalker_portal", "/ministra"] {
        for path in ["/portal.php", "/server/load.php", "/load.php", "/c/portal.php", "/c/load.php", "/c/"] {
            let path = format!("{folder}{path}");
            for (path, more) in [(format!("{path}?{query}"), vec![]), (path.clone(), vec!["--data", query])] {
                let (status, text) = ask(&server, &path, &header, &more);
                let answer: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{path}: {text}"));
                assert_eq!((status, answer["js"]["token"].as_str().map(str::len)), (200, Some(32)), "{path}");
            }
        }
    }
    let (status, _) = ask(&server, "/portal.php", &header, &["-X", "DELETE"]);
    assert_eq!(status, 405);
    // Boxes name a form's body in their own way.
    let odd = ["-H", "Content-Type: application/octet-stream", "--data", query];
    assert_eq!(ask(&server, "/portal.php", &header, &odd).0, 200);
}

#[test]
fn mac_and_token_are_taken_wherever_clients_put_them() {
    let server = catalogue();
    let token = Set::on(&server, MAC).token;
    let encoded = MAC.replace(':', "%3A");
    let bare = MAC.replace(':', "").to_lowercase();
    let (bearer, genres) = (format!("Authorization: Bearer {token}"), "type=itv&action=get_genres");
    for (path, headers) in [
        (genres.to_owned(), vec![format!("Cookie: mac={MAC}"), bearer.clone()]),
        (genres.to_owned(), vec![format!("Cookie: stb_lang=en; mac={encoded}; timezone=x"), bearer.clone()]),
        (genres.to_owned(), vec![format!("Cookie: mac={MAC}; token={token}")]),
        (format!("{genres}&mac={MAC}"), vec![bearer.clone()]),
        (format!("{genres}&mac={encoded}&token={token}"), vec![]),
        (format!("{genres}&mac={bare}&token={token}"), vec!["Authorization: Bearer ".to_owned()]),
        (genres.to_owned(), vec![format!("Cookie: mac=\"{MAC}\"; token=\"{token}\"")]),
        (genres.to_owned(), vec![format!("Cookie: adid=x;mac=undefined; mac={MAC}"), bearer.clone()]),
        (
            format!("{genres}&mac={MAC}"),
            vec!["Cookie: mac=".to_owned(), format!("authorization: bearer   {token}")],
        ),
        (genres.to_owned(), vec![format!("Cookie: mac={MAC}"), format!("Authorization: Bearer\t{token}")]),
        (format!("{genres}&search=%e9%00&%00=%ff&x=%zz"), vec![format!("Cookie: mac={MAC}"), bearer.clone()]),
    ] {
        let (status, text) = ask(&server, &format!("/portal.php?{path}"), &headers, &[]);
        assert!(status == 200 && text.contains("\"News\""), "{path} {headers:?}: {text}");
    }
}

#[test]
fn whoever_is_turned_away_gets_the_text_that_clients_know() {
    let server = catalogue();
    let genres = "type=itv&action=get_genres";
    assert_eq!(
        ask(&server, &format!("/portal.php?{genres}"), &[], &[]),
        (200, "Unauthorized request.".into())
    );
    let mut set = Set::new(&server, MAC);
    assert_eq!(set.text(genres), (200, "Authorization failed.".into()));
    assert_eq!(set.text("type=x&action=y").1, "Authorization failed.");
    set.token = "0123456789ABCDEF0123456789ABCDEF".into();
    assert_eq!(set.text(genres).1, "Authorization failed.");
    let set = Set::on(&server, MAC);
    assert_eq!(set.js("type=x&action=y"), false);
    assert_eq!(set.js("type=itv&action=nonsense"), false);
    mag(&server, "data[disabled]=1");
    assert_eq!(set.text(genres), (200, "Access denied.".into()));
    assert_eq!(set.text("type=itv&action=create_link&cmd=x").1, "Access denied.");
    for open in [
        "type=watchdog&action=get_events",
        "type=stb&action=get_modules",
        "type=account_info&action=get_main_info",
    ] {
        assert!(set.js(open).is_object(), "{open}");
    }
}

#[test]
fn the_menu_of_real_boxes_finds_its_entries_and_every_screen_its_words() {
    let server = catalogue();
    let set = Set::on(&server, MAC);
    let modules = set.js("type=stb&action=get_modules");
    let list = |name: &str| {
        let names = modules[name].as_array().unwrap_or_else(|| panic!("{name}"));
        names.iter().map(|one| one.as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    let (all, off) = (list("all_modules"), list("disabled_modules"));
    assert!(off.iter().all(|name| all.contains(name)), "what is switched off is known");
    for entry in ["tv", "media_browser", "account_menu", "settings"] {
        assert!(all.iter().any(|name| name == entry) && !off.iter().any(|name| name == entry), "{entry}");
    }
    let words = set.js("type=stb&action=get_localization");
    for key in
        ["account_info_title", "mbrowser_title", "settings_title", "parent_settings_title", "tv_only_hd"]
    {
        assert!(words[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
    assert_eq!(
        (words["week_arr"].as_array().unwrap().len(), words["month_arr"].as_array().unwrap().len()),
        (7, 12)
    );
}

/// Of which kind a result is: as much as clients need of it.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn every_action_answers_in_the_shape_that_clients_need() {
    let server = catalogue();
    let set = Set::on(&server, MAC);
    let envelope = ["total_items", "max_page_items", "selected_item", "cur_page", "data"];
    let link = ["id", "cmd", "load", "error"];
    let cases: &[(&str, &str, &[&str])] = &[
        ("type=stb&action=do_auth&login=x&password=&device_id=", "bool", &[]),
        ("type=stb&action=get_localization", "object", &["cut_off_msg", "auth_title", "time_format"]),
        (
            "type=stb&action=get_modules",
            "object",
            &["all_modules", "disabled_modules", "template", "launcher_url"],
        ),
        ("type=stb&action=get_settings_profile", "object", &["parent_password"]),
        ("type=stb&action=get_locales", "array", &[]),
        ("type=stb&action=get_tv_aspects", "object", &[]),
        ("type=stb&action=get_storages", "object", &[]),
        ("type=stb&action=get_preload_images", "array", &[]),
        ("type=stb&action=log&real_action=play&tmp_type=1&ch_id=1", "number", &[]),
        ("type=stb&action=set_volume&vol=70", "bool", &[]),
        ("type=stb&action=set_aspect", "bool", &[]),
        ("type=stb&action=set_stream_error", "bool", &[]),
        ("type=stb&action=get_ad", "bool", &[]),
        ("type=itv&action=get_genres", "array", &[]),
        ("type=itv&action=get_all_channels", "object", &envelope),
        ("type=itv&action=get_ordered_list&genre=*&p=1", "object", &envelope),
        ("type=itv&action=get_ordered_list&genre=10&p=1", "object", &envelope),
        ("type=itv&action=create_link&cmd=ffmpeg%20http://localhost/ch/1_", "object", &link),
        ("type=itv&action=get_short_epg&ch_id=1&size=10", "array", &[]),
        ("type=itv&action=get_epg_info&period=48", "object", &["data"]),
        ("type=epg&action=get_simple_data_table&ch_id=1&date=2026-11-24&p=1", "object", &envelope),
        ("type=epg&action=get_week", "array", &[]),
        ("type=epg&action=get_data_table", "object", &envelope),
        ("type=epg&action=get_all_program_for_ch&ch_id=1", "object", &envelope),
        ("type=itv&action=get_fav_ids", "array", &[]),
        ("type=itv&action=set_fav&fav_ch=", "bool", &[]),
        ("type=itv&action=get_all_fav_channels", "object", &envelope),
        ("type=itv&action=set_last_id&id=1", "bool", &[]),
        ("type=itv&action=set_played&itv_id=1", "bool", &[]),
        ("type=itv&action=set_fav_status", "bool", &[]),
        ("type=itv&action=set_claim", "bool", &[]),
        ("type=vod&action=get_categories", "array", &[]),
        ("type=series&action=get_categories", "array", &[]),
        ("type=vod&action=get_ordered_list&category=1&p=1", "object", &envelope),
        ("type=vod&action=create_link&cmd=x", "object", &link),
        ("type=series&action=get_ordered_list&category=1&p=1", "object", &envelope),
        ("type=series&action=create_link&cmd=x", "object", &link),
        ("type=remote_pvr&action=get_active_recordings", "array", &[]),
        ("type=radio&action=get_ordered_list&p=1", "object", &envelope),
        ("type=radio&action=get_all_fav_radio", "object", &envelope),
        ("type=radio&action=get_fav_ids", "array", &[]),
        ("type=karaoke&action=get_ordered_list&p=1", "object", &envelope),
        ("type=audioclub&action=get_ordered_list&p=1", "object", &envelope),
        ("type=audioclub&action=get_categories", "array", &[]),
        ("type=remote_pvr&action=get_ordered_list&p=1", "object", &envelope),
        ("type=media_favorites&action=get_all", "array", &[]),
        ("type=vod&action=get_years", "array", &[]),
        ("type=karaoke&action=create_link&cmd=x", "object", &link),
        ("type=tv_archive&action=create_link&cmd=auto%20/media/1_2.mpg", "object", &link),
        ("type=tv_archive&action=get_link_for_channel", "object", &link),
        (
            "type=account_info&action=get_main_info",
            "object",
            &["mac", "phone", "tariff_plan", "end_date", "account_info"],
        ),
        ("type=account_info&action=get_payment_info", "text", &[]),
        ("type=account_info&action=get_agreement_info", "text", &[]),
        ("type=account_info&action=get_terms_info", "text", &[]),
        ("type=account_info&action=get_demo_video_parts", "text", &[]),
        ("type=account_info&action=get_user_packages&p=1", "object", &envelope),
        ("type=games&action=get_ordered_list&p=1", "object", &envelope),
        ("type=vclub&action=get_ordered_list&p=1", "object", &envelope),
        ("type=main_anecdote&action=get_ordered_list&p=1", "object", &envelope),
        ("type=vclub&action=get_categories", "array", &[]),
        ("type=tariff&action=get_plans", "object", &envelope),
        ("type=tariff&action=get_available_packages", "object", &envelope),
        ("type=anec&action=get_all_page", "object", &envelope),
        ("type=ad&action=get_list", "object", &envelope),
        ("type=infoportal&action=get", "object", &envelope),
        ("type=epg&action=get_recorded", "object", &envelope),
        ("type=itv&action=get_user_channels", "object", &envelope),
        ("type=watchdog&action=get_events&init=1&cur_play_type=0", "object", &["data"]),
        ("type=watchdog&action=confirm_event&event_active_id=1", "object", &["data"]),
    ];
    for (query, expected, keys) in cases {
        let result = set.js(query);
        assert_eq!(kind(&result), *expected, "{query}: {result}");
        for key in *keys {
            assert!(!result[key].is_null(), "{query}: no {key} in {result}");
        }
    }
    // In a second run of a do_auth that needs no login nothing has changed.
    assert_eq!(set.js("type=stb&action=do_auth&login=x&password="), true);
    assert_eq!(set.js("type=itv&action=get_epg_info&period=5")["data"], json!({}));
    assert_eq!(set.js("type=itv&action=get_ordered_list&genre=10&p=1")["data"], json!([]));
    assert_eq!(set.js("type=watchdog&action=confirm_event&event_active_id=1"), json!({ "data": "ok" }));
}

#[test]
fn addresses_without_a_slash_lead_to_the_page_or_are_the_portal() {
    let server = catalogue();
    let token = Set::on(&server, MAC).token;
    let headers = [format!("Cookie: mac={MAC}"), format!("Authorization: Bearer {token}")];
    for path in ["/c", "/stalker_portal/c"] {
        let (status, head) = ask(&server, &format!("{path}?mac={MAC}"), &[], &["-I"]);
        assert!(status == 307 && head.contains(&format!("location: {path}/?mac={MAC}\r\n")), "{head}");
        let (status, text) = ask(&server, &format!("{path}?type=itv&action=get_genres"), &headers, &[]);
        assert!(status == 200 && text.contains("\"News\""), "{path}: {text}");
    }
    for path in ["/stalker_portal", "/stalker_portal/"] {
        assert_eq!(ask(&server, path, &[], &[]).0, 307, "{path}");
    }
}

#[test]
fn odd_parameters_are_answered_in_the_same_shapes() {
    let server = catalogue();
    let set = Set::on(&server, MAC);
    let rows = |query: &str| {
        let page = set.js(&format!("type=itv&action=get_ordered_list&{query}"));
        (page["total_items"].as_i64().expect("a number"), page["data"].as_array().expect("a list").len())
    };
    for (query, expected) in [
        ("genre=*&p=-1", (30, 14)),
        ("genre=*&p=99999999999", (30, 0)),
        ("genre=*&p=9223372036854775807", (30, 0)),
        ("genre=*&p=abc", (30, 14)),
        ("genre=*&p=2", (30, 14)),
        ("genre=*&p=1&p=3", (30, 2)),
        ("genre=abc&p=1", (0, 0)),
        ("genre=1%20or%201=1&p=1", (0, 0)),
        ("genre=*&p=2&sortby=name%27%3B--", (30, 14)),
        ("genre=*&p=1&search=%25", (0, 0)),
        ("genre=*&p=1&search=_", (0, 0)),
        ("genre=*&p=1&search=%27%22%F0%9F%8E%AC%00", (0, 0)),
        ("genre=*&p=1&search=cHANNEL%2030", (1, 1)),
    ] {
        assert_eq!(rows(query), expected, "{query}");
    }
    for cmd in
        ["", "ffmpeg", "ffmpeg%20http://localhost/ch/-1_", "99999999999999999999", "../../etc/passwd", "%00"]
    {
        let link = set.js(&format!("type=itv&action=create_link&cmd={cmd}"));
        assert_eq!((&link["cmd"], &link["error"]), (&json!(""), &json!("nothing_to_play")), "{cmd}");
    }
    for query in [
        "type=itv&action=set_last_id&id=999999",
        "type=itv&action=set_fav&fav_ch=,,a,%F0%9F%8E%AC,1e9,99999999999999999999,999999",
        "type=watchdog&action=confirm_event&event_active_id=-1",
        "type=watchdog&action=get_events&event_active_id=x&cur_play_type=%00",
    ] {
        assert!(!set.js(query).is_null(), "{query}");
    }
    assert_eq!(set.js("type=itv&action=get_fav_ids"), json!([]));
    assert_eq!(set.js("type[]=itv&action[]=get_genres"), false);
    set.js("type=stb&action=log&real_action=play&tmp_type=1&ch_id=2");
    assert_eq!(device(&server)["last_channel_id"], 2);
}

#[test]
fn a_body_that_is_no_form_or_too_long_is_no_failure() {
    let server = catalogue();
    let token = Set::on(&server, MAC).token;
    let headers = [format!("Cookie: mac={MAC}"), format!("Authorization: Bearer {token}")];
    let folder = tempfile::tempdir().unwrap();
    let body = |bytes: &[u8]| {
        let file = folder.path().join("body");
        std::fs::write(&file, bytes).unwrap();
        let data = format!("@{}", file.display());
        ask(&server, "/portal.php?type=itv&action=get_genres", &headers, &["--data-binary", &data])
    };
    let mut long = b"x=".to_vec();
    long.resize(1 << 20, b'a');
    for bytes in [&b"\xff\xfe\x00\x01"[..], b"<a b=\"&c;\"/>", b"{\"type\":1}", &b"&=".repeat(20_000), &long]
    {
        let (status, text) = body(bytes);
        assert!(status == 200 && text.contains("\"News\""), "{status} {text}");
    }
    long.push(b'a');
    let (status, text) = body(&long);
    assert!(status == 400 && text.contains("over 1 MiB"), "{status} {text}");
}
