//! Who gets in as a player, and who is kept out: guesses at lines from one address and from many.

use std::process::Command;

use crate::support::{
    TestServer,
    set::{MAC, Set},
    tv::{Player, fill, put_picture, within},
};

fn server() -> TestServer {
    let server = TestServer::on(tempfile::tempdir().unwrap(), &["--trusted-proxies", "127.0.0.1"]);
    server.done("settings/update", "data[failure_limit]=3");
    server.done("line/new", "data[username]=bob&data[password]=pw");
    server.done("line/new", "data[username]=re&data[password]=pw&data[restreamer]=1");
    server
}

/// The whole answer but for what changes by the second, and its status.
fn whole(server: &TestServer, from: &str, path: &str) -> (u16, String) {
    let forwarded = format!("X-Forwarded-For: {from}");
    let output = Command::new("curl")
        .args(["-sS", "-g", "-i", "--max-time", "20", "-H", &forwarded])
        .arg(format!("{}{path}", server.url))
        .output()
        .expect("curl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    let fixed = text.lines().map(|line| match line.split_once(':') {
        Some((name, _)) if ["date", "retry-after"].contains(&name) => name,
        _ => line,
    });
    // Headers come in any order.
    let mut lines: Vec<&str> = fixed.collect();
    lines.sort_unstable();
    (status, lines.join("\n"))
}

fn login(server: &TestServer, from: &str, username: &str, password: &str) -> (u16, Option<i64>) {
    let (status, text) =
        whole(server, from, &format!("/player_api.php?username={username}&password={password}"));
    let auth = ["\"auth\":0", "\"auth\":1"].iter().position(|auth| text.contains(auth));
    (status, auth.and_then(|auth| i64::try_from(auth).ok()))
}

const IN: (u16, Option<i64>) = (200, Some(1));
const WRONG: (u16, Option<i64>) = (200, Some(0));
const SHUT: (u16, Option<i64>) = (403, Some(0));

#[test]
fn a_lock_out_tells_nothing_at_any_face_and_spares_no_restreamer() {
    let server = server();
    let token = server.done("line/update", "username=re&data[new_token]=1");
    let token = server.done("line/info", "username=re")["line_info"]["token"]
        .as_str()
        .map_or_else(|| panic!("a token: {token}"), ToOwned::to_owned);
    let wrong_token = "0123456789abcdef0123456789abcdef";
    for n in 0..3 {
        assert_eq!(login(&server, "192.0.2.1", "re", &format!("guess{n}")), WRONG);
    }
    for (right, wrong) in [
        ("/player_api.php?username=re&password=pw", "/player_api.php?username=re&password=no"),
        ("/panel_api.php?username=re&password=pw", "/panel_api.php?username=no&password=pw"),
        ("/get.php?username=re&password=pw", "/get.php?username=re&password=no"),
        ("/xmltv.php?username=re&password=pw", "/xmltv.php?username=re&password=no"),
        ("/live/re/pw/1", "/live/re/no/1"),
        ("/live/re/pw/1.m3u8", "/live/re/no/1.m3u8"),
        ("/re/pw/1", "/re/no/1"),
        (&format!("/live/{token}/1"), &format!("/live/{wrong_token}/1")),
        (&format!("/get.php?token={token}"), &format!("/get.php?token={wrong_token}")),
    ] {
        let (right, wrong) = (whole(&server, "192.0.2.1", right), whole(&server, "192.0.2.1", wrong));
        assert_eq!(right, wrong);
        assert_eq!(right.0, 403, "{}", right.1);
    }
    assert_eq!(login(&server, "192.0.2.1", "bob", "pw"), SHUT, "the address is shut");
    let post = |password: &str| {
        let body = format!("username=bob&password={password}");
        server.curl("/player_api.php", &["-H", "X-Forwarded-For: 192.0.2.1", "-d", &body])
    };
    assert_eq!((post("pw").0, post("pw")), (403, post("no")));
    assert_eq!(login(&server, "192.0.2.2", "bob", "pw"), IN, "another name from elsewhere is not");
    let told = server.done("line/explain", "username=bob&address=192.0.2.1");
    let guard = told["verdicts"].as_array().unwrap().iter().find(|verdict| verdict["rule"] == "shut_out");
    assert_eq!(guard.unwrap()["passes"], false, "{told}");
    let reasons: Vec<&str> =
        told["refusals"].as_array().unwrap().iter().filter_map(|row| row["reason"].as_str()).collect();
    assert_eq!(reasons, ["blocked after too many failures"; 3], "a subscriber is told of, a guess is not");
    for n in 0..9 {
        login(&server, "127.0.0.1", "bob", &format!("guess{n}"));
    }
    assert_eq!(login(&server, "127.0.0.1", "bob", "pw"), IN, "the whitelist's own are spared");
    server.done("security/unblock", "address=192.0.2.1");
    server.done("security/unblock", "username=RE");
    assert_eq!(login(&server, "192.0.2.1", "re", "pw"), IN);
    assert!(!server.log().contains("guess"), "{}", server.log());
}

#[test]
fn a_name_that_is_guessed_from_many_addresses_is_shut_to_strangers_alone() {
    let server = server();
    let guess_all = |server: &TestServer, username: &str| {
        for n in 0..3 {
            login(server, &format!("2001:db8:{n}::1"), username, &format!("guess{n}"));
        }
    };
    assert_eq!(login(&server, "198.51.100.1", "bob", "pw"), IN);
    assert_eq!(login(&server, "2001:db8:77:1::1", "bob", "pw"), IN);
    // What is known outlasts a restart, also one that was let in a moment ago.
    let server = TestServer::on(server.stop(), &["--trusted-proxies", "127.0.0.1"]);
    guess_all(&server, "bob");
    let (right, wrong) =
        ("/player_api.php?username=bob&password=pw", "/player_api.php?username=BOB&password=no");
    let (right, wrong) = (whole(&server, "203.0.113.5", right), whole(&server, "203.0.113.5", wrong));
    assert_eq!((right.0, &right), (403, &wrong), "a stranger learns nothing");
    assert_eq!(login(&server, "203.0.113.5", "re", "pw"), IN, "another name is open");
    assert_eq!(login(&server, "198.51.100.1", "bob", "pw"), IN);
    assert_eq!(login(&server, "2001:db8:77:1::beef", "bob", "pw"), IN, "of v6 the /64 is known");
    assert_eq!(login(&server, "2001:db8:77:2::1", "bob", "pw"), SHUT);
    let blocks = server.done("security/blocks", "").to_string();
    assert!(blocks.contains("\"username\":\"bob\"") && blocks.contains("\"blocked\":1"), "{blocks}");
    // A known address may not guess on without end either.
    for n in 0..3 {
        assert_eq!(login(&server, "198.51.100.1", "bob", &format!("guess{n}")), SHUT);
    }
    assert_eq!(login(&server, "198.51.100.1", "bob", "pw"), SHUT);
    server.done("security/unblock", "username=bob");
    assert_eq!(login(&server, "203.0.113.5", "bob", "pw"), IN);
}

#[test]
fn wide_v6_networks_are_counted_too() {
    let server = server();
    // 3 a /64, 12 a /56: from another /64 each time, with another name each time.
    for n in 0..12 {
        assert_eq!(login(&server, &format!("2001:db8:0:{n:x}::1"), &format!("name{n}"), "x"), WRONG);
    }
    assert_eq!(login(&server, "2001:db8:0:77::1", "bob", "pw"), SHUT);
    assert_eq!(login(&server, "2001:db8:0:177::1", "bob", "pw"), IN);
    let blocks = server.done("security/blocks", "").to_string();
    assert!(blocks.contains("2001:db8::/56"), "{blocks}");
    server.done("security/unblock", "address=2001:db8::/56");
    assert_eq!(login(&server, "2001:db8:0:77::1", "bob", "pw"), IN);
}

#[test]
fn what_is_no_guess_shuts_nobody_out() {
    let server = server();
    for n in 0..12 {
        // One television with an old password, by every way.
        assert_eq!(login(&server, "192.0.2.1", "bob", "old"), WRONG);
        assert_eq!(whole(&server, "192.0.2.1", &format!("/live/bob/old/{n}.ts")).0, 401);
        // Requests without credentials.
        for path in ["/player_api.php", "/get.php", "/xmltv.php", "/live///1"] {
            let status = whole(&server, "192.0.2.1", path).0;
            assert!([200, 401, 403, 404].contains(&status), "{path}: {status}");
        }
        // Addresses of three parts that are none of ours.
        assert_eq!(whole(&server, "192.0.2.1", &format!("/wp-content/{n}/index.php")).0, 404);
        assert!([401, 403].contains(&whole(&server, "192.0.2.1", &format!("/2026/{n}/1")).0));
    }
    assert_eq!(whole(&server, "192.0.2.1", "/re/pw/1").0, 403, "these have a limit of their own");
    assert_eq!(login(&server, "192.0.2.1", "re", "pw"), IN);
    let tally = server.done("security/blocks", "");
    let tally = tally["blocks"].as_array().unwrap().iter();
    let failures: Vec<(&str, i64)> = tally
        .filter(|row| row["address"] == "192.0.2.1")
        .map(|row| (row["face"].as_str().unwrap(), row["failures"].as_i64().unwrap()))
        .collect();
    assert_eq!(failures, [("player", 1), ("stray", 3)]);
}

#[test]
fn whoever_watches_goes_on_while_the_address_is_shut_out() {
    let folder = tempfile::tempdir().unwrap();
    put_picture(folder.path());
    let server = TestServer::on(folder, &["--trusted-proxies", "127.0.0.1"]);
    fill(&server, 1);
    server.done("settings/update", "data[failure_limit]=3");
    server.done("line/update", "username=bob&data[max_allowed_connections]=0");
    let ask = |path: &str, agent: &str| {
        let head = "Host: tv.example\r\nX-Forwarded-For: 192.0.2.1\r\nConnection: close\r\nUser-Agent";
        Player::send(&server, &format!("GET {path} HTTP/1.1\r\n{head}: {agent}\r\n\r\n"))
    };
    let mut watching = ask("/live/bob/pw/1", "VLC");
    watching.read(188 * 10);
    let mut segment = String::new();
    within(20, "a playlist with a segment", || {
        let mut list = ask("/live/bob/pw/1.m3u8", "Kodi");
        let text = String::from_utf8(list.read_body()).unwrap();
        segment = text.lines().find(|line| line.starts_with("/hls/")).unwrap_or_default().to_owned();
        list.status == 200 && !segment.is_empty()
    });
    // A neighbour guesses at bob himself.
    for n in 0..4 {
        login(&server, "192.0.2.1", "bob", &format!("guess{n}"));
    }
    assert_eq!(login(&server, "192.0.2.1", "bob", "pw"), SHUT);
    assert_eq!(ask("/live/bob/pw/1.m3u8", "Kodi").status, 200, "his playlist");
    assert_eq!(ask(&segment, "Kodi").status, 200, "his segments");
    // Also one who began so long ago that nobody knows him any more.
    let file = rusqlite::Connection::open(server.data().join("linecard.db")).unwrap();
    file.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    assert_eq!(file.execute("DELETE FROM let_in", []).unwrap(), 1);
    assert_eq!(ask("/live/bob/pw/1.m3u8", "Kodi").status, 200);
    watching.read(188 * 1000);
    assert_eq!(ask("/live/bob/guess/1.m3u8", "Kodi").status, 403);
    assert_eq!(ask("/live/bob/pw/1.m3u8", "Other").status, 403, "but a player that comes anew");
}

#[test]
fn guesses_at_the_password_of_a_mag_shut_it_to_strangers_alone() {
    let server = server();
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[login]=bob&data[password]=pw"));
    server.done("settings/update", "data[mag_login_required]=1");
    let set = |from| Set { server: &server, mac: MAC, token: String::new(), from: Some(from), range: false };
    let auth = |set: &mut Set<'_>, password: &str| {
        set.shake("");
        set.js(&format!("type=stb&action=do_auth&login=bob&password={password}&device_id=X"))
    };
    assert_eq!(auth(&mut set("198.51.100.1"), "pw"), true);
    for (n, from) in ["192.0.2.1", "192.0.2.2", "192.0.2.3"].into_iter().enumerate() {
        assert_eq!(auth(&mut set(from), &format!("guess{n}")), false);
    }
    let stranger = set("192.0.2.9");
    let ask = |password| stranger.text(&format!("type=stb&action=do_auth&login=bob&password={password}"));
    assert_eq!(ask("pw"), (429, "Access denied.".into()));
    assert_eq!(ask("pw"), ask("no"));
    assert_eq!(auth(&mut set("198.51.100.1"), "pw"), true, "its own address is known");
    let blocks = server.done("security/blocks", "").to_string();
    assert!(blocks.contains(&MAC.to_lowercase()), "{blocks}");
    server.done("security/unblock", &format!("username={MAC}"));
    assert_eq!(auth(&mut set("192.0.2.9"), "pw"), true);
}
