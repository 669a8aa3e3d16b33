//! Message targets: addresses that are called with what happened, in words of a template.

use url::Url;

use super::template::{Escape, PLACEHOLDERS, Values, filled};
use crate::domain::{
    Error, Fact, Field, Kind, Resource, Result, Rule, Written,
    channels::source_request::SourceHeader,
    events::kinds::Pattern,
    fields::{
        sealed::Sealed,
        text::{MessageBody, Name, plain},
        time::UnixTime,
    },
    ids::MessageTargetId,
    people::audit::MASK,
};

record! {
    /// An address that is called with messages about events.
    pub struct MessageTarget / MessageTargetChange, MessageTargetId, Resource::MessageTargets;
    /// What it is called.
    name: Name,
    /// How it is called: POST or GET.
    method: Method,
    /// The URL, sealed.
    url: Sealed,
    /// Further headers, sealed.
    headers: Sealed,
    /// What the body is: json, form or text.
    content_type: BodyType,
    /// The body, with placeholders; empty is the usual one of its type.
    body: MessageBody,
    /// The types of events that it is told, as stream.down, or line.* for all of lines; empty is all alerts.
    types: Vec<Pattern>,
    /// Whether messages wait in quiet hours.
    quiet_hours: bool,
    /// Whether it is called.
    enabled: bool,
}

impl MessageTarget {
    /// Whether it is told of that type.
    pub fn wants(&self, kind: &str) -> bool {
        if self.types.is_empty() {
            return super::is_alert(kind);
        }
        self.types.iter().any(|pattern| pattern.matches(kind))
    }

    /// Checks that the body fits its type and the method.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    pub fn check(&self) -> Result<()> {
        let body = self.body.as_str();
        if body.is_empty() {
            return Ok(());
        }
        if self.method == Method::Get {
            return Err(Error::invalid(
                "body",
                "empty with GET, which has none: put placeholders into the URL",
            ));
        }
        let sample = self.filled(&Values::SAMPLE);
        if self.content_type == BodyType::Json && serde_json::from_str::<serde_json::Value>(&sample).is_err()
        {
            return Err(Error::invalid("body", "JSON in which placeholders stand between quotation marks"));
        }
        Ok(())
    }

    /// Whether a call has a body.
    pub fn has_body(&self) -> bool {
        self.method == Method::Post
    }

    /// The body of a message; empty for GET.
    pub fn filled(&self, values: &Values<'_>) -> String {
        let (usual, escape) = match self.content_type {
            BodyType::Json => (
                r#"{"id":"{id}","type":"{type}","name":"{name}","reference":"{reference}","text":"{text}","at":"{at}"}"#,
                Escape::Json,
            ),
            BodyType::Form => ("text={text}", Escape::Percent),
            BodyType::Text => ("{text}", Escape::None),
        };
        match (self.method, self.body.as_str()) {
            (Method::Get, _) => String::new(),
            (Method::Post, "") => filled(usual, values, escape),
            (Method::Post, body) => filled(body, values, escape),
        }
    }
}

/// The rule of a target's address: placeholders stand behind its host.
///
/// # Errors
/// The rule.
pub fn url_rule(text: &str) -> std::result::Result<(), Rule> {
    plain(text, 2048, &[])?;
    let shape = "a URL that begins with http:// or https://, with placeholders only behind the host";
    let behind = text.split_once("://").map_or("", |(_, behind)| behind);
    let host = behind.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    match Url::parse(&filled(text, &Values::SAMPLE, Escape::Percent)) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && !host.is_empty()
                && !host.contains('{') =>
        {
            Ok(())
        }
        _ => Err(shape.into()),
    }
}

/// The rule of a body.
///
/// # Errors
/// The rule.
pub fn body_rule(text: &str) -> std::result::Result<(), Rule> {
    plain(text, 4_000, &['\n', '\r', '\t'])
}

/// Headers that were sent, in place of those before: a value that is masked stays as it was.
///
/// # Errors
/// The rule, if there was none.
pub fn headers_in_place_of(
    sent: &[SourceHeader],
    before: &[(String, String)],
) -> std::result::Result<Vec<(String, String)>, Rule> {
    let mut taken: Vec<(String, String)> = Vec::with_capacity(sent.len());
    for header in sent {
        let (name, value) = (header.name().to_owned(), header.value().to_owned());
        let same = |other: &&(String, String)| other.0.eq_ignore_ascii_case(&name);
        if taken.iter().find(same).is_some() {
            return Err(format!("each name only once, but {name} occurs twice").into());
        }
        let value = if value == MASK {
            let kept = before.iter().find(same).map(|(_, value)| value.clone());
            kept.ok_or_else(|| format!("{name}: {MASK} keeps a stored value, but there is none"))?
        } else {
            value
        };
        taken.push((name, value));
    }
    Ok(taken)
}

/// An address without what is secret in it: `https://api.example/***`.
pub fn shown_url(text: &str) -> String {
    let host = |url: Url| Some(format!("{}://{}", url.scheme(), url.host_str()?));
    Url::parse(text).ok().and_then(host).map(|host| format!("{host}/{MASK}")).unwrap_or_default()
}

/// The placeholders, for people.
pub fn placeholders() -> String {
    PLACEHOLDERS.join(" ")
}

/// Defines a choice of names.
macro_rules! choice {
    ($(#[doc = $doc:literal])* $name:ident, $rule:literal, $($(#[doc = $about:literal])* $variant:ident = $text:literal),*) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[doc = $about])* $variant),* }

        impl $name {
            const ALL: &'static [(&'static str, Self)] = &[$(($text, Self::$variant)),*];

            fn named(text: &str) -> Option<Self> {
                Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, one)| *one)
            }
        }

        impl Field for $name {
            const KIND: Kind = Kind::Text;

            fn parse(written: &Written) -> std::result::Result<Self, Rule> {
                Self::named(written.text()?).ok_or_else(|| $rule.into())
            }

            fn fact(&self) -> Fact {
                Fact::Text(Self::ALL.iter().find(|(_, one)| one == self).map_or("", |(name, _)| name).to_owned())
            }

            fn stored(fact: Fact) -> Option<Self> {
                Self::named(&fact.into_text()?)
            }
        }
    };
}

choice!(
    /// How a target is called.
    Method, "POST or GET",
    /// With a body.
    Post = "POST",
    /// Without one.
    Get = "GET"
);
choice!(
    /// What a body is.
    BodyType, "json, form or text",
    /// `application/json`
    Json = "json",
    /// `application/x-www-form-urlencoded`
    Form = "form",
    /// `text/plain`
    Text = "text"
);

impl BodyType {
    /// As the header says it.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// How a target fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetHealth {
    /// Nothing is sent before.
    pub resume_at: Option<UnixTime>,
    /// When it was last called.
    pub last_try_at: Option<UnixTime>,
    /// When it last took something.
    pub last_success_at: Option<UnixTime>,
    /// What went wrong last; empty once something is taken again.
    pub last_error: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_stand_behind_the_host() {
        assert!(url_rule("https://api.telegram.org/bot1:a/sendMessage?text={text}&x={nothing}").is_ok());
        for bad in [
            "https://{name}.example/",
            "https://a{text}/",
            "ftp://a.example/",
            "{text}",
            "https:///{text}",
            "https://\\{text}/",
        ] {
            assert!(url_rule(bad).is_err(), "{bad}");
        }
    }
}
