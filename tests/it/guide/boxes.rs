//! What is on, as boxes ask for it (docs/mag.md, "Programmes").

use serde_json::{Value, json};

use super::shows::{half_hour, read, xml};
use crate::support::{
    TestServer,
    set::{MAC, Set},
};

/// A box with two channels. It is in Lisbon.
fn server() -> (TestServer, i64) {
    let server = TestServer::start();
    for (name, id) in [("News", "news.tv"), ("Films", "films.tv"), ("Other", "other.tv")] {
        server.done("streams/new", &format!("data[name]={name}&data[epg_channel_id]={id}"));
    }
    server.done("bouquets/new", "data[name]=All&data[streams][]=1&data[streams][]=2");
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    server.done("settings/update", "data[time_zone]=Asia/Tokyo");
    let base = half_hour();
    let mut shows =
        vec![("films.tv", 60 * 9, 60 * 11, "A &lt;film&gt;", ""), ("other.tv", -60, 60, "Not its", "")];
    shows.extend((-48..48).map(|number| ("news.tv", number * 60, number * 60 + 60, "Hour", "Text")));
    read(
        &server,
        &xml(base, &[("news.tv", "News"), ("films.tv", "Films"), ("other.tv", "Other")], &shows),
        "Hour",
    );
    (server, base)
}

fn starts(programmes: &Value) -> Vec<i64> {
    let programmes = programmes.as_array().expect("a list").iter();
    programmes.map(|programme| programme["start_timestamp"].as_i64().expect("a number")).collect()
}

#[test]
fn a_box_is_told_what_is_on_by_the_clock_on_its_wall() {
    let (server, base) = server();
    let set = Set::on(&server, MAC);
    let short = set.js("type=itv&action=get_short_epg&ch_id=1&size=3");
    assert_eq!(starts(&short), [base, base + 3_600, base + 7_200]);
    assert_eq!(set.js("type=itv&action=get_short_epg&ch_id=1").as_array().unwrap().len(), 10);
    for none in ["3", "99", ""] {
        assert_eq!(set.js(&format!("type=itv&action=get_short_epg&ch_id={none}")), json!([]), "{none}");
    }
    let zone = jiff::tz::TimeZone::get("Europe/Lisbon").unwrap();
    let local = |at: i64| jiff::Timestamp::from_second(at).unwrap().to_zoned(zone.clone());
    let time = |at: i64| json!(local(at).strftime("%Y-%m-%d %H:%M:%S").to_string());
    for (name, value) in [
        ("id", json!(format!("1_{base}"))),
        ("real_id", json!(format!("1_{base}"))),
        ("ch_id", json!("1")),
        ("name", json!("Hour")),
        ("descr", json!("Text")),
        ("category", json!("Talk")),
        ("time", time(base)),
        ("time_to", time(base + 3_600)),
        ("t_time", json!(local(base).strftime("%H:%M").to_string())),
        ("duration", json!(3_600)),
        ("start_timestamp", json!(base)),
        ("stop_timestamp", json!(base + 3_600)),
        ("mark_memo", json!(0)),
        ("mark_archive", json!(0)),
    ] {
        assert_eq!(short[0][name], value, "{name}");
    }

    let info = |more: &str| set.js(&format!("type=itv&action=get_epg_info{more}"))["data"].clone();
    assert_eq!(starts(&info("&period=5")["1"]).len(), 6, "the one that is on, and five hours");
    assert!(info("&period=5").get("2").is_none(), "nothing on it yet");
    let week = info("&period=168");
    assert_eq!((starts(&week["1"]).len(), &week["2"][0]["name"]), (48, &json!("A <film>")));
    assert!(week.get("3").is_none() && !week.to_string().contains("Not its"));
    set.head("type=itv&action=get_epg_info&period=5");

    let list = set.js("type=itv&action=get_ordered_list&genre=*&p=1");
    let row = |id: &str| list["data"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap().clone();
    assert_eq!((&row("1")["cur_playing"], starts(&row("1")["epg"]).len()), (&json!("Hour"), 3));
    assert_eq!((&row("2")["cur_playing"], starts(&row("2")["epg"]).len()), (&json!(""), 1));

    // Days are those of the box: midnight in Lisbon, not in Tokyo or London.
    let week = set.js("type=epg&action=get_week");
    assert_eq!(week.as_array().unwrap().len(), 9, "a day back, today, seven ahead");
    let today = local(base).date();
    assert_eq!((&week[1]["f_mysql"], &week[1]["today"]), (&json!(today.to_string()), &json!(1)));
    let tomorrow = today.tomorrow().unwrap();
    let day = |page: i64| {
        set.js(&format!("type=epg&action=get_simple_data_table&ch_id=1&date={tomorrow}&p={page}"))
    };
    let midnight = tomorrow.to_zoned(zone.clone()).unwrap().timestamp().as_second();
    let first = (midnight - base).rem_euclid(3_600);
    let first = if first == 0 { midnight } else { midnight + 3_600 - first };
    let hours = 24.min((base + 48 * 3_600 - first) / 3_600);
    assert_eq!((&day(1)["total_items"], &day(1)["max_page_items"]), (&json!(hours), &json!(10)));
    assert_eq!((starts(&day(1)["data"]).len(), starts(&day(1)["data"])[0]), (10, first));
    assert_eq!(starts(&day(2)["data"])[0], first + 36_000);
    let now = set.js("type=epg&action=get_simple_data_table&ch_id=1&p=0");
    let selected = usize::try_from(now["selected_item"].as_i64().unwrap()).unwrap();
    assert_eq!(starts(&now["data"])[selected - 1], base, "the page of what is on: {now}");
    let all = set.js("type=epg&action=get_all_program_for_ch&ch_id=1");
    assert!(all["total_items"].as_i64().is_some_and(|all| all > 70), "{}", all["total_items"]);
}
