//! M3U channel lists as they are found: `#EXTINF` with attributes, then a URL. What is odd in one entry
//! never costs the others.

/// One channel of a list, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The line of its URL, from 1.
    pub line: usize,
    /// What it is called; out of the URL where the list does not say.
    pub name: String,
    /// Its group, if any.
    pub group: String,
    /// Its id in the programme guide, if any.
    pub guide_id: String,
    /// The URL of its picture, if any.
    pub logo: String,
    /// Its channel number, if any.
    pub number: String,
    /// Where it comes from.
    pub url: String,
}

/// Reads a list: UTF-8 with or without a byte order mark, else Windows-1252. Lines that are neither
/// known nor a URL's are passed over, and so is a missing `#EXTM3U`.
pub fn read(bytes: &[u8]) -> Vec<Entry> {
    let (text, _, broken) = encoding_rs::UTF_8.decode(bytes);
    let text = if broken { encoding_rs::WINDOWS_1252.decode(bytes).0 } else { text };
    let mut entries = Vec::new();
    let mut next = Entry::default();
    for (place, line) in text.split('\n').flat_map(|line| line.trim_end_matches('\r').split('\r')).enumerate()
    {
        let line = line.trim();
        if let Some(about) = directive(line, "#EXTINF:") {
            let group = std::mem::take(&mut next.group);
            next = described(about);
            if next.group.is_empty() {
                next.group = group;
            }
        } else if let Some(group) = directive(line, "#EXTGRP:") {
            if next.group.is_empty() {
                next.group = plain(group);
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            let mut entry = std::mem::take(&mut next);
            entry.line = place + 1;
            line.clone_into(&mut entry.url);
            if entry.name.is_empty() {
                entry.name = name_of(line);
            }
            entries.push(entry);
        }
    }
    entries
}

/// What follows the name of a directive, in any case.
fn directive<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (head, rest) = line.split_at_checked(name.len())?;
    head.eq_ignore_ascii_case(name).then_some(rest)
}

/// `-1 tvg-id="x" group-title="News, local",The name`
fn described(about: &str) -> Entry {
    let (attributes, name) = about.split_at(last_comma(about).unwrap_or(about.len()));
    let mut entry = Entry { name: plain(name.trim_start_matches(',')), ..Entry::default() };
    let mut other_name = String::new();
    for (key, value) in attributes_of(attributes) {
        let value = plain(value);
        match key.to_ascii_lowercase().as_str() {
            "tvg-id" => entry.guide_id = value,
            "tvg-logo" => entry.logo = value,
            "tvg-chno" => entry.number = value,
            "group-title" => entry.group = value,
            "tvg-name" => other_name = value,
            _ => {}
        }
    }
    if entry.name.is_empty() {
        entry.name = other_name;
    }
    entry
}

/// The last comma outside quotes; where quotes do not close, the last one of all.
fn last_comma(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut last = None;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => last = Some(at),
            _ => {}
        }
    }
    last.or_else(|| text.rfind(','))
}

/// `key="value"` and `key=value`, one after the other.
fn attributes_of(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        let key = before.rsplit(char::is_whitespace).next().unwrap_or_default();
        let (value, following) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        found.push((key, value));
        rest = following;
    }
    found
}

/// On one line, without control characters and without spaces around it.
fn plain(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join(" ")
}

/// The last part of the path, without its ending: never more of a URL, which may hold a password.
fn name_of(url: &str) -> String {
    let path = url.split(['?', '#', '|']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    plain(last.rsplit_once('.').map_or(last, |(stem, _)| stem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Entry {
        let entries = read(text.as_bytes());
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries.into_iter().next().unwrap()
    }

    #[test]
    fn an_entry_has_a_name_attributes_and_a_url() {
        let entry = one("#EXTM3U\n#EXTINF:-1 tvg-id=\"news.uk\" tvg-name=\"x\" tvg-logo=\"http://l/1.png\" \
                         TVG-CHNO=\"7\" group-title=\"News, local\",Harbour News\nhttp://h/1.ts\n");
        let told = [&entry.name, &entry.guide_id, &entry.logo, &entry.number, &entry.group, &entry.url];
        assert_eq!(told, ["Harbour News", "news.uk", "http://l/1.png", "7", "News, local", "http://h/1.ts"]);
        assert_eq!(entry.line, 3);
    }

    #[test]
    fn real_files_have_quirks() {
        for (text, name, group) in [
            ("\u{feff}#EXTM3U\r\n#EXTINF:0,A\r\n\r\nhttp://h/1\r\n", "A", ""),
            ("#extinf:-1 group-title=News tvg-id=a,B\rhttp://h/1", "B", "News"),
            ("#EXTINF:-1,C\n#EXTGRP:Films\n#EXTVLCOPT:http-user-agent=x\nhttp://h/1", "C", "Films"),
            ("#EXTGRP:Films\n#EXTINF:-1,D\nhttp://h/1", "D", "Films"),
            ("#EXTINF:-1 group-title=\"News\" ,E\n#EXTGRP:Films\nhttp://h/1", "E", "News"),
            ("#EXTINF:-1 tvg-name=\"F\",\nhttp://h/1", "F", ""),
            ("#EXTINF:-1 tvg-name=\"unclosed,G\nhttp://h/1", "G", ""),
            ("#EXTINF:-1,The \"best\" one\nhttp://h/1", "The \"best\" one", ""),
            ("#EXTINF:-1,  H \t I  \nhttp://h/1", "H I", ""),
            ("http://h/live/u/p/seven.m3u8?token=x", "seven", ""),
            ("#EXTINF:-1\nhttp://h/eight", "eight", ""),
        ] {
            let entry = one(text);
            assert_eq!((entry.name.as_str(), entry.group.as_str()), (name, group), "{text:?}");
        }
        let latin = [b"#EXTINF:-1,Caf\xe9 \x96 TV\nhttp://h/1".as_slice()].concat();
        assert_eq!(read(&latin)[0].name, "Café – TV");
        assert_eq!(read(b"#EXTM3U\n#EXTINF:-1,alone\n"), []);
        let two = read(b"#EXTGRP:One\n#EXTINF:-1,a\nhttp://h/1\n#EXTINF:-1,b\nhttp://h/2");
        assert_eq!((two[0].group.as_str(), two[1].group.as_str()), ("One", ""), "a group is its entry's own");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
            let _ = read(&bytes);
        }

        #[test]
        fn arbitrary_lists_give_an_entry_for_each_url(parts in proptest::collection::vec(
            prop_oneof![Just("#EXTINF:"), Just("\""), Just(","), Just("="), Just(" "), Just("é"), Just("x"), Just("\r")], 0..40)) {
            let list = format!("#EXTINF:{}\nhttp://h/1\n", parts.concat());
            prop_assert!(!read(list.as_bytes()).is_empty());
        }
    }
}
