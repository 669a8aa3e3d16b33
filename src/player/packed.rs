//! A gzip file put together from parts that were packed before, each by itself: they are packed once, however many
//! files they stand in.

use std::{io::Write as _, sync::Arc};

use actix_web::web::Bytes;
use flate2::{Compression, Crc, Decompress, FlushDecompress, write::DeflateEncoder};

/// What begins every gzip file: no name, no time, made anywhere.
pub const HEAD: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// The last block of the packed bytes: an empty one.
const LAST: [u8; 2] = [3, 0];

/// A part, which refers to nothing before it and ends on a byte.
#[derive(Clone)]
pub struct Part {
    /// Packed.
    pub bytes: Bytes,
    /// Of what was packed.
    crc: Arc<Crc>,
}

impl Part {
    /// Packs a text; an empty one takes no bytes.
    pub fn of(text: &str) -> Self {
        let mut crc = Crc::new();
        crc.update(text.as_bytes());
        if text.is_empty() {
            return Self { bytes: Bytes::new(), crc: crc.into() };
        }
        let mut encoder = DeflateEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
        // A vector takes whatever is written to it. What comes after the flush, when the encoder goes, belongs to no part.
        let _ = encoder.write_all(text.as_bytes()).and_then(|()| encoder.flush());
        let mut packed = std::mem::take(encoder.get_mut());
        packed.shrink_to_fit();
        Self { bytes: packed.into(), crc: crc.into() }
    }

    /// How many bytes it has unpacked, modulo 2^32.
    pub fn plain_length(&self) -> u32 {
        self.crc.amount()
    }

    /// Unpacked.
    pub fn plain(&self) -> Vec<u8> {
        let mut plain = Vec::with_capacity(self.plain_length() as usize);
        // It was packed here, and there is room for all of it.
        let _ = Decompress::new(false).decompress_vec(&self.bytes, &mut plain, FlushDecompress::Sync);
        plain
    }
}

/// What the end of a file says about all of its parts.
#[derive(Default)]
pub struct Sum(Crc);

impl Sum {
    /// One part more.
    pub fn add(&mut self, part: &Part) {
        self.0.combine(&part.crc);
    }

    /// What ends the file.
    pub fn end(&self) -> Vec<u8> {
        [&LAST[..], &self.0.sum().to_le_bytes(), &self.0.amount().to_le_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn parts_packed_apart_are_one_file_together() {
        let texts = ["<tv>\n".to_owned(), String::new(), "שלום & ".repeat(40_000), "</tv>".into()];
        let mut file = HEAD.to_vec();
        let mut sum = Sum::default();
        for text in &texts {
            let part = Part::of(text);
            assert_eq!(part.plain(), text.as_bytes());
            file.extend_from_slice(&part.bytes);
            sum.add(&part);
        }
        file.extend(sum.end());
        // As clients that stop after the first member read it.
        let mut plain = String::new();
        GzDecoder::new(&file[..]).read_to_string(&mut plain).unwrap();
        assert_eq!(plain, texts.concat());
        file[40] ^= 1;
        assert!(GzDecoder::new(&file[..]).read_to_string(&mut plain).is_err(), "the sum is looked at");
    }
}
