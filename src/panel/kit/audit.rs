//! The audit trail of one row, as its page shows it.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::{
    caller::{Caller, action},
    show::Moment,
    table::{Cell, Head, Listing},
};
use crate::{
    domain::{Fact, Kind, Resource, Result, fields::time::UnixTime, people::audit::kind_of},
    ops::machine::logs::{self, LogRow},
};

/// Rows that are shown.
const ROWS: u16 = 20;

/// The latest changes of a row, for those who may look at logs.
pub fn of(caller: &Caller, resource: Resource, id: i64) -> Result<Option<Listing>> {
    if !caller.may_read(Resource::Logs) {
        return Ok(None);
    }
    let logs = action(Resource::Logs, "list");
    let rows = caller.ops.point(caller.actor(), logs, |look| logs::audit_of(look, resource, id, ROWS))?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let words = Words::of(
        caller,
        rows.iter().flat_map(|row| referred(text_of(row, "before"), text_of(row, "after"))),
    )?;
    let cells = rows.iter().map(|row| {
        let text = |name: &str| text_of(row, name);
        let at = row.iter().find_map(|(column, fact)| match fact {
            Fact::Number(seconds) if *column == "at" => Some(UnixTime::clamped(*seconds)),
            _ => None,
        });
        vec![
            Cell::Time(at.map(|at| Moment::of(at, &zone)), ""),
            Cell::Under(Box::new(Cell::Text(text("actor").into())), text("address").into()),
            Cell::Text(text("action").into()),
            Cell::Text(words.changes(text("before"), text("after"))),
        ]
    });
    Ok(Some(Listing {
        label: "Changes",
        heads: ["When", "Who", "What", "Change"].map(Head::new).into(),
        rows: cells.collect(),
        empty: "No changes yet.".into(),
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

/// A text column of a row of a log.
pub fn text_of<'r>(row: &'r LogRow, name: &str) -> &'r str {
    match row.iter().find(|(column, _)| *column == name) {
        Some((_, Fact::Text(text))) => text,
        _ => "",
    }
}

/// The columns of one side of a row.
fn columns(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

/// Where the trail holds the ids of a line that became a MAG, or the other way round.
const ID: &str = "id";

/// The id of what a line or a MAG has become.
pub fn converted_to(after: &str) -> Option<i64> {
    columns(after).get(ID).and_then(Value::as_i64)
}

/// Lists are cut short: a bouquet has thousands of streams.
const MOST: usize = 8;

/// The rows to which those columns refer by id, as far as they are shown.
pub fn referred(before: &str, after: &str) -> Vec<(Resource, i64)> {
    let mut ids = Vec::new();
    for (name, value) in columns(before).into_iter().chain(columns(after)) {
        match (kind_of(&name), &value) {
            (Some(Kind::Reference(resource)), Value::Number(id)) => {
                ids.extend(id.as_i64().map(|id| (resource, id)));
            }
            (Some(Kind::References(resource)), Value::Array(items)) => {
                ids.extend(items.iter().take(MOST).filter_map(Value::as_i64).map(|id| (resource, id)));
            }
            _ => {}
        }
    }
    ids
}

/// What the trail holds as numbers, in words: times in the panel's zone, and the names of what ids refer to.
pub struct Words {
    zone: TimeZone,
    names: HashMap<(Resource, i64), String>,
}

impl Words {
    /// With the names of those rows.
    pub fn of(caller: &Caller, ids: impl Iterator<Item = (Resource, i64)>) -> Result<Self> {
        let mut ids: Vec<(Resource, i64)> = ids.collect();
        ids.sort_unstable_by_key(|(resource, id)| (resource.name(), *id));
        ids.dedup();
        let zone = caller.ops.snapshot().settings.time_zone.zone();
        Ok(Self { zone, names: caller.ops.names_of(&ids)? })
    }

    /// The name of a row, or its number if it is gone.
    pub fn name(&self, resource: Resource, id: i64) -> String {
        let name = self.known(resource, id).map(str::to_owned);
        name.unwrap_or_else(|| format!("{} {id} (deleted)", resource.noun().to_lowercase()))
    }

    /// The name of a row that is there.
    pub fn known(&self, resource: Resource, id: i64) -> Option<&str> {
        self.names.get(&(resource, id)).map(String::as_str)
    }

    /// The columns of a row of the audit trail, in the order of their names.
    pub fn compared(&self, before: &str, after: &str) -> Vec<Change> {
        let (before, after) = (columns(before), columns(after));
        let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
        names.sort();
        names.dedup();
        // The ids of what was converted, whose names stand beside them.
        names.retain(|name| *name != ID);
        let change = |name: &String| {
            let kind = kind_of(name);
            let shown = |value| self.shown(value, kind);
            Change {
                name: name.clone(),
                before: before.get(name).map(shown),
                after: after.get(name).map(shown),
            }
        };
        names.into_iter().map(change).collect()
    }

    /// `name: Old → New; notes: Text`, out of the columns before and after.
    pub fn changes(&self, before: &str, after: &str) -> String {
        let change = |Change { name, before, after }: Change| match (before, after) {
            (Some(old), Some(new)) => format!("{name}: {old} → {new}"),
            (Some(only), None) | (None, Some(only)) => format!("{name}: {only}"),
            (None, None) => String::new(),
        };
        self.compared(before, after).into_iter().map(change).collect::<Vec<_>>().join("; ")
    }

    fn shown(&self, value: &Value, kind: Option<Kind>) -> String {
        match (value, kind) {
            (Value::Null, Some(Kind::Time)) => "never".into(),
            (Value::Null, _) => "none".into(),
            (Value::String(text), _) if text.is_empty() => "empty".into(),
            (Value::String(text), _) => text.clone(),
            (Value::Array(items), _) => {
                let mut texts: Vec<String> =
                    items.iter().take(MOST).map(|item| self.shown(item, kind)).collect();
                if items.len() > MOST {
                    texts.push(format!("… {} in all", items.len()));
                }
                texts.join(", ")
            }
            (Value::Number(number), Some(kind)) => match (number.as_i64(), kind) {
                (Some(at), Kind::Time) => UnixTime::clamped(at).named(&self.zone),
                (Some(id), Kind::Reference(resource) | Kind::References(resource)) => self.name(resource, id),
                _ => number.to_string(),
            },
            (value, _) => value.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_tells_what_was_and_what_is() {
        let names = HashMap::from([((Resource::SubscriptionPlans, 7), "Month".to_owned())]);
        let words = Words { zone: TimeZone::get("Europe/Berlin").unwrap(), names };
        let told = words.changes(r#"{"name":"Old","notes":""}"#, r#"{"name":"New","notes":"x"}"#);
        assert_eq!(told, "name: Old → New; notes: empty → x");
        assert_eq!(
            words.changes("{}", r#"{"prices":[1,2,3,4,5,6,7,8,9]}"#),
            "prices: 1, 2, 3, 4, 5, 6, 7, 8, … 9 in all"
        );
        let told = words.changes(
            r#"{"expire_date":null,"subscription_plan_id":7}"#,
            r#"{"expire_date":1795507200,"subscription_plan_id":8}"#,
        );
        assert_eq!(
            told,
            "expire_date: never → 2026-11-24 09:00:00 Europe/Berlin; \
             subscription_plan_id: Month → subscription plan 8 (deleted)"
        );
    }
}
