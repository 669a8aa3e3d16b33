//! Lists of channels, censored ones, favourites.

use serde_json::json;

use crate::support::{
    TestServer,
    set::{MAC, Set, catalogue, device, names},
};

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
    assert_eq!(
        names(&list("genre=2&p=1&hd=1")).len(),
        2,
        "a genre without HD is shown whole, a censored one too"
    );
    assert_eq!(names(&list("genre=*&p=1&hd=1&search=channel%202")), ["Channel 20 HD"]);
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
    let audit = server.done("logs/list", "kind=audit&limit=1000&action=set_parent_pin");
    let who: Vec<_> =
        audit["logs"].as_array().unwrap().iter().map(|row| row["actor_kind"].as_str().unwrap()).collect();
    assert_eq!(who, ["api_key", "api_key", "mag"], "{audit}");
    assert!(["4711", "1111"].iter().all(|pin| !audit.to_string().contains(pin)), "{audit}");
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
