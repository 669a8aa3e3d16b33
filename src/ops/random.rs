//! Random texts from the operating system's generator.

use std::cell::RefCell;

use base64::{Engine, prelude::BASE64_STANDARD};
use rand::{TryRng, rngs::SysRng};

use crate::domain::{
    Error, Result,
    fields::{
        text::{LinePassword, NewPassword, Username},
        token::LineToken,
    },
    people::api_key::KeyText,
    portal::device::Pin,
};

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// This many letters and digits, each equally likely.
fn letters(count: usize) -> Result<String> {
    let mut text = String::with_capacity(count);
    let mut bytes = [0; 16];
    while text.len() < count {
        fill(&mut bytes)?;
        // 248 is the last multiple of 62 in a byte: what lies above would favour some letters.
        let usable = bytes.iter().filter(|byte| **byte < 248);
        text.extend(usable.map(|byte| char::from(LETTERS[usize::from(byte % 62)])).take(count - text.len()));
    }
    Ok(text)
}

thread_local! {
    /// What was read ahead: asking the system costs more than what is done with its bytes.
    static AHEAD: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// This many bytes at most are read at once.
const AT_ONCE: usize = 256;

/// Fills in bytes that nobody else gets.
fn fill(bytes: &mut [u8]) -> Result<()> {
    AHEAD.with_borrow_mut(|ahead| {
        if ahead.len() < bytes.len() {
            ahead.resize(AT_ONCE.max(bytes.len()), 0);
            SysRng.try_fill_bytes(ahead).map_err(|e| {
                ahead.clear();
                log::error!("the system's random generator: {e}");
                Error::Busy
            })?;
        }
        let rest = ahead.len() - bytes.len();
        bytes.copy_from_slice(&ahead[rest..]);
        // They may become a password: no copy stays behind.
        ahead[rest..].fill(0);
        ahead.truncate(rest);
        Ok(())
    })
}

/// A username of 10 characters (docs/api.md, `line/new`).
pub fn username() -> Result<Username> {
    Username::new(&letters(10)?).map_err(|rule| Error::invalid("username", rule))
}

/// A line's password of 10 characters (docs/api.md, `line/new`).
pub fn line_password() -> Result<LinePassword> {
    LinePassword::new(&letters(10)?).map_err(|rule| Error::invalid("password", rule))
}

pub fn line_token() -> Result<LineToken> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(LineToken::of(u128::from_ne_bytes(bytes)))
}

/// The token of an HLS session, 24 characters: 142 bits.
pub fn token() -> Result<String> {
    letters(24)
}

/// The secret of a webhook: 256 bits as base64.
pub fn secret() -> Result<String> {
    let mut bytes = [0; 32];
    fill(&mut bytes)?;
    Ok(BASE64_STANDARD.encode(bytes))
}

/// So many letters of an alphabet of 32, each equally likely: 5 bits each.
pub fn of_letters(alphabet: &[u8; 32], count: usize) -> Result<String> {
    let mut text = String::with_capacity(count);
    let mut bytes = [0; 32];
    while text.len() < count {
        fill(&mut bytes)?;
        let letters = bytes.iter().map(|byte| char::from(alphabet[usize::from(byte % 32)]));
        text.extend(letters.take(count - text.len()));
    }
    Ok(text)
}

/// A number from 0 to 1,000, so that not all try again at the same time.
pub fn luck() -> Result<i64> {
    let mut bytes = [0; 2];
    fill(&mut bytes)?;
    Ok(i64::from(u16::from_be_bytes(bytes)) * 1_000 / i64::from(u16::MAX))
}

/// This many hexadecimal digits in lower case.
pub fn hex(count: usize) -> Result<String> {
    let mut text = String::with_capacity(count + 1);
    let mut bytes = [0; 16];
    while text.len() < count {
        fill(&mut bytes)?;
        text.extend(bytes.iter().map(|byte| format!("{byte:02x}")));
    }
    text.truncate(count);
    Ok(text)
}

/// A parental PIN: each of 0001 to 9999 is equally likely.
pub fn pin() -> Result<Pin> {
    loop {
        let mut bytes = [0; 2];
        fill(&mut bytes)?;
        // What lies above the last multiple would favour some.
        let number = u16::from_be_bytes(bytes);
        if number < 6 * 9999 {
            return Pin::new(&format!("{:04}", number % 9999 + 1))
                .map_err(|rule| Error::invalid("parent_pin", rule));
        }
    }
}

/// An administrator's password of 16 characters.
pub fn password() -> Result<(NewPassword, String)> {
    let text = letters(16)?;
    let password = NewPassword::new(&text).map_err(|rule| Error::invalid("password", rule))?;
    Ok((password, text))
}

/// An API key of 40 characters: 238 bits.
pub fn api_key() -> Result<KeyText> {
    KeyText::new(&letters(40)?).map_err(|rule| Error::invalid("api_key", rule))
}
