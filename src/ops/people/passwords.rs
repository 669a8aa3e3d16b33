//! Password hashes: argon2id with 19 MiB, 2 passes, 1 lane (OWASP), at most two at a time.

use std::sync::OnceLock;

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt},
};
use tokio::sync::Semaphore;

use crate::{
    domain::{
        Error, Given, Resource, Result,
        fields::text::{Name, NewPassword, PasswordHash},
        ids::{GroupId, ResellerId},
        people::{
            actor::Actor,
            admin::{Admin, AdminChange, Group},
            reseller::Reseller,
        },
    },
    ops::{Action, Ops},
    store::Read,
};

/// Bounds the memory and the cores that hashing takes.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// Of these, strangers have one: a flood of them leaves the other to those who are known.
static STRANGERS_AT_ONCE: Semaphore = Semaphore::const_new(1);
/// Bounds how many wait for that: a flood of logins is turned away, and does not gather.
static STRANGERS: Semaphore = Semaphore::const_new(64);
/// The same, for those who are known.
static KNOWN: Semaphore = Semaphore::const_new(64);

const HASH: Action = Action { resource: Resource::Administrators, name: "password" };

/// In which queue somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// With everybody.
    Stranger,
    /// With those who were let in before.
    Known,
}

/// What everybody can see of whoever is to have a password.
#[derive(Clone, Debug, Default)]
pub struct Whose {
    username: String,
    email: String,
    group: Option<GroupId>,
    reseller: Option<ResellerId>,
}

impl Whose {
    /// An administrator.
    pub fn of(admin: &Admin) -> Self {
        Self {
            username: admin.username.as_str().to_owned(),
            email: admin.email.as_str().to_owned(),
            group: Some(admin.group_id),
            reseller: admin.reseller_id,
        }
    }

    /// An administrator as a change will leave it.
    pub fn after(before: Option<&Admin>, change: &AdminChange) -> Self {
        let mut whose = before.map(Self::of).unwrap_or_default();
        if let Some(username) = change.username.value() {
            username.as_str().clone_into(&mut whose.username);
        }
        if let Some(email) = change.email.value() {
            email.as_str().clone_into(&mut whose.email);
        }
        whose.group = change.group_id.value().copied().or(whose.group);
        match &change.reseller_id {
            Given::Absent => {}
            Given::Empty => whose.reseller = None,
            Given::Value(reseller) => whose.reseller = *reseller,
        }
        whose
    }

    /// The names of its group and its reseller, of those that there are.
    fn names(&self, read: &Read<'_>) -> Result<[Option<Name>; 2]> {
        let group = self.group.map(|id| read.by_id::<Group>(id)).transpose()?.flatten();
        let reseller = self.reseller.map(|id| read.by_id::<Reseller>(id)).transpose()?.flatten();
        Ok([group.map(|group| group.record.name), reseller.map(|reseller| reseller.record.name)])
    }
}

impl Ops {
    /// Hashes a password that somebody chose, unless it is guessed first; `field` is what it was sent as.
    ///
    /// # Errors
    /// [`Error::Invalid`], a database error, or [`Error::Busy`] while too many are hashed.
    pub async fn hash_chosen(
        &self,
        field: &'static str,
        password: NewPassword,
        whose: &Whose,
    ) -> Result<PasswordHash> {
        let operator = self.snapshot().settings.operator_name.as_str().to_owned();
        let names = self.point(&Actor::LINECARD, HASH, |look| whose.names(look.read))?;
        let names = names.iter().flatten().map(Name::as_str);
        let seen: Vec<&str> = names.chain([whose.username.as_str(), &whose.email, &operator]).collect();
        let fits = password.fits(&seen);
        fits.map_err(|rule| Error::invalid(field, rule))?;
        hash(password).await
    }
}

/// Hashes a password away from the serving threads; about 30 ms of one core.
///
/// # Errors
/// [`Error::Busy`] if the program is ending.
pub(crate) async fn hash(password: NewPassword) -> Result<PasswordHash> {
    let permit = AT_ONCE.acquire().await.map_err(|_| Error::Busy)?;
    let hashed = tokio::task::spawn_blocking(move || {
        let hash = hash_now(&password);
        drop(permit);
        hash
    });
    hashed.await.map_err(|_| Error::Busy)?
}

/// Whether a password is the one of that hash. Without a hash it is not, after the same work: nobody
/// learns from the time which names there are. A password that is too long for one is not, after no more work.
///
/// # Errors
/// [`Error::Busy`] if very many are to be verified, or the program is ending.
pub async fn verify(password: String, hash: Option<PasswordHash>, place: Queue) -> Result<bool> {
    let in_all = if place == Queue::Known { &KNOWN } else { &STRANGERS };
    let waiting = in_all.try_acquire().map_err(|_| Error::Busy)?;
    let turn = match place {
        Queue::Known => None,
        Queue::Stranger => Some(STRANGERS_AT_ONCE.acquire().await.map_err(|_| Error::Busy)?),
    };
    let permit = AT_ONCE.acquire().await.map_err(|_| Error::Busy)?;
    let checked = tokio::task::spawn_blocking(move || {
        let possible = hash.is_some() && password.len() <= NewPassword::MOST;
        let password = if possible { password } else { String::new() };
        let right = hash.or_else(nobodys).and_then(|hash| is_right(&password, &hash));
        // Given back with the work, and not when whoever asked has gone.
        drop((permit, turn, waiting));
        possible && right == Some(true)
    });
    checked.await.map_err(|_| Error::Busy)
}

/// A hash that no password has.
pub(super) fn nobodys() -> Option<PasswordHash> {
    static HASH: OnceLock<Option<PasswordHash>> = OnceLock::new();
    let make = || crate::ops::random::password().and_then(|(password, _)| hash_now(&password)).ok();
    HASH.get_or_init(make).clone()
}

fn hash_now(password: &NewPassword) -> Result<PasswordHash> {
    made(password.as_str()).map(|phc| PasswordHash::made(phc.to_string())).map_err(|e| {
        log::error!("argon2: {e}");
        Error::Busy
    })
}

fn made(password: &str) -> std::result::Result<Phc, String> {
    let say = |e: &dyn std::fmt::Display| e.to_string();
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| say(&e))?;
    let salt = Salt::generate();
    let mut out = [0; Params::DEFAULT_OUTPUT_LEN];
    let memory = memory(&params).ok_or("no memory")?;
    let hasher = Argon2::new(algorithm, version, params.clone());
    hasher
        .hash_password_into_with_memory(password.as_bytes(), &salt, &mut out, memory)
        .map_err(|e| say(&e))?;
    Ok(Phc {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&params).map_err(|e| say(&e))?,
        salt: Some(salt),
        hash: Some(Output::new(&out).map_err(|e| say(&e))?),
    })
}

/// `None` for what is no hash of argon2.
fn is_right(password: &str, hash: &PasswordHash) -> Option<bool> {
    let phc = Phc::new(hash.as_str()).ok()?;
    let (salt, expected) = (phc.salt.as_ref()?, phc.hash.as_ref()?);
    let algorithm = Algorithm::try_from(phc.algorithm.as_str()).ok()?;
    let version = Version::try_from(phc.version?).ok()?;
    let params = Params::try_from(&phc).ok()?;
    let memory = memory(&params)?;
    let mut out = [0; Output::MAX_LENGTH];
    let out = out.get_mut(..expected.len())?;
    Argon2::new(algorithm, version, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, out, memory)
        .ok()?;
    // In constant time.
    Some(Output::new(out).ok()? == *expected)
}

/// Blocks of 1 KiB that are asked for at least. An allocator keeps what is freed for its thread, but not what is
/// larger than 32 MiB: that comes from the system and goes back to it. What a hash does not use is never touched.
const RESERVED: usize = 33 * 1024;

/// The memory of one hash.
fn memory(params: &Params) -> Option<Vec<Block>> {
    let blocks = params.block_count();
    let mut memory = Vec::new();
    memory.try_reserve_exact(blocks.max(RESERVED)).ok()?;
    memory.resize(blocks, Block::new());
    Some(memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_that_of_its_password_and_of_no_other() {
        let hash = hash_now(&NewPassword::new("correct horse").unwrap()).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert_eq!(is_right("correct horse", &hash), Some(true));
        assert_eq!(is_right("correct horsf", &hash), Some(false));
        let foreign = PasswordHash::made("$2y$10$abcdefghijklmnopqrstuv".into());
        assert_eq!(is_right("correct horse", &foreign), None);
    }

    #[test]
    fn hashes_that_were_made_before_are_still_right() {
        // By the crate's own road, as versions before this one made them.
        use argon2::PasswordHasher;
        let known = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA";
        let hasher =
            Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(19 * 1024, 2, 1, None).unwrap());
        let hash: Phc = hasher.hash_password_with_salt(b"correct horse", b"somesaltsomesalt").unwrap();
        let hash = hash.to_string();
        assert!(hash.starts_with(known), "{hash}");
        assert_eq!(is_right("correct horse", &PasswordHash::made(hash)), Some(true));
    }
}
