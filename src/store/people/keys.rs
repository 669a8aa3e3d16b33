//! The whitelist of the Server API, and when its keys were last used.

use rusqlite::params;

use crate::{
    domain::{
        Result,
        fields::{net::Network, time::UnixTime},
        ids::ApiKeyId,
    },
    store::{Read, Write, engine::fault::broken},
};

/// One entry of the whitelist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its row id.
    pub id: i64,
    /// The address or range.
    pub address: Network,
    /// What the operator wrote about it.
    pub note: String,
    /// When it was added.
    pub created_at: UnixTime,
}

impl Read<'_> {
    /// The whole whitelist in the order in which it was made.
    pub fn whitelist(&self) -> Result<Vec<Entry>> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT id, address, note, created_at FROM api_whitelist ORDER BY id")?;
        let mut rows = statement.query([])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let text: String = row.get(1)?;
            let address = Network::new(&text).map_err(|_| broken("a whitelist entry is not an address"))?;
            let created_at = UnixTime::clamped(row.get(3)?);
            entries.push(Entry { id: row.get(0)?, address, note: row.get(2)?, created_at });
        }
        Ok(entries)
    }

    /// When each key was last used, for those that were.
    pub fn keys_last_used(&self) -> Result<Vec<(ApiKeyId, UnixTime)>> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT id, last_used_at FROM api_keys WHERE last_used_at IS NOT NULL")?;
        let rows =
            statement.query_map([], |row| Ok((ApiKeyId(row.get(0)?), UnixTime::clamped(row.get(1)?))))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Write<'_> {
    /// Adds an entry to the whitelist.
    ///
    /// # Errors
    /// `Taken` if it is there already, or a database error.
    pub fn insert_whitelist(&self, address: Network, note: &str, now: UnixTime) -> Result<i64> {
        self.conn
            .prepare_cached("INSERT INTO api_whitelist (address, note, created_at) VALUES (?, ?, ?)")?
            .execute(params![address.to_string(), note, now.seconds()])?;
        self.snapshot_changed();
        Ok(self.conn.last_insert_rowid())
    }

    /// Removes an entry; its id if it was there.
    pub fn delete_whitelist(&self, address: Network) -> Result<Option<i64>> {
        let mut statement =
            self.conn.prepare_cached("DELETE FROM api_whitelist WHERE address = ? RETURNING id")?;
        let mut rows = statement.query([address.to_string()])?;
        let id = rows.next()?.map(|row| row.get(0)).transpose()?;
        self.snapshot_changed();
        Ok(id)
    }

    /// Notes when a key was last used.
    pub fn key_used(&self, id: ApiKeyId, at: UnixTime) -> Result<()> {
        self.conn
            .prepare_cached("UPDATE api_keys SET last_used_at = ? WHERE id = ?")?
            .execute(params![at.seconds(), id.0])?;
        Ok(())
    }
}
