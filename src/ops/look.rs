//! One look at the database inside a read transaction: nothing is read past the rights of whoever looks.

use super::Action;
use crate::{
    domain::{
        Fact, Resource, Result,
        fields::time::UnixTime,
        ids::Id,
        page::Page,
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

    /// A page of rows that belong to resellers, limited to those of the one to whom whoever looks is confined.
    pub(super) fn confined(&self, page: &Page) -> Page {
        let mut page = page.clone();
        page.filters.extend(self.actor.reseller().map(|own| ("reseller_id", Fact::Number(own.number()))));
        page
    }
}
