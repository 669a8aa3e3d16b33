//! A line or MAG as JSON, whole: what a batch keeps of it to bring it back.

use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value, json};

use crate::{
    domain::{
        Fact, Kind, Resource, Result, Stored, fields::time::UnixTime, ids::Id, subscribers::batch::Meant,
    },
    store::{Read, Table, Write, engine::fault::broken},
};

/// The rows of a piece, from their text.
///
/// # Errors
/// A database error for what is none.
pub fn parsed(text: &str) -> Result<Vec<Meant>> {
    serde_json::from_str(text).map_err(|_| broken("a piece of a batch is not JSON"))
}

/// The rows of a piece as text.
///
/// # Errors
/// Never.
pub fn written(rows: &[Meant]) -> Result<String> {
    serde_json::to_string(rows).map_err(|_| broken("a piece of a batch"))
}

fn shown(fact: Fact) -> Value {
    match fact {
        Fact::None => Value::Null,
        Fact::Number(number) => number.into(),
        Fact::Text(text) | Fact::Secret(text) | Fact::Hidden(text) => text.into(),
        Fact::List(texts) => texts.into(),
        Fact::Urls(texts) | Fact::Masked(texts) => texts.into_iter().map(|(whole, _)| whole).collect(),
        Fact::Ids(ids) => ids.into(),
    }
}

fn fact(value: &Value, kind: Kind) -> Option<Fact> {
    Some(match value {
        Value::Null => Fact::None,
        Value::Number(number) => Fact::Number(number.as_i64()?),
        Value::String(text) => Fact::Text(text.clone()),
        Value::Array(items) if matches!(kind, Kind::References(_)) => {
            Fact::Ids(items.iter().filter_map(Value::as_i64).collect())
        }
        Value::Array(items) => {
            Fact::List(items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => return None,
    })
}

/// The row that was kept.
///
/// # Errors
/// A database error if it cannot be read.
pub fn row<R: Table>(id: R::Id, text: &str) -> Result<Stored<R>> {
    let wrong = || broken("a row that a batch kept cannot be read");
    let kept: Value = serde_json::from_str(text).map_err(|_| wrong())?;
    let columns = R::columns();
    let record = R::stored(&mut |name| {
        let kind = columns.iter().find(|column| column.name == name)?.kind;
        fact(&kept["row"][name], kind)
    });
    let moment = |name| kept[name].as_i64().map(UnixTime::clamped).ok_or_else(wrong);
    Ok(Stored {
        id,
        record: record.ok_or_else(wrong)?,
        created_at: moment("created_at")?,
        updated_at: moment("updated_at")?,
    })
}

impl Read<'_> {
    /// A row as it is kept; `whole` with the box and the favourites of a MAG, which go with it.
    ///
    /// # Errors
    /// A database error.
    pub fn kept_row<R: Table>(&self, row: &Stored<R>, whole: bool) -> Result<String> {
        let facts = row.record.facts().into_iter().map(|(name, fact)| (name.to_owned(), shown(fact)));
        let mut kept = json!({
            "row": facts.collect::<Map<_, _>>(),
            "created_at": row.created_at.seconds(),
            "updated_at": row.updated_at.seconds(),
        });
        if whole && R::RESOURCE == Resource::Mag {
            let sql = "SELECT json_object('parent_pin', parent_pin, 'device_id', device_id, 'device_id2', device_id2, \
                       'model', model, 'firmware', firmware, 'hardware', hardware, 'serial', serial, 'address', address, \
                       'user_agent', user_agent, 'first_seen_at', first_seen_at, 'last_seen_at', last_seen_at, \
                       'last_channel_id', last_channel_id, 'favourites', (SELECT json_group_array(stream_id) FROM \
                       (SELECT stream_id FROM mag_favourites WHERE mag_id = ?1 ORDER BY place))) \
                       FROM mag_devices WHERE mag_id = ?1";
            let device: Option<String> =
                self.conn.prepare_cached(sql)?.query_row([row.id.number()], |row| row.get(0)).optional()?;
            kept["device"] = device.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        }
        Ok(kept.to_string())
    }
}

impl Write<'_> {
    /// Gives a MAG back the box and the favourites that were kept of it; who was let in stays out.
    ///
    /// # Errors
    /// A database error.
    pub fn restore_device(&self, mag: i64, text: &str) -> Result<()> {
        const COLUMNS: [&str; 12] = [
            "parent_pin",
            "device_id",
            "device_id2",
            "model",
            "firmware",
            "hardware",
            "serial",
            "address",
            "user_agent",
            "first_seen_at",
            "last_seen_at",
            "last_channel_id",
        ];
        let sets =
            COLUMNS.map(|column| format!("{column} = json_extract(?1, '$.device.{column}')")).join(", ");
        let sql = format!("UPDATE mag_devices SET {sets} WHERE mag_id = ?2");
        self.conn.prepare_cached(&sql)?.execute(params![text, mag])?;
        let sql = "INSERT INTO mag_favourites (mag_id, place, stream_id) SELECT ?2, key, value \
                   FROM json_each(?1, '$.device.favourites') WHERE value IN (SELECT id FROM streams)";
        self.conn.prepare_cached(sql)?.execute(params![text, mag])?;
        Ok(())
    }
}
