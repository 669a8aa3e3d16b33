//! `/c/`: the page for screens.

use std::process::Command;

use crate::support::{
    TestServer,
    browser::Browser,
    set::{MAC, Set, ask, catalogue, device, mag, watchable},
    tv,
};

#[test]
fn the_page_for_screens_and_the_files_that_apps_look_for() {
    let server = TestServer::start();
    for folder in ["", "/stalker_portal", "/stalker", "/ministra"] {
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
        for page in ["/c", "/client/", "/client"] {
            let (status, _) = ask(&server, &format!("{folder}{page}"), &[], &["-L"]);
            assert_eq!(status, 200, "{folder}{page}");
        }
    }
    assert_eq!(ask(&server, "/c/nothing.js", &[], &[]).0, 404);
}

/// Finds the portal as apps do that know an address of its page alone: by what a script of the page says.
const FINDER: &str = r#"
import re, sys, urllib.request
for url in sys.argv[1:]:
    script = urllib.request.urlopen(url).read().decode()
    script = script.replace(" ", "").replace("'", "").replace("+", "")
    pattern = re.search(r"varpattern.*/(\(http.*)/;", script).group(1)
    found = re.search(pattern, url)
    loader = re.search(r"this\.ajax_loader=(.*\.php);", script).group(1)
    for name in ["portal_protocol", "portal_ip", "portal_path"]:
        group = int(re.search(r"this\." + name + r".*(\d).*;", script).group(1))
        loader = loader.replace("this." + name, found.group(group))
    print(loader)
"#;

#[test]
fn apps_find_the_portal_by_a_script_of_its_page() {
    let server = catalogue();
    let mut set = Set::new(&server, MAC);
    set.shake("");
    for folder in ["/stalker_portal", "/stalker/", "/ministra/"] {
        let cookie = [format!("Cookie: mac={MAC}")];
        let (_, text) = ask(&server, &format!("{folder}?type=stb&action=handshake"), &cookie, &[]);
        assert!(text.contains("\"token\""), "{folder}: {text}");
        assert_eq!(ask(&server, folder, &[], &["-L"]).0, 200, "{folder}");
    }
    for place in ["/c/", "/stalker_portal/c/", "/client/", "/c_/", "/ministra/c/", "/stalker/c/"] {
        let script = format!("{}{place}xpcom.common.js", server.url);
        let found = Command::new("python3").args(["-c", FINDER, &script]).output().expect("python3");
        assert!(found.status.success(), "{place}: {}", String::from_utf8_lossy(&found.stderr));
        let loader = String::from_utf8_lossy(&found.stdout).trim().to_owned();
        let path = loader.strip_prefix(&server.url).unwrap_or_else(|| panic!("{place}: {loader}"));
        let cookie = [format!("Cookie: mac={MAC}")];
        let (status, text) = ask(&server, &format!("{path}?type=stb&action=handshake"), &cookie, &[]);
        assert!(status == 200 && text.contains("\"token\""), "{place}: {loader}: {status} {text}");
    }
}

#[test]
fn its_scripts_are_for_old_engines() {
    let root = env!("CARGO_MANIFEST_DIR");
    for script in ["portal.js", "device.js", "xpcom.common.js"] {
        let parsed = Command::new("node")
            .arg(format!("{root}/target/browser/node_modules/acorn/bin/acorn"))
            .args(["--ecma5", "--silent"])
            .arg(format!("{root}/src/portal/page/{script}"))
            .output()
            .expect("node: scripts/test installs acorn");
        assert!(parsed.status.success(), "{script}: {}", String::from_utf8_lossy(&parsed.stderr));
    }
}

const UP: &str = "ArrowUp";
const DOWN: &str = "ArrowDown";
const LEFT: &str = "ArrowLeft";
const RIGHT: &str = "ArrowRight";
const OK: &str = "Enter";
const BACK: &str = "Backspace";

/// What the list shows as chosen.
fn chosen(browser: &Browser) -> String {
    browser
        .run("var row = document.querySelector('.row.focus'); return row ? row.innerText : ''")
        .as_str()
        .unwrap_or_default()
        .replace('\n', " ")
}

#[test]
fn a_remote_control_finds_plays_and_leaves_channels() {
    let server = tv::with_streams(3);
    server.done("categories/new", "data[name]=News");
    server.done("streams/update", "id=2&data[category_id]=1&data[number]=7");
    server.done("streams/update", "id=3&data[category_id]=1&data[number]=8");
    server.done(
        "mag/new",
        &format!("data[mac_address]={MAC}&data[bouquets][]=1&data[max_allowed_connections]=1"),
    );
    let browser = Browser::on(&server.url);
    let watched = || {
        let open = server.done("mag/info", &format!("mac_address={MAC}"))["mag_conn_info"].clone();
        open.as_array().unwrap().iter().map(|open| open["stream_id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    browser.open(&format!("/c/?mac={MAC}"));
    browser.sees("Stream 1");
    assert_eq!(browser.problems(), [""; 0]);
    let first = chosen(&browser);
    browser.key(DOWN);
    assert_ne!(chosen(&browser), first);
    browser.key(UP);
    assert_eq!(chosen(&browser), first);
    browser.key(LEFT);
    while !chosen(&browser).contains("News") {
        browser.key(DOWN);
    }
    browser.until("the genre alone", || !browser.text().contains("Stream 1"));
    browser.key(RIGHT);
    browser.key(DOWN);
    assert!(chosen(&browser).contains("Stream 3"), "{}", chosen(&browser));

    browser.key(OK);
    tv::within(10, "the channel is watched", || watched() == [3]);
    tv::within(60, "its picture moves", || browser.run("return picture.currentTime > 0") == true);
    assert!(!browser.run("return lists.className").as_str().unwrap().is_empty(), "the lists are gone");
    browser.key(UP);
    tv::within(20, "the next one is watched", || watched() == [2]);
    browser.key("8");
    tv::within(20, "the one of that number is watched", || watched() == [3]);
    browser.key(OK);
    browser.sees("Stream 2");
    browser.key(BACK);
    assert!(!browser.text().contains("Stream 2"), "the list makes room for the picture");
    assert_eq!(watched(), [3]);
    browser.key(BACK);
    browser.sees("Stream 2");
    // A browser plays HLS, whose end is that nobody asks for more.
    tv::within(30, "nothing is watched", || watched().is_empty());
}

#[test]
fn whoever_may_not_watch_reads_why_and_which_address_to_name() {
    let server = watchable();
    server.done("mag/new", "data[mac_address]=00:1A:79:00:00:02&data[expire_date]=1000000000");
    let browser = Browser::on(&server.url);
    for mac in ["00:1A:79:00:00:99", "00:1A:79:00:00:02"] {
        browser.open(&format!("/c/?mac={mac}"));
        browser.sees("This device cannot watch: it is unknown, or its subscription has ended.");
        browser.sees(mac);
        assert!(!browser.text().contains("Stream 1"));
    }
    browser.run("document.cookie = 'mac=; path=/; max-age=0'");
    browser.open("/c/");
    browser.sees("The MAC address of this device:");
    browser.fill("mac", &format!("{MAC}\n"));
    browser.sees("Stream 1");
    mag(&server, "data[disabled]=1");
    browser.open("/c/");
    browser.sees("This device cannot watch");
    mag(&server, "data[disabled]=0");
    browser.key(OK);
    browser.sees("Stream 1");
    server.done("mag/send_event", &format!("mac_address={MAC}&event=send_msg&msg=Good%20evening"));
    browser.open("/c/");
    browser.sees("Good evening");
    browser.key(OK);
    tv::within(10, "it was read", || device(&server)["events_waiting"] == 0);
}
