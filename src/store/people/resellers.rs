//! Resellers' balances and their ledger: a balance moves only together with a ledger row.

use rusqlite::{OptionalExtension, Row, params};

use crate::{
    domain::{
        Error, Resource, Result,
        fields::{
            credits::{Credits, Movement},
            time::UnixTime,
        },
        ids::{LineId, MagId, PlanId, ResellerId},
        page::{Page, Rows, Start},
        people::{api_key::KeyHash, reseller::Held},
    },
    store::{
        Read, Write,
        engine::{fault::broken, table::CHANGED},
    },
};

/// Why a balance moves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cause<'a> {
    /// One of [`REASONS`].
    pub reason: &'static str,
    /// Who moved it.
    pub actor: &'a str,
    /// The line that was sold.
    pub line: Option<LineId>,
    /// The MAG that was sold.
    pub mag: Option<MagId>,
    /// The plan that it was sold with.
    pub plan: Option<PlanId>,
    /// In the words of whoever moves it.
    pub note: &'a str,
    /// The slip of the form that books it.
    pub slip: Option<&'a KeyHash>,
}

/// Every reason for which a balance moves.
pub const REASONS: [&str; 7] = ["opening", "added", "set", "sale", "extension", "undone", "closing"];

/// Which rows of a ledger are wanted, in which order.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// At or after that moment.
    pub since: Option<UnixTime>,
    /// Before that moment.
    pub before: Option<UnixTime>,
    pub reason: Option<&'static str>,
    /// The newest first: pages by offset alone.
    pub newest_first: bool,
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
    /// In the words of whoever moved it.
    pub note: String,
    /// The username of the line or the MAC address of the MAG, while it is there.
    pub sold: Option<String>,
}

impl Booking {
    const COLUMNS: &str = "id, at, amount, balance, reason, actor, line_id, mag_id, plan_id, note, \
                           coalesce((SELECT username FROM lines WHERE lines.id = ledger.line_id), \
                                    (SELECT mac_address FROM mags WHERE mags.id = ledger.mag_id))";

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
            note: row.get(9)?,
            sold: row.get(10)?,
        })
    }
}

/// An administrator of a reseller.
#[derive(Clone, Debug)]
pub struct Person {
    /// Its row id.
    pub id: i64,
    pub username: String,
    /// Its e-mail address.
    pub email: String,
}

/// What a list of resellers shows beside the columns.
#[derive(Clone, Debug)]
pub struct Holdings {
    /// Its administrators.
    pub people: Vec<Person>,
    /// The names of its API keys.
    pub keys: Vec<String>,
    /// How many lines belong to it.
    pub lines: i64,
    /// How many MAGs belong to it.
    pub mags: i64,
    /// How many connections they hold together.
    pub held: Held,
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

    /// How many trials its people have sold on that day.
    pub fn trials_sold(&self, id: ResellerId, day: UnixTime) -> Result<i64> {
        let sql = "SELECT sold FROM trial_sales WHERE reseller_id = ? AND day = ?";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row([id.0, day.seconds()], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    /// The reseller of that name, or else the one whose administrator has that username.
    pub fn reseller_named(&self, name: &str) -> Result<Option<ResellerId>> {
        let sql = "SELECT id FROM resellers WHERE name = ?1 UNION ALL \
                   SELECT reseller_id FROM administrators WHERE username = ?1 AND reseller_id IS NOT NULL LIMIT 1";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?.map(ResellerId))
    }

    /// Who works for a reseller and what belongs to it.
    pub fn holdings(&self, id: ResellerId) -> Result<Holdings> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, username, email FROM administrators WHERE reseller_id = ? ORDER BY id",
        )?;
        let people = statement.query_map([id.0], |row| {
            Ok(Person { id: row.get(0)?, username: row.get(1)?, email: row.get(2)? })
        })?;
        let people = people.collect::<rusqlite::Result<_>>()?;
        let mut statement =
            self.conn.prepare_cached("SELECT name FROM api_keys WHERE reseller_id = ? ORDER BY id")?;
        let keys = statement.query_map([id.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        let held = |table: &str| -> rusqlite::Result<(i64, Held)> {
            let sql = format!(
                "SELECT count(*), coalesce(sum(max_allowed_connections), 0), coalesce(sum(max_allowed_connections = 0), 0) \
                 FROM {table} WHERE reseller_id = ?"
            );
            self.conn.prepare_cached(&sql)?.query_row([id.0], |row| {
                Ok((row.get(0)?, Held { connections: row.get(1)?, unlimited: row.get(2)? }))
            })
        };
        let ((lines, by_lines), (mags, by_mags)) = (held("lines")?, held("mags")?);
        let held = Held {
            connections: by_lines.connections + by_mags.connections,
            unlimited: by_lines.unlimited + by_mags.unlimited,
        };
        Ok(Holdings { people, keys, lines, mags, held })
    }

    /// A page of a reseller's ledger, and exactly how many rows are wanted.
    pub fn statement(&self, id: ResellerId, wanted: &Wanted, page: &Page) -> Result<Rows<Booking>> {
        const MATCHING: &str = "FROM ledger WHERE reseller_id = ?1 AND (?2 IS NULL OR at >= ?2) \
                                AND (?3 IS NULL OR at < ?3) AND (?4 IS NULL OR reason = ?4)";
        let (since, before) = (wanted.since.map(UnixTime::seconds), wanted.before.map(UnixTime::seconds));
        let total = self
            .conn
            .prepare_cached(&format!("SELECT count(*) {MATCHING}"))?
            .query_row(params![id.0, since, before, wanted.reason], |row| row.get(0))?;
        let (after, offset) = match page.start {
            Start::Offset(offset) => (0, offset),
            Start::After(id) => (id, 0),
        };
        let order = if wanted.newest_first { "id DESC" } else { "id" };
        let sql =
            format!("SELECT {} {MATCHING} AND id > ?5 ORDER BY {order} LIMIT ?6 OFFSET ?7", Booking::COLUMNS);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let asked = params![id.0, since, before, wanted.reason, after, page.limit.rows(), offset];
        let rows = statement.query_map(asked, Booking::read)?;
        Ok(Rows { total, rows: rows.collect::<rusqlite::Result<_>>()? })
    }

    /// What that slip has booked: for which reseller.
    pub fn booked_by(&self, slip: &KeyHash) -> Result<Option<(ResellerId, Booking)>> {
        let sql = format!("SELECT {}, reseller_id FROM ledger WHERE slip = ?", Booking::COLUMNS);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let found =
            statement.query_row([slip.hex()], |row| Ok((ResellerId(row.get(11)?), Booking::read(row)?)));
        Ok(found.optional()?)
    }

    /// The latest rows of a reseller's ledger, newest first.
    pub fn last_bookings(&self, id: ResellerId, most: u32) -> Result<Vec<Booking>> {
        let sql =
            format!("SELECT {} FROM ledger WHERE reseller_id = ? ORDER BY id DESC LIMIT ?", Booking::COLUMNS);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![id.0, most], Booking::read)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Write<'_> {
    /// Counts a trial that its people sell on that day.
    pub fn count_trial(&self, id: ResellerId, day: UnixTime) -> Result<()> {
        let sql = "INSERT INTO trial_sales (reseller_id, day, sold) VALUES (?, ?, 1) ON CONFLICT (reseller_id) DO UPDATE \
                   SET sold = iif(day = excluded.day, sold + 1, 1), day = excluded.day";
        self.conn.prepare_cached(sql)?.execute([id.0, day.seconds()])?;
        Ok(())
    }

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
        let sql = format!("UPDATE resellers SET credits = ?, {CHANGED} WHERE id = ?");
        self.conn.prepare_cached(&sql)?.execute(params![balance.get(), now.seconds(), id.0])?;
        let sql = "INSERT INTO ledger (reseller_id, at, amount, balance, reason, actor, line_id, mag_id, plan_id, \
                   note, slip) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
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
            cause.note,
            cause.slip.map(KeyHash::hex),
        ])?;
        Ok(balance)
    }
}
