//! Clients that connect and say little: how long they are waited for, and how many of them there may be.

use std::{
    io::{ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use crate::support::{KEY, TestServer, tv::resident};

fn address(server: &TestServer) -> SocketAddr {
    server.url.trim_start_matches("http://").parse().expect("an address")
}

fn connect(to: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(to).expect("it listens");
    socket.set_read_timeout(Some(Duration::from_secs(40))).expect("a limit");
    socket
}

/// What the server sends until it closes, and when that was.
fn until_closed(mut socket: TcpStream, begun: Instant) -> (String, Duration) {
    let mut told = Vec::new();
    match socket.read_to_end(&mut told) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("it is not closed: {error}: {}", String::from_utf8_lossy(&told)),
    }
    (String::from_utf8_lossy(&told).into_owned(), begun.elapsed())
}

fn files(server: &TestServer) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("its files").count()
}

#[test]
fn nobody_is_waited_for_without_end() {
    const HEAD: &str = "Host: tv.example\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    const DRIPS: &str = "1\r\nb\r\n";
    let server = TestServer::start();
    let whole = format!("{HEAD}Content-Length: 400000\r\n\r\nabc");
    let chunked = format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    let mut openings: Vec<(String, &str)> = Vec::new();
    for path in [
        "/player_api.php",
        "/get.php",
        "/xmltv.php",
        "/epg/u/p",
        "/portal.php",
        "/c/server/load.php",
        "/c/",
        "/panel/login",
        "/live/u/p/1",
        "/nothing/here",
    ] {
        openings.push((format!("POST {path} HTTP/1.1\r\n{whole}"), ""));
        openings.push((format!("POST {path} HTTP/1.1\r\n{chunked}"), ""));
    }
    // The rest of a body that nobody reads, and a second head that never ends.
    openings.push((format!("GET /healthz HTTP/1.1\r\n{chunked}"), "1\r\na\r\n"));
    // A body that drips has its whole time, and no more.
    openings.push((format!("POST /player_api.php HTTP/1.1\r\n{chunked}"), DRIPS));
    openings.push((format!("GET /healthz HTTP/1.1\r\n{HEAD}\r\nGET /healthz HTTP/1.1\r\nX"), "-"));
    openings.push((format!("GET /healthz HTTP/1.1\r\n{HEAD}"), ""));
    let begun = Instant::now();
    let waiting = openings.into_iter().map(|(opening, more)| {
        let mut socket = connect(address(&server));
        socket.write_all(opening.as_bytes()).expect("sent");
        thread::spawn(move || {
            // A trickle is not progress.
            let mut trickle = socket.try_clone().expect("a handle");
            let trickles = if more == DRIPS { 45 } else { 9 };
            while !more.is_empty() && begun.elapsed() < Duration::from_secs(trickles) {
                thread::sleep(Duration::from_secs(2));
                if trickle.write_all(more.as_bytes()).is_err() {
                    break;
                }
            }
            (opening, more, until_closed(socket, begun))
        })
    });
    let waiting: Vec<_> = waiting.collect();
    for waited in waiting {
        let (opening, more, (told, after)) = waited.join().expect("closed");
        let most = if more == DRIPS { 36 } else { 25 };
        assert!(after < Duration::from_secs(most), "{opening}: {after:?}: {told}");
        // One of them may have been answered; none is an error of the server.
        assert!(!told.contains(" 500 "), "{opening}: {told}");
    }
    assert_eq!(server.curl("/healthz", &[]).0, 200);
}

#[test]
fn a_connection_takes_one_descriptor() {
    let server = TestServer::start();
    // Both workers have served something.
    for _ in 0..4 {
        assert_eq!(server.curl("/healthz", &[]).0, 200);
    }
    let before = files(&server);
    let open: Vec<TcpStream> = (0..60).map(|_| connect(address(&server))).collect();
    let until = Instant::now() + Duration::from_secs(5);
    while files(&server) < before + 59 && Instant::now() < until {
        thread::sleep(Duration::from_millis(20));
    }
    let taken = files(&server) - before;
    assert!((50..=70).contains(&taken), "{taken} descriptors for {} connections", open.len());
}

#[test]
fn one_address_has_so_many_connections_as_the_setting_says() {
    let server = TestServer::everywhere();
    // An address of this machine that is not loopback; nothing is sent.
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    let own = socket.connect("203.0.113.1:9").and_then(|()| socket.local_addr()).map(|own| own.ip());
    let Some(own) = own.ok().filter(|own| !own.is_loopback() && !own.is_unspecified()) else {
        return;
    };
    server.done("settings/update", "data[connections_per_address]=3");
    let port = address(&server).port();
    let is_open = |from: IpAddr| {
        let mut socket = TcpStream::connect((from, port)).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let asked = socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: tv.example\r\n\r\n");
        let mut told = [0; 12];
        let is_open = asked.is_ok() && socket.read(&mut told).is_ok_and(|bytes| bytes > 0);
        (is_open, socket)
    };
    let held: Vec<_> = (0..6).map(|_| is_open(own)).collect();
    assert_eq!(
        held.iter().map(|(open, _)| *open).collect::<Vec<_>>(),
        [true, true, true, false, false, false]
    );
    let loopback: Vec<_> = (0..5).map(|_| is_open([127, 0, 0, 1].into())).collect();
    assert!(loopback.iter().all(|(open, _)| *open));
    drop(held);
    let until = Instant::now() + Duration::from_secs(10);
    while !is_open(own).0 {
        assert!(Instant::now() < until, "their places are not given back");
        thread::sleep(Duration::from_millis(50));
    }
    let told = server.log().matches(&format!("{own} has 3 connections open")).count();
    assert_eq!(told, 1, "{}", server.log());
}

#[test]
fn when_files_run_out_the_operator_still_gets_in() {
    let folder = tempfile::tempdir().expect("a folder");
    // 172 places for everybody, and 64 for the panel and the health check.
    let server = TestServer::under(folder, "prlimit", &["--nofile=300:300"]);
    let all: Vec<TcpStream> = (0..190).map(|_| connect(address(&server))).collect();
    let status = |path: &str| server.curl(path, &[]).0;
    let until = Instant::now() + Duration::from_secs(5);
    while status("/player_api.php") != 503 {
        assert!(Instant::now() < until, "{}", server.log());
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!((status("/healthz"), status("/panel/login")), (200, 200));
    assert!(server.log().contains("only the panel and /healthz are served"), "{}", server.log());
    drop(all);
    let until = Instant::now() + Duration::from_secs(10);
    while status("/player_api.php") != 200 {
        assert!(Instant::now() < until, "{}", server.log());
        thread::sleep(Duration::from_millis(50));
    }
}

/// A form of several parts, between which blank lines stand, and a request right behind it.
fn parts_and_another() -> String {
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let body = [part("api_key", KEY), part("search", "x"), "--b--\r\n".into()].concat();
    format!(
        "POST /api/line/list HTTP/1.1\r\nHost: tv\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n\
         {body}GET /healthz HTTP/1.1\r\nHost: tv\r\n\r\n",
        body.len()
    )
}

#[test]
fn many_requests_at_once_are_answered_in_turn_and_take_no_memory_until_then() {
    let server = TestServer::start();
    let many = "GET /healthz HTTP/1.1\r\nHost: tv\r\n\r\n".repeat(800);

    // One that reads gets every answer, whatever stands between the requests.
    let mut reads = connect(address(&server));
    let last = "GET /healthz HTTP/1.1\r\nHost: tv\r\nConnection: close\r\n\r\n";
    let form = format!("api_key={KEY}");
    let post = format!(
        "POST /api/line/list HTTP/1.1\r\nHost: tv\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let chunked = format!(
        "POST /api/line/list HTTP/1.1\r\nHost: tv\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{form}\r\n0\r\n\r\n",
        form.len()
    );
    let asked = [&many, &post, "\r\n\r\n", &parts_and_another(), &chunked, &post, &many, last].concat();
    let writes = reads.try_clone().expect("a second handle");
    thread::scope(|scope| {
        scope.spawn(|| (&writes).write_all(asked.as_bytes()).expect("taken"));
        let mut told = String::new();
        reads.read_to_string(&mut told).expect("answers");
        assert_eq!(told.matches("HTTP/1.1 200 OK").count(), 800 + 1 + 2 + 1 + 1 + 800 + 1, "{}", told.len());
        assert_eq!(told.matches("\"result\":true").count(), 4, "{told}");
    });

    // Those that do not read leave what they ask in the kernel.
    let before = resident(&server);
    let held: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut socket = connect(address(&server));
            socket.set_nonblocking(true).expect("without waiting");
            let _ = socket.write(many.as_bytes());
            socket
        })
        .collect();
    thread::sleep(Duration::from_secs(2));
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < 24 << 10, "{grown} KiB for {} clients", held.len());
    assert!(server.curl("/healthz", &[]).0 == 200);
}
