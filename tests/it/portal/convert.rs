//! MAGs that become lines, and lines MAGs.

use serde_json::{Value, json};

use crate::support::{
    set::{MAC, Set, mag, watchable},
    tv::{Player, within},
};

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
