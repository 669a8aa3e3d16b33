//! Forgotten passwords: a link by e-mail, good once, told to nobody else; and the notice of a sign-in from a new address.

use std::time::{Duration, Instant};

use crate::{
    events::post_office::{Letter, PostOffice, Speech, certificate},
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

    let page = ask(&server, "Anna", "198.51.100.1");
    assert!(page.status == 200 && page.body.contains("If there is such a username"), "{}", page.body);
    let letters: Vec<Letter> = post.wait(1);
    let letter = letters.iter().find(|letter| letter.text().contains("token=")).expect("the letter");
    assert!(letter.to.contains("anna@home.example") && letter.text().contains("198.51.100.1"), "{letter:?}");
    let link = link(letter);
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
    Panel::of(&server, "anna", NEW);
    assert_eq!(server.call("line/list", "")["result"], true, "API keys stay");
    let again = choose(&nobody, token, "another-harbour-42", "another-harbour-42");
    assert!(again.status == 410 && again.body.contains("good no more"), "{}", again.body);
    assert_eq!(nobody.ask(&link).status, 410);
    assert_eq!(nobody.ask("/panel/password").status, 410);
    let audit = server.done("logs/list", "kind=audit&resource=administrators&actor=anna");
    assert_eq!(audit["logs"][0]["action"], "reset_own_password", "{audit}");
    assert!(audit["logs"][0]["address"].as_str().is_some_and(|address| address == "127.0.0.1"), "{audit}");

    // One that is too old, and one that was made while the clock was ahead.
    ask(&server, "anna", "198.51.100.2");
    let fresh = |post: &PostOffice, count: usize| {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let links: Vec<String> = post
                .letters()
                .iter()
                .filter(|letter| letter.text().contains("token="))
                .map(self::link)
                .collect();
            if links.len() >= count {
                return links;
            }
            assert!(Instant::now() < until, "{links:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let link = fresh(&post, 2).pop().expect("a link");
    let file = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    file.busy_timeout(Duration::from_secs(10)).expect("a timeout");
    for (change, status) in [("at - 1790", 200), ("at - 20", 410), ("at + 7200", 410)] {
        file.execute(&format!("UPDATE password_links SET at = {change}"), []).expect("an update");
        assert_eq!(nobody.ask(&link).status, status, "{change}");
    }

    // The second factor is asked for all the same, and nothing of a link is kept anywhere.
    let hash: String =
        file.query_row("SELECT hash FROM password_links", [], |row| row.get(0)).expect("a row");
    let events = server.done("events/list", "after=0").to_string();
    let messages = server.done("messages/list", "limit=1000").to_string();
    for token in fresh(&post, 2).iter().map(|link| self::token(link)) {
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
    let mut times = [Duration::ZERO; 2];
    let mut pages = Vec::new();
    // In turns: what else the machine does meets both alike.
    for n in 0..12 {
        for (which, name) in ["anna", "nobody"].into_iter().enumerate() {
            let begun = Instant::now();
            let page = ask(&server, name, &format!("198.51.{which}.{n}"));
            times[which] += begun.elapsed();
            assert_eq!(page.status, 200);
            pages.push(page.body);
        }
    }
    for name in ["gone", "admin", "", &"x".repeat(100_000)] {
        pages.push(ask(&server, name, "198.51.9.9").body);
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "{pages:?}");
    let (known, unknown) = (times[0].as_secs_f64(), times[1].as_secs_f64());
    assert!(known < unknown * 2.0 + 0.2 && unknown < known * 2.0 + 0.2, "{times:?}");

    let flood: Vec<u16> = (0..8).map(|_| ask(&server, "anna", "203.0.113.7").status).collect();
    assert_eq!(flood, [200, 200, 200, 200, 200, 429, 429, 429]);
    std::thread::sleep(Duration::from_millis(500));
    let sent = post.wait(3).iter().filter(|letter| letter.text().contains("token=")).count();
    assert_eq!(sent, 3, "no more are good at once");
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
