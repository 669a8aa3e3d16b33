//! General Settings.

use crate::{
    domain::{
        Result,
        ids::SettingsId,
        machine::settings::{Settings, SettingsChange},
    },
    ops::Act,
};

/// Changes settings; they hold from the next call on.
///
/// # Errors
/// [`crate::domain::Error::Invalid`] comes before; a database error.
pub fn update(act: &Act<'_>, change: SettingsChange) -> Result<Settings> {
    let before = act.find::<Settings>(SettingsId(1))?;
    let after = act.updated(&before, change)?;
    act.replace(&before, &after)?;
    Ok(after)
}
