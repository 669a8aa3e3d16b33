//! Password hashes: argon2id with 19 MiB, 2 passes, 1 lane (OWASP), at most two at a time.

use std::sync::OnceLock;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use super::Ops;
use crate::domain::{
    Error, Result,
    admin::{Admin, AdminChange},
    text::{NewPassword, PasswordHash},
};

/// Bounds the memory and the cores that hashing takes.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// Of these, strangers have one: a flood of them leaves the other to those who are known.
static STRANGERS_AT_ONCE: Semaphore = Semaphore::const_new(1);
/// Bounds how many wait for that: a flood of logins is turned away, and does not gather.
static STRANGERS: Semaphore = Semaphore::const_new(64);
/// The same, for those who are known.
static KNOWN: Semaphore = Semaphore::const_new(64);

/// In which queue somebody waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
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
}

impl Whose {
    /// Somebody of those names.
    pub fn new(username: &str, email: &str) -> Self {
        Self { username: username.to_owned(), email: email.to_owned() }
    }

    /// An administrator.
    pub fn of(admin: &Admin) -> Self {
        Self::new(admin.username.as_str(), admin.email.as_str())
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
        whose
    }
}

impl Ops {
    /// Hashes a password that somebody chose, unless it is guessed first; `field` is what it was sent as.
    ///
    /// # Errors
    /// [`Error::Invalid`], or as [`hash`].
    pub async fn hash_chosen(
        &self,
        field: &'static str,
        password: NewPassword,
        whose: &Whose,
    ) -> Result<PasswordHash> {
        let operator = self.guards().settings.operator_name.as_str().to_owned();
        let fits = password.fits(&[&whose.username, &whose.email, &operator]);
        fits.map_err(|rule| Error::invalid(field, rule))?;
        hash(password).await
    }
}

/// Hashes a password away from the serving threads; about 30 ms of one core.
///
/// # Errors
/// [`Error::Busy`] if the program is ending.
pub(super) async fn hash(password: NewPassword) -> Result<PasswordHash> {
    let _permit = AT_ONCE.acquire().await.map_err(|_| Error::Busy)?;
    tokio::task::spawn_blocking(move || hash_now(&password)).await.map_err(|_| Error::Busy)?
}

/// Whether a password is the one of that hash. Without a hash it is not, after the same work: nobody
/// learns from the time which names there are. A password that is too long for one is not, after no more work.
///
/// # Errors
/// [`Error::Busy`] if very many are to be verified, or the program is ending.
pub async fn verify(password: String, hash: Option<PasswordHash>, place: Place) -> Result<bool> {
    let in_all = if place == Place::Known { &KNOWN } else { &STRANGERS };
    let _place = in_all.try_acquire().map_err(|_| Error::Busy)?;
    let _turn = match place {
        Place::Known => None,
        Place::Stranger => Some(STRANGERS_AT_ONCE.acquire().await.map_err(|_| Error::Busy)?),
    };
    let _permit = AT_ONCE.acquire().await.map_err(|_| Error::Busy)?;
    let checked = tokio::task::spawn_blocking(move || {
        let possible = hash.is_some() && password.len() <= NewPassword::MOST;
        let password = if possible { password } else { String::new() };
        let Some(hash) = hash.or_else(nobodys) else { return false };
        let right = Phc::new(hash.as_str())
            .is_ok_and(|phc| Argon2::default().verify_password(password.as_bytes(), &phc).is_ok());
        possible && right
    });
    checked.await.map_err(|_| Error::Busy)
}

/// A hash that no password has.
fn nobodys() -> Option<PasswordHash> {
    static HASH: OnceLock<Option<PasswordHash>> = OnceLock::new();
    let make = || super::random::password().and_then(|(password, _)| hash_now(&password)).ok();
    HASH.get_or_init(make).clone()
}

fn hash_now(password: &NewPassword) -> Result<PasswordHash> {
    let failed = |e: &dyn std::fmt::Display| {
        log::error!("argon2: {e}");
        Error::Busy
    };
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|e| failed(&e))?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = hasher.hash_password(password.as_str().as_bytes()).map_err(|e| failed(&e))?;
    Ok(PasswordHash::made(hash.to_string()))
}
