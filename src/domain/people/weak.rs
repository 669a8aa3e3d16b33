//! Passwords that are guessed first: the commonest ones, variations of these, and what everybody can see.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

use crate::domain::Rule;

/// One a line, in lower case; lines with `#` tell where they come from.
const COMMON: &str = include_str!("common_passwords.txt");
/// Words of the product and its trade, which stand in every panel of this kind.
const TRADE: [&str; 38] = [
    "linecard",
    "administrator",
    "admin",
    "panel",
    "iptv",
    "xtream",
    "reseller",
    "subscriber",
    "subscription",
    "customer",
    "client",
    "viewer",
    "operator",
    "manager",
    "support",
    "user",
    "root",
    "login",
    "line",
    "live",
    "stream",
    "channel",
    "category",
    "bouquet",
    "playlist",
    "player",
    "portal",
    "server",
    "television",
    "credit",
    "group",
    "billing",
    "localhost",
    "codes",
    "super",
    "secret",
    "love",
    "ever",
];
/// "Password" in the languages of operators, and the keys of a Cyrillic keyboard in their order.
const ELSEWHERE: [&str; 16] = [
    "пароль",
    "йцукен",
    "contraseña",
    "senha",
    "passwort",
    "kennwort",
    "motdepasse",
    "parola",
    "şifre",
    "hasło",
    "wachtwoord",
    "lösenord",
    "salasana",
    "jelszó",
    "κωδικός",
    "سرية",
];
/// A password has to have this many letters and digits besides words that everybody can see.
const OWN: usize = 4;
/// What stands before the digits of this many common passwords is a word of its own, if it has this many letters.
const STEMS: (usize, usize) = (3, 5);
/// A name that is shorter is in many passwords by chance: it counts if no other letters are there.
const SHORT: usize = 3;
/// Words are looked for in this many characters of a password.
const MOST_SEARCHED: usize = 100;

/// Refuses a password that is guessed first. `words` are what everybody can see of whoever is to have it: username, e-mail
/// address, the names of its group, its reseller and the operator.
///
/// # Errors
/// The rule that it breaks.
pub fn check(password: &str, words: &[&str]) -> Result<(), Rule> {
    let password = folded(password);
    let dense = dense(&password);
    if is_pattern(&password) || is_pattern(&dense) {
        return Err("not a few characters repeated, nor a sequence of them".into());
    }
    if is_date(&dense) {
        return Err("not a date".into());
    }
    // A sign may stand for a letter, or between letters.
    let signs_as_letters: String = password.chars().filter(|c| letter(*c, 'i').is_alphanumeric()).collect();
    if is_common(&[&password, &dense, &signs_as_letters]) {
        return Err("not one of the most common passwords, nor one of them with a few digits or signs".into());
    }
    if is_of_words(&password, words) {
        return Err("not made of words of the trade, the administrator's own name or e-mail address, or the name of the group, the \
                    reseller or the operator"
            .into());
    }
    let common = common_words(&password);
    if !common.is_empty() && is_of_words(&password, &[words, &common].concat()) {
        return Err(
            "not common passwords and words like these in a row: something of its own has to stand in it"
                .into(),
        );
    }
    Ok(())
}

/// What is common by itself: every line of the list, and words that people put digits to.
static KNOWN: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let lines = || COMMON.lines().filter(|line| !line.starts_with('#'));
    let mut stems: HashMap<&str, usize> = HashMap::new();
    for line in lines() {
        let stem = line.trim_end_matches(|c: char| c.is_ascii_digit());
        if stem.len() < line.len() {
            *stems.entry(stem).or_default() += 1;
        }
    }
    let stems = stems.into_iter().filter(|(stem, lines)| *lines >= STEMS.0 && stem.len() >= STEMS.1);
    lines().chain(stems.map(|(stem, _)| stem)).collect()
});

/// Those that stand in a password, also with digits for letters. More of it than anybody types is not searched.
fn common_words(password: &str) -> Vec<&'static str> {
    let start: String = password.chars().take(MOST_SEARCHED).collect();
    let read = |one| dense(&start.chars().map(|c| letter(c, one)).collect::<String>());
    let forms = [dense(&start), read('i'), read('l')];
    KNOWN.iter().copied().filter(|word| forms.iter().any(|form| form.contains(word))).collect()
}

/// In lower case, without accents and other forms of the same characters: full width, mathematical, in circles.
fn folded(text: &str) -> String {
    let apart = DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let bare: String = apart.chars().filter(|c| !is_accent(*c)).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&bare).to_lowercase()
}

/// Whether it is written above, below or through the character before it (the Unicode blocks of combining marks).
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36F}' | '\u{483}'..='\u{489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}' | '\u{FE20}'..='\u{FE2F}')
}

/// Its letters and digits alone.
fn dense(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// `aaaaaaaa`, `12341234`, `abcdefgh`, `87654321`. Less than four characters are none.
fn is_pattern(password: &str) -> bool {
    let chars: Vec<char> = password.chars().collect();
    let repeats = |unit: usize| chars.iter().zip(&chars[unit..]).all(|(one, next)| one == next);
    let steps = |by: i64| {
        let code = |c: &char| i64::from(u32::from(*c));
        chars.windows(2).all(|pair| code(&pair[1]) - code(&pair[0]) == by)
    };
    chars.len() >= 4 && ((1..=4.min(chars.len() / 2)).any(repeats) || steps(1) || steps(-1))
}

/// `19900131` or `31011990`, of this century or the last.
fn is_date(digits: &str) -> bool {
    let read = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse::<u16>().ok());
    let is_one = |year, month, day| {
        let within =
            |part, bounds: std::ops::RangeInclusive<u16>| read(part).is_some_and(|it| bounds.contains(&it));
        within(year, 1900..=2099) && within(month, 1..=12) && within(day, 1..=31)
    };
    digits.len() == 8
        && digits.bytes().all(|digit| digit.is_ascii_digit())
        && (is_one(0..4, 4..6, 6..8) || is_one(4..8, 2..4, 0..2))
}

/// Whether it is on the list, there perhaps with other digits at the end: as it is, with letters for digits that look like
/// them, without a few signs around it, or twice.
fn is_common(forms: &[&str]) -> bool {
    let mut candidates = HashSet::new();
    let mut add = |part: &[char]| {
        candidates.insert(part.iter().collect::<String>());
        candidates.extend(LETTERS_OF_ONE.map(|one| part.iter().map(|c| letter(*c, one)).collect()));
    };
    for form in forms {
        let chars: Vec<char> = form.chars().collect();
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
    }
    COMMON.lines().filter(|line| !line.starts_with('#')).any(|line| {
        let stem = line.trim_end_matches(|c: char| c.is_ascii_digit());
        candidates.contains(line) || stem.len() >= OWN && stem.len() < line.len() && candidates.contains(stem)
    })
}

/// What a 1 stands for.
const LETTERS_OF_ONE: [char; 2] = ['i', 'l'];

/// The letter that a digit or sign stands for; `one` is that of a 1.
fn letter(c: char, one: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => one,
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
        let text = folded(text);
        let split = text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned);
        split.chain([dense(&text)]).filter(|part| !part.is_empty()).collect()
    };
    let mut words: Vec<String> =
        TRADE.iter().chain(&ELSEWHERE).chain(words).flat_map(|word| parts(word)).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
    let long = words.partition_point(|word| word.chars().count() >= SHORT);
    let is_left_over = |text: &str| {
        is_of(text, &words[..long], |letters| letters < OWN) || is_of(text, &words, |letters| letters == 0)
    };
    let read = |one| dense(&password.chars().map(|c| letter(c, one)).collect::<String>());
    is_left_over(&dense(password)) || LETTERS_OF_ONE.iter().any(|one| is_left_over(&read(*one)))
}

/// Whether those words are in it, forwards or backwards, and besides them only `few` letters and no more digits than a year
/// and little else has.
fn is_of(text: &str, words: &[String], few: impl Fn(usize) -> bool) -> bool {
    let mut rest = text.to_owned();
    for word in words {
        let backwards: String = word.chars().rev().collect();
        rest = rest.replace(word.as_str(), " ").replace(&backwards, " ");
    }
    let letters = rest.chars().filter(|c| c.is_alphabetic()).count();
    // A sequence of them says nothing.
    let runs = rest.split(|c: char| !c.is_numeric()).filter(|run| !is_pattern(run));
    let digits: usize = runs.map(|run| run.chars().count()).sum();
    // A year says nothing.
    rest != text && few(letters) && letters + digits.saturating_sub(4) < OWN
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: [&str; 6] =
        ["nina", "nina.reed@nordtv.example", "Nord TV", "Night Shift", "Ｚibbelnox TV", "bo"];

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
            "pässwörd1",
            "PASSWO\u{301}RD",
            "Пароль12",
            "йцукен2026",
            "Contraseña1",
            "mot-de-passe",
            "Şifre123",
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
            // The trade's words, and more than one.
            "reseller",
            "reseller1",
            "resellers",
            "rese11er",
            "streams1",
            "Str3ams!",
            "channels2026",
            "stream-users",
            // The group and the reseller.
            "zibbelnox",
            "Z1bbelnox!",
            "zibbel-nox-tv",
            "nightshift1",
            // The same characters in other forms.
            "ｐａｓｓｗｏｒｄ",
            "ＮＩＮＡ２０２６",
            "𝐩𝐚𝐬𝐬𝐰𝐨𝐫𝐝",
            "ⓩⓘⓑⓑⓔⓛⓝⓞⓧ",
            // With something in between.
            "pass word",
            "p.a.s.s.w.o.r.d",
            "p@ss-w0rd-1",
            "pass\u{200d}word",
            "1-2-3-4-5-6",
            "n-i-n-a-n-i-n-a",
            // Letters as digits, and digits.
            "drag0n123",
            "drag0n2026",
            "dragon-1987",
            // Words of two kinds, and more.
            "linecardpassword",
            "adminpassword1",
            "password-admin",
            "administratorpassword",
            "streampassword",
            "password-iptv-2026",
            "ninapassword",
            "nina12345678",
            "iloveyounina",
            "nina.reedpassword",
            "nightshift12345678",
            "nordtvqwerty",
            "Resellers-Password",
            "passwordqwerty",
            "dragonmonkey",
            "qwerty123456admin",
            "drag0n-Passw0rd-77",
            "monkey4321nina",
            // Dates.
            "19900101",
            "30112026",
            "1990-01-31",
            "xtreamcodes",
            "superuser",
            "supersecret",
            "billing1",
            "iptv4ever",
            "ilovelinecard",
            "localhost",
            // A short name.
            "bo123456",
            "Bo-2026-bo",
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
            "!#%&/()=",
            "-7-%-Q-/-",
            "bottled rain 4",
            "8351-bok-9274",
            "quiet-harbour-41",
            "shop-password",
            "long-enough",
            "password of the lighthouse",
            "dragon eats nina",
            "nina 83619407",
            "83619407",
            "19901301",
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
