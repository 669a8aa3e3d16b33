//! Making room: whole pieces go, the oldest first.

use std::{
    fs,
    io::{self, ErrorKind},
    path::Path,
};

use rustix::fs::{Access, access};

use super::{Archive, piece::Piece};
use crate::domain::ids::StreamId;

impl Archive {
    /// Finds out whether the pieces of a stream that are known can be deleted now. It blocks.
    ///
    /// # Errors
    /// What the disk says, or that another server records here.
    pub fn may_delete(&self, stream: StreamId) -> io::Result<()> {
        self.claim()?;
        let hours: Vec<u64> =
            self.books().get(&stream).map(|book| book.hours(0, u64::MAX).collect()).unwrap_or_default();
        let place = self.place(stream);
        hours.into_iter().try_for_each(|hour| match may_write(&place.hour(hour)) {
            // Somebody else has deleted it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            asked => asked,
        })
    }

    /// Deletes the pieces of a stream that end at `before_ms` or earlier, in unix milliseconds; how many bytes. It blocks.
    ///
    /// # Errors
    /// What the disk says; what is gone until then is gone.
    pub fn delete_before(&self, stream: StreamId, before_ms: u64) -> io::Result<u64> {
        self.delete(stream, |piece, _| piece.end() <= before_ms)
    }

    /// Deletes the oldest pieces of a stream, this many bytes at least if there are as many; how many bytes. It blocks.
    ///
    /// # Errors
    /// As [`Archive::delete_before`].
    pub fn delete_oldest(&self, stream: StreamId, bytes: u64) -> io::Result<u64> {
        self.delete(stream, |_, gone| gone < bytes)
    }

    /// Deletes pieces, the oldest first, as long as they `go`, which is told how many bytes are gone already.
    fn delete(&self, stream: StreamId, go: impl Fn(&Piece, u64) -> bool) -> io::Result<u64> {
        let place = self.place(stream);
        let mut hours = place.hours()?;
        hours.sort_unstable();
        let mut gone = 0;
        for hour in hours {
            let pieces = place.pieces(hour)?;
            let mut is_over = false;
            for piece in &pieces {
                if !go(piece, gone) {
                    is_over = true;
                    break;
                }
                match fs::remove_file(&piece.path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        self.read_hour(stream, hour)?;
                        return Err(error);
                    }
                    _ => gone += piece.bytes,
                }
            }
            if pieces.is_empty() || !is_over {
                // With what is none of ours in it, it stays.
                let folder = place.hour(hour);
                let _ = fs::remove_dir(&folder).and_then(|()| folder.parent().map_or(Ok(()), fs::remove_dir));
            }
            self.read_hour(stream, hour)?;
            if is_over {
                return Ok(gone);
            }
        }
        // There is a part in it while the stream is recorded.
        let _ = fs::remove_dir(place.folder());
        Ok(gone)
    }
}

/// Finds out whether a folder lets files in it be deleted.
fn may_write(folder: &Path) -> io::Result<()> {
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}
