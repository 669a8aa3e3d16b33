//! What fuzzing feeds of what sources send.

use std::hint::black_box;

use url::Url;

use super::{
    fetch::{mp4::index_is_last, playlist::Playlist},
    program::Filter,
    ts::{PACKET, Scanner},
};

/// A transport stream: packets are found alike, whole or in pieces, and nothing piles up.
pub fn ts(bytes: &[u8]) {
    let packets = |size: usize| {
        let mut scanner = Scanner::default();
        let mut many = 0;
        for piece in bytes.chunks(size.max(1)) {
            scanner.feed(piece, |scanner, _| {
                many += 1;
                black_box((scanner.clock(), scanner.elementary().len()));
            });
        }
        black_box(scanner.tables());
        assert!(scanner.skipped() + many * PACKET <= bytes.len() + PACKET);
        many
    };
    assert_eq!(packets(bytes.len()), packets(100));
    let mut filter = Filter::new(1);
    for piece in bytes.chunks(333) {
        match filter.feed(piece) {
            Ok(passed) => assert_eq!(passed.len() % PACKET, 0),
            Err(_) => break,
        }
    }
}

/// A playlist.
pub fn hls(bytes: &[u8]) {
    let Ok(from) = Url::parse("http://192.0.2.1/live/list.m3u8?a=b") else { return };
    let _ = black_box(Playlist::read(&String::from_utf8_lossy(bytes), &from));
}

/// The beginning of a film.
pub fn mp4(bytes: &[u8]) {
    black_box(index_is_last(bytes));
}
