//! An event as callers and receivers see it.

use serde_json::{Value, json};

use crate::store::events::log::EventSeen;

/// Every member of an event.
pub fn value(event: &EventSeen) -> Value {
    // They were written as JSON and are shown as JSON.
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    json!({
        "id": event.id,
        "type": event.kind,
        "at": event.at.seconds(),
        "resource": event.resource,
        "resource_id": event.resource_id,
        "key": event.key,
        "reference": event.reference,
        "actor": event.actor,
        "data": json(&event.data),
        "omitted": json(&event.omitted),
    })
}
