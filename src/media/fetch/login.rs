//! User and password of a source, as its server wants to be told them: Basic, or Digest where it asks for that, as
//! cameras do.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use digest_auth::{AuthContext, WwwAuthenticateHeader};
use parking_lot::Mutex;
use percent_encoding::percent_decode_str;
use url::Url;

use super::connect::Target;

/// The most servers of one source that ask for a digest.
const SERVERS: usize = 20;

/// What the servers of a source have asked for.
#[derive(Default)]
pub struct Logins(Mutex<Vec<(Target, WwwAuthenticateHeader)>>);

impl Logins {
    /// The header's value for a request of that URL, by the user and password in one of an address.
    pub fn answer(&self, target: &Target, url: &Url, login: &Url) -> Option<String> {
        if login.username().is_empty() && login.password().is_none() {
            return None;
        }
        let plain = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let (user, password) = (plain(login.username()), plain(login.password().unwrap_or_default()));
        let mut asked = self.0.lock();
        let Some((_, challenge)) = asked.iter_mut().find(|(other, _)| other == target) else {
            return Some(format!("Basic {}", BASE64_STANDARD.encode([user, password].join(&b':'))));
        };
        let (user, password) = (String::from_utf8_lossy(&user), String::from_utf8_lossy(&password));
        let context =
            AuthContext::new(user, password, &url[url::Position::BeforePath..url::Position::AfterQuery]);
        challenge.respond(&context).ok().map(|answer| answer.to_string())
    }

    /// Takes what a server that refused a request asks for; whether it is a digest.
    pub fn take<'h>(&self, target: &Target, mut asked: impl Iterator<Item = &'h str>) -> bool {
        let digest = |line: &str| line.get(..7).is_some_and(|name| name.eq_ignore_ascii_case("digest "));
        let challenge = asked.find(|line| digest(line)).and_then(|line| digest_auth::parse(&line[7..]).ok());
        let Some(challenge) = challenge else { return false };
        let mut known = self.0.lock();
        known.retain(|(other, _)| other != target);
        if known.len() >= SERVERS {
            known.remove(0);
        }
        known.push((target.clone(), challenge));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_answered_where_one_is_asked_for() {
        // The example of RFC 7616 (3.9.1).
        let url = Url::parse("http://Mufasa:Circle%20of%20Life@www.example.org/dir/index.html").unwrap();
        let target = Target::of(&url).unwrap();
        let logins = Logins::default();
        let answer = || logins.answer(&target, &url, &url).unwrap();
        assert_eq!(answer(), "Basic TXVmYXNhOkNpcmNsZSBvZiBMaWZl");
        assert!(!logins.take(&target, ["Basic realm=\"x\"", "Digest nonsense"].into_iter()));
        let challenge = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
        assert!(logins.take(&target, [challenge].into_iter()));
        let first = answer();
        assert!(first.starts_with("Digest username=\"Mufasa\"") && first.contains("uri=\"/dir/index.html\""));
        assert!(first.contains("nc=00000001") && answer().contains("nc=00000002"), "{first}");
        let mut own = digest_auth::AuthorizationHeader::parse(&first).unwrap();
        let told = own.response.clone();
        own.digest(&AuthContext::new("Mufasa", "Circle of Life", "/dir/index.html"));
        assert_eq!(own.response, told);
        let other = Url::parse("http://other.example/").unwrap();
        assert_eq!(logins.answer(&Target::of(&other).unwrap(), &other, &other), None);
    }
}
