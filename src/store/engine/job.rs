//! A job of the writer: what a caller wants done in a transaction, and how it hears of the end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::fault::{self, Context, Faults};
use crate::{
    domain::{Error, Result},
    store::Write,
};

/// The outcome of a write, once it is committed.
pub struct Answer<T>(Option<oneshot::Receiver<Result<T>>>);

impl<T> Answer<T> {
    /// The answer where the queue is full.
    pub const BUSY: Self = Self(None);

    /// Waits for it without holding a thread.
    ///
    /// # Errors
    /// The job's own, [`Error::Busy`], [`Error::Database`].
    pub async fn wait(mut self) -> Result<T> {
        self.heard().await
    }

    /// The same for one who may go away and leave it to another; it is heard once.
    ///
    /// # Errors
    /// As [`Answer::wait`].
    pub async fn heard(&mut self) -> Result<T> {
        match &mut self.0 {
            Some(answer) => answer.await.unwrap_or(Err(Error::Busy)),
            None => Err(Error::Busy),
        }
    }
}

/// A job in the queue, whatever it returns.
pub trait Job: Send {
    /// Does the work, maybe once more; whether it is to be kept.
    fn run(&mut self, tx: &Write<'_>) -> bool;
    /// The transaction was lost: replaces what was done in it, or would have been.
    fn lose(&mut self, error: &Error);
    /// Tells the caller.
    fn answer(self: Box<Self>, faults: &Faults);
}

/// A job of its own type.
pub struct Queued<T, F> {
    origin: Context,
    work: F,
    /// `None` until it has run.
    outcome: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T, F> Queued<T, F> {
    /// A job, and where its caller waits for the answer.
    pub fn of(origin: Context, work: F) -> (Self, Answer<T>) {
        let (caller, answer) = oneshot::channel();
        (Self { origin, work, outcome: None, caller }, Answer(Some(answer)))
    }
}

impl<T: Send, F: Fn(&Write<'_>) -> Result<T> + Send> Job for Queued<T, F> {
    fn run(&mut self, tx: &Write<'_>) -> bool {
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(tx))).unwrap_or_else(|_| {
            Err(fault::broken(format!("panic in {}/{}", self.origin.resource, self.origin.action)))
        });
        self.outcome.insert(outcome).is_ok()
    }

    fn lose(&mut self, error: &Error) {
        // A job that never ran has lost the transaction too.
        if self.outcome.as_ref().is_none_or(Result::is_ok) {
            self.outcome = Some(Err(fault::again(error)));
        }
    }

    fn answer(self: Box<Self>, faults: &Faults) {
        let outcome = self.outcome.unwrap_or(Err(Error::Busy));
        if let Err(Error::Database(fault)) = &outcome {
            faults.note(&self.origin, fault);
        }
        // A caller that went away needs no answer.
        let _ = self.caller.send(outcome);
    }
}
