//! The file of a piece while it is written, and what a server that was killed leaves of one.

use std::{
    fs::{self, File},
    io::{self, IoSlice, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::piece::{self, Name, Piece, StreamFolder};
use crate::media::ts::{self, PACKET};

/// Buffers that are written at once; the system takes no more.
const BUFFERS: usize = 1024;
/// Read of the beginning and of the end of what was left behind: about a MiB.
const ENDS: u64 = 5_577 * PACKET as u64;
/// What is left behind and shorter is dropped, in milliseconds.
const SHORTEST: u64 = 1_000;

/// A file that is written.
pub struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
    joins: bool,
}

impl Part {
    /// Begins one in the folder of a stream; `arrived`, in unix milliseconds, is kept in its name.
    ///
    /// # Errors
    /// What the disk says.
    pub fn begin(place: &StreamFolder, arrived: u64, joins: bool) -> io::Result<Self> {
        make(place.folder())?;
        let mark = if joins { "" } else { "-d" };
        let path = place.folder().join(format!("{arrived}{mark}.part"));
        Ok(Self { file: File::create(&path)?, path, bytes: 0, joins })
    }

    /// Writes packets, many at once.
    ///
    /// # Errors
    /// What the disk says; then only what was written before counts.
    pub fn write(&mut self, chunks: &[Bytes]) -> io::Result<()> {
        for chunks in chunks.chunks(BUFFERS) {
            let mut slices: Vec<IoSlice<'_>> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
            let mut left = slices.as_mut_slice();
            while !left.is_empty() {
                match self.file.write_vectored(left) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(written) => IoSlice::advance_slices(&mut left, written),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.bytes += chunks.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
        }
        Ok(())
    }

    /// How much was written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether it goes on from the piece before it.
    pub fn joins(&self) -> bool {
        self.joins
    }

    /// Puts it where its name says, once the disk has it.
    ///
    /// # Errors
    /// What the disk says; the file is gone then.
    pub fn finish(self, place: &StreamFolder, start: u64, duration: u64) -> io::Result<Piece> {
        let Self { path, file, bytes, joins } = self;
        let put = || {
            // More may be there, of a write that failed.
            file.set_len(bytes)?;
            file.sync_data()?;
            put(&path, place, Name { start, duration, joins }, bytes)
        };
        put().inspect_err(|_| drop(fs::remove_file(&path)))
    }

    /// Deletes it.
    pub fn drop(self) {
        // What cannot be deleted is left for the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes a folder, but none above it: the disk of the archive may be gone.
fn make(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

fn put(from: &Path, place: &StreamFolder, name: Name, bytes: u64) -> io::Result<Piece> {
    let hour = place.hour(name.start / piece::HOUR);
    let Name { start, duration, joins } = name;
    let path = hour.join(name.file());
    let move_there = || {
        hour.parent().map_or(Ok(()), make)?;
        make(&hour)?;
        fs::rename(from, &path)
    };
    // Whoever makes room may have taken the empty folder away in between.
    move_there().or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => move_there(),
        _ => Err(error),
    })?;
    Ok(Piece { start, duration, bytes, joins, path })
}

/// What a server that was killed left in the folder of a stream, as far as it can be played: it gets the name that it would have
/// had. `newest` is when what is recorded ends. The rest is deleted.
///
/// # Errors
/// What the disk says.
pub fn finish_left(place: &StreamFolder, mut newest: Option<u64>) -> io::Result<Vec<Piece>> {
    let mut found = Vec::new();
    for name in piece::names(place.folder())? {
        let Some(stem) = name.strip_suffix(".part") else { continue };
        let (arrived, joins) = stem.strip_suffix("-d").map_or((stem, true), |arrived| (arrived, false));
        let path = place.folder().join(&name);
        let arrived = arrived.parse::<u64>().ok();
        let length = measure(&path)?;
        let Some((arrived, (bytes, duration))) = arrived.zip(length) else {
            fs::remove_file(&path)?;
            continue;
        };
        File::options().write(true).open(&path)?.set_len(bytes)?;
        let start = newest.map_or(arrived, |end| end.max(arrived));
        let piece = put(&path, place, Name { start, duration, joins }, bytes)?;
        newest = Some(piece.end());
        found.push(piece);
    }
    Ok(found)
}

/// The whole packets of a file, in bytes, and how long they play in milliseconds; `None` if that cannot be told.
fn measure(path: &Path) -> io::Result<Option<(u64, u64)>> {
    let mut file = File::open(path)?;
    let packet = PACKET as u64;
    let length = file.metadata()?.len() / packet * packet;
    let mut clocks = |from: u64| -> io::Result<Vec<u64>> {
        let mut part = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        (&file).take(ENDS.min(length - from)).read_to_end(&mut part)?;
        Ok(part.chunks_exact(PACKET).filter_map(ts::clock).collect())
    };
    let (head, tail) = (clocks(0)?, clocks(length.saturating_sub(ENDS))?);
    let lasts = head.first().zip(tail.last()).map(|(first, last)| ts::elapsed(*first, *last) / 90);
    let is_told = |lasts: &u64| (SHORTEST..=piece::LONGEST).contains(lasts);
    Ok(lasts.filter(is_told).map(|lasts| (length, lasts)))
}
