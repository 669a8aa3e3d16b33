//! How much of the recordings is kept, and which stream gives when there is too much.

use crate::domain::ids::StreamId;

/// So much stays free on the disk of the data folder, whatever the settings say: the database needs it.
pub const LEAST_FREE: u64 = 1_000_000_000;

/// What is kept of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub stream: StreamId,
    /// For how many days it is to be kept; 0 for one that is no longer recorded, which gives first.
    pub days: u64,
    /// How much is kept.
    pub bytes: u64,
}

/// What the settings and the disk allow.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// This many bytes are kept at most; 0 is no bound.
    pub limit: u64,
    /// This many bytes stay free on the disk.
    pub keep_free: u64,
    /// How many bytes the disk has.
    pub total: u64,
    /// How many bytes are free.
    pub free: u64,
    /// How many bytes are recorded in half a minute: so much room is made in time.
    pub ahead: u64,
}

impl Bounds {
    /// How many bytes of those that are kept must go.
    pub fn excess(&self, kept: u64) -> u64 {
        let over = if self.limit == 0 { 0 } else { kept.saturating_sub(self.limit) };
        // What no deletion can fulfil is a slip: recording pauses, and nothing goes for it.
        let is_possible = self.keep_free < self.total;
        let missing = self.keep_free.saturating_add(self.ahead).saturating_sub(self.free);
        let missing = if is_possible { missing } else { 0 };
        over.max(missing).min(kept)
    }

    /// Whether recording must pause: less is free than is to stay free.
    pub fn is_full(&self) -> bool {
        self.free < self.keep_free
    }
}

/// Which streams give how many bytes, so that as many go in all. Each has a share of the room by its days; whoever has most for
/// its share gives, until it has no more for it than the next one, and then both give.
pub fn giving(held: &[Held], excess: u64) -> Vec<(StreamId, u64)> {
    let (idle, mut kept): (Vec<Held>, Vec<Held>) = held.iter().partition(|held| held.days == 0);
    let mut gives = Vec::new();
    let mut left = u128::from(excess);
    for held in idle {
        let part = left.min(u128::from(held.bytes));
        gives.push((held.stream, part));
        left -= part;
    }
    // By bytes for each day, most first; the products are exact.
    let ratio = |one: &Held, other: &Held| {
        (u128::from(other.bytes) * u128::from(one.days))
            .cmp(&(u128::from(one.bytes) * u128::from(other.days)))
    };
    kept.sort_by(ratio);
    let (mut bytes, mut days) = (0_u128, 0_u128);
    for (at, one) in kept.iter().enumerate() {
        bytes += u128::from(one.bytes);
        days += u128::from(one.days);
        let stays = bytes.saturating_sub(left);
        // Enough give if they still have as much for each day as the next one.
        let is_enough = kept.get(at + 1).is_none_or(|next| {
            stays * u128::from(next.days) >= u128::from(next.bytes) * days && bytes >= left
        });
        if is_enough {
            let part =
                |held: &Held| u128::from(held.bytes).saturating_sub(stays * u128::from(held.days) / days);
            gives.extend(kept[..=at].iter().map(|held| (held.stream, part(held))));
            break;
        }
    }
    gives.retain(|(_, part)| *part > 0);
    gives.into_iter().map(|(stream, part)| (stream, u64::try_from(part).unwrap_or(u64::MAX))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn held(all: &[(u64, u64)]) -> Vec<Held> {
        let held = |(at, (days, bytes)): (usize, &(u64, u64))| Held {
            stream: StreamId(i64::try_from(at).unwrap() + 1),
            days: *days,
            bytes: *bytes,
        };
        all.iter().enumerate().map(held).collect()
    }

    fn gives(all: &[(u64, u64)], excess: u64) -> Vec<(i64, u64)> {
        giving(&held(all), excess).into_iter().map(|(stream, bytes)| (stream.0, bytes)).collect()
    }

    #[test]
    fn the_stream_that_is_most_over_its_share_gives_first() {
        assert_eq!(gives(&[(7, 100), (7, 900), (7, 300)], 200), [(2, 200)]);
        assert_eq!(gives(&[(7, 100), (7, 900), (7, 300)], 700), [(2, 650), (3, 50)]);
        assert_eq!(gives(&[(14, 900), (7, 600)], 100), [(2, 100)], "by its days");
        assert_eq!(
            gives(&[(7, 400), (0, 50), (7, 100)], 60),
            [(2, 50), (1, 10)],
            "what is not recorded any more"
        );
        assert_eq!(gives(&[(7, 400), (7, 400)], 200), [(1, 100), (2, 100)]);
        assert_eq!(gives(&[(7, 400), (7, 100)], 9_000), [(1, 400), (2, 100)]);
        assert_eq!(gives(&[(7, 400)], 0), []);
        assert_eq!(gives(&[], 5), []);
    }

    #[test]
    fn the_bounds_say_how_much_must_go_and_when_recording_pauses() {
        let bounds = |limit, keep_free, free, ahead| Bounds { limit, keep_free, total: 2_000, free, ahead };
        for (bounds, excess, is_full) in [
            (bounds(0, 0, 1_000, 10), 0, false),
            (bounds(400, 0, 1_000, 10), 100, false),
            (bounds(600, 0, 1_000, 10), 0, false),
            (bounds(0, 1_000, 1_005, 10), 5, false),
            (bounds(0, 1_000, 900, 10), 110, true),
            (bounds(400, 1_000, 0, 10), 500, true),
            (bounds(400, 2_000, 1_900, 10), 100, true),
        ] {
            assert_eq!((bounds.excess(500), bounds.is_full()), (excess, is_full), "{bounds:?}");
        }
    }

    proptest! {
        #[test]
        fn as_much_goes_as_is_asked_and_nobody_gives_more_than_it_has(
            all in proptest::collection::vec((0_u64..32, 0_u64..1 << 50), 0..40),
            excess in 0_u64..1 << 55,
        ) {
            let held = held(&all);
            let given = giving(&held, excess);
            let kept: u64 = held.iter().map(|held| held.bytes).sum();
            let sum: u64 = given.iter().map(|(_, bytes)| bytes).sum();
            prop_assert!(sum >= excess.min(kept) && sum <= excess + all.len() as u64, "{sum} of {excess}");
            for (stream, bytes) in given {
                let has = held.iter().find(|held| held.stream == stream).unwrap().bytes;
                prop_assert!(bytes <= has);
            }
        }
    }
}
