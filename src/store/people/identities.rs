//! Accounts at OpenID Connect providers with which administrators sign in.

use rusqlite::{OptionalExtension, Row, params};

use crate::{
    domain::{Result, fields::time::UnixTime, ids::AdminId, people::oidc::Account},
    store::{Read, Write},
};

/// One account of an administrator.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its row id.
    pub id: i64,
    /// Whose it is.
    pub admin: AdminId,
    /// The provider.
    pub issuer: String,
    /// The account, as people know it.
    pub account: String,
    /// Since when.
    pub created_at: UnixTime,
    /// When somebody last signed in with it.
    pub last_used_at: Option<UnixTime>,
}

const COLUMNS: &str = "id, admin_id, issuer, account, created_at, last_used_at";

fn identity(row: &Row<'_>) -> rusqlite::Result<Identity> {
    Ok(Identity {
        id: row.get(0)?,
        admin: AdminId(row.get(1)?),
        issuer: row.get(2)?,
        account: row.get(3)?,
        created_at: UnixTime::clamped(row.get(4)?),
        last_used_at: row.get::<_, Option<i64>>(5)?.map(UnixTime::clamped),
    })
}

impl Read<'_> {
    /// The row of an account.
    ///
    /// # Errors
    /// A database error.
    pub fn identity(&self, account: &Account) -> Result<Option<Identity>> {
        let sql = format!("SELECT {COLUMNS} FROM administrator_identities WHERE issuer = ? AND subject = ?");
        let key = [&account.issuer, &account.subject];
        Ok(self.conn.prepare_cached(&sql)?.query_row(key, identity).optional()?)
    }

    /// The accounts of an administrator, oldest first.
    ///
    /// # Errors
    /// A database error.
    pub fn identities(&self, admin: AdminId) -> Result<Vec<Identity>> {
        let sql = format!("SELECT {COLUMNS} FROM administrator_identities WHERE admin_id = ? ORDER BY id");
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map([admin.0], identity)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Write<'_> {
    /// Connects an account with an administrator.
    ///
    /// # Errors
    /// A database error, also for an account that is connected already.
    pub fn insert_identity(&self, admin: AdminId, account: &Account, now: UnixTime) -> Result<()> {
        let sql = "INSERT INTO administrator_identities (admin_id, issuer, subject, account, created_at) \
                   VALUES (?, ?, ?, ?, ?)";
        let row = params![admin.0, account.issuer, account.subject, account.shown(), now.seconds()];
        self.conn.prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    /// Notes that somebody signs in with an account, and what people call it by now.
    ///
    /// # Errors
    /// A database error.
    pub fn identity_used(&self, id: i64, account: &Account, now: UnixTime) -> Result<()> {
        let sql = "UPDATE administrator_identities SET account = ?, last_used_at = ? WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute(params![account.shown(), now.seconds(), id])?;
        Ok(())
    }

    /// Disconnects an account of that administrator; what it was called, if there was one.
    ///
    /// # Errors
    /// A database error.
    pub fn delete_identity(&self, id: i64, admin: AdminId) -> Result<Option<String>> {
        let sql = "DELETE FROM administrator_identities WHERE id = ? AND admin_id = ? RETURNING account";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement.query_row(params![id, admin.0], |row| row.get(0)).optional()?)
    }
}
