//! Forgotten passwords: a link by e-mail, good once, told to nobody else; and the notice of a sign-in from a new address.

use std::time::{Duration, Instant};

use serde_json::json;

use super::second_factor::{send_code, switch_on};

use crate::{
    events::post_office::{Letter, Manner, PostOffice, Speech, certificate},
    support::{
        TestServer,
        panel::{PASSWORD, Page, Panel, server_with},
    },
};

const NEW: &str = "quiet-harbour-41";

/// A server that sends e-mail, with anna, who has an address of it.
fn server() -> (TestServer, PostOffice) {
    let server = server_with(&["--trusted-proxies", "127.0.0.0/8"]);
    let folder = tempfile::tempdir().expect("a folder");
    let (tls, _) = certificate(folder.path());
    let post = PostOffice::start(Speech::Clear, &tls);
    let url = post.url();
    server.done("settings/update", &format!("data[smtp_url]={url}&data[mail_from]=tv@shop.example"));
    server.done(
        "administrators/new",
        &format!(
            "data[username]=anna&data[email]=anna@home.example&data[group_id]=1&data[password]={PASSWORD}"
        ),
    );
    (server, post)
}

fn panel_url(server: &TestServer) {
    server.done("settings/update", "data[panel_url]=https://panel.example");
}

/// Asks from that address, as if the panel were called as an attacker likes.
fn ask(server: &TestServer, username: &str, address: &str) -> Page {
    let panel = Panel::nobody(server)
        .with_header(&format!("X-Forwarded-For: {address}"))
        .with_header("X-Forwarded-Host: evil.example");
    panel.post_bare("/panel/forgotten", &[("username", username)])
}

fn link(letter: &Letter) -> String {
    let text = letter.text().replace("=3D", "=");
    let link = text.split_whitespace().find(|word| word.starts_with("https://")).expect("a link");
    let path = link
        .strip_prefix("https://panel.example")
        .expect("the address of the panel, whatever the request said");
    path.to_owned()
}

/// Waits for so many links; all that came.
fn links(post: &PostOffice, count: usize) -> Vec<String> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let letters = post.letters();
        let links: Vec<String> =
            letters.iter().filter(|letter| letter.text().contains("token=")).map(link).collect();
        if links.len() >= count {
            return links;
        }
        assert!(Instant::now() < until, "{letters:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn database(server: &TestServer) -> rusqlite::Connection {
    let file = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    file.busy_timeout(Duration::from_secs(10)).expect("a timeout");
    file
}

fn token(link: &str) -> &str {
    link.split_once("token=").expect("a token").1
}

fn choose(panel: &Panel<'_>, token: &str, new: &str, again: &str) -> Page {
    panel.post_bare("/panel/password", &[("token", token), ("new_password", new), ("again", again)])
}

#[test]
fn a_link_to_a_new_password_is_good_once_for_half_an_hour_and_ends_every_session() {
    let (server, post) = server();
    assert!(
        !Panel::nobody(&server).get("/panel/login").contains("/panel/forgotten"),
        "there is no address of the panel"
    );
    assert_eq!(ask(&server, "anna", "198.51.100.1").status, 404);
    panel_url(&server);
    let nobody = Panel::nobody(&server);
    assert!(nobody.get("/panel/login").contains("href=\"/panel/forgotten\""));
    nobody.get("/panel/forgotten");
    let anna = Panel::of(&server, "anna", PASSWORD);
    let (_, recovery) = switch_on(&anna);

    let page = ask(&server, "Anna", "198.51.100.1");
    assert!(page.status == 200 && page.body.contains("If there is such a username"), "{}", page.body);
    let link = links(&post, 1).remove(0);
    let letters = post.letters();
    let letter = letters.iter().find(|letter| letter.text().contains("token=")).expect("the letter");
    assert!(letter.to.contains("anna@home.example") && letter.text().contains("198.51.100.1"), "{letter:?}");
    let opened = nobody.ask(&link);
    assert!(opened.status == 200 && opened.body.contains("value=\"anna\""), "{}", opened.body);
    assert_eq!(opened.header("referrer-policy"), ["same-origin"]);
    assert_eq!(opened.header("cache-control"), ["no-store"]);
    nobody.get(&link);
    let token = token(&link);
    for (new, again, said) in [
        ("sunshine1", "sunshine1", "most common"),
        (NEW, "another one", "not the same both times"),
        ("", "", "Type the new"),
    ] {
        let page = choose(&nobody, token, new, again);
        assert!(page.status == 422 && page.body.contains(said), "{new}: {}", page.body);
    }
    let done = choose(&nobody, token, NEW, NEW);
    assert_eq!((done.status, done.location()), (303, "/panel/login?changed=1"));
    assert!(nobody.get("/panel/login?changed=1").contains("sign in with the new one"));
    assert_eq!(anna.ask("/panel/account").status, 303, "sessions end");
    assert_eq!(Panel::nobody(&server).sign_in("anna", PASSWORD).status, 401);
    let again = Panel::nobody(&server);
    assert!(
        again.sign_in("anna", NEW).location().starts_with("/panel/login/code?"),
        "the second factor is asked for"
    );
    assert_eq!(send_code(&again, &recovery[0]).status, 303);
    assert_eq!(server.call("line/list", "")["result"], true, "API keys stay");
    let again = choose(&nobody, token, "another-harbour-42", "another-harbour-42");
    assert!(again.status == 410 && again.body.contains("good no more"), "{}", again.body);
    assert_eq!(nobody.ask(&link).status, 410);
    assert_eq!(nobody.ask("/panel/password").status, 410);
    let audit = server.done("logs/list", "kind=audit&resource=administrators&actor=anna");
    let row = &audit["logs"][1];
    assert_eq!(
        (&row["action"], &row["address"]),
        (&json!("reset_own_password"), &json!("127.0.0.1")),
        "{audit}"
    );

    // One that is too old, and one that was made while the clock was ahead.
    ask(&server, "anna", "198.51.100.2");
    let link = links(&post, 2).pop().expect("a link");
    let file = database(&server);
    for (change, status) in [("at - 1790", 200), ("at - 20", 410), ("at + 7200", 410)] {
        file.execute(&format!("UPDATE password_links SET at = {change}"), []).expect("an update");
        assert_eq!(nobody.ask(&link).status, status, "{change}");
    }

    // The second factor is asked for all the same, and nothing of a link is kept anywhere.
    let hash: String =
        file.query_row("SELECT hash FROM password_links", [], |row| row.get(0)).expect("a row");
    let events = server.done("events/list", "after=0").to_string();
    let messages = server.done("messages/list", "limit=1000").to_string();
    for token in links(&post, 2).iter().map(|link| self::token(link)) {
        for (place, text) in
            [("log", &server.log()), ("events", &events), ("messages", &messages), ("database", &hash)]
        {
            assert!(!text.contains(token), "{place}");
        }
    }
}

#[test]
fn unknown_names_are_told_the_same_and_asking_is_bounded_for_addresses_and_names() {
    let (server, post) = server();
    panel_url(&server);
    server.done("administrators/new", &format!(
        "data[username]=gone&data[email]=gone@home.example&data[group_id]=1&data[password]={PASSWORD}&data[disabled]=1"
    ));
    // Nobody waits for the mail server, which would give it 30 seconds.
    post.set(Manner::Hangs);
    let begun = Instant::now();
    assert_eq!(ask(&server, "anna", "198.51.7.7").status, 200);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    post.set(Manner::Takes);
    let mut fastest = [Duration::MAX; 2];
    let mut pages = Vec::new();
    // In turns: what else the machine does meets both alike.
    for n in 0..12 {
        for (which, name) in ["anna", "nobody"].into_iter().enumerate() {
            let begun = Instant::now();
            let page = ask(&server, name, &format!("198.51.{which}.{n}"));
            fastest[which] = fastest[which].min(begun.elapsed());
            assert_eq!(page.status, 200);
            pages.push(page.body);
        }
    }
    for name in ["gone", "admin", "", &"x".repeat(100_000)] {
        pages.push(ask(&server, name, "198.51.9.9").body);
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:?}");
    assert!(fastest[0].abs_diff(fastest[1]) < Duration::from_millis(50), "{fastest:?}");

    let flood: Vec<u16> = (0..8).map(|_| ask(&server, "anna", "203.0.113.7").status).collect();
    assert_eq!(flood, [200, 200, 200, 200, 200, 429, 429, 429]);
    links(&post, 2);
    let made = || database(&server).query_row("SELECT count(*) FROM password_links", [], |row| row.get(0));
    assert_eq!(made(), Ok(3_i64), "no more are good at once");
    assert!(post.letters().iter().all(|letter| letter.to.contains("anna@home.example")));
    // A link that nobody made counts as a guess of the address.
    server.done("settings/update", "data[failure_limit]=3");
    let guesser = Panel::nobody(&server).with_header("X-Forwarded-For: 203.0.113.8");
    for n in 0..3 {
        assert_eq!(choose(&guesser, &format!("Guess{n}"), NEW, NEW).status, 410);
    }
    assert_eq!(guesser.sign_in("anna", PASSWORD).status, 429);
}

#[test]
fn whoever_signs_in_from_a_new_address_is_told_by_e_mail_and_from_a_known_one_is_not() {
    let (server, post) = server();
    let from = |address: &str| Panel::nobody(&server).with_header(&format!("X-Forwarded-For: {address}"));
    assert_eq!(from("198.51.100.7").sign_in("anna", PASSWORD).status, 303);
    let letter = post.wait(1).remove(0);
    assert_eq!(letter.header("Subject"), "anna signed in from a new address");
    assert!(letter.to.contains("anna@home.example") && letter.text().contains("198.51.100.7"), "{letter:?}");
    assert_eq!(from("198.51.100.7").sign_in("anna", PASSWORD).status, 303);
    // The first administrator has no address of e-mail yet.
    assert_eq!(from("198.51.100.8").sign_in("admin", PASSWORD).status, 303);
    let kind = "types[]=administrator.signed_in_from_new_address&after=0";
    assert_eq!(server.done("events/list", kind)["events"].as_array().map(Vec::len), Some(2));
    // After a new password every address is new once, and known again from then on.
    server.done("administrators/update", &format!("username=anna&data[password]={NEW}"));
    for _ in 0..3 {
        assert_eq!(from("198.51.100.7").sign_in("anna", NEW).status, 303);
    }
    assert_eq!(server.done("events/list", kind)["events"].as_array().map(Vec::len), Some(3));
    let until = Instant::now() + Duration::from_secs(30);
    while server.done("messages/list", "limit=100")["total"] != 2 {
        assert!(Instant::now() < until, "{}", server.done("messages/list", "limit=100"));
        std::thread::sleep(Duration::from_millis(50));
    }
}
