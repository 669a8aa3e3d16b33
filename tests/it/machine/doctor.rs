//! `linecard doctor`: what it finds, and that nothing secret is in what it tells.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use crate::support::{KEY, PROGRAM, TestServer};

fn doctor(data: &Path, arguments: &[&str]) -> (i32, String) {
    with_path(data, arguments, None)
}

fn with_path(data: &Path, arguments: &[&str], path: Option<&str>) -> (i32, String) {
    let mut command = Command::new(PROGRAM);
    command.arg("doctor").args(arguments).env("LINECARD_DATA", data).env_remove("LINECARD_LISTEN");
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.code().unwrap_or(-1), said)
}

#[test]
fn it_says_what_is_wrong_and_what_to_do() {
    let empty = tempfile::tempdir().expect("a folder");
    let (code, said) = doctor(empty.path(), &["--listen", "127.0.0.1:0"]);
    assert!(code == 1 && said.contains("failed   database"), "{said}");
    assert!(std::fs::read_dir(empty.path()).expect("a folder").next().is_none(), "it makes nothing");

    let server = TestServer::start();
    let listen = server.url.trim_start_matches("http://").to_owned();
    let (code, said) = doctor(server.data(), &["--listen", &listen]);
    assert_eq!(code, 0, "{said}");
    for line in [
        concat!("ok       program       Linecard ", env!("CARGO_PKG_VERSION")),
        "ok       ffmpeg        ffmpeg version",
        "ok       server        one runs on this folder",
        "says that it is ready",
        "ok       errors        none in the last 7 days",
        "0 lines, 0 mags",
    ] {
        assert!(said.contains(line), "{line} in {said}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken_at = taken.local_addr().expect("an address").to_string();
    let folder = server.stop();
    let (_, said) = with_path(folder.path(), &["--listen", &taken_at], Some("/nowhere"));
    for line in
        ["failed   ffmpeg        cannot be run", "warning  port", "none runs on this folder", "-> install it"]
    {
        assert!(said.contains(line), "{line} in {said}");
    }
    let pem = folder.path().join("broken.pem");
    std::fs::write(&pem, "no certificate").expect("a file");
    let pem = pem.to_str().expect("a path");
    let https =
        ["--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--tls-cert", pem, "--tls-key", pem];
    let (code, said) = doctor(folder.path(), &https);
    assert!(
        code == 1 && said.contains("failed   certificate   ") && said.contains("there is none"),
        "{said}"
    );
    let open = |mode| {
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    open(0o755);
    let (_, said) = doctor(folder.path(), &["--listen", "127.0.0.1:0"]);
    open(0o700);
    assert!(
        said.contains("everybody on this machine can look into it") && said.contains("-> chmod 700"),
        "{said}"
    );
}

#[test]
fn the_bundle_holds_no_secret_name_or_source() {
    let server = TestServer::start().expecting("no such table");
    let secrets = [
        "Planted-Line",
        "planted-pass",
        "planted-name",
        "planted.example",
        "planted-user",
        "planted-word",
        "planted-header",
        "planted-mag",
        "planted-smtp",
        "planted-hook",
        "planted-note",
        "planted-classic",
        "planted-operator",
        KEY,
    ];
    for (call, body) in [
        (
            "settings/update",
            "data[operator_name]=planted-operator&data[smtp_url]=smtp://planted-user:planted-smtp@planted.example:587",
        ),
        (
            "settings/update",
            "data[classic_api_password]=planted-classic&data[mail_from]=planted-name@planted.example",
        ),
        ("settings/update", "data[alert_emails][]=planted-name@planted.example"),
        (
            "streams/new",
            "data[name]=planted-name&data[sources][]=http://planted-user:planted-word@planted.example/planted-word.ts&data[headers][]=X-Token: planted-header",
        ),
        ("line/new", "data[username]=Planted-Line&data[password]=planted-pass&data[notes]=planted-note"),
        (
            "mag/new",
            "data[mac_address]=00:1A:79:00:00:01&data[login]=planted-mag&data[password]=planted-pass",
        ),
        ("webhooks/new", "data[url]=https://planted.example/planted-hook"),
        ("resellers/new", "data[name]=planted-name"),
        (
            "guide_sources/new",
            "data[name]=planted-name&data[url]=https://planted-user:planted-word@planted.example/g.xml",
        ),
    ] {
        server.done(call, body);
    }
    // An error for its log.
    let open = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    open.execute_batch("ALTER TABLE groups RENAME TO hidden_groups").expect("a fault");
    let (_, answer) = server.post("groups/new", &format!("api_key={KEY}&data[name]=planted-name"));
    assert_eq!(answer["result"], false);
    open.execute_batch("ALTER TABLE hidden_groups RENAME TO groups").expect("mended");
    drop(open);
    let errors = || server.done("logs/list", "kind=error")["total"].as_i64().unwrap_or(0);
    crate::support::tv::within(5, "the error is in the log", || errors() > 0);

    let out = tempfile::tempdir().expect("a folder");
    let file = out.path().join("bundle.tar.gz");
    let listen = server.url.trim_start_matches("http://").to_owned();
    let (_, said) = doctor(server.data(), &["--listen", &listen, "--bundle", file.to_str().expect("a path")]);
    assert!(said.contains("written: ") && said.contains("warning  errors"), "{said}");
    assert_eq!(file.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    let unpacked =
        Command::new("tar").args(["-xzf"]).arg(&file).arg("-C").arg(out.path()).output().expect("tar");
    assert!(
        unpacked.status.success() && unpacked.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&unpacked.stderr)
    );
    let text =
        |name: &str| std::fs::read_to_string(out.path().join("linecard-doctor").join(name)).expect("a file");
    let all = format!("{said}{}{}", text("report.txt"), text("details.txt"));
    for line in [
        "smtp_url = set",
        "operator_name = set",
        "alert_emails = 1 entries",
        "failure_limit = 20",
        "groups/new: no such table",
    ] {
        assert!(all.contains(line), "{line} in {all}");
    }
    let lower = all.to_lowercase();
    let told: Vec<&&str> = secrets.iter().filter(|secret| lower.contains(&secret.to_lowercase())).collect();
    assert!(told.is_empty(), "{told:?} in {all}");
    let (code, said) = doctor(server.data(), &["--bundle", file.to_str().expect("a path")]);
    assert!(code == 1 && said.contains("cannot write"), "a file that is there stays: {said}");
}
