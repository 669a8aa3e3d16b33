//! Whose an account at a provider is: known, known by its address, or somebody new; and in which group.

use serde_json::json;

use super::admins;
use crate::{
    domain::{
        Error, Fact, Given, Refused, Resource, Result, Stored,
        fields::text::PasswordHash,
        ids::{AdminId, GroupId},
        people::{
            admin::{Admin, AdminChange},
            oidc::{Account, group_of},
        },
    },
    ops::Act,
};

/// Accounts that one person may have.
const MOST: usize = 20;

/// The administrator who signs in with an account; `password` is a hash that no password has, for somebody new. One who is
/// disabled is answered as he is.
///
/// # Errors
/// [`Error::Refused`] for an account that is nobody's here, or has none of the groups that it needs.
pub(super) fn admit(act: &Act<'_>, account: &Account, password: &PasswordHash) -> Result<Stored<Admin>> {
    let known = act.tx.identity(account)?;
    let found = match &known {
        Some(identity) => Some(act.find::<Admin>(identity.admin)?),
        None => by_address(act, account)?,
    };
    let Some(admin) = found else { return create(act, account, password) };
    if admin.record.disabled {
        return Ok(admin);
    }
    let admin = keep_in_group(act, admin, account)?;
    if known.is_none() {
        connect(act, admin.id, account)?;
    }
    if let Some(identity) = act.tx.identity(account)? {
        act.tx.identity_used(identity.id, account, act.now)?;
    }
    Ok(admin)
}

/// One of the operator's people with the address that the provider has seen to be the account's.
fn by_address(act: &Act<'_>, account: &Account) -> Result<Option<Stored<Admin>>> {
    let Some(email) = account.email.as_ref().filter(|_| account.email_verified) else { return Ok(None) };
    let found = act.tx.first::<Admin>("email", &Fact::Text(email.as_str().to_owned()))?;
    Ok(found.filter(|admin| admin.record.reseller_id.is_none()))
}

/// Which group the account has here; none if groups are not looked at.
fn group(act: &Act<'_>, account: &Account) -> Result<Option<GroupId>> {
    let Some(values) = &account.groups else { return Ok(None) };
    let names = act.tx.names(Resource::Groups)?;
    group_of(values, &names).map(Some).ok_or_else(|| Refused::NoGroupOfAccount.into())
}

/// One of the operator's people is in the group that the provider says; whoever works for a reseller stays where he is.
fn keep_in_group(act: &Act<'_>, admin: Stored<Admin>, account: &Account) -> Result<Stored<Admin>> {
    if admin.record.reseller_id.is_some() {
        return Ok(admin);
    }
    let Some(group) = group(act, account)?.filter(|group| *group != admin.record.group_id) else {
        return Ok(admin);
    };
    let change = AdminChange { group_id: Given::Value(group), ..AdminChange::default() };
    let after = act.updated(&admin, change)?;
    act.replace(&admin, &after)?;
    if admin.record.is_full() && !after.is_full() {
        admins::one_is_left(act)?;
    }
    act.find(admin.id)
}

/// Somebody new, if the provider says in which group.
fn create(act: &Act<'_>, account: &Account, password: &PasswordHash) -> Result<Stored<Admin>> {
    let Some(group) = group(act, account)? else { return Err(Refused::AccountOfNobody.into()) };
    let Some(email) = &account.email else { return Err(Refused::AccountWithoutAddress.into()) };
    if act.tx.first::<Admin>("email", &Fact::Text(email.as_str().to_owned()))?.is_some() {
        return Err(Refused::AddressOfAnother.into());
    }
    let mut free = None;
    for name in account.usernames() {
        if act.tx.first::<Admin>("username", &Fact::Text(name.as_str().to_owned()))?.is_none() {
            free = Some(name);
            break;
        }
    }
    let change = AdminChange {
        username: Given::Value(free.ok_or(Error::Busy)?),
        password: Given::Value(password.clone()),
        email: Given::Value(email.clone()),
        group_id: Given::Value(group),
        ..AdminChange::default()
    };
    let (id, _) = admins::create(act, change)?;
    connect(act, id, account)?;
    act.find(id)
}

/// Connects an account with an administrator.
///
/// # Errors
/// [`Error::Refused`] for an account that is another's, or one too many.
pub(super) fn connect(act: &Act<'_>, id: AdminId, account: &Account) -> Result<()> {
    let admin = act.find::<Admin>(id)?;
    match act.tx.identity(account)? {
        Some(identity) if identity.admin == id => return Ok(()),
        Some(_) => return Err(Refused::AccountOfAnother.into()),
        None => {}
    }
    if act.tx.identities(id)?.len() >= MOST {
        return Err(Refused::TooManyAccounts(MOST).into());
    }
    act.tx.insert_identity(id, account, act.now)?;
    let shown = json!({ "account": account.shown(), "issuer": account.issuer });
    act.audit(Some(id.0), admin.record.username.as_str(), &json!({}), &shown)
}

/// Disconnects an account of an administrator.
///
/// # Errors
/// [`Error::Refused`] if there is none.
pub(super) fn disconnect(act: &Act<'_>, id: AdminId, identity: i64) -> Result<()> {
    let admin = act.find::<Admin>(id)?;
    let account = act.tx.delete_identity(identity, id)?.ok_or(Refused::AccountNotConnected)?;
    act.audit(Some(id.0), admin.record.username.as_str(), &json!({ "account": account }), &json!({}))
}
