//! The logs as use cases see them.

use crate::{
    domain::{
        Resource, Result,
        page::{Page, Rows},
    },
    ops::Look,
};

pub use crate::store::machine::{
    log_seek::{Count, Found, LogSearch, Turn},
    logs::{Log, LogRow},
};

/// A page of a log in the order of time; its search looks through every text.
///
/// # Errors
/// [`crate::domain::Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, log: Log, page: &Page) -> Result<Rows<LogRow>> {
    look.may(Resource::Logs)?;
    look.read.log_page(log, page)
}

/// A page of a log from its newest row back.
///
/// # Errors
/// [`crate::domain::Error::Denied`], or a database error.
pub fn seek(look: &Look<'_>, log: Log, sought: &LogSearch) -> Result<Found> {
    look.may(Resource::Logs)?;
    look.read.seek_log(log, sought)
}

/// The latest rows of the Panel Error Log, newest first.
///
/// # Errors
/// [`crate::domain::Error::Denied`], or a database error.
pub fn latest_errors(look: &Look<'_>, most: u32) -> Result<Vec<LogRow>> {
    look.may(Resource::Logs)?;
    look.read.latest(Log::Error, &[], None, most)
}

/// What the audit trail says of a row, newest first.
///
/// # Errors
/// [`crate::domain::Error::Denied`], or a database error.
pub fn audit_of(look: &Look<'_>, resource: Resource, id: i64, most: u16) -> Result<Vec<LogRow>> {
    look.may(Resource::Logs)?;
    look.read.audit_of(resource, id, most)
}
