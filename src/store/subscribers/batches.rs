//! Batches: what they take, how far they are, and what each row was before.

use rusqlite::{OptionalExtension, Row, ToSql, params, params_from_iter, types::Type};

use super::{
    kept_row,
    selection::{Condition, END, conditions as selected},
};
use crate::{
    domain::{
        Resource, Result,
        fields::time::UnixTime,
        ids::{AdminId, ApiKeyId},
        page::{Page, Rows, Start},
        subscribers::{
            batch::{Batch, LISTED_FOR, MOST, MatchedRow, Orderer, State, UNDONE_WITHIN, Which},
            listing::Subscribed,
        },
    },
    store::{Read, Table, Write, engine::table::filters::conditions},
};

/// Rows of a piece: of one transaction, behind which other writers wait.
pub(super) const PIECE: usize = 100;
/// A batch that is ordered.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Lines or MAGs.
    pub resource: Resource,
    /// update, extend or delete.
    pub action: &'static str,
    /// What becomes of each row, as JSON.
    pub edit: String,
    /// By whom.
    pub orderer: Orderer,
    /// The name of that one.
    pub actor: String,
    /// From where.
    pub address: Option<String>,
}

/// Which batches somebody may look at.
#[derive(Clone, Debug)]
pub struct Visible {
    /// On what.
    pub on: Vec<Resource>,
    /// Only those that this one has ordered.
    pub orderer: Option<Orderer>,
}

impl Visible {
    /// What its batches fulfil, for `?1` and `?2`.
    const SQL: &str = "resource IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR actor_kind || ' ' || actor_id = ?2)";

    fn params(&self) -> (String, Option<String>) {
        let names: Vec<&str> = self.on.iter().map(|resource| resource.name()).collect();
        let orderer = self.orderer.map(|orderer| {
            let (kind, id) = written(orderer);
            format!("{kind} {id}")
        });
        (serde_json::to_string(&names).unwrap_or_default(), orderer)
    }
}

fn written(orderer: Orderer) -> (&'static str, i64) {
    match orderer {
        Orderer::ApiKey(id) => ("api_key", id.0),
        Orderer::Administrator(id) => ("administrator", id.0),
    }
}

/// What is read of a batch; a macro, so that statements stand as literals.
macro_rules! batches {
    () => {
        "SELECT id, resource, action, state, done, meant, failed, undone, why, actor_kind, actor_id, actor, address, \
         created_at, ended_at, EXISTS (SELECT 1 FROM batch_rows WHERE batch_id = batches.id AND outcome = 'kept' AND why <> '') \
         FROM batches"
    };
}

fn batch(row: &Row<'_>) -> rusqlite::Result<Batch> {
    let strange =
        |place: usize, name: &str| rusqlite::Error::InvalidColumnType(place, name.into(), Type::Text);
    let (resource, state): (String, String) = (row.get(1)?, row.get(3)?);
    let (kind, orderer): (String, i64) = (row.get(9)?, row.get(10)?);
    let address: Option<String> = row.get(12)?;
    let moment = |place| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(place)?.map(UnixTime::clamped));
    Ok(Batch {
        id: row.get(0)?,
        resource: Resource::named(&resource).ok_or(strange(1, "resource"))?,
        action: row.get(2)?,
        state: State::named(&state).ok_or(strange(3, "state"))?,
        done: row.get(4)?,
        of: row.get(5)?,
        failed: row.get(6)?,
        undone: row.get(7)?,
        kept: row.get(15)?,
        why: row.get(8)?,
        orderer: match kind.as_str() {
            "api_key" => Orderer::ApiKey(ApiKeyId(orderer)),
            _ => Orderer::Administrator(AdminId(orderer)),
        },
        actor: row.get(11)?,
        address: address.and_then(|address| address.parse().ok()),
        created_at: moment(13)?.unwrap_or(UnixTime::clamped(0)),
        ended_at: moment(14)?,
    })
}

impl Read<'_> {
    /// Id and `updated_at` of the rows that are matched, in the order of ids; one more than a batch may have, if there are
    /// more. A row that is named and not there has no `updated_at`.
    pub fn matching<S: Subscribed + Table>(&self, which: &Which) -> Result<Vec<MatchedRow>> {
        if !which.ids.is_empty() {
            let sql = format!("SELECT updated_at FROM {} WHERE id = ?", S::TABLE);
            let mut statement = self.conn.prepare_cached(&sql)?;
            let mut seen = |id: &i64| Ok((*id, statement.query_row([id], |row| row.get(0)).optional()?));
            return which.ids.iter().map(&mut seen).collect();
        }
        let (mut matching, mut params) = conditions::<S>(&which.page);
        let mut more = selected::<S>(&which.selection);
        if let Some(before) = which.expires_before {
            more.push(Condition::new(format!("{END} < ?"), vec![before.seconds().into()]));
        }
        if let Some(after) = which.expires_after {
            more.push(Condition::new("expire_date > ?", vec![after.seconds().into()]));
        }
        for condition in more {
            matching.push(condition.sql);
            params.extend(condition.params.into_iter().map(|param| Box::new(param) as Box<dyn ToSql>));
        }
        let matching = if matching.is_empty() { "TRUE".into() } else { matching.join(" AND ") };
        let sql = format!(
            "SELECT id, updated_at FROM {} WHERE {matching} ORDER BY id LIMIT {}",
            S::TABLE,
            MOST + 1
        );
        let mut statement = self.conn.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(params), |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The batch of that number.
    pub fn batch(&self, id: i64) -> Result<Option<Batch>> {
        let mut statement = self.conn.prepare_cached(concat!(batches!(), " WHERE id = ?"))?;
        Ok(statement.query_row([id], batch).optional()?)
    }

    /// The oldest batch that is not over.
    pub fn open_batch(&self) -> Result<Option<Batch>> {
        let sql = concat!(batches!(), " WHERE state IN ('waiting', 'running') ORDER BY id LIMIT 1");
        Ok(self.conn.prepare_cached(sql)?.query_row([], batch).optional()?)
    }

    /// A page of the batches that somebody may look at, in the order of their numbers.
    pub fn batches(&self, page: &Page, visible: &Visible) -> Result<Rows<Batch>> {
        let (names, orderer) = visible.params();
        let own = Visible::SQL;
        let sql = format!("SELECT count(*) FROM batches WHERE {own}");
        let total = self.conn.prepare_cached(&sql)?.query_row(params![names, orderer], |row| row.get(0))?;
        let (after, offset) = match page.start {
            Start::After(id) => (id, 0),
            Start::Offset(offset) => (0, offset),
        };
        let sql = format!("{} WHERE {own} AND id > ?3 ORDER BY id LIMIT ?4 OFFSET ?5", batches!());
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![names, orderer, after, page.limit.rows(), offset], batch)?;
        Ok(Rows { total, rows: rows.collect::<rusqlite::Result<_>>()? })
    }

    /// The newest batches that somebody may look at, the newest first.
    pub fn newest_batches(&self, most: usize, visible: &Visible) -> Result<Vec<Batch>> {
        let (names, orderer) = visible.params();
        let sql = format!("{} WHERE {} ORDER BY id DESC LIMIT ?3", batches!(), Visible::SQL);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![names, orderer, most], batch)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// What a batch does to each of its rows, as JSON.
    pub fn edit_of_batch(&self, id: i64) -> Result<String> {
        let mut statement = self.conn.prepare_cached("SELECT edit FROM batches WHERE id = ?")?;
        Ok(statement.query_row([id], |row| row.get(0))?)
    }

    /// The next piece of a batch: its number, and its rows.
    pub fn next_piece(&self, batch: i64) -> Result<Option<(i64, Vec<MatchedRow>)>> {
        let sql = "SELECT piece, meant FROM batch_pieces WHERE batch_id = ? ORDER BY piece LIMIT 1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let found = statement.query_row([batch], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)));
        let Some((piece, text)) = found.optional()? else { return Ok(None) };
        Ok(Some((piece, kept_row::parsed(&text)?)))
    }
}

impl Write<'_> {
    /// Orders a batch over those rows; its number.
    pub fn insert_batch(&self, new: &NewBatch, matched: &[MatchedRow], now: UnixTime) -> Result<i64> {
        let (kind, orderer) = written(new.orderer);
        let sql = "INSERT INTO batches (resource, action, edit, meant, actor_kind, actor_id, actor, address, created_at, \
                   updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)";
        self.conn.prepare_cached(sql)?.execute(params![
            new.resource.name(),
            new.action,
            new.edit,
            i64::try_from(matched.len()).unwrap_or(i64::MAX),
            kind,
            orderer,
            new.actor,
            new.address,
            now.seconds(),
        ])?;
        let id = self.conn.last_insert_rowid();
        let sql = "INSERT INTO batch_pieces (batch_id, piece, meant) VALUES (?, ?, ?)";
        let mut statement = self.conn.prepare_cached(sql)?;
        for (piece, rows) in (0_i64..).zip(matched.chunks(PIECE)) {
            statement.execute(params![id, piece, kept_row::written(rows)?])?;
        }
        Ok(id)
    }

    /// Notes that a piece of a batch is done, and how many of its rows are as wanted, and how many were refused.
    pub fn end_piece(&self, batch: i64, piece: i64, (done, failed): (i64, i64), now: UnixTime) -> Result<()> {
        let sql = "DELETE FROM batch_pieces WHERE batch_id = ? AND piece = ?";
        self.conn.prepare_cached(sql)?.execute([batch, piece])?;
        let sql = "UPDATE batches SET state = 'running', done = done + ?, failed = failed + ?, \
                   updated_at = max(?, updated_at + 1) WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute([done, failed, now.seconds(), batch])?;
        Ok(())
    }

    /// Ends a batch, whatever of it is left.
    pub fn end_batch(&self, batch: i64, state: State, why: &str, now: UnixTime) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM batch_pieces WHERE batch_id = ?")?.execute([batch])?;
        let sql = "UPDATE batches SET state = ?1, why = ?2, ended_at = ifnull(ended_at, ?3), \
                   updated_at = max(?3, updated_at + 1) WHERE id = ?4";
        self.conn.prepare_cached(sql)?.execute(params![state.name(), why, now.seconds(), batch])?;
        Ok(())
    }

    /// Forgets what can no longer be undone, some rows at a time, and batches that nobody looks for any more; whether
    /// there may be more.
    pub fn forget_batches(&self, now: UnixTime) -> Result<bool> {
        let old = now.seconds() - UNDONE_WITHIN;
        let sql = "DELETE FROM batch_rows WHERE (batch_id, row_id) IN (SELECT batch_id, row_id FROM batch_rows \
                   WHERE batch_id IN (SELECT id FROM batches WHERE ended_at < ?) AND before <> '' AND outcome <> 'kept' LIMIT 500)";
        let rows = self.conn.prepare_cached(sql)?.execute([old])?;
        // Those that were kept stay named.
        let sql = "UPDATE batch_rows SET before = '' WHERE (batch_id, row_id) IN (SELECT batch_id, row_id FROM batch_rows \
                   WHERE batch_id IN (SELECT id FROM batches WHERE ended_at < ?) AND before <> '' AND outcome = 'kept' \
                   AND why <> '' LIMIT 500)";
        let kept = self.conn.prepare_cached(sql)?.execute([old])?;
        if rows + kept > 0 {
            return Ok(true);
        }
        let sql = "DELETE FROM batches WHERE id IN (SELECT id FROM batches WHERE ended_at < ? LIMIT 10)";
        Ok(self.conn.prepare_cached(sql)?.execute([now.seconds() - LISTED_FOR])? == 10)
    }
}
