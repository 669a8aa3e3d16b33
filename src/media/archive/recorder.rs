//! The one thread that records: once a second it takes what has come into the rings of all streams that are to be recorded, and
//! writes it. Streams never wait for it: who reads a ring late finds that part of it is gone.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{
    Archive,
    recording::{Now, Recording},
};
use crate::{domain::ids::StreamId, media::channel::Channel};

/// How often what has come is taken: at most so much is lost when the server is killed. A ring holds far more.
const ROUND: Duration = Duration::from_secs(1);
/// So long the end of the program waits for the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// The thread, until it is stopped.
pub struct Recorder {
    stop: mpsc::Sender<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Begins to record. `streams` says which, each round; `clock` is the machine's, in unix milliseconds. Pieces are about as long
    /// as `piece` says.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub fn start(
        archive: Archive,
        piece: Duration,
        streams: impl Fn() -> HashMap<StreamId, Arc<Channel>> + Send + 'static,
        clock: fn() -> u64,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let work = move || {
            let now = || Now { ms: clock(), at: Instant::now() };
            let mut recordings: HashMap<StreamId, Recording> = HashMap::new();
            let mut is_last = false;
            while !is_last {
                archive.beat();
                is_last = stopped.recv_timeout(ROUND) != Err(RecvTimeoutError::Timeout);
                let wanted = streams();
                recordings.retain(|id, recording| {
                    let stays = wanted.get(id).is_some_and(|channel| recording.is_of(channel));
                    if !stays {
                        recording.stop(now());
                        archive.forget_state(*id);
                    }
                    stays
                });
                for (id, channel) in &wanted {
                    let begin = || Recording::new(*id, channel, archive.clone(), piece, now());
                    recordings.entry(*id).or_insert_with(begin).take(now());
                }
            }
            for recording in recordings.values_mut() {
                recording.stop(now());
            }
        };
        let thread = std::thread::Builder::new().name("archive".into()).spawn(work)?;
        Ok(Self { stop, thread: Mutex::new(Some(thread)) })
    }

    /// Takes what has come, ends the pieces under way and stops. It blocks, for five seconds at most if the disk does not answer.
    pub fn stop(&self) {
        // It has ended by itself if nobody listens.
        let _ = self.stop.send(());
        let thread = self.thread.lock().take();
        let Some(thread) = thread else { return };
        let begun = Instant::now();
        while !thread.is_finished() && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(10));
        }
        if !thread.is_finished() {
            log::warn!(
                "the disk of the recordings does not answer: what was recorded last is looked after at the next start"
            );
        } else if thread.join().is_err() {
            log::error!("recording ended in a panic");
        }
    }
}
