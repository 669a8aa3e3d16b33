//! One look at the database inside a read transaction: nothing is read past the rights of whoever looks.

use super::Action;
use crate::{
    domain::{
        Resource, Result,
        fields::time::UnixTime,
        people::{actor::Actor, rights::Access},
    },
    store::Read,
};

/// Who looks when, in which transaction. What is read stands in functions of use cases that take one.
pub struct Look<'a> {
    pub(super) read: &'a Read<'a>,
    pub actor: &'a Actor,
    /// When.
    pub now: UnixTime,
}

impl<'a> Look<'a> {
    /// A look for whoever may read the resource of the action.
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`].
    pub(super) fn new(read: &'a Read<'a>, actor: &'a Actor, action: Action, now: UnixTime) -> Result<Self> {
        let look = Self { read, actor, now };
        look.may(action.resource)?;
        Ok(look)
    }

    /// Refuses whoever may not read that resource, whatever the look was begun for.
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`].
    pub(super) fn may(&self, resource: Resource) -> Result<()> {
        self.actor.may(resource, Access::Read)
    }

    /// The same for rows of every reseller: whoever works for one finds nothing there, and has lists of its own.
    ///
    /// # Errors
    /// [`crate::domain::Error::Denied`], [`crate::domain::Error::NoSuch`].
    pub(super) fn may_see_all(&self, resource: Resource) -> Result<()> {
        self.may(resource)?;
        self.actor.may_reach(resource, None)
    }
}
