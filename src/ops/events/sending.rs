//! Telling webhooks: each has a lane of its own that goes on from where the database says it was. What was sent and not yet noted
//! when the server was killed is sent again, under the same id.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::shown;
use crate::{
    domain::{
        Columns, Fact, Given, Resource, Result,
        events::{
            kinds::Pattern,
            webhook::{DOWN, GIVEN_UP, HookHealth, LONGEST_PAUSE, TEST, Webhook, WebhookChange, pause},
        },
        fields::time::UnixTime,
        ids::{LineId, MagId, WebhookId},
        people::{actor::Actor, audit::MASK},
        subscribers::{line::Line, mag::Mag},
    },
    host::webhook::Message,
    ops::{Action, Ops, blocking, clock, random},
    store::{
        self, Read, Write,
        events::{
            log::EventSeen,
            webhooks::{Attempted, object},
        },
    },
};

/// Messages on their way to one receiver.
const AT_ONCE: usize = 16;
/// Messages on their way in all: each holds a thread.
const IN_ALL: usize = 96;
/// Events that are taken up at once.
const WINDOW: usize = 256;
/// As long as so many were not taken by a receiver, or so many wait for it in all, no new ones are taken up.
const HELD: (usize, usize) = (100, 10_000);
/// So much is noted together, or after so long.
const NOTED: (usize, Duration) = (64, Duration::from_millis(200));
/// A message is no longer, in bytes: its columns are left out else.
const LONGEST: usize = 20_000;
/// So long a server that stops waits for what is on its way.
const PARTING: Duration = Duration::from_secs(3);

const SEND: Action = Action { resource: Resource::Webhooks, name: "send" };

/// The lanes that are under way.
pub struct Lanes {
    running: Mutex<HashSet<WebhookId>>,
    places: Semaphore,
    stops: AtomicBool,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { running: Mutex::default(), places: Semaphore::new(IN_ALL), stops: AtomicBool::new(false) }
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

/// What a lane takes up.
struct Batch {
    hook: Webhook,
    health: HookHealth,
    secrets: Vec<String>,
    /// Events of one object in their order: the next begins once the one before was taken.
    chains: Vec<Vec<Item>>,
    /// Events that wait for others of their object.
    parked: Vec<EventSeen>,
    /// Up to there all is in the batch.
    end: i64,
    log_id: String,
}

struct Item {
    event: EventSeen,
    /// How often it was sent.
    attempts: i64,
}

/// What came of an item.
struct Outcome {
    event: EventSeen,
    attempts: i64,
    at: UnixTime,
    micros: i64,
    /// The status, or why there is none; nothing if it was not sent, because one before it failed.
    answer: Option<std::result::Result<u16, String>>,
    retry_after: Option<i64>,
}

impl Outcome {
    fn was_taken(&self) -> bool {
        matches!(self.answer, Some(Ok(status)) if (200..300).contains(&status))
    }

    fn error(&self) -> String {
        match &self.answer {
            Some(Ok(status)) if !(200..300).contains(status) => format!("It answered with status {status}."),
            Some(Err(why)) => why.clone(),
            _ => String::new(),
        }
    }
}

impl Ops {
    /// Begins the lanes of the webhooks that have something to be told.
    ///
    /// # Errors
    /// A database error.
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
        while !self.lanes.stops.load(Ordering::Acquire) {
            let ops = self.clone();
            let Some(batch) = blocking(move || ops.take_up(id)).await? else { return Ok(()) };
            if !self.run_batch(id, batch).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What is to be sent now; none if there is nothing, or nothing may be.
    fn take_up(&self, id: WebhookId) -> Result<Option<Batch>> {
        let now = clock::now();
        self.store.read(&store::housekeeping(now, "webhooks"), |read| {
            let Some(hook) = read.by_id::<Webhook>(id)? else { return Ok(None) };
            let mut health = read.hook_health(id)?;
            // Somebody has changed it since: what failed before was another one.
            let is_changed =
                health.last_try_at.is_some_and(|last| last < hook.updated_at && hook.updated_at <= now);
            if is_changed {
                (health.failures, health.failing_since, health.resume_at) = (0, None, None);
            }
            let secrets = self.open_hook_secrets(&read.hook_secrets(id)?, now.seconds());
            if !hook.record.enabled || secrets.is_empty() || health.resume_at.is_some_and(|at| at > now) {
                return Ok(None);
            }
            let batch = Batch {
                end: health.told_to,
                log_id: read.event_log()?.log_id,
                hook: hook.record,
                health,
                secrets,
                chains: Vec::new(),
                parked: Vec::new(),
            };
            take_events(read, id, batch, if is_changed { UnixTime::clamped(i64::MAX) } else { now })
        })
    }

    /// Sends a batch and notes what came of it; whether to go on.
    async fn run_batch(&self, id: WebhookId, batch: Batch) -> Result<bool> {
        let Batch { hook, health, secrets, chains, parked, end, log_id } = batch;
        let at_once = if health.failures >= DOWN { 1 } else { AT_ONCE };
        let failures = AtomicI64::new(health.failures);
        let was_down = health.failures >= DOWN;
        let sends = Sends {
            ops: self,
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

/// What is noted of a receiver that is gone.
const GONE: &str = "It answered with status 410.";

#[derive(Clone)]
struct Noted {
    /// Where the batch began.
    began: i64,
    health: HookHealth,
    /// Something failed.
    changed: bool,
}

impl Outcome {
    fn parked(event: EventSeen) -> Self {
        Self { event, attempts: 0, at: UnixTime::clamped(0), micros: 0, answer: None, retry_after: None }
    }
}

fn note(
    tx: &Write<'_>,
    id: WebhookId,
    outcomes: &[Outcome],
    noted: Noted,
    end: Option<i64>,
    luck: i64,
) -> Result<Noted> {
    let Noted { began, mut health, mut changed } = noted;
    if tx.by_id::<Webhook>(id)?.is_none() {
        return Ok(Noted { began, health, changed: false });
    }
    // Somebody may have had all sent again meanwhile.
    let told_to = tx.hook_health(id)?.told_to;
    let was_again = told_to != began;
    for outcome in outcomes {
        let error = outcome.error();
        let taken = outcome.was_taken();
        let next_at = match (&outcome.answer, taken) {
            (None, _) => Some(UnixTime::clamped(0)),
            (_, true) => None,
            (_, false) => {
                let pause = pause(outcome.attempts, luck);
                pause.map(|pause| {
                    UnixTime::clamped(outcome.at.seconds() + pause.max(outcome.retry_after.unwrap_or(0)))
                })
            }
        };
        let Outcome { event, attempts, at, micros, answer, .. } = outcome;
        let status = answer.as_ref().and_then(|answer| answer.as_ref().ok()).map(|status| i64::from(*status));
        let attempted = Attempted {
            event,
            attempts: *attempts,
            next_at,
            taken,
            at: *at,
            status,
            error: &error,
            micros: *micros,
        };
        tx.note_delivery(id, &attempted)?;
        if answer.is_none() {
            continue;
        }
        health.last_try_at = Some(*at);
        if taken {
            if health.failures >= DOWN {
                tx.hurry_deliveries(id)?;
            }
            health.last_success_at = Some(*at);
            (health.failures, health.failing_since) = (0, None);
            health.last_error.clear();
        } else {
            changed = true;
            health.failures += 1;
            health.failing_since = health.failing_since.or(Some(*at));
            health.last_error = error;
            let asked = match status {
                Some(429 | 502 | 503 | 504) => Some(outcome.retry_after.unwrap_or(30)),
                _ => outcome.retry_after,
            };
            health.resume_at =
                asked.map(|pause| UnixTime::clamped(at.seconds() + pause.clamp(0, LONGEST_PAUSE)));
        }
    }
    health.told_to = if was_again { told_to } else { end.unwrap_or(health.told_to) };
    tx.set_hook_health(id, &health)?;
    Ok(Noted { began, health, changed })
}

/// Fills a batch: what is due, and what has come since, unless the receiver is down.
fn take_events(read: &Read<'_>, id: WebhookId, mut batch: Batch, now: UnixTime) -> Result<Option<Batch>> {
    let is_down = batch.health.failures >= DOWN;
    let due = read.due_deliveries(id, now, if is_down { 1 } else { WINDOW })?;
    let (objects, tried, waiting) = read.waiting_objects(id)?;
    let waiting_objects: HashSet<String> = objects.into_iter().collect();
    let mut chains: Vec<Vec<Item>> =
        due.into_iter().map(|(event, attempts)| vec![Item { event, attempts }]).collect();
    let room = match is_down {
        true if chains.is_empty() && waiting == 0 => 1,
        true => 0,
        false if tried >= HELD.0 || waiting >= HELD.1 => 0,
        false => WINDOW,
    };
    if room > 0 {
        let mut types = batch.hook.types.clone();
        if !types.is_empty() {
            types.extend(Pattern::new(TEST));
        }
        let (events, end) = read.events_after(batch.end, room, &types)?;
        let known: HashSet<i64> = read.delivered_behind(id, batch.end)?.into_iter().collect();
        let mut places: HashMap<String, usize> = HashMap::new();
        for event in events {
            let own = event.resource == Resource::Webhooks.name() && event.resource_id == Some(id.0);
            if known.contains(&event.id) || !batch.hook.wants(&event.kind, own) {
                continue;
            }
            let object = object(&event);
            if waiting_objects.contains(&object) {
                batch.parked.push(event);
                continue;
            }
            let place = *places.entry(object).or_insert(chains.len());
            match chains.get_mut(place) {
                Some(chain) => chain.push(Item { event, attempts: 0 }),
                None => chains.push(vec![Item { event, attempts: 0 }]),
            }
        }
        if end == batch.end && chains.is_empty() {
            return Ok(None);
        }
        batch.end = end;
    }
    if batch.hook.with_passwords {
        for item in chains.iter_mut().flatten() {
            fill_in_secrets(read, &mut item.event)?;
        }
    }
    let is_empty = chains.is_empty() && room == 0;
    batch.chains = chains;
    Ok((!is_empty).then_some(batch))
}

/// Puts the password and token that a line or MAG has now in the place of their masks.
fn fill_in_secrets(read: &Read<'_>, event: &mut EventSeen) -> Result<()> {
    let Some(id) = event.resource_id else { return Ok(()) };
    let facts = match event.resource.as_str() {
        "line" => read.by_id::<Line>(LineId(id))?.map(|row| row.record.facts()),
        "mag" => read.by_id::<Mag>(MagId(id))?.map(|row| row.record.facts()),
        _ => None,
    };
    let (Some(facts), Ok(mut data)) = (facts, serde_json::from_str::<Value>(&event.data)) else {
        return Ok(());
    };
    for (name, fact) in facts {
        if let (Fact::Secret(secret), Some(shown)) = (fact, data["after"].get_mut(name))
            && shown == MASK
        {
            *shown = secret.into();
        }
    }
    event.data = data.to_string();
    Ok(())
}

/// What messages of a batch have in common.
#[derive(Clone, Copy)]
struct Sends<'a> {
    ops: &'a Ops,
    hook: &'a Webhook,
    secrets: &'a [String],
    log_id: &'a str,
    /// The receiver was down before: the batch is one event, and that is tried.
    was_down: bool,
    /// Failures in a row, over all chains.
    failures: &'a AtomicI64,
}

impl Sends<'_> {
    /// Sends the events of one object in turn: what came of them, and the first new one that was not tried, because the receiver
    /// is down or the server stops.
    async fn chain(self, items: Vec<Item>) -> (Vec<Outcome>, Option<i64>) {
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
        let place = self.ops.lanes.places.acquire().await;
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
