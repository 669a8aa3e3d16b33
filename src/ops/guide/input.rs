//! A source's bytes on the way into the XML reader: as UTF-8 whatever they were, and within bounds, so that neither a
//! packed bomb nor an endless text costs memory.

use std::{
    io::{self, BufRead, Read},
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memmem::Finder;

/// The most bytes of a source, unpacked: 4 GiB.
pub const UNPACKED: u64 = 4 << 30;
/// The most bytes of one tag, text or comment: 1 MiB.
pub const PIECE: usize = 1 << 20;

const BLOCK: usize = 64 << 10;

/// The text of a source.
pub struct Input<'s> {
    from: Box<dyn Read>,
    decoder: Decoder,
    raw: Vec<u8>,
    /// What of `raw` is not yet decoded.
    undecoded: Range<usize>,
    text: Vec<u8>,
    /// What of `text` is not yet read.
    unread: Range<usize>,
    ended: bool,
    /// Bytes of the piece that is being read.
    piece: usize,
    total: u64,
    stop: &'s AtomicBool,
}

impl<'s> Input<'s> {
    /// The text in those bytes; ends with an error once `stop` is set.
    ///
    /// # Errors
    /// What the bytes' source says.
    pub fn new(mut from: Box<dyn Read>, stop: &'s AtomicBool) -> io::Result<Self> {
        let mut raw = vec![0; BLOCK];
        let mut length = 0;
        // The declaration stands in the first bytes.
        while length < 1_024 {
            match from.read(&mut raw[length..])? {
                0 => break,
                read => length += read,
            }
        }
        let decoder = encoding(&raw[..length]).new_decoder_with_bom_removal();
        Ok(Self {
            from,
            decoder,
            raw,
            undecoded: 0..length,
            text: vec![0; 4 * BLOCK],
            unread: 0..0,
            ended: length == 0,
            piece: 0,
            total: 0,
            stop,
        })
    }

    /// A new piece begins.
    pub fn next_piece(&mut self) {
        self.piece = 0;
    }

    /// Reads what is left, of which nothing is wanted: whoever unpacks it finds out at its end whether it was whole.
    ///
    /// # Errors
    /// It is not, or larger than [`UNPACKED`].
    pub fn read_out(&mut self) -> io::Result<()> {
        while !self.ended {
            self.undecoded = 0..0;
            self.unread = 0..0;
            self.refill()?;
        }
        Ok(())
    }

    /// Passes over everything before that text; whether it comes at all.
    pub fn skip_to(&mut self, sought: &Finder<'_>) -> io::Result<bool> {
        loop {
            let text = self.text.get(self.unread.clone()).unwrap_or_default();
            if let Some(at) = sought.find(text) {
                self.unread.start += at;
                return Ok(true);
            }
            // Its beginning may be here, and the rest of it in what comes next.
            let kept = text.len().min(sought.needle().len().saturating_sub(1));
            self.text.copy_within(self.unread.end - kept..self.unread.end, 0);
            self.unread = 0..kept;
            if self.ended {
                return Ok(false);
            }
            self.refill()?;
        }
    }

    /// Adds to what is not yet read, at its place in the buffer.
    fn refill(&mut self) -> io::Result<()> {
        let kept = self.unread.end;
        while self.unread.end == kept && !self.ended {
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::Error::other("it was broken off"));
            }
            if self.undecoded.is_empty() {
                let read = match self.from.read(&mut self.raw) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read?,
                };
                self.undecoded = 0..read;
                self.ended = read == 0;
                self.total += read as u64;
                if self.total > UNPACKED {
                    return Err(io::Error::other(format!(
                        "it is larger than {} GiB unpacked",
                        UNPACKED >> 30
                    )));
                }
            }
            let source = self.raw.get(self.undecoded.clone()).unwrap_or_default();
            let (_, read, written, _) =
                self.decoder.decode_to_utf8(source, &mut self.text[kept..], self.ended);
            self.undecoded.start += read;
            self.unread.end = kept + written;
        }
        Ok(())
    }
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece > PIECE {
            return Err(io::Error::other(format!("a tag or text in it is larger than {} MiB", PIECE >> 20)));
        }
        if self.unread.is_empty() {
            self.unread = 0..0;
            self.refill()?;
        }
        Ok(self.text.get(self.unread.clone()).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.unread.start += amount;
        self.piece += amount;
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// The encoding by its mark, by the look of UTF-16, or as the declaration says; else UTF-8.
fn encoding(first: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(first) {
        return encoding;
    }
    match first {
        [b'<', 0, ..] => return UTF_16LE,
        [0, b'<', ..] => return UTF_16BE,
        _ => {}
    }
    let declaration = first.strip_prefix(b"<?xml").and_then(|rest| {
        let end = rest.windows(2).position(|two| two == b"?>")?;
        std::str::from_utf8(rest.get(..end)?).ok()
    });
    let named = declaration.and_then(|text| {
        let (_, rest) = text.split_once("encoding")?;
        let rest = rest.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        Encoding::for_label(rest[1..].split(quote).next()?.as_bytes())
    });
    // Who could read this declaration reads no UTF-16.
    named.map_or(UTF_8, Encoding::output_encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        let stop = AtomicBool::new(false);
        let mut text = String::new();
        Input::new(Box::new(io::Cursor::new(bytes.to_vec())), &stop)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[test]
    fn what_is_passed_over_ends_at_the_very_text_wherever_blocks_meet() {
        let stop = AtomicBool::new(false);
        let end = Finder::new("</end");
        for length in [0, 1, BLOCK - 3, BLOCK - 1, BLOCK, 5 * BLOCK + 7] {
            let bytes = format!("{}</en</end>ü", "x".repeat(length)).into_bytes();
            let mut input = Input::new(Box::new(io::Cursor::new(bytes)), &stop).unwrap();
            assert!(input.skip_to(&end).unwrap());
            let mut rest = String::new();
            input.read_to_string(&mut rest).unwrap();
            assert_eq!(rest, "</end>ü", "{length}");
            assert!(!input.skip_to(&end).unwrap());
        }
    }

    #[test]
    fn every_encoding_becomes_utf_8_and_what_is_wrong_in_it_a_mark() {
        let declared = |label: &str, word: &[u8]| {
            [format!("<?xml version=\"1.0\" encoding='{label}'?>").as_bytes(), word].concat()
        };
        assert!(text(&declared("ISO-8859-1", b"T\xe9l\xe9")).ends_with("Télé"));
        assert!(text(&declared("UTF-8", b"T\xe9l")).ends_with("T\u{fffd}l"));
        assert!(text(&declared("windows-1251", b"\xcf\xf0")).ends_with("Пр"));
        assert!(text(&declared("utf-16", b"plain")).ends_with("plain"), "a declaration that is wrong");
        assert!(text(&declared("no-such", "ü".as_bytes())).ends_with('ü'));
        let utf16: Vec<u8> = "<tv>ü</tv>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(text(&utf16), "<tv>ü</tv>");
        assert_eq!(text(&[b"\xff\xfe", utf16.as_slice()].concat()), "<tv>ü</tv>");
        assert_eq!(text(b"\xef\xbb\xbf<tv/>"), "<tv/>");
        assert_eq!(text(b""), "");
        let long = "ü".repeat(200_000);
        assert_eq!(text(long.as_bytes()), long);
    }
}
