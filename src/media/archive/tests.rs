use std::{fs, time::Duration};

use super::*;

/// 2025-11-29 18:00 UTC.
const EVENING: u64 = 490_122 * HOUR;

/// An archive with those pieces of stream 7: start after the evening, duration, in seconds; each of 188 bytes.
fn archive(pieces: &[(u64, u64)]) -> (tempfile::TempDir, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::below(folder.path().join("archive"), true, folder.path().to_owned());
    for (start, duration) in pieces {
        let start = EVENING + start * 1000;
        let hour = archive.place(StreamId(7)).hour(start / HOUR);
        fs::create_dir_all(&hour).unwrap();
        fs::write(hour.join(format!("{start}-{}.ts", duration * 1000)), [0x47; 188]).unwrap();
    }
    (folder, archive)
}

fn time(seconds: u64) -> UnixTime {
    UnixTime::clamped(i64::try_from(EVENING / 1000 + seconds).unwrap())
}

#[test]
fn what_is_there_is_read_and_listed_by_time() {
    let (_folder, archive) = archive(&[(0, 60), (60, 60), (3590, 60), (3650, 60), (7300, 60)]);
    let stray = archive.folder().join("7/2025-11-29/18");
    fs::write(stray.join("notes.txt"), "mine").unwrap();
    fs::write(stray.join(format!("{}-60000.ts", EVENING + 120_000)), "").unwrap();
    fs::create_dir_all(archive.folder().join("lost+found")).unwrap();
    assert_eq!(archive.totals(), []);
    archive.read().unwrap();
    let totals = Totals {
        pieces: 5,
        bytes: 5 * 188,
        from: EVENING,
        to: EVENING + 7_360_000,
        recorded: 300_000,
        gaps: 2,
    };
    assert_eq!(archive.totals(), [(StreamId(7), totals)]);
    assert_eq!(archive.newest(StreamId(7)), Some(EVENING + 7_360_000));
    assert_eq!(archive.newest(StreamId(8)), None);
    let starts = |from: u64, to: u64| -> Vec<u64> {
        let pieces = archive.pieces(StreamId(7), EVENING + from * 1000, EVENING + to * 1000).unwrap();
        pieces.iter().map(|piece| (piece.start - EVENING) / 1000).collect()
    };
    assert_eq!(starts(0, 1), [0]);
    assert_eq!(starts(59, 61), [0, 60]);
    assert_eq!(starts(60, 60), [0_u64; 0]);
    assert_eq!(starts(3601, 3651), [3590, 3650], "of the hour in which it begins");
    assert_eq!(starts(0, 100_000), [0, 60, 3590, 3650, 7300]);
    assert_eq!(starts(200, 100), [0_u64; 0]);
}

#[test]
fn a_programme_is_recorded_when_half_of_it_is() {
    let (_folder, archive) = archive(&[(0, 60), (60, 60), (3590, 60)]);
    archive.read().unwrap();
    for (from, to, is) in [
        (0, 120, true),
        (0, 240, true),
        (0, 241, false),
        (3600, 3700, true),
        (3600, 3701, false),
        (200, 300, false),
        (120, 120, false),
    ] {
        assert_eq!(archive.is_recorded(StreamId(7), time(from), time(to)), is, "{from} {to}");
        assert!(!archive.is_recorded(StreamId(8), time(from), time(to)));
    }
}

#[tokio::test]
async fn who_waits_is_told_of_the_next_piece() {
    let (_folder, archive) = archive(&[(0, 60)]);
    archive.read().unwrap();
    let (stream, end) = (StreamId(7), EVENING + 60_000);
    assert_eq!(archive.newer(stream, end - 1).await, end);
    let waiting = archive.newer(stream, end);
    assert!(tokio::time::timeout(Duration::from_millis(20), waiting).await.is_err());
    let waiting = tokio::spawn({
        let archive = archive.clone();
        async move { archive.newer(stream, end).await }
    });
    tokio::task::yield_now().await;
    let piece = Piece { start: end, duration: 50_000, bytes: 188, joins: true, path: PathBuf::new() };
    archive.add(stream, &piece);
    assert_eq!(waiting.await.unwrap(), end + 50_000);
    assert_eq!(archive.totals_of(stream).map(|totals| (totals.pieces, totals.gaps)), Some((2, 0)));
}
