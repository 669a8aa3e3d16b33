//! Names of channels, made comparable: `UK| BBC One HD (backup)` and `BBC ONE` are one channel.

use icu_normalizer::DecomposingNormalizer;

/// Words that say how a channel is sent, and not which it is.
const NOISE: [&str; 13] =
    ["hd", "fhd", "uhd", "sd", "4k", "8k", "hevc", "h265", "1080p", "720p", "tv", "channel", "raw"];

/// A name to compare by: lower case, without marks, what stands in brackets, a country before it, and words such as HD.
/// Digits and `+1` stay. Empty if nothing is left.
pub fn normalised(name: &str) -> String {
    let plain = unmarked(without_brackets(without_country(name)).as_str());
    let mut words = String::with_capacity(plain.len());
    for word in plain.split(|c: char| !c.is_alphanumeric() && c != '+') {
        let word = word.trim_end_matches('+');
        if word.is_empty() || NOISE.contains(&word) {
            continue;
        }
        if !words.is_empty() {
            words.push(' ');
        }
        words.push_str(word);
    }
    words
}

/// Lower case, full-width and other forms as the usual ones, accents off.
fn unmarked(name: &str) -> String {
    let is_mark =
        |c: &char| matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}');
    DecomposingNormalizer::new_nfkd()
        .normalize(name)
        .chars()
        .filter(|c| !is_mark(c))
        .collect::<String>()
        .to_lowercase()
}

/// Without a country in front: `UK|`, `PL:`, `DE -`, `|FR|`, `[US]` goes with the brackets.
fn without_country(name: &str) -> &str {
    let name = name.trim().trim_start_matches('|').trim_start();
    let letters = name.chars().take_while(char::is_ascii_alphabetic).count();
    let (country, rest) = name.split_at(letters);
    let rest = rest.trim_start();
    let has_end = rest.starts_with(['|', ':']) || rest.starts_with("- ") || rest.starts_with("\u{25cf}");
    if (2..=3).contains(&country.len()) && has_end {
        rest.trim_start_matches(['|', ':', '-', '\u{25cf}', ' '])
    } else {
        name
    }
}

/// Without what stands in brackets, but for a call sign: 3 to 5 capitals that begin with K, W, C or X.
fn without_brackets(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find(['(', '[']) {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        let close = if from.starts_with('(') { ')' } else { ']' };
        let Some((inside, after)) = from[1..].split_once(close) else { return kept };
        let is_sign = (3..=5).contains(&inside.len())
            && inside.bytes().all(|b| b.is_ascii_uppercase())
            && inside.starts_with(['K', 'W', 'C', 'X']);
        kept.push(' ');
        if is_sign {
            kept.push_str(inside);
            kept.push(' ');
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// The numbers in a normalised name, and whether it is an hour later: channels in which they differ are never one.
pub fn numbers(normalised: &str) -> Vec<&str> {
    normalised.split(|c: char| !c.is_ascii_digit() && c != '+').filter(|part| !part.is_empty()).collect()
}

/// How alike two normalised names are, from 0 to 100.
pub fn likeness(one: &str, other: &str) -> u8 {
    let longest = one.chars().count().max(other.chars().count());
    if longest == 0 {
        return 0;
    }
    let distance = strsim::levenshtein(one, other).min(longest);
    u8::try_from(100 * (longest - distance) / longest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_about_the_channel_is_left_out() {
        for (name, expected) in [
            ("BBC One HD", "bbc one"),
            ("UK| BBC One FHD", "bbc one"),
            ("PL: TVP 1", "tvp 1"),
            ("DE - Das Erste", "das erste"),
            ("|FR| TF1", "tf1"),
            ("[US] Fox [backup] (1080p)", "fox"),
            ("Télé Québec", "tele quebec"),
            ("Discovery Channel", "discovery"),
            ("ITV2 +1", "itv2 +1"),
            ("ITV2+1", "itv2+1"),
            ("ＢＢＣ　Ｔｗｏ", "bbc two"),
            ("CBS (WCBS) New York", "cbs wcbs new york"),
            ("News (LONDON)", "news"),
            ("Canal+", "canal"),
            ("Ελληνική", "ελληνικη"),
            ("HD", ""),
            ("", ""),
            ("(", ""),
            ("a (b", "a"),
        ] {
            assert_eq!(normalised(name), expected, "{name}");
        }
    }

    #[test]
    fn numbers_tell_channels_apart() {
        assert_ne!(numbers("sky sport 1"), numbers("sky sport 2"));
        assert_ne!(numbers("itv2 +1"), numbers("itv2"));
        assert_eq!(numbers("das erste"), Vec::<&str>::new());
    }

    #[test]
    fn likeness_is_a_hundred_for_the_same_and_nothing_for_strangers() {
        assert_eq!(likeness("bbc one", "bbc one"), 100);
        assert_eq!((likeness("abc", "xyz"), likeness("", "")), (0, 0));
        assert!(likeness("discovery science", "discovery scince") > 90);
    }
}
