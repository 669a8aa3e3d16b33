//! Facts to and from SQLite values.

use rusqlite::{
    ToSql,
    types::{ToSqlOutput, Value, ValueRef},
};

use super::fault::broken;
use crate::domain::{Fact, Kind, Result};

/// A fact as a parameter of a statement. Lists become JSON; lists of ids are tables of their own.
pub struct Param<'f>(pub &'f Fact);

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Fact::None | Fact::Ids(_) => ToSqlOutput::Owned(Value::Null),
            Fact::Number(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Fact::Text(text) | Fact::Secret(text) | Fact::Hidden(text) => ToSqlOutput::from(text.as_str()),
            Fact::List(texts) => list(texts.iter())?,
            Fact::Urls(texts) | Fact::Masked(texts) => list(texts.iter().map(|(whole, _)| whole))?,
        })
    }
}

fn list<'t>(texts: impl Iterator<Item = &'t String>) -> rusqlite::Result<ToSqlOutput<'static>> {
    let json = serde_json::to_string(&texts.collect::<Vec<_>>())
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    Ok(ToSqlOutput::Owned(Value::Text(json)))
}

/// The fact that a column holds.
///
/// # Errors
/// A database error if it holds something else.
pub fn fact(value: ValueRef<'_>, kind: Kind) -> Result<Fact> {
    Ok(match value {
        ValueRef::Null => Fact::None,
        ValueRef::Integer(number) => Fact::Number(number),
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| broken("a text is not UTF-8"))?;
            if kind == Kind::List {
                Fact::List(serde_json::from_str(text).map_err(|_| broken("a list is not JSON"))?)
            } else {
                Fact::Text(text.to_owned())
            }
        }
        ValueRef::Real(_) | ValueRef::Blob(_) => {
            return Err(broken("a column holds neither number nor text"));
        }
    })
}
