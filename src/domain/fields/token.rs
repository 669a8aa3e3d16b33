//! Tokens of lines: one text in place of username and password (docs/players.md).

use crate::domain::{Fact, Field, Kind, Rule, Written};

/// Stands for a line's username and password in the addresses of playlists and streams, so that
/// neither need be given away; 32 hexadecimal digits in lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LineToken(String);

impl LineToken {
    /// The token of 128 bits.
    pub fn of(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    /// Reads a token.
    ///
    /// # Errors
    /// The rule.
    pub fn new(text: &str) -> Result<Self, Rule> {
        if text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        {
            return Ok(Self(text.to_owned()));
        }
        Err("32 of 0-9 a-f".into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for LineToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Field for Option<LineToken> {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        LineToken::new(written.text()?).map(Some)
    }

    fn fact(&self) -> Fact {
        self.as_ref().map_or(Fact::None, |token| Fact::Secret(token.0.clone()))
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::None => Some(None),
            Fact::Text(text) => Some(Some(LineToken(text))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_32_hexadecimal_digits_and_does_not_show() {
        let token = LineToken::of(0xAB);
        assert_eq!(token.as_str(), "000000000000000000000000000000ab");
        assert_eq!(LineToken::new(token.as_str()), Ok(token.clone()));
        assert_eq!(format!("{token:?}"), "***");
        for bad in ["", "AB", "000000000000000000000000000000AB", "000000000000000000000000000000abc"] {
            assert!(LineToken::new(bad).is_err(), "{bad}");
        }
    }
}
