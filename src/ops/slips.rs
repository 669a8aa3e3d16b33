//! Forms that make something once, however often they are sent: each carries a slip, and what it made is known by that
//! for an hour.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{Act, Action, Ops, random};
use crate::domain::{
    Error, Refused, Result,
    people::{actor::Actor, api_key::KeyText},
};

/// Slips kept at once, about 3 MB; beyond it the oldest is forgotten.
const MOST: usize = 10_000;
/// For how long one is kept.
const KEPT: Duration = Duration::from_hours(1);

/// The slip of a form that was sent.
#[derive(Clone, Debug)]
pub struct Slip {
    /// What tells it from others: whose form it is, and the random text in it.
    pub key: String,
    /// What tells the form from one with something else in it.
    pub fingerprint: String,
}

/// What a form made.
pub struct FormOutcome<T> {
    /// The id of the row.
    pub id: i64,
    /// What else there is to say of it; `None` if the form was sent before and made nothing now.
    pub now: Option<T>,
}

/// The fingerprint of the form that made something, and the id of that. Whoever sends the same form meanwhile waits.
type Outcome = Arc<tokio::sync::Mutex<Option<(String, i64)>>>;

/// Slips that were used lately.
#[derive(Default)]
pub struct Slips(Mutex<Used>);

#[derive(Default)]
struct Used {
    /// Keys that forms made: in memory only, for a form whose first answer the browser dropped.
    keys: HashMap<String, KeyText>,
    outcomes: HashMap<String, Outcome>,
    /// In the order in which they came.
    came: VecDeque<(Instant, String)>,
}

impl Slips {
    fn outcome(&self, key: &str) -> Outcome {
        let mut used = self.0.lock();
        let used = &mut *used;
        while used.came.len() >= MOST || used.came.front().is_some_and(|(at, _)| at.elapsed() > KEPT) {
            let Some((_, oldest)) = used.came.pop_front() else { break };
            used.outcomes.remove(&oldest);
            used.keys.remove(&oldest);
        }
        if let Some(outcome) = used.outcomes.get(key) {
            return outcome.clone();
        }
        used.came.push_back((Instant::now(), key.to_owned()));
        used.outcomes.entry(key.to_owned()).or_default().clone()
    }
}

impl Ops {
    /// The text of the API key that a form with that slip makes: the same for every repeat.
    ///
    /// # Errors
    /// [`Error::Busy`] if the system's generator fails.
    pub fn key_of_slip(&self, slip: &Slip) -> Result<KeyText> {
        self.slips.outcome(&slip.key);
        let new = random::api_key()?;
        let mut used = self.slips.0.lock();
        Ok(used.keys.entry(slip.key.clone()).or_insert(new).clone())
    }

    /// What the same form made before, if it did; whoever sent it first is waited for.
    pub async fn made(&self, slip: &Slip) -> Option<i64> {
        let outcome = self.slips.outcome(&slip.key);
        let outcome = outcome.lock().await;
        outcome.as_ref().filter(|(of, _)| *of == slip.fingerprint).map(|(_, id)| *id)
    }

    /// Makes something, of which the job says id and more; a repeat of the form with that slip is led to it instead.
    ///
    /// # Errors
    /// As [`Ops::write`], and [`Error::Refused`] for a slip that made something from another form.
    pub async fn make<T, F>(&self, actor: Actor, action: Action, slip: Slip, job: F) -> Result<FormOutcome<T>>
    where
        T: Send + 'static,
        F: Fn(&Act<'_>) -> Result<(i64, T)> + Send + 'static,
    {
        let ops = self.clone();
        let Slip { key, fingerprint } = slip;
        let outcome = self.slips.outcome(&key);
        // Apart from the caller: the browser drops the first answer when the button is pressed twice.
        let once = tokio::spawn(async move {
            let mut outcome = outcome.lock().await;
            match &*outcome {
                Some((of, id)) if *of == fingerprint => return Ok(FormOutcome { id: *id, now: None }),
                Some(_) => {
                    return Err(Refused::FormSentAlready.into());
                }
                None => {}
            }
            let (id, told) = ops.write(actor, action, job).await?;
            *outcome = Some((fingerprint, id));
            Ok(FormOutcome { id, now: Some(told) })
        });
        once.await.unwrap_or(Err(Error::Busy))
    }
}
