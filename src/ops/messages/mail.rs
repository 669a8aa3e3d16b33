//! E-mail: reminders one by one, alerts to one address together.
//!
//! What is sent together is noted before, and that it was sent behind each: whoever is told again after a crash between the two gets the
//! same under the same Message-ID.

use std::collections::BTreeMap;

use super::{
    making::{has_mail, reminded},
    sending::{Outcome, note},
};
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        machine::settings::Settings,
        messages::{
            MAIL_PAUSE, TOGETHER, Way, is_outdated,
            words::{self, Words},
        },
    },
    host::mail::{Failed, Letter, Post},
    ops::{Ops, clock},
    store::{
        self, Write,
        events::messages::{Became, Message},
    },
};

/// This many messages are taken up at once.
const WINDOW: usize = 200;
/// This many seconds after the mail server failed it is asked again.
const REST: i64 = 30;

/// What is sent as one e-mail.
#[derive(Clone, Debug)]
struct Mail {
    messages: Vec<Message>,
    words: Words,
    /// The name that it comes from.
    brand: String,
    id: String,
}

impl Ops {
    /// Sends the e-mail that is due.
    pub(super) async fn send_mail(&self) -> Result<()> {
        while !self.messages.stop() {
            let (now, smtp) = (clock::now(), self.snapshot().settings.smtp_url.clone());
            let job = move |tx: &Write<'_>| prepare(tx, now);
            let mails = self.store.write(store::housekeeping(now, "messages"), job).wait().await?;
            if mails.is_empty() {
                return Ok(());
            }
            if !self.send_mails(mails).await? {
                let until = clock::now().seconds() + REST;
                *self.messages.down.lock() = Some((smtp, until));
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends them by one connection; whether the mail server is well.
    async fn send_mails(&self, mails: Vec<Mail>) -> Result<bool> {
        let settings = self.snapshot().settings.clone();
        let opened = match (self.smtp(), settings.mail_from.as_ref()) {
            (Ok(Some(smtp)), Some(from)) => Post::open(&smtp, from.as_str()).await,
            (Err(why), _) => Err(why.to_owned()),
            _ => Err("E-mail is not set up any more.".to_owned()),
        };
        let mut post = match opened {
            Ok(post) => post,
            Err(why) => {
                log::warn!("no e-mail can be sent: {why}");
                self.note_mails(mails, Outcome::Later(why)).await?;
                return Ok(false);
            }
        };
        let mut mails = mails.into_iter();
        while let Some(mail) = mails.next() {
            if self.messages.stop() {
                break;
            }
            let to = mail.messages.first().map_or("", |message| message.receiver.as_str());
            let letter = Letter {
                id: &mail.id,
                from_name: &mail.brand,
                to,
                subject: &mail.words.subject,
                text: &mail.words.text,
                at: clock::now().seconds(),
            };
            let outcome = match post.send(&letter).await {
                Ok(()) => Outcome::Taken,
                Err(Failed::Later(why)) => Outcome::Later(why),
                Err(Failed::Never(why)) => Outcome::Never(why),
                Err(Failed::Server(why)) => {
                    log::warn!("no e-mail can be sent: {why}");
                    let left: Vec<Mail> = std::iter::once(mail).chain(mails).collect();
                    self.note_mails(left, Outcome::Later(why)).await?;
                    return Ok(false);
                }
            };
            self.note_mails(vec![mail], outcome).await?;
        }
        post.close().await;
        Ok(true)
    }

    /// Whether e-mail can be sent at all, by what is set.
    pub(in crate::ops) fn has_mail(&self) -> bool {
        has_mail(&self.snapshot().settings)
    }

    /// Sends one letter at once, past the log of messages: what is secret in it stays in it.
    pub(in crate::ops) async fn send_letter(&self, to: &str, words: &Words, id: &str) -> Result<(), String> {
        let settings = self.snapshot().settings.clone();
        let mut post = match (self.smtp(), settings.mail_from.as_ref()) {
            (Ok(Some(smtp)), Some(from)) => Post::open(&smtp, from.as_str()).await?,
            (Err(why), _) => return Err(why.to_owned()),
            _ => return Err("E-mail is not set up.".to_owned()),
        };
        let letter = Letter {
            id,
            from_name: brand(&settings),
            to,
            subject: &words.subject,
            text: &words.text,
            at: clock::now().seconds(),
        };
        let sent = post.send(&letter).await;
        post.close().await;
        sent.map_err(|(Failed::Server(why) | Failed::Later(why) | Failed::Never(why))| why)
    }

    async fn note_mails(&self, mails: Vec<Mail>, outcome: Outcome) -> Result<()> {
        let now = clock::now();
        let many = mails.iter().map(|mail| mail.messages.len()).sum();
        self.meters.messaged(Way::Email.name(), outcome.word(), many);
        let job = move |tx: &Write<'_>| {
            for mail in &mails {
                note(tx, &mail.messages, &outcome, now)?;
                let alert = mail.messages.first().filter(|message| is_alert(message));
                if let (Some(message), Outcome::Taken) = (alert, &outcome) {
                    tx.hold_alerts(&message.receiver, UnixTime::clamped(now.seconds() + MAIL_PAUSE))?;
                }
            }
            Ok(())
        };
        self.store.write(store::housekeeping(now, "messages"), job).wait().await
    }
}

/// The name in which the operator writes.
fn brand(settings: &Settings) -> &str {
    let name = settings.operator_name.as_str();
    if name.is_empty() { "Linecard" } else { name }
}

fn is_alert(message: &Message) -> bool {
    message.event.is_some() && message.ends_at.is_none()
}

/// What is due: in the words of now, without what is not true any more, noted as what goes together.
fn prepare(tx: &Write<'_>, now: UnixTime) -> Result<Vec<Mail>> {
    let settings = &tx.snapshot().settings;
    let due = tx.due_messages(Way::Email, now, WINDOW)?;
    if !has_mail(settings) {
        for message in &due {
            tx.note_message(message.id, Became::Dropped("E-mail is not set up any more."), now)?;
        }
        return Ok(Vec::new());
    }
    let mut alone = Vec::new();
    let mut together: BTreeMap<(String, Option<i64>), Vec<Message>> = BTreeMap::new();
    for message in due {
        let (Some(end), true) = (message.ends_at, message.event.is_some()) else {
            let one = if is_alert(&message) { message.bundle } else { Some(-message.id.0) };
            together.entry((message.receiver.clone(), one)).or_default().push(message);
            continue;
        };
        let row = reminded(tx, &message.object, settings)?;
        let why = match &row {
            None => Some("It was deleted."),
            Some(row) => is_outdated(&message.kind, end, row.end, row.is_off, now),
        };
        match (row, why) {
            (Some(row), None) => {
                let zone = settings.time_zone.zone();
                let words = words::reminder(&message.key, end, now, &zone, &row.brand);
                tx.reword_message(message.id, &words.subject, &words.text)?;
                alone.push((vec![message], words, row.brand));
            }
            (_, why) => tx.note_message(message.id, Became::Dropped(why.unwrap_or_default()), now)?,
        }
    }
    let brand = brand(settings);
    let panel = settings.panel_url.as_ref().map(|url| format!("\n\n{}/panel", url.as_str()));
    let alerts = together.into_values().map(|messages| {
        let all: Vec<Words> = messages
            .iter()
            .take(TOGETHER)
            .map(|message| Words { subject: message.subject.clone(), text: message.text.clone() })
            .collect();
        let mut words = words::together(&all, messages.len() - all.len());
        words.text.push_str(panel.as_deref().unwrap_or_default());
        (messages, words, brand.to_owned())
    });
    let log_id = tx.event_log()?.log_id;
    let mut mails = Vec::new();
    for (messages, words, brand) in alone.into_iter().chain(alerts) {
        let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
        tx.bundle_messages(&ids)?;
        let Some(first) = messages.first() else { continue };
        let id = format!("{}.{}.{}", log_id.get(..12).unwrap_or(&log_id), first.id.0, first.again);
        mails.push(Mail { messages, words, brand, id });
    }
    Ok(mails)
}
