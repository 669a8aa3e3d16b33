//! Lines: create, update, delete, look.

use super::subscriptions;
pub use super::subscriptions::SaleOptions;
use crate::{
    domain::{
        Error, Fact, Given, Resource, Result, Stored,
        fields::text::{LinePassword, Username},
        ids::{LineId, StreamId},
        page::{Page, Rows},
        subscribers::{
            line::{Line, LineChange},
            named::Named,
        },
    },
    ops::{Act, Look, random},
    store::Read,
};

/// Which line a call means: by username or reference, and by password where one was sent.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The username, without regard to case, or the reference.
    pub named: Named<Username>,
    /// The password, if the caller sent one.
    pub password: Option<LinePassword>,
}

/// A line with the streams that it may watch now.
pub struct Info {
    pub line: Stored<Line>,
    /// Its channels in order; none while it is disabled, banned or expired.
    pub channels: Vec<StreamId>,
}

/// Gives a new line the random username and password that it lacks. Not part of the transaction:
/// the writer does nothing but SQL.
///
/// # Errors
/// [`Error::Busy`] if the system's generator fails.
pub fn with_credentials(mut change: LineChange) -> Result<LineChange> {
    if change.username.value().is_none() {
        change.username = Given::Value(random::username()?);
    }
    if change.password.value().is_none() {
        change.password = Given::Value(random::line_password()?);
    }
    Ok(change)
}

/// Creates a line: plan, ceiling and price included.
///
/// # Errors
/// As [`subscriptions::create`].
pub fn create(act: &Act<'_>, change: LineChange, wishes: SaleOptions) -> Result<(LineId, Line)> {
    subscriptions::create(act, change, wishes)
}

/// Changes a line, and extends it if that is wished.
///
/// # Errors
/// As [`create`], and [`Error::NoSuch`] for wrong credentials.
pub fn update(
    act: &Act<'_>,
    who: &Credentials,
    change: LineChange,
    wishes: SaleOptions,
) -> Result<(LineId, Line)> {
    let before = find(act.tx, who)?;
    Ok((before.id, subscriptions::update(act, &before, change, wishes)?))
}

/// Deletes a line.
///
/// # Errors
/// [`Error::NoSuch`] for wrong credentials.
pub fn delete(act: &Act<'_>, who: &Credentials) -> Result<LineId> {
    subscriptions::delete(act, &find(act.tx, who)?)
}

/// A line and its channels.
///
/// # Errors
/// [`Error::NoSuch`] for wrong credentials.
pub fn info(look: &Look<'_>, who: &Credentials) -> Result<Info> {
    look.may_see_all(Resource::Line)?;
    let line = find(look.read, who)?;
    let subscription = &line.record.subscription;
    let channels = if subscription.is_active(look.now) {
        look.read.channels(subscription.subscription_plan_id, &subscription.bouquets)?
    } else {
        Vec::new()
    };
    Ok(Info { line, channels })
}

/// A page of lines in the order of ids.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, page: &Page) -> Result<Rows<Stored<Line>>> {
    look.may_see_all(Resource::Line)?;
    look.read.page(page)
}

pub(in crate::ops) fn find(read: &Read<'_>, who: &Credentials) -> Result<Stored<Line>> {
    let line = match &who.named {
        Named::By(username) => read.first::<Line>("username", &Fact::Text(username.as_str().to_owned()))?,
        Named::Reference(reference) => read.by_reference::<Line>(reference)?,
    };
    let right =
        |line: &Stored<Line>| who.password.as_ref().is_none_or(|password| *password == line.record.password);
    line.filter(right).ok_or(Error::no_such(Resource::Line))
}
