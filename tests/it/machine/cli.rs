//! The command line: what it prints, where, and with which exit code.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{KEY, PROGRAM, TestServer, linecard};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Runs a command that must succeed; its standard output.
fn done(data: &Path, arguments: &[&str]) -> String {
    let (code, said, errors) = linecard(data, arguments);
    assert_eq!(code, 0, "{arguments:?}: {said}{errors}");
    said
}

/// Runs a command that must fail; its standard error.
fn failed(data: &Path, arguments: &[&str]) -> String {
    let (code, said, errors) = linecard(data, arguments);
    assert_eq!((code != 0, said.as_str()), (true, ""), "{arguments:?}: {errors}");
    assert!(!errors.contains("panic") && !errors.is_empty(), "{arguments:?}: {errors}");
    errors
}

/// What `serve` prints up to the line that it listens, in an environment.
fn greeting(data: &Path, environment: &[(&str, &str)]) -> String {
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("LINECARD_DATA", data)
        .envs(environment.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut said = String::new();
    for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
        let line = line.expect("text");
        said = said + &line + "\n";
        if line.starts_with("Linecard is listening on ") {
            break;
        }
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    said
}

/// The value that stands after a label in the greeting.
fn shown(greeting: &str, label: &str) -> String {
    let line = greeting.lines().find_map(|line| line.trim().strip_prefix(label));
    line.unwrap_or_else(|| panic!("{label}: {greeting}")).trim().to_owned()
}

fn works(server: &TestServer, key: &str) -> u16 {
    server.post("line/list", &format!("api_key={key}")).0
}

/// Waits for at most two seconds, as the server promises. Eight times at most: ten wrong keys block the address.
fn soon(mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(2);
    while !holds() {
        assert!(Instant::now() < until, "it is not noticed within two seconds");
        std::thread::sleep(Duration::from_millis(250));
    }
}

#[test]
fn the_first_start_shows_a_password_a_key_and_the_whitelist_and_the_next_one_does_not() {
    let data = folder();
    let first = greeting(data.path(), &[]);
    assert!(first.contains("administrator  admin"), "{first}");
    assert!(shown(&first, "password").len() >= 12, "{first}");
    assert_eq!(shown(&first, "API whitelist"), "127.0.0.0/8, ::1");
    let key = shown(&first, "API key");
    let again = greeting(data.path(), &[]);
    assert!(again.starts_with("Linecard is listening on http://127.0.0.1:"), "{again}");
    let server = TestServer::on(data, &[]);
    assert_eq!(server.greeting, "");
    assert_eq!(
        (works(&server, &key), works(&server, KEY)),
        (200, 401),
        "a later environment changes nothing"
    );
}

#[test]
fn what_the_environment_gives_is_taken_and_not_shown() {
    let data = folder();
    let environment = [
        ("LINECARD_ADMIN_PASSWORD", "given-password"),
        ("LINECARD_API_KEY", KEY),
        ("LINECARD_API_ALLOW", "127.0.0.1, 192.0.2.0/24"),
    ];
    let said = greeting(data.path(), &environment);
    assert!(!said.contains("given-password") && !said.contains(KEY), "{said}");
    assert_eq!(shown(&said, "API whitelist"), "127.0.0.1, 192.0.2.0/24");
    let server = TestServer::on(data, &[]);
    assert_eq!(works(&server, KEY), 200);
    assert_eq!(done(server.data(), &["whitelist", "list"]), "127.0.0.1\t\n192.0.2.0/24\t\n");
}

#[test]
fn a_wrong_environment_is_named_and_makes_nothing() {
    for (name, value) in [
        ("LINECARD_API_KEY", "short"),
        ("LINECARD_ADMIN_PASSWORD", "short"),
        ("LINECARD_API_ALLOW", "192.0.2.300"),
    ] {
        let data = folder();
        let output = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("LINECARD_DATA", data.path())
            .env(name, value)
            .output()
            .expect("the program starts");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(&format!("linecard: {name}: ")), "{errors}");
        assert_eq!(std::fs::read_dir(data.path()).expect("the folder").count(), 0, "{name}");
    }
}

#[test]
fn a_created_key_is_all_that_is_printed_and_it_works_in_the_running_server() {
    let server = TestServer::start();
    let said = done(server.data(), &["api-key", "create", "billing", "--scope", "line,mag:read"]);
    let key = said.trim_end();
    assert!(
        key.len() >= 32 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)),
        "{said}"
    );
    assert_eq!(said, format!("{key}\n"));
    soon(|| works(&server, key) == 200);
    assert!(server.post("resellers/list", &format!("api_key={key}")).1["result"] == false);
    let errors = failed(server.data(), &["api-key", "create", "BILLING"]);
    assert!(errors.contains("exists"), "{errors}");
}

#[test]
fn a_key_created_before_the_first_start_is_printed_alone_too() {
    let data = folder();
    let said = done(data.path(), &["api-key", "create", "billing"]);
    assert_eq!(said.lines().count(), 1, "{said}");
    let server = TestServer::on(data, &[]);
    assert_eq!(works(&server, said.trim_end()), 200);
}

#[test]
fn keys_are_listed_without_secrets_and_revoked_by_name_or_id() {
    let server = TestServer::start();
    server.done("resellers/new", "data[name]=North");
    let arguments = ["api-key", "create", "billing", "--address", "127.0.0.1", "--expires-at", "4102444800"];
    let key = done(server.data(), &arguments);
    let listed = done(server.data(), &["api-key", "list"]);
    let rows: Vec<&str> = listed.lines().collect();
    assert_eq!(rows[0], "id\tname\tscope\taddresses\texpires_at\tlast_used_at\treseller_id");
    assert_eq!(rows[2], "2\tbilling\tfull\t127.0.0.1\t4102444800\tnever\t");
    assert!(!listed.contains(key.trim_end()));
    soon(|| works(&server, key.trim_end()) == 200);
    assert_eq!(done(server.data(), &["api-key", "revoke", "billing"]), "revoked key 2\n");
    soon(|| works(&server, key.trim_end()) == 401);
    let errors = failed(server.data(), &["api-key", "revoke", "2"]);
    assert!(errors.contains("API key does not exist"), "{errors}");
    assert_eq!(done(server.data(), &["api-key", "revoke", "1"]), "revoked key 1\n");
    done(server.data(), &["api-key", "create", "north", "--reseller", "1", "--scope", "line,mag:read"]);
    let listed = done(server.data(), &["api-key", "list"]);
    assert!(listed.ends_with("north\tline,mag:read\t\tnever\tnever\t1\n"), "{listed}");
    assert!(failed(server.data(), &["api-key", "create", "x", "--reseller", "9"]).contains("does not exist"));
}

#[test]
fn administrators_are_made_listed_and_given_new_passwords() {
    let data = folder();
    let password = done(data.path(), &["admin", "create", "anna", "anna@example.com"]);
    assert!(password.trim_end().len() >= 12 && password.lines().count() == 1, "{password}");
    let reset = done(data.path(), &["admin", "password", "anna"]);
    assert!(reset.lines().count() == 1 && reset != password);
    done(data.path(), &["admin", "create", "rita", "rita@example.com", "--group", "2"]);
    let listed = done(data.path(), &["admin", "list"]);
    let expected = "id\tusername\temail\tgroup\treseller\tdisabled\t2fa\n\
                    1\tadmin\tadmin@localhost.localdomain\tAdministrators\t\t0\t0\n\
                    2\tanna\tanna@example.com\tAdministrators\t\t0\t0\n\
                    3\trita\trita@example.com\tResellers\t\t0\t0\n";
    assert_eq!(listed, expected);
    for (arguments, why) in [
        (&["admin", "create", "ANNA", "other@example.com"][..], "exists"),
        (&["admin", "create", "bert", "nowhere"], "name@example.com"),
        (&["admin", "create", "bert", "bert@example.com", "--group", "9"], "Group does not exist"),
        (&["admin", "password", "nobody"], "Administrator does not exist"),
    ] {
        let errors = failed(data.path(), arguments);
        assert!(errors.contains(why), "{arguments:?}: {errors}");
    }
    assert_eq!(done(data.path(), &["admin", "list"]), expected);
}

#[test]
fn a_password_from_the_environment_is_not_printed() {
    let data = folder();
    done(data.path(), &["whitelist", "add", "192.0.2.1"]);
    let mut command = Command::new(PROGRAM);
    command.args(["admin", "password", "admin"]).env("LINECARD_DATA", data.path());
    let output = command.env("LINECARD_ADMIN_PASSWORD", "given-password").output().expect("it runs");
    assert_eq!((output.status.success(), output.stdout.as_slice()), (true, &b""[..]));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("given-password"));
}

#[test]
fn the_whitelist_is_kept_on_the_command_line() {
    let data = folder();
    let said = done(data.path(), &["whitelist", "add", "192.0.2.77/24", "--note", "office"]);
    assert_eq!(said, "192.0.2.0/24 may use the Server API\n");
    assert_eq!(done(data.path(), &["whitelist", "list"]), "127.0.0.0/8\t\n::1\t\n192.0.2.0/24\toffice\n");
    assert!(failed(data.path(), &["whitelist", "add", "192.0.2.0/24"]).contains("exists"));
    assert!(failed(data.path(), &["whitelist", "add", "x"]).contains("CIDR"));
    let said = done(data.path(), &["whitelist", "remove", "192.0.2.0/24"]);
    assert_eq!(said, "192.0.2.0/24 may no longer use the Server API\n");
    assert!(
        failed(data.path(), &["whitelist", "remove", "192.0.2.0/24"]).contains("is not on the whitelist")
    );
}

#[test]
fn an_empty_file_is_no_database_and_stays_empty() {
    let data = folder();
    let file = data.path().join("linecard.db");
    std::fs::write(&file, "").expect("an empty file");
    for command in [&["check"][..], &["whitelist", "list"]] {
        let (code, _, errors) = linecard(data.path(), command);
        assert!(code != 0 && errors.contains("is empty: restore a backup"), "{command:?}: {errors}");
        assert_eq!(std::fs::metadata(&file).expect("the file").len(), 0);
    }
}

#[test]
fn demo_data_passes_the_check_and_is_made_once() {
    let data = folder();
    let (code, said, steps) = linecard(data.path(), &["demo"]);
    assert!(code == 0 && !said.is_empty(), "{said}{steps}");
    for step in ["drawing test picture 1 of ", "making streams", "lines and 500 MAGs"] {
        assert!(steps.contains(step), "{steps}");
    }
    let whole = "the database is whole: integrity, references, ledger and counts are right\n";
    assert_eq!(done(data.path(), &["check"]), whole);
    let (code, ..) = linecard(data.path(), &["demo"]);
    assert_eq!(done(data.path(), &["check"]), whole, "demo again ended with {code}");

    // Nor does it mix what is invented with what an operator has made, line or not.
    let server = TestServer::start();
    for (call, body, what) in [
        ("settings/update", "data[operator_name]=Mine", "changes in the audit trail"),
        ("categories/new", "data[name]=Noticias", "categories"),
        ("streams/new", "data[name]=Uno", "streams"),
        ("settings/api_key_new", "data[name]=second", "further API keys"),
        ("servers/new", "data[name]=Two&data[server_ip]=192.0.2.9", "further servers"),
        ("groups/new", "data[name]=Staff", "further groups"),
    ] {
        server.done(call, body);
        let (code, said, why) = linecard(server.data(), &["demo"]);
        assert!(code == 1 && why.contains(&format!("There are {what} already")), "{said}{why}");
    }
    assert!(!server.data().join("media/demo-news.ts").exists(), "and draws nothing");
    assert_eq!(server.done("streams/list", "")["total"], 1);
    let key = done(data.path(), &["api-key", "create", "look"]);
    let server = TestServer::on(data, &[]);
    let body = format!("api_key={}", key.trim_end());
    // Its address is what the demo said.
    let yesterday = said.split_whitespace().find(|word| word.starts_with("/timeshift/")).expect("an address");
    let asked = server.curl(yesterday, &["-o", "/dev/null", "-r", "0-187"]);
    assert_eq!(asked.0, 206, "{said}");
    for call in [
        "line/list",
        "mag/list",
        "streams/list",
        "bouquets/list",
        "subscription_plans/list",
        "resellers/list",
    ] {
        let (_, answer) = server.post(call, &body);
        assert!(answer["total"].as_i64().is_some_and(|total| total > 0), "{call}: {answer}");
    }
}

#[test]
fn healthcheck_says_ok_or_why_not() {
    let server = TestServer::start();
    let address = server.url.trim_start_matches("http://").to_owned();
    assert_eq!(done(server.data(), &["healthcheck", "--listen", &address]), "ok\n");
    let data = server.stop();
    let errors = failed(data.path(), &["healthcheck", "--listen", &address]);
    assert!(errors.contains(&address), "{errors}");
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let server = TestServer::start();
    let errors = failed(server.data(), &["serve", "--listen", "127.0.0.1:0"]);
    assert!(errors.contains("another linecard serve runs on the folder"), "{errors}");
}

#[test]
fn wrong_commands_say_how_they_are_used() {
    let data = folder();
    for arguments in [&["fly"][..], &[], &["api-key", "create"], &["serve", "--listen", "nowhere"]] {
        let errors = failed(data.path(), arguments);
        assert!(errors.contains("Usage") || errors.contains("--help"), "{arguments:?}: {errors}");
    }
    assert!(done(data.path(), &["--version"]).starts_with("linecard "));
    assert_eq!(std::fs::read_dir(data.path()).expect("the folder").count(), 0);
}
