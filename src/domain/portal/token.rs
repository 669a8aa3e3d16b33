//! Tokens of boxes: which texts can be one.

use std::collections::BTreeSet;

use md5::{Digest as _, Md5};

use crate::domain::fields::mac::Mac;

/// This many hexadecimal digits; a handshake gives 32.
const LENGTH: std::ops::RangeInclusive<usize> = 16..=128;
/// Random ones have this many different digits: one in a hundred thousand of 16 digits has fewer.
const DIFFERENT: usize = 6;
/// What boxes and apps make digests of where they have no token.
const WORDS: [&str; 12] =
    ["", "0", "1", "null", "undefined", "none", "token", "stb", "mag", "admin", "test", "00:00:00:00:00:00"];

/// Whether a text can be the token of a box with that MAC. One that anybody can guess is none: words that are written where
/// there is no token, runs and repetitions, the MAC, and digests of that or of nothing.
pub fn is_token(text: &str, mac: Option<Mac>) -> bool {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let Some(digits) = digits.filter(|digits| LENGTH.contains(&digits.len())) else { return false };
    let different: BTreeSet<u32> = digits.iter().copied().collect();
    let numerals = digits.iter().filter(|digit| **digit < 10).count();
    let steps = digits.windows(2).filter(|two| matches!((two[1] + 16 - two[0]) % 16, 0 | 1 | 15)).count();
    different.len() >= DIFFERENT
        && (1..digits.len()).contains(&numerals)
        && steps * 2 < digits.len()
        && !repeats(&digits)
        && !is_made_of(&text.to_ascii_lowercase(), mac)
}

/// Whether it is one part, of half its length or less, again and again.
fn repeats(digits: &[u32]) -> bool {
    (1..=digits.len() / 2).any(|part| digits.iter().zip(&digits[part..]).all(|(one, next)| one == next))
}

fn is_made_of(text: &str, mac: Option<Mac>) -> bool {
    let spellings = mac.map(|mac| {
        let whole = mac.to_string();
        [":", "-", ""].map(|between| whole.replace(':', between))
    });
    let spellings = spellings.unwrap_or_default();
    let bare = spellings[2].to_ascii_lowercase();
    let reversed: String = bare.chars().rev().collect();
    let written = spellings.iter().flat_map(|text| [text.clone(), text.to_ascii_lowercase()]);
    let mut words = WORDS.map(str::to_owned).into_iter().chain(written);
    let is_digest = |word: String| text == format!("{:x}", Md5::digest(word.as_bytes()));
    (!bare.is_empty() && (text.contains(&bare) || text.contains(&reversed))) || words.any(is_digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anybody_can_guess_is_no_token() {
        let mac = Mac::new("00:1A:79:4B:C2:01").ok();
        for text in [
            "00:1A:79:4B:C2:01",
            "001a794bc201",
            "001A794BC201001A794BC201",
            "fe3c001a794bc201",
            "d41d8cd98f00b204e9800998ecf8427e",
            "undefinedundefined",
            "null,null",
            "[object%20Object]",
            "Bearer%20null",
            "AAAAAAAAAAAAAAAA",
            "12345678",
            "1234567890123456",
            "0123456789abcdef",
            "fedcba9876543210",
            "a1b2c3d4a1b2c3d4",
            "deadbeefdeadbeef",
            "0000000000000001",
            "%00%00%00%00%00%00%00%00",
            "9f86d081884c7d65 ",
            "",
        ] {
            assert!(!is_token(text, mac), "{text}");
        }
        let digest = format!("{:X}", Md5::digest(b"00:1a:79:4b:c2:01"));
        assert!(!is_token(&digest, mac) && is_token(&digest, None));
        for text in
            ["9F86D081884C7D65", "8C2A51F0D37B4E6990A1BC2D3E4F5061", "5eb63bbbe01eeed093cb22bb8f5acdc3"]
        {
            assert!(is_token(text, mac), "{text}");
        }
    }
}
