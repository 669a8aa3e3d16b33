//! The whitelist of General Settings -> API Settings.

use serde_json::{Value, json};

pub use crate::store::people::keys::Entry;
use crate::{
    domain::{
        Error, Refused, Resource, Result,
        fields::{net::Network, text::ShortText},
    },
    ops::{Act, Action, Look, events::told::Event},
};

/// What adding is called in the audit trail.
pub const ADD: Action = Action { resource: Resource::Settings, name: "whitelist_add" };
/// What removing is called in the audit trail.
pub const REMOVE: Action = Action { resource: Resource::Settings, name: "whitelist_remove" };

/// The whole whitelist in the order in which it was made.
///
/// # Errors
/// [`Error::Denied`], or a database error.
pub fn list(look: &Look<'_>) -> Result<Vec<Entry>> {
    look.may(Resource::Settings)?;
    look.read.whitelist()
}

/// Adds an address or range.
///
/// # Errors
/// [`Error::Taken`] if it is there already.
pub fn add(act: &Act<'_>, address: Network, note: Option<&ShortText>) -> Result<i64> {
    let note = note.map_or("", ShortText::as_str);
    let id = act.tx.insert_whitelist(address, note, act.now)?;
    let address = address.to_string();
    act.audit(Some(id), &address, &json!({}), &json!({ "address": address, "note": note }))?;
    tell(act, json!({}), json!({ "api_whitelist": address }))?;
    Ok(id)
}

/// Removes an entry as it was seen.
///
/// # Errors
/// [`Error::Changed`] if it is another by now or gone.
pub fn remove_entry(act: &Act<'_>, seen: &Entry) -> Result<i64> {
    if !act.tx.whitelist()?.contains(seen) {
        return Err(Error::Changed);
    }
    remove(act, seen.address)
}

/// Removes an address or range.
///
/// # Errors
/// [`Error::Refused`] if it is not there.
pub fn remove(act: &Act<'_>, address: Network) -> Result<i64> {
    let text = address.to_string();
    let id = act.tx.delete_whitelist(address)?;
    let id = id.ok_or_else(|| Refused::NotOnWhitelist(text.clone()))?;
    act.audit(Some(id), &text, &json!({ "address": text }), &json!({}))?;
    tell(act, json!({ "api_whitelist": text }), json!({}))?;
    Ok(id)
}

/// An entry is a part of the settings.
fn tell(act: &Act<'_>, before: Value, after: Value) -> Result<()> {
    let (kind, resource) = ("settings.updated", Resource::Settings);
    act.tell_event(&Event { kind, resource, id: None, key: "", before, after })
}
