//! Forgotten passwords: a link by e-mail, and the new password that it is good for.
//!
//! Whoever asks is told the same, and as quickly, whatever name he sends: who that is, is looked for behind the answer.

use std::{
    net::IpAddr,
    sync::OnceLock,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::{lockouts::Face, passwords::Whose};
use crate::{
    domain::{
        Fact, Given, Refused, Resource, Result, Stored,
        fields::text::NewPassword,
        people::{
            actor::{Actor, Who},
            admin::{Admin, AdminChange},
            api_key::KeyHash,
            lockout::{Attempt, place},
            password_link::{self, ASKING, PAUSES},
            quota::Quota,
        },
    },
    ops::{Action, Effect, Ops, clock, random},
    store,
};

const ASK: Action = Action { resource: Resource::Administrators, name: "forgotten_password" };
/// What a new password by a link is called in the audit trail.
const SET: Action = Action { resource: Resource::Administrators, name: "reset_own_password" };
/// What the login log says of a link that was sent.
const SENT: &str = "link to a new password";
/// So many links are looked for and sent at once; nobody waits for more.
static AT_ONCE: Semaphore = Semaphore::const_new(8);

/// So long after the answer it is looked who that is.
const BEHIND: Duration = Duration::from_millis(50);

/// How often each address has asked.
pub type Asking = OnceLock<Mutex<Quota<IpAddr>>>;

impl Ops {
    /// Whether links to new passwords can be sent: with a mail server and the address of the panel.
    pub fn sends_password_links(&self) -> bool {
        let snapshot = self.snapshot();
        self.has_mail() && snapshot.settings.panel_url.is_some()
    }

    /// Sends a link to a new password to whoever has that name, if anybody does. False if that address asks too often.
    pub fn ask_for_password_link(&self, username: &str, address: IpAddr) -> bool {
        let asking = self.asking.get_or_init(|| Mutex::new(Quota::new(ASKING)));
        if !asking.lock().take(place(address), Instant::now()) {
            return false;
        }
        let Ok(turn) = AT_ONCE.try_acquire() else {
            log::warn!("a link to a new password was not sent: too many are asked for at once");
            return true;
        };
        let (ops, username) = (self.clone(), username.to_owned());
        // Nobody waits for it: the time would tell whether there is such a name.
        tokio::spawn(async move {
            if let Err(why) = ops.send_password_link(&username, address).await {
                log::warn!("a link to a new password was not sent: {why}");
            }
            drop(turn);
        });
        true
    }

    async fn send_password_link(&self, username: &str, address: IpAddr) -> std::result::Result<(), String> {
        let say = |error: crate::domain::Error| error.for_operator();
        tokio::time::sleep(BEHIND).await;
        let name = Fact::Text(username.to_owned());
        let found = self.point(&Actor::LINECARD, ASK, |look| look.read.first::<Admin>("username", &name));
        let Some(admin) = found.map_err(say)?.filter(|admin| !admin.record.disabled) else { return Ok(()) };
        let Some(email) = admin.record.reachable_at() else { return Ok(()) };
        let settings = self.snapshot().settings.clone();
        let Some(panel) = settings.panel_url.as_ref().filter(|_| self.has_mail()) else { return Ok(()) };
        let (token, now) = (random::token().map_err(say)?, clock::now());
        let (id, hash, username) = (admin.id, KeyHash::of(&token), admin.record.username.clone());
        let noted = self.store.write(store::housekeeping(now, "password_link"), {
            let username = username.clone();
            move |tx| {
                if !tx.insert_password_link(id, &hash, now)? {
                    return Ok(false);
                }
                tx.insert_login(now, "panel", username.as_str(), &address.to_string(), SENT)?;
                Ok(true)
            }
        });
        if !noted.wait().await.map_err(say)? {
            return Ok(());
        }
        let url = format!("{}/panel/password?token={token}", panel.as_str());
        let operator = settings.operator_name.as_str();
        let operator = if operator.is_empty() { "Linecard" } else { operator };
        let words = password_link::words(operator, username.as_str(), address, &url);
        let id = random::hex(24).map_err(say)?;
        for pause in PAUSES {
            if self.send_letter(email, &words, &id).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
        }
        self.send_letter(email, &words, &id).await
    }

    /// Whose link that is, while it is good.
    ///
    /// # Errors
    /// A database error.
    pub fn password_link_of(&self, token: &str) -> Result<Option<Stored<Admin>>> {
        let hash = KeyHash::of(token);
        self.point(&Actor::LINECARD, ASK, |look| {
            let Some(id) = look.read.password_link(&hash, clock::now())? else { return Ok(None) };
            Ok(look.read.by_id::<Admin>(id)?.filter(|admin| !admin.record.disabled))
        })
    }

    /// Sets the password of whoever has that link, ends his sessions, and forgets his links and where he is known.
    ///
    /// # Errors
    /// [`crate::domain::Error::Refused`] if the link is not good, [`crate::domain::Error::Invalid`] for a weak password.
    pub async fn set_password_by_link(&self, token: &str, new: NewPassword, address: IpAddr) -> Result<()> {
        let Some(admin) = self.password_link_of(token)? else {
            self.lockouts.failed(Face::Panel, Attempt { address, name: None, mark: None, what: Some(token) });
            return Err(Refused::PasswordLinkOver.into());
        };
        let hash = self.hash_chosen("new_password", new, &Whose::of(&admin.record)).await?;
        let (id, link) = (admin.id, KeyHash::of(token));
        let username = admin.record.username.as_str().to_owned();
        let who = Who::Administrator { id, username, rights: Vec::new(), reseller: admin.record.reseller_id };
        self.write_own(Actor { who, address: Some(address) }, SET, move |act| {
            let before = act.find::<Admin>(id)?;
            if act.tx.password_link(&link, act.now)? != Some(id) || before.record.disabled {
                return Err(Refused::PasswordLinkOver.into());
            }
            let change = AdminChange {
                password: Given::Value(hash.clone()),
                must_change_password: Given::Value(false),
                ..AdminChange::default()
            };
            let after = act.updated(&before, change)?;
            act.replace(&before, &after)?;
            act.tx.delete_password_links(id)?;
            act.tx.delete_panel_sessions_of(id, None)?;
            act.tx.forget_known(id)?;
            act.after(Effect::ForgetKnown(id));
            Ok(())
        })
        .await
    }
}
