//! E-mail about events: alerts, reminders, quiet hours, and mail servers that fail.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tokio_rustls::rustls::ServerConfig;

use super::post_office::{Manner, PostOffice, Speech, certificate};
use crate::support::{
    TestServer,
    panel::{PASSWORD, Panel},
};

#[allow(clippy::disallowed_methods, reason = "tests read the clock that the server reads")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("seconds")
}

/// A server that trusts an authority of our own, and a certificate by that.
fn server() -> (TestServer, Arc<ServerConfig>) {
    let folder = tempfile::tempdir().expect("a folder");
    let (tls, _) = certificate(folder.path());
    (again(folder), tls)
}

fn again(folder: tempfile::TempDir) -> TestServer {
    let roots = folder.path().join("roots.pem");
    TestServer::with(
        folder,
        &[],
        &[("SSL_CERT_FILE", &roots), ("LINECARD_ADMIN_PASSWORD", Path::new(PASSWORD))],
    )
}

fn set_up(server: &TestServer, post: &PostOffice, more: &str) {
    let url = post.url();
    server.done("settings/update", &format!("data[smtp_url]={url}&data[mail_from]=tv@shop.example{more}"));
}

pub fn sql(folder: &Path, sql: &str) {
    let file = rusqlite::Connection::open(folder.join("linecard.db")).expect("a file");
    file.busy_timeout(Duration::from_secs(10)).expect("a time");
    file.execute_batch(sql).expect(sql);
}

/// Lets something happen.
pub fn happens(server: &TestServer, kind: &str, resource: &str, id: &str, key: &str, after: &str) {
    let at = now();
    let event = format!(
        "INSERT INTO events (type, at, resource, resource_id, key, actor, data, omitted) VALUES ('{kind}', {at}, '{resource}', {id}, \
         '{key}', 'linecard', '{{\"before\":{{}},\"after\":{after}}}', '[]')"
    );
    sql(server.data(), &event);
}

/// What waits is due now.
pub fn hurry(server: &TestServer) {
    sql(
        server.data(),
        "UPDATE messages SET next_at = 1 WHERE state = 'waiting'; UPDATE message_targets SET resume_at = NULL",
    );
}

pub fn messages(server: &TestServer) -> Vec<Value> {
    server.done("messages/list", "limit=1000")["messages"].as_array().unwrap().clone()
}

/// Waits until that is so of the messages, the newest first.
pub fn wait(server: &TestServer, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let found = messages(server);
        if is_so(&found) {
            return found;
        }
        assert!(Instant::now() < until, "{what}: {found:#?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn alerts_reach_those_whom_they_concern_once_and_together() {
    let (server, tls) = server();
    let post = PostOffice::start(Speech::StartTls, &tls);
    set_up(&server, &post, "&data[operator_name]=North TV&data[alert_emails][]=ops@a.example");
    happens(&server, "disk.low", "servers", "NULL", "data", r#"{"why":"900 MB are free"}"#);
    let letter = post.wait(1).remove(0);
    assert_eq!((letter.to.as_str(), letter.login.as_deref()), ("ops@a.example", Some("tv:s3cret@word")));
    assert!(letter.is_encrypted);
    assert_eq!(letter.header("From"), "\"North TV\" <tv@shop.example>");
    assert_eq!(letter.header("Subject"), "The disk is nearly full: data");
    assert!(letter.header("Message-ID").ends_with("@shop.example>"), "{letter:?}");
    assert_eq!(letter.text().trim(), "The disk is nearly full: data: 900 MB are free.");

    // Within five minutes of it what happens comes together, each thing once, and what is well again does not come.
    for id in 1..=3 {
        happens(
            &server,
            "stream.down",
            "streams",
            &id.to_string(),
            &format!("News {id}\r\nBcc: x@a.example"),
            r#"{"why":"no data"}"#,
        );
    }
    happens(&server, "stream.down", "streams", "1", "News 1", r#"{"why":"again"}"#);
    happens(&server, "stream.up", "streams", "2", "News 2", "{}");
    happens(&server, "server.online", "servers", "1", "Main", "{}");
    wait(&server, "two wait", |found| {
        found.iter().filter(|message| message["state"] == "waiting").count() == 2
    });
    let waiting = messages(&server)[0].clone();
    assert!(waiting["next_at"].as_i64().unwrap() > now() + 200, "{waiting}");
    hurry(&server);
    let letters = post.wait(2);
    assert_eq!(letters[1].header("Subject"), "2 messages");
    let text = letters[1].text();
    assert!(text.contains("News 1  Bcc: x@a.example is down: no data.") && text.contains("News 3"), "{text}");
    assert!(!text.contains("News 2") && letters[1].header("Bcc").is_empty(), "{text}");

    // A recovery is told to whom the failure was told; a reseller's people are told what is theirs.
    happens(&server, "stream.up", "streams", "3", "News 3", "{}");
    server.done("subscription_plans/new", "data[name]=Month&data[credits]=10");
    server.done("resellers/new", "data[name]=Anna&data[use_credits]=1&data[credits]=15");
    let person =
        "data[username]=anna&data[password]=Quite-Long-7&data[email]=anna@b.example&data[group_id]=2";
    server.done("administrators/new", &format!("{person}&data[reseller_id]=1"));
    server.done("resellers/add_credits", "id=1&credits=-10");
    let letters = post.wait(3);
    assert_eq!(letters[2].to, "anna@b.example");
    assert!(letters[2].text().contains("5 are left, and the dearest plan costs 10."), "{letters:?}");
    wait(&server, "two wait", |found| {
        found.iter().filter(|message| message["state"] == "waiting").count() == 2
    });
    hurry(&server);
    let letters = post.wait(4);
    let text = letters[3].text();
    assert!(
        text.contains("Stream News 3 is up.") && text.contains("Reseller Anna is low on credits"),
        "{text}"
    );
    let ids: std::collections::HashSet<_> =
        letters.iter().map(|letter| letter.header("Message-ID")).collect();
    assert_eq!(ids.len(), 4);

    // A test and once more; nobody reads the mail server again, and it stands in no log.
    server.done("messages/test", "to=night@a.example");
    assert_eq!(post.wait(5)[4].to, "night@a.example");
    let sent = wait(&server, "it is noted", |found| found[0]["state"] == "sent");
    server.done("messages/resend", &format!("id={}", sent[0]["id"]));
    let letters = post.wait(6);
    assert_ne!(letters[5].header("Message-ID"), letters[4].header("Message-ID"));
    assert_eq!(
        server.refused("messages/test", "to=nobody"),
        "Invalid to: an address such as name@example.com"
    );
    let settings = server.done("settings/get", "")["settings"].clone();
    assert_eq!(
        (&settings["smtp_url"], &settings["alert_emails"]),
        (&json!("***"), &json!(["ops@a.example"]))
    );
    server.done("settings/update", "data[smtp_url]=***&data[panel_url]=https://panel.example");
    let seen = [server.done("logs/list", "kind=audit&limit=1000"), server.done("events/list", "limit=1000")];
    let seen = format!("{seen:?}{}", server.log());
    assert!(!seen.contains("s3cret"), "{seen}");
    server.done("messages/test", "to=night@a.example");
    assert!(post.wait(7)[6].text().contains("https://panel.example/panel"));
    wait(&server, "all are noted as sent", |found| found.iter().all(|message| message["state"] == "sent"));

    // Nobody is told of a failure of what was deleted meanwhile.
    happens(&server, "stream.down", "streams", "7", "News 7", r#"{"why":"no data"}"#);
    wait(&server, "it waits", |found| found[0]["state"] == "waiting");
    happens(&server, "stream.deleted", "streams", "7", "News 7", "{}");
    wait(&server, "it is dropped", |found| found[0]["state"] == "dropped");
    assert_eq!(messages(&server)[0]["error"], "It was deleted meanwhile.");
    let admin = Panel::admin(&server);
    let page = admin.get("/panel/messages?state=dropped");
    assert!(page.contains("It was deleted meanwhile.") && page.contains("1 message<"), "{page}");
    assert!(admin.get("/panel/messages?state=failed").contains("No message is in this state."));
}

/// A line or MAG that ends in a week and two seconds: then there is an event.
fn ends_in_a_week() -> i64 {
    now() + 7 * 86_400 + 2
}

fn watches_ends(server: &TestServer) {
    let until = Instant::now() + Duration::from_secs(20);
    let begun = || {
        let file = rusqlite::Connection::open(server.data().join("linecard.db")).expect("a file");
        file.query_row("SELECT count(*) FROM end_events", [], |row| row.get::<_, i64>(0)).unwrap() == 6
    };
    while !begun() {
        assert!(Instant::now() < until, "nobody watches ends");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn subscribers_are_reminded_in_the_name_of_their_reseller_of_what_is_true() {
    let (server, tls) = server();
    let post = PostOffice::start(Speech::Tls, &tls);
    set_up(&server, &post, "&data[operator_name]=North TV&data[time_zone]=Europe/Berlin");
    watches_ends(&server);
    server.done("resellers/new", "data[name]=Straße <TV>");
    let week = ends_in_a_week();
    let new = |call: &str, name: &str, email: &str, more: &str| {
        server
            .done(call, &format!("data[{name}&data[email]={email}@a.example&data[expire_date]={week}{more}"));
    };
    new("line/new", "username]=bob", "bob", "&data[reseller_id]=1");
    new("line/new", "username]=own", "own", "");
    new("line/new", "username]=quiet", "quiet", "&data[reminders]=0");
    new("line/new", "username]=off", "off", "&data[disabled]=1");
    server.done("line/new", &format!("data[username]=nomail&data[expire_date]={week}"));
    new("mag/new", "mac_address]=00:1A:79:00:00:01", "mag", "");
    let letters = post.wait(3);
    let of = |to: &str| letters.iter().find(|letter| letter.to == format!("{to}@a.example")).unwrap().clone();
    let bob = of("bob");
    assert!(
        bob.header("From").starts_with("=?utf-8?") && bob.header("From").contains("<tv@shop.example>"),
        "{bob:?}"
    );
    assert!(bob.header("Subject").starts_with("Your subscription ends on "), "{bob:?}");
    let text = bob.text();
    assert!(
        text.contains("your subscription bob ends on") && text.contains("(Europe/Berlin), in 7 days."),
        "{text}"
    );
    assert!(text.trim_end().ends_with("Straße <TV>"), "{text}");
    assert_eq!(of("own").header("From"), "\"North TV\" <tv@shop.example>");
    assert!(of("mag").text().contains("00:1A:79:00:00:01"));
    // On the screen of the box as well.
    let found = wait(&server, "four", |found| {
        found.len() == 4 && found.iter().all(|message| message["state"] == "sent")
    });
    let boxes: Vec<_> = found.iter().filter(|message| message["way"] == "box").collect();
    assert_eq!(boxes.len(), 1);
    let file = rusqlite::Connection::open(server.data().join("linecard.db")).unwrap();
    let told = || -> (i64, String) {
        file.query_row("SELECT count(*), max(msg) FROM mag_events WHERE event = 'send_msg'", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap()
    };
    assert!(told().0 == 1 && told().1.contains("in 7 days"), "{:?}", told());

    // In quiet hours reminders wait; by then one is extended, one deleted, and of one a newer reminder says more.
    server.done("settings/update", "data[quiet_from]=00:00&data[quiet_to]=23:59");
    let week = ends_in_a_week();
    for name in ["longer", "gone", "true"] {
        server.done(
            "line/new",
            &format!("data[username]={name}&data[email]={name}@a.example&data[expire_date]={week}"),
        );
    }
    let waits = |found: &[Value]| found.iter().filter(|message| message["state"] == "waiting").count() == 3;
    let waiting = wait(&server, "three wait", waits);
    assert!(waiting[0]["next_at"].as_i64().unwrap() > now(), "{waiting:?}");
    server.done("line/update", &format!("username=longer&data[expire_date]={}", week + 86_400));
    server.done("line/delete", "username=gone");
    hurry(&server);
    let letters = post.wait(4);
    assert_eq!(letters[3].to, "true@a.example");
    let found =
        wait(&server, "none waits", |found| found.iter().all(|message| message["state"] != "waiting"));
    let why = |key: &str| found.iter().find(|message| message["key"] == key).unwrap()["error"].clone();
    assert_eq!(
        (why("longer"), why("gone")),
        (json!("It ends at another time by now."), json!("It was deleted."))
    );
    let id = found.iter().find(|message| message["key"] == "longer").unwrap()["id"].clone();
    let refused = server.refused("messages/resend", &format!("id={id}"));
    assert_eq!(refused, "This reminder is not true any more: It ends at another time by now");

    // A server that was stopped when bob came to an end says so once, and not that he will.
    let folder = server.stop();
    let past = now() - 100;
    sql(
        folder.path(),
        &format!(
            "UPDATE lines SET expire_date = {past} WHERE username = 'bob'; UPDATE settings SET quiet_from = '', quiet_to = '';
             INSERT INTO events (type, at, resource, resource_id, key, actor, data, omitted) SELECT 'line.' || kind, {past}, 'line', id,
             'bob', 'linecard', '{{\"after\":{{\"expire_date\":{past},\"days\":1}}}}', '[]' FROM lines, (SELECT 'expiring' AS kind UNION ALL
             SELECT 'expired') WHERE username = 'bob'"
        ),
    );
    let server = again(folder);
    let ended = post.wait(5).pop().unwrap();
    assert_eq!(ended.to, "bob@a.example");
    assert!(ended.header("Subject").starts_with("Your subscription ended on "), "{ended:?}");
    wait(&server, "none waits", |found| found.iter().all(|message| message["state"] != "waiting"));
    let folder = server.kill();
    let server = again(folder);
    std::thread::sleep(Duration::from_millis(1_500));
    let letters = post.letters();
    assert_eq!(letters.len(), 5, "{letters:#?}");
    drop(server);
}

#[test]
fn a_mail_server_that_fails_gets_it_again_for_a_day() {
    let (server, tls) = server();
    let server = server.expecting("none");
    let post = PostOffice::start(Speech::StartTls, &tls);
    set_up(&server, &post, "");
    let waits = |words: &'static str| {
        move |found: &[Value]| {
            found[0]["state"] == "waiting" && found[0]["error"].as_str().unwrap().contains(words)
        }
    };
    post.set(Manner::Later);
    server.done("messages/test", "to=later@a.example");
    let found = wait(&server, "it waits", waits("localhost: it answered 451 come again."));
    let next = found[0]["next_at"].as_i64().unwrap() - now();
    assert!((50..=60).contains(&next) && found[0]["attempts"] == 1, "{found:?}");
    post.set(Manner::Takes);
    hurry(&server);
    post.wait(1);

    // Nobody of that name: never again, and it is said.
    post.set(Manner::Nobody);
    server.done("messages/test", "to=nobody@a.example");
    wait(&server, "it failed", |found| found[0]["state"] == "failed" && found[0]["attempts"] == 1);
    let errors = server.done("logs/list", "kind=error")["logs"].to_string();
    assert!(
        errors.contains("a message could not be sent") && errors.contains("550 nobody of that name"),
        "{errors}"
    );

    // It was taken, and nobody said so before the server was killed: the same comes again, under the same Message-ID, and no more.
    post.set(Manner::Vanishes);
    server.done("messages/test", "to=twice@a.example");
    let first = post.wait(2).remove(1);
    wait(&server, "it waits", |found| found[0]["state"] == "waiting" && found[0]["attempts"] == 1);
    let folder = server.kill();
    let server = again(folder);
    post.set(Manner::Takes);
    hurry(&server);
    let second = post.wait(3).remove(2);
    assert_eq!(
        (second.to.as_str(), second.header("Message-ID")),
        ("twice@a.example", first.header("Message-ID"))
    );
    wait(&server, "it was sent", |found| found[0]["state"] == "sent");
    let server = again(server.kill());
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(post.letters().len(), 3);

    // What is secret goes to nobody in the clear, nor to one whom no authority knows.
    let (clear, stranger) = (PostOffice::start(Speech::Clear, &tls), tempfile::tempdir().unwrap());
    let (other, _) = certificate(stranger.path());
    let unknown = PostOffice::start(Speech::Tls, &other);
    let in_the_clear = clear.url().replace("?tls=none", "").replace("smtp://", "smtp://tv:s3cret@");
    for (url, words) in [
        (in_the_clear, "127.0.0.1 offers no STARTTLS: nothing is sent in the clear."),
        (unknown.url(), "invalid peer certificate"),
        ("smtp://169.254.169.254".into(), "its address 169.254.169.254 is one that nothing is sent to."),
        ("smtp://localhost:1".into(), "refused"),
    ] {
        server.done("settings/update", &format!("data[smtp_url]={url}"));
        server.done("messages/test", "to=nobody@a.example");
        wait(&server, words, |found| found[0]["error"].as_str().unwrap().contains(words));
        sql(server.data(), "DELETE FROM messages");
    }
    post.set(Manner::NoLogin);
    set_up(&server, &post, "");
    server.done("messages/test", "to=nobody@a.example");
    wait(&server, "it waits", waits("535 wrong password"));
    assert!(clear.letters().is_empty() && unknown.letters().is_empty());

    // To this machine itself in the clear, if somebody wants that; a hanging one holds nothing up.
    set_up(&server, &clear, "");
    assert!(!clear.wait(1)[0].is_encrypted);
    clear.set(Manner::Hangs);
    server.done("messages/test", "to=nobody@a.example");
    std::thread::sleep(Duration::from_millis(1_200));
    let begun = Instant::now();
    server.done("line/new", "");
    assert!(begun.elapsed() < Duration::from_secs(2));
    server.stop();
}

#[test]
fn a_mail_server_is_set_by_whoever_may_do_everything_and_typed_again_without_its_key() {
    let (server, tls) = server();
    let post = PostOffice::start(Speech::StartTls, &tls);
    for (fields, why) in [
        ("data[smtp_url]=mail.example", "Invalid smtp_url: smtp://USER:PASSWORD@HOST:PORT"),
        ("data[smtp_url]=smtp://mail.example?tls=none", "Invalid smtp_url: tls=none only with"),
        ("data[mail_from]=tv", "Invalid mail_from: an address"),
        ("data[alert_emails][]=tv", "Invalid alert_emails: entry 1: an address"),
        ("data[quiet_from]=24:00", "Invalid quiet_from: a time of day from 00:00 to 23:59"),
    ] {
        let answer = server.refused("settings/update", fields);
        assert!(answer.starts_with(why), "{fields}: {answer}");
    }
    assert_eq!(
        server.refused("messages/test", "to=a@b.example"),
        "E-mail is not set up: set smtp_url and mail_from first"
    );
    let key =
        server.done("settings/api_key_new", "data[name]=shop&data[scope][]=settings")["api_key"].clone();
    let by =
        |body: &str| server.post("settings/update", &format!("api_key={}&{body}", key.as_str().unwrap())).1;
    assert_eq!(by("data[smtp_url]=smtp://10.0.0.1")["error"], "smtp_url needs the right full");
    assert_eq!(by("data[smtp_url]=***&data[mail_from]=tv@shop.example")["result"], true);

    set_up(&server, &post, "");
    let folder = server.stop();
    std::fs::remove_file(folder.path().join("linecard.key")).unwrap();
    let server = again(folder);
    server.done("messages/test", "to=a@b.example");
    wait(&server, "it waits", |found| {
        found[0]["error"].as_str().unwrap().contains("sealed with another key: type it again")
    });
    let panel = Panel::admin(&server);
    assert!(panel.get("/panel/").contains("Messages that need attention"));
    assert!(panel.get("/panel/settings/mail").contains("The mail server was sealed with another key"));
    assert!(post.letters().is_empty());
    set_up(&server, &post, "");
    assert_eq!(post.wait(1)[0].to, "a@b.example");
}
