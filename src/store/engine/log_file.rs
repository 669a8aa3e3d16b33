//! Whether the log of the database still holds what its index says: a log that somebody empties or writes over in place
//! keeps its name and its inode, and SQLite itself would go on without a word.

use std::{fs::File, os::unix::fs::FileExt};

/// Bytes of the log's own head, and of the head of each frame (<https://sqlite.org/walformat.html>).
pub const HEAD: u64 = 32;
pub const FRAME_HEAD: u64 = 24;
/// So often an index is read that somebody is writing.
const TRIES: u32 = 1000;

/// The head of the index: what the last commit left.
#[derive(PartialEq, Eq)]
struct Index([u8; 48]);

impl Index {
    /// `None` while somebody writes it, or if it cannot be read.
    fn read(index: &File) -> Option<Self> {
        let mut both = [0; 96];
        index.read_exact_at(&mut both, 0).ok()?;
        let (one, other) = both.split_at(48);
        (one == other).then(|| one.try_into().map(Self).ok())?
    }

    fn number(&self, at: usize) -> u32 {
        self.0.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_ne_bytes)
    }

    /// How many frames are committed.
    fn frames(&self) -> u64 {
        self.number(16).into()
    }

    /// Bytes of a page: 65,536 is written as 1.
    fn page(&self) -> u64 {
        let size = self.0.get(14..16).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_ne_bytes);
        if size == 1 { 1 << 16 } else { size.into() }
    }

    fn salt(&self) -> &[u8] {
        &self.0[32..40]
    }

    /// The checksum of the last frame, as a frame has it.
    fn checksum(&self) -> [u8; 8] {
        let mut sum = [0; 8];
        sum[..4].copy_from_slice(&self.number(24).to_be_bytes());
        sum[4..].copy_from_slice(&self.number(28).to_be_bytes());
        sum
    }
}

/// Whether the head and the last committed frame of the log are those that the index speaks of. What changes meanwhile
/// is taken for whole: somebody commits.
pub fn is_whole(log: &File, index: &File) -> bool {
    let Some(told) = Index::read(index).filter(|told| told.frames() > 0) else { return true };
    let last = HEAD + (told.frames() - 1) * (FRAME_HEAD + told.page());
    let (mut head, mut frame) = ([0; 32], [0; 24]);
    let is_read = log.read_exact_at(&mut head, 0).is_ok() && log.read_exact_at(&mut frame, last).is_ok();
    let holds = is_read
        && head[16..24] == *told.salt()
        && frame[8..16] == *told.salt()
        && frame[16..24] == told.checksum();
    holds || Index::read(index).is_none_or(|now| now != told)
}

/// Whether every committed frame of the log follows from the one before: each has a checksum of all that stands before
/// its end. What changes meanwhile is taken for whole.
pub fn is_whole_throughout(log: &File, index: &File) -> bool {
    let Some(told) = Index::read(index).filter(|told| told.frames() > 0) else { return true };
    follows(log, &told).unwrap_or(false) || Index::read(index).is_none_or(|now| now != told)
}

/// `None` if it cannot be read.
fn follows(log: &File, told: &Index) -> Option<bool> {
    let mut head = [0; 32];
    log.read_exact_at(&mut head, 0).ok()?;
    // Its kind says in which order the bytes of numbers were added up.
    let number: fn([u8; 4]) -> u32 = if head[3] & 1 == 1 { u32::from_be_bytes } else { u32::from_le_bytes };
    let mut sum = (0, 0);
    add(&mut sum, &head[..24], number);
    let mut frame = vec![0; usize::try_from(FRAME_HEAD + told.page()).ok()?];
    for place in 0..told.frames() {
        log.read_exact_at(&mut frame, HEAD + place * (FRAME_HEAD + told.page())).ok()?;
        let (about, page) = frame.split_at(24);
        add(&mut sum, &about[..8], number);
        add(&mut sum, page, number);
        let bytes = [sum.0.to_be_bytes(), sum.1.to_be_bytes()].concat();
        if about[8..16] != *told.salt() || about[16..24] != bytes {
            return Some(false);
        }
    }
    Some(true)
}

fn add(sum: &mut (u32, u32), bytes: &[u8], number: fn([u8; 4]) -> u32) {
    let (pairs, _) = bytes.as_chunks::<8>();
    for [a, b, c, d, e, f, g, h] in pairs {
        sum.0 = sum.0.wrapping_add(number([*a, *b, *c, *d])).wrapping_add(sum.1);
        sum.1 = sum.1.wrapping_add(number([*e, *f, *g, *h])).wrapping_add(sum.0);
    }
}

/// The number of the last commit, whoever's it was: the index counts them.
pub fn last_commit(index: &File) -> Option<u32> {
    // In the first copy of the head, which is written last: nobody sees a commit before it is counted here.
    let mut number = [0; 4];
    index.read_exact_at(&mut number, 8).ok()?;
    Some(u32::from_ne_bytes(number))
}

/// What the index says of the log, and how much of it was moved into the database.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Log {
    /// Changes when the log begins anew.
    pub salt: [u8; 8],
    /// Bytes of a page.
    pub page: u64,
    /// Frames that are committed.
    pub frames: u32,
    /// Pages of the database with them.
    pub pages: u32,
    /// Frames that were moved, and those that somebody began to move.
    pub moved: u32,
    pub begun: u32,
}

impl Log {
    /// As the index has it now; nothing if it cannot be read.
    pub fn of(index: &File) -> Self {
        let mut told = [0; 132];
        // Somebody may be writing it: both copies of its head are the same once he has.
        for _ in 0..TRIES {
            if index.read_exact_at(&mut told, 0).is_err() {
                return Self::default();
            }
            if told[..48] == told[48..96] {
                break;
            }
            std::thread::yield_now();
        }
        let number = |at: usize| {
            told.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_ne_bytes)
        };
        let head = Index(told[..48].try_into().unwrap_or([0; 48]));
        Self {
            salt: head.salt().try_into().unwrap_or_default(),
            page: head.page(),
            frames: number(16),
            pages: number(20),
            moved: number(96),
            begun: number(128),
        }
    }
}
