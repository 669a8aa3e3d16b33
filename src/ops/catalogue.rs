//! The channels of subscribers, read once for each set of bouquets: thousands of subscribers share
//! a handful of them.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Doing, Ops, clock, viewing::Subscriber};
use crate::domain::{
    Resource, Result,
    actor::Actor,
    catalogue::Channel,
    ids::{BouquetId, PlanId},
};

/// A set of bouquets: the plan's and a subscription's own.
pub type BouquetSet = (Option<PlanId>, Vec<BouquetId>);

const LIST: Doing = Doing { resource: Resource::Streams, action: "catalogue" };

/// Values made from the catalogue, forgotten as soon as anything was committed that it is made from.
pub struct Made<K, V> {
    kept: Mutex<HashMap<K, (u64, Arc<V>)>>,
}

impl<K, V> Default for Made<K, V> {
    fn default() -> Self {
        Self { kept: Mutex::default() }
    }
}

impl<K: Hash + Eq, V> Made<K, V> {
    /// Values kept at once; beyond it those of an older catalogue go, and then all.
    const MOST: usize = 64;

    /// The value of that key, made if it is not there or was made from an older catalogue.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn get<E>(&self, ops: &Ops, key: K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        // Read before the rows are: a change in between makes the value old at once.
        let catalogue = ops.store.changes().catalogue();
        let held = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.get(&key).filter(|(of, _)| *of == catalogue).map(|(_, value)| value.clone())
        };
        if let Some(value) = held {
            return Ok(value);
        }
        let value = Arc::new(make()?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= Self::MOST {
            kept.retain(|_, (of, _)| *of == catalogue);
        }
        if kept.len() >= Self::MOST {
            kept.clear();
        }
        kept.insert(key, (catalogue, value.clone()));
        Ok(value)
    }
}

impl Ops {
    /// The channels that a subscriber may watch now, in order; none while it is disabled, banned or
    /// expired.
    ///
    /// # Errors
    /// A database error.
    pub fn channels_of(&self, who: &Subscriber) -> Result<Arc<Vec<Channel>>> {
        if !who.subscription.is_active(clock::now()) {
            return Ok(Arc::default());
        }
        let (plan, own) = bouquets_of(who);
        self.channels.get(self, (plan, own.clone()), || {
            self.point(&Actor::LINECARD, LIST, |read| read.catalogue(plan, &own))
        })
    }
}

/// The set of bouquets of a subscriber.
pub fn bouquets_of(who: &Subscriber) -> BouquetSet {
    (who.subscription.subscription_plan_id, who.subscription.bouquets.clone())
}
