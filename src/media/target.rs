//! How long HLS segments are: the target duration of a playlist, which may not change while anybody has it
//! (RFC 8216, 6.2.1), and what segments may therefore last.

use std::time::Duration;

/// A segment ends at the first key frame after so much: two seconds of a clock that is not exact.
const SEGMENT: Duration = Duration::from_millis(1900);
/// The first ones after less, so that a stream that starts can be played soon: how many, and after what.
const FIRST: (usize, Duration) = (3, Duration::from_secs(1));
/// Bounds of the target duration, in seconds. Where key frames are rarer, segments end without one.
const BOUNDS: (u64, u64) = (4, 12);
/// What a segment may last beyond the target: RFC 8216 (4.3.3.1) compares whole seconds, rounded to the nearest.
const ROUNDED: Duration = Duration::from_millis(400);
/// What a playlist lists at least when it is first given out.
const ENOUGH: Duration = Duration::from_secs(6);
/// Clocks of sources are not exact to more than this.
const INEXACT: Duration = Duration::from_millis(50);

/// The target duration: found out from what comes before anybody asks for the playlist, fixed from then on.
#[derive(Clone, Debug, Default)]
pub struct Target {
    fixed: Option<u64>,
    /// Segments that have ended, and the longest of them.
    ended: usize,
    longest: Duration,
    /// The longest time between two key frames, and where the latest was in the segment under way.
    between: Duration,
    latest: Duration,
}

impl Target {
    /// What a segment that ends at a key frame lasts at least.
    pub fn shortest(&self) -> Duration {
        if self.ended < FIRST.0 { FIRST.1 } else { SEGMENT }
    }

    /// What a segment lasts at most.
    pub fn longest(&self) -> Duration {
        Duration::from_secs(self.fixed.unwrap_or(BOUNDS.1)) + ROUNDED
    }

    /// The target duration; while nobody has asked for it, the longest that it could become.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.fixed.unwrap_or(BOUNDS.1))
    }

    /// How much a playlist has to list before players can begin with it and need not stop later: one that has read the
    /// playlist just too early reads it again after a target duration, and finds a whole segment more.
    pub fn enough(&self) -> Duration {
        let target = self.fixed.unwrap_or_else(|| self.found());
        ENOUGH.max(self.longest + Duration::from_secs(target))
    }

    /// A key frame came that long after the segment began.
    pub fn key_frame(&mut self, after: Duration) {
        self.between = self.between.max(after.saturating_sub(self.latest));
        self.latest = after;
    }

    /// The segment under way goes on no further, nor does its clock.
    pub fn break_off(&mut self) {
        self.latest = Duration::ZERO;
    }

    /// A segment ended after that time, and the next begins.
    pub fn ended(&mut self, duration: Duration) {
        self.ended += 1;
        self.longest = self.longest.max(duration);
        self.latest = self.latest.saturating_sub(duration);
    }

    /// From now on it stays as it is.
    pub fn settle(&mut self) {
        self.fixed = self.fixed.or_else(|| Some(self.found()));
    }

    /// The target duration by what has come so far, in seconds.
    fn found(&self) -> u64 {
        let between = self.between.max(Duration::from_millis(100));
        let count = SEGMENT.as_millis().div_ceil(between.as_millis());
        let whole = (between * u32::try_from(count).unwrap_or(1)).max(self.longest).saturating_sub(INEXACT);
        let seconds = u64::try_from(whole.as_millis().div_ceil(1000)).unwrap_or(BOUNDS.1);
        seconds.clamp(BOUNDS.0, BOUNDS.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The target after key frames at that distance, in milliseconds.
    fn after(between: u64) -> u64 {
        let mut target = Target::default();
        let mut last = 0;
        for at in (1..=20_000 / between).map(|number| number * between) {
            target.key_frame(Duration::from_millis(at - last));
            if Duration::from_millis(at - last) >= target.shortest() {
                target.ended(Duration::from_millis(at - last));
                last = at;
            }
        }
        target.settle();
        target.duration().as_secs()
    }

    #[test]
    fn it_is_what_whole_groups_of_pictures_need() {
        let found = [500, 1001, 1920, 2000, 2002, 2400, 4800, 5000, 10_000, 14_000].map(after);
        assert_eq!(found, [4, 4, 4, 4, 4, 4, 5, 5, 10, 12]);
    }

    #[test]
    fn it_never_changes_once_it_was_told() {
        let mut target = Target::default();
        target.key_frame(Duration::from_secs(2));
        target.settle();
        target.key_frame(Duration::from_secs(12));
        target.settle();
        assert_eq!((target.duration().as_secs(), target.longest().as_millis()), (4, 4400));
    }

    #[test]
    fn the_first_segments_are_shorter() {
        let mut target = Target::default();
        let shortest: Vec<u128> = (0..5)
            .map(|_| {
                let shortest = target.shortest().as_millis();
                target.ended(Duration::from_secs(1));
                shortest
            })
            .collect();
        assert_eq!(shortest, [1000, 1000, 1000, 1900, 1900]);
    }

    #[test]
    fn players_begin_with_a_segment_and_a_target_duration_more_than_nothing() {
        let enough = |key_frames: u64| {
            let mut target = Target::default();
            target.key_frame(Duration::from_secs(key_frames));
            target.ended(Duration::from_secs(key_frames));
            target.enough().as_secs()
        };
        assert_eq!([1, 2, 3, 4, 5, 10].map(enough), [6, 6, 7, 8, 10, 20]);
    }
}
