//! Which log of events it is: another one after the database was restored, so that whoever follows it notices.

use crate::{
    domain::Result,
    ops::{Ops, blocking, clock},
    store::{
        self,
        events::{log::EventLog, mark::Mark},
    },
};

/// Numbers that are left out behind those of a restored database: those that it had given before are not given again.
const GAP: i64 = 1_000_000;

impl Ops {
    /// Begins another log if the database is not the one that the folder had before: at the start of a server, before anything
    /// is written.
    pub async fn recognize_event_log(&self) -> Result<()> {
        let origin = || store::housekeeping(clock::now(), "events");
        let log = self.store.read(&origin(), |read| read.event_log())?;
        let is_restored = match self.store.mark().read() {
            Some(mark) => mark.log_id != log.log_id || mark.last > log.last,
            None => log.last > 0,
        };
        if is_restored {
            log::info!("the database is a restored one: whoever follows events is told so");
            let begun = self.store.write(origin(), |tx| {
                // Those that ended after the backup was made are in it again.
                tx.end_all_panel_sessions()?;
                tx.begin_event_log(GAP)
            });
            begun.wait().await?;
        }
        self.note_event_log().await
    }

    /// Notes up to which number the log has come.
    ///
    /// # Errors
    /// A database error; a file that cannot be written is in the log.
    pub async fn note_event_log(&self) -> Result<()> {
        let origin = store::housekeeping(clock::now(), "events");
        let EventLog { log_id, last, .. } = self.store.point(&origin, |read| read.event_log())?;
        let mark = Mark { log_id, last };
        let file = self.store.mark().clone();
        let written = blocking(move || match file.read() {
            Some(known) if known == mark => Ok(()),
            _ => file.write(&mark),
        });
        if let Err(error) = written.await {
            log::warn!("the mark of the events cannot be written: {error}");
        }
        Ok(())
    }
}
