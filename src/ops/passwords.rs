//! Password hashes: argon2id with 19 MiB, 2 passes, 1 lane (OWASP), at most two at a time.

use std::sync::OnceLock;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use crate::domain::{
    Error, Result,
    text::{NewPassword, PasswordHash},
};

/// Bounds the memory and the cores that hashing takes.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// Bounds how many wait for that: a flood of logins is turned away, and does not gather.
static IN_ALL: Semaphore = Semaphore::const_new(64);

/// Hashes a password away from the serving threads; about 30 ms of one core.
///
/// # Errors
/// [`Error::Busy`] if the program is ending.
pub async fn hash(password: NewPassword) -> Result<PasswordHash> {
    let _permit = AT_ONCE.acquire().await.map_err(|_| Error::Busy)?;
    tokio::task::spawn_blocking(move || hash_now(&password)).await.map_err(|_| Error::Busy)?
}

/// Whether a password is the one of that hash. Without a hash it is not, after the same work: nobody
/// learns from the time which names there are. A password that is too long for one is not, after no more work.
///
/// # Errors
/// [`Error::Busy`] if very many are to be verified, or the program is ending.
pub async fn verify(password: String, hash: Option<PasswordHash>) -> Result<bool> {
    let _place = IN_ALL.try_acquire().map_err(|_| Error::Busy)?;
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
