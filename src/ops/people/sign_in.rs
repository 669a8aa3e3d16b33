//! Signing in to the panel, and who is signed in.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    time::Duration,
};

use parking_lot::{Mutex, MutexGuard};
use serde_json::json;

use super::{
    lockouts::Face,
    passwords::{self, Queue, Whose},
    steps::Step,
};
pub use crate::store::people::panel_sessions::PanelSession;
use crate::{
    domain::{
        Error, Fact, Given, Refused, Resource, Result, Stored,
        fields::{text::NewPassword, time::UnixTime},
        ids::AdminId,
        people::{
            actor::{Actor, Who},
            admin::{Admin, AdminChange, Group},
            api_key::KeyHash,
            known::Holder,
            lockout::{Attempt, Mark},
            steps::{First, must_set_up},
        },
    },
    ops::{Act, Action, Effect, Ops, blocking, clock, random},
    store::{self, Read},
};

/// A session ends after this many seconds without use: 12 hours.
const IDLE: i64 = 12 * 3600;
/// A session ends after this many seconds whatever happens: 30 days.
const LONGEST: i64 = 30 * 86_400;

/// A session that began more seconds ahead of the clock is none.
const AHEAD: i64 = 3600;

/// So long does somebody who signs out wait for the database.
const WRITTEN_SOON: Duration = Duration::from_secs(1);

pub(super) const SIGN_IN: Action = Action { resource: Resource::Administrators, name: "sign_in" };
/// What changing one's own password is called in the audit trail.
pub const OWN_PASSWORD: Action = Action { resource: Resource::Administrators, name: "own_password" };
/// What ending a session is called in the audit trail.
pub const END_SESSION: Action = Action { resource: Resource::Administrators, name: "end_session" };

/// When sessions were last used, as long as that is not written.
pub type SeenSessions = Mutex<HashMap<i64, UnixTime>>;

/// Sessions that have ended, and are to be taken out of the database: the hashes of their tokens.
pub type SignedOut = HashSet<KeyHash>;

/// Where somebody signs in.
#[derive(Clone, Copy, Debug)]
pub struct From<'a> {
    pub address: IpAddr,
    /// The User-Agent.
    pub agent: &'a str,
    /// The token by which the browser is known, if it sent one.
    pub browser: Option<&'a str>,
}

/// What a browser is to keep.
pub struct Tokens {
    /// The token of the session.
    pub session: String,
    /// The token by which the browser is known the next time.
    pub browser: String,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub session: PanelSession,
    /// The administrator.
    pub admin: Stored<Admin>,
    /// Who acts: with the rights of the group, confined to the reseller if there is one.
    pub actor: Actor,
    /// Whether a second factor is to be set up before anything else.
    pub must_set_up_second_factor: bool,
    hash: KeyHash,
}

/// What the login log says of an attempt in the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody is signed in.
    SignedIn,
    /// Name or password was wrong.
    Wrong,
    /// Both were right, but the administrator is switched off.
    Disabled,
    /// Both were right, and the second factor is asked for.
    CodeAsked,
    /// Both were right, and the code of the second factor was wrong or used before.
    WrongCode,
    /// The account at the OpenID Connect provider is nobody's here.
    NotHere,
}

impl Outcome {
    /// As it is stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed in",
            Self::Wrong => "wrong username or password",
            Self::NotHere => "account of nobody here",
            Self::Disabled => "disabled",
            Self::CodeAsked => "code asked for",
            Self::WrongCode => "wrong code",
        }
    }
}

/// Why somebody was not signed in.
#[derive(Debug)]
pub enum Rejected {
    /// Name or password is wrong: nobody is told which.
    Wrong,
    /// Both were right, but the administrator is switched off.
    Disabled,
    /// The code is wrong, or was used before; whether another may be tried.
    WrongCode { may_go_on: bool },
    /// The code cannot be checked: its secret was sealed with another key.
    Unreadable,
    /// This sign-in is over, or something has changed since it began: it begins anew.
    Late,
    /// Too many failures of the address or for the name; how long to wait. Right and wrong passwords are told the same.
    Blocked(Duration),
    /// Something failed.
    Failed(Error),
}

impl std::convert::From<Error> for Rejected {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Ops {
    /// Signs somebody in by name and password, or asks him for his second factor. A name that nobody has costs the same work as a wrong password. Every attempt is a row of
    /// the login log, but for those of somebody who is blocked: they would fill it.
    ///
    /// # Errors
    /// [`Rejected`].
    pub async fn sign_in(&self, username: &str, password: String, from: &From<'_>) -> Result<Step, Rejected> {
        let From { address, .. } = *from;
        let name = Fact::Text(username.to_owned());
        let found =
            self.point(&Actor::LINECARD, SIGN_IN, |look| look.read.first::<Admin>("username", &name))?;
        let known = found.as_ref().map(|admin| self.known(admin.id, from)).transpose()?.unwrap_or_default();
        self.may_try(username, address, known)?;
        let hash = found.as_ref().map(|admin| admin.record.password.clone());
        let place = if known.is_some() { Queue::Known } else { Queue::Stranger };
        let right = passwords::verify(password, hash, place).await?;
        // Whoever sends many guesses at once learns no more from them than from the first few.
        self.may_try(username, address, known)?;
        if !right {
            self.lockouts
                .failed(Face::Panel, Attempt { address, name: Some(username), mark: known, what: None });
            self.note_sign_in(username, address, Outcome::Wrong).await?;
            return Err(Rejected::Wrong);
        }
        let Some(admin) = found else { return Err(Rejected::Wrong) };
        self.passed(admin, First::Password, known, from).await
    }

    /// As whom somebody is known: by the browser's cookie, else by the address.
    pub(super) fn known(&self, admin: AdminId, from: &From<'_>) -> Result<Option<Mark>> {
        if let Some(token) = from.browser {
            let hash = KeyHash::of(token);
            let browser =
                self.point(&Actor::LINECARD, SIGN_IN, |look| look.read.browser(admin, &hash, clock::now()))?;
            if let Some(id) = browser {
                return Ok(Some(Mark::Browser(id)));
            }
        }
        let is_known = self.lockouts.was_let_in(Holder::Administrator(admin), from.address)?;
        Ok(is_known.then(|| from.address.into()))
    }

    /// Lets try whoever need not wait: what strangers do to the address or the name keeps nobody out who is known.
    pub(super) fn may_try(
        &self,
        username: &str,
        address: IpAddr,
        known: Option<Mark>,
    ) -> Result<(), Rejected> {
        let blocked = self.lockouts.blocked(Face::Panel, address, Some(username));
        let wait = match (blocked, known) {
            (Some(_), Some(mark)) => self.lockouts.blocked_as(Face::Panel, username, mark),
            (blocked, _) => blocked,
        };
        wait.map_or(Ok(()), |wait| Err(Rejected::Blocked(wait)))
    }

    /// Who holds that token, asking from that address; `None` once the session is over.
    pub fn signed_in(&self, token: &str, address: IpAddr) -> Result<Option<SignedIn>> {
        let now = clock::now();
        let found = self.holder_now(&KeyHash::of(token), address, now)?;
        if let Some(SignedIn { session, .. }) = &found
            && now.seconds() - session.last_seen_at.seconds() >= 60
        {
            self.seen.lock().insert(session.id, now);
        }
        Ok(found)
    }

    /// Whether somebody is still signed in, with the same rights. It is no use of the session: a page that
    /// stays open does not keep it alive.
    pub fn still_signed_in(&self, who: &SignedIn) -> Result<bool> {
        let found = self.holder_now(&who.hash, who.address(), clock::now())?;
        Ok(found.is_some_and(|found| found.actor == who.actor))
    }

    fn holder_now(&self, hash: &KeyHash, address: IpAddr, now: UnixTime) -> Result<Option<SignedIn>> {
        let found = self.point(&Actor::LINECARD, SIGN_IN, |look| holder(look.read, hash, address))?;
        let found = found.filter(|found| !self.signed_out().contains(&found.hash));
        let lasts = |session: &PanelSession| {
            let (now, begun) = (now.seconds(), session.created_at.seconds());
            // One that began in the future was made while the clock was ahead, and would last until then.
            now - session.last_seen_at.seconds() < IDLE && now - begun < LONGEST && begun - now <= AHEAD
        };
        Ok(found.filter(|found| !found.admin.record.disabled && lasts(&found.session)))
    }

    /// Writes down when sessions were last used, ends those that could not be ended before, and forgets those that are over.
    ///
    /// # Errors
    /// A database error; nothing is lost but the minute.
    pub async fn note_seen_sessions(&self) -> Result<()> {
        let seen: Vec<_> = self.seen.lock().drain().collect();
        let now = clock::now();
        let (begun, used) = (self.kept_since(LONGEST), self.kept_since(IDLE));
        let ended: Vec<KeyHash> = self.signed_out().iter().cloned().collect();
        let left = ended.clone();
        let noted = self.store.write(store::housekeeping(now, "sessions"), move |tx| {
            seen.iter().try_for_each(|(id, at)| tx.panel_session_seen(*id, *at))?;
            left.iter().try_for_each(|token| tx.end_panel_session(token))?;
            tx.forget_panel_sessions(begun, used)
        });
        noted.wait().await?;
        self.signed_out().retain(|token| !ended.contains(token));
        self.forget_ended(ended).await;
        Ok(())
    }

    /// Forgets sessions that are out of the database; one that ends meanwhile stays noted.
    async fn forget_ended(&self, ended: Vec<KeyHash>) {
        let file = self.store.ended_sessions().clone();
        let ops = self.clone();
        let forgotten = blocking(move || match file.read() {
            Some(noted) if noted.is_empty() => Ok(()),
            Some(_) => file.forget(&ended),
            None => file.make(|| ops.signed_out().is_empty()),
        });
        if let Err(error) = forgotten.await {
            log::warn!("linecard.ended cannot be written to: {error}");
        }
    }

    /// Learns at the start which sessions have ended and are still in the database: all of them, if there is no file that says so.
    pub async fn recall_ended_sessions(&self) -> Result<()> {
        let file = self.store.ended_sessions().clone();
        if let Some(ended) = blocking(move || file.read()).await {
            self.signed_out().extend(ended);
            return Ok(());
        }
        let origin = store::housekeeping(clock::now(), "sessions");
        let all = self.store.read(&origin, |read| read.panel_session_tokens())?;
        self.signed_out().extend(all);
        if let Err(error) = self.note_seen_sessions().await {
            log::warn!(
                "sessions of the panel that have ended cannot be deleted yet: {}",
                error.for_operator()
            );
        }
        Ok(())
    }

    /// Ends one's own session: at once, and for good when this returns, whatever the database does.
    pub async fn sign_out(&self, who: &SignedIn) {
        let token = who.hash.clone();
        self.signed_out().insert(token.clone());
        let ended = self.store.write(store::housekeeping(clock::now(), "sign_out"), {
            let token = token.clone();
            move |tx| tx.end_panel_session(&token)
        });
        // Nobody waits for a full disk or another program to leave.
        if let Ok(Ok(())) = tokio::time::timeout(WRITTEN_SOON, ended.wait()).await {
            self.signed_out().remove(&token);
            return;
        }
        // It is taken out of the database with those that were used (`note_seen_sessions`).
        let file = self.store.ended_sessions().clone();
        if let Err(error) = blocking(move || file.note(&token)).await {
            log::error!("that somebody has signed out cannot be written down: {error}");
        }
    }

    fn signed_out(&self) -> MutexGuard<'_, SignedOut> {
        self.signed_out.lock()
    }

    /// Makes sure that somebody who is signed in knows his password; `field` is what it was sent as.
    ///
    /// # Errors
    /// [`Error::Invalid`] if it is another, or was guessed at too often.
    pub(super) async fn check_own_password(
        &self,
        who: &SignedIn,
        field: &'static str,
        password: String,
    ) -> Result<()> {
        let admin = &who.admin.record;
        self.may_try_own(who, field)?;
        if !passwords::verify(password, Some(admin.password.clone()), Queue::Known).await? {
            self.count_own_failure(who);
            return Err(Error::invalid(field, "not the password that you signed in with"));
        }
        Ok(())
    }

    /// Refuses whoever has guessed too often as one who is signed in.
    pub(super) fn may_try_own(&self, who: &SignedIn, field: &'static str) -> Result<()> {
        let username = who.admin.record.username.as_str();
        match self.lockouts.blocked_as(Face::Panel, username, who.address().into()) {
            Some(wait) => {
                let rule = format!("too many wrong passwords: wait {} seconds", wait.as_secs() + 1);
                Err(Error::invalid(field, rule))
            }
            None => Ok(()),
        }
    }

    /// Counts a wrong password or code of somebody who is signed in.
    pub(super) fn count_own_failure(&self, who: &SignedIn) {
        let name = Some(who.admin.record.username.as_str());
        self.lockouts.failed(Face::Panel, Attempt { address: who.address(), name, mark: None, what: None });
    }

    /// Changes the password of whoever is signed in, ends the other sessions of that administrator, and renews this
    /// one: its new tokens. Other browsers are known no longer.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `old` is not the password, or a new one like the old or a weak one.
    pub async fn change_own_password(&self, who: &SignedIn, old: String, new: NewPassword) -> Result<Tokens> {
        let admin = &who.admin.record;
        let same = old == new.as_str();
        self.check_own_password(who, "old_password", old).await?;
        if same {
            return Err(Error::invalid("new_password", "different from the current one"));
        }
        let hash = self.hash_chosen("new_password", new, &Whose::of(admin)).await?;
        let tokens = Tokens { session: random::token()?, browser: random::token()? };
        let (renewed, browser) = (KeyHash::of(&tokens.session), KeyHash::of(&tokens.browser));
        let (id, session, now) = (who.admin.id, who.session.id, clock::now());
        self.write_own(who.actor.clone(), OWN_PASSWORD, move |act| {
            let before = act.find::<Admin>(id)?;
            let change = AdminChange {
                password: Given::Value(hash.clone()),
                must_change_password: Given::Value(false),
                ..AdminChange::default()
            };
            let after = act.updated(&before, change)?;
            act.replace(&before, &after)?;
            act.tx.delete_panel_sessions_of(id, Some(session))?;
            act.tx.renew_panel_session(session, &renewed)?;
            act.tx.forget_known(id)?;
            act.after(Effect::ForgetKnown(id));
            act.tx.insert_browser(id, &browser, None, now)
        })
        .await?;
        Ok(tokens)
    }

    /// The sessions of whoever is signed in, the one used last first.
    pub fn own_sessions(&self, who: &SignedIn) -> Result<Vec<PanelSession>> {
        self.point(&Actor::LINECARD, SIGN_IN, |look| look.read.panel_sessions(Some(who.admin.id)))
    }

    /// Ends one of one's own sessions.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is none.
    pub async fn end_own_session(&self, who: &SignedIn, session: i64) -> Result<()> {
        let own = who.admin.id;
        self.write_own(who.actor.clone(), END_SESSION, move |act| end_session(act, session, Some(own))).await
    }

    /// Ends all of one's own sessions but this one.
    ///
    /// # Errors
    /// A database error.
    pub async fn end_own_other_sessions(&self, who: &SignedIn) -> Result<()> {
        let (own, this, name) = (who.admin.id, who.session.id, who.admin.record.username.clone());
        self.write_own(who.actor.clone(), END_SESSION, move |act| {
            act.tx.delete_panel_sessions_of(own, Some(this))?;
            act.audit(Some(own.0), name.as_str(), &json!({}), &json!({ "sessions": "all but this one" }))
        })
        .await
    }

    pub(super) async fn note_sign_in(&self, username: &str, address: IpAddr, outcome: Outcome) -> Result<()> {
        let now = clock::now();
        let name: String = username.chars().filter(|c| !c.is_control()).take(64).collect();
        let address = address.to_string();
        let noted = self.store.write(store::housekeeping(now, "sign_in"), move |tx| {
            tx.insert_login(now, "panel", &name, &address, outcome.name())
        });
        noted.wait().await
    }
}

impl SignedIn {
    fn address(&self) -> IpAddr {
        self.actor.address.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
    }
}

/// Ends a session: of that administrator, or of anybody.
///
/// # Errors
/// [`Error::Refused`] if there is none.
pub fn end_session(act: &Act<'_>, id: i64, of: Option<AdminId>) -> Result<()> {
    if !act.tx.delete_panel_session(id, of)? {
        return Err(Refused::PanelSessionOver.into());
    }
    act.audit(None, "", &json!({ "session_id": id }), &json!({}))
}

fn holder(read: &Read<'_>, hash: &KeyHash, address: IpAddr) -> Result<Option<SignedIn>> {
    let Some(session) = read.panel_session(hash)? else { return Ok(None) };
    let Some(admin) = read.by_id::<Admin>(session.admin)? else { return Ok(None) };
    let group = read.by_id::<Group>(admin.record.group_id)?;
    let requires = group.as_ref().is_some_and(|group| group.record.require_2fa);
    let must_set_up_second_factor = requires && must_set_up(requires, read.has_second_factor(admin.id)?);
    let who = Who::Administrator {
        id: admin.id,
        username: admin.record.username.as_str().to_owned(),
        rights: group.map(|group| group.record.rights).unwrap_or_default(),
        reseller: admin.record.reseller_id,
    };
    let actor = Actor { who, address: Some(address) };
    Ok(Some(SignedIn { session, admin, actor, must_set_up_second_factor, hash: hash.clone() }))
}
