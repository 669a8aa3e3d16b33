//! A list on its way in: a piece at a time, unpacked, with bounds; nothing of it is kept but its channels.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use flate2::write::MultiGzDecoder;
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

use crate::domain::{
    Error, Result, Rule,
    channels::{
        import::List,
        m3u::{Entry, Reader},
    },
};

/// Lists that are read at once.
pub const READINGS: usize = 2;
/// The most bytes of a list once it is unpacked.
const MOST_TEXT: usize = 256 << 20;
/// How often a list may be packed: some servers pack a file that is packed.
const PACKED: u8 = 2;
/// The time that a thread gives to one list; 100,000 channels take it about a second.
const TIME: Duration = Duration::from_secs(30);

/// A list that is being read.
pub struct Reading {
    layer: Layer,
    /// What of its time is left.
    left: Duration,
    /// Held while it is read.
    _permit: Option<OwnedSemaphorePermit>,
}

/// What is packed, or the text itself.
struct Layer {
    state: State,
    /// How often what comes out of it may still be packed.
    depth: u8,
    bytes: usize,
    until: Instant,
    refused: Option<Error>,
}

enum State {
    /// Too little is there to tell what it is.
    Begun(Vec<u8>),
    Plain(Box<Sink>),
    Packed(Box<MultiGzDecoder<Layer>>),
}

/// Text into channels.
#[derive(Default)]
struct Sink {
    reader: Reader,
    list: List,
}

impl Default for Reading {
    fn default() -> Self {
        Self::with(None)
    }
}

impl Reading {
    pub(super) fn with(permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { layer: Layer::new(PACKED, Instant::now()), left: TIME, _permit: permit }
    }

    /// Takes a piece, away from the serving threads.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no list, too long, or takes too much time.
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
        let begun = Instant::now();
        self.layer.give_until(begun + self.left);
        let pushed = self.layer.push(bytes);
        self.left = self.left.saturating_sub(begun.elapsed());
        pushed
    }

    fn end(mut self) -> Result<List> {
        self.layer.give_until(Instant::now() + self.left);
        self.layer.end()
    }
}

impl Layer {
    fn new(depth: u8, until: Instant) -> Self {
        Self { state: State::Begun(Vec::new()), depth, bytes: 0, until, refused: None }
    }

    fn give_until(&mut self, until: Instant) {
        self.until = until;
        if let State::Packed(packed) = &mut self.state {
            packed.get_mut().give_until(until);
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len();
        if self.bytes > MOST_TEXT {
            return Err(refused(format!("the list is over {} MB: split it", MOST_TEXT >> 20).into()));
        }
        if Instant::now() > self.until {
            let rule = format!("the list takes more than {} seconds to read: split it", TIME.as_secs());
            return Err(refused(rule.into()));
        }
        if let State::Begun(head) = &mut self.state {
            head.extend_from_slice(bytes);
            if head.len() < 2 {
                return Ok(());
            }
            let head = std::mem::take(head);
            self.begin(head.starts_with(&[0x1f, 0x8b]));
            return self.state.push(&head);
        }
        self.state.push(bytes)
    }

    fn begin(&mut self, is_packed: bool) {
        self.state = if is_packed && self.depth > 0 {
            State::Packed(Box::new(MultiGzDecoder::new(Self::new(self.depth - 1, self.until))))
        } else {
            State::Plain(Box::default())
        };
    }

    fn end(mut self) -> Result<List> {
        if let State::Begun(head) = &mut self.state {
            let head = std::mem::take(head);
            self.begin(false);
            self.state.push(&head)?;
        }
        match self.state {
            State::Begun(_) => Sink::default().end(),
            State::Plain(sink) => sink.end(),
            State::Packed(mut packed) => {
                let whole = packed.try_finish();
                let inside = std::mem::replace(packed.get_mut(), Self::new(0, self.until));
                if let Some(refused) = inside.refused {
                    return Err(refused);
                }
                whole.map_err(|_| damaged())?;
                inside.end()
            }
        }
    }
}

impl State {
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
        self.read(|reader, take| reader.push(bytes, take))
    }

    fn end(mut self) -> Result<List> {
        let mut reader = std::mem::take(&mut self.reader);
        let odd = self.read(|_, take| std::mem::take(&mut reader).end(take))?;
        self.list.oddities.merge(odd);
        if self.list.candidates.is_empty() && self.list.refused_count == 0 {
            return Err(refused("there is no channel in it: a list has #EXTINF lines and URLs".into()));
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

impl Write for Layer {
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
    refused("the file is compressed, and damaged or cut short".into())
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
    fn what_was_packed_twice_is_unpacked_twice() {
        let twice = packed(&packed(LIST));
        for piece in [1, 7, 1000] {
            assert_eq!(read(&twice, piece).unwrap().candidates.len(), 2);
        }
        assert!(why(&packed(&packed(&LIST.repeat(100))[..60])).contains("cut short"));
        assert!(why(&packed(&packed(&packed(LIST)))).contains("not text"));
    }

    #[test]
    fn what_unpacks_without_end_is_refused() {
        let mut layer = Layer::new(0, Instant::now() + TIME);
        layer.bytes = MOST_TEXT - 1000;
        assert!(layer.push(&[b'\n'; 1000]).is_ok());
        let mut reading = Reading::default();
        reading.layer.state = State::Packed(Box::new(MultiGzDecoder::new(layer)));
        let refused = reading.push(&packed(b"\n")).and_then(|()| reading.end().map(|_| ())).unwrap_err();
        assert!(refused.to_string().contains("over 256 MB"), "{refused}");
    }

    #[test]
    fn what_takes_too_much_time_or_has_too_many_lines_is_refused() {
        let mut reading = Reading { left: Duration::ZERO, ..Reading::default() };
        let refused = reading.push(&packed(LIST)).and_then(|()| reading.end().map(|_| ())).unwrap_err();
        assert!(refused.to_string().contains("30 seconds"), "{refused}");
        assert!(why(&packed(&vec![b'\n'; 6 << 20])).contains("5000000 lines"));
    }
}
