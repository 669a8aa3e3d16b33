//! The codes that an app shows of a secret (HOTP, RFC 4226; with steps of time TOTP, RFC 6238): SHA-1 and six digits, as
//! apps take nothing else for granted.

use ring::hmac;

/// The code of a step.
pub fn code(secret: &[u8], step: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes.last().map_or(0, |last| last & 0x0f));
    let four = bytes.iter().skip(offset).take(4);
    (four.fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff) % 1_000_000
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn codes_are_those_of_the_standards() {
        // RFC 4226, appendix D; RFC 6238, appendix B, its last six digits.
        let secret = b"12345678901234567890";
        for (step, expected) in
            [(0, 755_224), (1, 287_082), (9, 520_489), (37_037_036, 81_804), (666_666_666, 353_130)]
        {
            assert_eq!(code(secret, step), expected, "{step}");
        }
    }
}
