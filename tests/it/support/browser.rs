//! A real browser: Debian's Chromium without a window, driven over WebDriver.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction},
    error::CmdError,
    wd::WebDriverCompatibleCommand,
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// A browser with a profile of its own; it ends with the test.
pub struct Browser {
    runtime: Runtime,
    client: Client,
    driver: Child,
    base: String,
    _profile: tempfile::TempDir,
}

/// What the browser wrote to its console since the last time: `goog:loggingPrefs` of chromedriver.
#[derive(Debug)]
struct Console;

impl WebDriverCompatibleCommand for Console {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("/session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

/// A screen as wide as that, narrower than a window can be: `Emulation.setDeviceMetricsOverride` of Chromium.
#[derive(Debug)]
struct Screen(u32);

impl WebDriverCompatibleCommand for Screen {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("/session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let params =
            json!({ "width": self.0, "height": 800, "deviceScaleFactor": 1, "mobile": self.0 < 500 });
        let body = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": params });
        (http::Method::POST, Some(body.to_string()))
    }
}

impl Browser {
    /// Opens one on the pages of a server.
    pub fn on(base: &str) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver: apt-get install chromium-driver");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(connect(port, profile.path()));
        Self { runtime, client, driver, base: base.to_owned(), _profile: profile }
    }

    /// Opens a page; the path begins with a slash.
    pub fn open(&self, path: &str) {
        self.done(self.client.goto(&format!("{}{path}", self.base)));
    }

    /// Signs in.
    pub fn sign_in(&self, username: &str, password: &str) {
        self.open("/panel/login");
        self.fill("username", username);
        self.fill("password", password);
        self.press("Sign in");
    }

    /// The path of the page, with its parameters.
    pub fn path(&self) -> String {
        let url = self.done(self.client.current_url());
        url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()))
    }

    /// What can be read on the page.
    pub fn text(&self) -> String {
        self.run("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// Types into the input of that name, over what stands there.
    pub fn fill(&self, name: &str, text: &str) {
        self.fill_at(&format!("[name=\"{name}\"]:not([type=hidden])"), text);
    }

    /// The same, into the first match.
    pub fn fill_at(&self, css: &str, text: &str) {
        let input = self.find(css);
        self.done(input.clear());
        self.done(input.send_keys(text));
    }

    /// Chooses from the list of that name what sends that value.
    pub fn choose(&self, name: &str, value: &str) {
        let list = self.find(&format!("select[name=\"{name}\"]"));
        self.done(list.select_by_value(value));
    }

    /// Presses a key, by its name in the browser, wherever the focus is.
    pub fn key(&self, name: &str) {
        let key = match name {
            "Enter" => '\u{E007}',
            "Backspace" => '\u{E003}',
            "ArrowLeft" => '\u{E012}',
            "ArrowUp" => '\u{E013}',
            "ArrowRight" => '\u{E014}',
            "ArrowDown" => '\u{E015}',
            character => character.chars().next().expect("a key"),
        };
        let press = KeyActions::new("keyboard".into())
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key });
        self.done(self.client.perform_actions(press));
    }

    /// Drags with the mouse from one element to another.
    pub fn drag(&self, from: &str, to: &str) {
        let place = |css: &str| {
            let found = self.run(&format!(
                "const box = document.querySelector('{css}').getBoundingClientRect(); return [box.left + 3, box.top + 3]"
            ));
            (found[0].as_f64().expect("a place"), found[1].as_f64().expect("a place"))
        };
        let at =
            |(x, y): (f64, f64)| PointerAction::MoveTo { duration: Some(Duration::from_millis(200)), x, y };
        let (from, to) = (place(from), place(to));
        let halfway = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
        let drag = MouseActions::new("mouse".into())
            .then(at(from))
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(at(halfway))
            .then(at(to))
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.done(self.client.perform_actions(drag));
    }

    /// Ticks or unticks the first match.
    pub fn click(&self, css: &str) {
        self.done(self.find(css).click());
    }

    /// Presses the button, or follows the link, that says that, and waits for the next page.
    pub fn press(&self, label: &str) {
        let path = format!(
            "//main//*[self::button or self::a][normalize-space()=\"{label}\"] | //*[self::button or self::a][normalize-space()=\"{label}\"]"
        );
        self.run("window.isThePageBefore = true");
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path));
        let found = self.runtime.block_on(found);
        let found =
            found.unwrap_or_else(|error| panic!("{label}: {error} on {}:\n{}", self.path(), self.text()));
        self.done(found.click());
        self.until("the next page", || {
            self.run("return !window.isThePageBefore && document.readyState === 'complete'") == true
        });
    }

    /// Waits until it holds.
    pub fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < end, "{what}: not on {}:\n{}", self.path(), self.text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the page says that.
    pub fn sees(&self, text: &str) {
        self.until(&format!("\"{text}\""), || self.text().contains(text));
    }

    /// Runs a script; what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.runtime.block_on(self.client.execute(script, Vec::new())).unwrap_or(Value::Null)
    }

    /// What is wrong with the page that is open: errors in the console, requests that failed, violations
    /// that axe-core finds, a page wider than its window.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.console();
        if self.run("return typeof axe === 'undefined'") == true {
            self.run(&axe());
        }
        let script = "const done = arguments[arguments.length - 1]; axe.run(document, { resultTypes: ['violations'] })\
                      .then(found => done(found.violations.map(v => v.id + ': ' + v.help + ' at ' + \
                      v.nodes.map(n => n.target.join(' ')).slice(0, 3).join(', '))), error => done(['axe: ' + error]))";
        let found = self.done(self.client.execute_async(script, Vec::new()));
        problems
            .extend(found.as_array().into_iter().flatten().map(|one| one.as_str().unwrap_or("?").to_owned()));
        if self.run("return document.documentElement.scrollWidth > innerWidth") == true {
            problems.push("wider than its window".into());
        }
        problems
    }

    /// Errors and warnings in the console since the last time, failed requests among them.
    pub fn console(&self) -> Vec<String> {
        let entries = self.done(self.client.issue_cmd(Console));
        let grave = entries
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| entry["level"] != "DEBUG" && entry["level"] != "INFO");
        grave.map(|entry| format!("console: {}", entry["message"])).collect()
    }

    /// How wide the window is.
    pub fn set_width(&self, width: u32) {
        self.done(self.client.set_window_size(width, 900));
    }

    /// How wide the screen is, however wide the window: a telephone's has 375.
    pub fn set_screen(&self, width: u32) {
        self.done(self.client.issue_cmd(Screen(width)));
    }

    fn find(&self, css: &str) -> fantoccini::elements::Element {
        let found =
            self.runtime.block_on(self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)));
        found.unwrap_or_else(|error| panic!("{css}: {error} on {}:\n{}", self.path(), self.text()))
    }

    fn done<T>(&self, command: impl Future<Output = Result<T, CmdError>>) -> T {
        self.runtime.block_on(command).expect("the browser does it")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.client.clone().close());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

const PATIENCE: Duration = Duration::from_secs(15);

async fn connect(port: u16, profile: &std::path::Path) -> Client {
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
    ];
    let mut arguments: Vec<String> = arguments.map(str::to_owned).into();
    arguments.push(format!("--user-data-dir={}", profile.display()));
    let wanted = json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        // A machine that is busy with other tests may take longer than half a minute for axe.
        "timeouts": { "script": 120_000 },
        "goog:chromeOptions": { "args": arguments },
    });
    let Value::Object(wanted) = wanted else { panic!("an object") };
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let tried = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted.clone())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await;
        match tried {
            Ok(client) => return client,
            Err(error) => assert!(Instant::now() < end, "chromedriver: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn axe() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/target/browser/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{file}: {error}: scripts/test installs it"))
}
