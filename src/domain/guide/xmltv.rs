//! The guide as XMLTV: a head with the channels, then the programmes of one channel after the other.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

use crate::domain::{channels::catalogue::Channel, fields::time::UnixTime, guide::programme::Programme};

/// What ends a guide.
pub const END: &str = "</tv>\n";

/// What begins a guide: the channels, which the format wants before every programme.
pub fn head<'c>(channels: impl Iterator<Item = &'c Channel>) -> String {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!DOCTYPE tv SYSTEM \"xmltv.dtd\">\n\
         <tv generator-info-name=\"Linecard\">\n",
    );
    for channel in channels {
        let (id, name) = (escaped(&channel.guide_id), escaped(&channel.name));
        // Writing to a text cannot fail.
        let _ = write!(text, "  <channel id=\"{id}\">\n    <display-name>{name}</display-name>\n");
        if !channel.logo.is_empty() {
            let _ = writeln!(text, "    <icon src=\"{}\"/>", escaped(&channel.logo));
        }
        text.push_str("  </channel>\n");
    }
    text
}

/// The programmes of a channel. Times are those of the zone with their offset: right for players that convert, and for
/// those that show the digits as they stand.
pub fn programmes(guide_id: &str, programmes: &[Programme], zone: &TimeZone) -> String {
    let id = escaped(guide_id);
    let mut text = String::with_capacity(programmes.len() * 400);
    for programme in programmes {
        let (start, stop) = (local(programme.start, zone), local(programme.stop, zone));
        let _ = writeln!(text, "  <programme start=\"{start}\" stop=\"{stop}\" channel=\"{id}\">");
        for (element, value) in [
            ("title", &programme.title),
            ("sub-title", &programme.subtitle),
            ("desc", &programme.description),
            ("category", &programme.category),
        ] {
            let value = prose(value);
            if !value.is_empty() || element == "title" {
                let _ = writeln!(text, "    <{element}>{value}</{element}>");
            }
        }
        text.push_str("  </programme>\n");
    }
    text
}

/// `20261129183000 +0100`.
fn local(at: UnixTime, zone: &TimeZone) -> String {
    let moment = Timestamp::from_second(at.seconds()).unwrap_or_default().to_zoned(zone.clone());
    let (date, time) = (moment.date(), moment.time());
    let offset = moment.offset().seconds() / 60;
    let sign = if offset < 0 { '-' } else { '+' };
    let offset = offset.unsigned_abs();
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02} {sign}{:02}{:02}",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second(),
        offset / 60,
        offset % 60
    )
}

/// Escaped, and on one line.
fn prose(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    escaped(&words.join(" "))
}

/// Control characters have no place in XML 1.0, escaped or not.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => {}
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_what_they_are() {
        assert_eq!(escaped("A & <B> \"c\"\u{0}\n שלום 🎬"), "A &amp; &lt;B&gt; &quot;c&quot; שלום 🎬");
    }

    #[test]
    fn programmes_are_in_local_time_with_its_offset_and_nothing_breaks_out_of_them() {
        let programme = Programme {
            // The hour that is repeated when the clocks go back in Lisbon.
            start: UnixTime::clamped(1_792_886_400),
            stop: UnixTime::clamped(1_792_890_000),
            title: "]]></title><x>".into(),
            subtitle: " \u{1}\n".into(),
            description: "a\r\n\u{0}b  c &amp;".into(),
            category: String::new(),
        };
        assert_eq!(
            programmes("a\"b", &[programme], &TimeZone::get("Europe/Lisbon").unwrap()),
            "  <programme start=\"20261025010000 +0100\" stop=\"20261025010000 +0000\" channel=\"a&quot;b\">\n    \
             <title>]]&gt;&lt;/title&gt;&lt;x&gt;</title>\n    <desc>a b c &amp;amp;</desc>\n  </programme>\n"
        );
        let at = UnixTime::clamped(1_792_886_400);
        assert_eq!(local(at, &TimeZone::get("America/St_Johns").unwrap()), "20261024213000 -0230");
        assert_eq!(local(at, &TimeZone::UTC), "20261025000000 +0000");
    }
}
