//! The address of a mail server: `smtp://USER:PASSWORD@HOST:587` with STARTTLS, `smtps://USER:PASSWORD@HOST:465` with TLS.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::domain::Rule;

/// How a mail server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// In the clear first, then TLS: nothing is sent to one that has none.
    StartTls,
    /// TLS from the beginning.
    Tls,
    /// In the clear: only to this machine.
    Clear,
}

/// A mail server.
#[derive(Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How it is spoken to.
    pub security: Security,
    /// User and password, if it wants them.
    pub login: Option<(String, String)>,
}

impl Smtp {
    /// Takes an address apart.
    ///
    /// # Errors
    /// The rule.
    pub fn of(text: &str) -> Result<Self, Rule> {
        const SHAPE: &str = "smtp://USER:PASSWORD@HOST:PORT (STARTTLS) or smtps://USER:PASSWORD@HOST:PORT (TLS); % in user or \
                             password as %25, @ as %40, : as %3A, / as %2F";
        let url = Url::parse(text).map_err(|_| SHAPE)?;
        let is_clear = url.query() == Some("tls=none");
        let (security, port) = match (url.scheme(), is_clear) {
            ("smtp", false) => (Security::StartTls, 587),
            ("smtps", false) => (Security::Tls, 465),
            ("smtp", true) => (Security::Clear, 25),
            _ => return Err(SHAPE.into()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        Host::parse(host).map_err(|_| SHAPE)?;
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() || (url.query().is_some() && !is_clear)
        {
            return Err(SHAPE.into());
        }
        let is_own = bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if is_clear && !is_own {
            return Err(
                "tls=none only with a mail server on this machine, such as smtp://127.0.0.1:25?tls=none"
                    .into(),
            );
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
        let user = decoded(url.username()).map_err(|_| SHAPE)?;
        let password = decoded(url.password().unwrap_or_default()).map_err(|_| SHAPE)?;
        if user.is_empty() != password.is_empty() {
            return Err("user and password together, or neither".into());
        }
        if [&user, &password].iter().any(|text| text.chars().any(char::is_control)) {
            return Err("no control characters in user and password".into());
        }
        let login = (!user.is_empty()).then_some((user, password));
        Ok(Self { host: bare.to_owned(), port: url.port().unwrap_or(port), security, login })
    }

    /// Without what is secret: `smtp://mail.example:587`.
    pub fn shown(&self) -> String {
        let scheme = if self.security == Security::Tls { "smtps" } else { "smtp" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{scheme}://{host}:{}", self.port)
    }
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

/// The rule of an address that is typed.
///
/// # Errors
/// The rule.
pub fn rule(text: &str) -> Result<(), Rule> {
    if text.len() > 1_000 {
        return Err("at most 1000 characters".into());
    }
    Smtp::of(text).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_who_signs_in_where_and_how() {
        let smtp = Smtp::of("smtp://me%40a.example:p%3Aw%2F@mail.example").unwrap();
        assert_eq!((smtp.host.as_str(), smtp.port, smtp.security), ("mail.example", 587, Security::StartTls));
        assert_eq!(smtp.login, Some(("me@a.example".into(), "p:w/".into())));
        assert_eq!(format!("{smtp:?}"), "smtp://mail.example:587");
        let smtp = Smtp::of("smtps://[2001:db8::1]:2465/").unwrap();
        assert_eq!((smtp.host.as_str(), smtp.port, smtp.login.is_none()), ("2001:db8::1", 2_465, true));
        assert_eq!(Smtp::of("smtp://127.0.0.1?tls=none").unwrap().port, 25);
    }

    #[test]
    fn what_would_send_a_password_in_the_clear_is_refused() {
        for bad in [
            "",
            "mail.example",
            "http://mail.example",
            "smtp://",
            "smtp://mail.example/box",
            "smtp://mail.example?tls=maybe",
            "smtp://mail.example?tls=none",
            "smtps://127.0.0.1?tls=none",
            "smtp://me@mail.example",
            "smtp://me:p%0D%0AQUIT@mail.example",
            "smtp://me:%FF@mail.example",
        ] {
            assert!(rule(bad).is_err(), "{bad}");
        }
    }
}
