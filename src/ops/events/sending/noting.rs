//! What came of messages, and what is noted of it: of each message, and of how its receiver is.

use crate::{
    domain::{
        Result,
        events::webhook::{DOWN, HookHealth, LONGEST_PAUSE, Webhook, pause},
        fields::time::UnixTime,
        ids::WebhookId,
    },
    store::{
        Write,
        events::{log::EventSeen, webhooks::Attempted},
    },
};

/// What came of an item.
pub(super) struct Outcome {
    pub(super) event: EventSeen,
    pub(super) attempts: i64,
    pub(super) at: UnixTime,
    pub(super) micros: i64,
    /// The status, or why there is none; nothing if it was not sent, because one before it failed.
    pub(super) answer: Option<std::result::Result<u16, String>>,
    pub(super) retry_after: Option<i64>,
}

impl Outcome {
    /// One that was not sent.
    pub(super) fn parked(event: EventSeen) -> Self {
        Self { event, attempts: 0, at: UnixTime::clamped(0), micros: 0, answer: None, retry_after: None }
    }

    pub(super) fn was_taken(&self) -> bool {
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

/// How far a dispatch is noted.
#[derive(Clone)]
pub(super) struct Noted {
    /// Where the dispatch began.
    pub(super) began: i64,
    pub(super) health: HookHealth,
    /// Something failed.
    pub(super) changed: bool,
}

/// Notes what came of some messages; where all of the dispatch was sent, also up to which event.
pub(super) fn note(
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
