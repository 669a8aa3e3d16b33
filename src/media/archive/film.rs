//! Recordings out of a film, for the demo: so that there is something of yesterday.

use std::{fs, io, path::Path};

use bytes::Bytes;

use super::{Archive, part::Part};
use crate::{
    domain::ids::StreamId,
    media::{feed::Turns, ts::PACKET},
};

/// A film for this is no longer, in bytes.
const MOST: u64 = 64 << 20;

impl Archive {
    /// Records a film, a transport stream that begins with a key frame, again and again as one stream from `from_ms` up to `to_ms`, in unix
    /// milliseconds. It blocks.
    ///
    /// # Errors
    /// What the disk says; a film of more than 64 MiB or without clocks.
    pub fn put_film(&self, stream: StreamId, film: &Path, from_ms: u64, to_ms: u64) -> io::Result<()> {
        if fs::metadata(film)?.len() > MOST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.make_folder()?;
        let film = fs::read(film)?;
        let mut turns = Turns::default();
        let (mut start, mut joins) = (from_ms, false);
        while start < to_ms {
            let mut turn = film.clone();
            turns.begin();
            for packet in turn.chunks_exact_mut(PACKET) {
                turns.go_on(packet);
            }
            let lasts = turns.lasts().filter(|lasts| *lasts > 0).ok_or(io::ErrorKind::InvalidData)?;
            let place = self.place(stream);
            let mut part = Part::begin(&place, start, joins)?;
            part.write(&[Bytes::from(turn)])?;
            let piece = part.finish(&place, start, lasts)?;
            start = piece.end();
            joins = true;
            self.add(stream, &piece);
        }
        Ok(())
    }
}
