//! What waits is sent: a lane for e-mail, one for each target, and one for boxes, each at its own pace.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::making::awake;
use crate::{
    domain::{
        Result,
        fields::{sealed::Sealed, time::UnixTime},
        ids::MessageTargetId,
        messages::{Way, pause},
    },
    ops::{Ops, clock},
    store::{
        self, Write,
        events::messages::{Became, Message},
    },
};

/// So long a server that stops waits for what is on its way.
const PARTING: Duration = Duration::from_secs(3);
/// Calls of targets that are under way at once: each holds a thread.
const CALLS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lane {
    Mail,
    Target(MessageTargetId),
}

/// What is under way.
#[derive(Default)]
pub struct Lanes {
    running: Mutex<HashSet<Lane>>,
    stops: AtomicBool,
    /// The mail server that failed, and before when it is not tried again, in unix seconds.
    pub(super) down: Mutex<Option<(Sealed, i64)>>,
}

impl Lanes {
    /// Whether nothing new is to begin.
    pub(super) fn stop(&self) -> bool {
        self.stops.load(Ordering::Acquire)
    }

    /// Whether that mail server rests because it failed moments ago.
    fn rests(&self, smtp: &Sealed, now: UnixTime) -> bool {
        self.down.lock().as_ref().is_some_and(|(down, until)| down == smtp && *until > now.seconds())
    }
}

/// A lane that ends, however it does.
struct Running {
    ops: Ops,
    lane: Lane,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ops.messages.running.lock().remove(&self.lane);
    }
}

impl Ops {
    /// Makes messages of what has happened, and sends what is due.
    pub async fn send_messages(&self) -> Result<()> {
        self.make_messages().await?;
        self.send_to_boxes().await?;
        let now = clock::now();
        let origin = store::housekeeping(now, "messages");
        let (mail, targets) = self.store.point(&origin, |read| {
            Ok((!read.due_messages(Way::Email, now, 1)?.is_empty(), read.due_targets(now)?))
        })?;
        if mail && !self.messages.rests(&self.snapshot().settings.smtp_url, now) {
            self.begin(Lane::Mail);
        }
        for id in targets {
            self.begin(Lane::Target(id));
        }
        Ok(())
    }

    fn begin(&self, lane: Lane) {
        let mut running = self.messages.running.lock();
        if self.messages.stop() || running.len() > CALLS || !running.insert(lane) {
            return;
        }
        let own = Running { ops: self.clone(), lane };
        tokio::spawn(async move {
            let done = match lane {
                Lane::Mail => own.ops.send_mail().await,
                Lane::Target(id) => own.ops.call_target(id).await,
            };
            if let Err(error) = done {
                log::warn!("messages: {error}");
            }
            drop(own);
        });
    }

    /// Begins nothing new; waits a moment for what is on its way.
    pub async fn end_messages(&self) -> Result<()> {
        self.messages.stops.store(true, Ordering::Release);
        let begun = Instant::now();
        while !self.messages.running.lock().is_empty() && begun.elapsed() < PARTING {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// What came of sending.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It was taken.
    Taken,
    /// It is to be sent again, and why.
    Later(String),
    /// It will never be taken, and why.
    Never(String),
}

impl Outcome {
    /// What it is counted as.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Taken => "sent",
            Self::Later(_) => "later",
            Self::Never(_) => "failed",
        }
    }
}

/// Notes what came of messages that were sent as one.
pub(super) fn note(tx: &Write<'_>, messages: &[Message], outcome: &Outcome, now: UnixTime) -> Result<()> {
    for message in messages {
        let became = match outcome {
            Outcome::Taken => Became::Sent,
            Outcome::Never(why) => Became::Failed(why, None),
            Outcome::Later(why) => {
                let next = pause(message.attempts + 1);
                let next = next.map(|pause| UnixTime::clamped(now.seconds() + pause));
                Became::Failed(why, next.map(|next| awake(&tx.snapshot().settings, next)))
            }
        };
        if let Became::Failed(why, None) = became {
            tx.log_given_up(message, why, now)?;
        }
        tx.note_message(message.id, became, now)?;
    }
    Ok(())
}
