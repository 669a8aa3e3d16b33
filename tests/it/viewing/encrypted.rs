//! Viewers over TLS: the same bytes, and the same limits.

use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpStream, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    TestServer, tape,
    tls::{self, Authority, Encrypted, ask, ask_with, send},
    tv::{Player, fill, open, put_picture, within},
};

/// Whether the server closes within so many seconds, whatever it sends before.
fn is_closed_within(connection: &mut Encrypted, seconds: u64) -> bool {
    let until = Instant::now() + Duration::from_secs(seconds);
    connection.sock.set_read_timeout(Some(Duration::from_millis(100))).expect("a limit");
    let mut part = [0; 16_384];
    while Instant::now() < until {
        match connection.read(&mut part) {
            Ok(0) => return true,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return true,
            Ok(_) => {}
        }
    }
    false
}

#[test]
fn what_is_watched_over_tls_is_the_same_and_who_reads_nothing_is_cut() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    put_picture(folder.path());
    let from = (tape::now() - 3600) / 60 * 60;
    tape::record(folder.path(), 1, from);
    let server = tls::serve(&authority, folder);
    fill(&server, 1);
    server.done("streams/update", "id=1&data[archive_days]=1");
    server.done("line/update", "username=bob&data[max_allowed_connections]=9");

    let mut connection = authority.connect(&server);
    let (status, told) = ask(&mut connection, "/player_api.php?username=bob&password=pw");
    let told: Value = serde_json::from_slice(&told).expect("JSON");
    assert_eq!((status, &told["server_info"]["server_protocol"]), (200, &"https".into()), "{told}");
    assert_eq!(told["server_info"]["https_port"], tls::port(&server).to_string());
    let (_, list) = ask(&mut connection, "/get.php?username=bob&password=pw&type=m3u_plus");
    let list = String::from_utf8(list).expect("text");
    assert!(list.contains(&format!("https://localhost:{}/", tls::port(&server))), "{list}");

    // A segment, over the connection that asked for the playlist.
    let (status, playlist) = ask(&mut connection, "/live/bob/pw/1.m3u8");
    let playlist = String::from_utf8(playlist).expect("text");
    let segment = playlist
        .lines()
        .find(|line| line.starts_with("/hls/"))
        .unwrap_or_else(|| panic!("{status} {playlist}"));
    let (status, encrypted) = ask(&mut connection, segment);
    assert_eq!(status, 200);
    let mut plain = Player::send(&server, &format!("GET {segment} HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert!(plain.read_body() == encrypted && encrypted.len() > 10_000, "{}", encrypted.len());

    // A recording, whole and in part.
    let path = format!("/timeshift/bob/pw/1/{from}/1.ts");
    within(20, "the archive is known", || {
        Player::send(&server, &format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n")).status == 200
    });
    for range in ["", "Range: bytes=188000-375999\r\n"] {
        let mut plain = Player::send(&server, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n{range}\r\n"));
        let (status, encrypted) = ask_with(&mut connection, &path, range);
        assert_eq!(status, if range.is_empty() { 200 } else { 206 });
        assert!(plain.read_body() == encrypted && encrypted.len() >= 188_000, "{range}: {}", encrypted.len());
    }

    // Live: who reads nothing is cut, and who hangs up is gone.
    server.done("connections/kill", "username=bob");
    let watch = |agent: &str| {
        let mut connection = authority.connect(&server);
        assert!(
            send(&mut connection, "/live/bob/pw/1.ts", &format!("User-Agent: {agent}\r\n"))
                .starts_with("http/1.1 200")
        );
        connection
    };
    let mut reads = watch("reads");
    let mut packets = vec![0; 188 * 100];
    reads.read_exact(&mut packets).expect("a stream");
    assert!(packets.chunks(188).all(|packet| packet[0] == 0x47));
    let mut held: Vec<Encrypted> = ["a", "b", "c"].map(watch).into();
    thread::sleep(Duration::from_secs(2));
    assert_eq!(
        server.done("connections/kill", "username=bob")["killed"].as_array().expect("a list").len(),
        4
    );
    assert_eq!(open(&server), 0);
    assert!(held.iter_mut().all(|viewer| is_closed_within(viewer, 1)));

    let mut polite = watch("polite");
    polite.conn.send_close_notify();
    polite.flush().expect("sent");
    drop(polite);
    let rude = watch("rude");
    rude.sock.shutdown(std::net::Shutdown::Both).expect("closed");
    within(5, "both are gone", || open(&server) == 0);
}

/// What comes until the server closes, and whether that was within so many seconds.
fn closes(socket: &mut impl Read, begun: Instant, seconds: u64) -> Result<(), String> {
    let mut told = Vec::new();
    match socket.read_to_end(&mut told) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Err("open".into())
        }
        _ if begun.elapsed() > Duration::from_secs(seconds) => Err(format!("{:?}", begun.elapsed())),
        _ => Ok(()),
    }
}

#[test]
fn handshakes_heads_and_bodies_come_in_time_or_not_at_all_and_count_as_connections() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    authority.sign(&["localhost"]).put(folder.path());
    let mut arguments = tls::arguments(folder.path());
    arguments[1] = "0.0.0.0:0".to_owned();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = TestServer::on(folder, &arguments);
    let port = tls::port(&server);

    // The beginning of a greeting that never goes on.
    let hello: &[u8] = &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    let begun = Instant::now();
    let mut waiting = Vec::new();
    for (opening, trickles) in [(&b""[..], false), (hello, false), (hello, true)] {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(40))).expect("a limit");
        socket.write_all(opening).expect("sent");
        waiting.push(thread::spawn(move || {
            let mut trickle = socket.try_clone().expect("a handle");
            while trickles && begun.elapsed() < Duration::from_secs(9) {
                thread::sleep(Duration::from_secs(1));
                let _ = trickle.write_all(&[0]);
            }
            closes(&mut socket, begun, 25)
                .map_err(|why| format!("{} bytes, {trickles}: {why}", opening.len()))
        }));
    }
    let form = "POST /player_api.php HTTP/1.1\r\nHost: tv\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                Content-Length: 400000\r\n\r\nabc";
    for opening in ["GET /healthz HTTP/1.1\r\nHost: tv\r\n", form] {
        let mut connection = authority.connect(&server);
        connection.sock.set_read_timeout(Some(Duration::from_secs(40))).expect("a limit");
        connection.write_all(opening.as_bytes()).expect("sent");
        waiting.push(thread::spawn(move || {
            closes(&mut connection, begun, 25).map_err(|why| format!("{opening}: {why}"))
        }));
    }
    counted(&server, port);
    for waited in waiting {
        waited.join().expect("it ends").expect("closed in time");
    }
}

/// One address has so many connections as the setting says, those whose handshake is still to come among them.
fn counted(server: &TestServer, port: u16) {
    // An address of this machine that is not loopback; nothing is sent.
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    let own = socket.connect("203.0.113.1:9").and_then(|()| socket.local_addr()).map(|own| own.ip());
    let Some(own) = own.ok().filter(|own| !own.is_loopback() && !own.is_unspecified()) else { return };
    server.done("settings/update", "data[connections_per_address]=3");
    let connect = || {
        let socket = TcpStream::connect((own, port)).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(1))).expect("a limit");
        socket
    };
    let mut held: Vec<TcpStream> = (0..5).map(|_| connect()).collect();
    let closed = held.iter_mut().filter(|socket| matches!((&**socket).read(&mut [0; 1]), Ok(0))).count();
    assert_eq!(closed, 2);
    assert!(server.log().contains(&format!("{own} has 3 connections open")), "{}", server.log());
}
