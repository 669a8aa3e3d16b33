//! Asks for what belongs to a source: its headers and cookies, redirects, and where it may lead.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use url::Url;

use super::{
    client::{self, Answer, Body},
    connect::{Socket, Target, connect},
    cookies::Cookies,
    login::Logins,
    tls::{self, Tls},
};
use crate::domain::channels::{reach::NetworkScope, source_request::SourceRequest};

/// The most redirects that are followed.
const REDIRECTS: usize = 10;
/// Connections that are kept for the next request of a source, and for how long.
const KEPT: usize = 4;
const KEPT_FOR: Duration = Duration::from_secs(20);

/// Why something of a source was not got.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the source answered, if it did.
    pub status: Option<u16>,
    /// In words.
    pub why: String,
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Self { status: None, why }
    }
}

/// What was got.
pub struct Got {
    /// Where it came from in the end.
    pub url: Url,
    /// 200 or 206, and the head.
    pub answer: Answer,
}

/// A connection that is kept, and since when.
type OpenConnection = (Target, Box<dyn Socket>, Instant);

/// Asks for one source.
pub struct Asker {
    /// What somebody typed.
    home: Url,
    request: SourceRequest,
    tls: Tls,
    /// Where the typed address was found.
    place: Mutex<Option<NetworkScope>>,
    cookies: Mutex<Cookies>,
    logins: Logins,
    kept: Mutex<Vec<OpenConnection>>,
}

impl Asker {
    /// For the source of that address.
    pub fn new(home: Url, request: SourceRequest) -> Self {
        let tls = tls::of(request.tls_verify);
        let (place, cookies, logins, kept) = Default::default();
        Self { home, request, tls, place, cookies, logins, kept }
    }

    /// Asks for an address, and follows where it leads.
    ///
    /// # Errors
    /// A [`Failure`], for every answer but 200 and 206 too.
    pub async fn get(&self, url: &Url, range: Option<&str>) -> Result<Got, Failure> {
        let mut url = url.clone();
        let mut has_answered = false;
        for _ in 0..=REDIRECTS {
            let answer = self.ask(&url, range).await?;
            for line in answer.all("set-cookie") {
                self.cookies.lock().take(&url, line);
            }
            match answer.status {
                200 | 206 => return Ok(Got { url, answer }),
                301 | 302 | 303 | 307 | 308 if answer.header("location").is_some() => {
                    let to = answer.header("location").and_then(|to| url.join(to).ok());
                    let to =
                        to.ok_or_else(|| "it redirects to something that is not an address".to_owned())?;
                    self.keep(&url, answer.body);
                    url = to;
                }
                // A further one of the same request: what was answered is wrong.
                401 if !has_answered && self.takes_digest(&url, &answer) => {
                    has_answered = true;
                    self.keep(&url, answer.body);
                }
                status => {
                    let why =
                        format!("the server answered {status} {}", meaning(status)).trim_end().to_owned();
                    return Err(Failure { status: Some(status), why });
                }
            }
        }
        Err(format!("it redirects more than {REDIRECTS} times").into())
    }

    /// Whether the server asks for a digest of a user and password that there are.
    fn takes_digest(&self, url: &Url, answer: &Answer) -> bool {
        Target::of(url).is_ok_and(|target| {
            self.login(url, &target).is_some() && self.logins.take(&target, answer.all("www-authenticate"))
        })
    }

    /// The header that tells user and password, if they may be told there.
    fn login(&self, url: &Url, target: &Target) -> Option<String> {
        let own = self.logins.answer(target, url, url);
        own.or_else(|| self.logins.answer(target, url, &self.home).filter(|_| is_same(&self.home, target)))
    }

    /// Keeps the connection of a body that was read to its end, for the next request.
    pub fn keep(&self, url: &Url, body: Body) {
        if let (Some(socket), Ok(target)) = (body.leave(), Target::of(url)) {
            let mut kept = self.kept.lock();
            if kept.len() >= KEPT {
                kept.remove(0);
            }
            kept.push((target, socket, Instant::now()));
        }
    }

    async fn ask(&self, url: &Url, range: Option<&str>) -> Result<Answer, Failure> {
        let target = Target::of(url)?;
        let head = self.head(url, &target, range);
        if let Some(socket) = self.kept(&target) {
            match client::ask(socket, &head).await {
                Ok(answer) => return Ok(answer),
                Err(Some(why)) => return Err(why.into()),
                // It was closed meanwhile.
                Err(None) => {}
            }
        }
        let socket = connect(&target, &self.tls, |address| self.may_reach(&target, address)).await?;
        let answer = client::ask(socket, &head).await;
        answer.map_err(|why| why.unwrap_or_else(|| "the source hung up without an answer".into()).into())
    }

    fn kept(&self, target: &Target) -> Option<Box<dyn Socket>> {
        let mut kept = self.kept.lock();
        kept.retain(|(.., since)| since.elapsed() < KEPT_FOR);
        let place = kept.iter().position(|(other, ..)| other == target)?;
        Some(kept.remove(place).1)
    }

    /// What was typed may be anywhere that is a place; what it leads to is bounded by where it was found.
    fn may_reach(&self, target: &Target, address: IpAddr) -> bool {
        let to = NetworkScope::of(address);
        let mut place = self.place.lock();
        match *place {
            None if is_host_of(&self.home, target) && to != NetworkScope::Nowhere => {
                *place = Some(to);
                true
            }
            None => false,
            Some(from) => from.may_lead_to(to),
        }
    }

    fn head(&self, url: &Url, target: &Target, range: Option<&str>) -> String {
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let agent = Some(self.request.user_agent.as_str()).filter(|agent| !agent.is_empty());
        let agent = agent.unwrap_or(concat!("Linecard/", env!("CARGO_PKG_VERSION")));
        let mut lines = vec![
            format!("GET {}{query} HTTP/1.1", url.path()),
            format!("Host: {host}{port}"),
            format!("User-Agent: {agent}"),
        ];
        let trusted = self.is_trusted(&target.host);
        let headers: Vec<_> =
            self.request.headers.iter().filter(|header| trusted || !header.is_secret()).collect();
        let has = |name: &str| headers.iter().any(|header| header.name().eq_ignore_ascii_case(name));
        if !has("accept") {
            lines.push("Accept: */*".into());
        }
        let mut cookies = self.cookies.lock().of(url);
        for header in &headers {
            if header.name().eq_ignore_ascii_case("cookie") {
                let both = [header.value(), &cookies].into_iter().filter(|text| !text.is_empty());
                cookies = both.collect::<Vec<_>>().join("; ");
            } else {
                lines.push(format!("{}: {}", header.name(), header.value()));
            }
        }
        if !cookies.is_empty() {
            lines.push(format!("Cookie: {cookies}"));
        }
        if !has("authorization")
            && let Some(login) = self.login(url, target)
        {
            lines.push(format!("Authorization: {login}"));
        }
        lines.extend(range.map(|range| format!("Range: {range}")));
        lines.push("Connection: keep-alive\r\n\r\n".into());
        lines.join("\r\n")
    }

    /// Whether secrets that were typed for the source may go there: its own host, and hosts of the same site.
    fn is_trusted(&self, host: &str) -> bool {
        let home = self.home.host_str().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
        let host = host.to_ascii_lowercase();
        home == host || site(&home).is_some_and(|site| host == site || host.ends_with(&format!(".{site}")))
    }
}

/// `example.com` of `www.example.com`; none of an address, and of what may be a registry's, such as `co.uk`.
fn site(host: &str) -> Option<&str> {
    if host.parse::<IpAddr>().is_ok() || !host.contains('.') {
        return None;
    }
    let parent = if host.matches('.').count() > 1 { host.split_once('.')?.1 } else { host };
    let (name, top) = parent.rsplit_once('.')?;
    let may_be_registry = !name.contains('.') && name.len() <= 3 && top.len() == 2;
    if may_be_registry { Some(host) } else { Some(parent) }
}

fn is_host_of(home: &Url, target: &Target) -> bool {
    home.host_str().is_some_and(|host| host.trim_matches(['[', ']']).eq_ignore_ascii_case(&target.host))
}

fn is_same(home: &Url, target: &Target) -> bool {
    Target::of(home).is_ok_and(|home| home == *target)
}

pub fn meaning(status: u16) -> &'static str {
    match status {
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        416 => "Range Not Satisfiable",
        423 => "Locked",
        429 => "Too Many Requests",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(home: &str, headers: &str) -> Asker {
        let mut request = SourceRequest::default();
        request.take_suffix(&format!("|{headers}"));
        Asker::new(Url::parse(home).unwrap(), request)
    }

    fn head(asker: &Asker, url: &str) -> String {
        let url = Url::parse(url).unwrap();
        asker.head(&url, &Target::of(&url).unwrap(), None)
    }

    #[test]
    fn secrets_go_to_the_site_of_the_source_and_nowhere_else() {
        let asker =
            asker("https://u:p@www.h.example/1.m3u8", "User-Agent=Box&Referer=r&Cookie=hush&X-Token=hush");
        for (url, is_told, has_login) in [
            ("https://www.h.example/2.ts?x=1", true, true),
            ("https://cdn.h.example/2.ts", true, false),
            ("https://h.example.evil/2.ts", false, false),
            ("https://evilh.example/2.ts", false, false),
            ("http://192.0.2.1/", false, false),
        ] {
            let head = head(&asker, url);
            assert!(head.contains("User-Agent: Box\r\n") && head.contains("Referer: r\r\n"), "{head}");
            assert_eq!(
                head.contains("Cookie: hush\r\nAuth") || head.contains("X-Token: hush"),
                is_told,
                "{head}"
            );
            assert_eq!(head.contains("Authorization: Basic dTpw"), has_login, "{head}");
        }
        assert_eq!(site("a.co.uk"), Some("a.co.uk"));
        assert_eq!((site("1.2.3.4"), site("localhost")), (None, None));
    }

    #[test]
    fn only_what_was_typed_may_be_close() {
        let of = |host: &str| Target { is_tls: false, host: host.into(), port: 80 };
        let address = |text: &str| text.parse().unwrap();
        let asker = asker("http://tv.example/", "");
        assert!(!asker.may_reach(&of("other.example"), address("192.0.2.1")), "it was not asked first");
        assert!(asker.may_reach(&of("tv.example"), address("192.0.2.1")));
        for close in ["127.0.0.1", "10.0.0.1", "::1", "fe80::1", "169.254.169.254", "0.0.0.0"] {
            assert!(!asker.may_reach(&of("other.example"), address(close)), "{close}");
            assert!(!asker.may_reach(&of("tv.example"), address(close)), "{close}: its name was turned");
        }
        assert!(asker.may_reach(&of("other.example"), address("198.51.100.1")));
    }
}
