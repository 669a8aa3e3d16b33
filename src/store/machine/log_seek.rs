//! A log from its newest row back, as people read it. Pages go by id in both directions and cost the same
//! however long the log is.

use std::fmt::Write;

use rusqlite::{OptionalExtension, params_from_iter, types::Value};

use super::logs::{Log, LogRow};
use crate::{
    domain::{Fact, Kind, Result, fields::time::UnixTime},
    store::Read,
};

/// Rows that are looked through for one page when no index leads to those that match.
const LOOKED: i64 = 50_000;
/// Rows that are counted; beyond it there are "more than".
const COUNTED: i64 = 10_000;
/// Rows stand in the order of time, but for clocks that were set back: by up to this many seconds no row is lost.
const SET_BACK: i64 = 3600;

/// Which rows of a log are asked for.
#[derive(Clone, Debug, Default)]
pub struct LogSearch {
    /// Columns and the values that they have.
    pub columns: Vec<(&'static str, Fact)>,
    /// At or after that moment.
    pub since: Option<UnixTime>,
    /// Before that moment.
    pub until: Option<UnixTime>,
    /// With that in one of the texts.
    pub search: Option<String>,
    /// From where.
    pub turn: Turn,
    /// At most this many.
    pub rows: u32,
    /// Whether they are to be counted.
    pub counted: bool,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, Default)]
pub enum Turn {
    /// With the newest row.
    #[default]
    Newest,
    /// With the newest that is older than the row of that id.
    Older(i64),
    /// It ends with the oldest that is newer than the row of that id.
    Newer(i64),
}

/// A page of a log, newest first.
#[derive(Default)]
pub struct Found {
    pub rows: Vec<LogRow>,
    /// Newer rows may be found after that id.
    pub newer: Option<i64>,
    /// Older rows may be found before that id.
    pub older: Option<i64>,
    /// How many match in all.
    pub count: Count,
}

/// How many rows match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Count {
    /// This many.
    Exactly(i64),
    /// More than can be counted at once.
    MoreThan(i64),
    /// Not all of the log was looked through: only this many rows.
    Among(i64),
    /// It was not asked.
    #[default]
    Unknown,
}

impl LogSearch {
    fn is_narrow(&self) -> bool {
        self.search.is_some() || !self.columns.is_empty()
    }

    /// Whether an index leads to the rows of a line, a MAG, or a row of the panel.
    fn is_indexed(&self) -> bool {
        self.columns.iter().any(|(column, _)| matches!(*column, "line_id" | "mag_id" | "target_id"))
    }

    /// ` AND ...` for every condition but the place, and its parameters.
    fn conditions(&self, log: Log) -> (String, Vec<Value>) {
        let (mut sql, mut params) = (String::new(), Vec::new());
        for (column, value) in &self.columns {
            let _ = write!(sql, " AND {column} IS ?");
            params.push(match value {
                Fact::Number(number) => Value::Integer(*number),
                Fact::Text(text) => Value::Text(text.clone()),
                _ => Value::Null,
            });
        }
        for (condition, moment) in [(" AND at >= ?", self.since), (" AND at < ?", self.until)] {
            if let Some(moment) = moment {
                sql.push_str(condition);
                params.push(Value::Integer(moment.seconds()));
            }
        }
        if let Some(search) = &self.search {
            let texts = log.columns().iter().filter(|(_, kind)| *kind == Kind::Text);
            let each: Vec<String> = texts.map(|(column, _)| format!("instr({column}, ?) > 0")).collect();
            params.extend(each.iter().map(|_| Value::Text(search.clone())));
            let _ = write!(sql, " AND ({})", each.join(" OR "));
        }
        (sql, params)
    }
}

impl Read<'_> {
    /// A page of a log.
    pub fn seek_log(&self, log: Log, sought: &LogSearch) -> Result<Found> {
        let Some((first, last)) = self.reach(log, sought)? else {
            return Ok(Found { count: Count::Exactly(0), ..Found::default() });
        };
        let whole = !sought.is_narrow() || sought.is_indexed();
        let looked = if whole { last - first + 1 } else { LOOKED };
        let (low, high, back) = match sought.turn {
            Turn::Newest => (first.max(last - looked + 1), last, true),
            Turn::Older(id) => {
                let high = last.min(id.saturating_sub(1));
                (first.max(high - looked + 1), high, true)
            }
            Turn::Newer(id) => {
                let low = first.max(id.saturating_add(1));
                (low, last.min(low.saturating_add(looked - 1)), false)
            }
        };
        let (conditions, params) = sought.conditions(log);
        let sql = format!(
            "SELECT {} FROM {} WHERE id BETWEEN ? AND ?{conditions} ORDER BY id {} LIMIT ?",
            log.names(),
            log.table(),
            if back { "DESC" } else { "ASC" }
        );
        let place = [Value::Integer(low), Value::Integer(high)];
        let most = Value::Integer(i64::from(sought.rows) + 1);
        let values = place.iter().chain(&params).chain([&most]);
        let mut rows = self.log_rows(log, &sql, params_from_iter(values))?;
        let full = rows.len() > sought.rows as usize;
        rows.truncate(sought.rows as usize);
        if !back {
            rows.reverse();
        }
        let (newest, oldest) = (rows.first().and_then(id), rows.last().and_then(id));
        let (newer, older) = if back {
            let begun = matches!(sought.turn, Turn::Older(_)) && high < last;
            (begun.then(|| newest.unwrap_or(high)), if full { oldest } else { (low > first).then_some(low) })
        } else {
            let on = if full { newest } else { (high < last).then_some(high) };
            (on, (low > first).then(|| oldest.unwrap_or(low)))
        };
        let count = if !sought.counted {
            Count::Unknown
        } else if whole || (low == first && high == last) {
            self.count_log(log, (first, last), &conditions, &params)?
        } else {
            Count::Among(high - low + 1)
        };
        Ok(Found { rows, newer, older, count })
    }

    fn count_log(
        &self,
        log: Log,
        (first, last): (i64, i64),
        conditions: &str,
        params: &[Value],
    ) -> Result<Count> {
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} WHERE id BETWEEN ? AND ?{conditions} LIMIT ?)",
            log.table()
        );
        let place = [Value::Integer(first), Value::Integer(last)];
        let most = Value::Integer(COUNTED + 1);
        let values = place.iter().chain(params).chain([&most]);
        let count = self.conn.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
        Ok(if count > COUNTED { Count::MoreThan(COUNTED) } else { Count::Exactly(count) })
    }

    /// The first and the last id that can be of the time that is asked for.
    fn reach(&self, log: Log, sought: &LogSearch) -> Result<Option<(i64, i64)>> {
        let end = |sql: &str| -> Result<Option<i64>> {
            let sql = format!("SELECT {sql}(id) FROM {}", log.table());
            Ok(self.conn.prepare_cached(&sql)?.query_row([], |row| row.get(0))?)
        };
        let (Some(first), Some(last)) = (end("min")?, end("max")?) else { return Ok(None) };
        let low = match sought.since {
            Some(since) => self.first_at(log, (first, last), since.seconds() - SET_BACK)?,
            None => first,
        };
        let high = match sought.until {
            Some(until) => self.first_at(log, (first, last), until.seconds() + SET_BACK)? - 1,
            None => last,
        };
        Ok((low <= high).then_some((low, high)))
    }

    /// The id of the first row at or after that time, found by halving; one past the last if there is none.
    fn first_at(&self, log: Log, (first, last): (i64, i64), time: i64) -> Result<i64> {
        let sql = format!("SELECT id, at FROM {} WHERE id >= ? ORDER BY id LIMIT 1", log.table());
        let mut statement = self.conn.prepare_cached(&sql)?;
        let (mut low, mut high) = (first, last + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let row: Option<(i64, i64)> =
                statement.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            match row {
                Some((id, at)) if at < time => low = id + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

/// The id of a row: its first column.
fn id(row: &LogRow) -> Option<i64> {
    match row.first() {
        Some((_, Fact::Number(id))) => Some(*id),
        _ => None,
    }
}
