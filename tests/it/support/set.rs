//! Boxes of MAGs, and servers for them.

use std::process::Command;

use serde_json::Value;

use super::TestServer;

pub const MAC: &str = "00:1A:79:00:00:01";

/// A box: where it asks, with which MAC, and the token that it was given.
pub struct Set<'s> {
    pub server: &'s TestServer,
    pub mac: &'s str,
    pub token: String,
    pub from: Option<&'s str>,
    pub range: bool,
}

impl<'s> Set<'s> {
    /// One that has not asked yet.
    pub fn new(server: &'s TestServer, mac: &'s str) -> Self {
        Self { server, mac, token: String::new(), from: None, range: false }
    }

    /// One that is let in.
    pub fn on(server: &'s TestServer, mac: &'s str) -> Self {
        let mut set = Self::new(server, mac);
        set.shake("");
        assert_eq!(set.js("type=stb&action=get_profile")["status"], 0);
        set
    }

    /// Takes the token of a handshake; the whole answer.
    pub fn shake(&mut self, token: &str) -> Value {
        let answer = self.js(&format!("type=stb&action=handshake&token={token}"));
        answer["token"].as_str().expect("a token").clone_into(&mut self.token);
        answer
    }

    /// Asks for the head of an answer alone.
    pub fn head(&self, query: &str) {
        assert_eq!(self.ask(query, &["-I"]).0, 200, "{query}");
    }

    /// Status and text of an answer.
    pub fn text(&self, query: &str) -> (u16, String) {
        self.ask(query, &[])
    }

    fn ask(&self, query: &str, more: &[&str]) -> (u16, String) {
        let mut headers = vec![format!("Cookie: mac={}; stb_lang=en; timezone=Europe/Lisbon", self.mac)];
        if !self.token.is_empty() {
            headers.push(format!("Authorization: Bearer {}", self.token));
        }
        headers.extend(self.range.then(|| "Range: bytes=0-".to_owned()));
        headers.extend(self.from.map(|from| format!("X-Forwarded-For: {from}")));
        ask(self.server, &format!("/portal.php?{query}&JsHttpRequest=1-xml"), &headers, more)
    }

    /// The result of an action.
    pub fn js(&self, query: &str) -> Value {
        let (status, text) = self.text(query);
        let answer: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{query}: {status} {text}"));
        assert_eq!((status, answer["text"].as_str()), (200, Some("")), "{query}");
        answer["js"].clone()
    }

    /// The path of the link to a channel, or what the box is told instead.
    pub fn link(&self, channel: i64) -> Result<String, String> {
        let link =
            self.js(&format!("type=itv&action=create_link&cmd=ffmpeg%20http://localhost/ch/{channel}_"));
        match link["error"].as_str() {
            Some("") => {
                let cmd = link["cmd"].as_str().expect("a command");
                let url = cmd.strip_prefix("ffmpeg ").expect("with its player");
                Ok(url.strip_prefix(&self.server.url).expect("of this server").to_owned())
            }
            error => Err(error.expect("a text").to_owned()),
        }
    }
}

pub fn ask(server: &TestServer, path: &str, headers: &[String], more: &[&str]) -> (u16, String) {
    if more.is_empty() {
        let answer = super::http::ask(&format!("{}{path}", server.url), headers, None);
        return (answer.status, answer.body);
    }
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-g", "-w", "\n%{http_code}"]).args(more);
    for header in headers {
        curl.args(["-H", header]);
    }
    let output = curl.arg(format!("{}{path}", server.url)).output().expect("curl");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').expect("a status");
    (status.parse().expect("a number"), body.to_owned())
}

/// A server with one running stream and the MAG of that MAC.
pub fn watchable() -> TestServer {
    let server = super::tv::with_streams(1);
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    server
}

/// A server with channels that do not run: 30 of them under News, HD ones among them, two censored,
/// and the MAG of that MAC.
pub fn catalogue() -> TestServer {
    let server = TestServer::start();
    server.done("categories/new", "data[name]=News");
    server.done("categories/new", "data[name]=Night&data[censored]=1");
    for number in 1..=30 {
        let name =
            if number % 10 == 0 { format!("Channel {number} HD") } else { format!("Channel {number}") };
        server.done(
            "streams/new",
            &format!("data[name]={name}&data[category_id]=1&data[number]={}", 100 - number),
        );
    }
    for name in ["Late One", "Late Two"] {
        server.done("streams/new", &format!("data[name]={name}&data[category_id]=2"));
    }
    let streams: Vec<String> = (1..=32).map(|id| format!("&data[streams][]={id}")).collect();
    server.done("bouquets/new", &format!("data[name]=All{}", streams.concat()));
    server.done("mag/new", &format!("data[mac_address]={MAC}&data[bouquets][]=1"));
    server
}

pub fn names(page: &Value) -> Vec<&str> {
    page["data"].as_array().expect("data").iter().filter_map(|channel| channel["name"].as_str()).collect()
}

pub fn mag(server: &TestServer, change: &str) {
    server.done("mag/update", &format!("mac_address={MAC}&{change}"));
}

pub fn device(server: &TestServer) -> Value {
    server.done("mag/info", &format!("mac_address={MAC}"))["mag_device"].clone()
}
