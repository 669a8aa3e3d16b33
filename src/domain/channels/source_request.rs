//! How a source is asked over HTTP, beyond its address: User-Agent, headers, and whether certificates are verified.

use percent_encoding::percent_decode_str;

use crate::domain::{
    Fact, Kind, Rule,
    field::Item,
    fields::text::{SourceAgent, plain},
    people::audit::MASK,
};

/// One header of a request to a source, such as `Referer: https://tv.example/`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SourceHeader {
    name: String,
    value: String,
}

impl SourceHeader {
    /// The most bytes of a value.
    const VALUE: usize = 4096;
    /// They belong to the connection or to the reading of a body, which are ours.
    const OURS: [&'static str; 14] = [
        "host",
        "connection",
        "content-length",
        "content-type",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "keep-alive",
        "range",
        "accept-encoding",
        "proxy-authorization",
        "proxy-connection",
    ];

    /// Reads a name and a value.
    ///
    /// # Errors
    /// The rule that one of them breaks.
    pub fn new(name: &str, value: &str) -> Result<Self, Rule> {
        let (name, value) = (name.trim(), value.trim());
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`~".contains(&b);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(token) {
            return Err("Name: value, the name 1 to 64 letters, digits and hyphens".into());
        }
        if name.eq_ignore_ascii_case("user-agent") {
            return Err("User-Agent has its own field, user_agent".into());
        }
        if Self::OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            return Err(format!("{name} is set by the server itself").into());
        }
        if value.len() > Self::VALUE || value.chars().any(crate::domain::fields::hidden::is_hidden) {
            return Err(format!(
                "the value of {name} has at most {} bytes without control characters",
                Self::VALUE
            )
            .into());
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }

    /// Its name as it was written.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    /// Whether its value is one that nobody is to read.
    pub fn is_secret(&self) -> bool {
        is_secret(&self.name)
    }

    fn line(&self) -> String {
        format!("{}: {}", self.name, self.value)
    }

    fn shown(&self) -> String {
        if self.is_secret() { format!("{}: {MASK}", self.name) } else { self.line() }
    }
}

/// Whether the value of a header of that name is one that nobody is to read.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["cookie", "authorization", "token", "key"].iter().any(|word| name.contains(word))
}

impl std::fmt::Debug for SourceHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Item for SourceHeader {
    const KIND: Kind = Kind::List;
    const MOST: usize = 32;

    fn parse_item(text: &str) -> Result<Self, Rule> {
        let (name, value) = text.split_once(':').ok_or("Name: value")?;
        Self::new(name, value)
    }

    fn list_fact(items: &[Self]) -> Fact {
        Fact::Masked(items.iter().map(|header| (header.line(), header.shown())).collect())
    }

    fn stored_list(fact: Fact) -> Option<Vec<Self>> {
        match fact {
            Fact::List(texts) => texts.iter().map(|text| Self::parse_item(text).ok()).collect(),
            _ => None,
        }
    }

    /// A secret one that came back as it is shown keeps the value that it had.
    fn list_in_place_of(items: Vec<Self>, before: &[Self]) -> Result<Vec<Self>, Rule> {
        let mut taken: Vec<Self> = Vec::with_capacity(items.len());
        for mut header in items {
            let same = |other: &&Self| other.name.eq_ignore_ascii_case(&header.name);
            if taken.iter().find(same).is_some() {
                return Err(format!("each name only once, but {} occurs twice", header.name).into());
            }
            if header.is_secret() && header.value == MASK {
                let kept = before.iter().find(same);
                let kept = kept.ok_or_else(|| {
                    format!("{}: {MASK} keeps a stored value, but there is none", header.name)
                })?;
                header.value.clone_from(&kept.value);
            }
            taken.push(header);
        }
        Ok(taken)
    }
}

/// How a source is asked: the columns of a stream, or what a channel list says of one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRequest {
    /// The User-Agent; empty for the server's own.
    pub user_agent: SourceAgent,
    /// Further headers, no name twice.
    pub headers: Vec<SourceHeader>,
    /// Whether the certificate of an https source must be valid.
    pub tls_verify: bool,
    /// What was said of it and could not be taken.
    pub left_out: Vec<&'static str>,
}

impl Default for SourceRequest {
    fn default() -> Self {
        Self { user_agent: SourceAgent::none(), headers: Vec::new(), tls_verify: true, left_out: Vec::new() }
    }
}

impl SourceRequest {
    /// Takes `ADDRESS|User-Agent=..&Referer=..` apart, as Kodi writes it: gives the address and notes the rest.
    /// A `|` that no `name=` follows is part of the address.
    pub fn take_suffix<'a>(&mut self, source: &'a str) -> &'a str {
        let (address, suffix) = split_suffix(source);
        self.take_pairs(suffix.unwrap_or_default());
        address
    }

    /// Takes what another says; where both say something, that one's holds.
    pub fn take_other(&mut self, other: Self) {
        if !other.user_agent.as_str().is_empty() {
            self.user_agent = other.user_agent;
        }
        self.tls_verify &= other.tls_verify;
        self.left_out.extend(other.left_out);
        for header in other.headers {
            self.take(&header.name, &header.value);
        }
    }

    /// Takes what follows `#EXTVLCOPT:`; whether it was about the request.
    pub fn take_vlc_option(&mut self, option: &str) -> bool {
        let Some((name, value)) = option.trim_start_matches([':', '-', ' ']).split_once('=') else {
            return false;
        };
        let name = match name.trim().to_ascii_lowercase().as_str() {
            "http-user-agent" => "User-Agent",
            "http-referrer" | "http-referer" => "Referer",
            "http-origin" => "Origin",
            "http-cookie" => "Cookie",
            _ => return false,
        };
        self.take(name, unquoted(value))
    }

    /// Takes what follows `#KODIPROP:`; whether it was about the request.
    pub fn take_kodi_property(&mut self, property: &str) -> bool {
        let Some((name, value)) = property.split_once('=') else { return false };
        let name = name.trim().to_ascii_lowercase();
        let headers = ["stream_headers", "manifest_headers", "common_headers"];
        let is_adaptive =
            name.strip_prefix("inputstream.adaptive.").is_some_and(|end| headers.contains(&end));
        match name.as_str() {
            _ if is_adaptive => self.take_pairs(unquoted(value)),
            "http-user-agent" => self.take("User-Agent", unquoted(value)),
            "http-referrer" | "http-referer" => self.take("Referer", unquoted(value)),
            _ => false,
        }
    }

    /// Takes what follows `#EXTHTTP:`, a JSON object of headers; whether it said anything.
    pub fn take_json(&mut self, text: &str) -> bool {
        let Ok(serde_json::Value::Object(headers)) = serde_json::from_str(text.trim()) else { return false };
        let mut taken = false;
        for (name, value) in &headers {
            if value.is_null() {
                self.leave_out("header of a source left out: it has no value");
                taken = true;
                continue;
            }
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            taken |= self.take(name, &value);
        }
        taken
    }

    /// `Name=value&Name=value`, percent-encoded.
    fn take_pairs(&mut self, pairs: &str) -> bool {
        let mut taken = false;
        let pairs: Vec<_> = split_pairs(pairs).into_iter().filter_map(|pair| pair.split_once('=')).collect();
        for (place, (name, value)) in pairs.iter().enumerate() {
            let is_twice = |before: &(&str, &str)| before.0.eq_ignore_ascii_case(name) && before.1 != *value;
            if pairs[..place].iter().any(is_twice) {
                self.leave_out("header of a source given twice: the last one is used");
            }
            // Kodi reads a plus as a blank; a text that has blanks means it.
            let value = if value.contains(' ') { (*value).to_owned() } else { value.replace('+', " ") };
            let value = percent_decode_str(&value).decode_utf8_lossy();
            taken |= self.take(name.trim().trim_start_matches('!'), &value);
        }
        taken
    }

    /// Notes one header; the last one of a name holds. What breaks a rule, or is an option of Kodi's
    /// that is no header, is left out, and noted as well.
    fn take(&mut self, name: &str, value: &str) -> bool {
        let taken = self.try_take(name, value.trim());
        if let Err(why) = taken {
            self.leave_out(why);
        }
        taken.unwrap_or(false)
    }

    fn leave_out(&mut self, why: &'static str) {
        if !self.left_out.contains(&why) {
            self.left_out.push(why);
        }
    }

    /// Whether it was taken, or why not; one without a value says nothing.
    fn try_take(&mut self, name: &str, value: &str) -> Result<bool, &'static str> {
        match name.to_ascii_lowercase().as_str() {
            "user-agent" => {
                let long = "User-Agent of a source left out: over 512 bytes, or with control characters";
                self.user_agent = SourceAgent::new(value).map_err(|_| long)?;
                return Ok(true);
            }
            "verifypeer" => {
                self.tls_verify = !value.eq_ignore_ascii_case("false");
                return Ok(true);
            }
            "seekable" | "failonerror" | "acceptencoding" | "encoding" | "sslcipherlist" | "postdata"
            | "customrequest" | "noshout" | "auth" | "connection-timeout" | "redirect-limit" => {
                return Err("option for a player behind an address left out");
            }
            name if SourceHeader::OURS.contains(&name) => {
                return Err("header of a source left out that the server sets itself, such as Host or Range");
            }
            _ => {}
        }
        let broken = "header of a source left out: its name or value breaks a rule";
        let header = SourceHeader::new(name, value).map_err(|_| broken)?;
        self.headers.retain(|other| !other.name.eq_ignore_ascii_case(&header.name));
        if self.headers.len() >= SourceHeader::MOST {
            return Err("headers of a source beyond the 32nd left out");
        }
        if !value.is_empty() {
            self.headers.push(header);
        }
        Ok(!value.is_empty())
    }
}

/// `Name=value`, parted by `&`, or by a `|` as before the first, which some lists write.
fn split_pairs(suffix: &str) -> Vec<&str> {
    let mut pairs = Vec::new();
    for mut rest in suffix.split('&') {
        while let (pair, Some(more)) = split_suffix(rest) {
            pairs.push(pair);
            rest = more;
        }
        pairs.push(rest);
    }
    pairs
}

/// What follows the `|` of a source, in the one form in which it is kept.
pub fn joined(suffix: &str) -> String {
    split_pairs(suffix).join("&")
}

/// The address of a source, and what follows its `|` if that is `name=`.
pub fn split_suffix(source: &str) -> (&str, Option<&str>) {
    let is_name = |text: &str| {
        let name = text.split_once('=').map_or("", |(name, _)| name.trim_start_matches('!'));
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let mut pipes = source.match_indices('|').map(|(at, _)| at);
    match pipes.find(|at| is_name(&source[at + 1..])) {
        Some(at) => (source[..at].trim_end(), Some(&source[at + 1..])),
        None => (source, None),
    }
}

/// The headers behind a `|` as others see them: the values of secret ones masked.
pub fn masked_suffix(suffix: &str) -> String {
    let masked = |pair: &str| match pair.split_once('=') {
        Some((name, value)) if is_secret(name) && !value.is_empty() => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    };
    suffix.split('&').map(masked).collect::<Vec<_>>().join("&")
}

/// Whether the value of a secret header came back as it is shown.
pub fn has_mask(suffix: &str) -> bool {
    let mut pairs = suffix.split('&').filter_map(|pair| pair.split_once('='));
    pairs.any(|(name, value)| is_secret(name) && value == MASK)
}

/// The headers with what stands in others for what came back masked; `None` if something does not.
pub fn unmasked_suffix(suffix: &str, others: &str) -> Option<String> {
    let mut pairs = Vec::new();
    for pair in suffix.split('&') {
        match pair.split_once('=').filter(|_| has_mask(pair)) {
            Some((name, _)) => {
                let same =
                    |other: &&str| other.split_once('=').is_some_and(|it| it.0.eq_ignore_ascii_case(name));
                let value = others.split('&').find(same)?.split_once('=')?.1;
                pairs.push(format!("{name}={value}"));
            }
            None => pairs.push(pair.to_owned()),
        }
    }
    Some(pairs.join("&"))
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// What a User-Agent may be.
pub(crate) fn agent_rule(text: &str) -> Result<(), Rule> {
    plain(text, 512, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Field, Written};

    fn lines(headers: &[SourceHeader]) -> Vec<String> {
        headers.iter().map(SourceHeader::line).collect()
    }

    fn list(lines: &[&str]) -> Result<Vec<SourceHeader>, Rule> {
        Vec::parse(&Written::List(lines.iter().map(|line| (*line).to_owned()).collect()))
    }

    #[test]
    fn a_header_has_a_name_and_one_line() {
        for good in ["Referer: https://h/x:1", "X-Forwarded-For:1.2.3.4", "Origin: ", "Cookie: a=1; b=ü"] {
            assert!(list(&[good]).is_ok(), "{good}");
        }
        let long = format!("X: {}", "x".repeat(4097));
        for bad in
            ["", "Referer", ": x", "A B: x", "X: a\r\nY: b", "Host: h", "range: 0", "User-Agent: x", &long]
        {
            assert!(list(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_masked_and_what_comes_back_masked_stays() {
        let before = list(&["Cookie: a=1", "X-Api-Key: k", "Referer: http://h/"]).unwrap();
        let Fact::Masked(shown) = before.fact() else { panic!("masked") };
        let shown: Vec<&str> = shown.iter().map(|(_, shown)| shown.as_str()).collect();
        assert_eq!(shown, ["Cookie: ***", "X-Api-Key: ***", "Referer: http://h/"]);
        assert!(!format!("{before:?}").contains("a=1"));
        let after = list(&["cookie: ***", "Referer: ***", "Authorization: new"]).unwrap();
        let after = after.in_place_of(Some(&before)).unwrap();
        assert_eq!(lines(&after), ["cookie: a=1", "Referer: ***", "Authorization: new"]);
        for bad in [&["X-Token: ***"][..], &["A: 1", "a: 2"]] {
            assert!(list(bad).unwrap().in_place_of(Some(&before)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_follows_a_pipe_is_about_the_request_only_as_name_and_value() {
        for (source, address, agent, headers) in [
            ("http://h/1.ts|User-Agent=VLC%2F3", "http://h/1.ts", "VLC/3", &[][..]),
            (
                "http://h/1|user-agent=A+B&Referer=http%3A%2F%2Fr%2F&Cookie=a%3D1&seekable=0",
                "http://h/1",
                "A B",
                &["Referer: http://r/", "Cookie: a=1"],
            ),
            ("http://h/a|b.ts", "http://h/a|b.ts", "", &[]),
            ("http://h/a|b/c=d", "http://h/a|b/c=d", "", &[]),
            ("http://h/a|b?c|X-A=1", "http://h/a|b?c", "", &["X-A: 1"]),
            ("http://h/a |!Origin=http://o", "http://h/a", "", &["Origin: http://o"]),
            ("http://h/1|User-Agent=Mozilla/5.0 (a+b)", "http://h/1", "Mozilla/5.0 (a+b)", &[]),
        ] {
            let mut request = SourceRequest::default();
            assert_eq!(request.take_suffix(source), address, "{source}");
            assert_eq!(request.user_agent.as_str(), agent, "{source}");
            assert_eq!(lines(&request.headers), headers, "{source}");
        }
    }

    #[test]
    fn lists_say_headers_in_three_more_ways() {
        let mut request = SourceRequest::default();
        assert!(request.take_vlc_option("http-user-agent=Box/1"));
        assert!(request.take_vlc_option(":http-referrer=\"https://r.example/\""));
        assert!(!request.take_vlc_option("network-caching=1000"));
        assert!(request.take_kodi_property(
            "inputstream.adaptive.stream_headers=Cookie=a%3D1&X-Token=t&verifypeer=false"
        ));
        assert!(!request.take_kodi_property("inputstream.adaptive.manifest_type=hls"));
        assert!(request.take_json("{\"Origin\":\"https://o\",\"cookie\":\"b=2\",\"n\":1}"));
        assert!(!request.take_json("[1]") && !request.take_json("{"));
        assert_eq!(request.user_agent.as_str(), "Box/1");
        let expected =
            ["Referer: https://r.example/", "X-Token: t", "Origin: https://o", "cookie: b=2", "n: 1"];
        assert_eq!(lines(&request.headers), expected);
        assert!(!request.tls_verify);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_lists_never_panic(text in "[ -~ü|=&%+!]{0,60}") {
            let mut request = SourceRequest::default();
            request.take_suffix(&text);
            let _ = (request.take_vlc_option(&text), request.take_kodi_property(&text), request.take_json(&text));
        }
    }
}
