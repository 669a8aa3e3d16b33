//! The channels of subscribers, read once for each set of bouquets: thousands of subscribers share
//! a handful of them.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use parking_lot::Mutex;

use crate::{
    domain::{
        Result,
        channels::catalogue::{Channel, Channels},
        ids::{BouquetId, PlanId, StreamId},
    },
    ops::{
        blocking, clock,
        viewing::{Subscriber, Viewing},
    },
    store::viewing::viewers::AskedTitle,
};

/// A set of bouquets: the plan's and a subscription's own.
pub type BouquetSet = (Option<PlanId>, Vec<BouquetId>);

/// What is kept takes memory.
pub trait Weighed {
    /// How many bytes, about.
    fn bytes(&self) -> usize;
}

impl Weighed for Channels {
    fn bytes(&self) -> usize {
        let texts = |channel: &Channel| channel.name.len() + channel.logo.len() + channel.guide_id.len();
        self.iter().map(|channel| size_of::<Channel>() + texts(channel) + 64).sum()
    }
}

impl Weighed for Option<AskedTitle> {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.as_ref().map_or(0, |asked| asked.name.len() + asked.guide_id.len())
    }
}

impl Weighed for bool {
    fn bytes(&self) -> usize {
        size_of::<Self>()
    }
}

/// Values made from the catalogue, forgotten as soon as anything was committed that it is made from.
pub struct Cached<K, V> {
    kept: Mutex<KeptValues<K, V>>,
    /// Held by who makes one beside the thread that asked: whoever waits for it finds what was made.
    turn: tokio::sync::Mutex<()>,
    /// Values kept at once; beyond it those of an older catalogue go, and then all.
    most: usize,
}

struct KeptValues<K, V> {
    /// Of which catalogue each was made, and how many bytes it has.
    values: HashMap<K, (u64, Arc<V>, usize)>,
    bytes: usize,
}

/// The bytes of what one cache keeps: one value may be heavier, and is then kept alone.
const MOST_BYTES: usize = 64 << 20;

impl<K, V> Default for Cached<K, V> {
    fn default() -> Self {
        Self::at_most(64)
    }
}

impl<K, V> Cached<K, V> {
    /// None yet; this many are kept at once.
    pub fn at_most(most: usize) -> Self {
        let kept = KeptValues { values: HashMap::new(), bytes: 0 };
        Self { kept: Mutex::new(kept), turn: tokio::sync::Mutex::default(), most }
    }
}

impl<K: Hash + Eq, V: Weighed> Cached<K, V> {
    /// The value of that key, made if it is not there or was made from an older catalogue than this one, which was asked
    /// for before: a change in between makes the value old at once.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn get<E>(&self, catalogue: u64, key: K, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        if let Some(value) = self.held(catalogue, &key) {
            return Ok(value);
        }
        let value = Arc::new(make()?);
        drop(self.keep(catalogue, key, &value, value.bytes()));
        Ok(value)
    }

    /// The same for threads that serve others meanwhile: what takes long to make is made beside them, one at a time.
    ///
    /// # Errors
    /// Those of `make`.
    pub async fn get_beside<E: Send + 'static>(
        &self,
        catalogue: impl Fn() -> u64,
        key: K,
        make: impl FnOnce() -> Result<V, E> + Send + 'static,
    ) -> Result<Arc<V>, E>
    where
        V: Send + Sync + 'static,
    {
        if let Some(value) = self.held(catalogue(), &key) {
            return Ok(value);
        }
        let _turn = self.turn.lock().await;
        let catalogue = catalogue();
        if let Some(value) = self.held(catalogue, &key) {
            return Ok(value);
        }
        let weighed = move || make().map(|value| (value.bytes(), Arc::new(value)));
        let (bytes, value) = blocking(weighed).await?;
        let before = self.keep(catalogue, key, &value, bytes);
        // Giving back the memory of 100,000 channels takes milliseconds, too.
        drop(tokio::task::spawn_blocking(move || drop(before)));
        Ok(value)
    }

    fn held(&self, catalogue: u64, key: &K) -> Option<Arc<V>> {
        let kept = self.kept.lock();
        kept.values.get(key).filter(|(of, ..)| *of == catalogue).map(|(_, value, _)| value.clone())
    }

    /// Keeps a value; what it was kept as before.
    fn keep(&self, catalogue: u64, key: K, value: &Arc<V>, bytes: usize) -> Option<Arc<V>> {
        let mut kept = self.kept.lock();
        let kept = &mut *kept;
        let is_full =
            |kept: &KeptValues<K, V>| kept.values.len() >= self.most || kept.bytes + bytes > MOST_BYTES;
        if is_full(kept) {
            kept.values.retain(|_, (of, ..)| *of == catalogue);
            kept.bytes = kept.values.values().map(|(.., bytes)| bytes).sum();
        }
        if is_full(kept) {
            kept.values.clear();
            kept.bytes = 0;
        }
        let before = kept.values.insert(key, (catalogue, value.clone(), bytes));
        kept.bytes = (kept.bytes + bytes).saturating_sub(before.as_ref().map_or(0, |(.., bytes)| *bytes));
        before.map(|(_, value, _)| value)
    }
}

/// What is made of the catalogue.
pub struct CatalogueCache {
    pub(in crate::ops) channels: Cached<BouquetSet, Channels>,
    pub(in crate::ops) plans_with_catchup: Cached<PlanId, bool>,
    pub(in crate::ops) asked: Cached<(StreamId, BouquetSet), Option<AskedTitle>>,
}

impl Default for CatalogueCache {
    fn default() -> Self {
        // Each stream for a dozen sets of bouquets: a few megabytes.
        Self {
            channels: Cached::default(),
            plans_with_catchup: Cached::at_most(1_000),
            asked: Cached::at_most(50_000),
        }
    }
}

impl Viewing {
    /// The channels that a subscriber may watch now, in order and each with a number; none while it is disabled, banned or
    /// expired.
    pub async fn channels_of(&self, who: &Subscriber) -> Result<Arc<Channels>> {
        if !who.subscription.is_active(clock::now()) {
            return Ok(Arc::default());
        }
        self.main.channels_beside(bouquets_of(who)).await
    }

    /// The channels that a set of bouquets holds, in order and each with a number. It blocks as long as it takes to read them
    /// all, unless somebody has asked since they were last changed.
    pub fn channels_in(&self, set: BouquetSet) -> Result<Arc<Channels>> {
        self.main.channels(set)
    }

    /// Whether a stream is one of the channels that a subscriber may watch now.
    pub fn may_see(&self, who: &Subscriber, stream: StreamId) -> Result<bool> {
        if !who.subscription.is_active(clock::now()) {
            return Ok(false);
        }
        let found = self.main.asked_title(who, stream)?;
        Ok(found.as_ref().as_ref().is_some_and(|title| title.enabled && title.in_bouquets))
    }

    /// Whether a subscriber may watch again what was recorded of a stream.
    pub fn has_catchup(&self, who: &Subscriber, stream: StreamId) -> Result<bool> {
        let found = self.main.asked_title(who, stream)?;
        Ok(who.subscription.catchup && found.as_ref().as_ref().is_some_and(|title| title.plan_has_catchup))
    }

    /// The id in the guide of a stream that a subscriber may watch; empty if it has none.
    pub fn guide_id(&self, who: &Subscriber, stream: StreamId) -> Result<Arc<str>> {
        let found = self.main.asked_title(who, stream)?;
        Ok(found.as_ref().as_ref().map(|title| title.guide_id.clone()).unwrap_or_default())
    }

    /// Which catalogue it is: another number once anything of it was changed.
    pub fn catalogue(&self) -> u64 {
        self.main.catalogue()
    }
}

/// The set of bouquets of a subscriber.
pub fn bouquets_of(who: &Subscriber) -> BouquetSet {
    (who.subscription.subscription_plan_id, who.subscription.bouquets.clone())
}
