//! An archive as segments of HLS: each piece in parts of some seconds, which begin with key frames.

use std::io;

use bytes::Bytes;

use super::{Archive, Piece, Span, Spans, cut::Cutting};
use crate::domain::ids::StreamId;

/// How long a segment is to be, in milliseconds.
const USUAL: u64 = 6_000;

/// A segment of an archive, by its name: `STREAM-START-PART-PARTS.ts`, of the piece that begins at START, the PARTth of this many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentName {
    pub stream: StreamId,
    /// When the piece begins, in unix milliseconds.
    pub piece: u64,
    part: u64,
    parts: u64,
}

/// A segment in a playlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSegment {
    pub name: SegmentName,
    /// When it begins, in unix milliseconds.
    pub start: u64,
    /// How long it plays, in milliseconds: key frames may be a little later than it says.
    pub duration: u64,
    /// Whether its clocks do not go on from the segment before.
    pub discontinuity: bool,
}

impl SegmentName {
    /// Reads a file's name.
    pub fn read(file: &str) -> Option<Self> {
        let mut numbers = file.strip_suffix(".ts")?.splitn(4, '-').map(|number| number.parse::<u64>().ok());
        let mut next = || numbers.next().flatten();
        let (stream, piece, part, parts) = (next()?, next()?, next()?, next()?);
        let stream = StreamId(i64::try_from(stream).ok()?);
        (part < parts && parts <= 1_000).then_some(Self { stream, piece, part, parts })
    }

    /// The file's name.
    pub fn file(self) -> String {
        format!("{}-{}-{}-{}.ts", self.stream.0, self.piece, self.part, self.parts)
    }

    /// When it begins and ends after its piece does, in milliseconds.
    fn times(self, duration: u64) -> (u64, u64) {
        (duration * self.part / self.parts, duration * (self.part + 1) / self.parts)
    }
}

impl Archive {
    /// The segments of pieces that overlap the time between two moments, in unix milliseconds. Of a stream whose key frames are
    /// rare they are longer.
    pub fn listed(stream: StreamId, pieces: &[Piece], from: u64, to: u64) -> Vec<ListedSegment> {
        let usual =
            pieces.first().and_then(|piece| Cutting::of(piece).ok()?.longest_gap(piece.duration).ok());
        let usual = usual.unwrap_or(0).max(USUAL);
        let mut listed = Vec::new();
        let mut ended = None;
        for piece in pieces {
            let mut discontinuity = ended.is_some_and(|end| !piece.follows(end));
            ended = Some(piece.end());
            let parts = (piece.duration / usual).max(1);
            for part in 0..parts {
                let name = SegmentName { stream, piece: piece.start, part, parts };
                let (begin, end) = name.times(piece.duration);
                let (start, end) = (piece.start + begin, piece.start + end);
                if end > from && start < to {
                    listed.push(ListedSegment { name, start, duration: end - start, discontinuity });
                    discontinuity = false;
                }
            }
        }
        listed
    }

    /// What a segment holds; `None` where its piece is no more. It blocks.
    ///
    /// # Errors
    /// What the disk says.
    pub fn segment(&self, name: SegmentName) -> io::Result<Option<Spans>> {
        let pieces = self.pieces(name.stream, name.piece, name.piece + 1)?;
        let Some(piece) = pieces.into_iter().find(|piece| piece.start == name.piece) else { return Ok(None) };
        let cutting = Cutting::of(&piece)?;
        let (begin, end) = name.times(piece.duration);
        let mut from = if name.part == 0 { 0 } else { cutting.next_key_frame(begin)? };
        let to = if name.part + 1 == name.parts { cutting.end() } else { cutting.next_key_frame(end)? };
        if from >= to {
            // No key frame is in it: better what was sent before than nothing.
            from = cutting.key_frame(begin)?;
        }
        let mut parts = vec![Span::File(piece.path, from..to)];
        if from > 0 {
            parts.insert(0, Span::Memory(Bytes::copy_from_slice(&cutting.tables())));
        }
        Ok(Some(parts.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start: u64, duration: u64, joins: bool) -> Piece {
        Piece { start, duration, bytes: 188, joins, path: "/nowhere".into() }
    }

    #[test]
    fn pieces_become_segments_from_the_one_of_the_start_to_the_one_of_the_end() {
        let pieces =
            [piece(60_000, 60_000, false), piece(120_000, 61_000, true), piece(200_000, 5_000, false)];
        let listed = Archive::listed(StreamId(7), &pieces, 75_000, 203_000);
        assert_eq!((listed[0].start, listed[0].duration), (72_000, 6_000));
        assert_eq!(listed[0].name.file(), "7-60000-2-10.ts");
        assert_eq!(listed.len(), 8 + 10 + 1);
        let whole: u64 = listed.iter().map(|segment| segment.duration).sum();
        assert_eq!(whole, 48_000 + 61_000 + 5_000);
        let breaks: Vec<u64> = listed.iter().filter(|it| it.discontinuity).map(|it| it.start).collect();
        assert_eq!(breaks, [200_000], "where it does not join, and not at the beginning");
        for segment in &listed {
            assert_eq!(SegmentName::read(&segment.name.file()), Some(segment.name));
        }
    }

    #[test]
    fn only_names_of_segments_are_read() {
        for name in
            ["7_8.ts", "7-60000-2.ts", "7-60000-10-10.ts", "7-60000-0-1001.ts", "-7-1-0-1.ts", "7-1-0-1"]
        {
            assert_eq!(SegmentName::read(name), None, "{name}");
        }
    }
}
