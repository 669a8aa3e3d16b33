//! Telling webhooks: each has a lane of its own that goes on from where the database says it was. What was sent and not yet noted
//! when the server was killed is sent again, under the same id.

mod messages;
mod noting;
mod taking;

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Semaphore;

use super::webhooks::MOST;
use crate::{
    domain::{
        Given, Resource, Result,
        events::webhook::{DOWN, GIVEN_UP, HookHealth, Webhook, WebhookChange},
        ids::WebhookId,
        people::actor::Actor,
    },
    ops::{Action, Ops, blocking, clock, random},
    store::{self, Write},
};
use messages::Sends;
use noting::{Noted, Outcome, note};
use taking::Dispatch;

/// Messages on their way to one receiver.
const AT_ONCE: usize = 16;
/// Messages on their way in all: each holds a thread.
const IN_ALL: usize = 96;
/// Each receiver has this many of these places for itself, whatever others do that answer slowly; the rest is shared.
const OWN: usize = 2;
const SHARED: usize = IN_ALL - OWN * MOST;
/// So much is noted together, or after so long.
const NOTED: (usize, Duration) = (64, Duration::from_millis(200));
/// So long a server that stops waits for what is on its way.
const PARTING: Duration = Duration::from_secs(3);

/// What is noted of a receiver that is gone.
const GONE: &str = "It answered with status 410.";

const SEND: Action = Action { resource: Resource::Webhooks, name: "send" };

/// The lanes that are under way.
pub struct Lanes {
    running: Mutex<HashSet<WebhookId>>,
    shared: Semaphore,
    stops: AtomicBool,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { running: Mutex::default(), shared: Semaphore::new(SHARED), stops: AtomicBool::new(false) }
    }
}

impl Lanes {
    fn running(&self) -> MutexGuard<'_, HashSet<WebhookId>> {
        self.running.lock()
    }
}

/// A lane that ends, however it does.
struct Lane {
    ops: Ops,
    id: WebhookId,
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.ops.lanes.running().remove(&self.id);
    }
}

impl Ops {
    /// Begins the lanes of the webhooks that have something to be told.
    pub fn send_webhooks(&self) -> Result<()> {
        let now = clock::now();
        let ids =
            self.store.point(&store::housekeeping(now, "webhooks"), |read| read.hooks_with_work(now))?;
        for id in ids {
            if self.lanes.running().insert(id) {
                let lane = Lane { ops: self.clone(), id };
                tokio::spawn(async move {
                    if let Err(error) = lane.ops.run_lane(id).await {
                        log::warn!("webhook {}: {error}", id.0);
                    }
                    drop(lane);
                });
            }
        }
        Ok(())
    }

    /// Ends the lanes; waits a moment for what is on its way.
    pub async fn end_webhooks(&self) -> Result<()> {
        self.lanes.stops.store(true, Ordering::Release);
        let begun = Instant::now();
        while !self.lanes.running().is_empty() && begun.elapsed() < PARTING {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn run_lane(&self, id: WebhookId) -> Result<()> {
        let own = Semaphore::new(OWN);
        while !self.lanes.stops.load(Ordering::Acquire) {
            let ops = self.clone();
            let Some(dispatch) = blocking(move || ops.take_up(id)).await? else { return Ok(()) };
            if !self.run_dispatch(id, dispatch, &own).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends a dispatch and notes what came of it; whether to go on.
    async fn run_dispatch(&self, id: WebhookId, dispatch: Dispatch, own: &Semaphore) -> Result<bool> {
        let Dispatch { hook, health, secrets, chains, parked, end, log_id } = dispatch;
        let at_once = if health.failures >= DOWN { 1 } else { AT_ONCE };
        let failures = AtomicI64::new(health.failures);
        let was_down = health.failures >= DOWN;
        let sends = Sends {
            ops: self,
            own,
            hook: &hook,
            secrets: &secrets,
            log_id: &log_id,
            was_down,
            failures: &failures,
        };
        let mut unsent: Option<i64> = None;
        let mut outcomes: Vec<Outcome> = parked.into_iter().map(Outcome::parked).collect();
        let mut noted = Noted { began: health.told_to, health, changed: false };
        let mut since = Instant::now();
        let mut running = stream::iter(chains).map(|chain| sends.chain(chain)).buffer_unordered(at_once);
        while let Some((done, left)) = running.next().await {
            outcomes.extend(done);
            unsent = match (unsent, left) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            if outcomes.len() >= NOTED.0 || since.elapsed() >= NOTED.1 {
                noted = self.note(id, std::mem::take(&mut outcomes), noted, None).await?;
                since = Instant::now();
            }
        }
        drop(running);
        // What was not sent is taken up again, and what was noted behind it is known.
        let end = unsent.map_or(end, |first| end.min(first - 1));
        let noted = self.note(id, outcomes, noted, Some(end)).await?;
        let is_down = noted.health.failures >= DOWN;
        if noted.changed {
            self.switch_off_if_due(id, &noted.health).await?;
        }
        Ok(unsent.is_none() && !is_down)
    }

    async fn note(
        &self,
        id: WebhookId,
        outcomes: Vec<Outcome>,
        noted: Noted,
        end: Option<i64>,
    ) -> Result<Noted> {
        let sent = outcomes.iter().filter(|outcome| outcome.answer.is_some());
        let (taken, failed): (Vec<_>, Vec<_>) = sent.partition(|outcome| outcome.was_taken());
        self.meters.delivered(taken.len() as u64, failed.len() as u64);
        let luck = random::luck()?;
        let origin = store::housekeeping(clock::now(), "webhooks");
        let job = move |tx: &Write<'_>| note(tx, id, &outcomes, noted.clone(), end, luck);
        self.store.write(origin, job).wait().await
    }

    /// Switches off what says that it is gone, and what has taken nothing for three days.
    async fn switch_off_if_due(&self, id: WebhookId, health: &HookHealth) -> Result<()> {
        let now = clock::now().seconds();
        let is_given_up = health.failing_since.is_some_and(|since| now - since.seconds() >= GIVEN_UP);
        let is_gone = health.last_error == GONE;
        if !is_gone && (!is_given_up || self.leap().is_some()) {
            return Ok(());
        }
        let why = if is_gone {
            "It was switched off because the receiver says that it is gone (410).".to_owned()
        } else {
            format!("It was switched off because nothing was taken for three days. {}", health.last_error)
        };
        log::warn!("webhook {} was switched off: {}", id.0, health.last_error);
        self.write(Actor::LINECARD, SEND, move |act| {
            let before = act.find::<Webhook>(id)?;
            let change = WebhookChange { enabled: Given::Value(false), ..WebhookChange::default() };
            let after = act.updated(&before, change)?;
            act.replace(&before, &after)?;
            let health = act.tx.hook_health(id)?;
            act.tx.set_hook_health(id, &HookHealth { last_error: why.clone(), ..health })
        })
        .await
    }
}
