//! Log lines gathered and written twenty times a second: a system call for each request's line
//! would cost a quarter of the requests (docs/performance.md).

use std::{
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Lines that wait; beyond it they are written at once.
const MOST: usize = 1 << 20;

/// What the logger writes to.
#[derive(Clone, Default)]
pub struct LogBuffer(Arc<Lines>);

#[derive(Default)]
struct Lines(Mutex<Vec<u8>>);

impl LogBuffer {
    /// A buffer that a thread of its own empties onto standard error.
    pub fn start() -> std::io::Result<Self> {
        let buffer = Self::default();
        let lines = buffer.0.clone();
        std::thread::Builder::new().name("log".into()).spawn(move || {
            loop {
                std::thread::sleep(Duration::from_millis(50));
                lines.empty();
            }
        })?;
        Ok(buffer)
    }

    /// Writes what waits: before the program ends.
    pub fn empty(&self) {
        self.0.empty();
    }
}

impl Lines {
    fn empty(&self) {
        let lines = std::mem::take(&mut *self.waiting());
        if !lines.is_empty() {
            // Nobody is left to be told that standard error is closed.
            let _ = std::io::stderr().write_all(&lines);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for LogBuffer {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let full = {
            let mut waiting = self.0.waiting();
            waiting.extend_from_slice(line);
            waiting.len() > MOST
        };
        if full {
            self.0.empty();
        }
        Ok(line.len())
    }

    /// The logger asks for it after each line: it is what the buffer is there to put off.
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
