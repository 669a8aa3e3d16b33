//! Webhooks beside their records: secrets, how they fare, and what is delivered to them.

use rusqlite::{OptionalExtension, Row, params};

use super::log::{COLUMNS, EventSeen, event};
use crate::{
    domain::{
        Result,
        events::webhook::HookHealth,
        fields::time::UnixTime,
        ids::WebhookId,
        page::{Page, Rows, Start},
    },
    store::{Read, Write},
};

/// The secrets of a webhook, sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookSecrets {
    /// The one that it has.
    pub secret: String,
    /// Those before, the latest first, each used as well until then.
    pub old: Vec<(String, UnixTime)>,
}

/// Old secrets as `old_secret` has them: one on each line, with its end. One without came before there were several, and ends at
/// `until`.
fn old_secrets(lines: &str, until: i64) -> Vec<(String, UnixTime)> {
    let of = |line: &str| {
        let (text, end) = line.split_once(' ').unwrap_or((line, ""));
        (text.to_owned(), UnixTime::clamped(end.parse().unwrap_or(until)))
    };
    lines.lines().map(of).collect()
}

/// What became of an event at a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The event.
    pub event_id: i64,
    /// Its type.
    pub kind: String,
    /// `waiting`, `delivered` or `failed`.
    pub state: String,
    /// How often it was sent.
    pub attempts: i64,
    /// When it is sent again, if it waits.
    pub next_at: Option<UnixTime>,
    /// When it was sent last.
    pub last_at: Option<UnixTime>,
    /// The status of the last answer.
    pub status: Option<i64>,
    /// What was wrong with it.
    pub error: String,
    /// How long the last answer took, in millionths of a second.
    pub micros: Option<i64>,
}

/// What one attempt came to, or that it has to wait for others of its object.
#[derive(Clone, Debug)]
pub struct Attempted<'a> {
    /// The event.
    pub event: &'a EventSeen,
    /// How often it was sent by now; 0 if it waits for others.
    pub attempts: i64,
    /// When it is sent again, if it is.
    pub next_at: Option<UnixTime>,
    /// Whether the receiver took it.
    pub taken: bool,
    /// When it was sent.
    pub at: UnixTime,
    /// The status of the answer.
    pub status: Option<i64>,
    /// What was wrong with it.
    pub error: &'a str,
    /// How long it took.
    pub micros: i64,
}

/// What events keep their order of: one object.
pub fn object(event: &EventSeen) -> String {
    match event.resource_id {
        Some(id) => format!("{} {id}", event.resource),
        None => event.resource.clone(),
    }
}

impl Read<'_> {
    /// The secrets of a webhook.
    pub fn hook_secrets(&self, id: WebhookId) -> Result<HookSecrets> {
        let sql = "SELECT secret, old_secret, old_secret_until FROM webhooks WHERE id = ?";
        let found = self.conn.prepare_cached(sql)?.query_row([id.0], |row| {
            let (old, until): (Option<String>, Option<i64>) = (row.get(1)?, row.get(2)?);
            let old = old.zip(until).map_or_else(Vec::new, |(old, until)| old_secrets(&old, until));
            Ok(HookSecrets { secret: row.get(0)?, old })
        });
        Ok(found.optional()?.unwrap_or_default())
    }

    /// How many webhooks there are.
    pub fn hooks(&self) -> Result<i64> {
        self.rows_of("webhooks")
    }

    /// How a webhook fares.
    pub fn hook_health(&self, id: WebhookId) -> Result<HookHealth> {
        let sql = "SELECT told_to, failures, failing_since, resume_at, last_try_at, last_success_at, last_error \
                   FROM webhooks WHERE id = ?";
        let found = self.conn.prepare_cached(sql)?.query_row([id.0], |row| {
            Ok(HookHealth {
                told_to: row.get(0)?,
                failures: row.get(1)?,
                failing_since: time(row, 2)?,
                resume_at: time(row, 3)?,
                last_try_at: time(row, 4)?,
                last_success_at: time(row, 5)?,
                last_error: row.get(6)?,
            })
        });
        Ok(found.optional()?.unwrap_or_default())
    }

    /// The webhooks that have something to send now: also what waits for one that was changed since it was last tried.
    pub fn hooks_with_work(&self, now: UnixTime) -> Result<Vec<WebhookId>> {
        let sql = "SELECT id FROM (SELECT *, updated_at > last_try_at AND updated_at <= ?1 AS is_changed FROM webhooks) AS hook \
                   WHERE enabled = 1 AND (ifnull(resume_at, 0) <= ?1 OR is_changed) AND \
                   (told_to < ifnull((SELECT max(id) FROM events), 0) OR EXISTS (SELECT 1 FROM webhook_deliveries \
                   WHERE webhook_id = hook.id AND state = 'waiting' AND (next_at <= ?1 OR is_changed))) ORDER BY id";
        let mut statement = self.conn.prepare_cached(sql)?;
        let ids = statement.query_map([now.seconds()], |row| Ok(WebhookId(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// The events that wait for a webhook and are due, the oldest of each object: with how often each was sent.
    pub fn due_deliveries(&self, id: WebhookId, now: UnixTime, most: usize) -> Result<Vec<(EventSeen, i64)>> {
        let sql = format!(
            "SELECT {COLUMNS}, due.attempts FROM webhook_deliveries AS due JOIN events ON events.id = due.event_id \
             WHERE due.webhook_id = ?1 AND due.state = 'waiting' AND due.next_at <= ?2 AND NOT EXISTS \
             (SELECT 1 FROM webhook_deliveries AS before WHERE before.webhook_id = ?1 AND before.state = 'waiting' \
             AND before.object = due.object AND before.event_id < due.event_id) ORDER BY due.event_id LIMIT ?3"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows =
            statement.query_map(params![id.0, now.seconds(), most], |row| Ok((event(row)?, row.get(10)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The objects of which something waits for a webhook, how much was sent in vain and waits, and how much waits in all.
    pub fn waiting_objects(&self, id: WebhookId) -> Result<(Vec<String>, usize, usize)> {
        let sql = "SELECT object, count(*) FILTER (WHERE attempts > 0), count(*) FROM webhook_deliveries \
                   WHERE webhook_id = ? AND state = 'waiting' GROUP BY object";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (mut objects, mut tried, mut all) = (Vec::new(), 0, 0);
        for row in rows {
            let (object, own_tried, own): (String, i64, i64) = row?;
            objects.push(object);
            tried += usize::try_from(own_tried).unwrap_or(0);
            all += usize::try_from(own).unwrap_or(0);
        }
        Ok((objects, tried, all))
    }

    /// The events behind a number of which something is known at a webhook: they were sent, or wait.
    pub fn delivered_behind(&self, id: WebhookId, after: i64) -> Result<Vec<i64>> {
        let sql = "SELECT event_id FROM webhook_deliveries WHERE webhook_id = ? AND event_id > ?";
        let mut statement = self.conn.prepare_cached(sql)?;
        let ids = statement.query_map([id.0, after], |row| row.get(0))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// What was delivered to a webhook, the newest first.
    pub fn deliveries(&self, id: WebhookId, state: Option<&str>, page: &Page) -> Result<Rows<Delivery>> {
        let sql =
            "SELECT count(*) FROM webhook_deliveries WHERE webhook_id = ?1 AND (?2 IS NULL OR state = ?2)";
        let total = self.conn.prepare_cached(sql)?.query_row(params![id.0, state], |row| row.get(0))?;
        let (before, offset) = match page.start {
            Start::Offset(offset) => (i64::MAX, offset),
            Start::After(id) => (id, 0),
        };
        let sql = "SELECT event_id, type, state, attempts, next_at, last_at, status, error, micros FROM webhook_deliveries \
                   WHERE webhook_id = ?1 AND (?2 IS NULL OR state = ?2) AND event_id < ?3 ORDER BY event_id DESC LIMIT ?4 OFFSET ?5";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map(params![id.0, state, before, page.limit.rows(), offset], |row| {
            let waits = row.get::<_, String>(2)? == "waiting";
            Ok(Delivery {
                event_id: row.get(0)?,
                kind: row.get(1)?,
                state: row.get(2)?,
                attempts: row.get(3)?,
                next_at: time(row, 4)?.filter(|_| waits),
                last_at: time(row, 5)?,
                status: row.get(6)?,
                error: row.get(7)?,
                micros: row.get(8)?,
            })
        })?;
        Ok(Rows { total, rows: rows.collect::<rusqlite::Result<_>>()? })
    }

    /// The event of that number.
    pub fn event_by_id(&self, id: i64) -> Result<Option<EventSeen>> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE id = ?");
        Ok(self.conn.prepare_cached(&sql)?.query_row([id], event).optional()?)
    }
}

fn time(row: &Row<'_>, place: usize) -> rusqlite::Result<Option<UnixTime>> {
    Ok(row.get::<_, Option<i64>>(place)?.map(UnixTime::clamped))
}

impl Write<'_> {
    /// Gives a webhook its secrets.
    pub fn set_hook_secrets(&self, id: WebhookId, secrets: &HookSecrets) -> Result<()> {
        let sql = "UPDATE webhooks SET secret = ?, old_secret = ?, old_secret_until = ? WHERE id = ?";
        let lines: Vec<String> =
            secrets.old.iter().map(|(text, until)| format!("{text} {}", until.seconds())).collect();
        self.conn.prepare_cached(sql)?.execute(params![
            secrets.secret,
            (!lines.is_empty()).then(|| lines.join("\n")),
            secrets.old.first().map(|(_, until)| until.seconds()),
            id.0
        ])?;
        Ok(())
    }

    /// Notes how a webhook fares. Its `updated_at` stays: nobody has changed it.
    pub fn set_hook_health(&self, id: WebhookId, health: &HookHealth) -> Result<()> {
        let sql = "UPDATE webhooks SET told_to = ?, failures = ?, failing_since = ?, resume_at = ?, last_try_at = ?, \
                   last_success_at = ?, last_error = ? WHERE id = ?";
        let seconds = |at: Option<UnixTime>| at.map(UnixTime::seconds);
        self.conn.prepare_cached(sql)?.execute(params![
            health.told_to,
            health.failures,
            seconds(health.failing_since),
            seconds(health.resume_at),
            seconds(health.last_try_at),
            seconds(health.last_success_at),
            health.last_error,
            id.0
        ])?;
        Ok(())
    }

    /// Has a webhook begin behind the newest event.
    pub fn begin_hook(&self, id: WebhookId) -> Result<()> {
        let sql = "UPDATE webhooks SET told_to = ifnull((SELECT max(id) FROM events), 0) WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute([id.0])?;
        Ok(())
    }

    /// Notes what an attempt came to.
    pub fn note_delivery(&self, id: WebhookId, attempted: &Attempted<'_>) -> Result<()> {
        let state = match (attempted.taken, attempted.next_at) {
            (true, _) => "delivered",
            (false, Some(_)) => "waiting",
            (false, None) => "failed",
        };
        let sent = attempted.attempts > 0;
        let sql = "INSERT INTO webhook_deliveries (webhook_id, event_id, type, object, state, attempts, next_at, last_at, status, \
                   error, micros) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (webhook_id, event_id) DO UPDATE \
                   SET state = ?5, attempts = ?6, next_at = ?7, last_at = ?8, status = ?9, error = ?10, micros = ?11 WHERE ?6 > 0";
        self.conn.prepare_cached(sql)?.execute(params![
            id.0,
            attempted.event.id,
            attempted.event.kind,
            object(attempted.event),
            state,
            attempted.attempts,
            attempted.next_at.map(UnixTime::seconds),
            sent.then(|| attempted.at.seconds()),
            attempted.status,
            attempted.error,
            sent.then_some(attempted.micros)
        ])?;
        Ok(())
    }

    /// All that waits for a webhook is due: its receiver is back.
    pub fn hurry_deliveries(&self, id: WebhookId) -> Result<()> {
        let sql = "UPDATE webhook_deliveries SET next_at = 0 WHERE webhook_id = ? AND state = 'waiting'";
        self.conn.prepare_cached(sql)?.execute([id.0])?;
        Ok(())
    }

    /// Sends one event once more.
    pub fn resend(&self, id: WebhookId, event: &EventSeen) -> Result<()> {
        let sql = "INSERT INTO webhook_deliveries (webhook_id, event_id, type, object, state, attempts, next_at) \
                   VALUES (?1, ?2, ?3, ?4, 'waiting', 0, 0) ON CONFLICT (webhook_id, event_id) DO UPDATE \
                   SET state = 'waiting', attempts = 0, next_at = 0";
        self.conn.prepare_cached(sql)?.execute(params![id.0, event.id, event.kind, object(event)])?;
        Ok(())
    }

    /// Sends all behind a number once more: it is as if nothing of that was sent.
    pub fn resend_after(&self, id: WebhookId, after: i64) -> Result<()> {
        let sql = "DELETE FROM webhook_deliveries WHERE webhook_id = ? AND event_id > ?";
        self.conn.prepare_cached(sql)?.execute([id.0, after])?;
        let sql = "UPDATE webhooks SET told_to = min(told_to, ?) WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute([after, id.0])?;
        Ok(())
    }

    /// Forgets deliveries of events that are gone, some at a time; whether more may be left.
    pub fn forget_deliveries(&self) -> Result<bool> {
        let sql = "DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries \
                   WHERE event_id <= (SELECT forgotten_id FROM event_log) LIMIT 500)";
        Ok(self.conn.prepare_cached(sql)?.execute([])? == 500)
    }
}
