//! Administrators: create, update, delete, list.

use serde_json::json;

use super::sign_in;
use crate::{
    domain::{
        Error, Fact, Refused, Resource, Result, Stored,
        fields::{text::AdminName, time::UnixTime},
        ids::{AdminId, GroupId, ResellerId},
        page::{Page, Rows},
        people::{
            admin::{Admin, AdminChange, Group},
            reseller::Reseller,
        },
    },
    ops::{Act, Effect, Look},
    store::{Read, people::panel_sessions::PanelSession},
};

/// Which administrator a call means.
#[derive(Clone, Debug)]
pub enum Selector {
    Id(AdminId),
    /// By username, without regard to case.
    Username(AdminName),
    /// By both, which must agree.
    Both(AdminId, AdminName),
}

/// An administrator as lists show it.
pub struct AdminRow {
    /// The administrator.
    pub admin: Stored<Admin>,
    /// The name of its group.
    pub group: String,
    /// The name of its reseller.
    pub reseller: Option<String>,
    /// When it last signed in.
    pub last_login_at: Option<UnixTime>,
    /// Whether it has a second factor.
    pub has_2fa: bool,
    /// Where it is signed in, the one used last first.
    pub sessions: Vec<PanelSession>,
}

/// Creates an administrator; `change.password` holds the hash.
///
/// # Errors
/// [`Error::Missing`], [`Error::Taken`], [`Error::NoSuch`], [`Error::Denied`] for a group with more
/// rights than the caller has.
pub fn create(act: &Act<'_>, change: AdminChange) -> Result<(AdminId, Admin)> {
    let (id, admin) = act.create::<Admin>(change)?;
    may_give(act, admin.group_id)?;
    Ok((id, admin))
}

/// Changes an administrator. A new password ends its sessions, and so does switching it off; after a new one no browser of
/// it is known.
///
/// # Errors
/// As [`create`], and [`Error::Refused`] if no full administrator would be left.
pub fn update(act: &Act<'_>, who: &Selector, change: AdminChange) -> Result<(AdminId, Admin)> {
    let before = find(act.tx, who)?;
    may_give(act, before.record.group_id)?;
    let new_password = change.password.value().is_some();
    let after = act.updated(&before, change)?;
    if new_password || after.disabled {
        act.tx.delete_panel_sessions_of(before.id, None)?;
    }
    if new_password {
        act.tx.forget_known(before.id)?;
        act.after(Effect::ForgetKnown(before.id));
    }
    act.replace(&before, &after)?;
    may_give(act, after.group_id)?;
    if before.record.is_full() && !after.is_full() {
        one_is_left(act)?;
    }
    Ok((before.id, after))
}

/// Deletes an administrator.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Refused`] for the last full one.
pub fn delete(act: &Act<'_>, who: &Selector) -> Result<AdminId> {
    let admin = find(act.tx, who)?;
    may_give(act, admin.record.group_id)?;
    act.delete(&admin)?;
    if admin.record.is_full() {
        one_is_left(act)?;
    }
    Ok(admin.id)
}

/// A page of administrators with their groups and resellers by name.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>, page: &Page) -> Result<Rows<AdminRow>> {
    look.may(Resource::Administrators)?;
    let Rows { total, rows } = look.read.page::<Admin>(page)?;
    let listed = rows.into_iter().map(|admin| with_names(look.read, admin));
    Ok(Rows { total, rows: listed.collect::<Result<_>>()? })
}

/// One administrator.
///
/// # Errors
/// [`Error::NoSuch`].
pub fn info(look: &Look<'_>, who: &Selector) -> Result<AdminRow> {
    look.may(Resource::Administrators)?;
    with_names(look.read, find(look.read, who)?)
}

/// Where that one is signed in, or where everybody is; the one used last first.
///
/// # Errors
/// [`Error::NoSuch`].
pub fn sessions(look: &Look<'_>, who: Option<&Selector>) -> Result<Vec<PanelSession>> {
    look.may(Resource::Administrators)?;
    let of = who.map(|who| find(look.read, who)).transpose()?.map(|admin| admin.id);
    look.read.panel_sessions(of)
}

fn with_names(read: &Read<'_>, admin: Stored<Admin>) -> Result<AdminRow> {
    let group = read.by_id::<Group>(admin.record.group_id)?;
    let reseller =
        admin.record.reseller_id.map(|id: ResellerId| read.by_id::<Reseller>(id)).transpose()?.flatten();
    Ok(AdminRow {
        group: group.map_or_else(String::new, |group| group.record.name.as_str().to_owned()),
        reseller: reseller.map(|reseller| reseller.record.name.as_str().to_owned()),
        last_login_at: read.last_login(admin.id)?,
        has_2fa: read.has_second_factor(admin.id)?,
        sessions: read.panel_sessions(Some(admin.id))?,
        admin,
    })
}

/// Ends a session of somebody.
///
/// # Errors
/// [`Error::Refused`] if there is none, [`Error::Denied`] if its administrator has more rights than the caller.
pub fn end_session(act: &Act<'_>, session: i64) -> Result<()> {
    if let Some(holder) = act.tx.session_holder(session)? {
        may_give(act, act.find::<Admin>(holder)?.record.group_id)?;
    }
    sign_in::end_session(act, session, None)
}

/// Ends every session of somebody.
///
/// # Errors
/// [`Error::NoSuch`], [`Error::Denied`] if that one has more rights than the caller.
pub fn end_all_sessions(act: &Act<'_>, of: AdminId) -> Result<()> {
    let admin = act.find::<Admin>(of)?;
    may_give(act, admin.record.group_id)?;
    act.tx.delete_panel_sessions_of(of, None)?;
    act.audit(Some(of.0), admin.record.username.as_str(), &json!({}), &json!({ "sessions": "all" }))
}

pub(super) fn find(read: &Read<'_>, who: &Selector) -> Result<Stored<Admin>> {
    let by_name = |name: &AdminName| read.first::<Admin>("username", &Fact::Text(name.as_str().to_owned()));
    let found = match who {
        Selector::Id(id) => read.by_id(*id)?,
        Selector::Username(name) => by_name(name)?,
        Selector::Both(id, name) => match (read.by_id(*id)?, by_name(name)?) {
            (Some(admin), Some(named)) if admin.id != named.id => {
                return Err(Refused::NamesDiffer(Resource::Administrators).into());
            }
            (Some(admin), Some(_)) => Some(admin),
            _ => None,
        },
    };
    found.ok_or(Error::no_such(Resource::Administrators))
}

/// Nobody makes, changes or removes somebody with more rights than his own.
pub(in crate::ops) fn may_give(act: &Act<'_>, group: GroupId) -> Result<()> {
    let group = act.find::<Group>(group)?;
    act.actor.may_grant(&group.record.rights)
}

pub(in crate::ops) fn one_is_left(act: &Act<'_>) -> Result<()> {
    if act.tx.full_administrators(GroupId::ADMINISTRATORS)? > 0 {
        return Ok(());
    }
    Err(Refused::LastFullAdministrator.into())
}
