//! Texts: names, notes, usernames, passwords, e-mail addresses.

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
                match fact {
                    $crate::domain::Fact::Text(text) => Some(Self(text)),
                    _ => None,
                }
            }
        }
    };
}

/// Whether a character breaks a line, cannot be seen, or turns the order of those around it: two names that look alike would
/// be two, and a list would show what is not there. What joins letters and emoji (U+200C, U+200D) and the marks of direction
/// (U+200E, U+200F) stay, which names in many scripts need. Tags (U+E0000 and what follows) do not: they carry whole texts
/// that nobody sees. What is hidden but for its neighbours is not hidden in a text.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{2065}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        // Fillers of Hangul; tags.
        || matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
        || matches!(c, '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// The first character of a text that is hidden, and does not belong to those beside it: the tags that make a flag of a black
/// one (England, Scotland, Wales), and what parts the last vowel from a Mongolian word.
fn hidden_in(text: &str, allowed: &[char]) -> Option<char> {
    const BLACK_FLAG: char = '\u{1f3f4}';
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let after = rest.as_str();
        let joins = c == '\u{180e}' && before.is_some_and(is_mongolian) && after.starts_with(is_mongolian);
        if is_hidden(c) && !joins && !allowed.contains(&c) {
            return Some(c);
        }
        if c == BLACK_FLAG {
            rest = after[region(after)..].chars();
        }
        before = Some(c);
    }
    None
}

/// How many bytes at the beginning are the tags of a region: 3 to 6 small letters and digits, and their end (Unicode,
/// UTS 51, C.1). 0 if they are none.
fn region(text: &str) -> usize {
    let is_tag = |c: &char| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let tags = text.chars().take_while(is_tag).take(7).count();
    let ends = text.chars().nth(tags) == Some('\u{e007f}');
    // Every tag takes four bytes.
    if (3..=6).contains(&tags) && ends { (tags + 1) * 4 } else { 0 }
}

fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1820}'..='\u{1878}' | '\u{1880}'..='\u{18aa}')
}

/// Whether a character of it can be seen: neither a space nor one that only works on those beside it.
pub fn can_be_seen(text: &str) -> bool {
    // Joiners, marks of direction, selectors of a variation, an empty pattern of Braille.
    let is_blank = |c| {
        matches!(c, '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}')
            || matches!(c, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
    };
    text.chars().any(|c| !c.is_whitespace() && !is_hidden(c) && !is_blank(c))
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
        return Err(format!("no characters that cannot be seen, such as U+{:04X}", u32::from(hidden)).into());
    }
    Ok(())
}

fn name_rule(text: &str) -> Result<(), Rule> {
    plain(text, 200, &[])?;
    if text.trim().is_empty() {
        return Err("1 to 200 characters, not only spaces".into());
    }
    if !can_be_seen(text) {
        return Err("at least one character that can be seen".into());
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

/// An optional URL is stored as an empty text.
macro_rules! optional_url {
    ($name:ident) => {
        impl Field for Option<$name> {
            const KIND: Kind = Kind::Text;

            fn parse(written: &Written) -> Result<Self, Rule> {
                $name::parse(written).map(Some)
            }

            fn fact(&self) -> Fact {
                Fact::Text(self.as_ref().map_or_else(String::new, |url| url.0.clone()))
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

optional_url!(HttpUrl);
optional_url!(PublicUrl);

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
        match fact {
            Fact::Text(text) => Some(Self(text)),
            _ => None,
        }
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_username_is_what_may_stand_in_a_url() {
        for good in ["a", "Bob-1.x_y~z@isp", &"x".repeat(64)] {
            assert!(Username::new(good).is_ok(), "{good}");
        }
        for bad in
            ["", " ", "a b", "a/b", "a%41", "ü", "a\0", "a+b", ".", "..", "' OR 1=1 --", &"x".repeat(65)]
        {
            assert!(Username::new(bad).is_err(), "{bad}");
            assert!(LinePassword::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_may_be_any_language_but_not_empty_or_several_lines() {
        for good in ["Kanal 1", "قناة", "日本 🎌", "a \"b\", c"] {
            assert!(Name::new(good).is_ok());
        }
        for bad in ["", "   ", "a\nb", "a\0b", &"é".repeat(201)] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_has_a_character_that_can_be_seen() {
        let alone = [
            "\u{3164}",
            "\u{2800}",
            "\u{115f}",
            "\u{1160}",
            "\u{ffa0}",
            "\u{fe0f}",
            "\u{200c}",
            "\u{200d}",
            "\u{200e}",
            "\u{200f}",
            "\u{e0041}",
            "\u{e0001}",
            "\u{e0100}",
            "\u{180b}",
            "\u{34f}",
            "\u{61c}",
            "\u{1d173}",
            "\u{3000}",
        ];
        for bad in alone {
            assert!(Name::new(bad).is_err(), "{bad:?}");
            assert!(Name::new(&format!(" {bad}\u{2800}{bad}")).is_err(), "{bad:?}");
        }
        for (anywhere, shown) in [
            ("a\u{3164}b", "U+3164"),
            ("a\u{115f}", "U+115F"),
            ("\u{ffa0}b", "U+FFA0"),
            ("a\u{e0041}b", "U+E0041"),
            ("a\u{e007f}", "U+E007F"),
        ] {
            let rule = Name::new(anywhere).unwrap_err();
            assert!(rule.ends_with(&format!("cannot be seen, such as {shown}")), "{anywhere:?}: {rule}");
            assert!(Notes::new(anywhere).is_err() && ShortText::new(anywhere).is_err(), "{anywhere:?}");
        }
        for good in
            ["\u{2764}\u{fe0f}", "👨\u{200d}👩\u{200d}👧", "می\u{200c}خ", "\u{200f}א", "한국", "⠃⠗\u{2800}⠁"]
        {
            assert!(Name::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn what_belongs_to_its_neighbours_is_not_hidden() {
        let tags = |text: &str| -> String {
            text.chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).collect()
        };
        let end = '\u{e007f}';
        for region in ["gbeng", "gbsct", "gbwls", "ustx", "fr75"] {
            let flag = format!("🏴{}{end}", tags(region));
            for good in [flag.clone(), format!("BBC {flag}{flag} One"), format!("🏴 {flag}")] {
                assert!(Name::new(&good).is_ok() && Notes::new(&good).is_ok(), "{region}");
            }
            // Not after another character, not without an end, not with two, not in capitals, not endless.
            for bad in [
                format!("🏳{}{end}", tags(region)),
                format!("a{}{end}", tags(region)),
                format!("🏴{}", tags(region)),
                format!("🏴{}{end}{end}", tags(region)),
                format!("🏴{}{end}", tags(&region.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A"))),
                format!("🏴{}{end}", tags("hidden text")),
                format!("🏴{}{end}", tags("gbengla")),
                format!("🏴{end}"),
            ] {
                assert!(Name::new(&bad).is_err(), "{bad:?}");
            }
        }
        for good in [
            "ᠠᠨ\u{180e}ᠠ",
            "क्\u{200d}ष",
            "ശ്രീ\u{200d}",
            "می\u{200c}خواهم",
            "1\u{fe0f}\u{20e3}",
            "👩🏽\u{200d}🚒",
            "🏳\u{fe0f}\u{200d}🌈",
            "葛\u{e0100}",
            "🇬🇧",
        ] {
            assert!(Name::new(good).is_ok(), "{good:?}");
        }
        for bad in ["a\u{180e}b", "ᠠ\u{180e}", "\u{180e}ᠠ"] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn notes_may_have_lines_but_no_other_control_characters() {
        assert!(Notes::new("a\r\nb\tc").is_ok());
        assert!(Notes::new("a\u{1b}[31m").is_err());
        assert!(Notes::new(&"x".repeat(10_001)).is_err());
    }

    #[test]
    fn an_email_address_has_a_dotted_domain() {
        for good in
            ["a@b.co", "first.last+tag@sub.example.com", "o'neil@example.ie", "x@xn--bcher-kva.example"]
        {
            assert!(Email::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a@b..co",
            ".a@b.co",
            "a..b@c.de",
            "a b@c.de",
            "a@-b.co",
            "a@b.co\n",
            "a@b@",
        ] {
            assert!(Email::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_administrators_password_is_8_characters_to_256_bytes() {
        assert!(NewPassword::new("ächtgros").is_ok());
        assert!(NewPassword::new("7-chars").is_err());
        assert!(NewPassword::new(&"x".repeat(257)).is_err());
    }

    #[test]
    fn secrets_do_not_show_in_debug_text() {
        let shown = format!("{:?} {:?}", LinePassword::new("s3cret"), NewPassword::new("s3cret-s3cret"));
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn nobody_can_write_a_password_hash() {
        assert!(PasswordHash::parse(&Written::Text("$argon2id$x".into())).is_err());
    }

    proptest! {
        #[test]
        fn text_rules_never_panic(text in any::<String>()) {
            let _ = (Name::new(&text), Email::new(&text), HttpUrl::new(&text), NewPassword::new(&text));
        }
    }

    #[test]
    fn a_star_in_a_user_agent_stands_for_any_run_of_characters() {
        let matches = |pattern: &str, agent| UserAgentPattern(pattern.to_owned()).matches(agent);
        for (pattern, agent) in [
            ("VLC/3", "VLC/3"),
            ("VLC/*", "VLC/"),
            ("*", ""),
            ("*Kodi*20*", "xKodi/20.5"),
            ("a*a", "aa"),
            ("a**b", "ab"),
        ] {
            assert!(matches(pattern, agent), "{pattern} {agent}");
        }
        for (pattern, agent) in
            [("VLC/3", "VLC/3.0"), ("VLC/*", "mVLC/"), ("a*a", "a"), ("*b*b", "ab"), ("", "x")]
        {
            assert!(!matches(pattern, agent), "{pattern} {agent}");
        }
    }

    #[test]
    fn a_public_address_is_an_origin_and_nothing_more() {
        for good in ["http://tv.example", "https://tv.example:8443", "http://[2001:db8::1]:8080"] {
            assert!(PublicUrl::new(good).is_ok(), "{good}");
        }
        for bad in [
            "tv.example",
            "http://tv.example/",
            "http://TV.example",
            "http://u:p@h",
            "http://h:80",
            "ftp://h",
            "http://h/x?y",
        ] {
            assert!(PublicUrl::new(bad).is_err(), "{bad}");
        }
    }
}
