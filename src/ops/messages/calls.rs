//! Calls of message targets: one at a time, and what has come meanwhile in one.

use super::sending::{Outcome, note};
use crate::{
    domain::{
        Result,
        fields::time::UnixTime,
        ids::MessageTargetId,
        messages::{
            CALL_PAUSE, TOGETHER, Way,
            target::{MessageTarget, TargetHealth},
            template::{Escape, Values, filled},
            words::{self, Words},
        },
    },
    host::webhook::{Answer, Call},
    ops::{Ops, blocking, clock},
    store::{self, Write, events::messages::Message},
};

/// This many messages are taken up at once.
const WINDOW: usize = 200;
/// This many seconds after a call failed the target is called again at the earliest, and at the latest if it asks for more.
const RESTS: (i64, i64) = (30, 86_400);

/// What is sent with one call.
#[derive(Clone)]
struct Due {
    target: MessageTarget,
    messages: Vec<Message>,
    log_id: String,
}

impl Ops {
    /// Calls a target with what is due.
    pub(super) async fn call_target(&self, id: MessageTargetId) -> Result<()> {
        let now = clock::now();
        let job = move |tx: &Write<'_>| prepare(tx, id, now);
        let Some(due) = self.store.write(store::housekeeping(now, "messages"), job).wait().await? else {
            return Ok(());
        };
        let answer = match self.open_target(&due.target).filter(|opened| !opened.url.is_empty()) {
            None => {
                Err("Its address was sealed with another key: type it again, or put the key file back."
                    .into())
            }
            Some(opened) => {
                let (ops, due) = (self.clone(), due.clone());
                blocking(move || ops.call(&opened.url, &opened.headers, &due)).await
            }
        };
        let (outcome, retry_after) = match answer {
            Ok(Answer { status, .. }) if (200..300).contains(&status) => (Outcome::Taken, None),
            Ok(Answer { status, retry_after }) => {
                (Outcome::Later(format!("It answered with status {status}.")), retry_after)
            }
            Err(why) => (Outcome::Later(why), None),
        };
        let now = clock::now();
        self.meters.messaged(Way::Http.name(), outcome.word(), due.messages.len());
        let job = move |tx: &Write<'_>| {
            note(tx, &due.messages, &outcome, now)?;
            let before = tx.target_health(id)?;
            let at = |pause: i64| Some(UnixTime::clamped(now.seconds() + pause));
            let health = match &outcome {
                Outcome::Taken => TargetHealth {
                    resume_at: at(CALL_PAUSE),
                    last_try_at: Some(now),
                    last_success_at: Some(now),
                    last_error: String::new(),
                },
                Outcome::Later(why) | Outcome::Never(why) => TargetHealth {
                    resume_at: at(retry_after.unwrap_or(0).clamp(RESTS.0, RESTS.1)),
                    last_try_at: Some(now),
                    last_error: why.clone(),
                    ..before
                },
            };
            tx.set_target_health(id, &health)
        };
        self.store.write(store::housekeeping(now, "messages"), job).wait().await
    }

    /// Blocks.
    fn call(&self, url: &str, headers: &[(String, String)], due: &Due) -> Result<Answer, String> {
        let words = said(&due.messages);
        let first = due.messages.first();
        let kind = first.map_or("", |message| message.kind.as_str());
        let name = first.map_or("", |message| message.key.as_str());
        let is_one_kind = due.messages.iter().all(|message| message.kind == kind);
        let is_one_name = due.messages.iter().all(|message| message.key == name);
        let reference =
            first.filter(|_| due.messages.len() == 1).and_then(|message| message.reference.as_deref());
        let names: Vec<&str> = due.messages.iter().map(|message| message.key.as_str()).collect();
        let id = format!(
            "msg_{}_{}_{}",
            due.log_id.get(..12).unwrap_or(&due.log_id),
            first.map_or(0, |message| message.id.0),
            first.map_or(0, |message| message.again)
        );
        let names: String = names.join(", ").chars().take(500).collect();
        let at = due.messages.last().map_or(UnixTime::FIRST, |message| message.at).iso();
        let values = Values {
            id: &id,
            kind: if is_one_kind { kind } else { "several" },
            name: if is_one_name { name } else { &names },
            reference: reference.unwrap_or_default(),
            text: &words.text,
            at: &at,
        };
        let body = due.target.filled(&values);
        let call = Call {
            url: &filled(url, &values, Escape::Percent),
            headers,
            body: due.target.has_body().then_some((body.as_str(), due.target.content_type.mime())),
        };
        self.host.hooks.call(&call, self.snapshot().settings.fetch_local)
    }
}

/// Messages as one.
fn said(messages: &[Message]) -> Words {
    let all: Vec<Words> = messages
        .iter()
        .take(TOGETHER)
        .map(|message| Words { subject: message.subject.clone(), text: message.text.clone() })
        .collect();
    words::together(&all, messages.len() - all.len())
}

/// What is due for a target, noted as what goes together: what was tried together before, or all that is new.
fn prepare(tx: &Write<'_>, id: MessageTargetId, now: UnixTime) -> Result<Option<Due>> {
    let Some(target) = tx.by_id::<MessageTarget>(id)?.filter(|row| row.record.enabled) else {
        return Ok(None);
    };
    let mut messages = tx.due_for_target(id, now, WINDOW)?;
    let Some(first) = messages.first().map(|message| message.bundle) else { return Ok(None) };
    messages.retain(|message| message.bundle == first);
    let ids: Vec<_> = messages.iter().map(|message| message.id).collect();
    tx.bundle_messages(&ids)?;
    Ok(Some(Due { target: target.record, messages, log_id: tx.event_log()?.log_id }))
}
