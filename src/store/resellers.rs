//! Resellers' balances and their ledger: a balance moves only together with a ledger row.

use rusqlite::{OptionalExtension, Row, params};

use super::{Read, Write, fault::broken};
use crate::domain::{
    Error, Resource, Result,
    credits::{Credits, Movement},
    ids::{LineId, MagId, PlanId, ResellerId},
    page::{Page, Rows, Start},
    time::UnixTime,
};

/// Why a balance moves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cause<'a> {
    /// `opening`, `added`, `set`, `sale`, `extension`, `closing`.
    pub reason: &'static str,
    /// Who moved it.
    pub actor: &'a str,
    /// The line that was sold.
    pub line: Option<LineId>,
    /// The MAG that was sold.
    pub mag: Option<MagId>,
    /// The plan that it was sold with.
    pub plan: Option<PlanId>,
}

/// A row of the ledger.
#[derive(Clone, Debug)]
pub struct Booking {
    /// Its row id.
    pub id: i64,
    /// When.
    pub at: UnixTime,
    /// The signed amount.
    pub amount: i64,
    /// The balance after it.
    pub balance: i64,
    /// Why.
    pub reason: String,
    /// Who moved it.
    pub actor: String,
    /// The line that was sold.
    pub line_id: Option<i64>,
    /// The MAG that was sold.
    pub mag_id: Option<i64>,
    /// The plan that it was sold with.
    pub plan_id: Option<i64>,
}

impl Booking {
    const COLUMNS: &str = "id, at, amount, balance, reason, actor, line_id, mag_id, plan_id";

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            at: UnixTime::clamped(row.get(1)?),
            amount: row.get(2)?,
            balance: row.get(3)?,
            reason: row.get(4)?,
            actor: row.get(5)?,
            line_id: row.get(6)?,
            mag_id: row.get(7)?,
            plan_id: row.get(8)?,
        })
    }
}

/// What a list of resellers shows beside the columns.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// The usernames of its administrators.
    pub usernames: Vec<String>,
    /// Their e-mail addresses, in the same order.
    pub emails: Vec<String>,
    /// How many lines belong to it.
    pub lines: i64,
    /// How many MAGs belong to it.
    pub mags: i64,
}

impl Read<'_> {
    /// The balance of a reseller.
    ///
    /// # Errors
    /// [`Error::NoSuch`], or a database error.
    pub fn balance(&self, id: ResellerId) -> Result<Credits> {
        let mut statement = self.conn.prepare_cached("SELECT credits FROM resellers WHERE id = ?")?;
        let balance = statement.query_row([id.0], |row| row.get(0)).optional()?;
        let balance = balance.ok_or(Error::no_such(Resource::Resellers))?;
        Credits::new(balance).ok_or_else(|| broken("a balance is out of bounds"))
    }

    /// The reseller of that name, or else the one whose administrator has that username.
    ///
    /// # Errors
    /// A database error.
    pub fn reseller_named(&self, name: &str) -> Result<Option<ResellerId>> {
        let sql = "SELECT id FROM resellers WHERE name = ?1 UNION ALL \
                   SELECT reseller_id FROM administrators WHERE username = ?1 AND reseller_id IS NOT NULL LIMIT 1";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?.map(ResellerId))
    }

    /// Who works for a reseller and what belongs to it.
    ///
    /// # Errors
    /// A database error.
    pub fn holdings(&self, id: ResellerId) -> Result<Holdings> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT username, email FROM administrators WHERE reseller_id = ? ORDER BY id")?;
        let people: Vec<(String, String)> = statement
            .query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let (usernames, emails) = people.into_iter().unzip();
        let count = |sql: &str| self.conn.prepare_cached(sql)?.query_row([id.0], |row| row.get(0));
        let lines = count("SELECT count(*) FROM lines WHERE reseller_id = ?")?;
        let mags = count("SELECT count(*) FROM mags WHERE reseller_id = ?")?;
        Ok(Holdings { usernames, emails, lines, mags })
    }

    /// A page of a reseller's ledger in the order of time.
    ///
    /// # Errors
    /// A database error.
    pub fn statement(&self, id: ResellerId, page: &Page) -> Result<Rows<Booking>> {
        let total = self
            .conn
            .prepare_cached("SELECT count(*) FROM ledger WHERE reseller_id = ?")?
            .query_row([id.0], |row| row.get(0))?;
        let (after, offset) = match page.start {
            Start::Offset(offset) => (0, offset),
            Start::After(id) => (id, 0),
        };
        let sql = format!(
            "SELECT {} FROM ledger WHERE reseller_id = ? AND id > ? ORDER BY id LIMIT ? OFFSET ?",
            Booking::COLUMNS
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![id.0, after, page.limit.rows(), offset], Booking::read)?;
        Ok(Rows { total, rows: rows.collect::<rusqlite::Result<_>>()? })
    }

    /// The latest rows of a reseller's ledger, newest first.
    ///
    /// # Errors
    /// A database error.
    pub fn last_bookings(&self, id: ResellerId, most: u32) -> Result<Vec<Booking>> {
        let sql =
            format!("SELECT {} FROM ledger WHERE reseller_id = ? ORDER BY id DESC LIMIT ?", Booking::COLUMNS);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![id.0, most], Booking::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Write<'_> {
    /// Moves a balance and books it; the balance after.
    ///
    /// # Errors
    /// [`Error::NotEnoughCredits`], [`Error::NoSuch`], or a database error.
    pub fn move_credits(
        &self,
        id: ResellerId,
        movement: Movement,
        cause: Cause<'_>,
        now: UnixTime,
    ) -> Result<Credits> {
        let balance = self.balance(id)?.after(movement)?;
        self.conn
            .prepare_cached("UPDATE resellers SET credits = ?, updated_at = ? WHERE id = ?")?
            .execute(params![balance.get(), now.seconds(), id.0])?;
        let sql = "INSERT INTO ledger (reseller_id, at, amount, balance, reason, actor, line_id, mag_id, plan_id) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.conn.prepare_cached(sql)?.execute(params![
            id.0,
            now.seconds(),
            movement.get(),
            balance.get(),
            cause.reason,
            cause.actor,
            cause.line.map(|id| id.0),
            cause.mag.map(|id| id.0),
            cause.plan.map(|id| id.0),
        ])?;
        Ok(balance)
    }
}
