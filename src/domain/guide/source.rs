//! Sources of the guide: XMLTV files that are fetched, or that lie in the data folder.

use crate::domain::{
    Fact, Field, Kind, Resource, Rule, Written,
    fields::{
        number::{Position, RefreshHours, ShiftMinutes},
        text::{HttpUrl, Name},
        time::{UnixTime, ZoneName},
    },
    ids::GuideSourceId,
};

record! {
    /// Where a guide comes from.
    pub struct GuideSource / GuideSourceChange, GuideSourceId, Resource::GuideSources;
    /// The name.
    name: Name,
    /// The URL of an XMLTV file (http or https), or a file of the data folder as guide/NAME; plain or packed as gz, xz or zip.
    url: GuideAddress,
    /// Its position: of two sources with the same channel, the lower one is used.
    position: Position,
    /// After how many hours it is fetched again; 0 is never by itself.
    refresh_hours: RefreshHours,
    /// By how many minutes all its programmes are shown later; below 0 earlier.
    shift_minutes: ShiftMinutes,
    /// The IANA time zone of times that do not name one.
    assumed_zone: ZoneName,
    /// Whether it is fetched and used.
    enabled: bool,
}

/// The address of a source. It may hold a password, so logs and the audit trail do not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct GuideAddress(String);

impl GuideAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// The rule, for another scheme and for a path that leaves the folder.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let rule = "a URL that begins with http:// or https://, or a file of the data folder as guide/NAME";
        if let Some(path) = text.strip_prefix("guide/") {
            let stays = path
                .split('/')
                .all(|part| !part.is_empty() && !part.starts_with('.') && !part.contains('\\'));
            let plain = text.len() <= 1_000 && !text.chars().any(crate::domain::fields::hidden::is_hidden);
            return if stays && plain { Ok(Self(text.to_owned())) } else { Err(rule.into()) };
        }
        HttpUrl::new(text).map_err(|_| rule)?;
        Ok(Self(text.to_owned()))
    }

    /// The whole address, with what is secret in it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// As lists show it: the file, or scheme and host.
    pub fn shown(&self) -> String {
        let host = |url: url::Url| Some(format!("{}://{}", url.scheme(), url.host_str()?));
        match self.file() {
            Some(file) => file.to_owned(),
            None => url::Url::parse(&self.0).ok().and_then(host).unwrap_or_default(),
        }
    }

    /// The path below the data folder, if it is a file of it.
    pub fn file(&self) -> Option<&str> {
        self.0.starts_with("guide/").then_some(&self.0)
    }
}

impl std::fmt::Debug for GuideAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Field for GuideAddress {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        Self::new(written.text()?)
    }

    fn fact(&self) -> Fact {
        Fact::Secret(self.0.clone())
    }

    fn stored(fact: Fact) -> Option<Self> {
        fact.into_text().map(Self)
    }
}

/// How the last refresh of a source went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceHealth {
    /// When it was last tried.
    pub last_try_at: Option<UnixTime>,
    /// When it was last read, or found unchanged.
    pub last_success_at: Option<UnixTime>,
    /// What went wrong at the last try, in words; empty if nothing did.
    pub last_error: String,
    /// Channels that it names.
    pub channels: i64,
    /// Programmes that are kept of it.
    pub programmes: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_web_address_or_a_file_that_stays_in_its_folder() {
        for good in
            ["http://a.example/x", "https://u:p@a.example/g.xml.gz?k=1", "guide/own.xml", "guide/a/b.gz"]
        {
            assert!(GuideAddress::new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "guide/",
            "guide/../linecard.db",
            "guide/.x",
            "guide//x",
            "/etc/passwd",
            "file:///x",
            "ftp://a/x",
        ] {
            assert!(GuideAddress::new(bad).is_err(), "{bad}");
        }
        assert_eq!(GuideAddress::new("guide/own.xml").unwrap().file(), Some("guide/own.xml"));
        assert_eq!(GuideAddress::new("http://u:p@a.example:8/g?k=1").unwrap().shown(), "http://a.example");
        assert_eq!(format!("{:?}", GuideAddress::new("http://u:p@a/").unwrap()), "***");
    }
}
