//! Many writers at once, and the books of what was acknowledged to them.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{KEY, TestServer, linecard};

/// What the server acknowledged.
#[derive(Default)]
pub struct Books {
    /// The usernames of the lines by their ids.
    pub lines: BTreeMap<i64, String>,
    /// The credits that were given to reseller 1.
    pub credits: i64,
    /// The credits that were asked for, acknowledged or not.
    pub asked: i64,
}

impl Books {
    /// Lets `writers` connections write for `time` and as long after as it takes `end` to end the
    /// server. One in eight books credits, the others create lines. What `end` returned.
    pub fn fill<T>(
        &mut self,
        server: TestServer,
        writers: u32,
        time: Duration,
        end: impl FnOnce(TestServer) -> T,
    ) -> T {
        let address = server.url.trim_start_matches("http://").to_owned();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..writers)
                .map(|n| (n, address.as_str()))
                .map(|(n, to)| scope.spawn(move || write(to, n % 8 == 7)))
                .collect();
            thread::sleep(time);
            let ended = end(server);
            for thread in threads {
                let Self { lines, credits, asked } = thread.join().expect("a writer");
                self.lines.extend(lines);
                self.credits += credits;
                self.asked += asked;
            }
            ended
        })
    }

    /// How many of the acknowledged lines and credits the server does not have.
    pub fn lost(&self, server: &TestServer) -> i64 {
        let mut missing = self.lines.clone();
        let mut after = 0;
        loop {
            let page = server.done("line/list", &format!("limit=1000&after={after}"));
            let rows = page["lines"].as_array().expect("lines");
            let Some(last) = rows.last() else { break };
            after = last["id"].as_i64().expect("an id");
            for row in rows {
                let id = row["id"].as_i64().expect("an id");
                if missing.get(&id).is_some_and(|name| row["username"] == name.as_str()) {
                    missing.remove(&id);
                }
            }
        }
        let list = server.done("resellers/list", "");
        let balance = list["resellers"][0]["credits"].as_i64().unwrap_or(0);
        assert!(balance <= self.asked, "{balance} credits of {} asked for", self.asked);
        i64::try_from(missing.len()).expect("few") + (self.credits - balance).max(0)
    }

    /// How much was acknowledged in all.
    pub fn total(&self) -> i64 {
        i64::try_from(self.lines.len()).expect("few") + self.credits
    }
}

/// Makes the reseller whose credits the writers book.
pub fn make_reseller(server: &TestServer) {
    assert_eq!(server.done("resellers/new", "data[name]=Depot")["created_id"], 1);
}

/// `linecard check` finds nothing.
pub fn assert_whole(server: &TestServer) {
    let (code, out, err) = linecard(server.data(), &["check"]);
    assert_eq!(code, 0, "{out}{err}");
}

/// Sends the same call `times` times on each of `connections` connections at once; every answer.
pub fn at_once(server: &TestServer, connections: usize, times: usize, call: &str) -> Vec<Value> {
    let address = server.url.trim_start_matches("http://");
    let request = request(address, call, &format!("api_key={KEY}"));
    let send = || {
        let mut stream = connect(address).expect("a connection");
        let exchange = |_| {
            stream.get_mut().write_all(request.as_bytes()).expect("sent");
            answer(&mut stream).expect("an answer").0
        };
        (0..times).map(exchange).collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(send)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a caller")).collect()
    })
}

fn connect(address: &str) -> std::io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

fn request(address: &str, call: &str, body: &str) -> String {
    format!(
        "POST /api/{call} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One connection that writes until the server is gone. Only whole answers count.
fn write(address: &str, credits: bool) -> Books {
    let mut books = Books::default();
    let (call, body) = if credits {
        ("resellers/add_credits", format!("api_key={KEY}&id=1&credits=1"))
    } else {
        ("line/new", format!("api_key={KEY}"))
    };
    let request = request(address, call, &body);
    let Ok(mut stream) = connect(address) else { return books };
    loop {
        if stream.get_mut().write_all(request.as_bytes()).is_err() {
            return books;
        }
        books.asked += i64::from(credits);
        let Some((answer, last)) = answer(&mut stream) else { return books };
        assert_eq!(answer["result"], true, "{answer}");
        if credits {
            books.credits += 1;
        } else {
            let username = answer["username"].as_str().expect("a username").to_owned();
            books.lines.insert(answer["created_id"].as_i64().expect("an id"), username);
        }
        if last {
            return books;
        }
    }
}

/// Reads an answer, and whether the server closes the connection after it; none if it is cut off.
fn answer(stream: &mut BufReader<TcpStream>) -> Option<(Value, bool)> {
    let (mut length, mut last) = (0, false);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let line = line.strip_suffix("\r\n")?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("content-length: ") {
            length = number.parse().ok()?;
        }
        last |= line == "connection: close";
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((serde_json::from_slice(&body).ok()?, last))
}
