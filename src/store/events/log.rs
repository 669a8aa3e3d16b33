//! Events as they stand in the database: written with what they tell of, read in their order, forgotten in time.

use rusqlite::{ToSql, params, params_from_iter};

use crate::{
    domain::{Result, events::kinds::Pattern, fields::time::UnixTime, ids::ResellerId},
    store::{Read, Write},
};

/// An event that is written.
#[derive(Clone, Copy)]
pub struct EventRow<'a> {
    /// Its type.
    pub kind: &'a str,
    /// When it happened.
    pub at: UnixTime,
    /// What it is about, as the Server API names it.
    pub resource: &'a str,
    /// Which of them.
    pub id: Option<i64>,
    /// The name of that at that time.
    pub key: &'a str,
    /// The caller's own number of it.
    pub reference: Option<&'a str>,
    /// The reseller whose it is, if only that one's are touched.
    pub reseller: Option<ResellerId>,
    /// Who did it.
    pub actor: &'a str,
    /// The columns that changed, before and after, as a JSON object.
    pub data: &'a str,
    /// The columns that are left out of it, as a JSON list.
    pub omitted: &'a str,
}

/// An event that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventSeen {
    /// Its number in the log.
    pub id: i64,
    /// Its type.
    pub kind: String,
    /// When it happened.
    pub at: UnixTime,
    /// What it is about, as the Server API names it.
    pub resource: String,
    /// Which of them.
    pub resource_id: Option<i64>,
    /// The name of that at that time.
    pub key: String,
    /// The caller's own number of it.
    pub reference: Option<String>,
    /// Who did it.
    pub actor: String,
    /// The columns that changed, before and after, as a JSON object.
    pub data: String,
    /// The columns that are left out of it, as a JSON list.
    pub omitted: String,
}

/// The log as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLog {
    /// Which log it is: another one after a restore.
    pub log_id: String,
    /// The oldest event that is kept.
    pub oldest: Option<i64>,
    /// The newest event.
    pub newest: Option<i64>,
    /// The highest number that was ever given; 0 if none was.
    pub last: i64,
    /// The highest number that was forgotten.
    pub forgotten: i64,
}

/// Events that are looked through at once for those that somebody wants.
const LOOKED_AT: i64 = 10_000;
/// Events that are forgotten at once, so that no writer waits long for it.
const AT_ONCE: i64 = 500;

impl Read<'_> {
    /// The log as a whole.
    pub fn event_log(&self) -> Result<EventLog> {
        let sql = "SELECT log_id, forgotten_id, (SELECT min(id) FROM events), \
                   (SELECT max(id) FROM events), ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) FROM event_log WHERE id = 1";
        Ok(self.conn.prepare_cached(sql)?.query_row([], |row| {
            Ok(EventLog {
                log_id: row.get(0)?,
                forgotten: row.get(1)?,
                oldest: row.get(2)?,
                newest: row.get(3)?,
                last: row.get(4)?,
            })
        })?)
    }

    /// At most `most` events behind the number `after` that one of the patterns chooses (all if there are none), of a
    /// reseller or of everything, in their order; and up to which number was looked.
    pub fn events_after(
        &self,
        after: i64,
        most: usize,
        wanted: &[Pattern],
        of: Option<ResellerId>,
    ) -> Result<(Vec<EventSeen>, i64)> {
        let sql = "SELECT max(id) FROM (SELECT id FROM events WHERE id > ? ORDER BY id LIMIT ?)";
        let looked: Option<i64> =
            self.conn.prepare_cached(sql)?.query_row([after, LOOKED_AT], |row| row.get(0))?;
        let Some(looked) = looked else { return Ok((Vec::new(), after)) };
        let mut params: Vec<Box<dyn ToSql>> = vec![Box::new(after), Box::new(looked)];
        let mut conditions = Vec::new();
        for pattern in wanted {
            if let Some(beginning) = pattern.beginning() {
                conditions.push("substr(type, 1, ?) = ?");
                params.push(Box::new(i64::try_from(beginning.len()).unwrap_or(0)));
                params.push(Box::new(beginning.to_owned()));
            } else {
                conditions.push("type = ?");
                params.push(Box::new(pattern.as_str().to_owned()));
            }
        }
        let mut chosen =
            if conditions.is_empty() { String::new() } else { format!(" AND ({})", conditions.join(" OR ")) };
        if let Some(of) = of {
            chosen += " AND reseller_id = ?";
            params.push(Box::new(of.0));
        }
        params.push(Box::new(i64::try_from(most).unwrap_or(i64::MAX)));
        let sql =
            format!("SELECT {COLUMNS} FROM events WHERE id > ? AND id <= ?{chosen} ORDER BY id LIMIT ?");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(params), event)?;
        let events = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        // Full: there may be more before the end of what was looked at.
        let end = if events.len() == most { events.last().map_or(looked, |event| event.id) } else { looked };
        Ok((events, end))
    }

    /// The newest events, or those before a number, the newest first.
    pub fn latest_events(&self, before: Option<i64>, most: usize) -> Result<Vec<EventSeen>> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE id < ? ORDER BY id DESC LIMIT ?");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map([before.unwrap_or(i64::MAX), most], event)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The price of the dearest plan that resellers sell; 0 if there is none.
    pub fn dearest_plan(&self) -> Result<i64> {
        let sql = "SELECT ifnull(max(credits), 0) FROM subscription_plans WHERE for_resellers = 1";
        Ok(self.conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }
}

/// The columns of an event, as [`event`] reads them.
pub(super) const COLUMNS: &str = "events.id, events.type, events.at, events.resource, events.resource_id, events.key, \
                                  events.reference, events.actor, events.data, events.omitted";

pub(super) fn event(row: &rusqlite::Row<'_>) -> rusqlite::Result<EventSeen> {
    Ok(EventSeen {
        id: row.get(0)?,
        kind: row.get(1)?,
        at: UnixTime::clamped(row.get(2)?),
        resource: row.get(3)?,
        resource_id: row.get(4)?,
        key: row.get(5)?,
        reference: row.get(6)?,
        actor: row.get(7)?,
        data: row.get(8)?,
        omitted: row.get(9)?,
    })
}

impl Write<'_> {
    /// Writes an event; whoever follows the log is told after the commit.
    pub fn log_event(&self, event: &EventRow<'_>) -> Result<()> {
        let sql = "INSERT INTO events (type, at, resource, resource_id, key, reference, reseller_id, actor, data, \
                   omitted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.conn.prepare_cached(sql)?.execute(params![
            event.kind,
            event.at.seconds(),
            event.resource,
            event.id,
            event.key,
            event.reference,
            event.reseller.map(|reseller| reseller.0),
            event.actor,
            event.data,
            event.omitted
        ])?;
        self.told.set(self.told.get() + 1);
        Ok(())
    }

    /// Forgets the oldest events that happened before `oldest`, a few at a time; whether more may be left.
    pub fn forget_events(&self, oldest: UnixTime) -> Result<bool> {
        let sql = "SELECT max(id), count(*) FROM (SELECT id FROM events WHERE id < ifnull((SELECT id FROM events \
                   WHERE at >= ?1 ORDER BY id LIMIT 1), 9223372036854775807) ORDER BY id LIMIT ?2)";
        let (last, count): (Option<i64>, i64) = self
            .conn
            .prepare_cached(sql)?
            .query_row(params![oldest.seconds(), AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let Some(last) = last else { return Ok(false) };
        self.conn.prepare_cached("DELETE FROM events WHERE id <= ?")?.execute([last])?;
        self.conn.prepare_cached("UPDATE event_log SET forgotten_id = ?")?.execute([last])?;
        Ok(count == AT_ONCE)
    }

    /// Begins another log, where webhooks and messages begin as well, with a gap behind the numbers that were given: the database is a restored one.
    pub fn begin_event_log(&self, gap: i64) -> Result<()> {
        let sql = "UPDATE event_log SET log_id = lower(hex(randomblob(16)))";
        self.conn.prepare_cached(sql)?.execute([])?;
        let sql = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'events'";
        self.conn.prepare_cached(sql)?.execute([gap])?;
        let sql = "UPDATE webhooks SET told_to = ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)";
        self.conn.prepare_cached(sql)?.execute([])?;
        let sql = "UPDATE event_log SET messages_to = ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)";
        self.conn.prepare_cached(sql)?.execute([])?;
        Ok(())
    }
}
