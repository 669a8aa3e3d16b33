//! What fuzzing feeds: parsers of whatever strangers send, each with the rules that hold for any bytes. `fuzz/` runs them for hours, a test
//! with the corpus that is kept.

use std::hint::black_box;

use jiff::tz::TimeZone;

use crate::{
    domain::{
        channels::{m3u, source_request::SourceRequest, source_request::split_suffix, stream::SourceUrl},
        fields::{
            mac::Mac,
            net::Network,
            time::{UnixTime, ZoneName},
        },
        guide::times,
        messages::smtp::Smtp,
        viewing::window::{self, Window},
    },
    media, ops, portal,
    wire::{form, redact},
};

/// What is fed.
pub type Target = fn(&[u8]);

/// Every target, by the name of its folder in `fuzz/corpus`. A target panics where a rule of its parser is broken.
pub const TARGETS: &[(&str, Target)] = &[
    ("form", forms),
    ("mac", macs),
    ("m3u", lists),
    ("xmltv", ops::guide::fuzz::xmltv),
    ("portal", portal::fuzz),
    ("ts", media::fuzz::ts),
    ("hls", media::fuzz::hls),
    ("mp4", media::fuzz::mp4),
    ("source", sources),
    ("moment", moments),
    ("network", networks),
    ("redact", paths),
];

/// Forms and JSON of calls; a name is shown within its bounds.
fn forms(bytes: &[u8]) {
    let _ = black_box(form::parse_form(bytes));
    let _ = black_box(form::parse_json(bytes));
    assert!(form::shown(&String::from_utf8_lossy(bytes)).chars().count() <= 400);
}

/// A MAC that was taken reads back as it is written.
fn macs(bytes: &[u8]) {
    if let Ok(mac) = Mac::new(&String::from_utf8_lossy(bytes)) {
        assert_eq!(Mac::new(&mac.to_string()).ok(), Some(mac));
    }
}

/// A list is read alike, whole or in pieces.
fn lists(bytes: &[u8]) {
    let read = |size: usize| {
        let mut entries = Vec::new();
        let mut reader = m3u::Reader::default();
        for piece in bytes.chunks(size) {
            reader.push(piece, &mut |entry| entries.push(entry)).ok()?;
        }
        reader.end(&mut |entry| entries.push(entry)).ok()?;
        Some(entries)
    };
    let (whole, pieces) = (read(bytes.len().max(1)), read(7));
    if let (Some(whole), Some(pieces)) = (whole, pieces) {
        assert_eq!(whole, pieces);
    }
}

/// Addresses of sources with what follows them; what was taken is taken again.
fn sources(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(source) = SourceUrl::new(&text) {
        assert!(SourceUrl::new(source.as_str()).is_ok(), "{}", source.as_str());
    }
    let (address, suffix) = split_suffix(&text);
    assert!(address.len() + suffix.map_or(0, str::len) <= text.len());
    let mut request = SourceRequest::default();
    black_box(request.take_suffix(&text));
    black_box(request.take_vlc_option(&text));
    black_box(request.take_kodi_property(&text));
    black_box(request.take_json(&text));
    let _ = black_box(Smtp::of(&text));
}

/// Times and windows of catch-up, in every spelling.
fn moments(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let now = UnixTime::clamped(1_800_000_000);
    let zone = ZoneName::new(&text).map_or(TimeZone::UTC, |name| name.zone());
    let (first, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let found = [
        window::flussonic(&text, now).map(|(_, window)| window),
        Window::of_utc(first, rest, rest, &zone),
        Window::hour(&text, &zone),
        Some(Window::of_minutes(now, &text).widened(120, 120)),
    ];
    let is_in_order = |window: &Window| window.last() >= window.start;
    assert!(found.iter().flatten().all(is_in_order), "{found:?}");
    black_box(window::start(&text, &zone));
    black_box(times::parse(&text, &zone));
    let _ = black_box(UnixTime::parse(&text));
}

/// A network that was taken reads back as it is written.
fn networks(bytes: &[u8]) {
    if let Ok(network) = Network::new(&String::from_utf8_lossy(bytes)) {
        assert_eq!(Network::new(&network.to_string()).ok(), Some(network));
    }
}

/// Nothing behind the first segments of a path is shown in a log.
fn paths(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let shown = redact::path(&text, |segment| segment.starts_with('s'));
    assert!(shown.split('/').skip(4).all(|segment| segment == "***"), "{shown}");
    assert!(shown.split('/').all(|segment| !segment.starts_with('s')), "{shown}");
}
