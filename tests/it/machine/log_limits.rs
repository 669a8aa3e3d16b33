//! What one subscriber can write into the logs.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    TestServer,
    set::{MAC, Set, watchable},
    tv::with_streams,
};

fn total(server: &TestServer, log: &str) -> i64 {
    server.done("logs/list", &format!("{log}&limit=1"))["total"].as_i64().expect("a number")
}

#[test]
fn one_line_writes_so_many_refusals_and_one_row_for_the_rest() {
    let server = TestServer::start();
    server.done("line/new", "data[username]=bob&data[password]=secret");
    let url = format!("{}/live/bob/secret/[1-600]", server.url);
    let arguments = ["-sS", "-o", "/dev/null", "-w", "%{http_code}\n", &url];
    let asked = std::process::Command::new("curl").args(arguments).output().expect("curl");
    assert_eq!(String::from_utf8_lossy(&asked.stdout).lines().count(), 600);
    let until = Instant::now() + Duration::from_secs(20);
    while total(&server, "kind=refusal") < 120 {
        assert!(Instant::now() < until, "{}", total(&server, "kind=refusal"));
        thread::sleep(Duration::from_millis(100));
    }
    thread::sleep(Duration::from_secs(2));
    let written = total(&server, "kind=refusal");
    assert!((120..=140).contains(&written), "{written}");
    // The end writes the row that stands for the rest.
    let server = TestServer::on(server.stop(), &[]);
    let rows = server.done("logs/list", "kind=refusal&limit=1000");
    assert_eq!(rows["total"].as_i64(), Some(written + 1));
    let reason = rows["logs"].as_array().and_then(|rows| rows.last()).map(|row| row["reason"].to_string());
    let reason = reason.unwrap_or_default();
    assert!(reason.contains(&format!("the last of {} summed up", 600 - written)), "{reason}");
}

#[test]
fn a_line_that_changes_its_player_again_and_again_fills_no_history() {
    let server = with_streams(1);
    let url = format!("{}/live/bob/pw/1.m3u8", server.url);
    // One connection is sold: each player ends the session of the one before.
    let asked: Vec<String> = (0..400)
        .map(|n| format!("url = \"{url}\"\nuser-agent = \"p{n}\"\noutput = \"/dev/null\"\n"))
        .collect();
    let list = server.data().join("asked");
    std::fs::write(&list, asked.join("next\n")).expect("written");
    let curl = std::process::Command::new("curl").args(["-sS", "-K"]).arg(&list).status();
    assert!(curl.expect("curl").success());
    thread::sleep(Duration::from_secs(3));
    let written = total(&server, "kind=connection");
    assert!((100..=150).contains(&written), "{written}");
    let server = TestServer::on(server.stop(), &[]);
    thread::sleep(Duration::from_secs(2));
    let rows = server.done("logs/list", "kind=connection&limit=1000");
    assert_eq!(rows["total"].as_i64(), Some(written + 1), "one row stands for the rest");
    assert!(rows.to_string().contains(" summed up") && !rows.to_string().contains("crash"), "{rows}");
}

#[test]
fn a_box_that_changes_its_pin_again_and_again_is_told_to_wait() {
    let server = watchable();
    let set = Set::on(&server, MAC);
    let change = |pin: u32| {
        set.text(&format!(
            "type=stb&action=set_parent_password&parent_password={pin}&repeat_parent_password={pin}"
        ))
        .0
    };
    let statuses: Vec<u16> = (1_000..1_040).map(change).collect();
    let done = statuses.iter().filter(|status| **status == 200).count();
    assert!((10..=14).contains(&done), "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
    let audited = total(&server, "kind=audit&action=set_parent_pin");
    assert_eq!(audited, i64::try_from(done).expect("few"));
    // The PIN that it has already is no change.
    let now = set.js("type=stb&action=get_profile")["parent_password"].as_str().expect("a PIN").to_owned();
    assert_eq!(change(now.parse().expect("digits")), 200);
    let marks = |n: u32| set.text(&format!("type=itv&action=set_fav&fav_ch={n}")).0;
    assert_eq!((marks(1), (0..100).map(marks).filter(|status| *status == 503).count() > 20), (200, true));
}
