//! Where in a piece a moment is: its clocks are searched, and the key frame before it.

use std::{fs::File, io, os::unix::fs::FileExt};

use super::Piece;
use crate::media::ts::{self, PACKET, Scanner, Tables};

/// What is read of a piece at once.
const BLOCK: usize = 1024 * PACKET;
/// How close a search by clocks comes, in bytes: what follows is looked through packet by packet.
const NEAR: u64 = 2 * BLOCK as u64;

/// How much of a piece is looked through for how rare its key frames are.
const LOOKED: u64 = 8 << 20;

/// A piece that is looked through.
pub struct Cutting {
    file: File,
    bytes: u64,
    tables: Tables,
    clock_pid: u16,
    begins: u64,
    sound: Option<&'static str>,
}

impl Cutting {
    /// Reads how a piece begins.
    ///
    /// # Errors
    /// What the disk says; [`io::ErrorKind::InvalidData`] for what does not begin with PAT, PMT and a clock.
    pub fn of(piece: &Piece) -> io::Result<Self> {
        let file = File::open(&piece.path)?;
        let mut scanner = Scanner::default();
        let (mut begins, mut at) = (None, 0);
        let mut block = vec![0; BLOCK];
        while begins.is_none() && at < piece.bytes.min(4 * BLOCK as u64) {
            let read = read_at(&file, &mut block, at)?;
            scanner.feed(&block[..read], |_, packet| begins = begins.or(packet.clock));
            if read == 0 {
                break;
            }
            at += read as u64;
        }
        let sound = scanner.elementary().iter().find(|part| !part.is_video).map(|part| part.codec);
        match (begins, scanner.tables(), scanner.clock_pid()) {
            (Some(begins), Some(tables), Some(clock_pid)) => {
                Ok(Self { file, bytes: whole(piece.bytes), tables, clock_pid, begins, sound })
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The codec of its sound, as ffmpeg calls it.
    pub fn sound(&self) -> Option<&'static str> {
        self.sound
    }

    /// Its PAT and PMT: what players need before anything that does not begin with them.
    pub fn tables(&self) -> Tables {
        self.tables
    }

    /// How long its whole packets are.
    pub fn end(&self) -> u64 {
        self.bytes
    }

    /// The longest time between two key frames of a piece that plays so long, in milliseconds, told from its first blocks.
    ///
    /// # Errors
    /// What the disk says.
    pub fn longest_gap(&self, duration: u64) -> io::Result<u64> {
        let looked = self.bytes.min(LOOKED);
        let mut places = self.begins(0, looked)?;
        places.push(looked);
        let gap = places.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(looked);
        Ok(duration * gap / self.bytes.max(1))
    }

    /// A packet that says that the clocks begin anew here: for a piece that does not go on from what was sent before it.
    pub fn new_clock(&self) -> [u8; PACKET] {
        ts::clock_packet(self.clock_pid, self.begins, true)
    }

    /// The place of the last key frame that begins at most this many milliseconds after the piece; 0 is its beginning.
    ///
    /// # Errors
    /// What the disk says.
    pub fn key_frame(&self, after: u64) -> io::Result<u64> {
        let place = self.place(after)?;
        let mut end = place;
        while end > 0 {
            let begin = end.saturating_sub(BLOCK as u64);
            let last = self.begins(begin, end)?.into_iter().next_back();
            if let Some(at) = last {
                return Ok(at);
            }
            end = begin;
        }
        Ok(0)
    }

    /// The place of the first key frame that begins at least this many milliseconds after the piece; its end if there is none.
    ///
    /// # Errors
    /// What the disk says.
    pub fn next_key_frame(&self, after: u64) -> io::Result<u64> {
        let mut begin = self.place(after)?;
        while begin < self.bytes {
            let end = (begin + BLOCK as u64).min(self.bytes);
            if let Some(at) = self.begins(begin, end)?.first() {
                return Ok(*at);
            }
            begin = end;
        }
        Ok(self.bytes)
    }

    /// The place of the last clock that is at most this many milliseconds later than the first; the end where all are.
    ///
    /// # Errors
    /// What the disk says.
    pub fn place(&self, after: u64) -> io::Result<u64> {
        let wanted = after.saturating_mul(90);
        // No clock up to `low` is later, and every one from `high` on is.
        let (mut low, mut high) = (0, self.bytes);
        while high - low > NEAR {
            let middle = whole(low + (high - low) / 2);
            match self.first_clock(middle, high)? {
                Some((at, clock)) if clock <= wanted => low = at,
                _ => high = middle,
            }
        }
        let rest = self.clocks(low, high)?;
        Ok(match rest.iter().position(|(_, clock)| *clock > wanted) {
            Some(later) => rest[..later].last().map_or(low, |(at, _)| *at),
            None if high == self.bytes => self.bytes,
            None => rest.last().map_or(low, |(at, _)| *at),
        })
    }

    /// The places of the packets from one place to another with which a player can begin.
    fn begins(&self, from: u64, to: u64) -> io::Result<Vec<u64>> {
        let mut block = vec![0; usize::try_from(to - from).unwrap_or(0)];
        let read = read_at(&self.file, &mut block, from)?;
        let mut scanner = Scanner::default();
        scanner.feed(&self.tables, |_, _| {});
        let (mut at, mut found) = (from, Vec::new());
        scanner.feed(&block[..read], |_, packet| {
            if packet.begins {
                found.push(at);
            }
            at += PACKET as u64;
        });
        Ok(found)
    }

    /// The first clock between two places, with its own.
    fn first_clock(&self, from: u64, to: u64) -> io::Result<Option<(u64, u64)>> {
        let mut from = from;
        while from < to {
            let end = (from + BLOCK as u64).min(to);
            if let Some(found) = self.clocks(from, end)?.first() {
                return Ok(Some(*found));
            }
            from = end;
        }
        Ok(None)
    }

    /// The clocks between two places, each with its own, counted from the first of the piece.
    fn clocks(&self, from: u64, to: u64) -> io::Result<Vec<(u64, u64)>> {
        let mut block = vec![0; usize::try_from(to - from).unwrap_or(0)];
        let read = read_at(&self.file, &mut block, from)?;
        let places = (from..).step_by(PACKET);
        let packets = places.zip(block[..read].chunks_exact(PACKET));
        let clock = |(at, packet)| ts::clock(packet).map(|clock| (at, ts::elapsed(self.begins, clock)));
        Ok(packets.filter_map(clock).collect())
    }
}

/// Fills a block from a place on, as far as the file reaches, in whole packets.
fn read_at(file: &File, block: &mut [u8], from: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < block.len() {
        match file.read_at(&mut block[read..], from + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read - read % PACKET)
}

/// The length of the whole packets in this many bytes.
fn whole(bytes: u64) -> u64 {
    bytes - bytes % PACKET as u64
}
