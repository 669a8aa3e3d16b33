//! Bytes into lines, in whatever encoding the list has; what comes in pieces comes out whole.

use std::borrow::Cow;

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// This many bytes tell the encoding.
const HEAD: usize = 256;

/// One line without its end.
#[derive(Debug)]
pub struct Line<'l> {
    /// Its place, from 1.
    pub number: usize,
    /// Its text; empty if it is too long.
    pub text: Cow<'l, str>,
    /// Some of its bytes were not UTF-8.
    pub stray: bool,
    /// It is longer than [`Lines::LONGEST`] and was passed over.
    pub too_long: bool,
}

/// Cuts bytes into lines: at LF, CR LF or CR. UTF-8, where stray bytes are read as Windows-1252; or UTF-16, with or
/// without a byte order mark.
#[derive(Default)]
pub struct Lines {
    /// The first bytes, until the encoding is known.
    head: Vec<u8>,
    encoding: Option<Encoding>,
    /// The line that is not at its end yet.
    line: Vec<u8>,
    too_long: bool,
    number: usize,
    after_cr: bool,
    after_blank: bool,
}

enum Encoding {
    Bytes,
    Wide(Box<Decoder>),
}

impl Lines {
    /// The most bytes of a line.
    pub const LONGEST: usize = 64 << 10;

    /// How many lines ended so far.
    pub fn count(&self) -> usize {
        self.number
    }

    /// Takes a piece, and hands over the lines that end in it; of blank lines in a row only the first.
    pub fn push(&mut self, bytes: &[u8], each: &mut impl FnMut(Line<'_>)) {
        if self.encoding.is_some() {
            return self.decode(bytes, false, each);
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() >= HEAD {
            self.begin(each);
        }
    }

    /// Hands over what is left.
    pub fn end(mut self, each: &mut impl FnMut(Line<'_>)) {
        if self.encoding.is_none() {
            self.begin(each);
        }
        self.decode(&[], true, each);
        if !self.line.is_empty() || self.too_long {
            self.finish(each);
        }
    }

    fn begin(&mut self, each: &mut impl FnMut(Line<'_>)) {
        let head = std::mem::take(&mut self.head);
        self.encoding = Some(match wide(&head) {
            Some(encoding) => Encoding::Wide(Box::new(encoding.new_decoder_with_bom_removal())),
            None => Encoding::Bytes,
        });
        self.decode(&head, false, each);
    }

    fn decode(&mut self, bytes: &[u8], last: bool, each: &mut impl FnMut(Line<'_>)) {
        let Some(Encoding::Wide(decoder)) = &mut self.encoding else { return self.split(bytes, each) };
        let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len());
        let mut text = String::with_capacity(room);
        let _ = decoder.decode_to_string(bytes, &mut text, last);
        self.split(text.as_bytes(), each);
    }

    fn split(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Line<'_>)) {
        while let Some(at) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, end, rest) = (&bytes[..at], bytes[at], &bytes[at + 1..]);
            let half_of_crlf = self.after_cr && at == 0 && end == b'\n' && self.line.is_empty();
            self.after_cr = end == b'\r';
            if !half_of_crlf {
                self.keep(line);
                self.finish(each);
            }
            bytes = rest;
        }
        if !bytes.is_empty() {
            self.after_cr = false;
            self.keep(bytes);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > Self::LONGEST {
            self.too_long = true;
            self.line.clear();
        } else if !self.too_long {
            self.line.extend_from_slice(bytes);
        }
    }

    fn finish(&mut self, each: &mut impl FnMut(Line<'_>)) {
        self.number += 1;
        let is_blank = self.line.is_empty() && !self.too_long;
        if std::mem::replace(&mut self.after_blank, is_blank) && is_blank {
            return;
        }
        let (text, stray) = decoded(&self.line);
        each(Line { number: self.number, text, stray, too_long: self.too_long });
        self.line.clear();
        self.too_long = false;
    }
}

/// UTF-16, if the first bytes look like it: a byte order mark, or every other byte of them is zero.
fn wide(head: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    match head {
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => {}
    }
    // A list begins with a character of ASCII; a zip has as many zeros further on.
    if head.iter().take(2).all(|byte| *byte != 0) {
        return None;
    }
    let head = head.get(..HEAD).unwrap_or(head);
    let pairs = head.len() / 2;
    let zeros = |odd| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if pairs < 4 || (even + odd) * 2 < pairs {
        return None;
    }
    Some(if odd >= even { UTF_16LE } else { UTF_16BE })
}

/// The text of a line, and whether some of its bytes were not UTF-8.
fn decoded(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (text.into(), false);
    }
    let mut text = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.push_str(&WINDOWS_1252.decode_without_bom_handling(chunk.invalid()).0);
    }
    (text.into(), true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(bytes: &[u8], piece: usize) -> Vec<(usize, String, bool)> {
        let mut found = Vec::new();
        let mut each = |line: Line<'_>| found.push((line.number, line.text.into_owned(), line.stray));
        let mut lines = Lines::default();
        bytes.chunks(piece).for_each(|bytes| lines.push(bytes, &mut each));
        lines.end(&mut each);
        found
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        lines(bytes, 3).into_iter().map(|(_, text, _)| text).collect()
    }

    fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn every_end_of_a_line_counts_once() {
        assert_eq!(texts(b"a\nb\r\nc\rd\n\ne"), ["a", "b", "c", "d", "", "e"]);
        assert_eq!(lines(b"a\r\n\r\nb", 1).last().unwrap().0, 3, "also where it comes in pieces");
        assert!(texts(b"").is_empty());
    }

    #[test]
    fn a_stray_byte_spoils_itself_only() {
        let list = "Café\nTélé \u{1}\nNaïve".replace('\u{1}', "\u{ff}");
        let mut bytes = list.into_bytes();
        let at = bytes.windows(2).position(|pair| pair == [0xc3, 0xbf]).unwrap();
        bytes.splice(at..at + 2, [0xe9]);
        let read = lines(&bytes, 5);
        assert_eq!(read[1], (2, "Télé é".into(), true));
        assert!(read[0] == (1, "Café".into(), false) && read[2] == (3, "Naïve".into(), false));
        assert_eq!(texts(b"Caf\xe9 \x96 TV"), ["Café – TV"]);
    }

    #[test]
    fn utf_16_is_read_with_and_without_a_mark() {
        let text = "#EXTM3U\n#EXTINF:-1,Первый\nhttp://h/1\n";
        let whole: Vec<&str> = text.lines().collect();
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            assert_eq!(texts(&utf_16(text, order)), whole);
            assert_eq!(texts(&utf_16(&format!("\u{feff}{text}"), order)), whole);
            assert_eq!(texts(&utf_16(&text.repeat(30), order)).len(), 90);
        }
        assert_eq!(texts(b"a\0b\nc"), ["a\0b", "c"], "one zero is none of it");
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        let list = [b"a\n".to_vec(), vec![b'x'; 3 * Lines::LONGEST], b"\nb".to_vec()].concat();
        let mut found = Vec::new();
        let mut lines = Lines::default();
        list.chunks(1000).for_each(|bytes| {
            lines.push(bytes, &mut |line| found.push((line.text.len(), line.too_long)));
            assert!(lines.line.capacity() <= 2 * Lines::LONGEST);
        });
        lines.end(&mut |line| found.push((line.text.len(), line.too_long)));
        assert_eq!(found, [(1, false), (0, true), (1, false)]);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(bytes in proptest::collection::vec(any::<u8>(), 0..700), piece in 1_usize..300) {
            prop_assert_eq!(lines(&bytes, piece), lines(&bytes, 1000));
        }
    }
}
