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
    /// The head, and the text with every gap filled.
    pub fn filled(&self, head: &str, filling: &str) -> String {
        let mut filled =
            String::with_capacity(head.len() + self.text.len() + self.gaps.len() * filling.len());
        filled.push_str(head);
        let mut from = 0;
        for gap in &self.gaps {
            filled.push_str(&self.text[from..*gap]);
            filled.push_str(filling);
            from = *gap;
        }
        filled.push_str(&self.text[from..]);
        filled
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

    #[test]
    fn each_address_is_filled_in() {
        let template =
            Template::playlist(&[channel(7, "A"), channel(8, "B")], Container::Hls, false, &none());
        let filled = template.filled("#EXTM3U\n", "http://h/live/u/p/");
        assert_eq!(
            filled,
            "#EXTM3U\n#EXTINF:-1,A\nhttp://h/live/u/p/7.m3u8\n#EXTINF:-1,B\nhttp://h/live/u/p/8.m3u8\n"
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
            template.filled("", "X/"),
            "#EXTINF:-1 tvg-id=\"a.b\" tvg-name=\"A 'b' - c#EXTINF:-1-שלום 🎬\" tvg-logo=\"\" tvg-chno=\"7\" \
             group-title=\"Uncategorised\",A 'b' - c#EXTINF:-1-שלום 🎬\nX/7\n"
        );
    }
}
