use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    thread,
};

use super::*;

const SMALL: Limits = Limits {
    bytes: 1 << 20,
    redirects: 3,
    connect: Duration::from_secs(2),
    silence: Duration::from_millis(400),
    whole: Duration::from_secs(5),
};

/// A server that answers each request as `answer` says of its head; its port.
fn server(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || {
                let mut head = String::new();
                let mut reader = BufReader::new(&stream);
                while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
                let answer = answer(&head);
                let hangs = answer.strip_suffix(b"HANG");
                let _ = (&stream).write_all(hangs.unwrap_or(&answer));
                if hangs.is_some() {
                    thread::sleep(Duration::from_secs(3));
                }
            });
        }
    });
    port
}

fn fetched(url: &str, local: bool) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("new/file");
    let stop = AtomicBool::new(false);
    let outcome = to_file(url, &Validators::default(), local, &file, &SMALL, &stop);
    let left = fs::read_dir(folder.path().join("new")).map_or(0, Iterator::count);
    assert_eq!(left, usize::from(outcome.is_ok()), "nothing half is left");
    outcome.map(|_| fs::read_to_string(file).unwrap())
}

fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\nETag: \"1\"\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn to(address: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nLocation: {address}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        .into_bytes()
}

#[test]
fn a_file_is_fetched_with_its_login_and_asked_for_again_by_its_validators() {
    let port = server(|head| {
        if head.contains("if-none-match: \"1\"") || head.contains("If-None-Match: \"1\"") {
            return b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec();
        }
        ok(if head.to_lowercase().contains("authorization: basic dtpwidqc") { "no" } else { head })
    });
    let head = fetched(&format!("http://u:p%20q@127.0.0.1:{port}/a?b=1#c"), true).unwrap();
    assert!(
        head.starts_with("GET /a?b=1 HTTP/1.1") && head.to_lowercase().contains("basic dtpwihe="),
        "{head}"
    );
    let folder = tempfile::tempdir().unwrap();
    let known = Validators { etag: "\"1\"".into(), last_modified: "Mon".into() };
    let (url, stop) = (format!("http://127.0.0.1:{port}/"), AtomicBool::new(false));
    let answer = to_file(&url, &known, true, &folder.path().join("f"), &SMALL, &stop);
    assert_eq!((answer, folder.path().join("f").exists()), (Ok(Answer::Unchanged), false));
    let port = server(|_| b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec());
    let why = fetched(&format!("http://127.0.0.1:{port}/"), true).unwrap_err();
    assert!(why.contains("although it was asked for all of it"), "{why}");
}

#[test]
fn nothing_leads_inside_by_an_address_a_name_or_a_redirect() {
    let port = server(|head| match head.split(' ').nth(1).unwrap_or_default() {
        "/metadata" => to("http://169.254.169.254/latest/meta-data/"),
        "/nowhere" => to("http://0.0.0.0:1/"),
        "/loop" => to("/loop"),
        "/file" => to("file:///etc/passwd"),
        _ => ok("inside"),
    });
    for address in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"] {
        let why = fetched(&format!("http://{address}:{port}/"), false).unwrap_err();
        assert!(why.contains("fetch_local"), "{address}: {why}");
    }
    let local = |path: &str| fetched(&format!("http://127.0.0.1:{port}{path}"), true);
    assert_eq!(local("/").as_deref(), Ok("inside"));
    for (path, reason) in [
        (
            "/metadata",
            "127.0.0.1: it leads to 169.254.169.254: its address 169.254.169.254 is one that nothing may be fetched from",
        ),
        ("/nowhere", "nothing may be fetched from"),
        ("/loop", "too many redirects"),
    ] {
        let why = local(path).unwrap_err();
        assert!(why.contains(reason), "{path}: {why}");
    }
    let file = local("/file");
    assert!(file.is_err() || file.as_deref() == Ok("inside"), "no file of this machine: {file:?}");
    for address in ["169.254.1.1", "224.0.0.1", "[fe80::1]", "[fd00:ec2::254]", "[::]"] {
        let why = fetched(&format!("http://{address}/"), true).unwrap_err();
        assert!(why.contains("nothing may be fetched from"), "{address}: {why}");
    }
    let why = fetched("http://10.1.2.3/", false).unwrap_err();
    assert!(why.contains("private network"), "{why}");
}

#[test]
fn what_hangs_breaks_off_or_is_too_large_is_an_error_soon() {
    let port = server(|head| match head.split(' ').nth(1).unwrap_or_default() {
        "/silent" => b"HANG".to_vec(),
        "/stalls" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nHANG".to_vec(),
        "/short" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_vec(),
        "/says" => b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n".to_vec(),
        "/large" => [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 2 << 20]].concat(),
        "/missing" => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
        _ => b"\x16\x03\x01 what".to_vec(),
    });
    for (path, reason) in [
        ("/silent", "in time"),
        ("/stalls", "in time"),
        ("/short", "broke off"),
        ("/says", "larger than 1 MiB"),
        ("/large", "larger than 1 MiB"),
        ("/missing", "status 404"),
        ("/", "does not speak HTTP"),
    ] {
        let why = fetched(&format!("http://secret:word@127.0.0.1:{port}{path}"), true).unwrap_err();
        assert!(why.contains(reason) && !why.contains("word"), "{path}: {why}");
    }
    let why = fetched("http://127.0.0.1:1/", true).unwrap_err();
    assert!(why.contains("refused") || why.contains("failed"), "{why}");
    assert!(fetched("http://name.invalid/", true).unwrap_err().contains("cannot be resolved"));
}
