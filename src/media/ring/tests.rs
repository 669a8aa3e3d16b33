use super::*;

struct Feed {
    ring: Ring,
    start: Instant,
    /// How far the clock of the stream is ahead, in seconds.
    ahead: u64,
}

impl Feed {
    fn new() -> Self {
        Self { ring: Ring::default(), start: Instant::now(), ahead: 0 }
    }

    /// A chunk of this many bytes at that second; `key` if a player can begin with it.
    fn push(&mut self, second: u64, bytes: usize, key: bool, run: u64) {
        let entry = key.then(|| Bytes::from_static(b"tables"));
        let at = self.start + Duration::from_secs(second);
        let chunk = Chunk::new(vec![u8::try_from(second % 256).unwrap(); bytes].into(), entry, run, at);
        // A chunk lasts a second, and its last packet tells almost all of it.
        let begins = (second + self.ahead) * 90_000;
        let _ = self.ring.push(chunk, Clock { begins: key.then_some(begins), ends: Some(begins + 89_000) });
    }

    /// Chunks of a run from one second to another, with a key frame each this many seconds.
    fn play(&mut self, seconds: std::ops::Range<u64>, bytes: usize, key: u64, run: u64) {
        for second in seconds {
            self.ask(second);
            self.push(second, bytes, second % key == 0, run);
        }
    }

    fn ask(&mut self, second: u64) {
        self.ring.ask(self.start + Duration::from_secs(second));
    }

    fn listed(&mut self) -> Vec<u64> {
        self.ring.segments().listed.iter().map(|part| part.duration.as_secs()).collect()
    }

    fn after(&mut self, place: Option<u64>) -> Option<(u64, u8)> {
        match self.ring.after(place, Waker::noop()) {
            After::Chunk(number, chunk) => Some((number, chunk.bytes[0])),
            After::Nothing | After::Closed => None,
        }
    }
}

#[test]
fn a_viewer_begins_with_the_newest_key_frame_and_goes_on_chunk_by_chunk() {
    let mut feed = Feed::new();
    for (second, key) in [(0, true), (1, false), (2, true), (3, false)] {
        feed.push(second, 10, key, 0);
    }
    assert_eq!(feed.after(None), Some((2, 2)));
    assert_eq!(feed.after(Some(3)), Some((3, 3)));
    assert_eq!(feed.after(Some(4)), None);
}

#[test]
fn it_is_bounded_in_bytes_and_a_late_viewer_goes_on_at_a_key_frame() {
    let mut feed = Feed::new();
    for second in 0..64 {
        feed.push(second / 16, 1 << 20, second % 8 == 0, 0);
    }
    assert!(feed.ring.bytes <= MOST_BYTES);
    assert_eq!(feed.after(Some(1)).map(|(number, _)| number), Some(56));
}

#[test]
fn it_is_bounded_in_time() {
    let mut feed = Feed::new();
    (0..100).for_each(|second| feed.push(second, 10, true, 0));
    assert_eq!(feed.ring.chunks.len(), 31);
    assert_eq!(feed.ring.first, 69);
}

#[test]
fn segments_are_cut_at_key_frames_and_grow_to_two_seconds() {
    let mut feed = Feed::new();
    feed.play(0..12, 10, 1, 0);
    let durations: Vec<u64> = feed.ring.parts.iter().map(|part| part.duration.as_secs()).collect();
    assert_eq!(durations, [1, 1, 1, 2, 2, 2, 2]);
    assert_eq!(feed.ring.segments().target, 4);
    let segment = feed.ring.segment(3).unwrap();
    assert_eq!(segment.length(), 6 + 20);
    assert_eq!(segment.chunks().iter().map(|bytes| bytes[0]).collect::<Vec<_>>(), [b't', 3, 4]);
    assert!(feed.ring.segment(7).is_none());
}

#[test]
fn a_playlist_waits_until_players_can_begin_without_a_stop() {
    for (key, after, listed) in [(2, 6, vec![2, 2, 2]), (5, 10, vec![5, 5]), (10, 20, vec![10, 10])] {
        let mut feed = Feed::new();
        let ready = (0..100).find(|second| {
            feed.push(*second, 10, second % key == 0, 0);
            feed.ring.is_listed()
        });
        assert_eq!((ready, feed.listed()), (Some(after), listed));
    }
}

#[test]
fn an_outage_is_a_discontinuity_that_nobody_counts_as_a_segment() {
    let mut feed = Feed::new();
    feed.play(0..21, 10, 2, 0);
    let before = feed.ring.segments();
    assert_eq!((before.target, before.listed.last().map(|part| part.number)), (4, Some(9)));
    // A minute of nothing: what was listed is listed still, and a player that comes back finds it.
    feed.ask(80);
    assert_eq!(feed.ring.segments(), before);
    feed.ahead = 5_000;
    feed.play(80..92, 10, 2, 1);
    let after = feed.ring.segments();
    assert_eq!(after.target, before.target);
    let shape: Vec<_> = after
        .listed
        .iter()
        .map(|part| (part.number, part.duration.as_millis() / 100, part.discontinuity))
        .collect();
    let old = [(9, 20, false), (10, 9, false)];
    let new = [(11, 20, true), (12, 20, false), (13, 20, false), (14, 20, false), (15, 20, false)];
    assert_eq!(shape, [&old[..], &new].concat());
    assert!(feed.ring.segment(before.first).is_some(), "what was listed can be fetched");
}

#[test]
fn a_clock_that_leaps_is_a_discontinuity() {
    for ahead in [7, 40_000] {
        let mut feed = Feed::new();
        feed.play(0..22, 10, 1, 0);
        assert_eq!(feed.ring.segments().target, 4);
        feed.ahead = ahead;
        feed.play(22..36, 10, 1, 0);
        let listed = feed.ring.segments().listed;
        assert!(listed.iter().all(|part| part.duration <= Duration::from_millis(4400)), "{listed:?}");
        assert!(feed.ring.parts.iter().any(|part| part.discontinuity));
    }
}

#[test]
fn three_target_durations_are_listed_at_any_rate_and_stay_when_they_have_left_the_list() {
    // 25 Mbit/s with key frames each 2 and each 10 seconds.
    for (key, target) in [(2, 4), (10, 10)] {
        let mut feed = Feed::new();
        feed.play(0..60, 3 << 20, key, 0);
        let mut last: Option<Segments> = None;
        for second in 60..120 {
            feed.play(second..second + 1, 3 << 20, key, 0);
            let segments = feed.ring.segments();
            let total: Duration = segments.listed.iter().map(|part| part.duration).sum();
            assert_eq!(segments.target, target);
            assert!(total.as_secs() >= 3 * target, "{segments:?}");
            assert!(segments.listed.iter().all(|part| part.duration.as_secs() <= target));
            for part in last.iter().flat_map(|last| &last.listed) {
                assert!(feed.ring.segment(part.number).is_some(), "{part:?} was just listed");
            }
            last = Some(segments);
        }
        assert!(feed.ring.bytes <= ALL_BYTES);
        // Nobody asks any more.
        (200..230).for_each(|second| feed.push(second, 3 << 20, second % key == 0, 0));
        assert!(feed.ring.bytes <= MOST_BYTES, "{}", feed.ring.bytes);
    }
}

#[test]
fn what_has_left_the_list_can_be_fetched_for_as_long_as_the_list_plays() {
    let mut feed = Feed::new();
    feed.play(0..60, 10, 2, 0);
    let segments = feed.ring.segments();
    let plays: Duration = segments.listed.iter().map(|part| part.duration).sum();
    let oldest = segments.listed[0].number;
    feed.play(60..60 + plays.as_secs() + segments.target, 10, 2, 0);
    assert!(feed.ring.segment(oldest).is_some());
    assert!(feed.ring.chunks.len() < 60);
}

#[test]
fn key_frames_that_become_rarer_make_no_segment_longer_than_was_told() {
    let mut feed = Feed::new();
    feed.play(0..21, 10, 1, 0);
    assert_eq!(feed.ring.segments().target, 4);
    feed.play(21..80, 10, 20, 0);
    let listed = feed.ring.segments().listed;
    assert!(listed.iter().all(|part| part.duration <= Duration::from_millis(4400)), "{listed:?}");
    let segment = feed.ring.segment(listed[0].number).unwrap();
    assert_eq!(segment.chunks()[0], "tables", "each begins with the tables");
}

#[test]
fn numbers_go_on_when_a_stream_begins_anew() {
    let mut feed = Feed::new();
    feed.play(0..1, 10, 1, 0);
    feed.play(1..8, 10, 1, 1);
    assert_eq!(feed.ring.segments().discontinuities, 0);
    feed.ring.forget();
    let told = feed.ring.segments();
    assert_eq!((told.listed, told.first, told.discontinuities), (vec![], 5, 1));
    feed.play(20..22, 10, 1, 2);
    assert_eq!(feed.ring.segments().listed[0].number, 5);
    assert_eq!(feed.after(Some(1)), Some((9, 21)), "nobody sees what was forgotten");
}

#[test]
fn a_closed_ring_ends_its_viewers() {
    let mut feed = Feed::new();
    feed.push(0, 10, true, 0);
    let _ = feed.ring.close();
    assert!(matches!(feed.ring.after(Some(1), Waker::noop()), After::Closed));
}
