use std::{
    io::{self, Cursor},
    sync::atomic::AtomicBool,
};

use super::*;

/// What was read, as texts that compare.
#[derive(Default)]
struct Collected {
    channels: Vec<String>,
    programmes: Vec<String>,
    left_out: usize,
}

impl Sink for Collected {
    type Error = String;

    fn channel(&mut self, id: &str, names: Vec<String>) -> Result<(), String> {
        self.channels.push(format!("{id}: {}", names.join(" / ")));
        Ok(())
    }

    fn wanted(&mut self, id: &str) -> Result<Option<i64>, String> {
        Ok((id == "a" || id == "a&b").then_some(7))
    }

    fn keeps(&self, start: i64, _: Option<i64>) -> bool {
        start > 1_700_000_000
    }

    fn programme(&mut self, row: i64, start: i64, stop: Option<i64>, texts: Texts<'_>) -> Result<(), String> {
        let Texts { title, subtitle, description, category } = texts;
        let stop = stop.map_or("open".into(), |stop| (stop - start).to_string());
        self.programmes.push(format!("{row} {stop} {title}|{subtitle}|{description}|{category}"));
        Ok(())
    }

    fn left_out(&mut self) {
        self.left_out += 1;
    }
}

fn read_from(source: Box<dyn io::Read>) -> Result<Collected, String> {
    let stop = AtomicBool::new(false);
    let mut seen = Collected::default();
    read(Input::new(source, &stop).unwrap(), &TimeZone::UTC, &mut seen)?;
    Ok(seen)
}

fn seen(text: &str) -> Result<Collected, String> {
    read_from(Box::new(Cursor::new(text.as_bytes().to_vec())))
}

#[test]
fn channels_and_wanted_programmes_are_read_wherever_they_stand() {
    let read = seen(
        r#"<?xml version="1.0"?><!DOCTYPE tv SYSTEM "xmltv.dtd"><!-- <channel id="no"/> -->
        <tv generator-info-name="x">
          <programme channel="a" start="20261130120000 +0000" stop="20261130123000 +0000">
            <title lang="en">News &amp; more&#33;</title><title>second</title>
            <sub-title><![CDATA[Part <1>]]></sub-title><desc>
              Two   lines
              of it</desc><credits><actor>not this</actor></credits>
            <category>News</category><category>Other</category></programme>
          <programme channel="b" start="soon"><title>not wanted</title></programme>
          <programme channel="a" start="20101130120000"><title>too old</title></programme>
          <programme channel="a&amp;b" start='20261130120000'><title>caf&eacute; AT&T &unknown;</title></programme>
          <channel id="a"><display-name> BBC  One </display-name><icon src="x"/><display-name>BBC 1</display-name>
            <display-name>BBC 1</display-name></channel>
          <channel id="b"/><channel><display-name>no id</display-name></channel>
        </tv> what follows does not matter <"#,
    )
    .unwrap();
    assert_eq!(read.channels, ["a: BBC One / BBC 1", "b: "]);
    assert_eq!(read.programmes, ["7 1800 News & more!|Part <1>|Two lines of it|News", "7 open café AT&T|||"]);
    assert_eq!(read.left_out, 0);
}

#[test]
fn programmes_with_what_cannot_be_are_left_out_one_by_one() {
    let read = seen(
        r#"<tv><programme channel="a" start="20261130120000" stop="20261130110000"><title>ends before</title></programme>
        <programme channel="a" start="20261130120000" stop="20261130120000"><title>takes no time</title></programme>
        <programme channel="a" start="never"><title>no time</title></programme>
        <programme channel="a"><title>no start</title></programme>
        <programme start="20261130120000"><title>no channel</title></programme>
        <programme channel="a" start="20261130120000" stop="?"><title>good, its end is not</title></programme>
        <programme channel="a" start="20261130120000"><title> </title></programme>
        <programme channel="a" start="20261130120000"/></tv>"#,
    )
    .unwrap();
    assert_eq!((read.programmes.len(), read.left_out), (1, 5));
}

#[test]
fn hostile_texts_are_cut_and_stay_on_one_line() {
    let title = format!("a\u{202e}b\u{0}\n<![CDATA[</title><script>]]>{}", "x".repeat(5_000));
    let read =
        seen(&format!("<tv><programme channel='a' start='20261130'><title>{title}</title></programme></tv>"))
            .unwrap();
    let text = &read.programmes[0];
    assert!(text.starts_with("7 open ab </title><script>xxx") && text.len() < 1_030, "{text}");
}

#[test]
fn what_is_no_whole_xmltv_is_refused_with_a_reason() {
    for (text, reason) in [
        ("", "holds no XML"),
        ("not xml at all", "holds no XML"),
        ("<html><body>Not found</body></html>", "first element is html"),
        ("<tv><channel id='a'>", "its end is missing"),
        ("<tv><channel id='a'></tv>", "The XML is broken"),
        ("<tv><programme channel='a' start='20261130'><title>x</programme></tv>", "The XML is broken"),
        ("<tv><channel id='a'/>", "its end is missing"),
        ("<tv><chan", "The XML is broken"),
        ("<tv><!-- ", "The XML is broken"),
    ] {
        let why = seen(text).err().unwrap_or_default();
        assert!(why.contains(reason), "{text}: {why}");
    }
    assert!(seen("<tv/>").is_ok());
}

/// The same bytes again and again.
struct Again(Vec<u8>, usize);

impl io::Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.0[self.1..];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.1 = (self.1 + length) % self.0.len();
        Ok(length)
    }
}

#[test]
fn bombs_end_early_whatever_they_are_made_of() {
    let endless = |begin: &'static str, piece: &'static str| {
        let body = piece.repeat(4_096).into_bytes();
        read_from(Box::new(io::Read::chain(begin.as_bytes(), Again(body, 0)))).err().unwrap_or_default()
    };
    for (begin, piece) in [
        ("<tv><channel id='a'><display-name>", "aaaa"),
        ("<tv><channel id='", "aaaa"),
        ("<tv><!-- ", "aaaa"),
        ("<tv><![CDATA[ ", "aaaa"),
        ("<!DOCTYPE tv [", "<!ENTITY a 'b'>"),
        ("", "    "),
        ("<tv><x ", "a='b' "),
    ] {
        let why = endless(begin, piece);
        assert!(why.contains("larger than 1 MiB"), "{begin}: {why}");
    }
    let why = endless("<tv>", "<a>");
    assert!(why.contains("more than 32 elements inside"), "{why}");
    let laughs = "<!DOCTYPE tv [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><tv><programme channel='a' start='20261130'>\
                  <title>x&b;</title></programme></tv>";
    assert_eq!(seen(laughs).unwrap().programmes, ["7 open x|||"], "entities of its own stand for nothing");
}

#[test]
fn reading_ends_when_the_program_does() {
    let stop = AtomicBool::new(true);
    let input = Input::new(Box::new(Cursor::new(vec![b' '; 200_000])), &stop).unwrap();
    let why = read(input, &TimeZone::UTC, &mut Collected::default()).unwrap_err();
    assert!(why.contains("broken off"), "{why}");
}
