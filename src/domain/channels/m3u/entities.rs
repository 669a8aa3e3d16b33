//! `&amp;` and its like, which stand in lists that came through a web page or an XML file.

use std::borrow::Cow;

/// Names of the letters from U+00A0 to U+00FF, in their order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 \
    acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig \
    Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash \
    Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml \
    igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn \
    yuml";

/// The text with them as the letters that they stand for; what is none stays as it is.
pub fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        found.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        if let Some((letter, end)) = end.and_then(|end| Some((letter(&rest[1..end])?, end))) {
            found.push(letter);
            rest = &rest[end + 1..];
        } else {
            found.push('&');
            rest = &rest[1..];
        }
    }
    found.push_str(rest);
    found.into()
}

fn letter(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']).map(|hex| u32::from_str_radix(hex, 16));
        return char::from_u32(hex.unwrap_or_else(|| number.parse()).ok()?);
    }
    match name {
        "amp" | "AMP" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "ndash" => Some('–'),
        "mdash" => Some('—'),
        "hellip" => Some('…'),
        "rsquo" => Some('’'),
        _ => ('\u{a0}'..='\u{ff}').zip(LATIN.split(' ')).find(|(_, known)| *known == name).map(|it| it.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_read_once_and_nothing_else_is() {
        for (text, read) in [
            ("Film &amp; Series", "Film & Series"),
            ("&quot;A&quot; &#39;B&#x27; &lt;C&gt;", "\"A\" 'B' <C>"),
            ("Caf&eacute;&nbsp;&Uuml;ber &yuml;", "Café\u{a0}Über ÿ"),
            ("&amp;amp;", "&amp;"),
            ("A&B;C &amp D & &; &#; &#xd800; &unknown;", "A&B;C &amp D & &; &#; &#xd800; &unknown;"),
            ("&é;&ééééééé;", "&é;&ééééééé;"),
        ] {
            assert_eq!(decoded(text), read);
        }
    }
}
