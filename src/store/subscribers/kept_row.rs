//! A row as JSON, whole: what a batch keeps of it to bring it back.

use serde_json::{Map, Value, json};

use crate::{
    domain::{Fact, Kind, Result, Stored, fields::time::UnixTime, ids::Id, subscribers::batch::MatchedRow},
    store::{Read, Table, engine::fault::broken},
};

/// The rows of a piece, from their text.
///
/// # Errors
/// A database error for what is none.
pub fn parsed(text: &str) -> Result<Vec<MatchedRow>> {
    serde_json::from_str(text).map_err(|_| broken("a piece of a batch is not JSON"))
}

/// The rows of a piece as text.
///
/// # Errors
/// Never.
pub fn written(rows: &[MatchedRow]) -> Result<String> {
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

impl Read<'_> {
    /// A row as it is kept; `whole` with what goes with it when it is deleted.
    pub fn kept_row<R: Table>(&self, row: &Stored<R>, whole: bool) -> Result<String> {
        let facts = row.record.facts().into_iter().map(|(name, fact)| (name.to_owned(), shown(fact)));
        let mut kept = json!({
            "row": facts.collect::<Map<_, _>>(),
            "created_at": row.created_at.seconds(),
            "updated_at": row.updated_at.seconds(),
        });
        if whole {
            self.keep_beside(R::RESOURCE, row.id.number(), &mut kept)?;
        }
        Ok(kept.to_string())
    }

    /// The row that was kept, also before an upgrade: a column that it did not have then has the default of a new row. What
    /// its lists name and is gone since is left out.
    ///
    /// # Errors
    /// A database error if it cannot be read.
    pub fn row_kept<R: Table>(&self, id: R::Id, text: &str) -> Result<Stored<R>> {
        let wrong = || broken("a row that a batch kept cannot be read");
        let kept: Value = serde_json::from_str(text).map_err(|_| wrong())?;
        let (columns, defaults) = (R::columns(), self.defaults::<R>()?);
        let mut failure = None;
        let record = R::stored(&mut |name| {
            let Some(value) = kept["row"].get(name) else { return defaults.get(name).cloned() };
            let kind = columns.iter().find(|column| column.name == name)?.kind;
            match (fact(value, kind)?, kind) {
                (Fact::Ids(mut ids), Kind::References(resource)) => {
                    let mut is_there = |id: &i64| {
                        self.exists(resource, *id).unwrap_or_else(|error| {
                            failure = Some(error);
                            false
                        })
                    };
                    ids.retain(&mut is_there);
                    Some(Fact::Ids(ids))
                }
                (fact, _) => Some(fact),
            }
        });
        if let Some(error) = failure {
            return Err(error);
        }
        let moment = |name| kept[name].as_i64().map(UnixTime::clamped).ok_or_else(wrong);
        Ok(Stored {
            id,
            record: record.ok_or_else(wrong)?,
            created_at: moment("created_at")?,
            updated_at: moment("updated_at")?,
        })
    }
}
