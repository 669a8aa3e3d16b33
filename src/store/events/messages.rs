//! Messages to people: what waits, what was sent, and how targets fare.

use rusqlite::{OptionalExtension, Row, params};

use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        ids::{MessageId, MessageTargetId, ResellerId},
        messages::{MAIL_PAUSE, Way, target::TargetHealth},
        page::{Page, Rows, Start},
    },
    store::{Read, Write},
};

/// A message that is new.
#[derive(Clone, Debug)]
pub struct NewMessage<'a> {
    /// The event that it tells of; none for a test.
    pub event: Option<i64>,
    /// The type of that.
    pub kind: &'a str,
    /// What it is about, as a text of its own for each object.
    pub object: &'a str,
    /// The name of that.
    pub key: &'a str,
    /// The caller's own number of it.
    pub reference: Option<&'a str>,
    /// When it happened.
    pub at: UnixTime,
    /// The end that a reminder tells of.
    pub ends_at: Option<UnixTime>,
    /// How it is sent.
    pub way: Way,
    /// To whom.
    pub receiver: &'a str,
    /// By which target.
    pub target: Option<MessageTargetId>,
    /// Its subject.
    pub subject: &'a str,
    /// Its text.
    pub text: &'a str,
    /// When it is sent.
    pub next_at: UnixTime,
}

/// A message as it is kept.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// The event that it tells of; none for a test.
    pub event: Option<i64>,
    /// The type of that.
    pub kind: String,
    /// What it is about.
    pub object: String,
    /// The name of that.
    pub key: String,
    /// The caller's own number of it.
    pub reference: Option<String>,
    /// When it happened.
    pub at: UnixTime,
    /// The end that a reminder tells of.
    pub ends_at: Option<UnixTime>,
    /// How it is sent.
    pub way: String,
    /// To whom.
    pub receiver: String,
    /// By which target.
    pub target: Option<MessageTargetId>,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// `waiting`, `sent`, `failed` or `dropped`.
    pub state: String,
    /// The first one of those that it is sent with.
    pub bundle: Option<i64>,
    /// How often somebody had it sent once more.
    pub again: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is sent, if it waits.
    pub next_at: Option<UnixTime>,
    /// When it was sent last.
    pub last_at: Option<UnixTime>,
    /// What was wrong with it, or why it was dropped.
    pub error: String,
}

/// What became of a message.
#[derive(Clone, Copy, Debug)]
pub enum Became<'a> {
    /// It was sent.
    Sent,
    /// It failed, and is sent again then if there is a then.
    Failed(&'a str, Option<UnixTime>),
    /// It is not sent, because it is not true any more.
    Dropped(&'a str),
}

const COLUMNS: &str = "id, event_id, type, object, key, reference, at, ends_at, way, receiver, target_id, subject, text, state, bundle, \
                       again, attempts, next_at, last_at, error";

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let time = |place| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(place)?.map(UnixTime::clamped));
    let state: String = row.get(13)?;
    Ok(Message {
        id: MessageId(row.get(0)?),
        event: row.get(1)?,
        kind: row.get(2)?,
        object: row.get(3)?,
        key: row.get(4)?,
        reference: row.get(5)?,
        at: UnixTime::clamped(row.get(6)?),
        ends_at: time(7)?,
        way: row.get(8)?,
        receiver: row.get(9)?,
        target: row.get::<_, Option<i64>>(10)?.map(MessageTargetId),
        subject: row.get(11)?,
        text: row.get(12)?,
        bundle: row.get(14)?,
        again: row.get(15)?,
        attempts: row.get(16)?,
        next_at: time(17)?.filter(|_| state == "waiting"),
        last_at: time(18)?,
        error: row.get(19)?,
        state,
    })
}

fn seconds(at: Option<UnixTime>) -> Option<i64> {
    at.map(UnixTime::seconds)
}

impl Read<'_> {
    /// Up to which event messages were made.
    pub fn messages_to(&self) -> Result<i64> {
        let sql = "SELECT messages_to FROM event_log WHERE id = 1";
        Ok(self.conn.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// Whether this many messages wait.
    pub fn messages_wait(&self, many: i64) -> Result<bool> {
        let sql = "SELECT count(*) FROM (SELECT 1 FROM messages WHERE state = 'waiting' LIMIT ?)";
        let waiting: i64 = self.conn.prepare_cached(sql)?.query_row([many], |row| row.get(0))?;
        Ok(waiting >= many)
    }

    /// The messages that are due by that way, to one receiver after the other, the oldest first.
    pub fn due_messages(&self, way: Way, now: UnixTime, most: usize) -> Result<Vec<Message>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE state = 'waiting' AND way = ? AND next_at <= ? ORDER BY receiver, id LIMIT ?"
        );
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![way.name(), now.seconds(), most], message)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The targets for which something is due.
    pub fn due_targets(&self, now: UnixTime) -> Result<Vec<MessageTargetId>> {
        let sql = "SELECT DISTINCT target.id FROM messages JOIN message_targets AS target ON target.id = messages.target_id \
                   WHERE state = 'waiting' AND way = 'http' AND next_at <= ?1 AND target.enabled = 1 AND ifnull(resume_at, 0) <= ?1";
        let mut statement = self.conn.prepare_cached(sql)?;
        let ids = statement.query_map([now.seconds()], |row| Ok(MessageTargetId(row.get(0)?)))?;
        Ok(ids.collect::<rusqlite::Result<_>>()?)
    }

    /// What is due for a target, the oldest first; and how much that is in all.
    pub fn due_for_target(&self, id: MessageTargetId, now: UnixTime, most: usize) -> Result<Vec<Message>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE state = 'waiting' AND target_id = ? AND next_at <= ? ORDER BY id LIMIT ?"
        );
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![id.0, now.seconds(), most], message)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// How that target fares.
    pub fn target_health(&self, id: MessageTargetId) -> Result<TargetHealth> {
        let sql =
            "SELECT resume_at, last_try_at, last_success_at, last_error FROM message_targets WHERE id = ?";
        let time = |row: &Row<'_>, place| {
            Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(place)?.map(UnixTime::clamped))
        };
        let found = self.conn.prepare_cached(sql)?.query_row([id.0], |row| {
            Ok(TargetHealth {
                resume_at: time(row, 0)?,
                last_try_at: time(row, 1)?,
                last_success_at: time(row, 2)?,
                last_error: row.get(3)?,
            })
        });
        Ok(found.optional()?.unwrap_or_default())
    }

    /// How many targets there are.
    pub fn message_targets(&self) -> Result<i64> {
        self.rows_of("message_targets")
    }

    /// The newest message to a receiver about an object that has one of two types: its number and state.
    pub fn last_message(
        &self,
        object: &str,
        (way, receiver): (Way, &str),
        kinds: [&str; 2],
    ) -> Result<Option<(MessageId, String, String)>> {
        let sql = "SELECT id, type, state FROM messages WHERE object = ? AND way = ? AND receiver = ? AND type IN (?, ?) ORDER BY id DESC LIMIT 1";
        let [one, other] = kinds;
        let found = self
            .conn
            .prepare_cached(sql)?
            .query_row(params![object, way.name(), receiver, one, other], |row| {
                Ok((MessageId(row.get(0)?), row.get(1)?, row.get(2)?))
            });
        Ok(found.optional()?)
    }

    /// When the last e-mail that tells of alerts was sent to an address, if that is not long ago.
    pub fn last_alert_mail(&self, receiver: &str, now: UnixTime) -> Result<Option<UnixTime>> {
        let sql = "SELECT max(last_at) FROM messages WHERE way = 'email' AND receiver = ? AND state = 'sent' AND ends_at IS NULL \
                   AND event_id IS NOT NULL AND last_at > ? AND last_at <= ?";
        let after = now.seconds() - MAIL_PAUSE;
        let found: Option<i64> = self
            .conn
            .prepare_cached(sql)?
            .query_row(params![receiver, after, now.seconds()], |row| row.get(0))?;
        Ok(found.map(UnixTime::clamped))
    }

    /// A message.
    pub fn message(&self, id: MessageId) -> Result<Option<Message>> {
        let sql = format!("SELECT {COLUMNS} FROM messages WHERE id = ?");
        Ok(self.conn.prepare_cached(&sql)?.query_row([id.0], message).optional()?)
    }

    /// A page of messages, the newest first: of that state, by that target.
    pub fn messages(
        &self,
        state: Option<&str>,
        target: Option<MessageTargetId>,
        page: &Page,
    ) -> Result<Rows<Message>> {
        let target = target.map(|id| id.0);
        let sql = "SELECT count(*) FROM messages WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR target_id = ?2)";
        let total = self.conn.prepare_cached(sql)?.query_row(params![state, target], |row| row.get(0))?;
        let (before, offset) = match page.start {
            Start::Offset(offset) => (i64::MAX, offset),
            Start::After(id) => (id, 0),
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM messages WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR target_id = ?2) AND id < ?3 \
             ORDER BY id DESC LIMIT ?4 OFFSET ?5"
        );
        let mut statement = self.conn.prepare_cached(&sql)?;
        let rows = statement.query_map(params![state, target, before, page.limit.rows(), offset], message)?;
        Ok(Rows { total, rows: rows.collect::<rusqlite::Result<_>>()? })
    }

    /// How many messages have failed since then for good, and how many of those that wait have failed before.
    pub fn failing_messages(&self, since: UnixTime) -> Result<(i64, i64)> {
        let sql = "SELECT (SELECT count(*) FROM messages WHERE state = 'failed' AND last_at > ?1), \
                   (SELECT count(*) FROM messages WHERE state = 'waiting' AND attempts > 0)";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row([since.seconds()], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    /// The e-mail addresses of people who work for a reseller.
    pub fn emails_of_reseller(&self, id: ResellerId) -> Result<Vec<String>> {
        let sql = "SELECT email FROM administrators WHERE reseller_id = ? AND disabled = 0 AND email <> '' ORDER BY id LIMIT 20";
        let mut statement = self.conn.prepare_cached(sql)?;
        let rows = statement.query_map([id.0], |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Write<'_> {
    /// Notes up to which event messages are made.
    pub fn note_messages_to(&self, event: i64) -> Result<()> {
        self.conn.prepare_cached("UPDATE event_log SET messages_to = ? WHERE id = 1")?.execute([event])?;
        Ok(())
    }

    /// Lets a message wait to be sent; nothing if the same event is told by that way to that receiver already.
    pub fn add_message(&self, message: &NewMessage<'_>) -> Result<()> {
        let sql = "INSERT OR IGNORE INTO messages (event_id, type, object, key, reference, at, ends_at, way, receiver, target_id, subject, \
                   text, next_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        self.conn.prepare_cached(sql)?.execute(params![
            message.event,
            message.kind,
            message.object,
            message.key,
            message.reference,
            message.at.seconds(),
            seconds(message.ends_at),
            message.way.name(),
            message.receiver,
            message.target.map(|id| id.0),
            message.subject,
            message.text,
            message.next_at.seconds()
        ])?;
        Ok(())
    }

    /// Takes a message back that was not sent.
    pub fn take_back_message(&self, id: MessageId) -> Result<()> {
        let sql = "DELETE FROM messages WHERE id = ? AND state = 'waiting'";
        self.conn.prepare_cached(sql)?.execute([id.0])?;
        Ok(())
    }

    /// Drops what waits about an object that was deleted by that event.
    pub fn drop_messages_about(&self, object: &str, event: i64) -> Result<()> {
        let sql = "UPDATE messages SET state = 'dropped', error = 'It was deleted meanwhile.' WHERE object = ? AND state = 'waiting' \
                   AND event_id < ?";
        self.conn.prepare_cached(sql)?.execute(params![object, event])?;
        Ok(())
    }

    /// Drops what waits of older reminders to a receiver about an object.
    pub fn drop_older_reminders(&self, object: &str, way: Way, receiver: &str, event: i64) -> Result<()> {
        let sql = "UPDATE messages SET state = 'dropped', error = 'A newer one says so.' WHERE object = ? AND way = ? AND receiver = ? \
                   AND state = 'waiting' AND ends_at IS NOT NULL AND event_id < ?";
        self.conn.prepare_cached(sql)?.execute(params![object, way.name(), receiver, event])?;
        Ok(())
    }

    /// Those messages are sent as one from now on; the number of the first is that of the bundle.
    pub fn bundle_messages(&self, ids: &[MessageId]) -> Result<()> {
        let Some(first) = ids.first() else { return Ok(()) };
        let mut statement = self.conn.prepare_cached("UPDATE messages SET bundle = ? WHERE id = ?")?;
        for id in ids {
            statement.execute([first.0, id.0])?;
        }
        Ok(())
    }

    /// Keeps a message in the words in which it is sent.
    pub fn reword_message(&self, id: MessageId, subject: &str, text: &str) -> Result<()> {
        let sql = "UPDATE messages SET subject = ?, text = ? WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute(params![subject, text, id.0])?;
        Ok(())
    }

    /// Notes what became of a message that waited.
    pub fn note_message(&self, id: MessageId, became: Became<'_>, at: UnixTime) -> Result<()> {
        let (state, error, next_at, tried) = match became {
            Became::Sent => ("sent", "", None, 1),
            Became::Failed(why, Some(next)) => ("waiting", why, Some(next), 1),
            Became::Failed(why, None) => ("failed", why, None, 1),
            Became::Dropped(why) => ("dropped", why, None, 0),
        };
        let sql = "UPDATE messages SET state = ?1, error = ?2, next_at = ?3, attempts = attempts + ?4, \
                   last_at = CASE ?4 WHEN 1 THEN ?5 ELSE last_at END WHERE id = ?6 AND state = 'waiting'";
        self.conn.prepare_cached(sql)?.execute(params![
            state,
            error,
            seconds(next_at),
            tried,
            at.seconds(),
            id.0
        ])?;
        Ok(())
    }

    /// Says in the Panel Error Log that a message was given up.
    pub fn log_given_up(&self, message: &Message, why: &str, at: UnixTime) -> Result<()> {
        let sql = "INSERT INTO error_log (reference, at, resource, action, actor, error, detail) \
                   VALUES (?, ?, 'messages', 'send', 'linecard', 'a message could not be sent', ?) ON CONFLICT (reference) DO NOTHING";
        let reference = format!("message-{}-{}", message.id.0, message.again);
        let detail = format!("message {} ({}) by {}: {why}", message.id.0, message.kind, message.way);
        self.conn.prepare_cached(sql)?.execute(params![reference, at.seconds(), detail])?;
        Ok(())
    }

    /// Lets what waits of alerts to an address wait until then at least.
    pub fn hold_alerts(&self, receiver: &str, until: UnixTime) -> Result<()> {
        let sql = "UPDATE messages SET next_at = max(next_at, ?) WHERE way = 'email' AND receiver = ? AND state = 'waiting' \
                   AND ends_at IS NULL AND event_id IS NOT NULL AND bundle IS NULL";
        self.conn.prepare_cached(sql)?.execute(params![until.seconds(), receiver])?;
        Ok(())
    }

    /// A message waits to be sent once more, whatever became of it.
    pub fn resend_message(&self, id: MessageId, at: UnixTime) -> Result<()> {
        let sql = "UPDATE messages SET again = again + (state <> 'waiting'), bundle = iif(state = 'waiting', bundle, NULL), \
                   state = 'waiting', attempts = 0, next_at = ?, error = '' WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute([at.seconds(), id.0])?;
        Ok(())
    }

    /// E-mail that failed before is due: the mail server is another one.
    pub fn hurry_mail(&self, now: UnixTime) -> Result<()> {
        let sql =
            "UPDATE messages SET next_at = ? WHERE way = 'email' AND state = 'waiting' AND attempts > 0";
        self.conn.prepare_cached(sql)?.execute([now.seconds()])?;
        Ok(())
    }

    /// Notes how a target fares. Its `updated_at` stays: nobody has changed it.
    pub fn set_target_health(&self, id: MessageTargetId, health: &TargetHealth) -> Result<()> {
        let sql = "UPDATE message_targets SET resume_at = ?, last_try_at = ?, last_success_at = ?, last_error = ? WHERE id = ?";
        self.conn.prepare_cached(sql)?.execute(params![
            seconds(health.resume_at),
            seconds(health.last_try_at),
            seconds(health.last_success_at),
            health.last_error,
            id.0
        ])?;
        Ok(())
    }

    /// Forgets messages that are over and happened before that, some at a time; whether more may be left.
    pub fn forget_messages(&self, oldest: UnixTime) -> Result<bool> {
        let sql = "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE at < ? AND state <> 'waiting' LIMIT 500)";
        Ok(self.conn.prepare_cached(sql)?.execute([oldest.seconds()])? == 500)
    }
}
