//! What the benchmarks share: the real program in a process of its own, wrk, an empty handler.

// Each benchmark uses its part.
#![allow(dead_code)]

pub mod creation;
pub mod viewers;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

pub const KEY: &str = "bench-key-0123456789";

#[derive(Clone, Copy)]
pub struct Load {
    pub per_second: f64,
    pub p99: Duration,
}

pub fn row(name: &str, load: Load, base: Load) {
    let p99 = load.p99.as_secs_f64() * 1000.0;
    println!(
        "  {name:<42} {:>9.0}/s  {:>5.2} of the first  p99 {p99:>8.2} ms",
        load.per_second,
        load.per_second / base.per_second
    );
}

pub fn median(mut loads: Vec<Load>) -> Load {
    loads.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    loads[loads.len() / 2]
}

/// An actix server that answers 200 and nothing else, in a process of its own.
pub fn empty_load(seconds: u64, script: &str) -> Load {
    body_load(Path::new("/dev/null"), 64, seconds, script)
}

/// The same with the contents of a file, kept in memory, as the body.
pub fn body_load(body: &Path, connections: u32, seconds: u64, script: &str) -> Load {
    wrk(&Server::of(body).url("/"), connections, seconds, script)
}

pub fn empty_handler() {
    let file = std::env::args().skip_while(|argument| argument != "--empty-handler").nth(1);
    let body = actix_web::web::Bytes::from(std::fs::read(file.unwrap()).unwrap());
    actix_web::rt::System::new().block_on(async {
        let empty = move || {
            let body = body.clone();
            async { actix_web::HttpResponse::Ok().body(body) }
        };
        let server = actix_web::HttpServer::new(move || {
            actix_web::App::new().default_service(actix_web::web::to(empty.clone()))
        })
        .bind(("127.0.0.1", 0))
        .unwrap();
        println!("{}", server.addrs()[0]);
        server.run().await.unwrap();
    });
}

/// Drives one URL and reads what wrk tells.
pub fn wrk(url: &str, connections: u32, seconds: u64, script: &str) -> Load {
    quiet_disk();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    let output = Command::new("wrk")
        .args(["--latency", "-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "-s"])
        .arg(file.path())
        .arg(url)
        .output()
        .expect("wrk: apt-get install wrk");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("Non-2xx"), "{text}");
    let after = |name: &str| {
        let line =
            text.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{text}"));
        line.split_whitespace().last().unwrap().to_owned()
    };
    let p99 = after("99%");
    let digits = p99.trim_end_matches(char::is_alphabetic);
    let unit = match &p99[digits.len()..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        _ => 1.0,
    };
    let p99 = Duration::from_secs_f64(digits.parse::<f64>().unwrap() * unit);
    Load { per_second: after("Requests/sec:").parse().unwrap(), p99 }
}

pub struct Server {
    pub child: Child,
    pub address: String,
}

impl Server {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_linecard"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env("LINECARD_DATA", folder)
            .env("LINECARD_API_KEY", KEY)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(folder.join("stderr.log")).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            line.unwrap().strip_prefix("Linecard is listening on http://").map(str::to_owned)
        });
        Self { child, address: address.unwrap() }
    }

    /// An actix server whose every answer is the contents of a file, kept in memory: this program again.
    pub fn of(body: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("--empty-handler")
            .arg(body)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// What the round before left to be written is no part of this one.
pub fn quiet_disk() {
    assert!(Command::new("sync").status().unwrap().success());
}
