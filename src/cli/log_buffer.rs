//! Log lines gathered and written twenty times a second by a thread of their own: a system call for each request's
//! line would cost a quarter of the requests (docs/performance.md), and nobody may wait for whoever reads them.

use std::{
    fmt::Write as _,
    io::Write,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex, MutexGuard};

/// Bytes of lines that wait; lines beyond it are left out and counted.
const MOST: usize = 1 << 20;
/// How often what waits is written.
const EACH: Duration = Duration::from_millis(50);
/// So long the end of the program waits until what waits is written.
const AT_THE_END: Duration = Duration::from_secs(1);

/// What the logger writes to.
#[derive(Clone, Default)]
pub struct LogBuffer(Arc<Lines>);

#[derive(Default)]
struct Lines {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    left_out: u64,
    is_writing: bool,
    is_ending: bool,
}

impl LogBuffer {
    /// A buffer that a thread of its own empties onto standard error.
    pub fn start() -> std::io::Result<Self> {
        Self::onto(std::io::stderr())
    }

    fn onto(mut to: impl Write + Send + 'static) -> std::io::Result<Self> {
        let buffer = Self::default();
        let lines = buffer.0.clone();
        std::thread::Builder::new().name("log".into()).spawn(move || {
            loop {
                let taken = lines.take();
                // Nobody is left to be told that standard error is closed.
                let _ = to.write_all(&taken);
            }
        })?;
        Ok(buffer)
    }

    /// Waits a moment until what waits is written: before the program ends.
    pub fn finish(&self) {
        let lines = &self.0;
        let until = Instant::now() + AT_THE_END;
        let mut state = lines.state();
        state.is_ending = true;
        lines.changed.notify_all();
        while state.is_writing || !state.waiting.is_empty() {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return };
            lines.changed.wait_for(&mut state, left);
        }
    }
}

impl Lines {
    /// What is to be written next; what was taken before is written then.
    fn take(&self) -> Vec<u8> {
        let mut state = self.state();
        state.is_writing = false;
        self.changed.notify_all();
        while state.waiting.is_empty() || !state.is_ending {
            // Also when there is something: more comes within the moment.
            let waited = self.changed.wait_for(&mut state, EACH);
            if waited.timed_out() && !state.waiting.is_empty() {
                break;
            }
        }
        state.is_writing = true;
        let mut taken = std::mem::take(&mut state.waiting);
        let left_out = std::mem::take(&mut state.left_out);
        drop(state);
        if left_out > 0 {
            let mut told = String::new();
            let lines =
                if left_out == 1 { "1 line was".to_owned() } else { format!("{left_out} lines were") };
            let _ = writeln!(told, "{lines} dropped here: standard error was not read");
            taken.extend_from_slice(told.as_bytes());
        }
        taken
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Write for LogBuffer {
    /// Takes a whole line or none of it.
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let mut state = self.0.state();
        if state.waiting.len() + line.len() > MOST {
            state.left_out += 1;
        } else {
            state.waiting.extend_from_slice(line);
        }
        Ok(line.len())
    }

    /// The logger asks for it after each line: it is what the buffer is there to put off.
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Takes nothing until it is told to, then everything.
    struct Stuck {
        go: mpsc::Receiver<()>,
        taken: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.go.recv();
            let _ = self.taken.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nobody_takes_are_counted_and_hold_nobody_up() {
        let (let_go, go) = mpsc::channel();
        let (taken, told) = mpsc::channel();
        let mut log = LogBuffer::onto(Stuck { go, taken }).unwrap();
        let line = [b'x'; 1024];
        let begun = Instant::now();
        for _ in 0..5_000 {
            log.write_all(&line).unwrap();
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
        log.finish();
        assert!(begun.elapsed() < Duration::from_secs(8), "the end waits a moment, not for ever");
        drop(let_go);
        log.finish();
        let all: Vec<u8> = told.try_iter().flatten().collect();
        let text = String::from_utf8_lossy(&all);
        assert!(text.contains("lines were dropped here"), "{}", text.len());
        assert!(text.matches('x').count() >= 1_000 * 1_024);
    }
}
