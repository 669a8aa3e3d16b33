//! `servers/...`: who is online since when, and how busy the main server is.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{TestServer, linecard, mmdb};

/// A load balancer that comes and goes.
struct LoadBalancer {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl LoadBalancer {
    /// Answers every request with that text; without one it says nothing.
    fn on(address: &str, answer: Option<&str>) -> Self {
        let answer = answer.map(str::to_owned);
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("its address");
        let (ends, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ended, counted) = (ends.clone(), asked.clone());
        let thread = std::thread::spawn(move || {
            let mut silent = Vec::new();
            for connection in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let mut connection = connection.expect("a connection");
                match &answer {
                    Some(answer) => reply(&mut connection, answer),
                    None => silent.push(connection),
                }
            }
        });
        Self { address, ends, asked, thread: Some(thread) }
    }

    fn times_asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for LoadBalancer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().expect("it runs").join();
    }
}

fn reply(connection: &mut TcpStream, answer: &str) {
    let mut lines = BufReader::new(connection.try_clone().expect("a socket")).lines();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let _ = connection.write_all(answer.as_bytes());
}

fn add(server: &TestServer, name: &str, address: SocketAddr) -> i64 {
    let (ip, port) = (address.ip(), address.port());
    let fields = format!("data[name]={name}&data[server_ip]={ip}&data[http_port]={port}");
    server.done("servers/new", &fields)["created_id"].as_i64().expect("an id")
}

fn info(server: &TestServer, id: i64) -> Value {
    server.done("servers/info", &format!("id={id}"))["server"].clone()
}

/// Waits until the server looks as wanted: a round of probes is each 5 seconds, and one takes 3 at most.
fn wait_for(server: &TestServer, id: i64, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_secs(15);
    loop {
        let row = info(server, id);
        if wanted(&row) {
            return row;
        }
        assert!(Instant::now() < until, "it does not become {what}: {row}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn is(status: &'static str) -> impl Fn(&Value) -> bool {
    move |row| row["status"] == status
}

fn probed(row: &Value) -> bool {
    !row["last_check_at"].is_null()
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn a_load_balancer_is_online_while_it_answers() {
    let server = TestServer::start();
    let balancer = LoadBalancer::on("127.0.0.1:0", Some(OK));
    let address = balancer.address;
    let id = add(&server, "Edge", address);
    let online = wait_for(&server, id, "online", is("online"));
    assert!(online["status_since"].as_i64() <= online["last_check_at"].as_i64(), "{online}");
    assert_eq!(online["last_error"], Value::Null);
    assert!(online["cpu_percent"].is_null() && online["clients"].is_null(), "nothing is measured there");

    drop(balancer);
    let offline = wait_for(&server, id, "offline", is("offline"));
    let error = offline["last_error"].as_str().expect("a text");
    assert!(error.contains(&address.to_string()) && error.contains("refused"), "{error}");
    assert!(offline["status_since"].as_i64() > online["status_since"].as_i64(), "{offline}");
    let later = wait_for(&server, id, "probed again", |row| row["last_check_at"] != offline["last_check_at"]);
    assert_eq!(later["status_since"], offline["status_since"], "it has been offline all the time");

    let _balancer = LoadBalancer::on(&address.to_string(), Some(OK));
    let back = wait_for(&server, id, "online again", is("online"));
    assert!(back["status_since"].as_i64() > offline["status_since"].as_i64(), "{back}");
    assert_eq!(back["last_error"], offline["last_error"], "what was wrong last stays known");
}

#[test]
fn any_answer_in_http_is_online_and_nothing_else_is() {
    let server = TestServer::start();
    let elsewhere = LoadBalancer::on("127.0.0.1:0", Some(OK));
    let redirect =
        format!("HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", elsewhere.address);
    let cases = [
        ("redirect", Some(redirect.as_str()), "online", ""),
        ("error", Some("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), "online", ""),
        ("other", Some("SSH-2.0-OpenSSH_9.2\r\n"), "offline", "does not answer"),
        ("nothing", Some(""), "offline", "does not answer"),
        ("silent", None, "offline", "within 3 seconds"),
    ];
    let balancers: Vec<_> = cases
        .map(|(name, answer, status, error)| {
            let balancer = LoadBalancer::on("127.0.0.1:0", answer);
            (add(&server, name, balancer.address), name, balancer, status, error)
        })
        .into();
    for (id, name, _, status, error) in &balancers {
        let row = wait_for(&server, *id, "probed", probed);
        assert_eq!(row["status"], *status, "{name}: {row}");
        assert!(row["last_error"].as_str().unwrap_or_default().contains(error), "{name}: {row}");
    }
    assert_eq!(elsewhere.times_asked(), 0, "redirects are not followed");
}

#[test]
fn a_server_is_probed_at_its_new_port_and_not_after_it_was_deleted() {
    let server = TestServer::start();
    let (first, second) = (LoadBalancer::on("127.0.0.1:0", Some(OK)), LoadBalancer::on("[::1]:0", Some(OK)));
    let id = add(&server, "Edge", first.address);
    let row = info(&server, id);
    assert_eq!((&row["role"], &row["http_port"]), (&json!("load_balancer"), &json!(first.address.port())));
    wait_for(&server, id, "online", is("online"));
    let port = second.address.port();
    server.done("servers/update", &format!("id={id}&data[server_ip]=::1&data[http_port]={port}"));
    let until = Instant::now() + Duration::from_secs(15);
    while second.times_asked() == 0 {
        assert!(Instant::now() < until, "the new port is not asked");
        std::thread::sleep(Duration::from_millis(50));
    }
    server.done("servers/delete", &format!("id={id}"));
    let asked = (first.times_asked(), second.times_asked());
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!((first.times_asked(), second.times_asked()), asked);
}

#[test]
fn many_silent_servers_do_not_keep_the_others_waiting_for_ever() {
    let server = TestServer::start();
    let silent = LoadBalancer::on("127.0.0.1:0", None);
    for n in 0..20 {
        add(&server, &format!("Silent{n}"), silent.address);
    }
    let answers = LoadBalancer::on("127.0.0.1:0", Some(OK));
    let id = add(&server, "Edge", answers.address);
    wait_for(&server, id, "online", is("online"));
    assert_eq!(info(&server, 1)["status"], "online");
}

#[test]
fn the_main_server_tells_its_own_state_and_load() {
    let server = TestServer::start();
    let row = wait_for(&server, 1, "measured", |row| !row["cpu_percent"].is_null() && probed(row));
    assert_eq!(
        (&row["role"], &row["status"], &row["last_error"]),
        (&json!("main"), &json!("online"), &Value::Null)
    );
    assert_eq!(row["clients"], 0);
    let number = |name: &str| row[name].as_f64().unwrap_or_else(|| panic!("{name}: {row}"));
    assert!((0.0..=100.0).contains(&number("cpu_percent")), "{row}");
    for thing in ["memory", "disk"] {
        let (used, total) = (number(&format!("{thing}_used")), number(&format!("{thing}_total")));
        assert!(0.0 < used && used < total, "{thing}: {row}");
    }
    assert!(number("network_in_kbps") >= 0.0 && number("network_out_kbps") >= 0.0);
    assert!(number("uptime") > 0.0 && number("status_since") <= number("last_check_at"), "{row}");
    let disk = Path::new(server.data());
    let told =
        std::process::Command::new("df").args(["-B1", "--output=size"]).arg(disk).output().expect("df");
    let told: f64 =
        String::from_utf8_lossy(&told.stdout).lines().nth(1).expect("a size").trim().parse().expect("bytes");
    assert!((number("disk_total") - told).abs() < 1.0, "{told} {row}");
    let listed = server.done("servers/list", "")["servers"][0].clone();
    let keys = |row: &Value| row.as_object().expect("a row").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&listed), keys(&row), "list and info show the same");
}

#[test]
fn a_file_of_providers_is_read_at_the_start_or_the_start_says_why_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("asn.mmdb");
    let told = |file: &Path| {
        let file = file.to_str().expect("a path");
        let (code, _, errors) =
            linecard(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--asn-db", file]);
        assert_eq!(code, 1, "{errors}");
        errors
    };
    let missing = told(&file);
    assert!(missing.contains("asn.mmdb") && missing.contains("No such file"), "{missing}");
    let whole = mmdb::asn_db(&["192.0.2.0/24 64500"]);
    for broken in [&whole[..40], &mmdb::database("GeoLite2-City", "geoname_id", &["192.0.2.0/24 7"])] {
        std::fs::write(&file, broken).expect("the file");
        let why = told(&file);
        assert!(
            why.starts_with("linecard: cannot use ") && why.contains("GeoLite2-ASN.mmdb with --asn-db"),
            "{why}"
        );
    }
    std::fs::write(&file, whole).expect("the file");
    let server = TestServer::with(folder, &[], &[("LINECARD_ASN_DB", &file)]);
    assert_eq!(server.done("servers/list", "")["total"], 1);
    let folder = server.stop();
    let empty = ["LINECARD_ASN_DB", "LINECARD_TRUSTED_PROXIES"].map(|name| (name, Path::new("")));
    TestServer::with(folder, &[], &empty).stop();
}

#[test]
fn the_soft_limit_of_open_files_is_raised_and_a_low_hard_one_is_told() {
    let open_files = |hard: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let limits = format!("ulimit -Sn 256; ulimit -Hn {hard}; exec \"$@\"");
        let server = TestServer::under(folder, "sh", &["-c", &limits, "sh"]);
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("its limits");
        let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line").to_owned();
        let soft = line.split_whitespace().nth(3).expect("a number").to_owned();
        server.done("servers/list", "");
        (soft, server.log())
    };
    let (soft, log) = open_files("1000");
    assert!(soft == "1000" && log.contains("at most 1000 files and connections may be open"), "{soft} {log}");
    let (soft, log) = open_files("9000");
    assert!(soft == "9000" && !log.contains("may be open"), "{soft} {log}");
}

#[test]
fn this_server_shows_the_port_on_which_it_listens() {
    let listens_on =
        |server: &TestServer| server.url.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
    let server = TestServer::start();
    assert_eq!(info(&server, 1)["http_port"], json!(listens_on(&server)));
    let server = TestServer::on(server.stop(), &[]);
    assert_eq!(info(&server, 1)["http_port"], json!(listens_on(&server)));
}
