//! The job: what is due is made, verified and sent, and what is no longer kept goes.

use std::sync::atomic::Ordering;

use super::{free_name, on_disk};
use crate::{
    domain::{
        Refused, Result,
        fields::time::UnixTime,
        ids::SettingsId,
        machine::{
            backups::{Backup, Keep, Kind, State, Turn, turn},
            settings::Settings,
        },
    },
    ops::{Ops, clock},
    store::{self, Write, machine::backups::NewBackup},
};

/// Rows without a file are forgotten after so many seconds.
const FORGOTTEN: i64 = 31 * 86_400;

/// What is to be done with a backup.
enum Task {
    Make(Backup),
    Verify(Backup),
    Send(Backup),
}

impl Ops {
    /// Does what is due; `looks` also without anybody having asked, `is_start` for the first time.
    ///
    /// # Errors
    /// [`crate::domain::Error::Refused`] with what went wrong, and database errors.
    pub async fn keep_backups(&self, looks: bool, is_start: bool) -> Result<()> {
        if !self.backups.asked.swap(false, Ordering::Relaxed) && !looks {
            return Ok(());
        }
        let mut all = self.match_backups(is_start).await?;
        if let Some(ordered) = self.order_scheduled(&all).await? {
            all = ordered;
        }
        let mut failed = None;
        while let Some(task) = next(&all, clock::now()) {
            let outcome = match task {
                Task::Make(row) => self.make_backup(row).await?,
                Task::Verify(row) => self.verify_backup(row).await?,
                Task::Send(row) => self.send_backup(row).await?,
            };
            failed = outcome.or(failed);
            all = self.match_backups(false).await?;
        }
        self.thin_out(&all).await?;
        failed.map_or(Ok(()), |why| Err(Refused::BackupFailed(why).into()))
    }

    /// Orders the backup that the schedule wants, if it does; every row then. It waits while the clock is in doubt.
    async fn order_scheduled(&self, all: &[Backup]) -> Result<Option<Vec<Backup>>> {
        let Some(now) = self.believed_now() else { return Ok(None) };
        let newest = all.iter().rev().find(|row| row.kind == Kind::Schedule);
        let origin = || store::housekeeping(now, "backups");
        let Some(since) = self
            .store
            .point(&origin(), |read| Ok(read.by_id::<Settings>(SettingsId(1))?.map(|row| row.created_at)))?
        else {
            // The first start is not over.
            return Ok(None);
        };
        let settings = self.snapshot().settings.clone();
        let hour = i8::try_from(settings.backup_hour.get()).unwrap_or(3);
        let wanted = turn(newest, since, now, hour, &settings.time_zone.zone());
        if wanted == Turn::Rest
            || newest.is_some_and(|row| matches!(row.state, State::Waiting | State::Running))
        {
            return Ok(None);
        }
        let job = move |tx: &Write<'_>| {
            let all = tx.all_backups()?;
            let name = free_name(&all, now);
            match wanted {
                Turn::Again(id) => {
                    tx.change_backup(id, now, |row| (row.state, row.name) = (State::Waiting, name.clone()))?;
                }
                Turn::New | Turn::Rest => {
                    let (kind, state) = (Kind::Schedule, State::Waiting);
                    tx.add_backup(&NewBackup { name: &name, kind, actor: "", state, bytes: 0, at: now })?;
                }
            }
            tx.all_backups()
        };
        self.store.write(origin(), job).wait().await.map(Some)
    }

    /// Deletes what the settings no longer keep, and forgets what has no file. Nothing goes while the clock is in doubt.
    async fn thin_out(&self, all: &[Backup]) -> Result<()> {
        let Some(now) = self.believed_now() else { return Ok(()) };
        let settings = self.snapshot().settings.clone();
        let mut to_go = Keep::of(&settings).to_go(all, &settings.time_zone.zone());
        for row in all.iter().filter(|row| to_go.contains(&row.id)) {
            log::info!("the backup {} is no longer kept", row.name);
            // First the file: a row without one is forgotten in time, and a file without one would be anybody's.
            on_disk::remove(&self.backups.path(&row.name));
        }
        let since = UnixTime::clamped(now.seconds() - FORGOTTEN);
        let is_old =
            |row: &&Backup| row.updated_at < since && matches!(row.state, State::Failed | State::Missing);
        to_go.extend(all.iter().filter(is_old).map(|row| row.id));
        if to_go.is_empty() {
            return Ok(());
        }
        let job = move |tx: &Write<'_>| to_go.iter().try_for_each(|id| tx.delete_backup(*id));
        self.store.write(store::housekeeping(now, "backups"), job).wait().await
    }
}

/// The next thing to be done, the oldest backup first.
fn next(all: &[Backup], now: UnixTime) -> Option<Task> {
    let due = |row: &Backup| row.is_good() && row.next_send_at.is_some_and(|at| at <= now);
    all.iter().find_map(|row| match row.state {
        State::Waiting => Some(Task::Make(row.clone())),
        State::Made if row.wants_verify => Some(Task::Verify(row.clone())),
        State::Made if due(row) => Some(Task::Send(row.clone())),
        _ => None,
    })
}
