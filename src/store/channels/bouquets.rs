//! The streams of bouquets, some at a time: a bouquet may hold a hundred thousand.

use rusqlite::{OptionalExtension, params};

use crate::{
    domain::{
        Resource, Result,
        fields::time::UnixTime,
        ids::{BouquetId, Id, StreamId},
    },
    store::{Read, Write, engine::table::CHANGED},
};

impl Read<'_> {
    /// What a bouquet is called; `None` if it is not there.
    pub fn bouquet_name(&self, id: BouquetId) -> Result<Option<String>> {
        let mut statement = self.conn.prepare_cached("SELECT name FROM bouquets WHERE id = ?")?;
        Ok(statement.query_row([id.number()], |row| row.get(0)).optional()?)
    }
}

impl Write<'_> {
    /// Puts streams at the end of a bouquet; those that it did not hold before. Streams that are not there are passed over.
    pub fn append_streams(
        &self,
        bouquet: BouquetId,
        ids: &[StreamId],
        now: UnixTime,
    ) -> Result<Vec<StreamId>> {
        let sql = "SELECT coalesce(max(place), -1) + 1 FROM bouquet_streams WHERE bouquet_id = ?";
        let mut place: i64 =
            self.conn.prepare_cached(sql)?.query_row([bouquet.number()], |row| row.get(0))?;
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO bouquet_streams (bouquet_id, place, stream_id) SELECT ?1, ?2, id FROM streams WHERE id = ?3 \
             AND NOT EXISTS (SELECT 1 FROM bouquet_streams WHERE stream_id = ?3 AND bouquet_id = ?1)",
        )?;
        let mut added = Vec::new();
        for id in ids {
            if insert.execute(params![bouquet.number(), place, id.number()])? > 0 {
                place += 1;
                added.push(*id);
            }
        }
        self.stamp(bouquet, !added.is_empty(), now)?;
        Ok(added)
    }

    /// Takes streams out of a bouquet; those that it held.
    pub fn remove_streams(
        &self,
        bouquet: BouquetId,
        ids: &[StreamId],
        now: UnixTime,
    ) -> Result<Vec<StreamId>> {
        let mut delete =
            self.conn.prepare_cached("DELETE FROM bouquet_streams WHERE stream_id = ? AND bouquet_id = ?")?;
        let mut removed = Vec::new();
        for id in ids {
            if delete.execute(params![id.number(), bouquet.number()])? > 0 {
                removed.push(*id);
            }
        }
        self.stamp(bouquet, !removed.is_empty(), now)?;
        Ok(removed)
    }

    fn stamp(&self, bouquet: BouquetId, changed: bool, now: UnixTime) -> Result<()> {
        if changed {
            let sql = format!("UPDATE bouquets SET {CHANGED} WHERE id = ?");
            self.conn.prepare_cached(&sql)?.execute(params![now.seconds(), bouquet.number()])?;
            self.note(Resource::Bouquets, bouquet.number());
        }
        Ok(())
    }
}
