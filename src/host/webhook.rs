//! Sending a webhook, signed by Standard Webhooks 1.0.0, and calls of message targets: by the rule of typed addresses, with little
//! read of what is answered.

use std::{io::Read, sync::OnceLock, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::fmt::rfc2822;
use ring::hmac;
use ureq::{Agent, Body, http::Response};

use super::fetch::{self, Limits};

/// A receiver has so long to answer; nothing is read of what it says beyond a little.
const LIMITS: Limits = Limits {
    bytes: 16 << 10,
    redirects: 0,
    connect: Duration::from_secs(10),
    silence: Duration::from_secs(20),
    whole: Duration::from_secs(20),
};

/// What a secret is shown with.
pub const PREFIX: &str = "whsec_";

/// Sends; connections that are still good are used again.
#[derive(Default)]
pub struct Sender {
    local: OnceLock<Result<Agent, String>>,
    public: OnceLock<Result<Agent, String>>,
}

/// One message.
pub struct Message<'a> {
    /// Where it goes.
    pub url: &'a str,
    /// What tells it from others, the same at every attempt.
    pub id: &'a str,
    /// When it is sent, in unix seconds.
    pub at: i64,
    /// The JSON.
    pub body: &'a str,
    /// What it is signed with, each by itself.
    pub secrets: &'a [String],
}

/// One call of a message target.
pub struct Call<'a> {
    /// Where it goes.
    pub url: &'a str,
    /// Further headers.
    pub headers: &'a [(String, String)],
    /// The body and its type; none is a GET.
    pub body: Option<(&'a str, &'static str)>,
}

/// What a receiver answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// For how many seconds it asks to be left alone.
    pub retry_after: Option<i64>,
}

impl Sender {
    /// Sends a message and waits for the answer, 20 seconds at most; `local` is whether loopback and private networks may be
    /// reached. Blocks.
    ///
    /// # Errors
    /// What went wrong as a sentence, without what is secret in the address.
    pub fn send(&self, message: &Message<'_>, local: bool) -> Result<Answer, String> {
        let Endpoint { url, host, login } = Endpoint::of(message.url)?;
        let mut request = self
            .agent(local)?
            .post(url.as_str())
            .header("Content-Type", "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", message.at.to_string())
            .header("webhook-signature", signatures(message));
        if let Some(login) = login {
            request = request.header("Authorization", login);
        }
        let answer = request.send(message.body).map_err(|e| format!("{host}: {}.", fetch::words(&e)))?;
        Ok(read(answer, Some(message.at)))
    }

    /// Calls a message target and waits for the answer, as [`Sender::send`] does. Blocks.
    ///
    /// # Errors
    /// What went wrong as a sentence, without what is secret in the address.
    pub fn call(&self, call: &Call<'_>, local: bool) -> Result<Answer, String> {
        let Endpoint { url, host, login } = Endpoint::of(call.url)?;
        let agent = self.agent(local)?;
        let login = login.map(|login| ("Authorization".to_owned(), login));
        let headers = call.headers.iter().chain(&login);
        let answer = match call.body {
            None => {
                let request = agent.get(url.as_str());
                headers.fold(request, |request, (name, value)| request.header(name, value)).call()
            }
            Some((body, mime)) => {
                let request = agent.post(url.as_str()).header("Content-Type", mime);
                headers.fold(request, |request, (name, value)| request.header(name, value)).send(body)
            }
        };
        Ok(read(answer.map_err(|e| format!("{host}: {}.", fetch::words(&e)))?, None))
    }

    fn agent(&self, local: bool) -> Result<&Agent, String> {
        let agent = if local { &self.local } else { &self.public };
        agent.get_or_init(|| fetch::agent(None, local, &LIMITS)).as_ref().map_err(Clone::clone)
    }
}

/// Where an address leads: user and password are sent as a header.
struct Endpoint {
    url: url::Url,
    host: String,
    login: Option<String>,
}

impl Endpoint {
    fn of(address: &str) -> Result<Self, String> {
        let mut url = url::Url::parse(address).map_err(|_| "The address is no URL.".to_owned())?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let login = fetch::login(&url);
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        Ok(Self { url, host, login })
    }
}

fn read(mut answer: Response<Body>, sent_at: Option<i64>) -> Answer {
    let status = answer.status().as_u16();
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
    let retry_after = header("retry-after").and_then(|text| pause(text, header("date"), sent_at));
    // A short answer is read to its end, so that the connection can be used again.
    let body = answer.body_mut().with_config().limit(u64::MAX).reader();
    let _ = std::io::copy(&mut body.take(LIMITS.bytes), &mut std::io::sink());
    Answer { status, retry_after }
}

/// The seconds that a Retry-After asks for: a number, or a moment by the receiver's own clock, if it says what that shows.
fn pause(text: &str, date: Option<&str>, sent_at: Option<i64>) -> Option<i64> {
    let moment = |text: &str| Some(rfc2822::parse(text.trim()).ok()?.timestamp().as_second());
    if let Ok(seconds) = text.trim().parse() {
        return Some(seconds);
    }
    let now = date.and_then(moment).or(sent_at)?;
    Some((moment(text)? - now).max(0))
}

/// Every signature of a message, as its header has them.
fn signatures(message: &Message<'_>) -> String {
    let signed = format!("{}.{}.{}", message.id, message.at, message.body);
    let sign = |secret: &String| {
        let key = BASE64_STANDARD.decode(secret.strip_prefix(PREFIX).unwrap_or(secret)).unwrap_or_default();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        format!("v1,{}", BASE64_STANDARD.encode(tag))
    };
    message.secrets.iter().map(sign).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_has_the_whole_time_to_answer() {
        assert!(LIMITS.silence >= LIMITS.whole);
    }

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_until_a_moment() {
        let at = Some(1_796_037_000);
        assert_eq!(pause("120", None, at), Some(120));
        assert_eq!(pause("Mon, 30 Nov 2026 11:30:00 GMT", None, at), Some(1_200));
        // Its own clock is wrong, and so is the moment.
        let wrong = Some("Mon, 30 Nov 2026 11:29:30 GMT");
        assert_eq!(pause("Mon, 30 Nov 2026 11:30:00 GMT", wrong, at), Some(30));
        assert_eq!(pause("Sun, 06 Nov 1994 08:49:37 GMT", None, at), Some(0));
        assert_eq!(pause("soon", None, at), None);
    }

    #[test]
    fn signatures_are_those_of_the_specification() {
        let secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()];
        let message = Message {
            url: "http://a.example/",
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at: 1_614_265_330,
            body: "{\"test\": 2432232314}",
            secrets: &secrets,
        };
        assert_eq!(signatures(&message), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let two = Message { secrets: &[secrets[0].clone(), secrets[0].clone()], ..message };
        assert_eq!(signatures(&two).split(' ').count(), 2);
    }
}
