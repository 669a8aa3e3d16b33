//! The whitelist of General Settings -> API Settings.

use serde_json::{Value, json};

pub use crate::store::people::keys::Entry;
use crate::{
    domain::{
        Denied, Error, Refused, Resource, Result,
        fields::{net::Network, text::ShortText},
        people::api_key::ApiKey,
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
/// [`Error::Taken`] if it is there already, [`Error::Denied`] if it lets in a key with more rights than the caller has.
pub fn add(act: &Act<'_>, address: Network, note: Option<&ShortText>) -> Result<i64> {
    let note = note.map_or("", ShortText::as_str);
    let id = act.tx.insert_whitelist(address, note, act.now)?;
    lets_in_no_more(act, address)?;
    let address = address.to_string();
    act.audit(Some(id), &address, &json!({}), &json!({ "address": address, "note": note }))?;
    tell(act, json!({}), json!({ "api_whitelist": address }))?;
    Ok(id)
}

/// Nobody opens the door to a key that may do more than he may.
fn lets_in_no_more(act: &Act<'_>, address: Network) -> Result<()> {
    let mut wider = None;
    act.tx.each::<ApiKey>(None, |key| {
        let key = key.record;
        if !key.is_over(act.now) && key.reaches(&address) && act.actor.may_grant(&key.scope).is_err() {
            wider = Some(key.name);
        }
    })?;
    wider.map_or(Ok(()), |name| Err(Denied::LetsInMore(name.as_str().to_owned()).into()))
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
