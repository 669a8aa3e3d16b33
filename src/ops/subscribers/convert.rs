//! A MAG becomes a line, or a line a MAG: what was sold stays what it was.

use serde_json::json;

use super::lines;
use crate::{
    domain::{
        Refused, Resource, Result, Stored,
        fields::{
            mac::Mac,
            text::{LinePassword, Username},
        },
        ids::{LineId, MagId},
        people::rights::Access,
        subscribers::{line::Line, mag::Mag, named::Named},
    },
    ops::{Act, portal, random},
};

/// Username and password of the line that a MAG becomes, where they are given.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub username: Option<Username>,
    pub password: Option<LinePassword>,
}

/// Random ones, for a MAG that has none of its own. Not part of the transaction: the writer does
/// nothing but SQL.
///
/// # Errors
/// [`crate::domain::Error::Busy`] if the system's generator fails.
pub fn spare() -> Result<(Username, LinePassword)> {
    Ok((random::username()?, random::line_password()?))
}

/// Makes a MAG a line with the same subscription, and gives it the MAG's history.
///
/// # Errors
/// [`crate::domain::Error::NoSuch`], [`crate::domain::Error::Changed`], [`crate::domain::Error::Taken`] for the username, [`crate::domain::Error::Denied`] without the right to
/// lines.
pub fn to_line(
    act: &Act<'_>,
    which: &Named<Mac>,
    wanted: &Credentials,
    spare: &(Username, LinePassword),
) -> Result<(LineId, Line)> {
    act.actor.may(Resource::Line, Access::Write)?;
    let mag = portal::mag_of(act, which)?;
    act.check_seen(&mag)?;
    let Mag { mac_address, login, password, subscription, .. } = mag.record.clone();
    let own_login = Some(login).filter(|login| !login.as_str().is_empty());
    let own_password = Some(password).filter(|password| !password.as_str().is_empty());
    let line = Line {
        username: wanted.username.clone().or(own_login).unwrap_or_else(|| spare.0.clone()),
        password: wanted.password.clone().or(own_password).unwrap_or_else(|| spare.1.clone()),
        token: None,
        restreamer: false,
        subscription,
    };
    let id = act.insert_converted(&line)?;
    act.tx.move_history_to_line(mag.id, id)?;
    act.delete_converted(&mag)?;
    note(act, mag.id.0, &mac_address.to_string(), line.username.as_str(), id.0)?;
    Ok((id, line))
}

/// Makes a line a MAG with the same subscription, and gives it the line's history.
///
/// # Errors
/// [`crate::domain::Error::NoSuch`] for wrong credentials, [`crate::domain::Error::Changed`], [`crate::domain::Error::Taken`] for the MAC, [`crate::domain::Error::Refused`] for a
/// restreamer, [`crate::domain::Error::Denied`] without the right to MAGs.
pub fn to_mag(act: &Act<'_>, who: &lines::Credentials, mac: Mac) -> Result<(MagId, Mag)> {
    act.actor.may(Resource::Mag, Access::Write)?;
    let line: Stored<Line> = lines::find(act.tx, who)?;
    act.actor.may_reach(Resource::Line, line.record.subscription.reseller_id)?;
    act.check_seen(&line)?;
    let Line { username, password, restreamer, subscription, .. } = line.record.clone();
    if restreamer {
        return Err(Refused::RestreamerAsMag.into());
    }
    let lock_device = act.tx.defaults::<Mag>()?.of("lock_device")?;
    let mag = Mag { mac_address: mac, login: username.clone(), password, lock_device, subscription };
    let id = act.insert_converted(&mag)?;
    act.tx.move_history_to_mag(line.id, id)?;
    act.delete_converted(&line)?;
    note(act, line.id.0, username.as_str(), &mac.to_string(), id.0)?;
    Ok((id, mag))
}

/// One row: the old one by its id and name, and the new one.
fn note(act: &Act<'_>, old: i64, old_name: &str, new_name: &str, new: i64) -> Result<()> {
    let before = json!({ "id": old, "name": old_name });
    act.audit(Some(old), old_name, &before, &json!({ "id": new, "name": new_name }))
}
