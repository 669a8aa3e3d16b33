//! Characters of texts that nobody sees.

/// Whether a character breaks a line, cannot be seen, or turns the order of those around it: two names that look alike would
/// be two, and a list would show what is not there. What joins letters and emoji (U+200C, U+200D) and the marks of direction
/// (U+200E, U+200F) stay, which names in many scripts need. Tags (U+E0000 and what follows) do not: they carry whole texts
/// that nobody sees. What is hidden but for its neighbours is not hidden in a text.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{2065}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        // Fillers of Hangul; tags.
        || matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}')
        || matches!(c, '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// The first character of a text that is hidden, and does not belong to those beside it: the tags that make a flag of a black
/// one (England, Scotland, Wales), and what parts the last vowel from a Mongolian word.
pub(super) fn hidden_in(text: &str, allowed: &[char]) -> Option<char> {
    const BLACK_FLAG: char = '\u{1f3f4}';
    let mut before = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let after = rest.as_str();
        let joins = c == '\u{180e}' && before.is_some_and(is_mongolian) && after.starts_with(is_mongolian);
        if is_hidden(c) && !joins && !allowed.contains(&c) {
            return Some(c);
        }
        if c == BLACK_FLAG {
            rest = after[region(after)..].chars();
        }
        before = Some(c);
    }
    None
}

/// How many bytes at the beginning are the tags of a region: 3 to 6 small letters and digits, and their end (Unicode,
/// UTS 51, C.1). 0 if they are none.
fn region(text: &str) -> usize {
    let is_tag = |c: &char| matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let tags = text.chars().take_while(is_tag).take(7).count();
    let ends = text.chars().nth(tags) == Some('\u{e007f}');
    // Every tag takes four bytes.
    if (3..=6).contains(&tags) && ends { (tags + 1) * 4 } else { 0 }
}

fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1820}'..='\u{1878}' | '\u{1880}'..='\u{18aa}')
}

/// Whether a character of it can be seen: neither a space nor one that only works on those beside it.
pub fn can_be_seen(text: &str) -> bool {
    // Joiners, marks of direction, selectors of a variation, an empty pattern of Braille.
    let is_blank = |c| {
        matches!(c, '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}')
            || matches!(c, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
    };
    text.chars().any(|c| !c.is_whitespace() && !is_hidden(c) && !is_blank(c))
}
