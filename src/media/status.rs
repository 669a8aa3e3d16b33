//! What a stream is doing, as its supervisor saw it last.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::domain::channels::run::{Event, State};

/// ffmpeg's lines that are kept.
const LINES: usize = 20;
/// The bit rate is that of the last whole span of this length.
const SPAN: Duration = Duration::from_secs(2);

/// What a stream is doing.
#[derive(Clone, Debug)]
pub struct Status {
    /// In a word.
    pub state: State,
    /// How long it has been running.
    pub uptime: Option<Duration>,
    /// The bit rate, in 1,000 bits per second.
    pub bitrate_kbps: u64,
    /// Bytes of it since it was first wanted.
    pub received: u64,
    /// The codec of the picture, as ffmpeg calls it.
    pub video_codec: Option<String>,
    /// The codec of the sound.
    pub audio_codec: Option<String>,
    /// Width and height of the picture.
    pub resolution: Option<(u32, u32)>,
    /// Which of its sources is in use, from 0.
    pub source: Option<usize>,
    /// How often ffmpeg was started again.
    pub restarts: u64,
    /// ffmpeg's last complaints, without what is secret in URLs.
    pub errors: VecDeque<String>,
    /// How many lines of ffmpeg's there have been, those that are no longer kept too.
    pub complaints: u64,
    /// How often each of the kept lines came, one time after the other.
    times: VecDeque<u64>,
    running_since: Option<Instant>,
    waiting_until: Option<Instant>,
    counted: u64,
    counted_since: Instant,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            state: State::Stopped,
            uptime: None,
            bitrate_kbps: 0,
            received: 0,
            video_codec: None,
            audio_codec: None,
            resolution: None,
            source: None,
            restarts: 0,
            errors: VecDeque::new(),
            complaints: 0,
            times: VecDeque::new(),
            running_since: None,
            waiting_until: None,
            counted: 0,
            counted_since: Instant::now(),
        }
    }
}

impl Status {
    /// Notes what happened.
    pub fn note(&mut self, event: Event, now: Instant) {
        self.waiting_until = match &event {
            Event::Exhausted { retry_in, .. } => Some(now + *retry_in),
            _ => None,
        };
        let state = std::mem::replace(&mut self.state, State::Stopped).after(event);
        if state != State::Running {
            self.running_since = None;
            self.bitrate_kbps = 0;
        } else if self.running_since.is_none() {
            self.running_since = Some(now);
            (self.counted, self.counted_since) = (0, now);
        }
        self.state = state;
    }

    /// Counts bytes of the stream.
    pub fn count(&mut self, bytes: usize, now: Instant) {
        self.received += bytes as u64;
        self.counted += bytes as u64;
        let span = now.duration_since(self.counted_since);
        if span >= SPAN {
            self.bitrate_kbps =
                u64::try_from(u128::from(self.counted) * 8 / span.as_millis().max(1)).unwrap_or(0);
            (self.counted, self.counted_since) = (0, now);
        }
    }

    /// Keeps a line of ffmpeg's, once if it is the same as the last one.
    pub fn log_error(&mut self, line: String) {
        self.complaints += 1;
        if let Some(times) = self.times.back_mut().filter(|_| self.errors.back() == Some(&line)) {
            *times += 1;
            return;
        }
        if self.errors.len() >= LINES {
            self.errors.pop_front();
            self.times.pop_front();
        }
        self.errors.push_back(line);
        self.times.push_back(1);
    }

    /// The kept lines since this many complaints, oldest first.
    pub fn errors_since(&self, complaints: u64) -> impl Iterator<Item = &str> + Clone {
        let mut left = self.complaints.saturating_sub(complaints);
        let is_since = |times: &&u64| {
            let is_since = left > 0;
            left = left.saturating_sub(**times);
            is_since
        };
        let lines = self.times.iter().rev().take_while(is_since).count();
        self.errors.range(self.errors.len() - lines..).map(String::as_str)
    }

    /// As it is at that moment.
    #[must_use]
    pub fn now(&self, now: Instant) -> Self {
        let mut status = self.clone();
        status.uptime = self.running_since.map(|since| now.duration_since(since));
        if let (State::Waiting { retry_in, .. }, Some(until)) = (&mut status.state, self.waiting_until) {
            *retry_in = until.saturating_duration_since(now);
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_comes_again_is_kept_once_and_belongs_to_the_run_that_said_it() {
        let mut status = Status::default();
        let since = |status: &Status, heard| status.errors_since(heard).map(String::from).collect::<Vec<_>>();
        for line in ["a", "b", "b", "b"] {
            status.log_error(line.into());
        }
        assert_eq!((status.errors.len(), status.complaints), (2, 4));
        assert_eq!(since(&status, 1), ["b"]);
        assert_eq!(since(&status, 0), ["a", "b"]);
        assert!(since(&status, 4).is_empty());
        status.log_error("b".into());
        assert_eq!((since(&status, 4), status.errors.len()), (vec!["b".to_owned()], 2));
        (0..2 * LINES).for_each(|n| status.log_error(n.to_string()));
        assert_eq!((status.errors.len(), since(&status, 0).len()), (LINES, LINES));
    }
}
