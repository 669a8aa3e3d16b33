use std::fs;

use tokio::sync::mpsc::unbounded_channel;

use super::*;
use crate::media::ring::Clock;

/// 2025-11-29 18:00 UTC.
const EVENING: u64 = 1_764_439_200_000;

/// A stream with a key frame each second, which is recorded in pieces of four seconds, the first of two.
struct Trial {
    _folder: tempfile::TempDir,
    archive: Archive,
    channel: Arc<Channel>,
    recording: Recording,
    begun: Instant,
}

impl Trial {
    fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::below(folder.path().join("archive"), true, folder.path().to_owned());
        let stream = StreamId(30);
        let channel = Channel::new(stream, unbounded_channel().0);
        let begun = Instant::now();
        let now = Now { ms: EVENING, at: begun };
        let recording = Recording::new(stream, &channel, archive.clone(), Duration::from_secs(4), now);
        Self { _folder: folder, archive, channel, recording, begun }
    }

    /// A second of the stream comes, of that run; its clock counts the seconds.
    fn push(&self, run: u64, second: u64) {
        let clock = |second| Some(second * 90_000);
        let (tables, packet) = (Bytes::from_static(&[0x47; 376]), Bytes::from_static(&[0x47; 188]));
        let at = self.begun + Duration::from_secs(second);
        let chunk = Chunk::new(packet, Some(tables), run, at);
        self.channel.push(chunk, Clock { begins: clock(second), ends: clock(second + 1) });
    }

    /// What has come is taken at that second, by a clock that is off by this many seconds.
    fn take(&mut self, second: u64, off: i64) {
        let ms = (EVENING + second * 1000).saturating_add_signed(off * 1000);
        self.recording.take(Now { ms, at: self.begun + Duration::from_secs(second) });
    }

    /// Seconds from and to after the evening, packets, and whether it joins, of each piece.
    fn pieces(&self) -> Vec<(u64, u64, u64, bool)> {
        let pieces = self.archive.pieces(StreamId(30), 0, u64::MAX / 2).unwrap();
        let after = |ms: u64| (ms - EVENING) / 1000;
        pieces
            .iter()
            .map(|piece| (after(piece.start), after(piece.end()), piece.bytes / 188, piece.joins))
            .collect()
    }
}

#[test]
fn pieces_are_cut_at_key_frames_and_begin_with_tables() {
    let mut trial = Trial::begin();
    for second in 0..12 {
        trial.push(1, second);
        trial.take(second, 0);
    }
    assert_eq!(trial.pieces(), [(0, 2, 4, false), (2, 6, 6, true), (6, 10, 6, true)]);
    trial.recording.stop(Now { ms: EVENING + 12_000, at: trial.begun + Duration::from_secs(12) });
    assert_eq!(trial.pieces()[3], (10, 12, 4, true), "as far as it has come");
    assert!(
        fs::read_dir(trial.archive.folder().join("30")).unwrap().all(|entry| entry.unwrap().path().is_dir())
    );
}

#[test]
fn another_run_and_what_was_missed_begin_pieces_that_do_not_join() {
    let mut trial = Trial::begin();
    for second in 0..8 {
        trial.push(if second < 4 { 1 } else { 2 }, second);
        trial.take(second, 0);
    }
    assert_eq!(trial.pieces()[..2], [(0, 2, 4, false), (2, 4, 4, true)]);
    // More comes than the ring holds before anything is taken.
    for second in 8..60 {
        trial.push(2, second);
    }
    trial.take(60, 0);
    let pieces = trial.pieces();
    assert_eq!(pieces[2].0, 4);
    assert!(!pieces[2].3, "another run: {pieces:?}");
    let later = pieces.iter().find(|piece| piece.0 > 8).unwrap();
    assert!(!later.3 && later.0 >= 29, "{pieces:?}");
    assert!(pieces.windows(2).all(|two| two[0].1 <= two[1].0), "{pieces:?}");
}

#[test]
fn a_clock_that_was_set_back_is_waited_for() {
    let mut trial = Trial::begin();
    let state = |trial: &Trial| trial.archive.states().remove(&StreamId(30)).unwrap();
    for second in 0..8 {
        trial.push(1, second);
        trial.take(second, 0);
    }
    let before = trial.pieces();
    for second in 8..20 {
        trial.push(1, second);
        trial.take(second, -3_600);
    }
    assert_eq!(trial.pieces(), before);
    assert!(matches!(state(&trial), State::Not(why) if why.contains("behind what is recorded")));
    for second in 20..30 {
        trial.push(1, second);
        trial.take(second, 0);
    }
    assert_eq!(trial.pieces()[before.len()].0, 20);
    assert!(matches!(state(&trial), State::Recording(_)));
}

#[test]
fn what_a_killed_server_left_is_finished_or_dropped() {
    let mut trial = Trial::begin();
    let folder = trial.archive.folder().join("30");
    fs::create_dir_all(&folder).unwrap();
    let clock = |second: u64| ts::clock_packet(256, second * 90_000, false);
    let whole = [clock(5).as_slice(), &clock(8), &[0x47; 100]].concat();
    fs::write(folder.join(format!("{}-d.part", EVENING - 60_000)), whole).unwrap();
    fs::write(folder.join(format!("{}.part", EVENING - 30_000)), clock(5)).unwrap();
    fs::write(folder.join("x.part"), "").unwrap();
    trial.push(1, 0);
    trial.take(0, 0);
    let pieces = trial.archive.pieces(StreamId(30), 0, u64::MAX / 2).unwrap();
    let found: Vec<_> =
        pieces.iter().map(|piece| (piece.start, piece.duration, piece.bytes, piece.joins)).collect();
    assert_eq!(found, [(EVENING - 60_000, 3_000, 376, false)]);
    let parts = fs::read_dir(&folder).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_file());
    assert_eq!(parts.count(), 1, "the one under way");
}
