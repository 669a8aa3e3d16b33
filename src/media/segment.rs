//! An HLS segment: the ring's own chunks, and the same bytes as a file in memory for the kernel to send.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use rustix::fs::{MemfdFlags, memfd_create, sendfile};

/// Made when a segment is first asked for, so that a stream without HLS viewers has none.
pub type SharedFile = OnceLock<Option<Arc<InMemory>>>;

/// A segment's bytes, shared with the ring.
#[derive(Clone, Debug)]
pub struct Segment {
    chunks: Vec<Bytes>,
    length: u64,
    file: Arc<SharedFile>,
}

impl Segment {
    /// PAT, PMT and the chunks that follow them; `file` is shared by all copies of the segment.
    pub fn new(chunks: Vec<Bytes>, file: Arc<SharedFile>) -> Self {
        let length = chunks.iter().map(|bytes| bytes.len() as u64).sum();
        Self { chunks, length, file }
    }

    /// PAT, PMT, and the chunks.
    pub fn chunks(&self) -> &[Bytes] {
        &self.chunks
    }

    /// Its bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The segment as a file in memory; `None` where the system gives none.
    pub fn file(&self) -> Option<Arc<InMemory>> {
        let made = self.file.get_or_init(|| match InMemory::of(&self.chunks) {
            Ok(file) => Some(Arc::new(file)),
            Err(error) => {
                log::debug!("no file in memory for a segment: {error}");
                None
            }
        });
        made.clone()
    }
}

/// A file that is in memory only.
#[derive(Debug)]
pub struct InMemory(File);

impl InMemory {
    fn of(chunks: &[Bytes]) -> io::Result<Self> {
        let mut file = File::from(memfd_create("segment", MemfdFlags::CLOEXEC)?);
        chunks.iter().try_for_each(|chunk| file.write_all(chunk))?;
        Ok(Self(file))
    }

    /// Has the kernel send up to `most` bytes from `place` on, without copying them (sendfile(2)); `place`
    /// moves on. How many were sent; zero at the end of the file.
    ///
    /// # Errors
    /// The socket's; [`io::ErrorKind::WouldBlock`] where it takes nothing now.
    pub fn send(&self, socket: impl AsFd, place: &mut u64, most: usize) -> io::Result<usize> {
        Ok(sendfile(socket, &self.0, Some(place), most)?)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn all_copies_of_a_segment_share_one_file_with_its_bytes() {
        let chunks = vec![Bytes::from_static(b"tables"), Bytes::from_static(b"pictures")];
        let segment = Segment::new(chunks, Arc::default());
        let (first, second) = (segment.file().unwrap(), segment.clone().file().unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        let mut bytes = vec![0; 14];
        assert_eq!(first.0.read_at(&mut bytes, 0).unwrap(), 14);
        assert_eq!((bytes.as_slice(), segment.length()), (&b"tablespictures"[..], 14));
        assert_eq!(first.0.metadata().unwrap().len(), 14);
    }
}
