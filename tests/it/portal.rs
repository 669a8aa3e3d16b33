//! The portal of MAGs, as boxes and the apps that act as one meet it (portal.md).

use std::{process::Command, time::Duration};

use serde_json::{Value, json};

use super::support::{
    TestServer,
    tv::{Player, within},
};

const MAC: &str = "00:1A:79:00:00:01";

/// A box: where it asks, with which MAC, and the token that it was given.
struct Set<'s> {
    server: &'s TestServer,
    mac: &'s str,
    token: String,
    from: Option<&'s str>,
    range: bool,
}

impl<'s> Set<'s> {
    /// One that has not asked yet.
    fn new(server: &'s TestServer, mac: &'s str) -> Self {
        Self { server, mac, token: String::new(), from: None, range: false }
    }

    /// One that is let in.
    fn on(server: &'s TestServer, mac: &'s str) -> Self {
        let mut set = Self::new(server, mac);
        set.shake("");
        assert_eq!(set.js("type=stb&action=get_profile")["status"], 0);
        set
    }

    /// Takes the token of a handshake; the whole answer.
    fn shake(&mut self, token: &str) -> Value {
        let answer = self.js(&format!("type=stb&action=handshake&token={token}"));
        answer["token"].as_str().expect("a token").clone_into(&mut self.token);
        answer
    }

    /// Status and text of an answer.
    fn text(&self, query: &str) -> (u16, String) {
        let mut headers = vec![format!("Cookie: mac={}; stb_lang=en; timezone=Europe/Lisbon", self.mac)];
        if !self.token.is_empty() {
            headers.push(format!("Authorization: Bearer {}", self.token));
        }
        headers.extend(self.range.then(|| "Range: bytes=0-".to_owned()));
        headers.extend(self.from.map(|from| format!("X-Forwarded-For: {from}")));
        ask(self.server, &format!("/portal.php?{query}&JsHttpRequest=1-xml"), &headers, &[])
    }

    /// The result of an action.
    fn js(&self, query: &str) -> Value {
        let (status, text) = self.text(query);
        let answer: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{query}: {status} {text}"));
        assert_eq!((status, answer["text"].as_str()), (200, Some("")), "{query}");
        answer["js"].clone()
    }

    /// The path of the link to a channel, or what the box is told instead.
    fn link(&self, channel: i64) -> Result<String, String> {
        let link =
            self.js(&format!("type=itv&action=create_link&cmd=ffmpeg%20http://localhost/ch/{channel}_"));
        match link["error"].as_str() {
            Some("") => {
                let cmd = link["cmd"].as_str().expect("a command");
                let url = cmd.strip_prefix("ffmpeg ").expect("with its player");
                Ok(url.strip_prefix(&self.server.url).expect("of this server").to_owned())
            }
            error => Err(error.expect("a text").to_owned()),
        }
    }
}

fn ask(server: &TestServer, path: &str, headers: &[String], more: &[&str]) -> (u16, String) {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-g", "-w", "\n%{http_code}"]).args(more);
    for header in headers {
        curl.args(["-H", header]);
    }
    let output = curl.arg(format!("{}{path}", server.url)).output().expect("curl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').expect("a status");
    (status.parse().expect("a number"), body.to_owned())
}

/// A server with one running stream and the MAG of that MAC.
fn watchable() -> TestServer {
    let server = super::support::tv::with_streams(1);
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    server
}

#[test]
fn a_mag_opens_its_portal_and_watches() {
    let server = watchable();
    let set = Set::on(&server, MAC);
    let channels = set.js("type=itv&action=get_all_channels");
    assert_eq!((&channels["total_items"], &channels["data"][0]["name"]), (&json!(1), &json!("Stream 1")));
    let path = set.link(1).unwrap();
    let mut player = Player::get(&server, &path, "Lavf");
    assert_eq!((player.status, player.read(188)[0]), (200, 0x47));
    let info = server.done("mag/info", &format!("mac_address={MAC}"));
    let open = info["mag_conn_info"].as_array().expect("a list");
    assert_eq!((open.len(), &open[0]["stream_id"]), (1, &json!(1)), "{info}");
    assert_eq!(server.done("mag/explain", &format!("mac_address={MAC}&stream_id=1"))["may_watch"], true);
    drop(player);
    within(10, "nobody watches", || {
        server.done("mag/info", &format!("mac_address={MAC}"))["mag_conn_info"] == json!([])
    });
}

/// A server with channels that do not run: 30 of them under News, HD ones among them, two censored,
/// and the MAG of that MAC.
fn catalogue() -> TestServer {
    let server = TestServer::start();
    server.done("categories/new", "data[name]=News");
    server.done("categories/new", "data[name]=Night&data[censored]=1");
    for number in 1..=30 {
        let name =
            if number % 10 == 0 { format!("Channel {number} HD") } else { format!("Channel {number}") };
        server.done(
            "streams/new",
            &format!("data[name]={name}&data[category_id]=1&data[number]={}", 100 - number),
        );
    }
    for name in ["Late One", "Late Two"] {
        server.done("streams/new", &format!("data[name]={name}&data[category_id]=2"));
    }
    let streams: Vec<String> = (1..=32).map(|id| format!("&data[streams][]={id}")).collect();
    server.done("bouquets/new", &format!("data[name]=All{}", streams.concat()));
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    server
}

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_array().expect("data").iter().filter_map(|channel| channel["name"].as_str()).collect()
}

fn mag(server: &TestServer, change: &str) {
    server.done("mag/update", &format!("mac_address={MAC}&{change}"));
}

fn device(server: &TestServer) -> Value {
    server.done("mag/info", &format!("mac_address={MAC}"))["mag_device"].clone()
}

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
    let audit = server.done("logs/list", "kind=audit&limit=1000");
    assert!(audit.to_string().contains("reset_device"), "{audit}");
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
fn channels_come_in_pages_sorted_and_searched() {
    let server = catalogue();
    let set = Set::on(&server, MAC);
    let list = |more: &str| set.js(&format!("type=itv&action=get_ordered_list&{more}"));
    let first = list("genre=*&p=1");
    assert_eq!((&first["total_items"], &first["max_page_items"]), (&json!(30), &json!(14)));
    assert_eq!((names(&first).len(), names(&list("genre=*&p=3"))), (14, vec!["Channel 2", "Channel 1"]));
    assert_eq!(names(&first)[0], "Channel 30 HD", "by number unless told");
    assert_eq!(names(&list("genre=*&p=4")), Vec::<&str>::new());
    assert_eq!(names(&list("genre=1&p=1&sortby=name"))[..2], ["Channel 1", "Channel 10 HD"]);
    assert_eq!(names(&list("genre=*&p=1&search=channel%202")).len(), 11);
    assert_eq!(names(&list("genre=*&p=1&search=99")), ["Channel 1"], "also by number");
    assert_eq!(names(&list("genre=*&p=1&hd=1")), ["Channel 30 HD", "Channel 20 HD", "Channel 10 HD"]);
    assert_eq!(names(&list("genre=*&p=0")), names(&first), "page 0 is the first until something was played");
    let second = list("genre=*&p=1");
    assert_eq!(names(&second)[0], "Channel 16", "an app that goes on with 1 counts from 0");
    assert_eq!(names(&list("genre=*&p=2")), ["Channel 2", "Channel 1"]);
    set.js("type=itv&action=set_last_id&id=2");
    let left = list("genre=*&p=0");
    assert_eq!(
        (names(&left), &left["cur_page"], &left["selected_item"]),
        (vec!["Channel 2", "Channel 1"], &json!(3), &json!(1))
    );
    assert_eq!(device(&server)["last_channel_id"], 2);
    let channel = &first["data"][0];
    for (name, value) in [
        ("id", json!("30")),
        ("number", json!("70")),
        ("cmd", json!("ffmpeg http://localhost/ch/30_")),
        ("tv_genre_id", json!("1")),
        ("use_http_tmp_link", json!("1")),
        ("censored", json!(0)),
        ("open", json!(1)),
        ("status", json!(1)),
        ("epg", json!([])),
        ("genres_str", json!("")),
    ] {
        assert_eq!(channel[name], value, "{name}");
    }
    assert_eq!(channel["cmds"][0]["ch_id"], "30");
}

#[test]
fn censored_channels_stand_behind_the_pin_of_the_mag() {
    let server = catalogue();
    let set = Set::on(&server, MAC);
    let genres = set.js("type=itv&action=get_genres");
    let of = |id: &str| genres.as_array().unwrap().iter().find(|genre| genre["id"] == id).cloned().unwrap();
    assert_eq!(
        (&of("*")["censored"], &of("1")["censored"], &of("2")["censored"]),
        (&json!(0), &json!(0), &json!(1))
    );
    let everything = set.js("type=itv&action=get_all_channels");
    assert_eq!(everything["total_items"], 30);
    assert!(!everything.to_string().contains("Late"));
    assert!(!set.js("type=itv&action=get_ordered_list&genre=*&p=1&search=late").to_string().contains("Late"));
    let late = set.js("type=itv&action=get_ordered_list&genre=2&p=1");
    assert_eq!(names(&late), ["Late One", "Late Two"]);
    assert_eq!((&late["data"][0]["censored"], &late["data"][0]["lock"]), (&json!(1), &json!(1)));

    let profile = || set.js("type=stb&action=get_profile")["parent_password"].as_str().unwrap().to_owned();
    let pin = profile();
    assert!(pin.len() == 4 && pin != "0000" && pin.bytes().all(|b| b.is_ascii_digit()), "{pin}");
    assert_eq!(device(&server)["parent_pin"], json!(pin));
    let set_pin = |more: &str| {
        server.done("mag/set_parent_pin", &format!("mac_address={MAC}{more}"))["parent_pin"].clone()
    };
    assert_eq!(set_pin("&parent_pin=4711"), "4711");
    assert_eq!(profile(), "4711");
    assert!(set_pin("").as_str().is_some_and(|pin| pin.len() == 4));
    let refused = server.refused("mag/set_parent_pin", &format!("mac_address={MAC}&parent_pin=0000"));
    assert_eq!(refused, "Invalid parent_pin: four digits, not 0000");
    let change = |pin: &str, again: &str| {
        set.js(&format!(
            "type=stb&action=set_parent_password&parent_password={pin}&repeat_parent_password={again}"
        ))
    };
    assert_eq!(
        (change("0000", "0000"), change("1111", "1112"), change("1111", "1111")),
        (json!(false), json!(false), json!(true))
    );
    assert_eq!(profile(), "1111");
    let audit = server.done("logs/list", "kind=audit&limit=1000").to_string();
    assert!(audit.contains("set_parent_pin") && !audit.contains("4711"), "{audit}");
}

#[test]
fn favourites_belong_to_their_mag() {
    let server = catalogue();
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:02&data[bouquets][]=1");
    let (set, other) = (Set::on(&server, MAC), Set::on(&server, "00:1A:79:00:00:02"));
    assert_eq!(set.js("type=itv&action=set_fav&fav_ch=7,3,9999,x,3"), true);
    assert_eq!(set.js("type=itv&action=get_fav_ids"), json!(["7", "3"]));
    assert_eq!(other.js("type=itv&action=get_fav_ids"), json!([]));
    let all = set.js("type=itv&action=get_all_fav_channels");
    assert_eq!((names(&all), &all["data"][0]["fav"]), (vec!["Channel 7", "Channel 3"], &json!(1)));
    assert_eq!(names(&set.js("type=itv&action=get_ordered_list&fav=1&p=1")), ["Channel 7", "Channel 3"]);
    assert_eq!(device(&server)["favourite_ids"], json!([7, 3]));
    server.done("streams/delete", "id=7");
    assert_eq!(set.js("type=itv&action=get_fav_ids"), json!(["3"]));
    let server = TestServer::on(server.kill(), &[]);
    assert_eq!(device(&server)["favourite_ids"], json!([3]), "they are on the disk");
}

#[test]
fn a_link_opens_its_channel_twice_from_its_address_and_no_longer() {
    let folder = tempfile::tempdir().unwrap();
    super::support::tv::put_picture(folder.path());
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.1"]);
    server.done("streams/new", "data[name]=One&data[sources][]=media/test.ts");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    within(30, "it runs", || super::support::tv::online(&server).len() == 1);
    let mut set = Set::new(&server, MAC);
    set.from = Some("192.0.2.1");
    set.shake("");
    set.js("type=stb&action=get_profile");
    let path = set.link(1).unwrap();
    let get = |method: &str, path: &str, from: &str| {
        Player::send(
            &server,
            &format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: Lavf\r\nX-Forwarded-For: {from}\r\n\r\n"
            ),
        )
    };
    assert_eq!(get("GET", &path, "192.0.2.2").status, 403, "from another address");
    assert_eq!(get("GET", "/play/AAAAAAAAAAAAAAAAAAAAAAAA/ts", "192.0.2.1").status, 403);
    let head = get("HEAD", &path, "192.0.2.1");
    assert!(head.status == 200 && head.head.contains("video/mp2t"), "{}", head.head);
    let first = get("GET", &path, "192.0.2.1");
    let mut second = get("GET", &path, "192.0.2.1");
    assert_eq!((first.status, second.status, second.read(188)[0]), (200, 200, 0x47));
    let info = server.done("mag/info", &format!("mac_address={MAC}"));
    assert_eq!(
        info["mag_conn_info"].as_array().unwrap().len(),
        1,
        "one device and stream is one session: {info}"
    );
    std::thread::sleep(Duration::from_secs(16));
    assert_eq!(get("GET", &path, "192.0.2.1").status, 403, "it is over");
    assert!(!second.is_closed_within(1), "who watches goes on");
    assert!(!server.log().contains(path.split('/').nth(2).unwrap()));
}

#[test]
fn a_link_that_cannot_be_given_says_why() {
    let server = watchable();
    server.done("streams/new", "data[name]=Elsewhere&data[sources][]=media/test.ts");
    let set = Set::on(&server, MAC);
    assert_eq!(set.link(2), Err("nothing_to_play".into()), "not in its bouquets");
    assert_eq!(set.link(99), Err("nothing_to_play".into()));
    server.done("streams/stop", "id=1");
    assert_eq!(set.link(1), Err("nothing_to_play".into()));
    server.done("streams/start", "id=1");
    mag(&server, "data[allowed_ips][]=192.0.2.1");
    assert_eq!(set.link(1), Err("link_fault".into()));
    mag(&server, "data[allowed_ips]=&data[allowed_outputs][]=hls");
    assert!(set.link(1).unwrap().ends_with("/m3u8"), "the form that it may watch");
    within(10, "the refusals are written down", || {
        let refusals = server.done("logs/list", "kind=refusal").to_string();
        refusals.contains("bouquet") && refusals.contains("address")
    });
}

#[test]
fn at_its_limit_a_mag_is_told_so_where_new_viewers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    super::support::tv::put_picture(folder.path());
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.1"]);
    for name in ["One", "Two"] {
        server.done("streams/new", &format!("data[name]={name}&data[sources][]=media/test.ts"));
    }
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    server.done("settings/update", "data[connection_policy]=refuse");
    within(30, "they run", || super::support::tv::online(&server).len() == 2);
    let mut set = Set::on(&server, MAC);
    let mut player = Player::get(&server, &set.link(1).unwrap(), "box");
    assert_eq!(player.status, 200);
    let next = set.link(2).expect("the box goes on to the next channel");
    set.from = Some("192.0.2.7");
    assert_eq!(set.link(2), Err("limit".into()), "somebody elsewhere");
    assert_eq!(Player::get(&server, &next, "box").status, 200);
    assert!(player.is_closed_within(2), "the same device has zapped");
}

#[test]
fn hls_links_hold_as_long_as_somebody_watches() {
    let server = watchable();
    let set = Set::on(&server, MAC);
    let link = set.js("type=itv&action=create_link&output=hls&cmd=ffmpeg%20http://localhost/ch/1_");
    let cmd = link["cmd"].as_str().unwrap().strip_prefix("ffmpeg ").unwrap().to_owned();
    let path = cmd.strip_prefix(&server.url).unwrap();
    for _ in 0..3 {
        let (status, text) = ask(&server, path, &["User-Agent: hls".into()], &[]);
        assert!(status == 200 && text.starts_with("#EXTM3U"), "{status} {text}");
        std::thread::sleep(Duration::from_secs(7));
    }
}

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
fn kodi_reads_no_events_and_learns_it_by_the_text_that_it_knows() {
    let server = catalogue();
    let mut set = Set::on(&server, MAC);
    // It sends this with whatever it asks.
    set.range = true;
    let slot = set.js("type=stb&action=get_profile")["timeslot"].as_i64();
    assert!((1..=10).contains(&slot.unwrap()), "for Kodi it is the period");
    let events = "type=watchdog&action=get_events&init=0";
    assert!(set.js(events)["data"].is_object());
    mag(&server, "data[disabled]=1");
    assert_eq!(set.text(events), (200, "Authorization failed.".into()));
    let token = set.token.clone();
    set.shake(&token);
    assert_eq!(set.js("type=stb&action=get_profile")["status"], 1);
    mag(&server, "data[disabled]=0");
    set.shake(&token);
    assert_eq!(set.js("type=stb&action=get_profile")["status"], 0, "it is back");
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
    for _ in 0..2 {
        let told = events("0");
        assert_eq!(
            (&told["event"], &told["msg"], &told["id"]),
            (&json!("send_msg"), &json!("Hello <b>there"), &json!(id))
        );
        assert_eq!((&told["need_confirm"], &told["reboot_after_ok"]), (&json!("1"), &json!("1")));
    }
    assert_eq!(events(&id)["event"], "reload_portal", "while a message is shown, other things are told");
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

#[test]
fn trying_addresses_tells_nothing_and_is_soon_stopped() {
    let server = TestServer::on(tempfile::tempdir().unwrap(), &["--trusted-proxies", "127.0.0.1"]);
    server.done("settings/update", "data[failure_limit]=3");
    server.done("mag/new", &format!("data[mac_address]={MAC}"));
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:02&data[disabled]=1");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:03&data[expire_date]=1000000000");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:04&data[banned]=1");
    let profile = |mac: &str, from: &str| {
        let mut set = Set { server: &server, mac, token: String::new(), from: Some(from), range: false };
        set.shake("");
        set.js("type=stb&action=get_profile&device_id=X")
    };
    let (unknown, disabled) =
        (profile("00:1A:79:00:00:99", "192.0.2.1"), profile("00:1A:79:00:00:02", "192.0.2.2"));
    let (expired, banned) =
        (profile("00:1A:79:00:00:03", "192.0.2.3"), profile("00:1A:79:00:00:04", "192.0.2.4"));
    assert!(unknown == disabled && unknown == expired && unknown == banned, "{unknown} {disabled}");
    assert_eq!(unknown["status"], 1);

    for _ in 0..5 {
        profile("00:1A:79:00:00:98", "192.0.2.9");
    }
    let own = Set { server: &server, mac: MAC, token: String::new(), from: Some("192.0.2.9"), range: false };
    let mut own = own;
    own.shake("");
    assert_eq!(
        own.js("type=stb&action=get_profile")["status"],
        0,
        "one wrong box is one failure, however often it asks"
    );
    for n in 10..12 {
        profile(&format!("00:1A:79:00:00:{n}"), "192.0.2.9");
    }
    let scanner =
        Set { server: &server, mac: MAC, token: String::new(), from: Some("192.0.2.9"), range: false };
    assert_eq!(scanner.text("type=stb&action=handshake"), (429, "Access denied.".into()));
    assert_eq!(scanner.text("type=stb&action=get_profile").0, 429, "also for a MAC that there is");
    assert!(own.js("type=watchdog&action=get_events").is_object(), "a box that is let in goes on");
    let elsewhere =
        Set { server: &server, mac: MAC, token: String::new(), from: Some("192.0.2.10"), range: false };
    assert_eq!(elsewhere.text("type=stb&action=handshake").0, 200);
    let blocks = server.done("security/blocks", "").to_string();
    assert!(blocks.contains("\"portal\"") && blocks.contains("192.0.2.9"), "{blocks}");
    server.done("security/unblock", "address=192.0.2.9");
    assert_eq!(scanner.text("type=stb&action=handshake").0, 200);
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

#[test]
fn a_mag_becomes_a_line_and_a_line_a_mag_with_all_that_was_sold() {
    let server = watchable();
    server.done(
        "subscription_plans/new",
        "data[name]=Month&data[bouquets][]=1&data[max_allowed_connections]=2",
    );
    server.done("resellers/new", "data[name]=North");
    mag(
        &server,
        "data[subscription_plan_id]=1&data[reseller_id]=1&data[expire_date]=4102444800&data[notes]=kept",
    );
    let set = Set::on(&server, MAC);
    Player::get(&server, &set.link(1).unwrap(), "Lavf").read(188);
    let history = |body: &str| server.done("logs/list", &format!("kind=connection&{body}"))["logs"].clone();
    within(10, "the session is written down", || history("").as_array().unwrap().len() == 1);
    let made = server.done("mag/convert_to_line", &format!("mac_address={MAC}&username=anna&password=pw"));
    assert_eq!((&made["username"], &made["password"]), (&json!("anna"), &json!("pw")));
    assert_eq!(server.refused("mag/info", &format!("mac_address={MAC}")), "MAC Address does not exist");
    let line = server.done("line/info", "username=anna")["line_info"].clone();
    let sold = |row: &Value| {
        ["subscription_plan_id", "reseller_id", "expire_date", "notes", "bouquets", "max_allowed_connections"]
            .map(|column| row[column].clone())
    };
    assert_eq!(
        sold(&line),
        [json!(1), json!(1), json!(4_102_444_800_i64), json!("kept"), json!([1]), json!(1)]
    );
    let row = &history("")[0];
    assert_eq!((&row["line_id"], &row["mag_id"]), (&made["created_id"], &json!(null)));
    assert_eq!(Player::get(&server, "/live/anna/pw/1", "VLC").status, 200);

    server.done("line/update", "username=bob&data[restreamer]=1");
    let refused = server.refused("line/convert_to_mag", "username=bob&mac_address=00:1A:79:00:00:07");
    assert_eq!(refused, "A restreamer cannot become a MAG: set restreamer to 0 first");
    let made = server.done("line/convert_to_mag", "username=anna&mac_address=00:1A:79:00:00:08");
    assert_eq!(made["mac_address"], "00:1A:79:00:00:08");
    assert_eq!(server.refused("line/info", "username=anna"), "Wrong Username/Password.");
    let shown = server.done("mag/info", "mac_address=00:1A:79:00:00:08");
    assert_eq!(sold(&shown["mag_info"]), sold(&line));
    assert_eq!((&shown["mag_info"]["login"], &shown["mag_info"]["password"]), (&json!("anna"), &json!("pw")));
    assert_eq!(history("")[0]["mag_id"], made["created_id"]);
    let audit = server.done("logs/list", "kind=audit&limit=1000").to_string();
    assert!(audit.contains("convert_to_line") && audit.contains("convert_to_mag"), "{audit}");
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:09");
    let refused = server.refused("line/convert_to_mag", "username=bob&mac_address=00:1A:79:00:00:09");
    assert!(refused.contains("restreamer"));
    server.done("line/update", "username=bob&data[restreamer]=0");
    let refused = server.refused("line/convert_to_mag", "username=bob&mac_address=00:1A:79:00:00:09");
    assert_eq!(refused, "MAC Address already exists");
    assert_eq!(server.done("line/list", "")["total"], 1, "a refused call changes nothing");
}

#[test]
fn the_page_for_screens_and_the_files_that_apps_look_for() {
    let server = TestServer::start();
    for folder in ["", "/stalker_portal"] {
        for (file, holds) in [
            ("", "<script src=\"portal.js\">"),
            ("index.html", "portal.css"),
            ("portal.js", "get_profile"),
            ("device.js", "gSTB"),
            ("portal.css", "#channels"),
            ("version.js", "var ver = '5.6.2';"),
            ("xpcom.common.js", "ajax_loader"),
        ] {
            let (status, text) = ask(&server, &format!("{folder}/c/{file}"), &[], &[]);
            assert!(status == 200 && text.contains(holds), "{folder}/c/{file}: {status}");
        }
        let (status, _) = ask(&server, &format!("{folder}/c"), &[], &["-L"]);
        assert_eq!(status, 200);
    }
    let scripts = ["portal.js", "device.js", "xpcom.common.js"];
    for script in scripts.map(|name| ask(&server, &format!("/c/{name}"), &[], &[]).1) {
        for new in ["=>", "`", "const ", "let ", "Promise", "fetch("] {
            assert!(!script.contains(new), "old engines do not know {new}");
        }
    }
}
