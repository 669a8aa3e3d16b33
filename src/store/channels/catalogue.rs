//! The channels of a subscription, with what players show of them.

use std::collections::HashMap;

use crate::{
    domain::{
        Result,
        channels::catalogue::{Channel, Heading},
        fields::time::UnixTime,
        ids::{BouquetId, CategoryId, PlanId, StreamId},
    },
    store::Read,
};

impl Read<'_> {
    /// The enabled streams that the plan's bouquets and its own hold, in the order of
    /// [`Read::channels`].
    pub fn catalogue(&self, plan: Option<PlanId>, own: &[BouquetId]) -> Result<Vec<Channel>> {
        let order = self.channels(plan, own)?;
        let mut found: Vec<Option<Channel>> = order.iter().map(|_| None).collect();
        let places: HashMap<i64, usize> = order.iter().map(|id| id.0).zip(0..).collect();
        let mut statement = self.conn.prepare_cached(
            "SELECT s.id, s.name, s.logo_url, s.epg_channel_id, s.number, s.created_at, c.id, c.name, c.censored \
             FROM streams s LEFT JOIN categories c ON c.id = s.category_id WHERE s.enabled = 1",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let Some(place) = places.get(&row.get(0)?) else { continue };
            let heading = match row.get(6)? {
                Some(id) => Some(Heading { id: CategoryId(id), name: row.get(7)?, censored: row.get(8)? }),
                None => None,
            };
            found[*place] = Some(Channel {
                id: StreamId(row.get(0)?),
                name: row.get(1)?,
                logo: row.get(2)?,
                guide_id: row.get(3)?,
                number: row.get(4)?,
                added: UnixTime::clamped(row.get(5)?),
                heading,
            });
        }
        Ok(found.into_iter().flatten().collect())
    }
}
