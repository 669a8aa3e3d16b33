//! The second factor: codes of an app (TOTP, RFC 6238), each good for a short while and once, and recovery codes for whoever
//! has lost the app.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::fields::time::UnixTime;

/// Seconds after which an app shows another code; most apps know no other number.
pub const STEP: i64 = 30;
/// So many steps before and after the present one count too: clocks differ.
const SKEW: i64 = 1;
/// Digits of a code.
const DIGITS: usize = 6;
/// What secrets are written in, as apps take them (base32): 5 bits each.
pub const SECRET_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Letters of a secret: 160 bits.
pub const SECRET_LENGTH: usize = 32;
/// What recovery codes are written in, without what looks alike.
pub const RECOVERY_LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Letters of a recovery code: 80 bits.
pub const RECOVERY_LENGTH: usize = 16;
/// So many recovery codes somebody gets.
pub const RECOVERY_CODES: usize = 10;
/// So many letters of it stand together.
const TOGETHER: usize = 4;

/// What somebody typed as a second factor.
#[derive(Clone, PartialEq, Eq)]
pub enum Code {
    /// Six digits of an app.
    App(u32),
    /// A recovery code, without the lines between its letters.
    Recovery(String),
}

impl Code {
    /// Reads what was typed, with blanks or lines in it or not; `None` for what can be neither.
    pub fn read(typed: &str) -> Option<Self> {
        let plain = typed.chars().filter(|c| !c.is_whitespace() && *c != '-').take(RECOVERY_LENGTH + 1);
        let plain: String = plain.flat_map(char::to_lowercase).collect();
        if plain.len() == DIGITS && plain.bytes().all(|byte| byte.is_ascii_digit()) {
            return plain.parse().ok().map(Self::App);
        }
        let is_recovery =
            plain.len() == RECOVERY_LENGTH && plain.bytes().all(|byte| RECOVERY_LETTERS.contains(&byte));
        is_recovery.then_some(Self::Recovery(plain))
    }
}

/// The step whose code that is, of those that count now; `used` is the step of the code that was used last, and none up to it
/// counts. `code_at` says the code of a step.
pub fn step_of(code: u32, now: UnixTime, used: i64, code_at: impl Fn(i64) -> u32) -> Option<i64> {
    let step = now.seconds().div_euclid(STEP);
    // One that was used while the clock was ahead bars nothing: else nobody could sign in until then.
    let used = if used > step + SKEW { i64::MIN } else { used };
    (step - SKEW..=step + SKEW).find(|step| *step > used && code_at(*step) == code)
}

/// The bytes of a secret, from its letters; `None` if it is none.
pub fn secret_bytes(letters: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(letters.len() * 5 / 8);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in letters.bytes() {
        let value = SECRET_LETTERS.iter().position(|known| *known == letter)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}

/// The address by which an app takes a secret, as its QR code says it.
pub fn app_address(issuer: &str, username: &str, secret: &str) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    // A colon parts the two.
    let (issuer, username) = (encoded(&issuer.replace(':', " ")), encoded(&username.replace(':', " ")));
    format!(
        "otpauth://totp/{issuer}:{username}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP}"
    )
}

/// A secret or a recovery code as people read it: in groups of four, with that between them.
pub fn in_groups(letters: &str, between: &str) -> String {
    let letters: Vec<char> = letters.chars().collect();
    letters.chunks(TOGETHER).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::clamped(seconds)
    }

    #[test]
    fn what_is_typed_is_a_code_of_an_app_or_a_recovery_code_or_neither() {
        assert!(Code::read(" 012 345 ") == Some(Code::App(12_345)));
        let recovery = Some(Code::Recovery("abcdefghjkmn2345".into()));
        assert!(
            Code::read("ABCD-efgh-jkmn-2345") == recovery && Code::read("abcd efgh jkmn 2345") == recovery
        );
        for bad in [
            "",
            "12345",
            "1234567",
            "abcd-efgh-jkmn-234",
            "abcd-efgh-jkmn-23451",
            "abcdefghjkmn234\u{df}",
            "١٢٣٤٥٦",
        ] {
            assert!(Code::read(bad).is_none(), "{bad}");
        }
        assert!(Code::read(&"a".repeat(1_000_000)).is_none());
    }

    #[test]
    fn a_code_counts_a_step_before_and_after_its_own_and_none_up_to_the_one_used_last() {
        let code_at = |step: i64| u32::try_from(step).unwrap();
        let found = |code, now, used| step_of(code, at(now), used, code_at);
        for (code, now, step) in [
            (10, 300, Some(10)),
            (10, 329, Some(10)),
            (10, 270, Some(10)),
            (10, 359, Some(10)),
            (10, 269, None),
            (10, 360, None),
        ] {
            assert_eq!(found(code, now, -1), step, "{code} at {now}");
        }
        assert_eq!((found(10, 300, 10), found(11, 300, 10), found(9, 300, 10)), (None, Some(11), None));
        assert_eq!(found(10, 300, 11), None);
        assert_eq!(found(10, 300, 1_000_000), Some(10), "the clock was ahead");
    }

    #[test]
    fn a_secret_is_base32_as_apps_read_it() {
        // RFC 4648, with the padding left out.
        for (letters, bytes) in [("MZXW6YTB", &b"fooba"[..]), ("MZXW6YTBOI", b"foobar"), ("", b"")] {
            assert_eq!(secret_bytes(letters).unwrap(), bytes);
        }
        assert_eq!(secret_bytes(&"A".repeat(SECRET_LENGTH)).unwrap().len(), 20);
        assert!(secret_bytes("MZXW0").is_none() && secret_bytes("mzxw").is_none());
        assert_eq!(
            app_address("Nord: TV", "a&b", "ABC"),
            "otpauth://totp/Nord%20%20TV:a%26b?secret=ABC&issuer=Nord%20%20TV&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(in_groups("abcdefghij", "-"), "abcd-efgh-ij");
    }
}
