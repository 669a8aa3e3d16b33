//! Passwords that are guessed first: the commonest ones, variations of these, and what everybody can see.

use std::collections::HashSet;

use super::Rule;

/// One a line, in lower case; lines with `#` tell where they come from.
const COMMON: &str = include_str!("common_passwords.txt");
/// Words that stand in every panel of this kind.
const PRODUCT: [&str; 5] = ["linecard", "administrator", "admin", "panel", "iptv"];
/// A password has to have so many letters and digits besides words that everybody can see.
const OWN: usize = 4;

/// Refuses a password that is guessed first. `words` are what everybody can see of whoever is to have it: username, e-mail
/// address, the operator's name.
///
/// # Errors
/// The rule that it breaks.
pub fn check(password: &str, words: &[&str]) -> Result<(), Rule> {
    let password = password.to_lowercase();
    if is_pattern(&password) {
        return Err("not the same few characters again and again, nor a row of them".into());
    }
    if is_common(&password) {
        return Err("not one of the commonest passwords, nor one of them with a few digits or signs".into());
    }
    if is_of_words(&password, words) {
        return Err(
            "not made of the own name, the e-mail address, or the product's or operator's name".into()
        );
    }
    Ok(())
}

/// `aaaaaaaa`, `12341234`, `abcdefgh`, `87654321`.
fn is_pattern(password: &str) -> bool {
    let chars: Vec<char> = password.chars().collect();
    let repeats = |unit: usize| chars.iter().zip(&chars[unit..]).all(|(one, next)| one == next);
    let steps = |by: i64| {
        let code = |c: &char| i64::from(u32::from(*c));
        chars.windows(2).all(|pair| code(&pair[1]) - code(&pair[0]) == by)
    };
    (1..=4.min(chars.len())).any(repeats) || steps(1) || steps(-1)
}

/// Whether it is on the list: as it is, with letters for digits that look like them, without a few signs around it, or twice.
fn is_common(password: &str) -> bool {
    let chars: Vec<char> = password.chars().collect();
    let mut candidates = HashSet::new();
    let mut add = |part: &[char]| {
        candidates.insert(part.iter().collect::<String>());
        candidates.insert(part.iter().map(|c| letter(*c)).collect());
    };
    for lead in 0..=2 {
        for trail in 0..=4 {
            let Some(end) = chars.len().checked_sub(trail).filter(|end| *end > lead) else { continue };
            if !chars[..lead].iter().chain(&chars[end..]).any(|c| c.is_alphabetic()) {
                add(&chars[lead..end]);
            }
        }
    }
    let (half, other) = chars.split_at(chars.len() / 2);
    if half == other {
        add(half);
    }
    COMMON.lines().any(|line| !line.starts_with('#') && candidates.contains(line))
}

/// The letter that a digit or sign stands for.
fn letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        c => c,
    }
}

/// Whether hardly anything is left of it without the words that everybody can see.
fn is_of_words(password: &str, words: &[&str]) -> bool {
    let parts = |text: &str| -> Vec<String> {
        let text = text.to_lowercase();
        let split = text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned);
        split.chain([text.chars().filter(|c| c.is_alphanumeric()).collect()]).collect()
    };
    let words = PRODUCT.iter().chain(words).flat_map(|word| parts(word));
    let mut words: Vec<String> = words.filter(|word| word.chars().count() >= 3).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let left = |text: String| {
        let mut text = text;
        let mut has_words = false;
        for word in &words {
            let backwards: String = word.chars().rev().collect();
            has_words |= text.contains(word.as_str()) || text.contains(&backwards);
            text = text.replace(word.as_str(), " ").replace(&backwards, " ");
        }
        let own = text.chars().filter(|c| c.is_alphabetic()).count();
        let digits = text.chars().filter(|c| c.is_numeric()).count();
        // A year says nothing.
        has_words && own < OWN && own + digits.saturating_sub(4) < OWN
    };
    left(password.to_owned()) || left(password.chars().map(letter).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: [&str; 3] = ["nina", "nina.reed@nordtv.example", "Nord TV"];

    #[test]
    fn what_is_guessed_first_is_refused() {
        for weak in [
            "password",
            "12345678",
            "linecard",
            "PASSWORD",
            "Password1",
            "p@ssw0rd",
            "P@ssw0rd1!",
            "password2026",
            "Iloveyou!",
            "qwerty123",
            "sunshine1",
            "aaaaaaaa",
            "abababab",
            "12341234",
            "abcdefgh",
            "87654321",
            "linecard1",
            "LineCard2026!",
            "admin123",
            "adminadmin",
            "admin@2026",
            "l1necard",
            "passwordpassword",
            "ninanina",
            "Nina2026",
            "nina.reed",
            "nordtv2026",
            "nordtv-nina",
            "dracenil",
            "!!football!!",
        ] {
            assert!(check(weak, &WORDS).is_err(), "{weak}");
        }
    }

    #[test]
    fn what_nobody_guesses_first_is_taken() {
        for good in [
            "panel-test-password",
            "another password",
            "my own password",
            "given-password",
            "nora sells lines",
            "ächtgros",
            "correct horse battery",
            "xK4mQ9vT",
            "nina loves the sea",
            "7g!Rp2zq",
        ] {
            assert_eq!(check(good, &WORDS), Ok(()), "{good}");
        }
    }

    #[test]
    fn the_list_holds_ten_thousand_of_8_characters_and_more() {
        let listed: Vec<&str> = COMMON.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(listed.len() >= 10_000);
        for common in &listed {
            assert!(common.chars().count() >= 8 && *common == common.to_lowercase(), "{common}");
        }
    }

    proptest! {
        #[test]
        fn no_password_panics(password in any::<String>(), word in any::<String>()) {
            let _ = check(&password, &[&word]);
        }
    }
}
