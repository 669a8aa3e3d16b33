//! Signing in to the panel, and who is signed in.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde_json::json;

use super::{Act, Doing, Ops, clock, guards::Face, passwords, random};
pub use crate::store::panel_sessions::PanelSession;
use crate::{
    domain::{
        Error, Fact, Given, Resource, Result, Stored,
        actor::{Actor, Who},
        admin::{Admin, AdminChange, Group},
        api_key::KeyHash,
        ids::AdminId,
        text::NewPassword,
        time::UnixTime,
    },
    store::{self, Read},
};

/// A session ends after so many seconds without use: 12 hours.
const IDLE: i64 = 12 * 3600;
/// A session ends after so many seconds whatever happens: 30 days.
const LONGEST: i64 = 30 * 86_400;

/// A session that began more seconds ahead of the clock is none.
const AHEAD: i64 = 3600;

const SIGN_IN: Doing = Doing { resource: Resource::Administrators, action: "sign_in" };
/// What changing one's own password is called in the audit trail.
pub const OWN_PASSWORD: Doing = Doing { resource: Resource::Administrators, action: "own_password" };
/// What ending a session is called in the audit trail.
pub const END_SESSION: Doing = Doing { resource: Resource::Administrators, action: "end_session" };

/// When sessions were last used, as long as that is not written.
pub type Seen = Mutex<HashMap<i64, UnixTime>>;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: PanelSession,
    /// The administrator.
    pub admin: Stored<Admin>,
    /// Who acts: with the rights of the group, confined to the reseller if there is one.
    pub actor: Actor,
    hash: KeyHash,
}

/// Why somebody was not signed in.
#[derive(Debug)]
pub enum Turned {
    /// Name or password is wrong: nobody is told which.
    Wrong,
    /// Both were right, but the administrator is switched off.
    Disabled,
    /// Too many failures of the address or for the name; how long to wait.
    ShutOut(Duration),
    /// Something failed.
    Failed(Error),
}

impl From<Error> for Turned {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Ops {
    /// Signs somebody in; the token that the browser is to keep. A name that nobody has costs the
    /// same work as a wrong password. Every attempt is a row of the login log, but for those of somebody who is
    /// shut out: they would fill it.
    ///
    /// # Errors
    /// [`Turned`].
    pub async fn sign_in(
        &self,
        username: &str,
        password: String,
        address: IpAddr,
        agent: &str,
    ) -> Result<String, Turned> {
        let let_in = || {
            let wait = self.shut_out(Face::Panel, address);
            let wait = wait.or_else(|| self.name_shut(Face::Panel, address, username));
            wait.map_or(Ok(()), |wait| Err(Turned::ShutOut(wait)))
        };
        let_in()?;
        let name = Fact::Text(username.to_owned());
        let found = self.point(&Actor::LINECARD, SIGN_IN, |read| read.first::<Admin>("username", &name))?;
        let hash = found.as_ref().map(|admin| admin.record.password.clone());
        let right = passwords::verify(password, hash).await?;
        // Whoever sends many guesses at once learns no more from them than from the first few.
        let_in()?;
        if !right {
            self.failed(Face::Panel, address);
            self.failed(Face::Panel, username);
            self.note_sign_in(username, address, "wrong username or password").await?;
            return Err(Turned::Wrong);
        }
        let Some(admin) = found else { return Err(Turned::Wrong) };
        if admin.record.disabled {
            self.note_sign_in(username, address, "disabled").await?;
            return Err(Turned::Disabled);
        }
        let token = random::token()?;
        let (hash, now) = (KeyHash::of(&token), clock::now());
        let (address, agent) = (address.to_string(), agent.to_owned());
        let begun = self.store.write(store::housekeeping(now, "sign_in"), move |tx| {
            tx.insert_panel_session(&hash, admin.id, &address, &agent, now)?;
            tx.insert_login(now, "panel", admin.record.username.as_str(), &address, "signed in")
        });
        begun.wait().await?;
        Ok(token)
    }

    /// Who holds that token, asking from that address; `None` once the session is over.
    ///
    /// # Errors
    /// A database error.
    pub fn signed_in(&self, token: &str, address: IpAddr) -> Result<Option<SignedIn>> {
        let now = clock::now();
        let found = self.holder_now(&KeyHash::of(token), address, now)?;
        if let Some(SignedIn { session, .. }) = &found
            && now.seconds() - session.last_seen_at.seconds() >= 60
        {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(session.id, now);
        }
        Ok(found)
    }

    /// Whether somebody is still signed in, with the same rights. It is no use of the session: a page that
    /// stays open does not keep it alive.
    ///
    /// # Errors
    /// A database error.
    pub fn still_signed_in(&self, who: &SignedIn) -> Result<bool> {
        let found = self.holder_now(&who.hash, who.address(), clock::now())?;
        Ok(found.is_some_and(|found| found.actor == who.actor))
    }

    fn holder_now(&self, hash: &KeyHash, address: IpAddr, now: UnixTime) -> Result<Option<SignedIn>> {
        let found = self.point(&Actor::LINECARD, SIGN_IN, |read| holder(read, hash, address))?;
        let lasts = |session: &PanelSession| {
            let (now, begun) = (now.seconds(), session.created_at.seconds());
            // One that began in the future was made while the clock was ahead, and would last until then.
            now - session.last_seen_at.seconds() < IDLE && now - begun < LONGEST && begun - now <= AHEAD
        };
        Ok(found.filter(|found| !found.admin.record.disabled && lasts(&found.session)))
    }

    /// Writes down when sessions were last used, and forgets those that are over.
    ///
    /// # Errors
    /// A database error; nothing is lost but the minute.
    pub async fn note_seen_sessions(&self) -> Result<()> {
        let seen: Vec<_> = self.seen.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        let now = clock::now();
        let (begun, used) = (self.kept_since(LONGEST), self.kept_since(IDLE));
        let noted = self.store.write(store::housekeeping(now, "sessions"), move |tx| {
            seen.iter().try_for_each(|(id, at)| tx.panel_session_seen(*id, *at))?;
            tx.forget_panel_sessions(begun, used)
        });
        noted.wait().await
    }

    /// Ends one's own session.
    ///
    /// # Errors
    /// A database error.
    pub async fn sign_out(&self, session: &PanelSession) -> Result<()> {
        let id = session.id;
        let ended = self.store.write(store::housekeeping(clock::now(), "sign_out"), move |tx| {
            tx.delete_panel_session(id, None)
        });
        ended.wait().await.map(|_| ())
    }

    /// Changes the password of whoever is signed in, and ends the other sessions of that administrator.
    ///
    /// # Errors
    /// [`Error::Invalid`] if `old` is not the password, or a new one like the old.
    pub async fn change_own_password(&self, who: &SignedIn, old: String, new: NewPassword) -> Result<()> {
        let hash = who.admin.record.password.clone();
        if let Some(wait) = self.shut_out(Face::Panel, who.address()) {
            let rule = format!("too many wrong passwords: wait {} seconds", wait.as_secs() + 1);
            return Err(Error::invalid("old_password", rule));
        }
        let same = old == new.as_str();
        if !passwords::verify(old, Some(hash)).await? {
            self.failed(Face::Panel, who.address());
            return Err(Error::invalid("old_password", "not the password that you signed in with"));
        }
        if same {
            return Err(Error::invalid("new_password", "another one than now"));
        }
        let hash = passwords::hash(new).await?;
        let (id, session) = (who.admin.id, who.session.id);
        self.write_own(who.actor.clone(), OWN_PASSWORD, move |act| {
            let before = act.find::<Admin>(id)?;
            let change = AdminChange {
                password: Given::Value(hash.clone()),
                must_change_password: Given::Value(false),
                ..AdminChange::default()
            };
            let after = act.updated(&before, change)?;
            act.replace(&before, &after)?;
            act.tx.delete_panel_sessions_of(id, Some(session))
        })
        .await
    }

    /// The sessions of whoever is signed in, the one used last first.
    ///
    /// # Errors
    /// A database error.
    pub fn own_sessions(&self, who: &SignedIn) -> Result<Vec<PanelSession>> {
        self.point(&Actor::LINECARD, SIGN_IN, |read| read.panel_sessions(Some(who.admin.id)))
    }

    /// Ends one of one's own sessions.
    ///
    /// # Errors
    /// [`Error::Refused`] if there is none.
    pub async fn end_own_session(&self, who: &SignedIn, session: i64) -> Result<()> {
        let own = who.admin.id;
        self.write_own(who.actor.clone(), END_SESSION, move |act| end_session(act, session, Some(own))).await
    }

    async fn note_sign_in(&self, username: &str, address: IpAddr, outcome: &'static str) -> Result<()> {
        let now = clock::now();
        let name: String = username.chars().filter(|c| !c.is_control()).take(64).collect();
        let address = address.to_string();
        let noted = self.store.write(store::housekeeping(now, "sign_in"), move |tx| {
            tx.insert_login(now, "panel", &name, &address, outcome)
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
        return Err(Error::Refused("This session has ended already".into()));
    }
    act.audit(None, "", &json!({ "session_id": id }), &json!({}))
}

fn holder(read: &Read<'_>, hash: &KeyHash, address: IpAddr) -> Result<Option<SignedIn>> {
    let Some(session) = read.panel_session(hash)? else { return Ok(None) };
    let Some(admin) = read.by_id::<Admin>(session.admin)? else { return Ok(None) };
    let group = read.by_id::<Group>(admin.record.group_id)?;
    let who = Who::Administrator {
        id: admin.id,
        username: admin.record.username.as_str().to_owned(),
        rights: group.map(|group| group.record.rights).unwrap_or_default(),
        reseller: admin.record.reseller_id,
    };
    Ok(Some(SignedIn { session, admin, actor: Actor { who, address: Some(address) }, hash: hash.clone() }))
}
