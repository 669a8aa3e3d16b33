//! Administrators, who sign in to the panel, and their groups.

use super::rights::Right;
use crate::domain::{
    Resource,
    fields::text::{AdminName, Email, Name, PasswordHash},
    ids::{AdminId, GroupId, ResellerId},
};

record! {
    /// A person who signs in to the panel. With a reseller, it sees that reseller's own alone.
    pub struct Admin / AdminChange, AdminId, Resource::Administrators;
    /// The name to sign in with, unique without regard to case.
    username: AdminName,
    /// Only the argon2id hash is kept.
    password: PasswordHash,
    /// The e-mail address, unique without regard to case.
    email: Email,
    /// The group whose rights it has.
    group_id: GroupId,
    /// The reseller that it works for.
    reseller_id: Option<ResellerId>,
    /// Cannot sign in.
    disabled: bool,
    /// Must choose a new password at the next login.
    must_change_password: bool,
}

/// The address of the first administrator, until somebody types one: no e-mail goes there.
pub const NO_EMAIL: &str = "admin@localhost.localdomain";

impl Admin {
    /// Where e-mail reaches this person, if anywhere.
    pub fn reachable_at(&self) -> Option<&str> {
        Some(self.email.as_str()).filter(|email| *email != NO_EMAIL)
    }

    /// Whether it can do everything: the last such administrator must stay.
    pub fn is_full(&self) -> bool {
        self.group_id == GroupId::ADMINISTRATORS && self.reseller_id.is_none() && !self.disabled
    }
}

record! {
    /// A set of rights that administrators share.
    pub struct Group / GroupChange, GroupId, Resource::Groups;
    /// The name.
    name: Name,
    /// Its rights: full, read_only, or resources as NAME or NAME:read.
    rights: Vec<Right>,
    /// Whoever is in it must have a second factor, and sets one up before anything else.
    require_2fa: bool,
}

impl GroupId {
    /// The group of the operator's own people. It cannot be deleted and keeps every right.
    pub const ADMINISTRATORS: Self = Self(1);
    /// The group of resellers' people. It cannot be deleted.
    pub const RESELLERS: Self = Self(2);
}
