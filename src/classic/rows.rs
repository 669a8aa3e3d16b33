//! Rows as the classic API shows them: the columns of that panel, and texts for numbers, as MySQL gives them to PHP.

use serde_json::{Map, Value, json};

use super::fields::NUMBERS;
use crate::{
    domain::{
        Stored,
        fields::time::UnixTime,
        ids::Id,
        portal::device::{Device, DeviceReport},
        subscribers::{line::Line, mag::Mag, subscription::Subscription},
    },
    ops::viewing::connections::Connection,
};

/// A number or a text, as a text.
pub fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

/// A switch.
pub fn flag(on: bool) -> Value {
    text(u8::from(on))
}

/// What may be missing.
pub fn optional(value: Option<impl ToString>) -> Value {
    value.map_or(Value::Null, text)
}

/// A list, which there is a column with JSON in it.
pub fn list(values: &Value) -> Value {
    text(values)
}

/// What `user&sub=info` shows of a line.
pub fn user(line: &Stored<Line>, open: &[Connection], last: Option<UnixTime>) -> Value {
    let record = &line.record;
    let mut row = Map::new();
    row.insert("id".into(), text(line.id.number()));
    row.insert("username".into(), text(record.username.as_str()));
    row.insert("password".into(), text(record.password.as_str()));
    row.insert("is_restreamer".into(), flag(record.restreamer));
    row.insert("is_mag".into(), flag(false));
    row.extend(subscription(&record.subscription));
    row.extend(activity(open, last));
    row.insert("created_at".into(), text(line.created_at.seconds()));
    Value::Object(row)
}

/// What `stb&sub=info` shows of a MAG and its box.
pub fn stb(mag: &Stored<Mag>, device: &Device, open: &[Connection], last: Option<UnixTime>) -> Value {
    let record = &mag.record;
    let DeviceReport { device_id, device_id2, model, firmware, hardware, serial } = &device.about;
    let mut row = Map::new();
    row.insert("id".into(), text(mag.id.number()));
    row.insert("mac".into(), text(record.mac_address));
    row.insert("username".into(), text(record.login.as_str()));
    row.insert("password".into(), text(record.password.as_str()));
    row.insert("is_restreamer".into(), flag(false));
    row.insert("is_mag".into(), flag(true));
    row.extend(subscription(&record.subscription));
    row.extend(activity(open, last));
    row.insert("created_at".into(), text(mag.created_at.seconds()));
    row.insert("lock_device".into(), flag(record.lock_device));
    row.insert("stb_type".into(), text(model));
    row.insert("sn".into(), text(serial));
    row.insert("image_version".into(), text(firmware));
    row.insert("hw_version".into(), text(hardware));
    row.insert("device_id".into(), text(device_id));
    row.insert("device_id2".into(), text(device_id2));
    row.insert("ip".into(), text(&device.address));
    row.insert("last_active".into(), optional(device.last_seen_at.map(UnixTime::seconds)));
    Value::Object(row)
}

fn subscription(subscription: &Subscription) -> Map<String, Value> {
    let bouquets: Vec<i64> = subscription.bouquets.iter().map(|id| id.number()).collect();
    let addresses: Vec<String> = subscription.allowed_ips.iter().map(ToString::to_string).collect();
    let agents: Vec<&str> = subscription.allowed_user_agents.iter().map(|agent| agent.as_str()).collect();
    let numbers = NUMBERS.iter().filter(|(_, container)| subscription.allowed_outputs.contains(container));
    let outputs: Vec<u8> = numbers.filter_map(|(number, _)| number.parse().ok()).collect();
    let columns = [
        ("member_id", optional(subscription.reseller_id.map(Id::number))),
        ("exp_date", optional(subscription.expire_date.0.map(UnixTime::seconds))),
        ("enabled", flag(!subscription.disabled)),
        ("admin_enabled", flag(!subscription.banned)),
        ("admin_notes", text(subscription.notes.as_str())),
        ("reseller_notes", text("")),
        ("bouquet", list(&json!(bouquets))),
        ("max_connections", text(subscription.max_allowed_connections.get())),
        ("is_trial", flag(subscription.is_trial)),
        ("allowed_ips", list(&json!(addresses))),
        ("allowed_ua", list(&json!(agents))),
        ("allowed_outputs", list(&json!(outputs))),
        ("force_server_id", text(subscription.server_id.map_or(0, Id::number))),
        ("is_isplock", flag(subscription.isp_lock)),
        ("isp_desc", text("")),
        ("as_number", optional(subscription.isp_asn.map(|asn| asn.get()))),
        ("forced_country", text("")),
        ("bypass_ua", flag(false)),
        ("contact", text("")),
    ];
    columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Who watches now, newest last, and when one that watched last ended.
fn activity(open: &[Connection], ended: Option<UnixTime>) -> Map<String, Value> {
    let newest = open.last();
    let last = newest.map(|connection| connection.started_at).max(ended);
    let columns = [
        ("active_cons", text(open.len())),
        ("last_ip", optional(newest.map(|connection| connection.address))),
        ("last_activity", optional(last.map(UnixTime::seconds))),
    ];
    columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
