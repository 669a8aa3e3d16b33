//! Ends of lines and MAGs that come near or have come, in their order, and up to where they were told.

use rusqlite::{OptionalExtension, params, params_from_iter};

use crate::{
    domain::{Resource, Result, ids::ResellerId},
    store::{Read, Write},
};

/// This many days before the end, of lines or of MAGs; 0 is the end itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Lines or MAGs.
    pub resource: Resource,
    /// How many days before.
    pub days: i64,
}

impl Watch {
    fn table(self) -> (&'static str, &'static str) {
        if self.resource == Resource::Mag { ("mags", "mac_address") } else { ("lines", "username") }
    }
}

/// An end, and whose it is: the place up to which was told.
pub type EndCursor = (i64, i64);

/// A line or MAG that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Its id.
    pub id: i64,
    /// Its username or MAC address.
    pub name: String,
    /// The caller's own number of it; empty for none.
    pub reference: String,
    /// Whose it is.
    pub reseller: Option<ResellerId>,
    /// When it ends.
    pub end: i64,
}

impl Read<'_> {
    /// Up to which place was told; `None` if it never was.
    pub fn ends_told(&self, watch: Watch) -> Result<Option<EndCursor>> {
        let sql = "SELECT told_to, told_id FROM end_events WHERE resource = ? AND days = ?";
        let mut statement = self.conn.prepare_cached(sql)?;
        let row = params![watch.resource.name(), watch.days];
        Ok(statement.query_row(row, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Those that end behind a place and up to a moment, at most this many.
    pub fn ending(&self, watch: Watch, after: EndCursor, to: i64, most: usize) -> Result<Vec<Ending>> {
        let (table, name) = watch.table();
        // As the index has it.
        let end = "ifnull(expire_date, 253402300800)";
        let sql = format!(
            "SELECT id, {name}, expire_date, reference, reseller_id FROM {table} WHERE {end} >= ?1 AND {end} <= ?2 \
             AND ({end} > ?1 OR id > ?3) ORDER BY {end}, id LIMIT ?4"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![after.0, to, after.1, most], |row| {
            Ok(Ending {
                id: row.get(0)?,
                name: row.get(1)?,
                end: row.get(2)?,
                reference: row.get(3)?,
                reseller: row.get::<_, Option<i64>>(4)?.map(ResellerId),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Write<'_> {
    /// Notes up to which place was told.
    pub fn note_ends_told(&self, watch: Watch, (end, id): EndCursor) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO end_events (resource, days, told_to, told_id) VALUES (?, ?, ?, ?)";
        self.conn.prepare_cached(sql)?.execute(params![watch.resource.name(), watch.days, end, id])?;
        Ok(())
    }

    /// Forgets it for days that are no longer told of.
    pub fn keep_ends_told(&self, days: &[i64]) -> Result<()> {
        let marks = vec!["?"; days.len()].join(", ");
        let sql = format!("DELETE FROM end_events WHERE days NOT IN ({marks})");
        self.conn.prepare_cached(&sql)?.execute(params_from_iter(days))?;
        Ok(())
    }
}
