//! MAC addresses of set-top boxes.

use std::fmt;

use crate::domain::{Fact, Field, Kind, Rule, Written};

/// Six octets that name one device: not all zero, not multicast, not broadcast (docs/api.md, "mag").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mac([u8; 6]);

impl Mac {
    /// Reads six octets in hexadecimal: separated by `:` or `-` throughout, or bare; any case.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let octets =
            Self::octets(text.trim_ascii()).ok_or("six octets in hexadecimal, such as 00:1A:79:12:34:56")?;
        if octets == [0; 6] {
            return Err("not the all-zero address".into());
        }
        // The lowest bit of the first octet marks a group of stations (IEEE 802); broadcast has it too.
        if octets[0] & 1 == 1 {
            return Err("not a multicast or broadcast address".into());
        }
        Ok(Self(octets))
    }

    /// Whether it is of the maker of MAGs: 00:1A:79.
    pub fn is_of_mags(self) -> bool {
        self.0.starts_with(&[0x00, 0x1A, 0x79])
    }

    fn octets(text: &str) -> Option<[u8; 6]> {
        let digits: Vec<u8> = match text.len() {
            12 => text.bytes().collect(),
            17 => {
                let separator = *text.as_bytes().get(2)?;
                if !matches!(separator, b':' | b'-') {
                    return None;
                }
                let mut digits = Vec::with_capacity(12);
                for (place, byte) in text.bytes().enumerate() {
                    match place % 3 {
                        2 if byte != separator => return None,
                        2 => {}
                        _ => digits.push(byte),
                    }
                }
                digits
            }
            _ => return None,
        };
        let mut octets = [0; 6];
        for (octet, pair) in octets.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *octet = u8::try_from(high * 16 + low).ok()?;
        }
        Some(octets)
    }
}

/// Upper-case with colons: the one form that is stored and answered.
impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.0.map(|octet| format!("{octet:02X}"));
        f.write_str(&octets.join(":"))
    }
}

impl Field for Mac {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        Self::new(written.text()?)
    }

    fn fact(&self) -> Fact {
        Fact::Text(self.to_string())
    }

    fn stored(fact: Fact) -> Option<Self> {
        Self::new(&fact.into_text()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_spelling_of_an_address_is_the_same_address() {
        for text in
            ["00:1A:79:79:79:79", "00-1a-79-79-79-79", "001A79797979", "001a79797979", " 00:1a:79:79:79:79\n"]
        {
            assert_eq!(Mac::new(text).map(|mac| mac.to_string()), Ok("00:1A:79:79:79:79".into()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_device_is_refused() {
        let bad = [
            "",
            "00:1A:79:79:79",
            "00:1A:79:79:79:79:79",
            "00:1A-79:79:79:79",
            "00.1A.79.79.79.79",
            "0G:1A:79:79:79:79",
            "00 1A 79 79 79 79",
            "+0:1A:79:79:79:79",
            "00:00:00:00:00:00",
            "FF:FF:FF:FF:FF:FF",
            "01:00:5E:00:00:01",
            "éé:é:é:ééé",
            "０0:1A:79:79:79:79",
        ];
        for text in bad {
            assert!(Mac::new(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in ".{0,20}") {
            let _ = Mac::new(&text);
        }

        #[test]
        fn what_is_written_reads_back(octets in any::<[u8; 6]>()) {
            let mac = Mac([octets[0] & 0xFE, octets[1], octets[2], octets[3], octets[4], octets[5] | 1]);
            prop_assert_eq!(Mac::new(&mac.to_string()), Ok(mac));
        }
    }
}
