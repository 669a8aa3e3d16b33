//! What players ask beside streams: the player API, playlists, the guide (docs/players.md).

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{
    TestServer, linecard,
    set::{MAC, Set},
    tv::{Player, within},
};

const NAME: &str = "News, \"A\" & <B> ünï שלום 🎬";

/// A server with `bob`, `pw`, and three channels, one of them oddly named; none of them runs.
fn server() -> TestServer {
    let server = TestServer::start();
    server.done("categories/new", "data[name]=News");
    let name: String = NAME.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    server.done(
        "streams/new",
        &format!("data[name]={name}&data[category_id]=1&data[epg_channel_id]=news.tv&data[number]=5"),
    );
    server.done("streams/new", "data[name]=Two&data[logo_url]=http://h/a%26b.png&data[epg_channel_id]=a%26b");
    server.done("streams/new", "data[name]=Off&data[enabled]=0");
    server.done("bouquets/new", "data[name]=All&data[streams][]=2&data[streams][]=1&data[streams][]=3");
    server.done(
        "line/new",
        "data[username]=bob&data[password]=pw&data[bouquets][]=1&data[max_allowed_connections]=2",
    );
    server
}

fn ask(server: &TestServer, action: &str) -> Value {
    let path = format!("/player_api.php?username=bob&password=pw&action={action}");
    let (status, answer) = server.curl(&path, &[]);
    assert_eq!(status, 200, "{action}: {answer}");
    answer
}

/// Status, head in lower case, and body of an answer.
fn fetch(server: &TestServer, path: &str, arguments: &[&str]) -> (u16, String, String) {
    let output = Command::new("curl")
        .args(["-sS", "-g", "-i"])
        .args(arguments)
        .arg(format!("{}{path}", server.url))
        .output()
        .expect("curl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, head.to_lowercase(), body.to_owned())
}

#[test]
fn a_login_answers_with_the_types_that_players_insist_on() {
    let server = server();
    let answer = ask(&server, "");
    let user = &answer["user_info"];
    for (name, value) in [
        ("username", json!("bob")),
        ("password", json!("pw")),
        ("auth", json!(1)),
        ("status", json!("Active")),
        ("exp_date", json!(null)),
        ("is_trial", json!("0")),
        ("active_cons", json!("0")),
        ("max_connections", json!("2")),
        ("message", json!("")),
        ("allowed_output_formats", json!(["m3u8", "ts"])),
    ] {
        assert_eq!(user[name], value, "{name}");
    }
    assert!(user["created_at"].as_str().is_some_and(|at| at.parse::<i64>().is_ok()));
    let info = &answer["server_info"];
    for name in ["url", "port", "https_port", "rtmp_port", "server_protocol", "timezone", "time_now"] {
        assert!(info[name].is_string(), "{name}: {info}");
    }
    assert!(info["timestamp_now"].is_i64());
    for action in ["get_profile", "get_account_info", "get_server_info", "nonsense"] {
        assert_eq!(ask(&server, action)["user_info"]["auth"], 1, "{action}");
    }
    server.done("line/update", "username=bob&data[expire_date]=1000000000&data[allowed_outputs][]=ts");
    let user = &ask(&server, "")["user_info"];
    assert_eq!((&user["status"], &user["exp_date"]), (&json!("Expired"), &json!("1000000000")));
    assert_eq!(user["allowed_output_formats"], json!(["ts"]));
    assert_eq!(ask(&server, "get_live_streams"), json!([]));
}

#[test]
fn wrong_credentials_are_an_answer_on_the_player_api_and_a_status_elsewhere() {
    let server = server();
    let wrong = "username=bob&password=wrong";
    for path in [
        format!("/player_api.php?{wrong}"),
        format!("/panel_api.php?{wrong}"),
        "/player_api/bob/wrong".into(),
    ] {
        assert_eq!(server.curl(&path, &[]), (200, json!({ "user_info": { "auth": 0 } })), "{path}");
    }
    for path in [format!("/get.php?{wrong}"), format!("/xmltv.php?{wrong}"), "/epg/bob/wrong".into()] {
        assert_eq!(fetch(&server, &path, &[]).0, 401, "{path}");
    }
    server.done("line/update", "username=bob&data[disabled]=1");
    assert_eq!(fetch(&server, "/get.php?username=bob&password=pw", &[]).0, 403, "by the very next request");
    assert!(!server.log().contains("wrong"), "{}", server.log());
}

#[test]
fn lists_hold_what_the_line_may_watch_in_its_order() {
    let server = server();
    let streams = ask(&server, "get_live_streams");
    let order: Vec<i64> =
        streams.as_array().unwrap().iter().filter_map(|stream| stream["stream_id"].as_i64()).collect();
    assert_eq!(order, [2, 1], "the bouquet's order, without the one that is switched off");
    let odd = &streams[1];
    for (name, value) in [
        ("name", json!(NAME)),
        ("num", json!(5)),
        ("stream_type", json!("live")),
        ("epg_channel_id", json!("news.tv")),
        ("category_id", json!("1")),
        ("category_ids", json!([1])),
        ("tv_archive", json!(0)),
        ("tv_archive_duration", json!(0)),
        ("custom_sid", json!("")),
    ] {
        assert_eq!(odd[name], value, "{name}");
    }
    assert!(odd.get("is_adult").is_none());
    assert_eq!(ask(&server, "get_live_streams&category_id=1").as_array().unwrap().len(), 1);
    assert_eq!(
        ask(&server, "get_live_categories"),
        json!([
            { "category_id": "0", "category_name": "Uncategorised", "parent_id": 0 },
            { "category_id": "1", "category_name": "News", "parent_id": 0 },
        ])
    );
    for action in ["get_vod_categories", "get_vod_streams", "get_series_categories", "get_series"] {
        assert_eq!(ask(&server, action), json!([]), "{action}");
    }
    assert_eq!(ask(&server, "get_short_epg&stream_id=1"), json!({ "epg_listings": [] }));
    assert_eq!(ask(&server, "get_vod_info&vod_id=9"), json!({ "info": [] }));
    server.done("bouquets/update", "id=1&data[streams][]=1");
    assert_eq!(ask(&server, "get_live_streams").as_array().unwrap().len(), 1, "a change shows at once");
    let (_, old) = server.curl("/panel_api.php", &["-d", "username=bob&password=pw"]);
    assert_eq!(old["available_channels"]["1"]["name"], NAME);
    assert_eq!(old["categories"]["movie"], json!([]));
    server.done("bouquets/update", "id=1&data[streams]=[]");
    assert_eq!(ask(&server, "get_live_streams"), json!([]), "none at all");
    let (_, old) = server.curl("/panel_api.php", &["-d", "username=bob&password=pw"]);
    assert_eq!(old["available_channels"], json!({}));
}

#[test]
fn playlists_keep_odd_names_in_their_line() {
    let server = server();
    let (status, head, text) = fetch(
        &server,
        "/get.php?username=bob&password=pw&type=m3u_plus&output=ts",
        &["-H", "Range: bytes=0-"],
    );
    assert_eq!(status, 200, "Kodi sends Range with everything");
    assert!(head.contains("content-type: audio/x-mpegurl"), "{head}");
    assert!(head.contains("filename=\"playlist_bob_plus.m3u\""), "{head}");
    let base = &server.url;
    let name = "News - 'A' & <B> ünï שלום 🎬";
    let expected = format!(
        "#EXTM3U url-tvg=\"{base}/xmltv.php?username=bob&password=pw\"\n\
         #EXTINF:-1 tvg-id=\"a&b\" tvg-name=\"Two\" tvg-logo=\"http://h/a&b.png\" tvg-chno=\"1\" group-title=\"Uncategorised\",Two\n\
         {base}/live/bob/pw/2\n\
         #EXTINF:-1 tvg-id=\"news.tv\" tvg-name=\"{name}\" tvg-logo=\"\" tvg-chno=\"5\" group-title=\"News\",{name}\n\
         {base}/live/bob/pw/1\n"
    );
    assert_eq!(text, expected);
    assert_eq!(fetch(&server, "/playlist/bob/pw/m3u_plus/ts", &[]).2, expected);
    let plain = fetch(&server, "/get.php?username=bob&password=pw&type=m3u&output=hls", &[]).2;
    assert!(plain.contains(&format!("#EXTINF:-1,Two\n{base}/live/bob/pw/2.m3u8\n")), "{plain}");
    assert_eq!(fetch(&server, "/get.php?username=bob&password=pw&type=enigma2", &[]).0, 400);
}

#[test]
fn a_token_stands_for_username_and_password_until_it_is_renewed() {
    let server = server();
    let token = || server.done("line/info", "username=bob")["line_info"]["token"].clone();
    assert_eq!(token(), Value::Null);
    server.done("line/update", "username=bob&data[new_token]=1");
    let first = token().as_str().expect("a token").to_owned();
    assert_eq!(first.len(), 32);
    let (_, login) = server.curl(&format!("/player_api.php?token={first}"), &[]);
    let user = &login["user_info"];
    assert_eq!(
        (&user["auth"], &user["username"], &user["password"]),
        (&json!(1), &json!("bob"), &json!("")),
        "the password is not told"
    );
    let text = fetch(&server, &format!("/get.php?token={first}&output=ts"), &[]).2;
    let base = &server.url;
    assert!(text.starts_with(&format!("#EXTM3U url-tvg=\"{base}/xmltv.php?token={first}\"\n")), "{text}");
    assert!(text.contains(&format!("\n{base}/live/{first}/2\n")) && !text.contains("pw"), "{text}");
    assert_eq!(fetch(&server, &format!("/xmltv.php?token={first}"), &[]).0, 200);
    // Its supervisor learns a moment after the stream was made that it has no source.
    within(5, "it does not run", || fetch(&server, &format!("/live/{first}/1"), &["-I"]).0 == 503);
    server.done("line/update", "username=bob&data[new_token]=1");
    let second = token().as_str().expect("a token").to_owned();
    assert_ne!(first, second);
    assert_eq!(fetch(&server, &format!("/live/{first}/1"), &["-I"]).0, 401);
    assert_eq!(fetch(&server, &format!("/get.php?token={first}"), &[]).0, 401);
    assert_eq!(fetch(&server, &format!("/get.php?token={second}"), &[]).0, 200);
    server.done("line/new", &format!("data[username]=eve&data[token]={}", "0a".repeat(16)));
    assert_eq!(server.refused("line/update", &format!("username=eve&data[token]={second}")), "Token exists.");
    assert_eq!(server.refused("line/update", "username=eve&data[token]=XYZ"), "Invalid token: 32 of 0-9 a-f");
    server.done("line/update", "username=bob&data[token]=");
    assert_eq!(fetch(&server, &format!("/get.php?token={second}"), &[]).0, 401);
    let audit = server.done("logs/list", "kind=audit").to_string();
    assert!(audit.contains("token") && !audit.contains(&second) && !audit.contains(&first), "{audit}");
    assert!(!server.log().contains(&second), "{}", server.log());
}

#[test]
fn a_line_that_may_watch_from_elsewhere_only_is_told_no_channels_here() {
    let server = server();
    server.done("line/update", "username=bob&data[allowed_ips][]=192.0.2.1");
    assert_eq!(fetch(&server, "/get.php?username=bob&password=pw", &[]).0, 403);
    assert_eq!(fetch(&server, "/xmltv.php?username=bob&password=pw", &[]).0, 403);
    for action in ["", "&action=get_live_streams"] {
        let (status, answer) = server.curl(&format!("/player_api.php?username=bob&password=pw{action}"), &[]);
        assert_eq!((status, answer), (403, json!({ "user_info": { "auth": 0 } })));
    }
    let refusals = server.done("line/explain", "username=bob")["refusals"].clone();
    assert_eq!((&refusals[0]["reason"], &refusals[0]["stream_id"]), (&json!("address"), &Value::Null));
    server.done("line/update", "username=bob&data[allowed_ips][]=127.0.0.0/8");
    assert_eq!(fetch(&server, "/get.php?username=bob&password=pw", &[]).0, 200);
}

#[test]
fn the_guide_names_the_channels_and_can_be_packed() {
    let server = server();
    let (status, head, text) = fetch(&server, "/xmltv.php?username=bob&password=pw", &[]);
    assert_eq!(status, 200);
    assert!(head.contains("content-type: application/xml"), "{head}");
    assert!(text.contains("<channel id=\"a&amp;b\">\n    <display-name>Two</display-name>\n    <icon src=\"http://h/a&amp;b.png\"/>"), "{text}");
    assert!(text.contains("News, &quot;A&quot; &amp; &lt;B&gt; ünï שלום 🎬"), "{text}");
    assert_eq!(fetch(&server, "/xmltv.php?username=bob&password=pw", &["--compressed"]).2, text);
    let (_, head, _) = fetch(&server, "/xmltv.php?username=bob&password=pw&gzip=1", &[]);
    assert!(head.contains("application/octet-stream") && head.contains("epg.xml.gz"), "{head}");
}

#[test]
fn what_a_player_has_already_is_not_sent_again() {
    let server = server();
    for path in ["/get.php", "/xmltv.php", "/xmltv.php?gzip=1", "/get.php?type=m3u&output=hls"] {
        let path = format!("{path}{}username=bob&password=pw", if path.contains('?') { "&" } else { "?" });
        let tag_of = |head: &str| {
            head.lines()
                .find_map(|line| line.strip_prefix("etag: "))
                .expect("a tag")
                .trim()
                .replace("w/", "W/")
        };
        let (status, head, _) = fetch(&server, &path, &[]);
        let tag = tag_of(&head);
        assert!(status == 200 && !head.contains("no-store"), "{path}: {head}");
        for held in [
            format!("If-None-Match: {tag}"),
            format!("If-None-Match: \"x\", {tag}"),
            "If-None-Match: *".into(),
        ] {
            let (status, head, body) = fetch(&server, &path, &["-H", &held]);
            assert_eq!((status, body.as_str(), tag_of(&head)), (304, "", tag.clone()), "{path} {held}");
        }
        server.done("streams/update", &format!("id=2&data[name]=Two{}", tag.len() + path.len()));
        let (status, head, _) = fetch(&server, &path, &["-H", &format!("If-None-Match: {tag}")]);
        assert!(status == 200 && tag_of(&head) != tag, "{path}: another name makes another text");
    }
    server.done("line/new", "data[username]=eve&data[password]=pw&data[bouquets][]=1");
    let tag_of = |name: &str| fetch(&server, &format!("/get.php?username={name}&password=pw"), &[]).1;
    let tags = ["bob", "eve"]
        .map(|name| tag_of(name).lines().find(|line| line.starts_with("etag")).map(str::to_owned));
    assert_ne!(tags[0], tags[1], "each has a playlist of its own");
}

#[test]
fn a_channel_has_one_number_wherever_it_is_listed() {
    let server = server();
    server.done("streams/new", "data[name]=Four&data[number]=1");
    server.done("streams/new", "data[name]=Five&data[number]=1");
    server.done(
        "bouquets/update",
        "id=1&data[streams][]=2&data[streams][]=1&data[streams][]=4&data[streams][]=5",
    );
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    let expected = [("Two", 2), (NAME, 5), ("Four", 1), ("Five", 4)];
    let listed = ask(&server, "get_live_streams");
    let playlist = fetch(&server, "/get.php?username=bob&password=pw", &[]).2;
    let portal = Set::on(&server, MAC).js("type=itv&action=get_all_channels")["data"].clone();
    for (name, number) in expected {
        let of = |list: &Value| {
            list.as_array().unwrap().iter().find(|channel| channel["name"] == name).cloned().unwrap()
        };
        assert_eq!(of(&listed)["num"], number, "{name}");
        assert_eq!(of(&portal)["number"], number.to_string(), "{name}");
    }
    let numbers: Vec<&str> =
        playlist.split("tvg-chno=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(numbers, ["2", "5", "1", "4"]);
}

#[test]
fn the_name_of_a_channel_survives_parsers_that_split_at_any_comma() {
    let server = server();
    server.done("categories/update", "id=1&data[name]=News,%20local,2");
    server.done(
        "streams/update",
        "id=2&data[name]=Canal%20Uno,%20HD&data[logo_url]=http://h/a,b.png&data[category_id]=1",
    );
    let playlist = fetch(&server, "/get.php?username=bob&password=pw", &[]).2;
    for line in playlist.lines().filter(|line| line.starts_with("#EXTINF")) {
        assert_eq!(line.matches(',').count(), 1, "{line}");
    }
    assert!(playlist.contains("tvg-logo=\"http://h/a%2Cb.png\""), "{playlist}");
    assert!(playlist.contains("group-title=\"News - local-2\",Canal Uno - HD\n"), "{playlist}");
    assert_eq!(ask(&server, "get_live_streams")[0]["name"], "Canal Uno, HD", "JSON has no such limits");
}

#[test]
fn credentials_that_nobody_can_have_are_wrong_ones() {
    let server = server();
    let text = ["-H", "Content-Type: text/plain", "-d", "x"];
    for (path, arguments) in [("username=caf%E9&password=x", &[][..]), ("username=bob&password=%ff", &text)] {
        let (status, _, body) = fetch(&server, &format!("/player_api.php?{path}"), arguments);
        assert_eq!((status, body.as_str()), (200, r#"{"user_info":{"auth":0}}"#), "{path}");
    }
    let (status, _, body) = fetch(&server, "/player_api.php?username=bob&password=pw", &text);
    assert!(status == 200 && body.contains(r#""auth":1"#), "what is no form is not read: {body}");
    assert!(fetch(&server, "/player_api.php", &["-X", "PUT"]).1.to_lowercase().contains("allow: get"));
    assert!(server.refused("streams/update", "id=2&data[epg_channel_id]=a%22b").contains("quotation marks"));
}

#[test]
fn a_forged_host_is_refused_or_stays_with_the_one_who_forged_it() {
    let server = server();
    let path = "/get.php?username=bob&password=pw";
    assert!(fetch(&server, path, &["-H", "Host: evil.example"]).2.contains("http://evil.example/live/"));
    assert!(!fetch(&server, path, &[]).2.contains("evil"));
    for host in ["evil.example/x", "evil\"x", "e%22x", "evil'x", "e,vil", "e;vil", "e&vil", ".."] {
        assert_eq!(fetch(&server, path, &["-H", &format!("Host: {host}")]).0, 400, "{host}");
    }
    assert_eq!(fetch(&server, path, &["--http1.0", "-H", "Host:"]).0, 200);
    server.done("settings/update", "data[public_url]=https://tv.example");
    assert!(
        fetch(&server, path, &["-H", "Host: evil.example"]).2.contains("https://tv.example/live/bob/pw/2\n")
    );
    let info = &ask(&server, "")["server_info"];
    assert_eq!(
        (&info["url"], &info["https_port"], &info["server_protocol"]),
        (&json!("tv.example"), &json!("443"), &json!("https"))
    );
}

#[test]
fn no_password_in_an_address_reaches_the_log() {
    let server = server();
    server.done("line/update", "username=bob&data[password]=Secret77");
    for path in [
        "/player_api.php?username=bob&password=Secret77",
        "/player_api/bob/Secret77/get_live_streams",
        "/get.php?username=bob&password=Secret77",
        "/playlist/bob/Secret77/m3u",
        "/xmltv.php?username=bob&password=Secret77",
        "/epg/bob/Secret77",
        "/live/bob/Secret77/1.ts",
        "/bob/Secret77/1",
        "/movie/bob/Secret77/1.mp4",
        "/series/bob/Secret77/1.mkv",
        "/timeshift/bob/Secret77/60/2026-11-23:04-30/1.ts",
        "/streaming/timeshift.php?username=bob&password=Secret77&stream=1",
    ] {
        fetch(&server, path, &[]);
    }
    let folder = server.stop();
    let log = std::fs::read_to_string(folder.path().join("stderr.log")).unwrap();
    assert!(log.contains("/timeshift/***") && !log.contains("Secret77"), "{log}");
}

#[test]
fn players_in_browsers_may_ask_and_capitals_are_no_mistake() {
    let server = server();
    for path in ["/player_api.php", "/panel_api.php", "/get.php", "/xmltv.php", "/playlist/bob/pw/m3u"] {
        let question =
            ["-X", "OPTIONS", "-H", "Origin: http://web.example", "-H", "Access-Control-Request-Method: GET"];
        let (status, head, _) = fetch(&server, path, &question);
        assert_eq!(status, 204, "{path}");
        assert!(head.contains("access-control-allow-origin: *"), "{head}");
        assert!(head.contains("access-control-allow-headers: *"), "{head}");
    }
    let plain = fetch(&server, "/get.php?username=bob&password=pw&type=m3u&output=hls", &[]);
    let capitals = fetch(&server, "/get.php?username=bob&password=pw&type=M3U&output=HLS", &[]);
    assert_eq!((plain.0, plain.2), (200, capitals.2));
}

#[test]
fn long_lists_are_whole_and_are_fetched_a_few_at_a_time() {
    const CHANNELS: usize = 5_000;
    let server = server();
    let mut list = String::from("#EXTM3U\n");
    // More than the kernel holds for a socket.
    let logo = format!("http://h.example/{}.png", "l".repeat(1_900));
    for number in 0..CHANNELS {
        let entry = format!(
            "#EXTINF:-1 tvg-id=\"c{number}.tv\" tvg-logo=\"{logo}\" group-title=\"G{}\",Channel {number}\n",
            number % 7
        );
        list.extend([&*entry, &format!("http://h.example/{number}.ts\n")]);
    }
    let file = server.data().join("list.m3u");
    std::fs::write(&file, list).expect("a file");
    let (code, _, told) =
        linecard(server.data(), &["import", "m3u", "--new-bouquet", "Long", &file.display().to_string()]);
    assert_eq!(code, 0, "{told}");
    server.done("line/update", "username=bob&data[bouquets][]=2");
    let listed = ask(&server, "get_live_streams");
    let listed = listed.as_array().expect("a list");
    assert_eq!((listed.len(), &listed[CHANNELS - 1]["name"]), (CHANNELS, &json!("Channel 4999")));
    let category = listed[0]["category_id"].as_str().expect("an id");
    let of_one = ask(&server, &format!("get_live_streams&category_id={category}"));
    assert_eq!(of_one.as_array().map(Vec::len), Some(CHANNELS.div_ceil(7)));
    assert_eq!(ask(&server, "get_live_streams&category_id=99"), json!([]));
    let (status, all) = server.curl("/panel_api.php?username=bob&password=pw", &[]);
    assert_eq!(
        (status, all["available_channels"].as_object().map(serde_json::Map::len)),
        (200, Some(CHANNELS))
    );
    assert_eq!(all["user_info"]["auth"], 1);
    let old = "/player_api.php?username=bob&password=pw&action=get_live_streams";
    let (_, head, body) = fetch(&server, old, &["--http1.0"]);
    assert!(!head.contains("chunked") && body.ends_with("}]"), "{head}");
    for kind in ["m3u", "m3u_plus"] {
        let path = format!("/get.php?username=bob&password=pw&type={kind}");
        let (_, head, body) = fetch(&server, &path, &[]);
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert_eq!(body.matches("/live/bob/pw/").count(), CHANNELS, "{kind}");
        assert!(body.starts_with("#EXTM3U") && body.lines().count() == 2 * CHANNELS + 1, "{kind}");
    }
    // Nobody needs more of them at once.
    let asked = format!("GET {old} HTTP/1.1\r\nHost: tv\r\n\r\n");
    let held: Vec<Player> = (0..4).map(|_| Player::send(&server, &asked)).collect();
    assert_eq!(Player::send(&server, &asked).status, 429);
    drop(held);
    within(10, "they are given back", || Player::send(&server, &asked).status == 200);
}
