//! M3U channel lists as they are found: `#EXTINF` with attributes, then a URL. What is odd in one entry
//! never costs the others, and is counted.

mod entities;
mod info;
mod lines;

use super::{oddities::Oddities, source_request::SourceRequest};
use crate::domain::Rule;
use lines::{Line, Lines};

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
    /// How its source is asked, as far as lines and attributes of their own say that.
    pub request: SourceRequest,
    /// Which program of a multiplex it is, if the list says so.
    pub program: String,
    /// The list says that it is another list.
    pub is_list: bool,
}

/// Reads a list that comes in pieces: plain UTF-8, with stray bytes of Windows-1252, or UTF-16. Lines that are neither
/// known nor an address are left out and told; a missing `#EXTM3U` is not missed.
#[derive(Default)]
pub struct Reader {
    lines: Lines,
    state: State,
}

#[derive(Default)]
struct State {
    next: Entry,
    /// An address on the line of `#EXTINF` itself.
    beside: Option<String>,
    /// The line of the `#EXTINF` that waits for its address.
    waits: Option<usize>,
    /// The group of every entry that has none of its own.
    heading: String,
    /// The entry before, until it is certain that nothing more belongs to it.
    last: Option<Entry>,
    options: Options,
    /// The first text that is neither a directive nor an address.
    text: Option<String>,
    begun: bool,
    has_entries: bool,
    has_channels: bool,
    /// The first directive that only the playlist of one stream has.
    of_one_stream: Option<(usize, String)>,
    refused: Option<Rule>,
    oddities: Oddities,
}

/// Where options stand that are not between an `#EXTINF` and its address.
#[derive(Default)]
struct Options {
    /// Before their `#EXTINF`: so they did before the first one.
    are_first: bool,
    /// The line of the first one between an address and the next `#EXTINF`.
    between: Option<usize>,
    /// A blank line follows the address.
    has_blank: bool,
}

impl Reader {
    /// Takes a piece, and hands over the entries that end in it.
    ///
    /// # Errors
    /// What it is, if that is no list.
    pub fn push(&mut self, bytes: &[u8], take: &mut dyn FnMut(Entry)) -> Result<(), Rule> {
        let state = &mut self.state;
        self.lines.push(bytes, &mut |line| state.line(&line, take));
        if self.lines.count() > MOST_LINES {
            return Err(format!("the list is over {MOST_LINES} lines: split it").into());
        }
        self.state.refused.clone().map_or(Ok(()), Err)
    }

    /// Hands over what is left, and says what was odd.
    ///
    /// # Errors
    /// As [`Reader::push`]: that it is the playlist of one stream shows at the end only.
    pub fn end(self, take: &mut dyn FnMut(Entry)) -> Result<Oddities, Rule> {
        let Self { lines, mut state } = self;
        lines.end(&mut |line| state.line(&line, take));
        state.close(take);
        if state.options.between.is_some() {
            state.options_of_last();
        }
        if let Some(last) = state.last.take() {
            take(last);
        }
        if let (false, None, Some(text)) = (state.has_entries, &state.of_one_stream, &state.text) {
            state.refused.get_or_insert_with(|| {
                format!("there is no channel in it: it is a text that begins with \"{text}\"").into()
            });
        }
        match (state.refused, state.of_one_stream) {
            (Some(rule), _) => Err(rule),
            (None, Some(_)) if !state.has_channels => Err(
                "this is the HLS playlist of one stream, not a channel list: create a stream with its address as the source"
                    .into(),
            ),
            (None, Some((line, name))) => {
                state.oddities.note(format!("{name} left out"), line);
                Ok(state.oddities)
            }
            (None, None) => Ok(state.oddities),
        }
    }
}

/// The most lines of a list.
const MOST_LINES: usize = 5_000_000;

/// Directives that only the playlist of one stream has.
const OF_ONE_STREAM: [&str; 7] = [
    "#EXT-X-TARGETDURATION",
    "#EXT-X-STREAM-INF",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-ENDLIST",
    "#EXT-X-I-FRAME-STREAM-INF",
    "#EXT-X-MAP",
];

impl State {
    fn line(&mut self, line: &Line<'_>, take: &mut dyn FnMut(Entry)) {
        if self.refused.is_some() {
            return;
        }
        if line.too_long {
            return self
                .oddities
                .note(format!("line over {} KB left out", Lines::LONGEST >> 10), line.number);
        }
        let text = line.text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
        if text.is_empty() {
            self.blank();
            return;
        }
        if !std::mem::replace(&mut self.begun, true) {
            self.refused = no_list(text);
            if self.refused.is_some() {
                return;
            }
        }
        if line.stray {
            self.oddities
                .note("line that is not UTF-8, its stray bytes read as Windows-1252".into(), line.number);
        }
        if text.starts_with('#') {
            self.directive(text, line.number, take);
        } else if is_address(text) {
            self.address(text, line.number, take);
        } else {
            self.text(text, line.number);
        }
    }

    /// A blank line parts entries: options right behind an address belong to it if one follows them.
    fn blank(&mut self) {
        if self.options.between.is_some() && !self.options.has_blank && !self.options.are_first {
            self.options_of_last();
        }
        self.options.has_blank = true;
    }

    fn options_of_last(&mut self) {
        let Some(last) = &mut self.last else { return };
        let options = std::mem::take(&mut self.next);
        last.request.take_other(options.request);
        if !options.program.is_empty() {
            last.program = options.program;
        }
        self.options.between = None;
    }

    /// Notes an option, which belongs to the next entry unless a blank line says otherwise.
    fn option_on(&mut self, line: usize) {
        match (self.waits, &self.last) {
            (Some(_), _) => {}
            (None, None) => self.options.are_first = true,
            (None, Some(_)) => _ = self.options.between.get_or_insert(line),
        }
    }

    fn text(&mut self, text: &str, line: usize) {
        if !self.has_entries {
            self.refused = no_list(text);
        }
        self.text.get_or_insert_with(|| plain(text).chars().take(80).collect());
        self.oddities.note("line left out that is neither a directive nor an address".into(), line);
    }

    fn directive(&mut self, text: &str, line: usize, take: &mut dyn FnMut(Entry)) {
        let end = text.find([':', ' ', '\t', '=']).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let value = rest.trim_start().strip_prefix([':', '=']).unwrap_or(rest).trim();
        let name = name.to_ascii_uppercase();
        match name.as_str() {
            "#EXTINF" => self.info(value, line, take),
            "#EXTGRP" => {
                let group = group_of(value);
                // Before an entry it is the heading of all that follow.
                if self.waits.is_none() {
                    self.heading = group;
                } else if self.next.group.is_empty() {
                    self.next.group = group;
                }
            }
            "#EXTIMG" | "#EXTALBUMARTURL" if self.waits.is_some() && self.next.logo.is_empty() => {
                self.next.logo = plain(unquoted(value));
            }
            "#EXTVLCOPT" => match option(value) {
                ("program", number) => {
                    let before = std::mem::replace(&mut self.next.program, plain(number));
                    if !before.is_empty() && before != self.next.program {
                        self.oddities.note("program given twice: the last one is used".into(), line);
                    }
                    self.option_on(line);
                }
                _ if self.next.request.take_vlc_option(value) => self.option_on(line),
                (name, _) => self.oddities.note(format!("#EXTVLCOPT {} left out", short(name)), line),
            },
            "#KODIPROP" if self.next.request.take_kodi_property(value) => self.option_on(line),
            "#KODIPROP" => self.oddities.note(format!("#KODIPROP {} left out", short(option(value).0)), line),
            "#EXTHTTP" if self.next.request.take_json(value) => self.option_on(line),
            "#EXTM3U" => {
                self.heading.clear();
                for (name, value) in info::read(value).attributes {
                    if !value.is_empty() {
                        self.oddities.note(format!("{} of #EXTM3U left out", short(name)), line);
                    }
                }
            }
            name if OF_ONE_STREAM.contains(&name) => {
                self.of_one_stream.get_or_insert_with(|| (line, name.to_owned()));
            }
            name if name.starts_with("#EXT") || name.starts_with("#PLAYLIST") => {
                self.oddities.note(format!("{} left out", short(name)), line);
            }
            _ => {}
        }
    }

    fn info(&mut self, about: &str, line: usize, take: &mut dyn FnMut(Entry)) {
        self.close(take);
        if let Some(between) = self.options.between.take().filter(|_| !self.options.are_first) {
            let told = "option between an address and the next #EXTINF: applied to the next channel";
            self.oddities.note(told.into(), between);
        }
        let info = info::read(about);
        self.has_channels |= info.is_channel;
        if info.unclosed {
            self.oddities.note("unclosed quotation mark".into(), line);
        }
        let mut other_name = String::new();
        let mut second_id = String::new();
        for (key, value) in info.attributes {
            let mut value = plain(unquoted(&value));
            let key = key.to_ascii_lowercase();
            if key == "tvh-tags" {
                value = value.replace('|', ";");
            }
            let field = match key.as_str() {
                "tvg-id" => &mut self.next.guide_id,
                "channel-id" => &mut second_id,
                "tvg-logo" | "logo" | "tvg-icon" => &mut self.next.logo,
                "tvg-chno" | "tvg-chnum" | "tvh-chnum" | "ch-number" | "channel-number" => {
                    &mut self.next.number
                }
                "group-title" | "tvg-group" | "tvh-tags" => &mut self.next.group,
                "tvg-name" => &mut other_name,
                "type" if value.eq_ignore_ascii_case("playlist") => {
                    self.next.is_list = true;
                    continue;
                }
                "http-user-agent" | "user-agent" | "http-referrer" | "http-referer" | "referrer"
                | "referer" => {
                    let end = key.strip_prefix("http-").unwrap_or(&key);
                    self.next.request.take_kodi_property(&format!("http-{end}={value}"));
                    continue;
                }
                _ => {
                    if !value.is_empty() {
                        self.oddities.note(format!("attribute {} left out", short(&key)), line);
                    }
                    continue;
                }
            };
            if matches!(key.as_str(), "group-title" | "tvg-group" | "tvh-tags") {
                value = group_of(&value);
            }
            if field.is_empty() {
                *field = value;
            }
        }
        if self.next.guide_id.is_empty() {
            self.next.guide_id = second_id;
        }
        let (name, beside) = apart(&info.name);
        if beside.is_some() {
            self.oddities.note("address on the line of #EXTINF".into(), line);
        }
        self.beside = beside.map(str::to_owned);
        self.next.name = plain(unquoted(name));
        if self.next.name.is_empty() {
            self.next.name = other_name;
        }
        self.waits = Some(line);
    }

    /// Ends the entry whose address does not come.
    fn close(&mut self, take: &mut dyn FnMut(Entry)) {
        let Some(line) = self.waits else { return };
        if let Some(url) = self.beside.take() {
            return self.address(&url, line, take);
        }
        self.oddities.note("#EXTINF without an address left out".into(), line);
        self.waits = None;
        self.next = Entry::default();
    }

    fn address(&mut self, text: &str, line: usize, take: &mut dyn FnMut(Entry)) {
        let mut entry = std::mem::take(&mut self.next);
        (self.waits, self.beside) = (None, None);
        (self.options.between, self.options.has_blank) = (None, false);
        self.has_entries = true;
        entry.line = line;
        unquoted(text).clone_into(&mut entry.url);
        if entry.url.contains("&amp;") {
            entry.url = entry.url.replace("&amp;", "&");
            self.oddities.note("&amp; in an address: read as &".into(), line);
        }
        if entry.name.is_empty() {
            entry.name = name_of(&entry.url);
        }
        if entry.group.is_empty() {
            self.heading.clone_into(&mut entry.group);
        }
        if let Some((first, others)) = entry.group.split_once(';') {
            let (first, others) = (first.trim().to_owned(), others.trim_matches([';', ' ']));
            if !first.is_empty() && !others.is_empty() {
                self.oddities.note("second group of a channel left out: the first one is used".into(), line);
            }
            entry.group = if first.is_empty() { others.to_owned() } else { first };
        }
        if let Some(last) = self.last.replace(entry) {
            take(last);
        }
    }
}

/// Whether a line can be meant as an address: a scheme, a path or a name with an ending, and not just words.
fn is_address(text: &str) -> bool {
    let text = unquoted(text);
    if let Some((scheme, _)) = text.split_once("://") {
        return scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    }
    let ending = text.rsplit_once('.').map_or("", |(_, ending)| ending);
    let has_ending = (1..=4).contains(&ending.len()) && ending.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_word = !text.contains(char::is_whitespace) && text.contains(['/', '\\', ':', '.']);
    !text.starts_with(['<', '{', '[']) && (is_word || has_ending || text.starts_with("media/"))
}

/// What it is, if the first line shows that it is no list.
fn no_list(first: &str) -> Option<Rule> {
    let beginning = first.get(..64).unwrap_or(first).to_ascii_lowercase();
    // PHP complains in bold, and a list may follow.
    let is_complaint = first.starts_with("<br") || first.starts_with("<b>");
    if first.starts_with('<') && !is_complaint {
        let page = ["<!doctype html", "<html", "<head", "<body", "<!--"]
            .iter()
            .any(|tag| beginning.starts_with(tag));
        return Some(if page {
            "this is a web page, not a channel list: the provider sent a page instead of the list".into()
        } else {
            "this is XML, not an M3U list".into()
        });
    }
    if first.starts_with('{') || first.starts_with("[{") || first == "[]" {
        return Some(
            "this is JSON, not an M3U list: the provider sent something else instead of the list".into(),
        );
    }
    if beginning.starts_with("[playlist]") {
        return Some("this is a PLS list: only M3U lists are read".into());
    }
    if beginning.starts_with("#name ") || beginning.starts_with("#service ") {
        return Some("this is a bouquet of an Enigma2 receiver: only M3U lists are read".into());
    }
    if ["PK\u{3}\u{4}", "Rar!", "7z\u{bc}", "ý7zXZ", "BZh", "(µ/ý"].iter().any(|mark| first.starts_with(mark))
    {
        return Some("this is an archive: unpack it first (only gzip is unpacked here)".into());
    }
    let control = |c: char| c.is_control() && !c.is_whitespace();
    (first.chars().take(200).filter(|c| control(*c)).count() > 2)
        .then(|| "this is not text, so it is not a list".into())
}

/// The name, and the address behind it if there is one: `One http://h/1`. Words behind an address make it part of the name,
/// unless they belong to its headers.
fn apart(name: &str) -> (&str, Option<&str>) {
    let schemes = ["http://", "https://", "rtmp://", "rtmps://", "rtsp://", "udp://", "rtp://", "srt://"];
    let begins = |word: &str| {
        schemes.iter().any(|scheme| word.get(..scheme.len()).is_some_and(|w| w.eq_ignore_ascii_case(scheme)))
    };
    let words = name.char_indices().filter(|(at, _)| {
        *at == 0 || name[..*at].ends_with(|before: char| before.is_whitespace() || before == ',')
    });
    let ends_line = |address: &str| address.contains('|') || !address.contains(char::is_whitespace);
    match words.map(|(at, _)| at).find(|at| begins(&name[*at..]) && ends_line(&name[*at..])) {
        Some(at) => (name[..at].trim_end_matches([' ', '\t', ',']), Some(&name[at..])),
        None => (name, None),
    }
}

/// `:network-caching=1000`
fn option(text: &str) -> (&str, &str) {
    let (name, value) = text.trim_start_matches([':', '-', ' ']).split_once('=').unwrap_or((text, ""));
    (name.trim(), value.trim())
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inside.or_else(|| text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''))).unwrap_or(text)
}

/// The name of a group without the quotation marks around it, however many there are and in whatever form.
fn group_of(text: &str) -> String {
    let text = plain(text);
    let mut bare = text.trim();
    loop {
        let inside = unquoted(bare);
        let inside =
            inside.strip_prefix("\"\"").or_else(|| inside.strip_suffix("\"\"")).unwrap_or(inside).trim();
        if inside == bare {
            break;
        }
        bare = inside;
    }
    let one_less = bare.strip_prefix('"').or_else(|| bare.strip_suffix('"'));
    one_less.filter(|rest| !rest.contains('"')).unwrap_or(bare).into()
}

/// A name out of the list as it can be told.
fn short(name: &str) -> String {
    plain(name).chars().take(40).collect()
}

/// On one line, without control characters, marks that turn the direction of what follows, and spaces around it.
fn plain(text: &str) -> String {
    let text = entities::decoded(text);
    let parts =
        text.split(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    let words = parts
        .map(|part| part.replace(crate::domain::fields::hidden::is_hidden, ""))
        .filter(|part| crate::domain::fields::hidden::can_be_seen(part));
    words.collect::<Vec<_>>().join(" ")
}

/// The last part of the path, without its ending: never more of a URL, which may hold a password.
fn name_of(url: &str) -> String {
    let path = url.split(['?', '#', '|']).next().unwrap_or_default();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    plain(last.rsplit_once('.').map_or(last, |(stem, _)| stem))
}

#[cfg(test)]
mod tests;
