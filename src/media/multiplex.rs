//! Sources of many programs that are read once, whatever number of streams play of them, or all of them.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::{
    io::AsyncReadExt,
    process::Child,
    sync::{
        broadcast::{self, error::RecvError},
        watch,
    },
    task::JoinHandle,
};

use super::{
    ffmpeg::Ffmpeg, ffmpeg_line::Line, ffmpeg_log::each_line, hidden::Hidden, program::Filter, reasons,
};
use crate::domain::channels::stream::SourceUrl;

/// Read at once, in bytes.
const PART: usize = 64 << 10;
/// Parts that a stream may lie behind before it loses some, as the network would lose them.
const BEHIND: usize = 128;

/// Those that are read now, by what they receive.
#[derive(Default)]
pub struct Multiplexes {
    held: Mutex<HashMap<String, Weak<Multiplex>>>,
    /// How many streams play programs of one, or try to.
    wanted: watch::Sender<HashMap<String, usize>>,
}

/// A stream wants programs of that address, as long as this is held.
pub struct Wants<'m>(&'m Multiplexes, String);

impl Drop for Wants<'_> {
    fn drop(&mut self) {
        self.0.wanted.send_modify(|wanted| {
            if let Some(count) = wanted.get_mut(&self.1) {
                *count -= 1;
            }
            wanted.retain(|_, count| *count > 0);
        });
    }
}

/// One that is read as long as somebody holds it.
struct Multiplex {
    /// None once it has ended.
    parts: Mutex<Option<broadcast::Sender<Bytes>>>,
    why: Mutex<String>,
    reading: Mutex<Option<JoinHandle<()>>>,
}

/// One program of a multiplex, or all of it.
pub struct Program {
    multiplex: Arc<Multiplex>,
    parts: broadcast::Receiver<Bytes>,
    /// For one program: what lets it pass, and its number.
    filter: Option<(Filter, u64)>,
}

impl Multiplexes {
    /// Says that a stream wants programs of that source: who plays all of it has to share it.
    pub fn want(&self, source: &SourceUrl) -> Wants<'_> {
        let address = source.received();
        self.wanted.send_modify(|wanted| *wanted.entry(address.clone()).or_default() += 1);
        Wants(self, address)
    }

    /// Whether some stream wants programs of that source.
    pub fn is_wanted(&self, source: &SourceUrl) -> bool {
        self.wanted.borrow().contains_key(&source.received())
    }

    /// Waits until some stream wants programs of that source.
    pub async fn wanted(&self, source: &SourceUrl) {
        let _ = self.wanted.subscribe().wait_for(|wanted| wanted.contains_key(&source.received())).await;
    }

    /// A program of that source, or all of it, which begins to be read if it is not yet. Called where supervisors run.
    ///
    /// # Errors
    /// A sentence: ffmpeg cannot be started.
    pub fn program(
        &self,
        ffmpeg: &Ffmpeg,
        source: &SourceUrl,
        number: Option<u64>,
    ) -> Result<Program, String> {
        let mut held = self.held.lock();
        held.retain(|_, multiplex| multiplex.strong_count() > 0);
        let running = held.get(&source.received()).and_then(Weak::upgrade);
        let joined = running.and_then(|multiplex| Some((multiplex.join()?, multiplex)));
        let (parts, multiplex) = if let Some(joined) = joined {
            joined
        } else {
            let child = ffmpeg.raw(source)?;
            let (sender, parts) = broadcast::channel(BEHIND);
            let multiplex = Arc::new(Multiplex {
                parts: Mutex::new(Some(sender)),
                why: Mutex::default(),
                reading: Mutex::default(),
            });
            let reading =
                tokio::task::spawn_local(read(child, Hidden::of(source, None), Arc::downgrade(&multiplex)));
            *multiplex.reading.lock() = Some(reading);
            held.insert(source.received(), Arc::downgrade(&multiplex));
            (parts, multiplex)
        };
        Ok(Program { multiplex, parts, filter: number.map(|number| (Filter::new(number), number)) })
    }
}

impl Multiplex {
    fn join(&self) -> Option<broadcast::Receiver<Bytes>> {
        self.parts.lock().as_ref().map(broadcast::Sender::subscribe)
    }
}

impl Drop for Multiplex {
    fn drop(&mut self) {
        if let Some(reading) = self.reading.lock().take() {
            reading.abort();
        }
    }
}

impl Program {
    /// The next packets of it; they may be none.
    ///
    /// # Errors
    /// A sentence: why nothing more comes.
    pub async fn next(&mut self) -> Result<Bytes, String> {
        match (self.parts.recv().await, &mut self.filter) {
            (Ok(part), None) => Ok(part),
            (Ok(part), Some((filter, number))) => filter.feed(&part).map(Bytes::from).map_err(|programs| {
                let programs: Vec<String> = programs.iter().take(50).map(u64::to_string).collect();
                format!("it has no program {number}; its programs are {}", programs.join(", "))
            }),
            (Err(RecvError::Lagged(_)), _) => Ok(Bytes::new()),
            (Err(RecvError::Closed), _) => Err(self.multiplex.why.lock().clone()),
        }
    }
}

/// Reads until the source ends or nobody wants it.
async fn read(mut child: Child, hidden: Hidden, multiplex: Weak<Multiplex>) {
    let (Some(mut output), Some(errors)) = (child.stdout.take(), child.stderr.take()) else { return };
    let mut said: Vec<String> = Vec::new();
    let listening = each_line(errors, &hidden, |line| {
        if let Line::Complaint(complaint) = line {
            said.truncate(20);
            said.push(complaint);
        }
        true
    });
    let reading = async {
        let mut buffer = BytesMut::with_capacity(PART);
        while let Ok(1..) = output.read_buf(&mut buffer).await {
            let part = buffer.split().freeze();
            buffer.reserve(PART);
            let Some(multiplex) = multiplex.upgrade() else { return };
            if let Some(parts) = &*multiplex.parts.lock() {
                // Nobody may listen at this moment.
                let _ = parts.send(part);
            }
        }
    };
    tokio::join!(reading, listening);
    if let Some(multiplex) = multiplex.upgrade() {
        *multiplex.why.lock() =
            reasons::cause(said.iter().map(String::as_str)).unwrap_or_else(|| "it ended".into());
        *multiplex.parts.lock() = None;
    }
}
