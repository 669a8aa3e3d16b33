//! A list on its way in: a piece at a time, unpacked, with bounds; nothing of it is kept but its channels.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

use crate::domain::{
    Error, Result, Rule,
    import::List,
    m3u::{Entry, Reader},
};

/// Lists that are read at once.
pub const READINGS: usize = 2;
/// The most bytes of a list once it is unpacked.
const MOST_TEXT: usize = 256 << 20;

/// A list that is being read.
pub struct Reading {
    state: State,
    /// Held while it is read.
    _permit: Option<OwnedSemaphorePermit>,
}

enum State {
    /// Too little is there to tell what it is.
    Begun(Vec<u8>),
    Plain(Box<Sink>),
    Packed(Box<MultiGzDecoder<Sink>>),
}

/// Text into channels.
#[derive(Default)]
struct Sink {
    reader: Reader,
    list: List,
    bytes: usize,
    refused: Option<Error>,
}

impl Default for Reading {
    fn default() -> Self {
        Self::with(None)
    }
}

impl Reading {
    pub(super) fn with(permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { state: State::Begun(Vec::new()), _permit: permit }
    }

    /// Takes a piece, away from the serving threads.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no list, or too long.
    pub async fn more(mut self, bytes: Vec<u8>) -> Result<Self> {
        let read = spawn_blocking(move || self.push(&bytes).map(|()| self));
        read.await.unwrap_or(Err(Error::Busy))
    }

    /// The list, once all of it is there.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no list, or has no channel.
    pub async fn done(self) -> Result<List> {
        spawn_blocking(move || self.end()).await.unwrap_or(Err(Error::Busy))
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        if let State::Begun(head) = &mut self.state {
            head.extend_from_slice(bytes);
            if head.len() < 2 {
                return Ok(());
            }
            let head = std::mem::take(head);
            self.state = State::of(&head);
            return self.state.push(&head);
        }
        self.state.push(bytes)
    }

    fn end(mut self) -> Result<List> {
        if let State::Begun(head) = &mut self.state {
            let head = std::mem::take(head);
            self.state = State::Plain(Box::default());
            self.state.push(&head)?;
        }
        match self.state {
            State::Begun(_) => Sink::default().end(),
            State::Plain(sink) => sink.end(),
            State::Packed(mut packed) => {
                let whole = packed.try_finish();
                let sink = std::mem::take(packed.get_mut());
                if let Some(refused) = sink.refused {
                    return Err(refused);
                }
                whole.map_err(|_| damaged())?;
                sink.end()
            }
        }
    }
}

impl State {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Packed(Box::new(MultiGzDecoder::new(Sink::default()))),
            _ => Self::Plain(Box::default()),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Begun(_) => Ok(()),
            Self::Plain(sink) => sink.push(bytes),
            Self::Packed(packed) => match packed.write_all(bytes) {
                Ok(()) => Ok(()),
                Err(_) => Err(packed.get_mut().refused.take().unwrap_or_else(damaged)),
            },
        }
    }
}

impl Sink {
    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len();
        if self.bytes > MOST_TEXT {
            return Err(refused(format!("the list is over {} MB: split it", MOST_TEXT >> 20).into()));
        }
        self.read(|reader, take| reader.push(bytes, take))
    }

    fn end(mut self) -> Result<List> {
        let mut reader = std::mem::take(&mut self.reader);
        let odd = self.read(|_, take| std::mem::take(&mut reader).end(take))?;
        self.list.oddities.merge(odd);
        if self.list.candidates.is_empty() && self.list.refused_count == 0 {
            return Err(refused("there is no channel in it: a list has lines of #EXTINF and URLs".into()));
        }
        self.list.candidates.shrink_to_fit();
        Ok(self.list)
    }

    fn read<T>(
        &mut self,
        read: impl FnOnce(&mut Reader, &mut dyn FnMut(Entry)) -> Result<T, Rule>,
    ) -> Result<T> {
        let (list, mut full) = (&mut self.list, None);
        let mut take = |entry: Entry| {
            if full.is_none() {
                full = list.take(&entry).err();
            }
        };
        let outcome = read(&mut self.reader, &mut take);
        full.map_or(outcome, Err).map_err(refused)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.push(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.refused = Some(error);
                Err(io::Error::other("refused"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn refused(rule: Rule) -> Error {
    Error::invalid("file", rule)
}

fn damaged() -> Error {
    refused("the file is packed, and damaged or cut short".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], piece: usize) -> Result<List> {
        let mut reading = Reading::default();
        bytes.chunks(piece).try_for_each(|bytes| reading.push(bytes))?;
        reading.end()
    }

    fn why(bytes: &[u8]) -> String {
        read(bytes, 1000).err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    const LIST: &[u8] = b"#EXTM3U\n#EXTINF:-1,A\nhttp://h/1\n#EXTINF:-1,B\nhttp://h/2\n";

    #[test]
    fn lists_are_unpacked_whatever_they_are_called() {
        let two = [packed(LIST), packed(b"#EXTINF:-1,C\nhttp://h/3\n")].concat();
        for piece in [1, 7, 1000] {
            assert_eq!(read(LIST, piece).unwrap().candidates.len(), 2);
            assert_eq!(read(&packed(LIST), piece).unwrap().candidates.len(), 2);
            assert_eq!(
                read(&two, piece).unwrap().candidates.len(),
                3,
                "two packed files, one behind the other"
            );
        }
        let half = packed(&LIST.repeat(100));
        assert!(why(&half[..half.len() / 2]).contains("cut short"));
        assert!(why(&packed(b"<html>")).contains("web page"));
        assert!(why(&packed(b"#EXTM3U\n")).contains("no channel"));
        assert!(why(b"").contains("no channel") && why(b"#").contains("no channel"));
    }

    #[test]
    fn what_unpacks_without_end_is_refused() {
        let mut sink = Sink { bytes: MOST_TEXT - 1000, ..Sink::default() };
        assert!(sink.push(&[b'\n'; 1000]).is_ok());
        let mut reading =
            Reading { state: State::Packed(Box::new(MultiGzDecoder::new(sink))), _permit: None };
        let refused = reading.push(&packed(b"\n")).and_then(|()| reading.end().map(|_| ())).unwrap_err();
        assert!(refused.to_string().contains("over 256 MB"), "{refused}");
    }
}
