//! Password hashes: argon2id with 19 MiB, 2 passes, 1 lane (OWASP), at most two at a time.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, Version};
use tokio::sync::Semaphore;

use crate::domain::{
    Error, Result,
    text::{NewPassword, PasswordHash},
};

/// Bounds the memory and the cores that hashing takes.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Hashes a password away from the serving threads; about 30 ms of one core.
///
/// # Errors
/// [`Error::Busy`] if the program is ending.
pub async fn hash(password: NewPassword) -> Result<PasswordHash> {
    let _permit = AT_ONCE.acquire().await.map_err(|_| Error::Busy)?;
    tokio::task::spawn_blocking(move || hash_now(&password)).await.map_err(|_| Error::Busy)?
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
