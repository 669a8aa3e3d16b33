//! What packages bring: the unit, what systemd is told, manual pages, completions, variables.

use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use crate::support::{KEY, PROGRAM, TestServer, disk, linecard};

const UNIT: &str = include_str!("../../../packaging/debian/linecard.service");

/// The socket of a service manager.
struct Manager(UnixDatagram);

impl Manager {
    /// What it hears next, within so many seconds.
    fn hears(&self, seconds: u64) -> Option<String> {
        self.0.set_read_timeout(Some(Duration::from_secs(seconds))).expect("a time");
        let mut heard = [0; 4096];
        let length = self.0.recv(&mut heard).ok()?;
        Some(String::from_utf8_lossy(&heard[..length]).into_owned())
    }

    /// Waits until it hears that.
    fn waits_for(&self, word: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        while !self.hears(20).is_some_and(|heard| heard.lines().any(|line| line == word)) {
            assert!(Instant::now() < until, "{word} was not said");
        }
    }
}

#[test]
fn systemd_is_told_that_the_server_is_ready_alive_only_while_it_is_and_stopping() {
    let at = tempfile::tempdir().expect("a folder");
    let (socket, stuck) = (at.path().join("notify"), at.path().join("stuck"));
    let manager = Manager(UnixDatagram::bind(&socket).expect("a socket"));
    let server = TestServer::with(
        tempfile::tempdir().expect("a folder"),
        &[],
        &[
            ("NOTIFY_SOCKET", &socket),
            ("WATCHDOG_USEC", Path::new("900000")),
            ("LD_PRELOAD", disk::library()),
            ("DISK_STUCK", &stuck),
        ],
    )
    .expecting("database busy");
    let first = manager.hears(20).expect("a message");
    assert!(first.lines().any(|line| line == "READY=1"), "{first}");
    assert!(first.contains(&format!("STATUS=Linecard is listening on {}", server.url)), "{first}");
    manager.waits_for("WATCHDOG=1");
    manager.waits_for("WATCHDOG=1");

    // Another program's lock is an error to callers, and no reason to start anew.
    let other = rusqlite::Connection::open(server.data().join("linecard.db")).expect("the database");
    other.busy_timeout(Duration::from_secs(5)).expect("set");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    manager.waits_for("WATCHDOG=1");
    other.execute_batch("ROLLBACK").expect("no lock");
    drop(other);

    // A writer that does not come back from the disk: the server answers, and is not alive.
    fs::write(&stuck, "").expect("the flag");
    let body = format!("api_key={KEY}");
    std::thread::scope(|scope| {
        scope.spawn(|| server.curl_quietly("/api/line/new", &body));
        let until = Instant::now() + Duration::from_secs(20);
        while manager.hears(2).is_some() {
            assert!(Instant::now() < until, "it is said to be alive all the time");
        }
        assert_eq!(server.curl("/healthz", &[]).0, 200);
        fs::remove_file(&stuck).expect("the flag");
    });
    manager.waits_for("WATCHDOG=1");
    server.done("line/list", "");
    server.stop();
    manager.waits_for("STOPPING=1");
}

/// The value of the last line of the unit with that name.
fn directive(name: &str) -> &'static str {
    UNIT.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).next_back().unwrap_or("")
}

#[test]
fn the_unit_is_one_that_systemd_takes_and_hardened() {
    for (name, value) in [
        ("Type", "notify"),
        ("User", "linecard"),
        ("StateDirectory", "linecard"),
        ("KillMode", "mixed"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("AmbientCapabilities", "CAP_NET_BIND_SERVICE"),
    ] {
        assert_eq!(directive(name), value, "{name}");
    }
    // systemd wants the program to be there.
    let folder = tempfile::tempdir().expect("a folder");
    let unit = folder.path().join("linecard.service");
    fs::write(&unit, UNIT.replace("/usr/bin/linecard", PROGRAM)).expect("the unit");
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).arg(&unit).output();
        let output = output.expect("systemd is installed: scripts/test does that");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    let (verified, said) = analyze(&["verify", "--man=no"]);
    // What it says of other units of this machine is not ours.
    assert!(verified && !said.contains("linecard.service"), "{said}");
    let (safe, said) = analyze(&["security", "--offline=yes", "--no-pager", "--threshold=30"]);
    assert!(safe, "{said}");
}

#[test]
fn every_command_has_its_page_completions_are_whole_and_every_variable_is_in_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().join("manual");
    let (code, said, why) = linecard(folder.path(), &["manual", at.to_str().expect("text")]);
    assert_eq!((code, said.as_str(), why.as_str()), (0, "", ""));
    let read = |name: &str| fs::read_to_string(at.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let page = read("man/linecard.1");
    assert!(
        page.starts_with(".ie") && page.contains(".SH FILES") && page.contains("linecard\\-serve(1)"),
        "{page}"
    );
    assert!(!page.contains("manual"), "{page}");
    let serve = read("man/linecard-serve.1");
    assert!(serve.contains("LINECARD_LISTEN") && !serve.contains("unsafe"), "{serve}");
    assert!(read("man/linecard-api-key-create.1").contains("\\-\\-scope"));

    assert!(read("completions/_linecard").starts_with("#compdef linecard"));
    assert!(read("completions/linecard.fish").contains("healthcheck"));
    // As a shell completes it.
    let script = at.join("completions/linecard.bash");
    let asked = format!(
        ". {}; COMP_WORDS=(linecard serve --li); COMP_CWORD=2; _linecard linecard --li serve; echo \"${{COMPREPLY[*]}}\"",
        script.display()
    );
    let output = Command::new("bash").args(["-c", &asked]).output().expect("bash");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "--listen", "{output:?}");

    let variables = read("linecard.env");
    let (_, help, _) = linecard(folder.path(), &["serve", "--help"]);
    let named: Vec<&str> =
        help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next()).collect();
    assert!(named.len() >= 6, "{help}");
    for name in named {
        assert!(variables.contains(&format!("\n#{name}=")), "{name}: {variables}");
    }
    assert!(variables.contains("\n#LINECARD_DATA=/var/lib/linecard\n"), "{variables}");
    assert!(variables.lines().all(|line| line.is_empty() || line.starts_with('#')), "{variables}");
}

#[test]
fn the_version_is_named_with_its_schema_by_the_program_and_at_the_foot_of_the_panel() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, said, _) = linecard(folder.path(), &["--version"]);
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"));
    let newest =
        (1..1000).take_while(|version| fixtures.join(format!("schema-{version}.sql")).exists()).last();
    let newest = newest.expect("fixtures");
    assert_eq!(said, format!("linecard {} (schema {newest})\n", env!("CARGO_PKG_VERSION")));
}
