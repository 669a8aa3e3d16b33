//! Output that nobody reads, or that has no room: the server serves on, and ends.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{PROGRAM, tv::within};

#[test]
fn nobody_waits_for_a_log_that_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut server = Command::new(PROGRAM)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("LINECARD_DATA", folder.path())
        .env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(server.stdout.take().expect("its output")).lines();
    let mut lines = lines.map_while(Result::ok);
    let address =
        lines.find_map(|line| line.strip_prefix("Linecard is listening on http://").map(str::to_owned));
    let mut socket = TcpStream::connect(address.expect("it listens")).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    // More lines than the pipe and the buffer hold.
    let asked = b"GET /no/such HTTP/1.1\r\nHost: tv.example\r\n\r\n";
    let mut answer = [0; 16 << 10];
    for _ in 0..4_000 {
        socket.write_all(asked).expect("asked");
        assert!(socket.read(&mut answer).expect("an answer in time") > 0);
    }
    let begun = Instant::now();
    let pid = server.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
    while server.try_wait().expect("its status").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_start_does_not_fail_for_output_without_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full disk");
    let mut server = Command::new(PROGRAM)
        .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
        .env("LINECARD_DATA", folder.path())
        .stdout(full())
        .stderr(full())
        .spawn()
        .expect("the program starts");
    within(20, "it answers", || {
        assert!(server.try_wait().expect("its status").is_none(), "it ended");
        let Ok(mut socket) = TcpStream::connect(("127.0.0.1", port)) else { return false };
        let mut answer = [0; 64];
        socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: tv.example\r\n\r\n").is_ok()
            && socket.read(&mut answer).is_ok_and(|length| answer[..length].starts_with(b"HTTP/1.1 200"))
    });
    server.kill().expect("killed");
    server.wait().expect("its end");
}
