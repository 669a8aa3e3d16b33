//! The running of a stream: what is wanted and what is, apart.

use std::time::Duration;

/// What a stream is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Not wanted, or on demand and nobody watches.
    Stopped,
    /// The source was asked and has sent nothing that can be played yet.
    Starting,
    /// Playing.
    Running,
    /// No source gave anything: they are asked again.
    Waiting {
        /// When.
        retry_in: Duration,
        /// What went wrong last.
        why: String,
    },
    /// Its source had an end and was played to it.
    Ended,
    /// Asking again would change nothing.
    Failed {
        /// What must be mended.
        why: String,
    },
}

/// What happens to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A source is asked.
    Begun,
    /// The first key frame came.
    Played,
    /// A source ended or gave nothing, and another is asked at once.
    Lost,
    /// Every source failed.
    Exhausted {
        /// When they are asked again.
        retry_in: Duration,
        /// What went wrong last.
        why: String,
    },
    /// The source was played to its end, and is not to be played again.
    Finished,
    /// There is nothing to ask.
    Hopeless {
        /// What must be mended.
        why: String,
    },
    /// Nobody wants it any more.
    Dropped,
}

impl State {
    /// Whether it is to play and cannot.
    pub fn is_down(&self) -> bool {
        matches!(self, Self::Waiting { .. } | Self::Failed { .. })
    }

    /// The table of transitions; an event that does not fit leaves the state as it is.
    #[must_use]
    pub fn after(self, event: Event) -> Self {
        match (self, event) {
            (_, Event::Dropped) => Self::Stopped,
            (_, Event::Hopeless { why }) => Self::Failed { why },
            (Self::Running | Self::Starting, Event::Finished) => Self::Ended,
            (Self::Stopped | Self::Waiting { .. } | Self::Starting | Self::Ended, Event::Begun) => {
                Self::Starting
            }
            (Self::Starting, Event::Played) => Self::Running,
            (Self::Running | Self::Starting, Event::Lost) => Self::Starting,
            (Self::Running | Self::Starting, Event::Exhausted { retry_in, why }) => {
                Self::Waiting { retry_in, why }
            }
            (state, _) => state,
        }
    }

    /// The word for it in answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Waiting { .. } => "waiting",
            Self::Ended => "ended",
            Self::Failed { .. } => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exhausted() -> Event {
        Event::Exhausted { retry_in: Duration::from_secs(1), why: "no answer".into() }
    }

    #[test]
    fn a_stream_starts_runs_loses_its_source_and_waits() {
        let mut state = State::Stopped;
        for (event, name) in [
            (Event::Begun, "starting"),
            (Event::Played, "running"),
            (Event::Lost, "starting"),
            (exhausted(), "waiting"),
            (Event::Begun, "starting"),
            (Event::Played, "running"),
            (Event::Dropped, "stopped"),
        ] {
            state = state.after(event);
            assert_eq!(state.name(), name);
        }
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        assert_eq!(State::Stopped.after(Event::Played), State::Stopped);
        assert_eq!(State::Stopped.after(exhausted()), State::Stopped);
        assert_eq!(State::Running.after(Event::Begun), State::Running);
        let failed = State::Failed { why: "no sources".into() };
        assert_eq!(failed.clone().after(Event::Begun), failed);
    }
}
