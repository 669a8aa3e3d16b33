//! Receivers that fail, and a server that is killed while it sends: nothing is lost, and the events of one object keep their order.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    receiver::{Got, Manner, Receiver},
    webhooks::webhook,
};
use crate::support::TestServer;

fn health(server: &TestServer, id: u32) -> Value {
    server.done("webhooks/info", &format!("id={id}"))["webhook"].clone()
}

fn wait_for(server: &TestServer, id: u32, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let health = health(server, id);
        if is_so(&health) {
            return health;
        }
        assert!(Instant::now() < until, "{what}: {health}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The numbers of the events that were taken, by their keys, each once.
fn numbers(got: &[Got]) -> HashMap<String, Vec<i64>> {
    let mut numbers: HashMap<String, Vec<i64>> = HashMap::new();
    for got in got.iter().filter(|got| got.taken) {
        let (key, id) = got.key();
        let known = numbers.entry(key).or_default();
        if !known.contains(&id) {
            known.push(id);
        }
    }
    numbers
}

#[test]
fn one_bad_event_holds_up_its_own_object_alone_and_is_tried_again() {
    let server = TestServer::start();
    let receiver = Receiver::start(Manner::Picky("bad"));
    webhook(&server, &receiver, "&data[types][]=line.*");
    server.done("line/new", "data[username]=bad");
    server.done("line/new", "data[username]=good");
    receiver.wait("both", |got| got.len() >= 2);
    for notes in 0..3 {
        server.done("line/update", &format!("username=bad&data[notes]={notes}"));
        server.done("line/update", &format!("username=good&data[notes]={notes}"));
    }
    receiver.wait("four good ones", |got| got.iter().filter(|got| got.taken).count() >= 4);
    let waiting = server.done("webhooks/deliveries", "id=1&state=waiting")["deliveries"].clone();
    let first = waiting.as_array().unwrap().last().unwrap();
    assert_eq!((&first["status"], &first["attempts"]), (&500.into(), &1.into()), "{waiting}");
    receiver.set(Manner::Status(200));
    let got = receiver.wait("all eight", |got| got.iter().filter(|got| got.taken).count() >= 8);
    let numbers = numbers(&got);
    assert!(
        numbers.len() == 2 && numbers.values().all(|ids| ids.len() == 4 && ids.is_sorted()),
        "{numbers:?}"
    );
    // The same id at every attempt.
    let ids = |key: &str| -> Vec<String> {
        let of = got.iter().filter(|got| got.key().0 == key).take(2);
        of.map(|got| got.headers["webhook-id"].clone()).collect()
    };
    let bad = ids("bad");
    assert_eq!(bad[0], bad[1]);
    assert_eq!(health(&server, 1)["failures"], 0);
}

#[test]
fn receivers_that_hang_talk_without_end_redirect_or_are_gone_disturb_nobody_else() {
    let server = TestServer::start();
    let (hangs, endless, well) = (
        Receiver::start(Manner::Hang),
        Receiver::start(Manner::Endless),
        Receiver::start(Manner::Status(200)),
    );
    let (gone, later, elsewhere) = (
        Receiver::start(Manner::Status(410)),
        Receiver::start(Manner::Later(600)),
        Receiver::start(Manner::Status(302)),
    );
    for receiver in [&hangs, &endless, &well, &gone, &later, &elsewhere] {
        webhook(&server, receiver, "&data[types][]=line.*");
    }
    let begun = Instant::now();
    for name in 0..5 {
        server.done("line/new", &format!("data[username]=user{name}"));
    }
    well.wait("all five", |got| got.len() >= 5);
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    endless.wait("all five of endless answers", |got| got.len() >= 5);
    wait_for(&server, 2, "the endless one is well", |health| health["last_success_at"].is_i64());

    let health = wait_for(&server, 4, "it is switched off", |health| health["enabled"] == 0);
    assert_eq!(health["last_error"], "It was switched off because the receiver says that it is gone (410).");
    let told = server.done("events/list", "types=webhook.updated&limit=1000");
    assert!(told.to_string().contains("\"actor\":\"linecard\""), "{told}");
    wait_for(&server, 6, "a redirect is no success", |health| {
        health["last_error"] == "It answered with status 302."
    });
    // Nothing more comes to whoever asked for peace.
    later.wait("one came", |got| !got.is_empty());
    wait_for(&server, 5, "it is noted", |health| health["failures"] != 0);
    std::thread::sleep(Duration::from_millis(500));
    let asked = later.got().len();
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(later.got().len(), asked);
    assert!(hangs.got().iter().all(|got| !got.taken));

    // Local addresses only by the setting.
    server.done("settings/update", "data[fetch_local]=0");
    server.done("line/new", "data[username]=kept");
    let health = wait_for(&server, 3, "it is refused", |health| health["failures"] != 0);
    let why = "127.0.0.1: its address 127.0.0.1 is this machine's own, which the setting fetch_local does not allow.";
    assert_eq!(health["last_error"], why);
    assert_eq!(well.got().len(), 5);
}

#[test]
fn a_server_that_is_killed_while_it_sends_loses_nothing_and_keeps_the_order() {
    const LINES: usize = 12;
    const CHANGES: usize = 12;
    let mut server = TestServer::start();
    let receiver = Receiver::start(Manner::Slow(30));
    webhook(&server, &receiver, "&data[types][]=line.created&data[types][]=line.updated");
    for line in 0..LINES {
        server.done("line/new", &format!("data[username]=line{line}"));
    }
    for change in 1..CHANGES {
        for line in 0..LINES {
            server.done("line/update", &format!("username=line{line}&data[notes]={change}"));
        }
    }
    let all = LINES * CHANGES;
    let told = |server: &TestServer| {
        let events = server.done("events/list", "types=line.*&limit=1000")["events"].clone();
        let last = events.as_array().and_then(|events| events.last()?["id"].as_i64()).expect("a number");
        wait_for(server, 1, "it is noted", |health| health["told_to"].as_i64() >= Some(last));
    };
    told(&server);
    for part in 1..=2 {
        // All of it once more, and killed in the middle.
        receiver.clear();
        server.done("webhooks/resend", "id=1&after=0");
        receiver.wait("some of it", |got| got.len() >= all * part / 6);
        server = TestServer::on(server.kill(), &[]);
        let is_done = |got: &[Got]| numbers(got).values().map(Vec::len).sum::<usize>() >= all;
        let got = receiver.wait("all of it", is_done);
        let numbers = numbers(&got);
        assert!(
            numbers.len() == LINES && numbers.values().all(|ids| ids.len() == CHANGES && ids.is_sorted())
        );
        assert!(got.len() < all * 2, "{} of {all} came", got.len());
        told(&server);
    }
    assert_eq!(server.done("webhooks/deliveries", "id=1&state=delivered")["total"], all);
}

#[test]
fn receivers_that_answer_slowly_hold_up_no_other() {
    let server = TestServer::start();
    let slow: Vec<Receiver> = (0..6).map(|_| Receiver::start(Manner::Slow(10_000))).collect();
    let quick = Receiver::start(Manner::Status(200));
    for receiver in &slow {
        webhook(&server, receiver, "&data[types][]=line.*");
    }
    for line in 0..20 {
        server.done("line/new", &format!("data[username]=slow{line}"));
    }
    let busy = || slow.iter().map(Receiver::begun).sum::<usize>() >= 44;
    crate::support::tv::within(20, "all are busy", busy);
    webhook(&server, &quick, "&data[types][]=line.*");
    let since = std::time::Instant::now();
    for line in 0..20 {
        server.done("line/new", &format!("data[username]=quick{line}"));
    }
    quick.wait("all of them", |got| got.len() == 20);
    assert!(since.elapsed().as_secs() < 7, "{:?}", since.elapsed());
}

#[test]
fn without_its_key_a_restored_database_sends_nothing_until_there_are_new_secrets() {
    let server = TestServer::start();
    let receiver = Receiver::start(Manner::Status(200));
    webhook(&server, &receiver, "&data[types][]=line.*");
    server.done("line/new", "data[username]=one");
    receiver.wait("one", |got| got.len() == 1);
    let folder = server.stop();
    let key = std::fs::read_to_string(folder.path().join("linecard.key")).expect("a key");
    let other = tempfile::tempdir().expect("a folder");
    std::fs::copy(folder.path().join("linecard.db"), other.path().join("linecard.db")).expect("a copy");

    let server = TestServer::on(other, &[]);
    assert_eq!(health(&server, 1)["has_secret"], 0);
    assert!(server.log().contains("that of webhook 1 (http://127.0.0.1) was sealed"), "{}", server.log());
    server.done("line/new", "data[username]=two");
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(receiver.got().len(), 1);
    let secret = server.done("webhooks/rotate", "id=1")["secret"].as_str().unwrap().to_owned();
    let got = receiver.wait("two", |got| got.len() == 2);
    assert!(got[1].key().0 == "two" && got[1].is_signed_with(&secret));

    // The key by its flag, put back where it was named.
    let moved = folder.path().join("elsewhere.key");
    std::fs::rename(folder.path().join("linecard.key"), &moved).expect("moved");
    let server = TestServer::on(folder, &["--secret-key-file", moved.to_str().unwrap()]);
    assert_eq!(health(&server, 1)["has_secret"], 1);
    assert!(!server.data().join("linecard.key").exists());
    assert_eq!(std::fs::read_to_string(&moved).unwrap(), key);
}
