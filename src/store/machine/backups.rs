//! What is known of backups: a row for each file, and for each that is to be made.

use rusqlite::{OptionalExtension, Row, params};

use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        ids::BackupId,
        machine::backups::{Backup, Kind, State},
        page::{Page, Rows, Start},
    },
    store::{Read, Write},
};

/// A backup that is new.
pub struct NewBackup<'a> {
    /// The name of its file.
    pub name: &'a str,
    /// By what it is made.
    pub kind: Kind,
    /// Who wanted it.
    pub actor: &'a str,
    /// How far it is.
    pub state: State,
    /// The size of its file.
    pub bytes: i64,
    /// When it was ordered, or its file written.
    pub at: UnixTime,
}

const COLUMNS: &str = "id, name, kind, actor, state, bytes, error, attempts, made_at, wants_verify, verified_at, verify_error, next_send_at, \
                       send_attempts, sent_at, sent_to, send_error, encrypted, created_at, updated_at";

fn backup(row: &Row<'_>) -> rusqlite::Result<Backup> {
    let time = |place| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(place)?.map(UnixTime::clamped));
    let (kind, state): (String, String) = (row.get(2)?, row.get(4)?);
    Ok(Backup {
        id: BackupId(row.get(0)?),
        name: row.get(1)?,
        // A CHECK of the schema leaves no others.
        kind: Kind::named(&kind).unwrap_or(Kind::File),
        actor: row.get(3)?,
        state: State::named(&state).unwrap_or(State::Failed),
        bytes: row.get(5)?,
        error: row.get(6)?,
        attempts: row.get(7)?,
        made_at: time(8)?,
        wants_verify: row.get(9)?,
        verified_at: time(10)?,
        verify_error: row.get(11)?,
        next_send_at: time(12)?,
        send_attempts: row.get(13)?,
        sent_at: time(14)?,
        sent_to: row.get(15)?,
        send_error: row.get(16)?,
        encrypted: row.get(17)?,
        created_at: UnixTime::clamped(row.get(18)?),
        updated_at: UnixTime::clamped(row.get(19)?),
    })
}

impl Read<'_> {
    /// A page of backups, the newest first.
    ///
    /// # Errors
    /// A database error.
    pub fn backups(&self, page: &Page) -> Result<Rows<Backup>> {
        let total = self.rows_of("backups")?;
        let (before, offset) = match page.start {
            Start::Offset(offset) => (i64::MAX, offset),
            Start::After(id) => (id, 0),
        };
        let sql = format!("SELECT {COLUMNS} FROM backups WHERE id < ? ORDER BY id DESC LIMIT ? OFFSET ?");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![before, page.limit.rows(), offset], backup)?;
        Ok(Rows { total, rows: rows.collect::<rusqlite::Result<_>>()? })
    }

    /// Every backup, the oldest first.
    ///
    /// # Errors
    /// A database error.
    pub fn all_backups(&self) -> Result<Vec<Backup>> {
        let sql = format!("SELECT {COLUMNS} FROM backups ORDER BY id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map([], backup)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// A backup.
    ///
    /// # Errors
    /// A database error.
    pub fn backup(&self, id: BackupId) -> Result<Option<Backup>> {
        let sql = format!("SELECT {COLUMNS} FROM backups WHERE id = ?");
        Ok(self.conn.prepare_cached(&sql)?.query_row([id.0], backup).optional()?)
    }
}

impl Write<'_> {
    /// Notes a backup; its number.
    ///
    /// # Errors
    /// A database error.
    pub fn add_backup(&self, new: &NewBackup<'_>) -> Result<BackupId> {
        let sql = "INSERT INTO backups (name, kind, actor, state, bytes, made_at, wants_verify, created_at, updated_at) \
                   VALUES (?, ?, ?, ?, ?5, ?6, 0, ?7, ?7)";
        let made_at = (new.state == State::Made).then_some(new.at.seconds());
        self.conn.prepare_cached(sql)?.execute(params![
            new.name,
            new.kind.name(),
            new.actor,
            new.state.name(),
            new.bytes,
            made_at,
            new.at.seconds()
        ])?;
        Ok(BackupId(self.conn.last_insert_rowid()))
    }

    /// Changes what is known of a backup, as it is now; what it is then, or none if there is none any more.
    ///
    /// # Errors
    /// A database error.
    pub fn change_backup(
        &self,
        id: BackupId,
        now: UnixTime,
        change: impl FnOnce(&mut Backup),
    ) -> Result<Option<Backup>> {
        let Some(mut row) = self.backup(id)? else { return Ok(None) };
        change(&mut row);
        row.updated_at = UnixTime::clamped(now.seconds().max(row.updated_at.seconds() + 1));
        let sql = "UPDATE backups SET (name, state, bytes, error, attempts, made_at, wants_verify, verified_at, verify_error, next_send_at, \
                   send_attempts, sent_at, sent_to, send_error, encrypted, updated_at) \
                   = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) WHERE id = ?1";
        let seconds = |at: Option<UnixTime>| at.map(UnixTime::seconds);
        self.conn.prepare_cached(sql)?.execute(params![
            id.0,
            row.name,
            row.state.name(),
            row.bytes,
            row.error,
            row.attempts,
            seconds(row.made_at),
            row.wants_verify,
            seconds(row.verified_at),
            row.verify_error,
            seconds(row.next_send_at),
            row.send_attempts,
            seconds(row.sent_at),
            row.sent_to,
            row.send_error,
            row.encrypted,
            row.updated_at.seconds()
        ])?;
        Ok(Some(row))
    }

    /// Forgets a backup.
    ///
    /// # Errors
    /// A database error.
    pub fn delete_backup(&self, id: BackupId) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM backups WHERE id = ?")?.execute([id.0])?;
        Ok(())
    }
}
