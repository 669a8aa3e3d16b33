//! From when to when the programmes of one channel last: a channel shows one at a time.

/// A programme whose end the source does not give, and after which none follows, lasts for this many seconds.
pub const ALONE: i64 = 3_600;
/// No programme lasts longer, in seconds: a week.
pub const LONGEST: i64 = 7 * 86_400;

/// The end of a programme: its own if the source gives one, else the start of the next; never after that, and never more
/// than a week. Times are unix seconds. `next` is the later start that comes first.
pub fn end(start: i64, stop: Option<i64>, next: Option<i64>) -> i64 {
    let own = stop.or(next).unwrap_or(start.saturating_add(ALONE));
    own.min(next.unwrap_or(i64::MAX)).min(start.saturating_add(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_start_cuts_the_earlier_programme_and_gaps_stay() {
        assert_eq!(end(100, Some(200), Some(150)), 150);
        assert_eq!(end(100, Some(200), Some(200)), 200);
        assert_eq!(end(100, Some(200), Some(900)), 200, "a gap stays one");
    }

    #[test]
    fn without_an_end_it_lasts_until_the_next_one_and_the_last_for_an_hour() {
        assert_eq!(end(100, None, Some(900)), 900);
        assert_eq!(end(100, None, None), 3_700);
    }

    #[test]
    fn none_lasts_longer_than_a_week() {
        assert_eq!(end(0, Some(i64::MAX), None), LONGEST);
        assert_eq!(end(0, None, Some(i64::MAX)), LONGEST);
        assert_eq!(end(i64::MAX - 1, None, None), i64::MAX, "nothing overflows");
    }
}
