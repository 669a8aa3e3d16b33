//! The program as its users meet it: started on a free port with its own data folder.

pub mod browser;
pub mod disk;
pub mod http;
pub mod mmdb;
pub mod origin;
pub mod panel;
pub mod provider;
pub mod set;
pub mod tape;
pub mod tls;
pub mod transport;
pub mod tv;
pub mod writers;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// The API key that every test server is started with.
pub const KEY: &str = "test-key-0123456789";
/// Its standard error, in its data folder.
const LOG: &str = "stderr.log";
/// The built program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_linecard");

/// A running server; it ends with the test, which fails if the server logged a panic or an error that it was not
/// [`TestServer::expecting`].
pub struct TestServer {
    child: Child,
    /// How long the log was when this server began, which others may have written before.
    log_before: usize,
    expected: Vec<&'static str>,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// What it printed before it listened.
    pub greeting: String,
    folder: tempfile::TempDir,
}

impl TestServer {
    /// Starts one on an empty folder.
    pub fn start() -> Self {
        Self::on(tempfile::tempdir().expect("a temporary folder"), &[])
    }

    /// Starts one on a folder, with further arguments of `serve`.
    pub fn on(folder: tempfile::TempDir, arguments: &[&str]) -> Self {
        Self::with(folder, arguments, &[])
    }

    /// Starts one on a folder, with further arguments of `serve` and environment variables.
    pub fn with(folder: tempfile::TempDir, arguments: &[&str], environment: &[(&str, &Path)]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        Self::launch(folder, command, environment)
    }

    /// Starts one that listens on every v4 address.
    pub fn everywhere() -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["serve", "--listen", "0.0.0.0:0"]);
        Self::launch(tempfile::tempdir().expect("a temporary folder"), command, &[])
    }

    /// Starts one on a folder by another program, whose last arguments are to be run.
    pub fn under(folder: tempfile::TempDir, by: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(by);
        command.args(arguments).args([PROGRAM, "serve", "--listen", "127.0.0.1:0"]);
        Self::launch(folder, command, &[])
    }

    fn launch(folder: tempfile::TempDir, mut command: Command, environment: &[(&str, &Path)]) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(folder.path().join(LOG));
        let log_before = read(&folder.path().join(LOG)).len();
        let mut child = command
            .env("LINECARD_DATA", folder.path())
            .env("LINECARD_API_KEY", KEY)
            .env_remove("RUST_LOG")
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log.expect("the log file"))
            .spawn()
            .expect("the program starts");
        let mut greeting = String::new();
        let mut url = None;
        for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
            let line = line.expect("text");
            if let Some(address) = line.strip_prefix("Linecard is listening on ") {
                url = Some(address.to_owned());
                break;
            }
            greeting.push_str(&line);
            greeting.push('\n');
        }
        let url = url.unwrap_or_else(|| panic!("it does not listen: {}", read(&folder.path().join(LOG))));
        Self { child, log_before, expected: Vec::new(), url, greeting, folder }
    }

    /// The test provokes errors: lines of the log with these words are as they should be.
    pub fn expecting(mut self, words: &'static str) -> Self {
        self.expected.push(words);
        self
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// What it wrote to standard error, the lines included that it gathers for a moment.
    pub fn log(&self) -> String {
        std::thread::sleep(Duration::from_millis(150));
        read(&self.data().join(LOG))
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Calls the API with the test key and a form body; the decoded answer.
    pub fn call(&self, call: &str, body: &str) -> Value {
        let (status, answer) = self.post(call, &format!("api_key={KEY}&{body}"));
        assert_eq!(status, 200, "{call} {body}: {answer}");
        let first = answer.as_object().and_then(|members| members.keys().next());
        assert_eq!(first.map(String::as_str), Some("result"), "{call} {body}: {answer}");
        answer
    }

    /// Calls the API and expects success.
    pub fn done(&self, call: &str, body: &str) -> Value {
        let answer = self.call(call, body);
        assert_eq!(answer["result"], true, "{call} {body}: {answer}");
        answer
    }

    /// Calls the API and expects a refusal; its text.
    pub fn refused(&self, call: &str, body: &str) -> String {
        let answer = self.call(call, body);
        assert_eq!(answer["result"], false, "{call} {body}: {answer}");
        answer["error"].as_str().expect("a text").to_owned()
    }

    /// Posts a form without adding anything; status and decoded answer.
    pub fn post(&self, call: &str, body: &str) -> (u16, Value) {
        let url = format!("{}/api/{call}", self.url);
        if body.len() > http::LONGEST {
            return request(
                Command::new("curl").args(["-sS", "-w", "\n%{http_code}", "--data-binary", body]).arg(url),
            );
        }
        let answer = http::ask(&url, &[], Some(body));
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }

    /// Asks with further arguments of curl; the path begins with a slash.
    pub fn curl(&self, path: &str, arguments: &[&str]) -> (u16, Value) {
        let url = format!("{}{path}", self.url);
        if arguments.is_empty() {
            let answer = http::ask(&url, &[], None);
            return (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null));
        }
        request(Command::new("curl").args(["-sS", "-g", "-w", "\n%{http_code}"]).args(arguments).arg(url))
    }

    /// Posts a form to a server that may go away meanwhile.
    pub fn curl_quietly(&self, path: &str, body: &str) {
        let url = format!("{}{path}", self.url);
        let _ = Command::new("curl").args(["-s", "-d", body]).arg(url).output();
    }

    /// Ends it at once, as a power switch would end the process; its folder stays.
    pub fn kill(mut self) -> tempfile::TempDir {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        self.leave()
    }

    /// Ends it with SIGTERM and expects a clean end; its folder stays.
    pub fn stop(self) -> tempfile::TempDir {
        let (status, folder) = self.end("-TERM");
        assert!(status.success(), "{status}");
        folder
    }

    /// Sends it a signal and waits up to a minute; how it ended, and its folder.
    pub fn end(mut self, signal: &str) -> (ExitStatus, tempfile::TempDir) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
        let until = Instant::now() + Duration::from_secs(60);
        let status = loop {
            match self.child.try_wait().expect("its status") {
                Some(status) => break status,
                None if Instant::now() > until => panic!("it does not stop"),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        (status, self.leave())
    }

    /// Looks through the log of one that has ended; its folder stays.
    fn leave(mut self) -> tempfile::TempDir {
        self.assert_clean_log();
        let empty = tempfile::tempdir().expect("a temporary folder");
        std::mem::replace(&mut self.folder, empty)
    }

    fn assert_clean_log(&self) {
        let log = read(&self.data().join(LOG));
        let own = log.get(self.log_before..).unwrap_or_default().lines();
        let wrong: Vec<&str> = own
            .filter(|line| line.contains("panic") || line.contains(" ERROR "))
            .filter(|line| !self.expected.iter().any(|words| line.contains(words)))
            .collect();
        assert!(
            wrong.is_empty(),
            "the server logged what this test does not expect (`expecting` says that it does):\n{}",
            wrong.join("\n")
        );
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // A test that has failed says why itself.
        if !std::thread::panicking() {
            self.assert_clean_log();
        }
    }
}

/// Runs the program to its end; exit code, standard output, standard error.
pub fn linecard(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(PROGRAM)
        .args(arguments)
        .env("LINECARD_DATA", data)
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn request(curl: &mut Command) -> (u16, Value) {
    let output = curl.output().expect("curl is installed: scripts/test does that");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) =
        text.rsplit_once('\n').unwrap_or_else(|| panic!("curl: {}", String::from_utf8_lossy(&output.stderr)));
    (status.parse().unwrap_or(0), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
