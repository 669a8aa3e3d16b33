//! A box's request taken apart: parameters, MAC, token, from where.

use std::collections::HashMap;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, Version, header},
    web::{Data, Payload},
};
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::{PortalCache, reply};
use crate::{
    domain::{
        fields::{hidden::is_hidden, mac::Mac, time::ZoneName},
        portal::{
            device::{self, DeviceReport},
            token::is_token,
        },
    },
    ops::{Ops, people::lockouts::Face, portal::Caller, viewing::Client},
    wire::{body, form, origin::BaseUrl, visitor::Visitor},
};

/// What a box tells about itself is cut to this many characters.
const MOST: usize = 200;

/// A request of a box.
pub struct PortalRequest {
    /// The use cases.
    pub ops: Data<Ops>,
    /// Under which address the server was asked.
    pub origin: BaseUrl,
    /// What is kept between requests.
    pub kept: Data<PortalCache>,
    /// From where.
    pub from: Client,
    /// The zone of the clock on the box; the panel's if it does not say.
    pub zone: TimeZone,
    /// The version of HTTP that it speaks.
    pub version: Version,
    /// Whether nothing but the head of the answer is wanted.
    pub is_head: bool,
    fields: HashMap<String, String>,
    mac: Option<Mac>,
    token: String,
}

impl PortalRequest {
    /// Reads query, form, cookies and headers; the form's fields win over the query's.
    ///
    /// # Errors
    /// The reply: 400 for what cannot be read, 405.
    pub async fn read(request: &HttpRequest, payload: Payload) -> Result<Self, HttpResponse> {
        let Some(ops) = request.app_data::<Data<Ops>>().cloned() else { return Err(reply::failed()) };
        let kept = request.app_data::<Data<PortalCache>>().cloned().ok_or_else(reply::failed)?;
        let mut fields = fields(request.query_string().as_bytes());
        let Visitor { address, agent } = Visitor::of(request);
        if *request.method() == Method::POST {
            let blocked = ops.lockouts.address_blocked(Face::Portal, address);
            let body = body::whole(payload);
            let body = if blocked.is_some() { body::at_once(body).await } else { body.await };
            // Boxes name the body of a form in several ways.
            fields.extend(self::fields(
                &body.map_err(|_| blocked.map_or_else(reply::malformed, reply::blocked))?,
            ));
        }
        let cookies = cookies(request);
        let settings = &ops.snapshot().settings;
        let public_url = settings.public_url.as_ref().map(|url| url.as_str());
        let origin = BaseUrl::of(request, public_url).ok_or_else(reply::malformed)?;
        let from = Client { address, agent: agent.into() };
        let is_head = *request.method() == Method::HEAD;
        let zone = zone(&cookies).unwrap_or_else(|| settings.time_zone.zone());
        let version = request.version();
        let mut asked =
            Self { ops, origin, kept, from, zone, version, is_head, fields, mac: None, token: String::new() };
        let cookies_of = |name| {
            let named = cookies.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
            named.map(|(_, value)| value.as_str())
        };
        let of_box = cookies_of("mac")
            .find_map(mac)
            .or_else(|| ["mac", "MAC"].map(|name| mac(asked.text(name))).into_iter().flatten().next());
        let token = bearer(request)
            .into_iter()
            .chain([asked.text("token")])
            .chain(cookies_of("token"))
            .find_map(|text| token(text, of_box))
            .unwrap_or_default();
        (asked.mac, asked.token) = (of_box, token);
        Ok(asked)
    }

    /// A parameter; empty if it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// A parameter that is a whole number; `None` for anything else.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name).trim().parse().ok()
    }

    /// Who claims to ask; `None` without a MAC.
    pub fn caller(&self) -> Option<Caller> {
        self.mac.map(|mac| Caller { mac, token: self.token.clone(), from: self.from.clone() })
    }

    /// What the box says of itself.
    pub fn about(&self) -> DeviceReport {
        let word = |names: &[&str]| {
            let text = names.iter().map(|name| self.text(name)).find(|text| !device::says_nothing(text));
            text.unwrap_or_default().chars().filter(|c| !is_hidden(*c)).take(MOST).collect()
        };
        DeviceReport {
            device_id: word(&["device_id"]),
            device_id2: word(&["device_id2"]),
            model: word(&["stb_type"]),
            firmware: word(&["image_version", "ver"]),
            hardware: word(&["hw_version"]),
            serial: word(&["sn"]),
        }
    }
}

/// The fields of a query or form. Bytes that are no UTF-8 are replaced rather than refused: old boxes
/// send them in what nobody reads. Of a repeated field the last one counts.
fn fields(bytes: &[u8]) -> HashMap<String, String> {
    form_urlencoded::parse(bytes).into_owned().take(form::MAX_VALUES).collect()
}

/// What fuzzing feeds of what boxes send: a query with its MAC and token.
pub fn fuzz(bytes: &[u8]) {
    let fields = fields(bytes);
    assert!(fields.len() <= form::MAX_VALUES);
    let text = |name: &str| fields.get(name).map_or("", String::as_str);
    let mac = mac(text("mac"));
    if let Some(token) = token(text("token"), mac) {
        assert!(!token.contains(char::is_whitespace), "{token:?}");
    }
    let _ = zone(&[("timezone".to_owned(), text("timezone").to_owned())]);
}

/// The MAC in any spelling: with colons, dashes, dots, spaces or nothing between its digits; some
/// libraries quote it, and some encode what is encoded already.
fn mac(text: &str) -> Option<Mac> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let digits: String = decoded(&decoded(text))
        .chars()
        .filter(|c| !matches!(c, ':' | '-' | '.' | '"') && !c.is_whitespace())
        .collect();
    Mac::new(&digits).ok()
}

/// A text that can be a token; some libraries send the word Bearer with nothing after it.
fn token(text: &str, mac: Option<Mac>) -> Option<String> {
    let text = text.trim().trim_matches('"');
    is_token(text, mac).then(|| text.to_owned())
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, token) = value.split_once(char::is_whitespace).unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// The zone that a box says it is in.
fn zone(cookies: &[(String, String)]) -> Option<TimeZone> {
    let (_, name) = cookies.iter().find(|(name, _)| name.eq_ignore_ascii_case("timezone"))?;
    ZoneName::new(name).ok().map(|name| name.zone())
}

/// The cookies, decoded: some boxes send them percent-encoded and some as they are.
fn cookies(request: &HttpRequest) -> Vec<(String, String)> {
    let headers = request.headers().get_all(header::COOKIE);
    let texts = headers.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let pairs = texts.flat_map(|text| text.split(';').map(str::to_owned).collect::<Vec<_>>());
    let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8_lossy().into_owned();
    pairs
        .filter_map(|pair| pair.split_once('=').map(|(name, value)| (decoded(name), decoded(value))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_is_read_in_every_spelling_of_boxes() {
        for text in [
            "00:1a:79:00:00:01",
            "00-1A-79-00-00-01",
            "001A.7900.0001",
            "00 1A 79 00 00 01",
            "\"001a79000001\" ",
            "00%3a1a%3A79%3A00%3A00%3A01",
        ] {
            assert_eq!(mac(text).map(|mac| mac.to_string()).as_deref(), Some("00:1A:79:00:00:01"), "{text}");
        }
        for text in ["", "x", "00:1a:79:00:00", "FF:FF:FF:FF:FF:FF"] {
            assert_eq!(mac(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_is_one_word() {
        let given = "9F86D081884C7D65";
        assert_eq!(token(&format!(" {given} "), None).as_deref(), Some(given));
        assert_eq!(token(&format!("\"{given}\""), None).as_deref(), Some(given));
        for text in ["", " ", "\"\"", "9F86D081 884C7D65", "éééééééé", "AB12", "undefined", "00000000"]
        {
            assert_eq!(token(text, None), None, "{text}");
        }
    }
}
