//! What is asked of administrators beside their columns.

use rusqlite::OptionalExtension;

use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        ids::{AdminId, GroupId},
    },
    store::Read,
};

impl Read<'_> {
    /// How many administrators of that group are enabled and work for no reseller.
    pub fn full_administrators(&self, group: GroupId) -> Result<i64> {
        let sql =
            "SELECT count(*) FROM administrators WHERE group_id = ? AND reseller_id IS NULL AND disabled = 0";
        Ok(self.conn.prepare_cached(sql)?.query_row([group.0], |row| row.get(0))?)
    }

    /// When an administrator last signed in.
    pub fn last_login(&self, id: AdminId) -> Result<Option<UnixTime>> {
        let mut statement =
            self.conn.prepare_cached("SELECT last_login_at FROM administrators WHERE id = ?")?;
        let at: Option<Option<i64>> = statement.query_row([id.0], |row| row.get(0)).optional()?;
        Ok(at.flatten().map(UnixTime::clamped))
    }
}
