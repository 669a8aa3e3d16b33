//! The audit trail of one row, as its page shows it.

use serde_json::Value;

use super::{
    caller::{Caller, doing},
    show::Moment,
    table::{Cell, Head, Listing},
};
use crate::domain::{Fact, Resource, Result, time::UnixTime};

/// Rows that are shown.
const ROWS: u16 = 20;

/// The latest changes of a row, for those who may look at logs.
///
/// # Errors
/// A database error.
pub fn of(caller: &Caller, resource: Resource, id: i64) -> Result<Option<Listing>> {
    if !caller.may_read(Resource::Logs) {
        return Ok(None);
    }
    let logs = doing(Resource::Logs, "list");
    let rows = caller.ops.point(caller.actor(), logs, |read| read.audit_of(resource, id, ROWS))?;
    let zone = caller.ops.guards().settings.time_zone.zone();
    let cells = rows.iter().map(|row| {
        let text = |name: &str| match row.iter().find(|(column, _)| *column == name) {
            Some((_, Fact::Text(text))) => text.as_str(),
            _ => "",
        };
        let at = row.iter().find_map(|(column, fact)| match fact {
            Fact::Number(seconds) if *column == "at" => Some(UnixTime::clamped(*seconds)),
            _ => None,
        });
        vec![
            Cell::Time(at.map(|at| Moment::of(at, &zone)), ""),
            Cell::Under(Box::new(Cell::Text(text("actor").into())), text("address").into()),
            Cell::Text(text("action").into()),
            Cell::Text(changes(text("before"), text("after"))),
        ]
    });
    Ok(Some(Listing {
        label: "Changes",
        heads: ["When", "Who", "What", "Change"].map(Head::new).into(),
        rows: cells.collect(),
        empty: "Nothing was changed yet.".into(),
        ..Listing::default()
    }))
}

/// One column of a row that was changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// The column.
    pub name: String,
    /// What it held; `None` if the row was made.
    pub before: Option<String>,
    /// What it holds; `None` if the row is gone.
    pub after: Option<String>,
}

/// The columns of a row of the audit trail, in the order of their names.
pub fn compared(before: &str, after: &str) -> Vec<Change> {
    let read = |text: &str| serde_json::from_str::<serde_json::Map<String, Value>>(text).unwrap_or_default();
    let (before, after) = (read(before), read(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let change = |name: &String| Change {
        name: name.clone(),
        before: before.get(name).map(shown),
        after: after.get(name).map(shown),
    };
    names.into_iter().map(change).collect()
}

/// `name: Old → New; notes: Text`, out of the columns before and after.
pub fn changes(before: &str, after: &str) -> String {
    let change = |Change { name, before, after }: Change| match (before, after) {
        (Some(old), Some(new)) => format!("{name}: {old} → {new}"),
        (Some(only), None) | (None, Some(only)) => format!("{name}: {only}"),
        (None, None) => String::new(),
    };
    compared(before, after).into_iter().map(change).collect::<Vec<_>>().join("; ")
}

/// Lists are cut short: a bouquet has thousands of streams.
fn shown(value: &Value) -> String {
    const MOST: usize = 8;
    match value {
        Value::Null => "none".into(),
        Value::String(text) if text.is_empty() => "empty".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let mut texts: Vec<String> = items.iter().take(MOST).map(shown).collect();
            if items.len() > MOST {
                texts.push(format!("… {} in all", items.len()));
            }
            texts.join(", ")
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_tells_what_was_and_what_is() {
        let told = changes(r#"{"name":"Old","notes":""}"#, r#"{"name":"New","notes":"x"}"#);
        assert_eq!(told, "name: Old → New; notes: empty → x");
        assert_eq!(
            changes("{}", r#"{"streams":[1,2,3,4,5,6,7,8,9]}"#),
            "streams: 1, 2, 3, 4, 5, 6, 7, 8, … 9 in all"
        );
    }
}
