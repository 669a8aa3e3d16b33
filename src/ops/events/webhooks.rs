//! Webhooks as people manage them: new ones with their secrets, other secrets, a test, what was delivered, and once more.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::told::Event;
pub use crate::store::events::webhooks::Delivery;
use crate::{
    domain::{
        Denied, Error, Refused, Resource, Result, Stored,
        events::webhook::{HookHealth, TEST, Webhook, WebhookChange},
        fields::time::UnixTime,
        ids::{Id, WebhookId},
        page::{Page, Rows},
        people::rights,
    },
    host::webhook::PREFIX,
    ops::{
        Act, Look, Ops, clock,
        managed::{self, Managed},
        random,
        slips::Slip,
    },
    store::{self, events::webhooks::HookSecrets},
};

/// For this many seconds after it got another secret a webhook is signed with the old one as well: a day.
const BOTH: i64 = 86_400;
/// Old secrets that are still used: whoever asks for more within a day gives up the oldest.
const OLD: usize = 16;
/// More webhooks are refused.
pub(super) const MOST: usize = 32;
/// What secrets are sealed for.
const PURPOSE: &str = "webhook";

/// A webhook, and how it fares.
pub struct ShownHook {
    /// Its row.
    pub row: Stored<Webhook>,
    /// How it fares.
    pub health: HookHealth,
    /// Whether its secret can be opened with the key of this server.
    pub has_secret: bool,
}

/// A secret that was made for a webhook: as it is shown once, and as it is kept.
#[derive(Clone)]
pub struct NewSecret {
    shown: String,
    sealed: String,
}

impl NewSecret {
    /// As it is shown to whoever made it.
    pub fn reveal(&self) -> &str {
        &self.shown
    }
}

/// Which events are sent once more.
#[derive(Clone, Copy, Debug)]
pub enum Again {
    /// One.
    Event(i64),
    /// All behind a number.
    After(i64),
}

impl Managed for Webhook {
    fn check_write(&self, act: &Act<'_>, id: Option<WebhookId>) -> Result<()> {
        self.check_reach(act)?;
        if id.is_none() && act.tx.hooks()? > i64::try_from(MOST).unwrap_or(i64::MAX) {
            return Err(Refused::TooManyWebhooks(MOST).into());
        }
        Ok(())
    }

    fn check_reach(&self, act: &Act<'_>) -> Result<()> {
        if self.with_passwords && !rights::allow_all(act.actor.rights()) {
            return Err(Denied::PasswordsNeedFull.into());
        }
        Ok(())
    }
}

impl Ops {
    /// Makes a secret. Not part of the transaction: the writer does nothing but SQL.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system's generator fails, or without a key.
    pub fn new_hook_secret(&self) -> Result<NewSecret> {
        let shown = format!("{PREFIX}{}", random::secret()?);
        Ok(NewSecret { sealed: self.host.sealing.seal(PURPOSE, &shown)?, shown })
    }

    /// The secret that the form with that slip makes, however often it is sent.
    ///
    /// # Errors
    /// As [`Ops::new_hook_secret`].
    pub fn hook_secret_of_slip(&self, slip: &Slip) -> Result<NewSecret> {
        let key = self.key_of_slip(slip)?;
        let shown = format!("{PREFIX}{}", BASE64_STANDARD.encode(Sha256::digest(key.reveal())));
        Ok(NewSecret { sealed: self.host.sealing.seal(PURPOSE, &shown)?, shown })
    }

    /// The secrets that something is signed with now; none if they were sealed with another key.
    pub(in crate::ops) fn open_hook_secrets(&self, secrets: &HookSecrets, now: i64) -> Vec<String> {
        let open = |sealed: &String| self.host.sealing.open(PURPOSE, sealed);
        let Some(secret) = open(&secrets.secret) else { return Vec::new() };
        let old = secrets.old.iter().filter(|(_, until)| until.seconds() > now);
        std::iter::once(secret).chain(old.filter_map(|(sealed, _)| open(sealed))).collect()
    }

    /// The secrets that have to be made or typed again, in words: they were sealed with another key.
    pub fn lost_secrets(&self) -> Result<Vec<String>> {
        let now = clock::now();
        let mut lost = Vec::new();
        if self.classic_password_is_lost() {
            lost.push("the password of the classic API".to_owned());
        }
        if self.backup_target_is_lost() {
            lost.push("the target of backups".to_owned());
        }
        self.store.point(&store::housekeeping(now, "secrets"), |read| {
            let mut hooks = Vec::new();
            read.each::<Webhook>(None, |row| hooks.push(row))?;
            for row in hooks {
                if self.open_hook_secrets(&read.hook_secrets(row.id)?, now.seconds()).is_empty() {
                    lost.push(format!("that of webhook {} ({})", row.id.0, row.record.url.shown()));
                }
            }
            Ok(lost)
        })
    }

    /// A page of webhooks in the order of ids.
    ///
    /// # Errors
    /// [`Error::Denied`], or a database error.
    pub fn hooks(&self, look: &Look<'_>, page: &Page) -> Result<Rows<ShownHook>> {
        let found = managed::list::<Webhook>(look, page)?;
        let rows = found.rows.into_iter().map(|row| self.shown_hook(look, row)).collect::<Result<_>>()?;
        Ok(Rows { total: found.total, rows })
    }

    /// One webhook.
    ///
    /// # Errors
    /// [`Error::NoSuch`], [`Error::Denied`], or a database error.
    pub fn hook(&self, look: &Look<'_>, id: WebhookId) -> Result<ShownHook> {
        let row = managed::info::<Webhook>(look, id)?;
        self.shown_hook(look, row)
    }

    fn shown_hook(&self, look: &Look<'_>, row: Stored<Webhook>) -> Result<ShownHook> {
        let secrets = look.read.hook_secrets(row.id)?;
        let has_secret = !self.open_hook_secrets(&secrets, look.now.seconds()).is_empty();
        Ok(ShownHook { health: look.read.hook_health(row.id)?, has_secret, row })
    }
}

/// Creates a webhook, which is told of what happens from then on.
///
/// # Errors
/// As [`managed::create`], [`Error::Denied`] for passwords without every right, [`Error::Refused`] for too many.
pub fn create(act: &Act<'_>, change: WebhookChange, secret: &NewSecret) -> Result<WebhookId> {
    let (id, _) = managed::create::<Webhook>(act, change)?;
    act.tx.set_hook_secrets(id, &HookSecrets { secret: secret.sealed.clone(), old: Vec::new() })?;
    act.tx.begin_hook(id)?;
    Ok(id)
}

/// Gives a webhook another secret; for a day it is signed with the old one as well. Whoever lost the answer and asks again keeps
/// the one that the receiver has.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Changed`], [`Error::Denied`].
pub fn rotate(act: &Act<'_>, id: WebhookId, secret: &NewSecret) -> Result<()> {
    let row = reach(act, id)?;
    let before = act.tx.hook_secrets(id)?;
    let until = UnixTime::clamped(act.now.seconds() + BOTH);
    let last = (!before.secret.is_empty()).then_some((before.secret, until));
    let old = last.into_iter().chain(before.old).filter(|(_, until)| *until > act.now).take(OLD).collect();
    act.tx.set_hook_secrets(id, &HookSecrets { secret: secret.sealed.clone(), old })?;
    act.audit(
        Some(id.number()),
        row.record.description.as_str(),
        &json!({}),
        &json!({ "secret": "another one" }),
    )
}

/// Sends a webhook an event that is only for it; the number of that event.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Refused`] for one that is disabled and while there are no events.
pub fn test(act: &Act<'_>, id: WebhookId) -> Result<()> {
    let row = reach(act, id)?;
    if !row.record.enabled {
        return Err(Refused::WebhookDisabled.into());
    }
    if act.settings.event_retention_days.get() == 0 {
        return Err(Refused::NoEvents.into());
    }
    let name = row.record.description.as_str();
    act.audit(Some(id.number()), name, &json!({}), &json!({}))?;
    act.tell_event(&Event {
        kind: TEST,
        resource: Resource::Webhooks,
        id: Some(id.number()),
        key: name,
        before: json!({}),
        after: json!({}),
    })
}

/// Sends events once more.
///
/// # Errors
/// [`Error::NoSuch`] for the webhook or the event, [`Error::Refused`] for one that is disabled, or for events that are gone.
pub fn resend(act: &Act<'_>, id: WebhookId, again: Again) -> Result<()> {
    let row = reach(act, id)?;
    if !row.record.enabled {
        return Err(Refused::WebhookDisabled.into());
    }
    let what = match again {
        Again::Event(event) => {
            let found = act.tx.event_by_id(event)?.ok_or(Error::no_such(Resource::Events))?;
            act.tx.resend(id, &found)?;
            json!({ "event_id": event })
        }
        Again::After(after) => {
            let log = act.tx.event_log()?;
            if after > 0 && after < log.forgotten {
                return Err(Refused::EventsGone(log.oldest.unwrap_or(log.forgotten + 1)).into());
            }
            act.tx.resend_after(id, after)?;
            json!({ "after": after })
        }
    };
    act.audit(Some(id.number()), row.record.description.as_str(), &json!({}), &what)
}

fn reach(act: &Act<'_>, id: WebhookId) -> Result<Stored<Webhook>> {
    let row = act.find::<Webhook>(id)?;
    row.record.check_reach(act)?;
    act.check_seen(&row)?;
    Ok(row)
}

/// A page of what was delivered to a webhook, the newest first.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Denied`], or a database error.
pub fn deliveries(
    look: &Look<'_>,
    id: WebhookId,
    state: Option<&str>,
    page: &Page,
) -> Result<Rows<Delivery>> {
    managed::info::<Webhook>(look, id)?;
    look.read.deliveries(id, state, page)
}
