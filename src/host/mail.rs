//! Sending e-mail: one connection to the mail server, on which one letter goes after the other, each step within a time.

use std::{
    future::Future,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use lettre::{
    Address, Message,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, TlsParameters},
        extension::ClientId,
    },
};
use tokio::{net::lookup_host, time::timeout};

use crate::domain::{
    channels::reach::NetworkScope,
    fields::hidden::is_hidden,
    messages::smtp::{Security, Smtp},
};

/// A connection is there within that.
const CONNECT: Duration = Duration::from_secs(10);
/// A mail server has so long for its greeting, TLS and login, and for a letter.
const STEP: Duration = Duration::from_secs(30);
/// So long it is waited for a goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
/// This many characters of what a mail server says are kept.
const SAID: usize = 300;

/// One e-mail.
pub struct Letter<'a> {
    /// What stands before the @ of its Message-ID, the same at every attempt.
    pub id: &'a str,
    /// The name that it comes from; may be empty.
    pub from_name: &'a str,
    /// To whom it goes.
    pub to: &'a str,
    /// Its subject.
    pub subject: &'a str,
    /// Its text.
    pub text: &'a str,
    /// When it is sent, in unix seconds.
    pub at: i64,
}

/// Why a letter was not taken.
#[derive(Debug)]
pub enum Failed {
    /// The mail server takes none now.
    Server(String),
    /// It does not take this one now.
    Later(String),
    /// It does not take this one ever.
    Never(String),
}

/// A mail server that takes letters.
pub struct Post {
    smtp: Smtp,
    from: Address,
    tls: Option<TlsParameters>,
    connection: Option<AsyncSmtpConnection>,
}

impl Post {
    /// Connects and signs in, for letters from that address.
    ///
    /// # Errors
    /// What went wrong as a sentence, without what is secret.
    pub async fn open(smtp: &Smtp, from: &str) -> Result<Self, String> {
        let from = from.parse().map_err(|_| "mail_from is no address of e-mail.".to_owned())?;
        let tls = if smtp.security == Security::Clear {
            None
        } else {
            let name = smtp.host.clone();
            // It reads the authorities of this machine.
            let made = tokio::task::spawn_blocking(move || TlsParameters::new_rustls(name)).await;
            let made = made.map_err(|_| "TLS could not be set up.".to_owned())?;
            Some(made.map_err(|error| said(smtp, &error))?)
        };
        let mut post = Self { smtp: smtp.clone(), from, tls, connection: None };
        post.connect().await?;
        Ok(post)
    }

    async fn connect(&mut self) -> Result<(), String> {
        let smtp = self.smtp.clone();
        let places = addresses(&smtp).await?;
        let hello = ClientId::Domain(self.from.domain().to_owned());
        let at_once = self.tls.clone().filter(|_| smtp.security == Security::Tls);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(&places[..], Some(CONNECT), &hello, at_once, None);
        let mut connection = within(&smtp, CONNECT + STEP, connecting).await?;
        if let (Security::StartTls, Some(tls)) = (smtp.security, &self.tls) {
            if !connection.can_starttls() {
                connection.abort().await;
                return Err(format!("{} offers no STARTTLS: nothing is sent in the clear.", smtp.host));
            }
            within(&smtp, STEP, connection.starttls(tls.clone(), &hello)).await?;
        }
        if let Some((user, password)) = &smtp.login {
            let credentials = Credentials::new(user.clone(), password.clone());
            let ways = [Mechanism::Plain, Mechanism::Login];
            within(&smtp, STEP, connection.auth(&ways, &credentials)).await?;
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Sends a letter.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&mut self, letter: &Letter<'_>) -> Result<(), Failed> {
        let message = self.written(letter).map_err(Failed::Never)?;
        // A refusal of the letter before has closed it.
        if self.connection.is_none() {
            self.connect().await.map_err(Failed::Server)?;
        }
        let Some(mut connection) = self.connection.take() else {
            return Err(Failed::Server("There is no connection.".into()));
        };
        let formatted = message.formatted();
        let sending = connection.send(message.envelope(), &formatted);
        match timeout(STEP, sending).await {
            Err(_) => Err(Failed::Server(late(&self.smtp))),
            Ok(Ok(_)) => {
                self.connection = Some(connection);
                Ok(())
            }
            Ok(Err(error)) if error.is_permanent() => Err(Failed::Never(said(&self.smtp, &error))),
            // Going away (421) is of the server, all else of the letter.
            Ok(Err(error))
                if error.is_transient() && error.status().is_none_or(|code| code.to_string() != "421") =>
            {
                Err(Failed::Later(said(&self.smtp, &error)))
            }
            Ok(Err(error)) => Err(Failed::Server(said(&self.smtp, &error))),
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        if let Some(connection) = &mut self.connection {
            let _ = timeout(GOODBYE, connection.quit()).await;
        }
    }

    fn written(&self, letter: &Letter<'_>) -> Result<Message, String> {
        let bad = |what: &str| format!("{what} cannot be written in an e-mail.");
        let to: Address = letter.to.parse().map_err(|_| "The address is none of e-mail.".to_owned())?;
        let name = line(letter.from_name);
        let from = Mailbox::new(Some(name).filter(|name| !name.is_empty()), self.from.clone());
        let at = u64::try_from(letter.at).unwrap_or(0);
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(line(letter.subject))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(at))
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.domain())))
            .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.to_owned())
            .map_err(|_| bad("The message"))
    }
}

/// One line: nothing in it begins another header.
fn line(text: &str) -> String {
    let plain = |c| if is_hidden(c) { ' ' } else { c };
    text.chars().map(plain).take(SAID).collect::<String>().trim().to_owned()
}

/// Where a mail server is: anywhere but where nothing may be reached.
async fn addresses(smtp: &Smtp) -> Result<Vec<SocketAddr>, String> {
    let found =
        timeout(CONNECT, lookup_host((smtp.host.as_str(), smtp.port))).await.map_err(|_| late(smtp))?;
    let found: Vec<SocketAddr> =
        found.map_err(|_| format!("{}: its name cannot be resolved.", smtp.host))?.collect();
    let forbidden = |address: &&SocketAddr| {
        matches!(NetworkScope::of(address.ip()), NetworkScope::LinkLocal | NetworkScope::Nowhere)
    };
    match found.iter().find(forbidden) {
        Some(address) => {
            Err(format!("{}: its address {} is one that nothing is sent to.", smtp.host, address.ip()))
        }
        None if smtp.security == Security::Clear
            && found.iter().any(|address| NetworkScope::of(address.ip()) != NetworkScope::Loopback) =>
        {
            Err(format!("{} is not this machine: nothing is sent in the clear.", smtp.host))
        }
        None => Ok(found),
    }
}

async fn within<T>(
    smtp: &Smtp,
    time: Duration,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, String> {
    match timeout(time, step).await {
        Ok(done) => done.map_err(|error| said(smtp, &error)),
        Err(_) => Err(late(smtp)),
    }
}

fn late(smtp: &Smtp) -> String {
    format!("{} did not answer in time.", smtp.host)
}

/// What went wrong, for people: on one line, with the causes.
fn said(smtp: &Smtp, error: &Error) -> String {
    let text = match error.status() {
        Some(code) => {
            let words = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            format!("it answered {code} {words}")
        }
        None if error.is_timeout() => return late(smtp),
        None => {
            let mut cause: &dyn std::error::Error = error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            cause.to_string()
        }
    };
    let text = line(&text);
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{}: {text}{end}", smtp.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post() -> Post {
        let smtp = Smtp::of("smtps://mail.example").unwrap();
        Post { smtp, from: "tv@shop.example".parse().unwrap(), tls: None, connection: None }
    }

    fn written(from_name: &str, subject: &str, text: &str) -> String {
        let letter =
            Letter { id: "abc.1.0", from_name, to: "bob@a.example", subject, text, at: 1_796_000_000 };
        String::from_utf8(post().written(&letter).unwrap().formatted()).unwrap()
    }

    #[test]
    fn no_name_and_no_subject_begins_another_header() {
        let mail = written("Anna\r\nBcc: x@a.example", "Hi\nBcc: y@a.example\r\n\r\nbody", "text\n.\nend");
        let head = mail.split("\r\n\r\n").next().unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{mail}");
        assert!(head.contains("Message-ID: <abc.1.0@shop.example>"), "{mail}");
        assert!(
            head.contains("Auto-Submitted: auto-generated") && head.contains("To: bob@a.example"),
            "{mail}"
        );
    }

    #[test]
    fn names_in_other_scripts_and_long_lines_survive() {
        let mail = written("Ánna <evil@a.example>", "Fin le 3 décembre", &"ä".repeat(2_000));
        assert!(mail.is_ascii() && mail.lines().all(|line| line.len() < 1_000), "{mail}");
        assert!(mail.contains("<tv@shop.example>") && !mail.contains("evil@a.example"), "{mail}");
    }
}
