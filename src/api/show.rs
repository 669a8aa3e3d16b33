//! Records as the Server API shows them: every column, numbers as numbers, none as null.

use serde_json::{Map, Value, json};

use crate::{
    domain::{Fact, Record, Stored, ids::Id, page::Rows},
    ops::machine::logs::LogRow,
};

/// Every column of a row in the order of `schema.sql`, with its id and stamps.
pub fn row<R: Record>(stored: &Stored<R>) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("id".into(), stored.id.number().into());
    for (name, fact) in stored.record.facts() {
        if !matches!(fact, Fact::Hidden(_)) {
            map.insert(name.into(), value(fact));
        }
    }
    map.insert("created_at".into(), stored.created_at.seconds().into());
    map.insert("updated_at".into(), stored.updated_at.seconds().into());
    map
}

/// Puts what is no column of the record into its row, before another column.
pub fn put(row: &mut Map<String, Value>, before: &str, name: &str, value: Value) {
    let place = row.keys().position(|column| column == before).unwrap_or(row.len());
    row.shift_insert(place, name.to_owned(), value);
}

/// A page: the rows under their plural name, and how many there are in all.
pub fn page<T>(plural: &str, rows: Rows<T>, show: impl FnMut(T) -> Value) -> Value {
    let shown: Vec<Value> = rows.rows.into_iter().map(show).collect();
    json!({ "total": rows.total, plural: shown })
}

/// The columns of a log's row.
pub fn log_row(row: LogRow) -> Value {
    let columns = row.into_iter().map(|(name, fact)| {
        let value = match (name, fact) {
            // They were written as JSON and are shown as JSON.
            ("before" | "after", Fact::Text(text)) => serde_json::from_str(&text).unwrap_or(Value::Null),
            (_, fact) => value(fact),
        };
        (name.to_owned(), value)
    });
    Value::Object(columns.collect())
}

/// A value as answers show it.
pub fn value(fact: Fact) -> Value {
    match fact {
        Fact::None | Fact::Hidden(_) => Value::Null,
        Fact::Number(number) => number.into(),
        Fact::Text(text) | Fact::Secret(text) => text.into(),
        Fact::List(texts) => texts.into(),
        Fact::Urls(texts) | Fact::Masked(texts) => texts.into_iter().map(|(_, shown)| shown).collect(),
        Fact::Ids(ids) => ids.into(),
    }
}
