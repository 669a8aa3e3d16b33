//! Exactly once: a repeat of a call gets the first answer and does nothing (docs/api.md, "Repeats:
//! Idempotency-Key").

use serde_json::Value;

use super::{Act, Action, Look, Ops};
use crate::{
    domain::{
        Error, JsonObject, Refused, Result,
        ids::ApiKeyId,
        people::actor::{Actor, Who},
    },
    store::engine::idempotency::{KEPT, KeptAnswer},
};

/// What tells a repeat from another call.
#[derive(Clone, Debug)]
pub struct Once {
    /// The SHA-256 of the header's value.
    pub key: [u8; 32],
    /// The SHA-256 of the call and its fields, without the API key.
    pub fingerprint: [u8; 32],
}

impl Ops {
    /// Does something and answers it; with `once`, a repeat gets the same answer instead. The
    /// answer is kept in the transaction of the write, so neither is ever there without the other.
    /// A refusal changes nothing and is not kept: the call may be repeated once its cause is mended.
    /// With `dry_run` everything is undone, and its answer is not kept.
    ///
    /// # Errors
    /// As [`Ops::write`], and [`crate::domain::Error::Refused`] for a key that came with another call.
    pub fn write_once<F>(
        &self,
        actor: Actor,
        action: Action,
        once: Option<Once>,
        dry_run: bool,
        job: F,
    ) -> impl Future<Output = Result<JsonObject>> + use<F>
    where
        F: Fn(&Act<'_>) -> Result<JsonObject> + Send + 'static,
    {
        let (since, is_doubted) = (self.answers_since(KEPT), self.leap().is_some());
        let answered = self.write(actor, action, move |act| {
            let caller = caller(once.as_ref(), act.actor);
            if let Some((once, id)) = caller
                && let Some(kept) = act.tx.kept_answer(id, &once.key, since)?
            {
                return repeated(once, &kept).map(Ok);
            }
            if dry_run {
                // What is refused here has changed nothing: the transaction goes on without it.
                return Ok(act.rehearse(|| job(act)).map_err(unlogged));
            }
            let answer = job(act)?;
            if let Some((once, id)) = caller {
                let kept = KeptAnswer { fingerprint: once.fingerprint, answer: to_keep(&answer) };
                let now = (!is_doubted).then_some(act.now);
                act.tx.keep_answer(id, &once.key, &kept, now)?;
            }
            Ok(Ok(answer))
        });
        async move { answered.await? }
    }

    /// The answer that a repeat gets, for a call that writes in several steps before it is answered.
    ///
    /// # Errors
    /// [`crate::domain::Error::Refused`] for a key that came with another call, or a database error.
    pub async fn answered(
        &self,
        actor: &Actor,
        action: Action,
        once: Option<Once>,
    ) -> Result<Option<JsonObject>> {
        let since = self.answers_since(KEPT);
        let Some((once, id)) = caller(once.as_ref(), actor).map(|(once, id)| (once.clone(), id)) else {
            return Ok(None);
        };
        let look = move |look: &Look<'_>| {
            let kept = look.read.kept_answer(id, &once.key, since)?;
            kept.map(|kept| repeated(&once, &kept)).transpose()
        };
        self.read(actor, action, look).await
    }
}

/// Whose repeats are known.
fn caller<'o>(once: Option<&'o Once>, actor: &Actor) -> Option<(&'o Once, ApiKeyId)> {
    match (once, &actor.who) {
        (Some(once), Who::ApiKey { id, .. }) => Some((once, *id)),
        _ => None,
    }
}

/// A dry run leaves no entry in the Panel Error Log that its refusal could name.
fn unlogged(error: Error) -> Error {
    match error {
        Error::Database(fault) => {
            log::warn!("a dry run failed: {}: {}", fault.what, fault.detail);
            Refused::DryRunFailed(fault.what).into()
        }
        error => error,
    }
}

fn repeated(once: &Once, kept: &KeptAnswer) -> Result<JsonObject> {
    if kept.fingerprint != once.fingerprint {
        return Err(Refused::KeyOfAnotherCall.into());
    }
    JsonObject::read(&kept.answer).ok_or(Refused::AnswerUnreadable.into())
}

/// A new API key and the secret of a webhook are shown once and kept nowhere in clear: a repeat gets the answer without them.
fn to_keep(answer: &JsonObject) -> String {
    let mut members = answer.members();
    for secret in ["api_key", "secret"] {
        if let Some(shown) = members.get_mut(secret) {
            *shown = Value::Null;
        }
    }
    JsonObject::from(members).text()
}
