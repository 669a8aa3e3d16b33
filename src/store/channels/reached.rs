//! Which streams a subscription reaches through its bouquets.

use crate::{
    domain::{
        Result,
        ids::{BouquetId, PlanId, StreamId},
    },
    store::Read,
};

impl Read<'_> {
    /// The plan's bouquets by position, then its own by position; streams in bouquet order, each
    /// once.
    pub fn channels(&self, plan: Option<PlanId>, own: &[BouquetId]) -> Result<Vec<StreamId>> {
        let mut channels = indexmap::IndexSet::new();
        let mut by_plan = self.conn.prepare_cached(
            "SELECT s.stream_id FROM plan_bouquets p JOIN bouquets b ON b.id = p.bouquet_id \
             JOIN bouquet_streams s ON s.bouquet_id = b.id \
             WHERE p.plan_id = ? ORDER BY b.position, b.id, s.place",
        )?;
        if let Some(plan) = plan {
            for stream in by_plan.query_map([plan.0], |row| row.get(0))? {
                channels.insert(StreamId(stream?));
            }
        }
        if !own.is_empty() {
            let ids =
                serde_json::to_string(&own.iter().map(|id| id.0).collect::<Vec<_>>()).unwrap_or_default();
            let mut by_own = self.conn.prepare_cached(
                "SELECT s.stream_id FROM bouquets b JOIN bouquet_streams s ON s.bouquet_id = b.id \
                 WHERE b.id IN (SELECT value FROM json_each(?)) ORDER BY b.position, b.id, s.place",
            )?;
            for stream in by_own.query_map([ids], |row| row.get(0))? {
                channels.insert(StreamId(stream?));
            }
        }
        Ok(channels.into_iter().collect())
    }
}
