//! The pace of what comes faster than it plays, such as a film behind http: ffmpeg is read no further until it is time,
//! and reads its source no further then.

use std::time::{Duration, Instant};

/// So much of what has an end goes ahead of its time: players begin with it at once, and hardly notice a turn.
const AHEAD: Duration = Duration::from_secs(3);
/// So much of what may be live: servers have some of it in store.
const STORE: Duration = Duration::from_secs(15);
/// A film plays faster by this part: the clock of a live source that is ahead of ours never makes it wait.
const FASTER: u32 = 1000;

/// What is known of how a source comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As it comes, it is passed on.
    AsItComes,
    /// It is not known yet whether it has an end.
    Unknown,
    /// It tells no end, which it may have all the same.
    MayBeLive,
    /// It has an end.
    Film,
}

impl Pace {
    fn most(self) -> Option<Duration> {
        match self {
            Self::AsItComes => None,
            Self::Unknown | Self::Film => Some(AHEAD),
            Self::MayBeLive => Some(STORE),
        }
    }
}

/// How far ahead of its time the stream is.
pub struct Pacing {
    ahead: Duration,
    at: Instant,
}

impl Pacing {
    /// Of a stream that begins now.
    pub fn new(now: Instant) -> Self {
        Self { ahead: Duration::ZERO, at: now }
    }

    /// Notes that so much more has come to be played; how long to wait with the rest.
    pub fn wait(&mut self, played: Duration, pace: Pace, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.at);
        self.at = now;
        self.ahead = self.ahead.saturating_sub(passed + passed / FASTER) + played;
        pace.most().map_or(Duration::ZERO, |most| self.ahead.saturating_sub(most))
    }
}

/// Whether what ended after `lasted`, and was held back for so much of that, cannot have been live: more of it came than
/// a live source has in store.
pub fn is_film(length: Duration, lasted: Duration, held: Duration) -> bool {
    held > lasted / 2 || length > lasted * 3 && length > lasted + Duration::from_secs(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_comes_too_fast_waits_and_what_is_live_does_not() {
        let begun = Instant::now();
        for (pace, most) in [(Pace::Film, 3), (Pace::MayBeLive, 15)] {
            let mut film = Pacing::new(begun);
            assert_eq!(film.wait(SECOND * most, pace, begun), Duration::ZERO);
            assert_eq!(film.wait(SECOND * 2, pace, begun), SECOND * 2);
            assert_eq!(film.wait(Duration::ZERO, pace, begun + SECOND * 2), Duration::ZERO);
        }
        let mut free = Pacing::new(begun);
        assert_eq!(free.wait(SECOND * 100, Pace::AsItComes, begun), Duration::ZERO);
        // Its clock is faster than ours by the 2000th part, for twelve days.
        let mut live = Pacing::new(begun);
        for hour in 1..300 {
            let wait = live.wait(SECOND * 3602, Pace::MayBeLive, begun + SECOND * 3600 * hour);
            assert!(wait < SECOND * 3600 && live.ahead <= SECOND * 3602);
        }
    }

    #[test]
    fn what_comes_much_faster_than_it_plays_is_a_film() {
        for (length, lasted, held, is_one) in [
            (60, 2, 0, true),
            (60, 19, 0, true),
            (60, 21, 0, false),
            (60, 45, 44, true),
            (11, 2, 0, false),
            (13, 2, 0, true),
            (600, 590, 15, false),
        ] {
            let seconds = Duration::from_secs;
            let found = is_film(seconds(length), seconds(lasted), seconds(held));
            assert_eq!(found, is_one, "{length} in {lasted}");
        }
    }
}
