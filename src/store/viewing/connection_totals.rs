//! How many connections a reseller's lines and MAGs hold together.

use crate::{
    domain::{Result, ids::ResellerId, people::reseller::Held},
    store::Read,
};

impl Read<'_> {
    /// The sum over its lines and MAGs.
    pub fn held(&self, id: ResellerId) -> Result<Held> {
        let sql = "SELECT coalesce(sum(n), 0), coalesce(sum(n = 0), 0) FROM ( \
                   SELECT max_allowed_connections AS n FROM lines WHERE reseller_id = ?1 UNION ALL \
                   SELECT max_allowed_connections FROM mags WHERE reseller_id = ?1)";
        let mut statement = self.conn.prepare_cached(sql)?;
        Ok(statement
            .query_row([id.0], |row| Ok(Held { connections: row.get(0)?, unlimited: row.get(1)? }))?)
    }
}
