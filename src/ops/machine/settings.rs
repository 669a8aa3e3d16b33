//! General Settings.

use crate::{
    domain::{
        Denied, Error, Given, Resource, Result, Stored,
        ids::SettingsId,
        machine::settings::{Settings, SettingsChange},
        people::rights,
    },
    ops::{Act, Look},
};

/// The settings as they stand in the database.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn get(look: &Look<'_>) -> Result<Stored<Settings>> {
    look.may(Resource::Settings)?;
    look.read.by_id(SettingsId(1))?.ok_or(Error::no_such(Resource::Settings))
}

/// Changes settings; they hold from the next call on.
///
/// # Errors
/// [`Error::Invalid`] comes before; [`Error::Denied`] for one that gives more than the caller has; a database error.
pub fn update(act: &Act<'_>, change: SettingsChange) -> Result<Settings> {
    if change.smtp_url != Given::Absent {
        // It may be anywhere in the local network.
        if !rights::allow_all(act.actor.rights()) {
            return Err(Denied::MailServerNeedsFull.into());
        }
        act.tx.hurry_mail(act.now)?;
    }
    let before = act.find::<Settings>(SettingsId(1))?;
    let after = act.updated(&before, change)?;
    before.record.may_become(&after, act.actor.rights())?;
    act.replace(&before, &after)?;
    Ok(after)
}
