//! Events become messages: to whom, in which words, and when.

use serde_json::Value;

use crate::{
    domain::{
        Resource, Result, Stored,
        events::kinds::Pattern,
        fields::{text::Email, time::UnixTime},
        ids::{AdminId, LineId, MagId, MessageTargetId, ResellerId},
        machine::settings::Settings,
        messages::{
            ALERTS, DELETIONS, MAIL_PAUSE, NEW_ADDRESS, REMINDERS, SETTLES, Way, is_alert, is_outdated,
            is_reminder, pair, quiet, settles,
            target::MessageTarget,
            words::{self, Words},
        },
        people::{admin::Admin, reseller::Reseller},
        subscribers::{line::Line, mag::Mag, subscription::Subscription},
    },
    ops::{Ops, blocking, clock},
    store::{
        self, Read, Write,
        events::{log::EventSeen, messages::NewMessage},
    },
};

/// Events that become messages in one transaction.
const AT_ONCE: usize = 100;
/// As long as this many messages wait, no more are made: the events stay in the log.
const HELD: i64 = 10_000;

impl Ops {
    /// Makes messages of what has happened since it was last looked.
    ///
    /// # Errors
    /// A database error; then they are made the next time.
    pub(super) async fn make_messages(&self) -> Result<()> {
        loop {
            let now = clock::now();
            let origin = move || store::housekeeping(now, "messages");
            let is_due = self.store.point(&origin(), |read| {
                let log = read.event_log()?;
                Ok(log.newest.is_some_and(|newest| newest > read.messages_to().unwrap_or(newest)))
            })?;
            if !is_due {
                return Ok(());
            }
            let ops = self.clone();
            let read = blocking(move || ops.store.read(&origin(), take_up)).await?;
            let Some((targets, events, end)) = read else { return Ok(()) };
            let is_full = events.len() == AT_ONCE;
            let job = move |tx: &Write<'_>| {
                let settings = &tx.snapshot().settings;
                let making = Making { tx, settings, targets: &targets, now };
                events.iter().try_for_each(|event| making.of(event))?;
                tx.note_messages_to(end)
            };
            self.store.write(store::housekeeping(now, "messages"), job).wait().await?;
            if !is_full {
                return Ok(());
            }
        }
    }
}

/// Whether e-mail can be sent at all, by what is set.
pub(super) fn has_mail(settings: &Settings) -> bool {
    !settings.smtp_url.is_none() && settings.mail_from.is_some()
}

type TakenUp = (Vec<Stored<MessageTarget>>, Vec<EventSeen>, i64);

/// What is to be told: the targets, the events, and up to which number that is; none while too much waits.
fn take_up(read: &Read<'_>) -> Result<Option<TakenUp>> {
    if read.messages_wait(HELD)? {
        return Ok(None);
    }
    let mut targets: Vec<Stored<MessageTarget>> = Vec::new();
    read.each(None, |row: Stored<MessageTarget>| targets.push(row))?;
    targets.retain(|row| row.record.enabled);
    // What no event is called yet is no pattern either.
    let known = REMINDERS.iter().chain(&ALERTS).chain(&DELETIONS).chain([&NEW_ADDRESS]);
    let known = known.filter_map(|kind| Pattern::new(kind).ok());
    let chosen = targets.iter().flat_map(|row| row.record.types.iter().cloned());
    let mut wanted: Vec<Pattern> = known.chain(chosen).collect();
    wanted.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    wanted.dedup();
    let (events, end) = read.events_after(read.messages_to()?, AT_ONCE, &wanted, None)?;
    Ok(Some((targets, events, end)))
}

/// What an event is about, as messages know it.
fn object(event: &EventSeen) -> String {
    match event.resource_id {
        Some(id) => format!("{} {id}", event.resource),
        None => format!("{} {}", event.resource, event.key),
    }
}

/// A line or MAG, as far as reminders ask.
pub(super) struct Reminded {
    /// When it ends.
    pub end: Option<UnixTime>,
    /// It is disabled or banned, or not to be reminded.
    pub is_off: bool,
    /// Whose it is.
    pub email: Option<Email>,
    /// The name of whoever sold it.
    pub brand: String,
}

/// The line or MAG that an event or a message is about, if it is still there.
pub(super) fn reminded(read: &Read<'_>, object: &str, settings: &Settings) -> Result<Option<Reminded>> {
    let Some((kind, id)) = object.split_once(' ') else { return Ok(None) };
    let Ok(id) = id.parse() else { return Ok(None) };
    let of = |row: Subscription| -> Result<Reminded> {
        let reseller = match row.reseller_id {
            Some(id) => read.by_id::<Reseller>(id)?.map(|row| row.record.name.as_str().to_owned()),
            None => None,
        };
        Ok(Reminded {
            end: row.expire_date.0,
            is_off: row.disabled || row.banned || !row.reminders,
            email: row.email,
            brand: reseller.unwrap_or_else(|| settings.operator_name.as_str().to_owned()),
        })
    };
    Ok(match kind {
        "line" => read.by_id::<Line>(LineId(id))?.map(|row| of(row.record.subscription)).transpose()?,
        "mag" => read.by_id::<Mag>(MagId(id))?.map(|row| of(row.record.subscription)).transpose()?,
        _ => None,
    })
}

struct Making<'a> {
    tx: &'a Write<'a>,
    settings: &'a Settings,
    targets: &'a [Stored<MessageTarget>],
    now: UnixTime,
}

/// Whom a message is for.
#[derive(Clone, Copy)]
struct Receiver<'a> {
    way: Way,
    name: &'a str,
    target: Option<MessageTargetId>,
    /// Whether it waits in quiet hours.
    rests: bool,
    /// Whether it is told when something fails, so that it is told of the recovery only then.
    hears_failures: bool,
}

impl Making<'_> {
    fn of(&self, event: &EventSeen) -> Result<()> {
        let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
        if is_reminder(&event.kind) {
            self.remind(event, &data)?;
        }
        if DELETIONS.contains(&event.kind.as_str()) {
            self.tx.drop_messages_about(&object(event), event.id)?;
        }
        let words = words::alert(&event.kind, &event.key, &data);
        if is_alert(&event.kind) && has_mail(self.settings) {
            for email in self.alerted(event)? {
                let receiver = Receiver {
                    way: Way::Email,
                    name: &email,
                    target: None,
                    rests: true,
                    hears_failures: true,
                };
                self.alert(event, &words, receiver)?;
            }
        }
        if event.kind == NEW_ADDRESS
            && has_mail(self.settings)
            && let Some(id) = event.resource_id
            && let Some(admin) = self.tx.by_id::<Admin>(AdminId(id))?
            && let Some(name) = admin.record.reachable_at()
        {
            // At any hour: whoever it was is inside now.
            let receiver =
                Receiver { way: Way::Email, name, target: None, rests: false, hears_failures: false };
            self.alert(event, &words, receiver)?;
        }
        for target in self.targets.iter().filter(|target| target.record.wants(&event.kind)) {
            let failure = pair(&event.kind).map(|(failure, _)| failure);
            let receiver = Receiver {
                way: Way::Http,
                name: target.record.name.as_str(),
                target: Some(target.id),
                rests: target.record.quiet_hours,
                hears_failures: failure.is_some_and(|failure| target.record.wants(failure)),
            };
            self.alert(event, &words, receiver)?;
        }
        Ok(())
    }

    /// Who is told of an alert by e-mail: the operator's people, and a reseller's of what is theirs.
    fn alerted(&self, event: &EventSeen) -> Result<Vec<String>> {
        let mut emails: Vec<String> =
            self.settings.alert_emails.iter().map(|email| email.as_str().to_owned()).collect();
        if let (Some(id), true) = (event.resource_id, event.resource == Resource::Resellers.name()) {
            emails.extend(self.tx.emails_of_reseller(ResellerId(id))?);
        }
        emails.sort_unstable_by_key(|email| email.to_ascii_lowercase());
        emails.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        Ok(emails)
    }

    fn remind(&self, event: &EventSeen, data: &Value) -> Result<()> {
        let object = object(event);
        let told_end = data["after"]["expire_date"].as_i64().and_then(UnixTime::new);
        let (Some(row), Some(end)) = (reminded(self.tx, &object, self.settings)?, told_end) else {
            return Ok(());
        };
        if is_outdated(&event.kind, end, row.end, row.is_off, self.now).is_some() {
            return Ok(());
        }
        let zone = self.settings.time_zone.zone();
        let words = words::reminder(&event.key, end, self.now, &zone, &row.brand);
        let add = |way, name: &str| {
            self.tx.drop_older_reminders(&object, way, name, event.id)?;
            let receiver = Receiver { way, name, target: None, rests: true, hears_failures: false };
            self.add(event, &object, &words, receiver, Some(end), self.now)
        };
        if let Some(email) = row.email.as_ref().filter(|_| has_mail(self.settings)) {
            add(Way::Email, email.as_str())?;
        }
        // One that has ended is shown so by the box itself.
        if event.kind == "mag.expiring" {
            add(Way::Box, &event.key)?;
        }
        Ok(())
    }

    /// Lets a receiver be told of an event, unless it takes back what nobody was told yet, or says again what waits.
    fn alert(&self, event: &EventSeen, words: &Words, receiver: Receiver<'_>) -> Result<()> {
        let object = object(event);
        if let Some((failure, recovery)) = pair(&event.kind) {
            let last = self.tx.last_message(&object, (receiver.way, receiver.name), [failure, recovery])?;
            let is_recovery = event.kind == recovery;
            match last {
                Some((id, kind, state)) if is_recovery && kind == failure && state == "waiting" => {
                    return self.tx.take_back_message(id);
                }
                Some((_, kind, state)) if is_recovery && (kind == recovery || state != "sent") => {
                    return Ok(());
                }
                Some((_, kind, state)) if kind == event.kind && state == "waiting" => return Ok(()),
                Some((id, kind, state)) if !is_recovery && kind == recovery && state == "waiting" => {
                    // It was up for a moment only: nobody needs to hear of that, and it is down as they know.
                    return self.tx.take_back_message(id);
                }
                None if is_recovery && receiver.hears_failures => return Ok(()),
                _ => {}
            }
        }
        let mut at = self.now;
        if settles(&event.kind) {
            at = UnixTime::clamped(event.at.seconds() + SETTLES).max(at);
        }
        if receiver.way == Way::Email
            && let Some(last) = self.tx.last_alert_mail(receiver.name, self.now)?
        {
            at = at.max(UnixTime::clamped(last.seconds() + MAIL_PAUSE));
        }
        self.add(event, &object, words, receiver, None, at)
    }

    fn add(
        &self,
        event: &EventSeen,
        object: &str,
        words: &Words,
        receiver: Receiver<'_>,
        ends_at: Option<UnixTime>,
        at: UnixTime,
    ) -> Result<()> {
        let next_at = if receiver.rests { awake(self.settings, at) } else { at };
        self.tx.add_message(&NewMessage {
            event: Some(event.id),
            kind: &event.kind,
            object,
            key: &event.key,
            reference: event.reference.as_deref(),
            at: event.at,
            ends_at,
            way: receiver.way,
            receiver: receiver.name,
            target: receiver.target,
            subject: &words.subject,
            text: &words.text,
            next_at,
        })
    }
}

/// That moment, or the end of the quiet hours that it lies in.
pub(super) fn awake(settings: &Settings, at: UnixTime) -> UnixTime {
    let zone = settings.time_zone.zone();
    quiet::until(at, &zone, settings.quiet_from.as_ref(), settings.quiet_to.as_ref()).unwrap_or(at)
}
