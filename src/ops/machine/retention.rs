//! Forgetting what is older than General Settings say.

use crate::{
    domain::{
        Result,
        fields::{number::Days, time::UnixTime},
        messages::KEPT_DAYS,
    },
    ops::{Ops, clock},
    store::{self, machine::logs::Log},
};

/// Events of a clock that was ahead go with all others, in seconds.
const AHEAD: i64 = 400 * 86_400;
/// After this many seconds without a step an import was cut off.
const UNHEARD: i64 = 600;

impl Ops {
    /// Deletes old log rows and old kept answers, a little at a time.
    ///
    /// # Errors
    /// A database error; what is left goes the next time.
    pub async fn forget_old(&self) -> Result<()> {
        if self.leap().is_some() {
            return Ok(());
        }
        let settings = self.snapshot().settings.clone();
        let logs: [(Log, Days); 6] = [
            (Log::Audit, settings.audit_retention_days),
            (Log::Error, settings.error_retention_days),
            (Log::Login, settings.login_retention_days),
            (Log::Connection, settings.connection_retention_days),
            (Log::Refusal, settings.refusal_retention_days),
            (Log::Api, settings.api_retention_days),
        ];
        for (log, days) in logs {
            let mut after = Some(0);
            while let Some(id) = after {
                after = self.forget(move |tx, now| tx.forget_log(log, days, now, id)).await?;
            }
        }
        let days = settings.event_retention_days.get();
        // None at all: the old ones go as well.
        let kept = if days == 0 { -AHEAD } else { days * 86_400 };
        let oldest = move |now: UnixTime| UnixTime::clamped(now.seconds() - kept);
        while self.forget(move |tx, now| tx.forget_events(oldest(now))).await? {}
        while self.forget(|tx, _| tx.forget_deliveries()).await? {}
        let oldest = |now: UnixTime| UnixTime::clamped(now.seconds() - KEPT_DAYS * 86_400);
        while self.forget(move |tx, now| tx.forget_messages(oldest(now))).await? {}
        self.forget(|tx, now| tx.age_answers(now)).await?;
        while self.forget(|tx, now| tx.forget_answers(now)).await? {}
        while self.forget(|tx, now| tx.forget_batches(now)).await? {}
        while self.forget(|tx, now| tx.forget_let_in(now)).await? {}
        // The command line may have been ended in one.
        self.note_cut_off_imports(UnixTime::clamped(clock::now().seconds() - UNHEARD)).await
    }

    async fn forget<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&store::Write<'_>, UnixTime) -> Result<T> + Send + 'static,
    {
        let now = clock::now();
        self.store.write(store::housekeeping(now, "retention"), move |tx| job(tx, now)).wait().await
    }
}
