//! An import of channels: the list as far as its entries can become streams, and what it comes to.

#[cfg(test)]
mod found;
mod plan;
#[cfg(test)]
mod tests;

use indexmap::IndexMap;

pub use plan::{Existing, Fate, Match, Plan, Target, plan, renewed};

use super::{
    m3u::Entry,
    oddities::Oddities,
    source_request::{SourceRequest, split_suffix},
    stream::{PROGRAM, SourceUrl},
};
use crate::domain::{
    Rule,
    fields::{
        number::{Position, whole},
        text::{GuideId, HttpUrl, Name},
    },
};

/// What happens to an entry that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// Nothing.
    #[default]
    Skip,
    /// Its source is put after those of the stream.
    AddSource,
    /// The stream takes name, category, logo, guide id and number, as far as the list has them, and its
    /// source in place of the one that it had of the list.
    Update,
}

impl Duplicates {
    /// Every way, by the word for it.
    pub const ALL: [(&'static str, Self); 3] =
        [("skip", Self::Skip), ("add", Self::AddSource), ("update", Self::Update)];

    /// The way of that word.
    ///
    /// # Errors
    /// The words that there are.
    pub fn named(word: &str) -> Result<Self, Rule> {
        let found = Self::ALL.iter().find(|(name, _)| *name == word);
        found.map(|(_, way)| *way).ok_or_else(|| "skip, add or update".into())
    }
}

/// An entry that can become a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The line in the list.
    pub line: usize,
    pub name: Name,
    /// Its heading, by its place among those of the list.
    pub category: Option<usize>,
    /// Its picture.
    pub logo: Option<HttpUrl>,
    /// Its id in the programme guide.
    pub guide_id: Option<GuideId>,
    pub number: Option<Position>,
    /// Where it comes from, without headers.
    pub source: SourceUrl,
    /// How its source is asked, if the list says so.
    pub asked: Option<Box<SourceAccess>>,
}

/// How a source is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceAccess {
    /// By headers of the whole stream.
    pub request: SourceRequest,
    /// The source with the headers behind its `|`, if they stand there.
    pub source: Option<SourceUrl>,
}

impl Candidate {
    /// The source as one of several of a stream, which keeps headers of its own.
    pub fn further_source(&self) -> &SourceUrl {
        self.asked.as_ref().and_then(|asked| asked.source.as_ref()).unwrap_or(&self.source)
    }
}

/// A channel list, as far as it was read.
#[derive(Clone, Debug, Default)]
pub struct List {
    /// The entries that can become streams, in their order.
    pub candidates: Vec<Candidate>,
    /// What was odd, each kind once.
    pub oddities: Oddities,
    /// Why entries cannot become streams, each reason once.
    pub refusals: Oddities,
    /// The first entries that cannot: the line, the name and why.
    pub refused: Vec<(usize, String, Rule)>,
    /// How many cannot.
    pub refused_count: usize,
    /// Headings by their names in lower case, in the order in which they came.
    categories: IndexMap<String, Name>,
    bytes: usize,
}

impl List {
    /// The most bytes of memory of a list: some 200,000 channels as lists have them.
    pub const MOST: usize = 96 << 20;
    /// Entries that cannot be taken and are kept with their reasons; more are only counted.
    pub const REFUSED: usize = 200;

    /// Takes an entry in. What of it cannot be taken is noted; one that cannot become a stream is refused.
    ///
    /// # Errors
    /// That the list is too long.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Rule> {
        match self.candidate(entry) {
            Ok(candidate) => {
                self.bytes += size(&candidate);
                self.candidates.push(candidate);
            }
            Err(rule) => {
                self.refusals.note(rule.to_string(), entry.line);
                self.refused_count += 1;
                if self.refused.len() < Self::REFUSED {
                    self.refused.push((entry.line, entry.name.chars().take(200).collect(), rule));
                }
            }
        }
        if self.bytes > Self::MOST {
            let rule = format!(
                "the list is too long: {} of its channels fit into one import, split it",
                self.candidates.len()
            );
            return Err(rule.into());
        }
        Ok(())
    }

    /// How much memory it takes, in bytes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The sources of those entries; of the one whose details a stream takes, headers stand in columns of the stream.
    pub fn sources(&self, entries: &[usize], details: Option<usize>) -> Vec<SourceUrl> {
        let source = |entry: &usize| {
            let candidate = self.candidates.get(*entry)?;
            let is_own = details == Some(*entry);
            Some(if is_own { &candidate.source } else { candidate.further_source() }.clone())
        };
        entries.iter().filter_map(source).collect()
    }

    /// The name of a heading.
    pub fn category(&self, place: usize) -> Option<&Name> {
        self.categories.get_index(place).map(|(_, name)| name)
    }

    /// The name of the heading of an entry.
    pub fn heading(&self, candidate: &Candidate) -> Option<&Name> {
        candidate.category.and_then(|place| self.category(place))
    }

    fn candidate(&mut self, entry: &Entry) -> Result<Candidate, Rule> {
        let line = entry.line;
        let named = |part: &str, rule: Rule| -> Rule { format!("{part}: {rule}").into() };
        let mut request = entry.request.clone();
        let (written, own) = entry.url.split_once(PROGRAM).unwrap_or((&entry.url, &entry.program));
        // Headers may be written before or after the program.
        let (own, headers) = own.split_once('|').map_or((own, None), |(own, headers)| (own, Some(headers)));
        let written = headers.map_or_else(|| written.to_owned(), |headers| format!("{written}|{headers}"));
        let url = request.take_suffix(&written);
        for what in std::mem::take(&mut request.left_out) {
            self.oddities.note(what.into(), line);
        }
        if entry.is_list || is_list(url) {
            return Err("address: another list, import it separately".into());
        }
        let program = match own.parse::<u16>() {
            Ok(number) => format!("{PROGRAM}{number}"),
            Err(_) => String::new(),
        };
        let beside = Some(entry.program.as_str()).filter(|beside| !beside.is_empty() && *beside != own);
        let is_number = |program: &str| program.parse::<u16>().is_ok();
        if [Some(own), beside].into_iter().flatten().any(|given| !given.is_empty() && !is_number(given)) {
            self.oddities.note("program left out: not a number from 0 to 65535".into(), line);
        }
        if beside.is_some_and(is_number) {
            self.oddities.note("program given twice: the one in the address is used".into(), line);
        }
        let source = SourceUrl::new(&format!("{url}{program}")).map_err(|rule| named("address", rule))?;
        let name = Name::new(self.cut(&entry.name, "name", line)).map_err(|rule| named("name", rule))?;
        let category = self.heading_of(entry).map_err(|rule| named("group", rule))?;
        let asked = (request != SourceRequest::default()).then(|| {
            let suffix = split_suffix(&written).1;
            let source = suffix.and_then(|suffix| SourceUrl::new(&format!("{url}|{suffix}{program}")).ok());
            Box::new(SourceAccess { request, source })
        });
        let logo = HttpUrl::new(&entry.logo).ok();
        if logo.is_none() && !entry.logo.is_empty() {
            self.oddities.note("logo left out: not an http or https URL of at most 2048 bytes".into(), line);
        }
        let guide_id = GuideId::new(&entry.guide_id).ok().filter(|id| !id.as_str().is_empty());
        if guide_id.is_none() && !entry.guide_id.is_empty() {
            self.oddities.note("guide id left out: too long, or with quotation marks".into(), line);
        }
        let number = self.number(&entry.number, line);
        Ok(Candidate { line, name, category, logo, guide_id, number, source, asked })
    }

    fn heading_of(&mut self, entry: &Entry) -> Result<Option<usize>, Rule> {
        if entry.group.trim().is_empty() {
            return Ok(None);
        }
        let name = Name::new(self.cut(&entry.group, "group", entry.line))?;
        let key = name.as_str().to_lowercase();
        let fresh = self.categories.get_index_of(&key);
        Ok(Some(fresh.unwrap_or_else(|| {
            self.bytes += 2 * (key.len() + 64);
            self.categories.insert_full(key, name).0
        })))
    }

    /// `22.1` is 22.
    fn number(&mut self, text: &str, line: usize) -> Option<Position> {
        let text = text.trim();
        let (integer, fraction) = text.split_once(['.', '-']).unwrap_or((text, ""));
        let number = whole(integer).and_then(Position::new);
        let is_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
        if text.is_empty()
            || (number.is_some() && number.map(Position::get) == Some(0) && fraction.is_empty())
        {
            return None;
        }
        match number {
            Some(number) if integer.len() == text.len() => Some(number),
            Some(number) if is_fraction && number.get() > 0 => {
                self.oddities.note(
                    "channel number with a decimal part: only what is before the point is used".into(),
                    line,
                );
                Some(number)
            }
            _ => {
                self.oddities.note("channel number left out: not a whole number".into(), line);
                None
            }
        }
    }

    /// At most 200 characters of a text.
    fn cut<'t>(&mut self, text: &'t str, what: &str, line: usize) -> &'t str {
        match text.char_indices().nth(200) {
            Some((end, _)) => {
                self.oddities.note(format!("{what} cut after 200 characters"), line);
                text[..end].trim_end()
            }
            None => text,
        }
    }
}

/// What an entry takes of the memory, about: its texts, each with what the allocator adds.
fn size(candidate: &Candidate) -> usize {
    let logo = candidate.logo.as_ref().map_or(0, |logo| logo.as_str().len() + 16);
    let guide_id = candidate.guide_id.as_ref().map_or(0, |id| id.as_str().len() + 16);
    size_of::<Candidate>()
        + candidate.name.as_str().len()
        + candidate.source.as_str().len()
        + 32
        + logo
        + guide_id
}

/// Whether an address is that of a list and not of a channel.
fn is_list(url: &str) -> bool {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = path.split('#').next().unwrap_or_default().to_ascii_lowercase();
    let of_panel =
        path.ends_with("/get.php") && query.split(['&', '#']).any(|pair| pair.starts_with("type=m3u"));
    // Ours as well: /playlist/USERNAME/PASSWORD/m3u_plus
    let parts: Vec<&str> = path.rsplit('/').take(4).collect();
    let of_ours = matches!(parts[..], ["m3u" | "m3u_plus", _, _, "playlist"]);
    of_panel || of_ours || [".m3u", ".pls", ".xspf", ".asx", ".m3u.gz"].iter().any(|end| path.ends_with(end))
}
