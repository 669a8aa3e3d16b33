//! Requests without a process for each: plain ones go over a connection of their own. What tests want beside is asked by curl.

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

/// A longer body may be answered before it was read, which curl knows how to take.
pub const LONGEST: usize = 60_000;
/// The longest wait for bytes of an answer.
const PATIENCE: Duration = Duration::from_secs(120);

/// An answer as it came.
#[derive(Default)]
pub struct Answer {
    /// The status; 0 without an answer.
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The values of a header.
    pub fn header(&self, name: &str) -> impl Iterator<Item = &str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        pairs.filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// Gets an address that begins with `http://`, or posts a form to it.
pub fn ask(url: &str, headers: &[String], form: Option<&str>) -> Answer {
    send(url, headers, form).unwrap_or_default()
}

fn send(url: &str, headers: &[String], form: Option<&str>) -> io::Result<Answer> {
    let (host, path) = parts(url);
    let mut head = vec![format!("{} {path} HTTP/1.1", if form.is_some() { "POST" } else { "GET" })];
    head.extend(["Accept: */*", "Connection: close"].map(str::to_owned));
    for (name, own) in [("Host", host), ("User-Agent", "curl/8")] {
        head.extend(given(headers, name).is_none().then(|| format!("{name}: {own}")));
    }
    head.extend_from_slice(headers);
    if let Some(form) = form {
        head.push("Content-Type: application/x-www-form-urlencoded".to_owned());
        head.push(format!("Content-Length: {}", form.len()));
    }
    let request = format!("{}\r\n\r\n{}", head.join("\r\n"), form.unwrap_or_default());
    let mut socket = TcpStream::connect(host)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    // It may be answered, and closed, before it was read.
    let _ = socket.write_all(request.as_bytes());
    let mut bytes = Vec::new();
    let read = socket.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else { return Err(read.err().unwrap_or(io::ErrorKind::UnexpectedEof.into())) };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut answer = Answer { head: text(&bytes[..end]), ..Answer::default() };
    answer.status = answer.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = &bytes[end + 4..];
    let is_chunked = answer.header("transfer-encoding").any(|coding| coding == "chunked");
    answer.body = if is_chunked { text(&joined(body)) } else { text(body) };
    Ok(answer)
}

/// A header that the test sends itself.
fn given<'h>(headers: &'h [String], name: &str) -> Option<&'h str> {
    let pairs = headers.iter().filter_map(|header| header.split_once(':'));
    pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

fn parts(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").expect("an address of a test server");
    rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash))
}

/// The chunks of a body, joined.
fn joined(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(line) = rest.windows(2).position(|two| two == b"\r\n") {
        let length =
            std::str::from_utf8(&rest[..line]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(length) = length.filter(|length| *length > 0) else { break };
        let from = line + 2;
        body.extend_from_slice(&rest[from.min(rest.len())..(from + length).min(rest.len())]);
        rest = rest.get(from + length + 2..).unwrap_or_default();
    }
    body
}

/// A cookie in the file that curl keeps them in: domain, whether of its subdomains too, path, whether secure, end, name, value.
struct Cookie(Vec<String>);

impl Cookie {
    const PATH: usize = 2;
    const NAME: usize = 5;

    fn is_for(&self, host: &str, path: &str) -> bool {
        let own = self.0[Self::PATH].trim_end_matches('/');
        let is_below =
            path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
        self.0[0].trim_start_matches("#HttpOnly_") == host && is_below
    }
}

fn read(file: &Path) -> Vec<Cookie> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let rows = text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    rows.filter(|columns| columns.len() == 7).map(Cookie).collect()
}

/// The same with the cookies of a file in which curl keeps them, and keeps what the answer sets there.
pub fn ask_with_cookies(url: &str, headers: &[String], form: Option<&str>, file: &Path) -> Answer {
    let (host, path) = parts(url);
    let host = given(headers, "host").unwrap_or(host).split(':').next().expect("a host").to_owned();
    let mut cookies = read(file);
    let sent: Vec<String> = cookies
        .iter()
        .filter(|cookie| cookie.is_for(&host, path))
        .map(|cookie| format!("{}={}", cookie.0[Cookie::NAME], cookie.0[6]))
        .collect();
    let mut headers = headers.to_vec();
    if !sent.is_empty() {
        headers.push(format!("Cookie: {}", sent.join("; ")));
    }
    let answer = ask(url, &headers, form);
    for set in answer.header("set-cookie") {
        let mut attributes = set.split(';').map(str::trim);
        let Some((name, value)) = attributes.next().and_then(|pair| pair.split_once('=')) else { continue };
        let attributes: Vec<(&str, &str)> =
            attributes.map(|attribute| attribute.split_once('=').unwrap_or((attribute, ""))).collect();
        let of = |wanted: &str| {
            attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| *value)
        };
        let path = of("path").unwrap_or("/");
        cookies.retain(|cookie| cookie.0[Cookie::NAME] != name || cookie.0[Cookie::PATH] != path);
        if of("max-age") != Some("0") {
            let domain = if of("httponly").is_some() { format!("#HttpOnly_{host}") } else { host.clone() };
            // This machine's own address counts as secure.
            let columns = [&domain, "FALSE", path, "FALSE", "0", name, value];
            cookies.push(Cookie(columns.map(str::to_owned).into()));
        }
    }
    if answer.header("set-cookie").next().is_some() {
        let rows: Vec<String> = cookies.iter().map(|cookie| cookie.0.join("\t") + "\n").collect();
        let part = file.with_extension("part");
        fs::write(&part, format!("# Netscape HTTP Cookie File\n{}", rows.concat())).expect("the cookies");
        fs::rename(part, file).expect("the cookies");
    }
    answer
}
