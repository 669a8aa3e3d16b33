//! portal.md row by row: addresses, identity, texts, actions.

use serde_json::{Value, json};

use crate::support::set::{MAC, Set, ask, catalogue, mag};

#[test]
fn the_portal_answers_at_every_address_by_get_and_post() {
    let server = catalogue();
    let header = [format!("Cookie: mac={MAC}")];
    let query = "type=stb&action=handshake&token=&JsHttpRequest=1-xml";
    for folder in ["", "/stalker_portal"] {
        for path in ["/portal.php", "/server/load.php", "/c/portal.php", "/c/"] {
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
        ("type=epg&action=get_data_table", "array", &[]),
        ("type=epg&action=get_all_program_for_ch&ch_id=1", "array", &[]),
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
        ("type=remote_pvr&action=get_active_recordings", "array", &[]),
        ("type=radio&action=get_ordered_list&p=1", "object", &envelope),
        ("type=radio&action=get_all_fav_radio", "object", &envelope),
        ("type=radio&action=get_fav_ids", "array", &[]),
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
