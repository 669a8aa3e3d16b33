//! The line of `#EXTINF`: a duration, attributes, a comma, the name; and what people make of it.

use std::borrow::Cow;

/// Attributes that are known without quotes around their value, too.
const KNOWN: [&str; 17] = [
    "tvg-id",
    "tvg-name",
    "tvg-logo",
    "tvg-chno",
    "tvg-chnum",
    "tvh-chnum",
    "ch-number",
    "channel-number",
    "channel-id",
    "group-title",
    "tvg-group",
    "logo",
    "radio",
    "catchup",
    "tvg-shift",
    "tvg-language",
    "tvg-country",
];

/// What stands on the line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Info<'l> {
    /// Names and values, in their order; the names as they are written.
    pub attributes: Vec<(&'l str, Cow<'l, str>)>,
    /// What follows the comma; what stands without one and is no attribute.
    pub name: Cow<'l, str>,
    /// It looks as those of channels do, not as those of the segments of one stream: endless, or with attributes.
    pub is_channel: bool,
    /// A quotation mark was not closed.
    pub unclosed: bool,
}

/// Reads what follows `#EXTINF:`.
pub fn read(text: &str) -> Info<'_> {
    let mut info = Info::default();
    let text = text.trim();
    let duration = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
    let (duration, rest) = text.split_at(duration);
    info.is_channel = duration.parse::<f64>().is_ok_and(|seconds| seconds <= 0.0);
    let name = info.attributes_of(rest);
    // Some write the attributes behind the name.
    let behind = name.char_indices().find(|(at, letter)| {
        let after = &name[at + letter.len_utf8()..];
        let after = if *letter == ',' { after.trim_start() } else { after };
        (letter.is_whitespace() || *letter == ',') && attribute(after).is_some_and(|it| it.is_sure())
    });
    let name = match behind {
        Some((at, _)) => {
            let _ = info.attributes_of(&name[at..]);
            name[..at].trim_end_matches(|c: char| c == ',' || c.is_whitespace())
        }
        None => name,
    };
    info.name = unescaped(name.trim(), '"');
    info.is_channel |= !info.attributes.is_empty();
    info
}

/// `key =`, and what follows the blanks behind that.
struct Attribute<'l> {
    key: &'l str,
    value: &'l str,
    /// Whether blanks stand before the value.
    apart: bool,
}

impl Attribute<'_> {
    /// Whether it can be nothing else, wherever it stands.
    fn is_sure(&self) -> bool {
        self.value.starts_with(['"', '\'', '“'])
            || KNOWN.iter().any(|known| self.key.eq_ignore_ascii_case(known))
    }
}

fn attribute(text: &str) -> Option<Attribute<'_>> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))?;
    let (key, rest) = text.split_at(end);
    if !key.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let rest = rest.trim_start().strip_prefix('=')?;
    let value = rest.trim_start();
    Some(Attribute { key, value, apart: value.len() < rest.len() })
}

impl<'l> Info<'l> {
    /// The most attributes of a line; more of them are none.
    const MOST: usize = 64;

    /// Takes the attributes; what is left is the name.
    fn attributes_of(&mut self, text: &'l str) -> &'l str {
        let mut rest = text;
        // Where a text that belongs to no attribute begins.
        let mut words = None;
        // Where the last value without quotes begins: what follows it may belong to it.
        let mut bare = None;
        loop {
            rest = rest.trim_start();
            // Some write a semicolon between attributes.
            if let Some(after) = rest.strip_prefix(';')
                && attribute(after.trim_start()).is_some_and(|it| it.is_sure())
            {
                rest = after;
                continue;
            }
            if let Some(after) = rest.strip_prefix(',') {
                if self.has_room() && attribute(after.trim_start()).is_some_and(|it| it.is_sure()) {
                    rest = after;
                    continue;
                }
                if let (Some(begin), Some((_, value))) = (bare, self.attributes.last_mut())
                    && let Some(more) = more_of_bare(value, after)
                {
                    rest = &after[more..];
                    *value = text[begin..text.len() - rest.len()].into();
                    continue;
                }
                return after;
            }
            if rest.is_empty() {
                return words.map_or("", |begin| &text[begin..]);
            }
            if self.has_room()
                && let Some(found) = attribute(rest)
            {
                words = None;
                let quote = found.value.chars().next().filter(|c| matches!(c, '"' | '\'' | '“'));
                let (value, following) = match quote {
                    Some(quote) => {
                        self.quoted(&found.value[quote.len_utf8()..], if quote == '“' { '”' } else { quote })
                    }
                    // `tvg-id= tvg-logo="x"`: nothing.
                    None if found.apart && attribute(found.value).is_some() => ("".into(), found.value),
                    None => {
                        let (value, following) = word(found.value);
                        (value.into(), following)
                    }
                };
                bare = quote.is_none().then_some(text.len() - found.value.len());
                self.attributes.push((found.key, value));
                rest = following;
                continue;
            }
            let begin = text.len() - rest.len();
            rest = word(rest).1;
            match (bare, self.attributes.last_mut()) {
                // `group-title=Sport TV tvg-id=7`
                (Some(begin), Some((_, value))) => *value = text[begin..text.len() - rest.len()].into(),
                _ => words = words.or(Some(begin)),
            }
        }
    }

    fn has_room(&self) -> bool {
        self.attributes.len() < Self::MOST
    }

    /// The value up to the quotation mark that closes it: one before a comma, an attribute or the end, and without a
    /// backslash, unless no other one closes it (`"C:\"`). Where there is none, up to the next attribute, the first mark
    /// or the first comma.
    fn quoted(&mut self, text: &'l str, quote: char) -> (Cow<'l, str>, &'l str) {
        let mut escaped = false;
        let mut backslashes = 0;
        // The first mark that closes nothing; the only one with a backslash, if it could close.
        let (mut first, mut alone) = (None, None);
        let cut = |(end, after): (usize, &'l str)| (unescaped(&text[..end], quote), after);
        for (at, letter) in text.char_indices() {
            let after = &text[at + letter.len_utf8()..];
            if letter == quote {
                let next = after.trim_start();
                let closes = next.is_empty() || next.starts_with([',', ';']) || attribute(next).is_some();
                match (escaped, closes) {
                    (true, _) => {
                        backslashes += 1;
                        alone = (closes && backslashes == 1).then_some((at, after));
                    }
                    // Who writes a backslash before a mark inside writes it before each.
                    (false, true) => return cut(alone.filter(|_| first.is_some()).unwrap_or((at, after))),
                    (false, false) => first = first.or(Some((at, after))),
                }
            } else if letter.is_whitespace() && attribute(after).is_some_and(|it| it.value.starts_with(quote))
            {
                self.unclosed |= alone.is_none();
                return cut(alone.or(first).unwrap_or((at, after)));
            }
            escaped = letter == '\\' && !escaped;
        }
        if let Some(found) = alone.or(first) {
            return cut(found);
        }
        self.unclosed = true;
        let end = text.find(',').unwrap_or(text.len());
        (unescaped(&text[..end], quote), &text[end..])
    }
}

/// How much of what follows a comma still belongs to a value without quotes: the rest of the address of a picture, or
/// what stands before a further attribute that itself has the name behind it (`logo=http://l/a,b.png group-title=G,N`).
fn more_of_bare(value: &str, after: &str) -> Option<usize> {
    let piece = word(after).0;
    if value.contains("://") && !is_picture(value) && is_picture(piece) {
        return Some(piece.len());
    }
    let blanks = after.char_indices().filter(|(_, letter)| letter.is_whitespace());
    let before = |at: &usize| attribute(after[*at..].trim_start()).is_some_and(|it| it.is_sure());
    blanks.map(|(at, _)| at).find(before).filter(|at| has_comma(&after[*at..]))
}

fn is_picture(address: &str) -> bool {
    let path = address.split('?').next().unwrap_or_default().to_ascii_lowercase();
    [".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp", ".ico"].iter().any(|end| path.ends_with(end))
}

/// Whether a comma stands outside of quotation marks.
fn has_comma(text: &str) -> bool {
    text.split('"').step_by(2).any(|outside| outside.contains(','))
}

/// Up to a blank or comma, and what follows.
fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| c.is_whitespace() || c == ',').unwrap_or(text.len()))
}

fn unescaped(text: &str, quote: char) -> Cow<'_, str> {
    let written = format!("\\{quote}");
    if text.contains(&written) { text.replace(&written, &quote.to_string()).into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> String {
        let info = read(text);
        let attributes: Vec<String> =
            info.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{}|{}", attributes.join("|"), info.name)
    }

    #[test]
    fn lines_are_read_as_people_write_them() {
        for (line, read) in [
            (r#"-1 tvg-id="a" group-title="News, local",Name"#, "tvg-id=a|group-title=News, local|Name"),
            (r#"-1 group-title="C04",Canal Uno, HD"#, "group-title=C04|Canal Uno, HD"),
            (r#"-1 group-title="C04" , Canal Uno, HD"#, "group-title=C04|Canal Uno, HD"),
            (r#"-1 tvg-name="A, B" group-title="C, D""#, "tvg-name=A, B|group-title=C, D|"),
            (
                "-1 tvg-id='a' tvg-name='It's \"x\"' group-title='G',N",
                "tvg-id=a|tvg-name=It's \"x\"|group-title=G|N",
            ),
            (r#"-1 tvg-id = "a"  group-title= "G" ,N"#, "tvg-id=a|group-title=G|N"),
            (r#"-1 tvg-name="The \"best\" show" tvg-id="a",N"#, r#"tvg-name=The "best" show|tvg-id=a|N"#),
            (r#"-1 tvg-name="The "best" show" tvg-id="a",N"#, r#"tvg-name=The "best" show|tvg-id=a|N"#),
            (
                r#"-1 tvg-id="a tvg-logo="http://l/1.png" group-title="G",N"#,
                "tvg-id=a|tvg-logo=http://l/1.png|group-title=G|N",
            ),
            (r#"-1 tvg-id="a" group-title="G,N"#, "tvg-id=a|group-title=G|N"),
            (r#"-1 tvg-id="a" group-title="G,N, HD"#, "tvg-id=a|group-title=G|N, HD"),
            (r#"-1 tvg-id="a"group-title="G",N"#, "tvg-id=a|group-title=G|N"),
            (r#"-1 tvg-id="a" HD tvg-logo="l",N"#, "tvg-id=a|tvg-logo=l|N"),
            (r#"-1 tvg-id="a" HD,N"#, "tvg-id=a|N"),
            ("-1 group-title=News tvg-id=a,B", "group-title=News|tvg-id=a|B"),
            ("-1 group-title=Sport TV tvg-id=a,B", "group-title=Sport TV|tvg-id=a|B"),
            (r#"-1 tvg-id= tvg-logo="" group-title="G",N"#, "tvg-id=|tvg-logo=|group-title=G|N"),
            (r#"-1,tvg-id="a", group-title="G", N"#, "tvg-id=a|group-title=G|N"),
            (r#"-1,Name tvg-id="a" group-title="G""#, "tvg-id=a|group-title=G|Name"),
            (r#"-1,Name, tvg-id="x""#, "tvg-id=x|Name"),
            (r#"-1,Name, HD,tvg-id='x' , group-title="G, H""#, "tvg-id=x|group-title=G, H|Name, HD"),
            ("-1 tvg-logo=\"l\",Name ,tvg-id=x", "tvg-logo=l|tvg-id=x|Name"),
            ("-1,Formula a = b, c", "|Formula a = b, c"),
            ("-1 3sat HD", "|3sat HD"),
            ("-1", "|"),
            ("", "|"),
            (",N", "|N"),
            ("0,The \"best\" one", "|The \"best\" one"),
            ("-1 tvg-name=“Ä, B” group-title=“G”,N", "tvg-name=Ä, B|group-title=G|N"),
            ("-1\ttvg-id=\"a\"\tgroup-title=\"G\",N", "tvg-id=a|group-title=G|N"),
            ("-1 group-title=Foo Bar,Unq", "group-title=Foo Bar|Unq"),
            ("-1 group-title=Foo Bar, Unq, HD", "group-title=Foo Bar|Unq, HD"),
            ("-1 tvg-logo=http://l/a,b.png,N", "tvg-logo=http://l/a,b.png|N"),
            ("-1 tvg-logo=http://l/a,b.png group-title=G,N", "tvg-logo=http://l/a,b.png|group-title=G|N"),
            ("-1 tvg-logo=http://l/a.png,b.png", "tvg-logo=http://l/a.png|b.png"),
            ("-1 group-title=News, local tvg-id=a,N", "group-title=News, local|tvg-id=a|N"),
            (r#"-1 tvg-id=a,Name, HD group-title="x, y""#, "tvg-id=a|group-title=x, y|Name, HD"),
            (r#"-1 group-title="C:\",N"#, r"group-title=C:\|N"),
            (r#"-1 group-title="C:\" tvg-id="a",N"#, r"group-title=C:\|tvg-id=a|N"),
            (r#"-1 group-title="C:\",The "best""#, r#"group-title=C:\|The "best""#),
            (r#"-1 tvg-name="say \"hi\"",N"#, r#"tvg-name=say "hi"|N"#),
            (r#"-1 tvg-name="say \"hi\", he said" tvg-id="a",N"#, r#"tvg-name=say "hi", he said|tvg-id=a|N"#),
            (
                r#"-1 group-title="The \"Best\" Of, All",Escaped \"Four\""#,
                r#"group-title=The "Best" Of, All|Escaped "Four""#,
            ),
            (r#"-1;tvg-id="s1";group-title="Semi",Semi One"#, "tvg-id=s1|group-title=Semi|Semi One"),
            (
                r#"-1 tvg-id="s2"; group-title='Semi' ;tvg-chno=7,Semi; Two"#,
                "tvg-id=s2|group-title=Semi|tvg-chno=7|Semi; Two",
            ),
            ("-1tvg-id=a group-title='G',N", "tvg-id=a|group-title=G|N"),
        ] {
            assert_eq!(shown(line), read, "{line}");
        }
    }

    #[test]
    fn channels_are_told_from_segments() {
        for (line, is_channel) in
            [("-1,A", true), ("0,A", true), ("9.009,", false), ("10 tvg-id=\"a\",A", true), ("120,A", false)]
        {
            assert_eq!(read(line).is_channel, is_channel, "{line}");
        }
        assert!(read("-1 group-title=\"G,N").unclosed && !read("-1 group-title=\"G\",N").unclosed);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(parts in proptest::collection::vec(
            prop_oneof![Just("tvg-id"), Just("\""), Just("'"), Just("\\"), Just(","), Just("="), Just(" "), Just("é"), Just("“"), Just("x")], 0..60)) {
            let _ = read(&parts.concat());
        }
    }
}
