//! Messages on their way: those of one object in turn, each as JSON within its bound.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Instant,
};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::{noting::Outcome, taking::Item};
use crate::{
    domain::events::webhook::{DOWN, LONGEST_PAUSE, Webhook},
    host::webhook::Message,
    ops::{Ops, blocking, clock, events::shown},
    store::events::log::EventSeen,
};

/// A message is no longer, in bytes: its columns are left out else.
const LONGEST: usize = 20_000;

/// What messages of a dispatch have in common.
#[derive(Clone, Copy)]
pub(super) struct Sends<'a> {
    pub(super) ops: &'a Ops,
    /// The places of this receiver.
    pub(super) own: &'a Semaphore,
    pub(super) hook: &'a Webhook,
    pub(super) secrets: &'a [String],
    pub(super) log_id: &'a str,
    /// The receiver was down before: the dispatch is one event, and that is tried.
    pub(super) was_down: bool,
    /// Failures in a row, over all chains.
    pub(super) failures: &'a AtomicI64,
}

impl Sends<'_> {
    /// Sends the events of one object in turn: what came of them, and the first new one that was not tried, because the receiver
    /// is down or the server stops.
    pub(super) async fn chain(self, items: Vec<Item>) -> (Vec<Outcome>, Option<i64>) {
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(items.len());
        let mut has_failed = false;
        for item in items {
            if has_failed {
                outcomes.push(Outcome::parked(item.event));
                continue;
            }
            let is_down = !self.was_down && self.failures.load(Ordering::Relaxed) >= DOWN;
            if is_down || self.ops.lanes.stops.load(Ordering::Acquire) {
                return (outcomes, (item.attempts == 0).then_some(item.event.id));
            }
            let outcome = self.send(item).await;
            has_failed = !outcome.was_taken();
            if has_failed {
                self.failures.fetch_add(1, Ordering::Relaxed);
            } else {
                self.failures.store(0, Ordering::Relaxed);
            }
            outcomes.push(outcome);
        }
        (outcomes, None)
    }

    async fn send(self, Item { event, attempts }: Item) -> Outcome {
        let place = tokio::select! {
            biased;
            place = self.own.acquire() => place,
            place = self.ops.lanes.shared.acquire() => place,
        };
        let (at, begun) = (clock::now(), Instant::now());
        let log_id = self.log_id.get(..12).unwrap_or(self.log_id);
        let (id, body) = (format!("msg_{log_id}_{}", event.id), body(&event));
        let (ops, url, secrets) =
            (self.ops.clone(), self.hook.url.reveal().to_owned(), self.secrets.to_vec());
        let answer = blocking(move || {
            let message = Message { url: &url, id: &id, at: at.seconds(), body: &body, secrets: &secrets };
            ops.host.hooks.send(&message, ops.snapshot().settings.fetch_local)
        })
        .await;
        drop(place);
        let micros = i64::try_from(begun.elapsed().as_micros()).unwrap_or(i64::MAX);
        let retry_after = answer.as_ref().ok().and_then(|answer| answer.retry_after);
        let retry_after = retry_after.map(|seconds| seconds.clamp(0, LONGEST_PAUSE));
        let answer = Some(answer.map(|answer| answer.status));
        Outcome { event, attempts: attempts + 1, at, micros, answer, retry_after }
    }
}

/// The JSON of a message.
fn body(event: &EventSeen) -> String {
    let of =
        |data: &Value| json!({ "type": event.kind, "timestamp": event.at.iso(), "data": data }).to_string();
    let mut data = shown::value(event);
    let text = of(&data);
    if text.len() <= LONGEST {
        return text;
    }
    let mut left: Vec<Value> = data["omitted"].as_array().cloned().unwrap_or_default();
    for side in ["before", "after"] {
        let columns =
            data["data"][side].as_object().map(|columns| columns.keys().cloned().collect::<Vec<_>>());
        left.extend(
            columns
                .unwrap_or_default()
                .into_iter()
                .map(Value::from)
                .filter(|name| !left.contains(name))
                .collect::<Vec<_>>(),
        );
    }
    data["omitted"] = left.into();
    data["data"] = json!({ "before": {}, "after": {} });
    of(&data)
}
