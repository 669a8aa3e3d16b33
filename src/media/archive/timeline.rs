//! Where on the clock a piece goes. The stream's own clock says how long it lasts, the machine's when it came; neither may put it
//! before what is recorded already.

use super::piece::HOUR;

/// By so much, in milliseconds, the two clocks may differ before a piece is moved: many sources send seconds at once.
const JITTER: u64 = 3_000;
/// By so much a piece that joins is moved towards the machine's clock: a player does not notice it.
const STEP: u64 = 500;
/// A piece that joins is not kept together with the one before where the machine's clock says so much later.
const APART: u64 = 30_000;
/// So far ahead of the machine's clock a piece may end: a source that comes back may send its last minute again.
pub const AHEAD: u64 = 60_000;

/// When a piece begins, in unix milliseconds, if the one before ends at `newest`; `arrived` is when it would begin by the machine's
/// clock. `None` if that clock was set back: the piece would lie among what is recorded.
pub fn place(newest: Option<u64>, joins: bool, arrived: u64) -> Option<u64> {
    let Some(end) = newest else { return Some(arrived) };
    let (late, ahead) = (arrived.saturating_sub(end), end.saturating_sub(arrived));
    if ahead > AHEAD {
        return None;
    }
    Some(match joins {
        true if late > APART => arrived,
        true if late > JITTER => end + STEP,
        true if ahead > JITTER => end - STEP,
        true => end,
        false => arrived.max(end),
    })
}

/// Whether a piece that begins at that moment would lie so far behind what is recorded that it is not worth beginning.
pub fn is_behind(newest: Option<u64>, now: u64) -> bool {
    newest.is_some_and(|end| end > now + AHEAD)
}

/// What is told of a clock that was set back.
pub fn why(newest: u64, now: u64) -> String {
    let ahead = newest.saturating_sub(now);
    let long = match (ahead / HOUR, ahead / 60_000) {
        (0, minutes) => format!("{minutes} minutes"),
        (hours @ 1..48, _) => format!("{hours} hours"),
        (hours, _) => format!("{} days", hours / 24),
    };
    format!(
        "the clock of this machine is {long} behind what is recorded: recording goes on when it has caught up, or once the recordings \
         of the stream are deleted"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_join_are_kept_together_and_follow_the_clock_slowly() {
        let end = 10_000_000;
        for (joins, arrived, start) in [
            (true, end, Some(end)),
            (true, end + 3_000, Some(end)),
            (true, end - 3_000, Some(end)),
            (true, end + 10_000, Some(end + 500)),
            (true, end - 10_000, Some(end - 500)),
            (true, end + 3_600_000, Some(end + 3_600_000)),
            (false, end + 3_000, Some(end + 3_000)),
            (false, end - 30_000, Some(end)),
            (false, end - 60_001, None),
            (true, end - 3_600_000, None),
        ] {
            assert_eq!(place(Some(end), joins, arrived), start, "{joins} {arrived}");
        }
        assert_eq!(place(None, false, 5), Some(5));
        assert!(is_behind(Some(end), end - 60_001) && !is_behind(Some(end), end) && !is_behind(None, 0));
    }

    #[test]
    fn clocks_that_drift_are_followed() {
        // A source whose clock is 200 millionths too fast, for ten days of minutes.
        let (mut end, mut arrived) = (0, 0);
        for _ in 0..14_400 {
            arrived += 59_988;
            let start = place(Some(end), true, arrived - 60_000.min(arrived)).unwrap();
            end = start + 60_000;
            assert!(end.abs_diff(arrived) < 4_000, "{end} {arrived}");
        }
    }

    #[test]
    fn how_far_the_clock_is_behind_is_told_in_words() {
        for (ahead, words) in [(120_000, "2 minutes"), (7_200_000, "2 hours"), (3 * 86_400_000, "3 days")] {
            assert!(why(ahead, 0).contains(words));
        }
    }
}
