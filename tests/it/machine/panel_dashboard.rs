//! The dashboard: what it counts, for whom, and how it changes while one looks at it.

use std::time::Duration;

use crate::support::{
    TestServer,
    panel::{PASSWORD, Panel, server},
    tv,
};

/// What is inside the part of that id, on the page or in what was told of it.
fn part<'p>(page: &'p str, id: &str) -> &'p str {
    let begin = page.find(&format!("<section id=\"{id}\"")).unwrap_or_else(|| panic!("no part {id}: {page}"));
    let rest = &page[begin..];
    &rest[..rest.find("</section>").expect("its end")]
}

/// The words of a part without its tags.
fn words(html: &str) -> String {
    let mut words = String::new();
    for piece in html.split('<') {
        words.push_str(piece.split_once('>').map_or("", |(_, text)| text));
        words.push(' ');
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Two resellers who have sold something, each with a person of its own.
fn two_resellers() -> TestServer {
    let server = server();
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=30");
    server.done(
        "subscription_plans/new",
        "data[name]=Trial&data[credits]=1&data[is_trial]=1&data[duration_unit]=day",
    );
    for (id, name) in [(1, "North"), (2, "South")] {
        server.done("resellers/new", &format!("data[name]={name}&data[use_credits]=1&data[credits]=1000"));
        let person = format!(
            "data[username]={name}er&data[password]={PASSWORD}&data[email]={name}@example.org&data[group_id]=2&data[reseller_id]={id}"
        );
        server.done("administrators/new", &person);
    }
    for (username, sold) in [
        ("northa", "data[reseller_id]=1&data[subscription_plan_id]=1"),
        ("northb", "data[reseller_id]=1&data[subscription_plan_id]=2"),
        ("southa", "data[reseller_id]=2&data[subscription_plan_id]=2"),
        ("over", "data[expire_date]=1000"),
        ("off", "data[disabled]=1"),
        ("out", "data[banned]=1&data[disabled]=1"),
    ] {
        server.done("line/new", &format!("data[username]={username}&{sold}"));
    }
    server
}

#[test]
fn the_operator_sees_lines_by_state_and_what_was_sold() {
    let server = two_resellers();
    let page = Panel::admin(&server).get("/panel/");
    assert_eq!(
        words(part(&page, "subscribers")),
        "Subscribers Lines State Lines MAGs Active 3 0 of which trials 2 0 Expired 1 0 Disabled 1 0 Banned 1 0 All 6 0"
    );
    let credits = words(part(&page, "credits"));
    assert!(credits.ends_with("Today 32 Last 7 days 32 Last 30 days 32"), "{credits}");
    assert!(page.contains(&format!("Linecard {}, schema ", env!("CARGO_PKG_VERSION"))), "{page}");
    let ending = words(part(&page, "ending"));
    assert!(ending.contains("northb") && ending.contains("southa"), "{ending}");
    assert!(!ending.contains("northa") && !ending.contains("over"), "{ending}");
}

#[test]
fn a_reseller_sees_its_own_and_nothing_of_anybody_else() {
    let server = two_resellers();
    let south = Panel::of(&server, "Souther", PASSWORD);
    let page = south.get("/panel/");
    let states = words(part(&page, "subscribers"));
    assert!(
        states.contains("Active 1 0 of which trials 1 0 Expired 0 0") && states.ends_with("All 1 0"),
        "{states}"
    );
    let credits = words(part(&page, "credits"));
    assert!(credits.ends_with("Today 1 Last 7 days 1 Last 30 days 1"), "{credits}");
    assert!(part(&page, "figures").contains("<b>999</b>"), "{page}");
    assert!(words(part(&page, "bookings")).contains("Sale \u{2212}1 999"), "{page}");
    for others in [
        "north",
        "North",
        "over",
        "Main server",
        "Streams",
        "Panel Error Log",
        "data-part id=\"usage\"",
        "schema",
    ] {
        assert!(!page.contains(others), "{others}: {page}");
    }
    let told = south.curl(&["-N", "--max-time", "3"], None, "/panel/live/dashboard").body;
    assert!(
        told.contains("event: subscribers") && !told.contains("north") && !told.contains("Main server"),
        "{told}"
    );
}

#[test]
fn viewers_are_counted_for_the_operator_and_for_the_reseller_whose_they_are() {
    let server = {
        let folder = tempfile::tempdir().expect("a folder");
        tv::put_picture(folder.path());
        TestServer::with(folder, &[], &[("LINECARD_ADMIN_PASSWORD", std::path::Path::new(PASSWORD))])
    };
    server.done("streams/new", "data[name]=Harbour&data[sources][]=media/test.ts");
    server.done("streams/new", "data[name]=Nowhere&data[sources][]=media/missing.ts");
    server.done("bouquets/new", "data[name]=All&data[streams][]=1");
    for (id, name) in [(1, "North"), (2, "South")] {
        server.done("resellers/new", &format!("data[name]={name}"));
        let person = format!(
            "data[username]={name}er&data[password]={PASSWORD}&data[email]={name}@example.org&data[group_id]=2&data[reseller_id]={id}"
        );
        server.done("administrators/new", &person);
    }
    server.done("line/new", "data[username]=bob&data[password]=pw&data[bouquets][]=1&data[reseller_id]=1");
    tv::within(30, "one stream is up and one is down", || {
        let page = Panel::admin(&server).get("/panel/");
        words(part(&page, "figures")).contains("1 stream up , 1 down")
    });
    let _player = tv::Player::get(&server, "/live/bob/pw/1.ts", "VLC/3.0.20");
    let figures = |who: &str| words(part(&Panel::of(&server, who, PASSWORD).get("/panel/"), "figures"));
    tv::within(10, "the viewer counts", || figures("admin").contains("1 viewer now"));
    assert!(figures("Norther").contains("1 viewer now"));
    assert!(figures("Souther").contains("0 viewers now"));
    let page = Panel::admin(&server).get("/panel/");
    assert!(words(part(&page, "channels")).ends_with("Harbour 1"), "{page}");
    let down = part(&page, "streams");
    assert!(down.contains("href=\"/panel/streams/2\"") && down.contains("source error: "), "{down}");
}

#[test]
fn a_change_is_told_to_whoever_looks_and_only_what_changed() {
    let server = two_resellers();
    let panel = Panel::admin(&server);
    let told = std::thread::scope(|scope| {
        let listening = scope.spawn(|| panel.curl(&["-N", "--max-time", "8"], None, "/panel/live/dashboard"));
        std::thread::sleep(Duration::from_secs(3));
        server.done("line/new", "data[username]=another");
        listening.join().expect("curl")
    });
    assert_eq!((told.status, told.header("content-type")), (200, vec!["text/event-stream"]));
    let events: Vec<&str> = told.body.split("\n\n").collect();
    let of = |id: &str| events.iter().filter(|event| event.starts_with(&format!("event: {id}\n"))).count();
    assert_eq!(of("subscribers"), 2, "{}", told.body);
    assert_eq!(of("credits"), 1, "{}", told.body);
    assert!(
        words(events.iter().rfind(|event| event.contains("event: subscribers")).unwrap())
            .contains("Active 4")
    );
}

#[test]
fn what_is_told_ends_with_the_session() {
    let server = server();
    let panel = Panel::admin(&server);
    let told = std::thread::scope(|scope| {
        let listening =
            scope.spawn(|| panel.curl(&["-N", "--max-time", "30"], None, "/panel/live/dashboard"));
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(panel.post("/panel/logout", &[]).status, 303);
        listening.join().expect("curl")
    });
    assert!(told.body.ends_with("event: end\ndata:\n\n"), "{}", told.body);
    // Whoever is not signed in is sent to the login by the same event.
    assert_eq!(Panel::nobody(&server).get("/panel/live/dashboard"), "event: end\ndata:\n\n");
}

#[test]
fn a_server_that_stops_does_not_wait_for_those_who_look() {
    let server = server();
    let panel = Panel::admin(&server);
    let arguments = ["-N", "--max-time", "30", "-w", "exit %{exitcode}"];
    let told = std::thread::scope(|scope| {
        let listening = scope.spawn(|| panel.curl(&arguments, None, "/panel/live/dashboard"));
        std::thread::sleep(Duration::from_secs(1));
        let stopped = std::process::Command::new("kill").args(["-TERM", &server.pid().to_string()]).status();
        assert!(stopped.expect("kill").success());
        listening.join().expect("curl")
    });
    // A server that waited in vain would cut the answer in its middle.
    assert!(told.body.ends_with("exit 0"), "{}", told.body);
}

#[test]
fn usage_is_kept_over_a_restart_and_a_gap_is_a_gap() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = |folder| {
        TestServer::with(folder, &[], &[("LINECARD_ADMIN_PASSWORD", std::path::Path::new(PASSWORD))])
    };
    let server = start(folder);
    tv::within(10, "the first minute is written down", || {
        part(&Panel::admin(&server).get("/panel/"), "usage").contains("At most 0 at the same time")
    });
    let folder = server.stop();
    // Twenty minutes, two hours ago, as if viewers had watched then.
    let file = rusqlite::Connection::open(folder.path().join("linecard.db")).expect("the database");
    let moved = file.execute(
        "INSERT INTO usage_samples SELECT at - 7200 - 60 * value, 7, 1, 4000 FROM usage_samples, \
         (WITH RECURSIVE n(value) AS (VALUES (0) UNION ALL SELECT value + 1 FROM n WHERE value < 19) SELECT value FROM n) \
         WHERE at = (SELECT max(at) FROM usage_samples)",
        [],
    );
    assert_eq!(moved.expect("rows"), 20);
    drop(file);
    let server = start(folder);
    let page = Panel::admin(&server).get("/panel/");
    let usage = part(&page, "usage");
    assert!(usage.contains("At most 7 at the same time"), "{usage}");
    let line =
        usage.split("class=\"line\" d=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a line");
    assert_eq!(line.matches('M').count(), 2, "two strokes with a gap between them: {line}");
    assert!(!usage.contains("style="));
}
