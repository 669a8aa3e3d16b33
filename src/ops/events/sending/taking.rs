//! What a lane takes up: what is due again, and what has come since.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::{
    domain::{
        Columns, Fact, Resource, Result,
        events::{
            kinds::Pattern,
            webhook::{DOWN, HookHealth, TEST, Webhook},
        },
        fields::time::UnixTime,
        ids::{LineId, MagId, WebhookId},
        people::audit::MASK,
        subscribers::{line::Line, mag::Mag},
    },
    ops::{Ops, clock},
    store::{
        self, Read,
        events::{log::EventSeen, webhooks::object},
    },
};

/// Events that are taken up at once.
const WINDOW: usize = 256;
/// As long as this many were not taken by a receiver, or this many wait for it in all, no new ones are taken up.
const HELD: (usize, usize) = (100, 10_000);

/// What a lane takes up.
pub(super) struct Dispatch {
    pub(super) hook: Webhook,
    pub(super) health: HookHealth,
    pub(super) secrets: Vec<String>,
    /// Events of one object in their order: the next begins once the one before was taken.
    pub(super) chains: Vec<Vec<Item>>,
    /// Events that wait for others of their object.
    pub(super) parked: Vec<EventSeen>,
    /// Up to there all is in the dispatch.
    pub(super) end: i64,
    pub(super) log_id: String,
}

pub(super) struct Item {
    pub(super) event: EventSeen,
    /// How often it was sent.
    pub(super) attempts: i64,
}

impl Ops {
    /// What is to be sent now; none if there is nothing, or nothing may be.
    pub(super) fn take_up(&self, id: WebhookId) -> Result<Option<Dispatch>> {
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
            let dispatch = Dispatch {
                end: health.told_to,
                log_id: read.event_log()?.log_id,
                hook: hook.record,
                health,
                secrets,
                chains: Vec::new(),
                parked: Vec::new(),
            };
            take_events(read, id, dispatch, if is_changed { UnixTime::clamped(i64::MAX) } else { now })
        })
    }
}

/// Fills a dispatch: what is due, and what has come since, unless the receiver is down.
fn take_events(
    read: &Read<'_>,
    id: WebhookId,
    mut dispatch: Dispatch,
    now: UnixTime,
) -> Result<Option<Dispatch>> {
    let is_down = dispatch.health.failures >= DOWN;
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
        let mut types = dispatch.hook.types.clone();
        if !types.is_empty() {
            types.extend(Pattern::new(TEST));
        }
        let (events, end) = read.events_after(dispatch.end, room, &types, None)?;
        let known: HashSet<i64> = read.delivered_behind(id, dispatch.end)?.into_iter().collect();
        let mut places: HashMap<String, usize> = HashMap::new();
        for event in events {
            let own = event.resource == Resource::Webhooks.name() && event.resource_id == Some(id.0);
            if known.contains(&event.id) || !dispatch.hook.wants(&event.kind, own) {
                continue;
            }
            let object = object(&event);
            if waiting_objects.contains(&object) {
                dispatch.parked.push(event);
                continue;
            }
            let place = *places.entry(object).or_insert(chains.len());
            match chains.get_mut(place) {
                Some(chain) => chain.push(Item { event, attempts: 0 }),
                None => chains.push(vec![Item { event, attempts: 0 }]),
            }
        }
        if end == dispatch.end && chains.is_empty() {
            return Ok(None);
        }
        dispatch.end = end;
    }
    if dispatch.hook.with_passwords {
        for item in chains.iter_mut().flatten() {
            fill_in_secrets(read, &mut item.event)?;
        }
    }
    let is_empty = chains.is_empty() && room == 0;
    dispatch.chains = chains;
    Ok((!is_empty).then_some(dispatch))
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
