//! One call of the classic API, after its access was checked.

use indexmap::IndexMap;

use super::fields::{self, Dialect};
use crate::{
    domain::{Change, Error, Result, people::actor::Actor},
    ops::{Act, Action, Ops},
    wire::{fields::Fields, form::Node},
};

/// Fields by which the Server API does less than a call says.
const OF_THE_SERVER_API: [&str; 3] = ["dry_run", "if_updated_at", "preview_id"];

/// A call whose address was found right.
pub struct Call {
    /// The use cases.
    pub ops: Ops,
    /// Who calls.
    pub actor: Actor,
    /// What it is in the words of the Server API.
    pub action: Action,
    /// The fields beside `user_data`. Modules send more than is needed: what nobody takes is left.
    pub params: Fields,
    data: IndexMap<String, Node>,
}

impl Call {
    /// Takes the decoded request apart.
    ///
    /// # Errors
    /// [`Error::Invalid`] for `user_data` that is no set of fields.
    pub fn new(ops: Ops, actor: Actor, action: Action, mut fields: IndexMap<String, Node>) -> Result<Self> {
        const DATA: &str = "fields such as user_data[username], or a JSON object";
        // What a caller relies on to be safe is not left out without a word.
        if let Some(field) = OF_THE_SERVER_API.into_iter().find(|name| fields.contains_key(*name)) {
            return Err(Error::invalid(field, "the classic API does not have it: use the Server API"));
        }
        let data = fields.shift_remove("user_data").map_or_else(|| Some(IndexMap::new()), Node::into_fields);
        let data = data.ok_or(Error::invalid("user_data", DATA))?;
        Ok(Self { ops, actor, action, params: Fields::new(fields), data })
    }

    /// The change that `user_data` describes.
    ///
    /// # Errors
    /// [`Error::Missing`] without any, [`Error::Invalid`], [`Error::UnknownField`].
    pub fn change<C: Change>(&mut self, dialect: &Dialect) -> Result<C> {
        let data = std::mem::take(&mut self.data);
        // A form that was put together wrongly would else be a line for ever.
        if data.is_empty() {
            return Err(Error::Missing("user_data"));
        }
        let mut fields = fields::ours(dialect, data)?;
        let change = C::read(&mut fields)?;
        fields.finish("None")?;
        Ok(change)
    }

    /// Does something.
    ///
    /// # Errors
    /// As [`Ops::write`].
    pub fn write<T, F>(self, job: F) -> impl Future<Output = Result<T>> + use<T, F>
    where
        T: Send + 'static,
        F: Fn(&Act<'_>) -> Result<T> + Send + 'static,
    {
        self.ops.write(self.actor, self.action, job)
    }
}
