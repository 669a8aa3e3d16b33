//! API keys: create, revoke, list, use.

use std::{collections::HashMap, net::IpAddr};

use parking_lot::Mutex;

use crate::{
    domain::{
        Denied, Error, Given, Refused, Resource, Result, Stored,
        fields::{text::Name, time::UnixTime},
        ids::ApiKeyId,
        page::{Page, Rows},
        people::{
            actor::{Actor, Who},
            api_key::{ApiKey, ApiKeyChange, KeyHash, KeyText},
        },
    },
    ops::{Act, Action, Look, Ops, clock},
    store,
};

/// When each key was last used, until it is written down.
pub type Used = Mutex<HashMap<ApiKeyId, UnixTime>>;

/// A key as lists show it.
pub struct ApiKeyRow {
    pub key: Stored<ApiKey>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<UnixTime>,
}

/// Which key is meant.
#[derive(Clone, Debug)]
pub enum Selector {
    Id(ApiKeyId),
    Name(Name),
}

/// Why a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// There is no such key.
    Wrong,
    /// It has ended.
    Expired,
    /// It may not be used from that address.
    Address,
}

/// Creates a key from its secret text; only the hash is kept.
///
/// # Errors
/// [`crate::domain::Error::Missing`] without a name, [`crate::domain::Error::Taken`], [`crate::domain::Error::NoSuch`] for the reseller,
/// [`crate::domain::Error::Denied`] for a scope wider than the caller's own, [`crate::domain::Error::Invalid`] for one that is no reseller's.
pub fn create(act: &Act<'_>, mut change: ApiKeyChange, text: &KeyText) -> Result<(ApiKeyId, ApiKey)> {
    change.hash = Given::Value(KeyHash::of(text.reveal()));
    let (id, key) = act.create::<ApiKey>(change.decided())?;
    key.check_scope()?;
    act.actor.may_grant(&key.scope)?;
    within_own_limits(act, &key)?;
    Ok((id, key))
}

/// A key that is bound to addresses or ends makes none that outlives or outreaches it.
fn within_own_limits(act: &Act<'_>, key: &ApiKey) -> Result<()> {
    let Who::ApiKey { id, .. } = act.actor.who else { return Ok(()) };
    let own = act.find::<ApiKey>(id)?.record;
    if own.outlives(key) && own.outreaches(key) {
        return Ok(());
    }
    Err(Denied::KeyOutreachesOwn.into())
}

/// Revokes a key: it opens nothing from the next call on.
///
/// # Errors
/// [`crate::domain::Error::NoSuch`], [`crate::domain::Error::Denied`] for a scope wider than the caller's own.
pub fn revoke(act: &Act<'_>, which: &Selector) -> Result<ApiKeyId> {
    let found = match which {
        Selector::Id(id) => act.tx.by_id::<ApiKey>(*id)?,
        Selector::Name(name) => act.tx.first("name", &crate::domain::Fact::Text(name.as_str().to_owned()))?,
    };
    let key = found.ok_or(Refused::NoSuchApiKey)?;
    act.actor.may_grant(&key.record.scope)?;
    act.delete(&key)?;
    Ok(key.id)
}

/// A page of keys.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, page: &Page) -> Result<Rows<ApiKeyRow>> {
    look.may(Resource::Settings)?;
    let last_used: HashMap<ApiKeyId, UnixTime> = look.read.keys_last_used()?.into_iter().collect();
    let Rows { total, rows } = look.read.page::<ApiKey>(page)?;
    let listed = rows.into_iter().map(|key| ApiKeyRow { last_used_at: last_used.get(&key.id).copied(), key });
    Ok(Rows { total, rows: listed.collect() })
}

/// One key.
///
/// # Errors
/// [`Error::NoSuch`].
pub fn info(look: &Look<'_>, id: ApiKeyId) -> Result<Stored<ApiKey>> {
    look.may(Resource::Settings)?;
    look.read.by_id(id)?.ok_or(Error::no_such(Resource::Settings))
}

impl Ops {
    /// Who the caller with that key is.
    ///
    /// # Errors
    /// Why the key is refused.
    pub fn caller(&self, key: &str, address: IpAddr) -> Result<Actor, KeyRefusal> {
        let snapshot = self.snapshot();
        let stored = snapshot.key(&KeyHash::of(key)).ok_or(KeyRefusal::Wrong)?;
        let now = clock::now();
        if stored.record.is_over(now) {
            return Err(KeyRefusal::Expired);
        }
        if !stored.record.usable_from(address) {
            return Err(KeyRefusal::Address);
        }
        self.used.lock().insert(stored.id, now);
        Ok(Actor { who: Who::of_key(stored), address: Some(address) })
    }

    /// Whether a text is one of the keys: such a text is never logged.
    pub fn is_key(&self, text: &str) -> bool {
        text.len() >= KeyText::FEWEST && self.snapshot().key(&KeyHash::of(text)).is_some()
    }

    /// Writes down when keys were last used.
    ///
    /// # Errors
    /// A database error; nothing is lost but the minute.
    pub async fn note_used_keys(&self) -> Result<()> {
        let used: Vec<_> = self.used.lock().drain().collect();
        if used.is_empty() {
            return Ok(());
        }
        let origin = store::housekeeping(clock::now(), "keys used");
        let noted =
            self.store.write(origin, move |tx| used.iter().try_for_each(|(id, at)| tx.key_used(*id, *at)));
        noted.wait().await
    }

    /// Notes a wrong key.
    pub async fn note_wrong_key(&self, address: IpAddr) {
        self.note_failed_login("api", address, "wrong API key").await;
    }

    /// Notes an attempt to sign in to a face without usernames that failed.
    pub(in crate::ops) async fn note_failed_login(
        &self,
        face: &'static str,
        address: IpAddr,
        outcome: &'static str,
    ) {
        let origin = store::housekeeping(clock::now(), "login");
        let at = clock::now();
        let address = address.to_string();
        let noted = self.store.write(origin, move |tx| tx.insert_login(at, face, "", &address, outcome));
        if let Err(error) = noted.wait().await {
            log::warn!("login log: {error}");
        }
    }
}

/// What creating a key is called in the audit trail.
pub const CREATE: Action = Action { resource: Resource::Settings, name: "api_key_new" };
/// What revoking a key is called in the audit trail.
pub const REVOKE: Action = Action { resource: Resource::Settings, name: "api_key_revoke" };
