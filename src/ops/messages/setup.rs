//! What is secret of how messages are sent: the mail server, addresses and headers of targets. All of it is sealed.

use crate::{
    domain::{
        Error, Given, Result,
        channels::source_request::SourceHeader,
        fields::{
            sealed::Sealed,
            text::{SmtpUrl, TargetUrl},
        },
        messages::{
            smtp::Smtp,
            target::{MessageTarget, headers_in_place_of, shown_url},
        },
        people::audit::MASK,
    },
    ops::Ops,
};

/// What each is sealed for.
const SMTP: &str = "smtp_url";
const URL: &str = "message_target_url";
const HEADERS: &str = "message_target_headers";

/// Why nothing can be sent with a secret that was sealed with another key.
pub(super) const LOST: &str =
    "smtp_url was sealed with another key: type it again, or put the key file back.";

/// What is sent of a target beside its columns.
#[derive(Clone, Debug, Default)]
pub struct SentTarget {
    /// Its address.
    pub url: Given<TargetUrl>,
    /// Its headers.
    pub headers: Given<Vec<SourceHeader>>,
}

/// The secrets of a target.
#[derive(Clone, Default)]
pub(super) struct Opened {
    /// Its address.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
}

impl Ops {
    /// A mail server that was sent for the settings, as they keep it; the mask that is shown for it leaves it as it is. Not part of the
    /// transaction: no two seals are alike.
    ///
    /// # Errors
    /// [`Error::Busy`] if it cannot be sealed.
    pub fn seal_smtp_url(&self, given: &Given<SmtpUrl>) -> Result<Given<Sealed>> {
        Ok(match given {
            Given::Absent => Given::Absent,
            Given::Empty => Given::Empty,
            Given::Value(url) => Given::Value(Sealed::of(self.host.sealing.seal(SMTP, url.as_str())?)),
        })
    }

    /// The mail server; none if there is none.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn smtp(&self) -> Result<Option<Smtp>, &'static str> {
        let sealed = &self.snapshot().settings.smtp_url;
        if sealed.is_none() {
            return Ok(None);
        }
        let url = self.host.sealing.open(SMTP, sealed.as_str()).ok_or(LOST)?;
        Smtp::of(&url).map(Some).map_err(|_| LOST)
    }

    /// Whether the mail server has to be typed again: it was sealed with a key that is no longer there.
    pub fn smtp_url_is_lost(&self) -> bool {
        self.smtp().is_err()
    }

    /// The mail server without what is secret; empty for none, and for one that cannot be read.
    pub fn shown_smtp(&self) -> String {
        self.smtp().ok().flatten().map(|smtp| smtp.shown()).unwrap_or_default()
    }

    /// The secrets of a target; none if they were sealed with another key.
    pub(super) fn open_target(&self, target: &MessageTarget) -> Option<Opened> {
        let open = |purpose, sealed: &Sealed| {
            if sealed.is_none() {
                Some(String::new())
            } else {
                self.host.sealing.open(purpose, sealed.as_str())
            }
        };
        let url = open(URL, &target.url)?;
        let headers = open(HEADERS, &target.headers)?;
        let headers = if headers.is_empty() { Vec::new() } else { serde_json::from_str(&headers).ok()? };
        Some(Opened { url, headers })
    }

    /// Address and headers that were sent of a target, as they are kept; what is masked stays as it was.
    ///
    /// # Errors
    /// [`Error::Missing`] without an address, [`Error::Invalid`] for a mask of nothing, [`Error::Busy`] if it cannot be sealed.
    pub(super) fn seal_target(
        &self,
        sent: &SentTarget,
        of: Whose<'_>,
    ) -> Result<(Given<Sealed>, Given<Sealed>)> {
        let opened = match of {
            Whose::Row(before) => self.open_target(before),
            Whose::New | Whose::Gone => None,
        };
        let known = opened.clone().unwrap_or_default();
        let seal = |purpose, text: &str| {
            self.host.sealing.seal(purpose, text).map(|sealed| Given::Value(Sealed::of(sealed)))
        };
        let is_known = |url: &str| {
            opened.is_some() && [shown_url(&known.url).as_str(), known.url.as_str()].contains(&url)
        };
        let url = match &sent.url {
            Given::Absent if !matches!(of, Whose::New) => Given::Absent,
            Given::Absent | Given::Empty => return Err(Error::Missing("url")),
            Given::Value(url) if is_known(url.as_str()) => Given::Absent,
            Given::Value(url)
                if url.as_str().ends_with(&format!("/{MASK}")) && !matches!(of, Whose::Gone) =>
            {
                return Err(Error::invalid(
                    "url",
                    "the whole address: what is masked is not that of this target",
                ));
            }
            Given::Value(url) => seal(URL, url.as_str())?,
        };
        let headers = match &sent.headers {
            Given::Value(_) if matches!(of, Whose::Gone) => Given::Absent,
            Given::Absent => Given::Absent,
            Given::Empty => Given::Empty,
            Given::Value(headers) => {
                let merged = headers_in_place_of(headers, &known.headers)
                    .map_err(|rule| Error::invalid("headers", rule))?;
                if opened.is_some() && merged == known.headers {
                    Given::Absent
                } else {
                    seal(HEADERS, &serde_json::json!(merged).to_string())?
                }
            }
        };
        Ok((url, headers))
    }
}

/// Whose secrets are sent.
#[derive(Clone, Copy)]
pub enum Whose<'a> {
    /// Those of a target that is new.
    New,
    /// Those of one that is there.
    Row(&'a MessageTarget),
    /// Those of one that is not: a repeat of a call may come when it was deleted.
    Gone,
}
