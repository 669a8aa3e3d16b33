//! What is sent of an archive: parts of its files, one after the other, which the kernel sends without copying them.

use std::{
    collections::VecDeque,
    fs::File,
    io,
    ops::Range,
    os::{fd::AsFd, unix::fs::FileExt},
    path::PathBuf,
};

use bytes::Bytes;
use rustix::{
    fs::{Advice, fadvise, sendfile},
    net::{SendFlags, send},
};

use super::{Piece, cut::Cutting};
use crate::media::ts::PACKET;

/// So much is read ahead of what is sent: the disk is to be quicker than whoever waits for it.
const AHEAD: u64 = 4 << 20;

/// Something to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    Memory(Bytes),
    /// So much of a file.
    File(PathBuf, Range<u64>),
}

impl Span {
    fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(_, range) => range.end - range.start,
        }
    }
}

/// What there is to be sent, in order.
#[derive(Debug, Default)]
pub struct Spans {
    waiting: VecDeque<Span>,
    open: Option<Open>,
}

/// A file of which something is being sent.
#[derive(Debug)]
struct Open {
    file: File,
    at: u64,
    end: u64,
    /// Up to where it is being read ahead.
    read: u64,
}

impl Spans {
    /// Those of pieces between two moments, in unix milliseconds: from the last key frame at or before the one, which follows its
    /// PAT and PMT, up to the other. If a piece was sent before, which `ended` then, they begin with the first one's beginning. Where a piece does not go on from the one before it, the clocks are said to begin anew.
    ///
    /// # Errors
    /// What the disk says.
    pub fn of(pieces: &[Piece], mut ended: Option<u64>, from: u64, to: u64) -> io::Result<Self> {
        let mut waiting = VecDeque::new();
        for piece in pieces {
            let is_first = ended.is_none();
            let joins = ended.is_none_or(|end| piece.follows(end));
            let (mut begin, mut end) = (0, whole(piece.bytes));
            // Most are sent as they are, unseen.
            if !joins || (is_first && from > piece.start) || to < piece.end() {
                // One that breaks off in its first packets has nothing to show.
                let Ok(cutting) = Cutting::of(piece) else { continue };
                if is_first {
                    begin = cutting.key_frame(from.saturating_sub(piece.start))?;
                }
                if to < piece.end() {
                    end = cutting.place(to - piece.start)?;
                }
                if begin > 0 {
                    waiting.push_back(Span::Memory(Bytes::copy_from_slice(&cutting.tables())));
                } else if !is_first && !joins {
                    waiting.push_back(Span::Memory(Bytes::copy_from_slice(&cutting.new_clock())));
                }
            }
            if begin < end {
                waiting.push_back(Span::File(piece.path.clone(), begin..end));
                ended = Some(piece.end());
            }
        }
        Ok(Self { waiting, open: None })
    }

    /// How much it is in all.
    pub fn length(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, |open| open.end - open.at);
        open + self.waiting.iter().map(Span::length).sum::<u64>()
    }

    /// Leaves out so much from the beginning, and what is beyond so much after that.
    pub fn narrow(&mut self, skip: u64, length: u64) {
        let (mut skip, mut left) = (skip, length);
        let mut kept = VecDeque::new();
        for part in self.waiting.drain(..) {
            let skipped = skip.min(part.length());
            skip -= skipped;
            let taken = (part.length() - skipped).min(left);
            left -= taken;
            if taken == 0 {
                continue;
            }
            kept.push_back(match part {
                Span::Memory(bytes) => {
                    let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
                    Span::Memory(bytes.slice(at(skipped)..at(skipped + taken)))
                }
                Span::File(path, range) => {
                    let begin = range.start + skipped;
                    Span::File(path, begin..begin + taken)
                }
            });
        }
        self.waiting = kept;
    }

    /// Adds what is to be sent after it.
    pub fn append(&mut self, mut more: Self) {
        self.waiting.append(&mut more.waiting);
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.open.is_none() && self.waiting.is_empty()
    }

    /// Has up to `most` bytes sent, of one part at most; how many were.
    ///
    /// # Errors
    /// The socket's; [`io::ErrorKind::WouldBlock`] where it takes nothing now. The disk's; [`io::ErrorKind::UnexpectedEof`] for a
    /// file that has become shorter.
    pub fn send(&mut self, socket: impl AsFd, most: usize) -> io::Result<usize> {
        if self.open.is_none()
            && let Some(Span::Memory(bytes)) = self.waiting.front_mut()
        {
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            let sent = send(socket, &bytes[..bytes.len().min(most)], flags)?;
            if sent == bytes.len() {
                self.waiting.pop_front();
            } else {
                *bytes = bytes.slice(sent..);
            }
            return Ok(sent);
        }
        let Some(open) = self.open_next()? else { return Ok(0) };
        let left = open.left();
        let sent = sendfile(socket, &open.file, Some(&mut open.at), left.min(most))?;
        if sent == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.close_at_the_end();
        Ok(sent)
    }

    /// Up to `most` bytes, of one part at most, read from the file: for those who cannot be sent to. None are left when it is empty.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read(&mut self, most: usize) -> io::Result<Bytes> {
        if self.open.is_none()
            && let Some(Span::Memory(bytes)) = self.waiting.front_mut()
        {
            let bytes = std::mem::take(bytes);
            self.waiting.pop_front();
            return Ok(bytes);
        }
        let Some(open) = self.open_next()? else { return Ok(Bytes::new()) };
        let mut bytes = vec![0; open.left().min(most)];
        open.file.read_exact_at(&mut bytes, open.at)?;
        open.at += bytes.len() as u64;
        self.close_at_the_end();
        Ok(bytes.into())
    }

    /// The file of which something is sent next, and read ahead of that; none if nothing is left but bytes.
    fn open_next(&mut self) -> io::Result<Option<&mut Open>> {
        if self.open.is_none()
            && let Some(Span::File(path, range)) = self.waiting.front()
        {
            let open = Open { file: File::open(path)?, at: range.start, end: range.end, read: range.start };
            self.open = Some(open);
            self.waiting.pop_front();
        }
        if let Some(open) = &mut self.open {
            open.read_ahead();
        }
        Ok(self.open.as_mut())
    }

    fn close_at_the_end(&mut self) {
        self.open.take_if(|open| open.at >= open.end);
    }
}

impl From<Vec<Span>> for Spans {
    fn from(parts: Vec<Span>) -> Self {
        Self { waiting: parts.into(), open: None }
    }
}

impl Open {
    fn left(&self) -> usize {
        usize::try_from(self.end - self.at).unwrap_or(usize::MAX)
    }

    /// Has the disk read what is to be sent next.
    fn read_ahead(&mut self) {
        if self.at + AHEAD / 2 < self.read || self.read >= self.end {
            return;
        }
        let length = AHEAD.min(self.end - self.read);
        // Only advice: without it the disk is read when its turn comes.
        let _ = fadvise(&self.file, self.read, std::num::NonZeroU64::new(length), Advice::WillNeed);
        self.read += length;
    }
}

fn whole(bytes: u64) -> u64 {
    bytes - bytes % PACKET as u64
}
