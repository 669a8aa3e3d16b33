//! Records as the Server API shows them: every column, numbers as numbers, none as null.

use serde_json::{Map, Value, json};

use crate::{
    domain::{Fact, JsonObject, Record, Stored, ids::Id, page::Rows},
    ops::machine::logs::LogRow,
};

/// Every column of a row in the order of `schema.sql`, with its id and stamps.
pub fn row<R: Record>(stored: &Stored<R>) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("id".into(), stored.id.number().into());
    for (name, fact) in stored.record.facts() {
        if !matches!(fact, Fact::Hidden(_)) {
            map.insert(name.into(), value(&fact));
        }
    }
    map.insert("created_at".into(), stored.created_at.seconds().into());
    map.insert("updated_at".into(), stored.updated_at.seconds().into());
    map
}

/// The same as text.
pub fn object<R: Record>(stored: &Stored<R>) -> JsonObject {
    JsonObject::of_about(1_000)
        .with("id", stored.id.number())
        .with_facts(&stored.record.facts())
        .with("created_at", stored.created_at.seconds())
        .with("updated_at", stored.updated_at.seconds())
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
            (_, fact) => value(&fact),
        };
        (name.to_owned(), value)
    });
    Value::Object(columns.collect())
}

/// A value as answers show it.
pub fn value(fact: &Fact) -> Value {
    serde_json::to_value(fact).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Columns, Defaults, Given,
        channels::bouquet::{Bouquet, BouquetChange},
        fields::{text::Name, time::UnixTime},
        ids::{BouquetId, StreamId},
    };

    #[test]
    fn a_row_as_text_is_the_row() {
        let change = BouquetChange {
            name: Given::Value(Name::new("a \"b\"").unwrap()),
            streams: Given::Value(vec![StreamId(3), StreamId(1)]),
            ..BouquetChange::default()
        };
        let defaults = Defaults(vec![("position", Fact::Number(0))]);
        let record = Bouquet::create(change, &defaults).unwrap();
        let at = UnixTime::clamped;
        let stored = Stored { id: BouquetId(7), record, created_at: at(5), updated_at: at(6) };
        let text = object(&stored).text();
        assert_eq!(text, Value::Object(row(&stored)).to_string());
        assert!(text.starts_with("{\"id\":7,\"name\":\"a \\\"b\\\"\""), "{text}");
    }
}
