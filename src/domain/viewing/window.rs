//! Which part of an archive is asked for, in every spelling that players have (docs/catch-up.md, "What players ask").

use jiff::{
    Span, Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};

use crate::domain::fields::time::UnixTime;

/// The longest window, and how far one without an end reaches as a playlist, in seconds.
pub const LONGEST: i64 = 24 * 3600;
/// What is played of an archive where the duration that was sent cannot be one, in minutes.
const USUAL_MINUTES: i64 = 120;
/// What a start is written with at most.
const MOST_TEXT: usize = 40;

/// A part of an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Window {
    /// From when, in unix seconds.
    pub start: UnixTime,
    /// Until when; none goes on to what is live, and with it.
    pub end: Option<UnixTime>,
}

impl Window {
    /// From then until the other moment, at most [`LONGEST`]; `None` if that is not later.
    pub fn between(start: UnixTime, end: UnixTime) -> Option<Self> {
        let end = end.min(UnixTime::clamped(start.seconds().saturating_add(LONGEST)));
        (end > start).then_some(Self { start, end: Some(end) })
    }

    /// The minute of a moment: the shortest that players ask for.
    pub fn minute(start: UnixTime) -> Self {
        Self { start, end: Some(UnixTime::clamped(start.seconds() + 60)) }
    }

    /// From then on, without an end.
    pub fn from(start: UnixTime) -> Self {
        Self { start, end: None }
    }

    /// This many minutes from then on, as players write them: what is no number from 1 to 1440 is no duration, since one of
    /// them writes the channel there.
    pub fn of_minutes(start: UnixTime, minutes: &str) -> Self {
        let minutes = minutes.trim().parse().ok().filter(|minutes| (1..=LONGEST / 60).contains(minutes));
        let seconds = minutes.unwrap_or(USUAL_MINUTES) * 60;
        Self { start, end: Some(UnixTime::clamped(start.seconds() + seconds)) }
    }

    /// Begins and ends this many minutes earlier and later.
    #[must_use]
    pub fn widened(self, before: i64, after: i64) -> Self {
        Self {
            start: UnixTime::clamped(self.start.seconds() - before * 60),
            end: self.end.map(|end| UnixTime::clamped(end.seconds() + after * 60)),
        }
    }

    /// Until when a playlist of it reaches: one without an end does so for [`LONGEST`].
    pub fn last(self) -> UnixTime {
        self.end.unwrap_or(UnixTime::clamped(self.start.seconds() + LONGEST))
    }

    /// The window of a live address that carries a start: `?utc=START&lutc=NOW`, with `utcend` or `duration` (seconds) where
    /// a template says so. `None` if `utc` is no moment, or the end is not later.
    pub fn of_utc(utc: &str, utcend: &str, duration: &str, zone: &TimeZone) -> Option<Self> {
        let start = start(utc, zone)?;
        match (self::start(utcend, zone), duration.trim().parse::<i64>()) {
            (Some(end), _) => Self::between(start, end),
            (None, Ok(seconds)) if seconds > 0 => {
                Self::between(start, UnixTime::clamped(start.seconds().saturating_add(seconds)))
            }
            _ => Some(Self::from(start)),
        }
    }

    /// The hour that a file of a box's archive holds, `20261129-18`, on a clock of that zone: as long as the clock shows it, which
    /// is twice in autumn; `None` for one that it leaves out in spring.
    pub fn hour(name: &str, zone: &TimeZone) -> Option<Self> {
        let (date, hour) = name.split_once('-').filter(|(_, hour)| hour.len() == 2)?;
        let begin = clock(date, hour)?;
        let next = begin.checked_add(Span::new().hours(1)).ok()?;
        Self::between(at(begin, zone)?, at(next, zone)?)
    }
}

/// A file name of the flussonic family taken apart: what stands before its word, and the window.
/// `timeshift_abs-START`, `timeshift_rel-SECONDS` (so long before now), `archive-START-SECONDS`, each after `NAME-`, `NAME/`
/// or nothing.
pub fn flussonic(stem: &str, now: UnixTime) -> Option<(&str, Window)> {
    let split = |word: &str| {
        let (before, after) = stem.rsplit_once(word)?;
        let before = if before.is_empty() { Some(before) } else { before.strip_suffix('-') };
        Some((before?, after))
    };
    if let Some((before, after)) = split("timeshift_abs-") {
        return Some((before, Window::from(start(after, &TimeZone::UTC)?)));
    }
    if let Some((before, after)) = split("timeshift_rel-") {
        let ago: i64 = after.parse().ok().filter(|ago| (0..=400 * 24 * 3600).contains(ago))?;
        return Some((before, Window::from(UnixTime::clamped(now.seconds() - ago))));
    }
    let (before, after) = split("archive-")?;
    let (from, seconds) = after.split_once('-')?;
    let from = start(from, &TimeZone::UTC)?;
    let seconds: i64 = seconds.parse().ok()?;
    Some((before, Window::between(from, UnixTime::clamped(from.seconds().saturating_add(seconds)))?))
}

/// The moment that a player wrote: a clock of that zone, or unix seconds or milliseconds. Where a clock shows a time twice
/// in a year it is the first of both; where it leaves an hour out, as much later.
pub fn start(text: &str, zone: &TimeZone) -> Option<UnixTime> {
    let text = text.trim();
    if text.len() > MOST_TEXT || !text.is_ascii() {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.len() {
            9 | 10 => UnixTime::new(text.parse().ok()?),
            13 => UnixTime::new(text.parse::<i64>().ok()? / 1000),
            12 | 14 => at(clock(&text[..8], &text[8..])?, zone),
            _ => None,
        };
    }
    // With a zone of its own: 2026-11-29T18:00:00Z, 2026-11-29T18:00+01:00.
    if text.contains(['T', 't'])
        && let Ok(moment) = text.parse::<Timestamp>()
    {
        return UnixTime::new(moment.as_second());
    }
    let date = if text.as_bytes().get(4) == Some(&b'-') { 10 } else { 8 };
    let (date, time) = text.split_at_checked(date)?;
    let date = match date.as_bytes() {
        [_, _, _, _, b'-', _, _, b'-', _, _] => date.replace('-', ""),
        _ => date.to_owned(),
    };
    let time = time.strip_prefix([':', '_', ' ', '-', 'T', 't'])?;
    // Fractions of a second.
    let time = time.split_once('.').map_or(time, |(time, _)| time);
    let parts: Vec<&str> = time.split([':', '-']).collect();
    let is_pair = |part: &&str| part.len() == 2;
    if !parts.iter().all(is_pair) {
        return None;
    }
    at(clock(&date, &parts.concat())?, zone)
}

/// `20261129` and `18`, `1830` or `183000`.
fn clock(date: &str, time: &str) -> Option<DateTime> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if date.len() != 8 || !matches!(time.len(), 2 | 4 | 6) || !is_digits(date) || !is_digits(time) {
        return None;
    }
    let two = |text: &str, place: usize| match text.get(place..place + 2) {
        Some(pair) => pair.parse::<i8>().ok(),
        None => Some(0),
    };
    let date = Date::new(date[..4].parse().ok()?, two(date, 4)?, two(date, 6)?).ok()?;
    let time = Time::new(two(time, 0)?, two(time, 2)?, two(time, 4)?, 0).ok()?;
    Some(date.to_datetime(time))
}

fn at(clock: DateTime, zone: &TimeZone) -> Option<UnixTime> {
    UnixTime::new(clock.to_zoned(zone.clone()).ok()?.timestamp().as_second())
}

#[cfg(test)]
mod tests;
