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
    ///
    /// # Errors
    /// A database error.
    pub fn catalogue(&self, plan: Option<PlanId>, own: &[BouquetId]) -> Result<Vec<Channel>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT s.id, s.name, s.logo_url, s.epg_channel_id, s.number, s.created_at, c.id, c.name, c.censored \
             FROM streams s LEFT JOIN categories c ON c.id = s.category_id WHERE s.enabled = 1",
        )?;
        let rows = statement.query_map([], |row| {
            let heading = match row.get(6)? {
                Some(id) => Some(Heading { id: CategoryId(id), name: row.get(7)?, censored: row.get(8)? }),
                None => None,
            };
            Ok(Channel {
                id: StreamId(row.get(0)?),
                name: row.get(1)?,
                logo: row.get(2)?,
                guide_id: row.get(3)?,
                number: row.get(4)?,
                added: UnixTime::clamped(row.get(5)?),
                heading,
            })
        })?;
        let mut enabled: HashMap<StreamId, Channel> = HashMap::new();
        for channel in rows {
            let channel = channel?;
            enabled.insert(channel.id, channel);
        }
        let order = self.channels(plan, own)?;
        Ok(order.into_iter().filter_map(|id| enabled.remove(&id)).collect())
    }
}
