//! Backups by a schedule: ordered, verified, kept, sent away, and what goes wrong with that.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    bucket::{Bucket, Manner},
    leaps::server_by,
};
use crate::{
    events::messages::sql,
    support::{
        TestServer, linecard,
        panel::{PASSWORD, Panel, server},
    },
};

fn list(server: &TestServer) -> Vec<Value> {
    server.done("backups/list", "")["backups"].as_array().expect("a list").clone()
}

/// Waits until that is so of the backups, the newest first.
fn wait(server: &TestServer, what: &str, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let found = list(server);
        if is_so(&found) {
            return found;
        }
        assert!(Instant::now() < until, "{what}: {found:#?}\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Orders a backup and waits until it is made and can be restored.
fn ordered(server: &TestServer) -> Value {
    let id = server.done("backups/new", "")["created_id"].clone();
    let is_so = |found: &[Value]| found.iter().any(|row| row["id"] == id && row["good"] == 1);
    let found = wait(server, "it is good", is_so);
    found.into_iter().find(|row| row["id"] == id).expect("it")
}

/// A text as a form sends it.
fn form(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn path_of(server: &TestServer, backup: &Value) -> PathBuf {
    server.data().join("backups").join(backup["name"].as_str().expect("a name"))
}

fn events(server: &TestServer) -> Vec<(String, Value)> {
    let answer = server.done("events/list", "after=0&types[]=backup.*&limit=1000");
    let events = answer["events"].as_array().expect("a list").iter();
    events
        .map(|event| (event["type"].as_str().expect("a type").to_owned(), event["data"]["after"].clone()))
        .collect()
}

fn verify(file: &Path) {
    let (code, out, errors) = linecard(Path::new("/nowhere"), &["verify", &file.display().to_string()]);
    assert_eq!(code, 0, "{out}{errors}");
}

#[test]
fn a_backup_is_ordered_verified_downloaded_and_deleted() {
    let server = server();
    let panel = Panel::admin(&server);
    server.done("line/new", "data[username]=bob&data[password]=pw");
    let page = panel.get("/panel/settings/backups");
    assert!(page.contains("No backup yet") && page.contains("Start a backup"), "{page}");
    let backup = ordered(&server);
    assert_eq!(
        (&backup["kind"], &backup["state"], &backup["sent_at"]),
        (&"person".into(), &"made".into(), &Value::Null)
    );
    let path = path_of(&server, &backup);
    let about = fs::metadata(&path).expect("a file");
    assert_eq!((about.mode() & 0o777, Some(about.len())), (0o600, backup["bytes"].as_u64()));
    assert_eq!(fs::metadata(path.parent().expect("a folder")).expect("it").mode() & 0o777, 0o700);
    assert_eq!(
        fs::read_dir(path.parent().expect("a folder")).expect("it").count(),
        1,
        "nothing is left beside it"
    );
    verify(&path);
    let told = events(&server);
    assert_eq!((told.len(), told[0].0.as_str()), (1, "backup.done"), "{told:?}");
    let jobs = server.done("jobs/list", "")["jobs"].clone();
    let job =
        jobs.as_array().expect("a list").iter().find(|job| job["name"] == "Backup").expect("it").clone();
    assert!(job["running"] == false && job["failed"] == false && job["last_run_at"].is_number(), "{job}");

    // Again, on the page.
    let page = panel.done("/panel/settings/backups/1/verify", &[]);
    assert!(page.contains("is being restored as a trial"), "{page}");
    let before = backup["verified_at"].as_i64();
    wait(&server, "it is verified again", |found| {
        found[0]["verified_at"].as_i64() > before && found[0]["good"] == 1
    });
    assert_eq!(events(&server).len(), 1, "that is no news");
    let page = panel.get("/panel/settings/backups");
    assert!(page.contains("can be restored") && page.contains("by first key"), "{page}");

    // The very file, by those who may do everything.
    let whole =
        panel.curl(&["-X", "POST", "-o", "/dev/null", "-D", "-"], None, "/panel/settings/backups/1/download");
    assert_eq!(whole.status, 200);
    assert_eq!(whole.header("content-length"), [backup["bytes"].to_string()]);
    let name = format!("attachment; filename=\"{}\"", backup["name"].as_str().expect("a name"));
    assert_eq!(
        (whole.header("content-disposition"), whole.header("cache-control")),
        (vec![name.as_str()], vec!["no-store"])
    );
    let got = server.data().join("got.tar.zst");
    let shown = got.display().to_string();
    panel.curl(&["-X", "POST", "-o", &shown], None, "/panel/settings/backups/1/download");
    let bytes = fs::read(&got).expect("it was downloaded");
    assert!(bytes.ends_with(&fs::read(&path).expect("it")), "{}", bytes.len());
    let audit = server.done("logs/list", "kind=audit&search=download")["logs"].clone();
    assert_eq!((&audit[0]["resource"], &audit[0]["actor"]), (&"backups".into(), &"admin".into()), "{audit}");
    assert_eq!(panel.ask("/panel/settings/backups/1/download").status, 405, "by POST alone");

    assert_eq!(server.refused("backups/delete", "id=1&if_updated_at=7"), "Changed meanwhile");
    let page = panel.get("/panel/settings/backups/1/delete");
    assert!(page.contains("cannot be undone"), "{page}");
    panel.done("/panel/settings/backups/1/delete", &[]);
    assert!(list(&server).is_empty());
    wait(&server, "its file goes", |_| !path.exists());
    assert_eq!(server.refused("backups/verify", "id=1"), "Backup does not exist");
    assert_eq!(server.refused("backups/delete", "id=1"), "Backup does not exist");
}

#[test]
fn who_may_not_do_everything_neither_downloads_nor_says_where_copies_go() {
    let server = server();
    ordered(&server);
    server.done("groups/new", "data[name]=Night&data[rights][]=backups&data[rights][]=settings");
    server.done("resellers/new", "data[name]=North");
    for (name, more) in [("nora", "data[group_id]=3"), ("sara", "data[group_id]=2&data[reseller_id]=1")] {
        let who =
            format!("data[username]={name}&data[email]={name}@a.example&data[password]={PASSWORD}&{more}");
        server.done("administrators/new", &who);
    }
    let nora = Panel::of(&server, "nora", PASSWORD);
    let page = nora.get("/panel/settings/backups");
    assert!(
        page.contains("Start a backup") && !page.contains("Download") && !page.contains("backup_target"),
        "{page}"
    );
    let refused = nora.curl(&["-X", "POST"], None, "/panel/settings/backups/1/download");
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("Downloading a backup needs the right full"), "{}", refused.body);
    nora.done("/panel/settings/backups", &[("backup_hour", "5")]);
    assert_eq!(server.done("settings/get", "")["settings"]["backup_hour"], 5);
    nora.refused("/panel/settings/backups", &[("backup_target", "/bin/cat")], 403);
    let sara = Panel::of(&server, "sara", PASSWORD);
    for path in ["/panel/settings/backups", "/panel/settings/backups/1/delete"] {
        assert_eq!(sara.ask(path).status, 403, "{path}");
    }
    let key = |scope: &str, more: &str| -> String {
        let sent = format!("data[name]={scope}&data[scope][]={scope}{more}");
        server.done("settings/api_key_new", &sent)["api_key"].as_str().expect("a key").to_owned()
    };
    let (settings, bound) = (key("settings", ""), key("line", "&data[reseller_id]=1"));
    let asked = |key: &str, call: &str, body: &str| -> String {
        let answer = server.post(call, &format!("api_key={key}&{body}")).1;
        answer["error"].as_str().unwrap_or_default().to_owned()
    };
    for setting in ["backup_target=/bin/cat", "backup_recipient="] {
        let setting = setting.replace("backup_recipient=", &format!("backup_recipient={RECIPIENT}"));
        let why = asked(&settings, "settings/update", &format!("data[{}", setting.replacen('=', "]=", 1)));
        assert!(why.contains("cannot be changed without the right full"), "{why}");
    }
    assert!(asked(&settings, "backups/list", "").contains("add backups:read"));
    assert!(!asked(&bound, "backups/new", "").is_empty());
}

#[test]
fn a_day_passes_and_one_is_made_and_none_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = folder.path().join("clock");
    let set = |text: &str| fs::write(&clock, format!("{text}\n")).expect("the clock");
    set("+0");
    let server = server_by(folder, &clock);
    let now = server.done("settings/get", "")["settings"]["updated_at"].as_i64().expect("a time");
    let hour = |later: i64| (now / 3_600 + later).rem_euclid(24);
    server.done("settings/update", &format!("data[backup_hour]={}&data[time_zone]=UTC", hour(2)));
    set("+1h");
    std::thread::sleep(Duration::from_secs(3));
    assert!(list(&server).is_empty(), "not before its hour");
    set("+3h");
    let found = wait(&server, "it is made", |found| found.iter().any(|row| row["good"] == 1));
    assert_eq!((found.len(), &found[0]["kind"]), (1, &"schedule".into()), "{found:#?}");

    // Switched off at that hour of the next day: once, as soon as it runs again.
    let at = |server: TestServer, text: &str| {
        let folder = server.stop();
        let clock = folder.path().join("clock");
        fs::write(&clock, format!("{text}\n")).expect("the clock");
        (server_by(folder, &clock), clock)
    };
    let (server, _) = at(server, "+4h");
    let (server, clock) = at(server, "+26h");
    let found = wait(&server, "it is caught up with", |found| found.len() == 2 && found[0]["good"] == 1);
    assert_eq!(found[0]["kind"], "schedule");
    fs::write(&clock, "+28h\n").expect("the clock");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(list(&server).len(), 2, "{:#?}", list(&server));

    // Of many days the last ones stay, and what people made.
    ordered(&server);
    let copies = "INSERT INTO backups (name, kind, state, verified_at, created_at, updated_at) \
                  SELECT 'linecard-' || value || '.tar.zst', 'schedule', 'made', 1, unixepoch() - value * 86400, 1 \
                  FROM (WITH RECURSIVE n(value) AS (VALUES(2) UNION ALL SELECT value + 1 FROM n WHERE value < 60) SELECT value FROM n)";
    for number in 2..=60 {
        fs::write(server.data().join(format!("backups/linecard-{number}.tar.zst")), "").expect("a file");
    }
    sql(server.data(), copies);
    server.done(
        "settings/update",
        "data[backup_keep_daily]=3&data[backup_keep_weekly]=0&data[backup_keep_monthly]=0",
    );
    let kinds = |found: &[Value], kind: &str| found.iter().filter(|row| row["kind"] == kind).count();
    let found = wait(&server, "the old ones go", |found| kinds(found, "schedule") == 3);
    assert_eq!(kinds(&found, "person"), 1, "{found:#?}");
    assert_eq!(fs::read_dir(server.data().join("backups")).expect("it").count(), 4);
}

#[test]
fn what_fails_is_told_and_shown_until_it_is_well_again() {
    let server = server();
    let panel = Panel::admin(&server);
    let folder = server.data().join("backups");
    fs::write(&folder, "in the way").expect("a file");
    server.done("backups/new", "");
    let found = wait(&server, "it fails", |found| found[0]["state"] == "failed");
    let why = found[0]["error"].as_str().expect("why");
    assert!(why.contains("backups") && why.ends_with('.'), "{why}");
    let told = events(&server);
    assert_eq!((told.len(), told[0].0.as_str()), (1, "backup.failed"), "{told:?}");
    let dashboard = panel.get("/panel/");
    assert!(
        dashboard.contains("Backups that need attention") && dashboard.contains("The last backup failed"),
        "{dashboard}"
    );
    assert_eq!(server.refused("backups/verify", "id=1"), "This backup has no file");
    fs::remove_file(&folder).expect("gone");

    // A file that is damaged, one that goes, one that somebody brings.
    let good = ordered(&server);
    assert!(!panel.get("/panel/").contains("Backups that need attention"));
    let path = path_of(&server, &good);
    let whole = fs::read(&path).expect("it");
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 64].fill(0x55);
    fs::write(&path, &damaged).expect("written");
    server.done("backups/verify", &format!("id={}", good["id"]));
    let found =
        wait(&server, "it is found out", |found| found[0]["verify_error"] != "" && found[0]["good"] == 0);
    assert!(panel.get("/panel/").contains("cannot be restored"), "{found:#?}");
    assert_eq!(events(&server).iter().filter(|(kind, _)| kind == "backup.failed").count(), 2);
    fs::remove_file(&path).expect("gone");
    wait(&server, "it is missed", |found| found[0]["state"] == "missing");
    fs::write(folder.join("brought.tar.zst"), &whole).expect("written");
    let found =
        wait(&server, "it is found", |found| found.iter().any(|row| row["name"] == "brought.tar.zst"));
    let brought = found.iter().find(|row| row["kind"] == "file").expect("it");
    server.done("backups/verify", &format!("id={}", brought["id"]));
    wait(&server, "it is good", |found| found.iter().any(|row| row["kind"] == "file" && row["good"] == 1));
}

/// The public key of [`SECRET`].
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

#[test]
fn copies_go_to_a_store_encrypted_and_come_back_as_they_were() {
    let server = server();
    let secret = age::x25519::Identity::generate();
    let bucket = Bucket::start(0, Manner::Busy(1));
    let target = form(&format!("s3-http://AKIAKEY:s3cret%2Fword@{}/tv/north", bucket.address));
    let (recipient, other) = (secret.to_public().to_string(), age::x25519::Identity::generate().to_public());
    for wrong in ["age1x", "ssh-ed25519 AAAA", &recipient.replacen("age1", "age1q", 1)] {
        let why = server.refused("settings/update", &format!("data[backup_recipient]={}", form(wrong)));
        assert!(why.starts_with("Invalid backup_recipient: public keys of age"), "{why}");
    }
    for wrong in ["s3://tv.example/b", "http://a:b@tv.example/b", "keep.sh", "/bin/keep | cat"] {
        let why = server.refused("settings/update", &format!("data[backup_target]={}", form(wrong)));
        assert!(why.starts_with("Invalid backup_target: "), "{why}");
    }
    server.done(
        "settings/update",
        &format!("data[backup_target]={target}&data[backup_recipient]={recipient}%20{other}"),
    );
    let settings = server.done("settings/get", "")["settings"].clone();
    assert_eq!(settings["backup_target"], "***");
    assert_eq!(settings["backup_recipient"], format!("{recipient} {other}"));
    server.done("settings/update", "data[backup_target]=***");
    // Larger than one part, and of what cannot be packed.
    sql(server.data(), "UPDATE audit_log SET after = '\"' || hex(randomblob(9500000)) || '\"' WHERE id = 1");
    let backup = ordered(&server);
    let found = wait(&server, "it is sent", |found| found[0]["sent_at"].is_number());
    let shown = format!("s3://{}/tv/north", bucket.address);
    assert_eq!(
        (&found[0]["sent_to"], &found[0]["encrypted"]),
        (&Value::from(shown.clone()), &1.into()),
        "{found:#?}"
    );
    let (name, sealed) = bucket
        .objects
        .lock()
        .first_key_value()
        .map(|(name, bytes)| (name.clone(), bytes.clone()))
        .expect("it");
    assert_eq!(name, format!("/tv/north/{}.age", backup["name"].as_str().expect("a name")));
    assert!(bucket.requests.lock().iter().any(|line| line.contains("partNumber=2")), "in parts");
    let opened = age::decrypt(&secret, &sealed).expect("it is decrypted");
    let file = server.data().join("back.tar.zst");
    fs::write(&file, &opened).expect("written");
    assert!(opened == fs::read(path_of(&server, &backup)).expect("it"));
    verify(&file);
    let page = Panel::admin(&server).get("/panel/settings/backups");
    assert!(page.contains(&shown) && !page.contains("AKIAKEY"), "{page}");
    let log = server.log();
    assert!(!bucket.requests.lock().concat().contains("s3cret") && !log.contains("s3cret"), "{log}");
    assert_eq!(
        fs::read_dir(server.data().join("backups")).expect("it").count(),
        1,
        "nothing is left beside it"
    );
}

#[test]
fn a_store_that_is_away_refuses_or_loses_has_a_reason_and_gets_it_later() {
    let server = server();
    let port = Bucket::start(0, Manner::Refuses("SignatureDoesNotMatch")).address.port();
    server.done(
        "settings/update",
        &format!("data[backup_target]=s3-http://AKIAKEY:s3cret@127.0.0.1:{port}/tv"),
    );
    ordered(&server);
    let found = wait(&server, "it is refused", |found| found[0]["send_error"] != "");
    let why = found[0]["send_error"].as_str().expect("why");
    assert!(
        why.contains("403 (SignatureDoesNotMatch): check KEY and SECRET") && !why.contains("s3cret"),
        "{why}"
    );
    assert_eq!((&found[0]["good"], found[0]["next_send_at"].is_number()), (&1.into(), true));
    let failed =
        |server: &TestServer| events(server).iter().filter(|(kind, _)| kind == "backup.failed").count();
    assert_eq!((failed(&server), events(&server).len()), (1, 1));
    let dashboard = Panel::admin(&server).get("/panel/");
    assert!(dashboard.contains("The last copy was not sent"), "{dashboard}");

    // Nobody is there; then one that loses; then one that keeps and lets nobody look.
    let hurry = || sql(server.data(), "UPDATE backups SET next_send_at = 1 WHERE next_send_at IS NOT NULL");
    let to = |port: u16| {
        let target = format!("s3-http://AKIAKEY:s3cret@127.0.0.1:{port}/tv");
        server.done("settings/update", &format!("data[backup_target]={target}"));
        hurry();
    };
    let says = |what: &'static str| {
        wait(&server, what, |found| found[0]["send_error"].as_str().is_some_and(|why| why.contains(what)));
    };
    to(9);
    says("the connection was refused");
    to(Bucket::start(0, Manner::Loses).address.port());
    says("bytes are there");
    let bucket = Bucket::start(0, Manner::WriteOnly);
    to(bucket.address.port());
    let found = wait(&server, "it is sent", |found| found[0]["sent_at"].is_number());
    assert_eq!((&found[0]["send_error"], &found[0]["encrypted"]), (&"".into(), &0.into()), "{found:#?}");
    assert_eq!(bucket.objects.lock().len(), 1);
    assert_eq!((failed(&server), events(&server).len()), (1, 2), "told once, and that it is done");
    server.done("settings/update", "data[backup_target]=");
    assert_eq!(server.done("settings/get", "")["settings"]["backup_target"], "");
}

#[test]
fn copies_go_to_a_command_that_no_shell_reads() {
    let server = server();
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("keep.sh");
    fs::write(&script, "cd \"$(dirname \"$0\")\" && cat > \"$1\" && env > env && [ ! -e full ] || { echo no room left >&2; exit 7; }")
        .expect("a script");
    let target = form(&format!("/bin/sh {} {{name}}", script.display()));
    server.done("settings/update", &format!("data[backup_target]={target}"));
    let backup = ordered(&server);
    let found = wait(&server, "it is sent", |found| found[0]["sent_at"].is_number());
    assert_eq!(found[0]["sent_to"], "/bin/sh", "arguments may be secrets");
    let name = backup["name"].as_str().expect("a name");
    let copy = fs::read(folder.path().join(name)).expect("the copy");
    assert!(copy == fs::read(path_of(&server, &backup)).expect("it"));
    let env = fs::read_to_string(folder.path().join("env")).expect("it");
    assert!(env.contains("PATH=") && !env.contains("LINECARD"), "{env}");

    fs::write(folder.path().join("full"), "").expect("a file");
    ordered(&server);
    let found = wait(&server, "it fails", |found| found[0]["send_error"] != "");
    assert_eq!(found[0]["send_error"], "/bin/sh ended with exit status: 7: no room left.");

    // A server that was told so runs none, whatever the settings say.
    fs::remove_file(folder.path().join("full")).expect("gone");
    let server = TestServer::with(server.stop(), &[], &[("LINECARD_NO_BACKUP_COMMAND", Path::new("1"))]);
    let why = server.refused("settings/update", "data[backup_target]=/bin/cat");
    assert!(why.contains("was started with LINECARD_NO_BACKUP_COMMAND"), "{why}");
    sql(server.data(), "UPDATE backups SET next_send_at = 1, send_error = '' WHERE next_send_at IS NOT NULL");
    let found = wait(&server, "it is not run", |found| found[0]["send_error"] != "");
    assert!(
        found[0]["send_error"].as_str().is_some_and(|why| why.contains("NO_BACKUP_COMMAND")),
        "{found:#?}"
    );
}

#[test]
fn a_server_that_is_killed_while_it_makes_one_says_so_and_leaves_nothing_behind() {
    let server = server();
    ordered(&server);
    let folder = server.data().join("backups");
    sql(
        server.data(),
        "INSERT INTO backups (name, kind, state, created_at, updated_at) VALUES ('linecard-cut.tar.zst', 'person', 'running', 1, 1)",
    );
    let data = server.kill();
    for left in ["linecard-cut.tar.zst.part", ".sealed.age"] {
        fs::write(folder.join(left), "x").expect("a file");
    }
    fs::create_dir(folder.join(".trial")).expect("a folder");
    let server = TestServer::on(data, &[]);
    let found = wait(&server, "it has failed", |found| found[0]["state"] == "failed");
    assert_eq!(found[0]["error"], "It was broken off while it was made.");
    assert_eq!(fs::read_dir(&folder).expect("it").count(), 1);
}
