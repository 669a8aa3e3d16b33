//! Failed statements: told to the caller in our words, kept for the Panel Error Log in SQLite's.

use std::{collections::VecDeque, net::IpAddr};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::{ErrorCode, ffi};

use crate::domain::{Error, Failure, Fault, Resource, fields::time::UnixTime};

/// Who asked for what: the context of a failed statement.
#[derive(Clone, Debug)]
pub struct Context {
    /// When.
    pub at: UnixTime,
    /// Which resource the call is about.
    pub resource: Resource,
    /// Which call.
    pub action: &'static str,
    /// Who asked.
    pub actor: String,
    /// From where.
    pub address: Option<IpAddr>,
}

/// The unique columns, as SQLite names them when one is violated.
const UNIQUE: [(&str, Resource, &str); 17] = [
    ("lines.username", Resource::Line, "username"),
    ("lines.token", Resource::Line, "token"),
    ("lines.reference", Resource::Line, "reference"),
    ("mags.mac_address", Resource::Mag, "mac_address"),
    ("mags.reference", Resource::Mag, "reference"),
    ("administrators.username", Resource::Administrators, "username"),
    ("administrators.email", Resource::Administrators, "email"),
    ("resellers.name", Resource::Resellers, "name"),
    ("servers.name", Resource::Servers, "name"),
    ("categories.name", Resource::Categories, "name"),
    ("bouquets.name", Resource::Bouquets, "name"),
    ("subscription_plans.name", Resource::SubscriptionPlans, "name"),
    ("groups.name", Resource::Groups, "name"),
    ("guide_sources.name", Resource::GuideSources, "name"),
    ("message_targets.name", Resource::MessageTargets, "name"),
    ("api_keys.name", Resource::Settings, "name"),
    ("api_whitelist.address", Resource::Settings, "address"),
];

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let detail = error.to_string();
        let code = error.sqlite_error().map_or(0, |e| e.extended_code);
        if code == ffi::SQLITE_CONSTRAINT_UNIQUE {
            let column = detail.rsplit(' ').next().unwrap_or_default();
            if let Some((_, resource, field)) = UNIQUE.iter().find(|(name, ..)| *name == column) {
                return Self::Taken { resource: *resource, field };
            }
        }
        fault(describe(&error), format!("{detail} (code {code})"))
    }
}

/// A database error of our own finding, such as a row that cannot be read back.
pub fn broken(detail: impl Into<String>) -> Error {
    fault(Failure::UnexpectedContent, detail.into())
}

/// The database file is no longer where it was opened.
pub fn gone() -> Error {
    fault(Failure::DatabaseGone, "removed or replaced while it was open".into())
}

/// The log of the database or its index is no longer where it was opened.
pub fn log_gone(end: &str) -> Error {
    fault(
        Failure::DatabaseLogGone,
        format!("the file that ends in {end} was removed or replaced while it was open"),
    )
}

/// Somebody emptied the log of the database, or wrote something else into it.
pub fn log_overwritten() -> Error {
    fault(Failure::DatabaseLogOverwritten, "the log does not hold what its index says".into())
}

/// Another file was copied over the database.
pub fn overwritten() -> Error {
    fault(Failure::DatabaseOverwritten, "written by another program, and not by way of SQLite".into())
}

/// The same failure for another caller: each has an entry of its own, with who and what.
pub fn again(error: &Error) -> Error {
    match error {
        Error::Database(Fault { what, detail, .. }) => fault(*what, detail.clone()),
        other => other.clone(),
    }
}

fn fault(what: Failure, detail: String) -> Error {
    // Letters and digits that are not mistaken for one another when read out on the telephone.
    const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let bits: u64 = rand::random();
    let letters =
        (0..8).map(|place| char::from(ALPHABET[usize::try_from(bits >> (5 * place) & 31).unwrap_or(0)]));
    Error::Database(Fault { reference: format!("E-{}", letters.collect::<String>()), what, detail })
}

/// What failed, for callers: no SQL, no file names.
fn describe(error: &rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Failure::DiskFull,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Failure::DatabaseBusy,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Failure::DatabaseReadOnly,
        Some(ErrorCode::SystemIoFailure) => Failure::DiskFailed,
        Some(ErrorCode::CannotOpen) => Failure::CannotOpen,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Failure::Damaged,
        Some(ErrorCode::OutOfMemory) => Failure::OutOfMemory,
        Some(ErrorCode::ConstraintViolation) => Failure::ConstraintViolated,
        _ => Failure::StatementFailed,
    }
}

/// What failed, in words.
pub fn in_words(error: &rusqlite::Error) -> String {
    format!("{} ({error})", describe(error))
}

/// What failed, and the way on, for the person who starts the program.
pub fn for_operator(error: &rusqlite::Error) -> String {
    describe(error).for_operator(&error.to_string())
}

/// A row of the Panel Error Log that waits to be written.
pub struct Noted {
    pub origin: Context,
    pub fault: Fault,
}

/// The rows that wait: the disk that failed a statement may fail its log row too.
#[derive(Default)]
pub struct Faults(Mutex<VecDeque<Noted>>);

impl Faults {
    /// At most this many wait; the oldest go first (they are on standard error in any case).
    const MOST: usize = 1000;

    /// Notes a failed statement.
    pub fn note(&self, origin: &Context, fault: &Fault) {
        let Context { resource, action, actor, .. } = origin;
        log::error!("{} {resource}/{action} by {actor}: {}: {}", fault.reference, fault.what, fault.detail);
        let mut waiting = self.waiting();
        if waiting.len() >= Self::MOST {
            waiting.pop_front();
        }
        waiting.push_back(Noted { origin: origin.clone(), fault: fault.clone() });
    }

    /// Takes what waits.
    pub fn take(&self) -> Vec<Noted> {
        self.waiting().drain(..).collect()
    }

    /// Puts back what could not be written.
    pub fn put_back(&self, noted: Vec<Noted>) {
        let mut waiting = self.waiting();
        for noted in noted.into_iter().rev() {
            waiting.push_front(noted);
        }
        let over = waiting.len().saturating_sub(Self::MOST);
        waiting.drain(..over);
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Noted>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_too_many_entries_wait_the_oldest_go_first() {
        let origin = crate::store::housekeeping(UnixTime::clamped(0), "test");
        let fault =
            |n: usize| Fault { reference: n.to_string(), what: Failure::DiskFull, detail: String::new() };
        let faults = Faults::default();
        (0..10).for_each(|n| faults.note(&origin, &fault(n)));
        let taken = faults.take();
        (10..Faults::MOST + 5).for_each(|n| faults.note(&origin, &fault(n)));
        faults.put_back(taken);
        let waiting: Vec<String> = faults.take().into_iter().map(|noted| noted.fault.reference).collect();
        let latest: Vec<String> = (5..Faults::MOST + 5).map(|n| n.to_string()).collect();
        assert_eq!(waiting, latest);
    }
}
