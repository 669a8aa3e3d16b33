//! Links by which somebody who has forgotten the password sets a new one.

use rusqlite::{OptionalExtension, params};

use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        ids::AdminId,
        people::{api_key::KeyHash, password_link},
    },
    store::{Read, Write},
};

impl Read<'_> {
    /// Whose link that is, while it is good.
    ///
    /// # Errors
    /// A database error.
    pub fn password_link(&self, hash: &KeyHash, now: UnixTime) -> Result<Option<AdminId>> {
        let sql = "SELECT admin_id, at FROM password_links WHERE hash = ?";
        let found = self
            .conn
            .prepare_cached(sql)?
            .query_row([hash.hex()], |row| Ok((AdminId(row.get(0)?), UnixTime::clamped(row.get(1)?))));
        let found = found.optional()?;
        Ok(found.filter(|(_, at)| password_link::is_good(*at, now)).map(|(admin, _)| admin))
    }
}

impl Write<'_> {
    /// Notes a new link; false if somebody has as many as may be good at once.
    ///
    /// # Errors
    /// A database error.
    pub fn insert_password_link(&self, admin: AdminId, hash: &KeyHash, now: UnixTime) -> Result<bool> {
        let sql = "DELETE FROM password_links WHERE at <= ?";
        self.conn.prepare_cached(sql)?.execute([now.seconds() - password_link::GOOD_FOR])?;
        let sql = "INSERT INTO password_links (hash, admin_id, at) SELECT ?1, ?2, ?3 \
                   WHERE (SELECT count(*) FROM password_links WHERE admin_id = ?2) < ?4";
        let row = params![hash.hex(), admin.0, now.seconds(), password_link::AT_ONCE];
        Ok(self.conn.prepare_cached(sql)?.execute(row)? > 0)
    }

    /// Forgets every link of somebody.
    ///
    /// # Errors
    /// A database error.
    pub fn delete_password_links(&self, admin: AdminId) -> Result<()> {
        self.conn.prepare_cached("DELETE FROM password_links WHERE admin_id = ?")?.execute([admin.0])?;
        Ok(())
    }
}
