//! Reads XMLTV event by event: channels, and the programmes of those that are wanted. The rest is passed over.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use memchr::memmem::Finder;
use quick_xml::{
    Reader, XmlVersion,
    escape::resolve_html5_entity,
    events::{BytesStart, Event},
};

use super::input::Input;
use crate::{
    domain::{fields::hidden::is_hidden, guide::times},
    store::guide::Texts,
};

/// Elements inside each other: XMLTV has four.
const DEPTH: usize = 32;
/// Names of a channel that are kept, and characters of each.
const NAMES: usize = 20;
const NAME: usize = 200;
/// Bytes of a title, of an episode's title or a category that are kept.
const TITLE: usize = 1_000;
/// Bytes of a description that are kept.
const DESCRIPTION: usize = 16_000;

/// What becomes of what is read.
pub trait Sink {
    /// What goes wrong; a sentence about the source becomes one.
    type Error: From<String>;

    /// A channel, with its names.
    fn channel(&mut self, id: &str, names: Vec<String>) -> Result<(), Self::Error>;
    /// The number by which programmes of that channel are kept, if they are.
    fn wanted(&mut self, id: &str) -> Result<Option<i64>, Self::Error>;
    /// Whether a programme of that time (unix seconds) is kept.
    fn keeps(&self, start: i64, stop: Option<i64>) -> bool;
    /// A programme that is wanted and kept.
    fn programme(
        &mut self,
        row: i64,
        start: i64,
        stop: Option<i64>,
        texts: Texts<'_>,
    ) -> Result<(), Self::Error>;
    /// A programme that is left out for what is wrong with it.
    fn left_out(&mut self);
}

/// Reads a whole source; times without a zone are meant in `assumed`.
///
/// # Errors
/// Those of the sink, and a sentence about a source that is broken, not whole or no XMLTV.
pub fn read<S: Sink>(input: Input<'_>, assumed: &TimeZone, sink: &mut S) -> Result<(), S::Error> {
    let mut reader = Reader::from_reader(input);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.check_comments = false;
    let mut document = Document {
        reader,
        buffer: Vec::with_capacity(8 << 10),
        assumed,
        end_of_programme: Finder::new("</programme"),
        texts: Default::default(),
    };
    document.read(sink)
}

struct Document<'d> {
    reader: Reader<Input<'d>>,
    buffer: Vec<u8>,
    assumed: &'d TimeZone,
    end_of_programme: Finder<'static>,
    /// Title, episode's title, description and category of the programme that is read.
    texts: [String; 4],
}

/// The elements whose texts are kept, in the order of `texts`.
const ELEMENTS: [(&str, usize); 4] =
    [("title", TITLE), ("sub-title", TITLE), ("desc", DESCRIPTION), ("category", TITLE)];

/// What begins in the source.
enum Begin {
    Channel(String),
    Programme {
        row: i64,
        start: i64,
        stop: Option<i64>,
    },
    /// A programme that is not kept.
    Unwanted,
    Other,
}

/// The next event of a document, as a value of the reader's buffer.
macro_rules! next {
    ($document:expr) => {{
        $document.buffer.clear();
        $document.reader.get_mut().next_piece();
        $document.reader.read_event_into(&mut $document.buffer).map_err(|error| broken(&error))?
    }};
}

impl Document<'_> {
    fn read<S: Sink>(&mut self, sink: &mut S) -> Result<(), S::Error> {
        if !self.root()? {
            return Ok(());
        }
        loop {
            let begin = match next!(self) {
                Event::Start(tag) => match tag.name().0 {
                    "channel" => {
                        attribute(&tag, "id").map_or(Begin::Other, |id| Begin::Channel(id.into_owned()))
                    }
                    "programme" => programme(&tag, self.assumed, sink)?,
                    _ => Begin::Other,
                },
                Event::Empty(tag) => {
                    if tag.name().0 == "channel"
                        && let Some(id) = attribute(&tag, "id")
                    {
                        sink.channel(&id, Vec::new())?;
                    }
                    continue;
                }
                Event::End(_) => return Ok(self.read_out()?),
                Event::Eof => return Err("The file is not whole: its end is missing.".to_owned().into()),
                _ => continue,
            };
            match begin {
                Begin::Channel(id) => {
                    let names = self.names()?;
                    sink.channel(&id, names)?;
                }
                Begin::Programme { row, start, stop } => {
                    self.texts_of_programme()?;
                    let [title, subtitle, description, category] =
                        self.texts.each_ref().map(|text| text.trim_end());
                    if title.is_empty() {
                        sink.left_out();
                    } else {
                        sink.programme(row, start, stop, Texts { title, subtitle, description, category })?;
                    }
                }
                Begin::Unwanted => self.pass_over_programme()?,
                Begin::Other => self.pass_over()?,
            }
        }
    }

    /// What follows does not matter, but that the file is whole.
    fn read_out(&mut self) -> Result<(), String> {
        let read = self.reader.get_mut().read_out();
        read.map_err(|error| format!("The file cannot be read: {error}."))
    }

    /// Goes into the first element; whether there is anything in it.
    fn root(&mut self) -> Result<bool, String> {
        let (name, is_open) = loop {
            match next!(self) {
                Event::Start(tag) => break (tag.name().0.to_owned(), true),
                Event::Empty(tag) => break (tag.name().0.to_owned(), false),
                Event::Eof => return Err("The file holds no XML.".into()),
                _ => {}
            }
        };
        if name == "tv" {
            return Ok(is_open);
        }
        let shown: String = name.chars().filter(|c| !is_hidden(*c)).take(40).collect();
        Err(format!("The file is no XMLTV: its first element is {shown} instead of tv."))
    }

    /// Passes over the rest of an element.
    fn pass_over(&mut self) -> Result<(), String> {
        let mut depth = 1_usize;
        while depth > 0 {
            match next!(self) {
                Event::Start(_) => depth = deeper(depth)?,
                Event::End(_) => depth -= 1,
                Event::Eof => return Err("The file is not whole: its end is missing.".into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Goes to the end of a programme, looking for nothing else on the way: that is most of a source.
    fn pass_over_programme(&mut self) -> Result<(), String> {
        match self.reader.get_mut().skip_to(&self.end_of_programme) {
            Ok(true) => match next!(self) {
                Event::End(_) => Ok(()),
                _ => Err("The XML is broken: a programme does not end as it should.".into()),
            },
            Ok(false) => Err("The file is not whole: its end is missing.".into()),
            Err(error) => Err(format!("The file cannot be read: {error}.")),
        }
    }

    /// The names in a channel.
    fn names(&mut self) -> Result<Vec<String>, String> {
        let mut names: Vec<String> = Vec::new();
        let mut name = String::new();
        let mut depth = 1_usize;
        let mut inside = false;
        while depth > 0 {
            match next!(self) {
                Event::Start(tag) => {
                    inside = depth == 1 && tag.name().0 == "display-name";
                    depth = deeper(depth)?;
                }
                Event::End(_) => {
                    depth -= 1;
                    if inside && depth == 1 {
                        inside = false;
                        let read: String = name.trim_end().chars().take(NAME).collect();
                        name.clear();
                        if !read.is_empty() && names.len() < NAMES && !names.contains(&read) {
                            names.push(read);
                        }
                    }
                }
                Event::Eof => return Err("The file is not whole: its end is missing.".into()),
                event if inside => add_event(&mut name, &event, TITLE),
                _ => {}
            }
        }
        Ok(names)
    }

    /// Reads the texts of a programme: of each the first that is not empty.
    fn texts_of_programme(&mut self) -> Result<(), String> {
        self.texts.iter_mut().for_each(String::clear);
        let mut depth = 1_usize;
        let mut inside: Option<usize> = None;
        while depth > 0 {
            match next!(self) {
                Event::Start(tag) => {
                    if depth == 1 {
                        let name = tag.name().0;
                        let known = ELEMENTS.iter().position(|(element, _)| *element == name);
                        inside = known.filter(|at| self.texts[*at].is_empty());
                    }
                    depth = deeper(depth)?;
                }
                Event::End(_) => {
                    depth -= 1;
                    if depth == 1 {
                        inside = None;
                    }
                }
                Event::Eof => return Err("The file is not whole: its end is missing.".into()),
                event => {
                    if let Some(at) = inside {
                        add_event(&mut self.texts[at], &event, ELEMENTS[at].1);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Who a programme belongs to and when it is, if it is wanted.
fn programme<S: Sink>(tag: &BytesStart<'_>, assumed: &TimeZone, sink: &mut S) -> Result<Begin, S::Error> {
    let Some(channel) = attribute(tag, "channel") else { return Ok(Begin::Unwanted) };
    let Some(row) = sink.wanted(&channel)? else { return Ok(Begin::Unwanted) };
    let time = |name| attribute(tag, name).map(|text| times::parse(&text, assumed));
    let (Some(Some(start)), stop) = (time("start"), time("stop")) else {
        sink.left_out();
        return Ok(Begin::Unwanted);
    };
    let stop = stop.flatten();
    if stop.is_some_and(|stop| stop <= start) {
        sink.left_out();
        return Ok(Begin::Unwanted);
    }
    Ok(if sink.keeps(start, stop) { Begin::Programme { row, start, stop } } else { Begin::Unwanted })
}

/// The value of an attribute, if it can be read.
fn attribute<'t>(tag: &'t BytesStart<'_>, name: &str) -> Option<Cow<'t, str>> {
    let mut attributes = tag.attributes();
    attributes.with_checks(false);
    let found = attributes.flatten().find(|attribute| attribute.key.0 == name)?;
    if found.value.contains('&') {
        return Some(found.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned().into());
    }
    Some(found.value)
}

fn deeper(depth: usize) -> Result<usize, String> {
    if depth >= DEPTH {
        return Err(format!("The file is no XMLTV: it has more than {DEPTH} elements inside each other."));
    }
    Ok(depth + 1)
}

/// Adds what an event says to a text. Entities of the source's own stand for nothing.
fn add_event(text: &mut String, event: &Event<'_>, most: usize) {
    match event {
        Event::Text(read) => add(text, read, most),
        Event::CData(read) => add(text, read, most),
        Event::GeneralRef(reference) => {
            let mut letter = [0; 4];
            match reference.resolve_char_ref() {
                Ok(Some(c)) => add(text, c.encode_utf8(&mut letter), most),
                _ => add(text, resolve_html5_entity(reference).unwrap_or_default(), most),
            }
        }
        _ => {}
    }
}

/// Adds to a text on one line: each run of blanks and line ends is one blank, what cannot be seen is left out, and what
/// is beyond `most` bytes is cut.
fn add(text: &mut String, more: &str, most: usize) {
    for c in more.chars() {
        if text.len() + c.len_utf8() > most {
            return;
        }
        if c.is_whitespace() || c.is_control() {
            if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            }
        } else if !is_hidden(c) {
            text.push(c);
        }
    }
}

/// What is wrong with a source, in a sentence.
fn broken(error: &quick_xml::Error) -> String {
    let shown: String = error.to_string().chars().filter(|c| !is_hidden(*c)).take(200).collect();
    match error {
        quick_xml::Error::Io(error) => format!("The file cannot be read: {error}."),
        _ => format!("The XML is broken: {shown}."),
    }
}

#[cfg(test)]
mod tests;
