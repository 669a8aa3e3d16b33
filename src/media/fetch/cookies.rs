//! Cookies that a source sets, kept as long as it is played.

use url::Url;

/// The most cookies of one source; the oldest goes.
const MOST: usize = 50;
/// The most bytes of one.
const LENGTH: usize = 4096;

/// Those of one source.
#[derive(Default)]
pub struct Cookies(Vec<Cookie>);

struct Cookie {
    name: String,
    value: String,
    /// Its host, or the domain below which it holds.
    domain: String,
    below: bool,
    path: String,
    is_secure: bool,
}

impl Cookies {
    /// Takes a `Set-Cookie` of an answer from that URL.
    pub fn take(&mut self, url: &Url, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let folder = url.path().rsplit_once('/').map_or("/", |(folder, _)| folder);
        let mut cookie = Cookie {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            domain: host.clone(),
            below: false,
            path: if folder.is_empty() { "/".into() } else { folder.to_owned() },
            is_secure: false,
        };
        let mut is_over = false;
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    let domain = value.trim().trim_start_matches('.').to_ascii_lowercase();
                    // Of a host that is not below it, or of a whole top level, it is nobody's.
                    if domain != host && (!domain.contains('.') || !host.ends_with(&format!(".{domain}"))) {
                        return;
                    }
                    (cookie.domain, cookie.below) = (domain, true);
                }
                "path" if value.starts_with('/') => value.trim().clone_into(&mut cookie.path),
                "secure" => cookie.is_secure = true,
                "max-age" => is_over = value.trim().parse::<i64>().is_ok_and(|age| age <= 0),
                // How a cookie is taken back.
                "expires" => is_over |= value.contains("1970"),
                _ => {}
            }
        }
        let same = |other: &Cookie| {
            (&other.name, &other.domain, &other.path) == (&cookie.name, &cookie.domain, &cookie.path)
        };
        self.0.retain(|other| !same(other));
        let clean = |text: &str| !text.chars().any(char::is_control);
        if is_over || line.len() > LENGTH || !clean(&cookie.name) || !clean(&cookie.value) {
            return;
        }
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(cookie);
    }

    /// What is sent to that URL: `a=1; b=2`, or nothing.
    pub fn of(&self, url: &Url) -> String {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let is_meant = |cookie: &&Cookie| {
            let on_host =
                host == cookie.domain || (cookie.below && host.ends_with(&format!(".{}", cookie.domain)));
            let rest = url.path().strip_prefix(cookie.path.as_str());
            let on_path = rest
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.path.ends_with('/'));
            on_host && on_path && (!cookie.is_secure || url.scheme() == "https")
        };
        let pairs: Vec<String> = self
            .0
            .iter()
            .filter(is_meant)
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        pairs.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_go_back_where_they_belong() {
        let mut cookies = Cookies::default();
        let url = |text: &str| Url::parse(text).unwrap();
        let from = url("https://www.h.example/a/list.m3u8");
        for line in [
            "here=1",
            "all=2; Path=/; Domain=.h.example",
            "safe=3; path=/; Secure",
            "foreign=4; Domain=other.example",
            "top=5; Domain=example",
            "gone=6; Path=/",
            "gone=; Path=/; Max-Age=0",
        ] {
            cookies.take(&from, line);
        }
        for (to, sent) in [
            ("https://www.h.example/a/1.ts", "here=1; all=2; safe=3"),
            ("http://www.h.example/ab/1.ts", "all=2"),
            ("https://cdn.h.example/a/1.ts", "all=2"),
            ("https://h.example.evil/a/", ""),
        ] {
            assert_eq!(cookies.of(&url(to)), sent, "{to}");
        }
        for number in 0..100 {
            cookies.take(&from, &format!("c{number}=1; Path=/x"));
        }
        assert_eq!(cookies.0.len(), MOST);
    }
}
