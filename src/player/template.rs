//! Texts that differ between subscribers in their addresses only: made once, filled in for each.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::{
    domain::{
        channels::catalogue::Channel,
        fields::{container::Container, hidden::is_hidden},
    },
    ops::{channels::catalogue::Weighed, viewing::RecordedDays},
};

/// A text with gaps for the address of each stream up to its id: `http://HOST/live/USER/PASSWORD/`.
#[derive(Debug, Default)]
pub struct Template {
    text: String,
    gaps: Vec<usize>,
    /// SHA-256 of the text.
    digest: Vec<u8>,
}

impl Weighed for Template {
    fn bytes(&self) -> usize {
        self.text.capacity() + self.gaps.capacity() * size_of::<usize>()
    }
}

impl Template {
    /// How long the text is with every gap filled, in bytes.
    pub fn length(&self, filling: &str) -> usize {
        self.text.len() + self.gaps.len() * filling.len()
    }

    /// Writes the text on from one gap to the next, with their filling, until there is enough; the gap to go on from, if
    /// any is left.
    pub fn write(&self, from: usize, filling: &str, text: &mut String, enough: usize) -> Option<usize> {
        let mut begin = from.checked_sub(1).and_then(|before| self.gaps.get(before)).copied().unwrap_or(0);
        for (place, gap) in self.gaps.iter().enumerate().skip(from) {
            if text.len() >= enough {
                return Some(place);
            }
            text.push_str(&self.text[begin..*gap]);
            text.push_str(filling);
            begin = *gap;
        }
        text.push_str(&self.text[begin..]);
        None
    }

    /// What tells it apart from every other, whatever its gaps are filled with.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// A playlist of the channels. Addresses of transport streams have no
    /// ending, or Kodi finds no catch-up in them (docs/players.md, "Intentional quirks").
    pub fn playlist(
        channels: &[Channel],
        form: Container,
        with_attributes: bool,
        recorded: &RecordedDays,
    ) -> Self {
        let ending = match form {
            Container::Ts => "",
            Container::Hls => ".m3u8",
        };
        let mut template = Self::default();
        for channel in channels {
            template.entry(channel, with_attributes, recorded.of(channel.id));
            template.gaps.push(template.text.len());
            // Writing to a text cannot fail.
            let _ = writeln!(template.text, "{}{ending}", channel.id.0);
        }
        template.text.shrink_to_fit();
        template.gaps.shrink_to_fit();
        template.digest = Sha256::digest(template.text.as_bytes()).to_vec();
        template
    }

    fn entry(&mut self, channel: &Channel, with_attributes: bool, days: i64) {
        let name = line(&channel.name);
        if !with_attributes {
            let _ = writeln!(self.text, "#EXTINF:-1,{name}");
            return;
        }
        let _ = writeln!(
            self.text,
            "#EXTINF:-1 tvg-id=\"{}\" tvg-name=\"{name}\" tvg-logo=\"{}\" tvg-chno=\"{}\" group-title=\"{}\"{},{name}",
            // As it stands in the guide, commas and all: the rule of ids leaves quotation marks out.
            channel.guide_id,
            line(&channel.logo.replace('"', "%22").replace(',', "%2C")),
            channel.number,
            line(channel.category_name()),
            catchup(days),
        );
    }
}

/// How players ask for what is recorded: with unix seconds, which mean the same in every zone (`?utc=START&lutc=NOW`).
/// `timeshift` is for old apps.
fn catchup(days: i64) -> String {
    match days {
        0 => String::new(),
        days => format!(" catchup=\"shift\" catchup-days=\"{days}\" timeshift=\"{days}\""),
    }
}

/// A text as it may stand in a line of a playlist. Some players take what follows the first comma as the name,
/// some what follows the last one (Jellyfin), and none knows a way to escape commas or quotation marks: so the comma
/// before the name is the only one of its line, and those of texts become dashes.
fn line(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text.chars().filter(|c| !is_hidden(*c)).peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => told.push('\''),
            ',' if rest.peek().is_some_and(|next| *next == ' ') => told.push_str(" -"),
            ',' => told.push('-'),
            c => told.push(c),
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{fields::time::UnixTime, ids::StreamId};

    fn none() -> RecordedDays {
        RecordedDays::default()
    }

    fn channel(id: i64, name: &str) -> Channel {
        Channel {
            id: StreamId(id),
            name: name.into(),
            logo: String::new(),
            guide_id: "a.b".into(),
            number: id,
            added: UnixTime::clamped(1),
            heading: None,
        }
    }

    /// The text as it is written in pieces of one gap, and in one piece.
    fn filled(template: &Template, filling: &str) -> String {
        let (mut whole, mut pieces) = (String::new(), String::new());
        assert_eq!(template.write(0, filling, &mut whole, usize::MAX), None);
        let mut next = Some(0);
        while let Some(from) = next {
            let mut piece = String::new();
            next = template.write(from, filling, &mut piece, 1);
            pieces.push_str(&piece);
        }
        assert_eq!((&pieces, pieces.len()), (&whole, template.length(filling)));
        whole
    }

    #[test]
    fn each_address_is_filled_in() {
        let template =
            Template::playlist(&[channel(7, "A"), channel(8, "B")], Container::Hls, false, &none());
        let filled = filled(&template, "http://h/live/u/p/");
        assert_eq!(
            filled,
            "#EXTINF:-1,A\nhttp://h/live/u/p/7.m3u8\n#EXTINF:-1,B\nhttp://h/live/u/p/8.m3u8\n"
        );
    }

    #[test]
    fn a_name_cannot_break_its_line() {
        let template = Template::playlist(
            &[channel(7, "A \"b\", c\r\n#EXTINF:-1,\u{0}שלום 🎬")],
            Container::Ts,
            true,
            &none(),
        );
        assert_eq!(
            filled(&template, "X/"),
            "#EXTINF:-1 tvg-id=\"a.b\" tvg-name=\"A 'b' - c#EXTINF:-1-שלום 🎬\" tvg-logo=\"\" tvg-chno=\"7\" \
             group-title=\"Uncategorised\",A 'b' - c#EXTINF:-1-שלום 🎬\nX/7\n"
        );
    }
}
