//! Texts: names, notes, usernames, passwords, e-mail addresses.

use super::hidden::{can_be_seen, hidden_in};
use crate::domain::{Fact, Field, Kind, Rule, Written, field::Item};

/// Defines a text type from the rule that it must obey.
macro_rules! text {
    ($(#[doc = $doc:literal])* $name:ident, $rule:path, $fact:ident) => {
        $(#[doc = $doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// Reads a text, or names the rule that it breaks.
            ///
            /// # Errors
            /// The rule.
            pub fn new(text: &str) -> Result<Self, $crate::domain::Rule> {
                $rule(text)?;
                Ok(Self(text.to_owned()))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match $crate::domain::Field::fact(self) {
                    $crate::domain::Fact::Text(text) => write!(f, "{text:?}"),
                    _ => f.write_str("***"),
                }
            }
        }

        impl $crate::domain::Field for $name {
            const KIND: $crate::domain::Kind = $crate::domain::Kind::Text;
            fn parse(written: &$crate::domain::Written) -> Result<Self, $crate::domain::Rule> {
                Self::new(written.text()?)
            }
            fn fact(&self) -> $crate::domain::Fact {
                $crate::domain::Fact::$fact(self.0.clone())
            }
            fn stored(fact: $crate::domain::Fact) -> Option<Self> {
                fact.into_text().map(Self)
            }
        }
    };
}

/// At most `most` characters, none of them hidden except those in `allowed`.
pub(crate) fn plain(text: &str, most: usize, allowed: &[char]) -> Result<(), Rule> {
    if text.chars().count() > most {
        return Err(format!("at most {most} characters").into());
    }
    if text.chars().any(|c| c.is_control() && !allowed.contains(&c)) {
        return Err("no control characters".into());
    }
    if let Some(hidden) = hidden_in(text, allowed) {
        return Err(format!("no invisible characters, such as U+{:04X}", u32::from(hidden)).into());
    }
    Ok(())
}

fn name_rule(text: &str) -> Result<(), Rule> {
    plain(text, 200, &[])?;
    if text.trim().is_empty() {
        return Err("1 to 200 characters, not only spaces".into());
    }
    if !can_be_seen(text) {
        return Err("at least one visible character".into());
    }
    Ok(())
}

fn guide_rule(text: &str) -> Result<(), Rule> {
    if text.contains('"') {
        return Err("without quotation marks".into());
    }
    short_rule(text)
}

fn short_rule(text: &str) -> Result<(), Rule> {
    plain(text, 200, &[])
}

fn notes_rule(text: &str) -> Result<(), Rule> {
    plain(text, 10_000, &['\n', '\r', '\t'])
}

fn reference_rule(text: &str) -> Result<(), Rule> {
    plain(text, 64, &[])?;
    if text.trim().is_empty() { Err("1 to 64 characters, not only spaces".into()) } else { Ok(()) }
}

/// They stand in URLs unescaped.
fn url_word_rule(text: &str) -> Result<(), Rule> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~@".contains(&b);
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) && text != "." && text != ".." {
        return Ok(());
    }
    Err("1 to 64 of A-Z a-z 0-9 - . _ ~ @".into())
}

fn person_rule(text: &str) -> Result<(), Rule> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~@+".contains(&b);
    if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
        return Ok(());
    }
    Err("1 to 64 of A-Z a-z 0-9 - . _ ~ @ +".into())
}

/// The length that argon2 is given is bounded too, so that no login costs more than another.
fn new_password_rule(text: &str) -> Result<(), Rule> {
    if text.chars().count() < 8 {
        return Err("at least 8 characters".into());
    }
    if text.len() > NewPassword::MOST {
        return Err("at most 256 bytes".into());
    }
    plain(text, NewPassword::MOST, &[])
}

/// The shape that mail servers accept in practice (RFC 5321 lengths, a dot-atom, a dotted domain).
fn email_rule(text: &str) -> Result<(), Rule> {
    let shape: Rule = "an address such as name@example.com".into();
    let Some((local, domain)) = text.rsplit_once('@') else { return Err(shape) };
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    let local_good = (1..=64).contains(&local.len())
        && local.bytes().all(atom)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..");
    let label_good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let domain_good = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label_good);
    if local_good && domain_good { Ok(()) } else { Err(shape) }
}

fn day_time_rule(text: &str) -> Result<(), Rule> {
    if day_minutes(text).is_some() { Ok(()) } else { Err("a time of day from 00:00 to 23:59".into()) }
}

/// The minutes since midnight of `22:30`.
fn day_minutes(text: &str) -> Option<i16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str, below: i16| {
        let is_number = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i16>().ok().filter(|number| is_number && *number < below)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

impl DayTime {
    /// The minutes since midnight.
    pub fn minutes(&self) -> i16 {
        day_minutes(self.as_str()).unwrap_or(0)
    }
}

fn http_url_rule(text: &str) -> Result<(), Rule> {
    plain(text, 2048, &[])?;
    match url::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(()),
        _ => Err("a URL that begins with http:// or https://".into()),
    }
}

/// Exactly as the URL parser would write it, so that a path can be appended.
fn public_url_rule(text: &str) -> Result<(), Rule> {
    http_url_rule(text)?;
    match url::Url::parse(text).map(|url| url.origin().ascii_serialization()) {
        Ok(origin) if origin == text => Ok(()),
        _ => Err("http://HOST or http://HOST:PORT (or https), in lower case and without a path".into()),
    }
}

/// As the provider writes it: what it says of itself is compared with this to the letter.
fn oidc_issuer_rule(text: &str) -> Result<(), Rule> {
    plain(text, 500, &[])?;
    let shape: Rule =
        "https://HOST, as the provider calls itself, without ? and # (http:// only on this machine)".into();
    let Ok(url) = url::Url::parse(text) else { return Err(shape) };
    let is_here = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if is_safe && url.has_host() && is_bare && url.password().is_none() { Ok(()) } else { Err(shape) }
}

fn oidc_secret_rule(text: &str) -> Result<(), Rule> {
    plain(text, 500, &[])
}

text!(
    /// What people call a thing: 1 to 200 characters on one line.
    Name, name_rule, Text
);
text!(
    /// A short text on one line, up to 200 characters; may be empty.
    ShortText, short_rule, Text
);
text!(
    /// A channel's id in the guide, as a short text without quotation marks: playlists know no way to write them, and
    /// the id is the same everywhere; may be empty.
    GuideId, guide_rule, Text
);
text!(
    /// Free notes of several lines, up to 10,000 characters.
    Notes, notes_rule, Text
);
text!(
    /// A line's username: 1 to 64 of `A-Z a-z 0-9 - . _ ~ @`, unique without regard to case.
    Username, url_word_rule, Text
);
text!(
    /// A line's password: 1 to 64 of `A-Z a-z 0-9 - . _ ~ @`. Players send it in URLs, so it is kept readable.
    LinePassword, url_word_rule, Secret
);
text!(
    /// An administrator's username, unique without regard to case.
    AdminName, person_rule, Text
);
text!(
    /// An e-mail address, unique without regard to case.
    Email, email_rule, Text
);
text!(
    /// A caller's own number of a line or MAG, 1 to 64 characters; both compared to the letter.
    Reference, reference_rule, Text
);
text!(
    /// The picture of a channel: an http or https URL.
    HttpUrl, http_url_rule, Text
);
text!(
    /// The address under which players reach the server: scheme, host and port alone, such as `http://tv.example:8080`.
    PublicUrl, public_url_rule, Text
);
text!(
    /// The User-Agent with which a source is asked, up to 512 characters on one line; empty for the server's own.
    SourceAgent, crate::domain::channels::source_request::agent_rule, Text
);
text!(
    /// A password that an administrator chose: 8 characters to 256 bytes. Only its hash is kept.
    NewPassword, new_password_rule, Hidden
);

text!(
    /// The password of the classic API, up to 200 characters on one line. It is kept sealed.
    ClassicPassword, short_rule, Hidden
);
text!(
    /// The mail server, with user and password. It is kept sealed.
    SmtpUrl, crate::domain::messages::smtp::rule, Hidden
);
text!(
    /// Where copies of backups are sent, with what is secret of it. It is kept sealed.
    BackupTargetText, crate::domain::machine::backup_target::rule, Hidden
);
text!(
    /// An OpenID Connect provider, as it calls itself: https, or http on this machine.
    OidcIssuer, oidc_issuer_rule, Text
);
text!(
    /// The secret of this panel at such a provider, up to 500 characters on one line. It is kept sealed.
    OidcSecret, oidc_secret_rule, Hidden
);
text!(
    /// The address of a message target, with placeholders behind its host. It is kept sealed.
    TargetUrl, crate::domain::messages::target::url_rule, Hidden
);
text!(
    /// The body of a call of a message target, up to 4,000 characters with placeholders; may be empty.
    MessageBody, crate::domain::messages::target::body_rule, Text
);
text!(
    /// A time of day, `22:30`.
    DayTime, day_time_rule, Text
);

impl SourceAgent {
    /// The server's own.
    pub fn none() -> Self {
        Self(String::new())
    }
}

impl NewPassword {
    /// The most bytes of a password: a longer text is nobody's.
    pub const MOST: usize = 256;

    /// Refuses it if it is guessed first, for somebody of whom everybody can see those words: username, e-mail address, the
    /// names of group, reseller and operator.
    ///
    /// # Errors
    /// The rule.
    pub fn fits(&self, words: &[&str]) -> Result<(), Rule> {
        crate::domain::people::weak::check(self.as_str(), words)
    }
}

/// None is stored as an empty text.
macro_rules! optional_text {
    ($name:ident) => {
        impl Field for Option<$name> {
            const KIND: Kind = Kind::Text;

            fn parse(written: &Written) -> Result<Self, Rule> {
                $name::parse(written).map(Some)
            }

            fn fact(&self) -> Fact {
                Fact::Text(self.as_ref().map_or_else(String::new, |text| text.0.clone()))
            }

            fn stored(fact: Fact) -> Option<Self> {
                match fact {
                    Fact::Text(text) if text.is_empty() => Some(None),
                    fact => $name::stored(fact).map(Some),
                }
            }
        }
    };
}

optional_text!(HttpUrl);
optional_text!(PublicUrl);
optional_text!(Email);
optional_text!(Reference);
optional_text!(DayTime);
optional_text!(OidcIssuer);

impl Item for Email {
    const KIND: Kind = Kind::List;
    const MOST: usize = 20;

    fn parse_item(text: &str) -> Result<Self, Rule> {
        Self::new(text.trim_ascii())
    }

    fn list_fact(items: &[Self]) -> Fact {
        Fact::List(items.iter().map(|item| item.0.clone()).collect())
    }

    fn stored_list(fact: Fact) -> Option<Vec<Self>> {
        match fact {
            Fact::List(texts) => Some(texts.into_iter().map(Self).collect()),
            _ => None,
        }
    }
}

/// An argon2id hash in PHC form. No caller can write one, and it never leaves the server.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes what the hasher made.
    pub fn made(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Field for PasswordHash {
    const KIND: Kind = Kind::Hidden;

    fn parse(_: &Written) -> Result<Self, Rule> {
        Err("set by the server".into())
    }

    fn fact(&self) -> Fact {
        Fact::Hidden(self.0.clone())
    }

    fn stored(fact: Fact) -> Option<Self> {
        fact.into_text().map(Self)
    }
}

/// A player's User-Agent that a line accepts: the whole text, or with `*` for any run of characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserAgentPattern(String);

impl UserAgentPattern {
    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a User-Agent is meant: equal to the pattern, each `*` standing for any run of characters.
    pub fn matches(&self, agent: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(last) = parts.next_back() else { return agent == self.0 };
        let Some(rest) = agent.strip_prefix(first) else { return false };
        // Leftmost matches leave the most for those that follow.
        let middle = parts.try_fold(rest, |rest, part| rest.find(part).map(|at| &rest[at + part.len()..]));
        middle.is_some_and(|rest| rest.ends_with(last))
    }
}

impl Item for UserAgentPattern {
    const KIND: Kind = Kind::List;
    const MOST: usize = 100;

    fn parse_item(text: &str) -> Result<Self, Rule> {
        plain(text, 512, &[])?;
        if text.trim().is_empty() {
            return Err("1 to 512 characters".into());
        }
        Ok(Self(text.to_owned()))
    }

    fn list_fact(items: &[Self]) -> Fact {
        Fact::List(items.iter().map(|item| item.0.clone()).collect())
    }

    fn stored_list(fact: Fact) -> Option<Vec<Self>> {
        match fact {
            Fact::List(texts) => Some(texts.into_iter().map(Self).collect()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
