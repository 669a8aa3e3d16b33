//! Times as XMLTV writes them: `20261129183000 +0100`, cut short from the right, the zone as an offset, a name or not at
//! all.

use jiff::{
    civil,
    tz::{Offset, TimeZone},
};

/// Names of zones that feeds use and that stand in no database of places, in minutes east of Greenwich.
const NAMES: [(&str, i32); 25] = [
    ("Z", 0),
    ("UT", 0),
    ("UTC", 0),
    ("GMT", 0),
    ("WET", 0),
    ("WEST", 60),
    ("BST", 60),
    ("IST", 60),
    ("CET", 60),
    ("MET", 60),
    ("CEST", 120),
    ("MEST", 120),
    ("EET", 120),
    ("EEST", 180),
    ("MSK", 180),
    ("EST", -300),
    ("EDT", -240),
    ("CST", -360),
    ("CDT", -300),
    ("MST", -420),
    ("MDT", -360),
    ("PST", -480),
    ("PDT", -420),
    ("AEST", 600),
    ("AEDT", 660),
];

/// The moment in unix seconds; without a zone it is meant in `assumed`. `None` is no time.
pub fn parse(text: &str, assumed: &TimeZone) -> Option<i64> {
    let text = text.trim_ascii();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (moment, zone) = (text.get(..digits)?, text.get(digits..)?.trim_ascii());
    let moment = civil(moment)?;
    let offset = match zone {
        "" => None,
        zone => Some(offset(zone)?),
    };
    match offset {
        Some(Zone::Offset(seconds)) => {
            Offset::from_seconds(seconds).ok()?.to_timestamp(moment).ok().map(|moment| moment.as_second())
        }
        Some(Zone::Place(zone)) => seconds_in(&zone, moment),
        None => seconds_in(assumed, moment),
    }
}

enum Zone {
    /// Seconds east of Greenwich.
    Offset(i32),
    Place(TimeZone),
}

fn seconds_in(zone: &TimeZone, moment: civil::DateTime) -> Option<i64> {
    zone.to_ambiguous_zoned(moment).compatible().ok().map(|zoned| zoned.timestamp().as_second())
}

/// `YYYYMMDDhhmmss` or less of it; at least the day. A `60` for seconds is 59.
fn civil(digits: &str) -> Option<civil::DateTime> {
    let part = |from: usize, to: usize| -> Option<i8> {
        if digits.len() < to { Some(0) } else { digits.get(from..to)?.parse().ok() }
    };
    if !matches!(digits.len(), 8 | 10 | 12 | 14) {
        return None;
    }
    let year = digits.get(..4)?.parse().ok()?;
    let second = part(12, 14)?;
    let second = if second == 60 { 59 } else { second };
    civil::DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, second, 0).ok()
}

/// `+0100`, `+01:00`, `+01`, a name, or a place such as `Europe/Berlin`.
fn offset(zone: &str) -> Option<Zone> {
    if let Some(rest) = zone.strip_prefix(['+', '-']) {
        let (hours, minutes) = match rest.len() {
            2 => (rest, "0"),
            4 => rest.split_at_checked(2)?,
            5 => rest.split_once(':')?,
            _ => return None,
        };
        let number =
            |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i32>().ok())?;
        let seconds = number(hours)? * 3_600 + number(minutes)? * 60;
        return Some(Zone::Offset(if zone.starts_with('-') { -seconds } else { seconds }));
    }
    if let Some((_, minutes)) = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(zone)) {
        return Some(Zone::Offset(minutes * 60));
    }
    TimeZone::get(zone).ok().map(Zone::Place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> Option<i64> {
        parse(text, &TimeZone::UTC)
    }

    #[test]
    fn a_time_may_be_cut_short_and_its_zone_written_in_many_ways() {
        let moment = utc("20261129173000 +0000");
        assert_eq!(moment, Some(1_795_973_400));
        for same in [
            "20261129173000",
            "202611291730",
            "20261129183000 +0100",
            "20261129183000+0100",
            "20261129183000 +01:00",
            "20261129183000 +01",
            "20261129123000 -0500",
            "20261129183000 CET",
            "20261129183000 cet",
            "20261129123000 EST",
            "20261129183000 Europe/Berlin",
            " 20261129173000 Z ",
        ] {
            assert_eq!(utc(same), moment, "{same}");
        }
        assert_eq!(utc("20261129"), utc("20261129000000"));
        assert_eq!(utc("2026112917"), utc("20261129170000"));
    }

    #[test]
    fn without_a_zone_the_assumed_one_is_meant_also_in_summer() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(parse("20260701120000", &berlin), utc("20260701100000"));
        assert_eq!(parse("20261201120000", &berlin), utc("20261201110000"));
        assert_eq!(parse("20261201120000 +0000", &berlin), utc("20261201120000"), "its own zone counts");
        assert!(parse("20260329023000", &berlin).is_some(), "an hour that does not exist");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026",
            "202611",
            "20261329000000",
            "20261129250000",
            "20261129173000 +1",
            "20261129173000 XYZ",
            "20261129173000 +ab:cd",
            "2026-11-29",
            "soon",
            "+0100",
            "20261129173000 ü",
            "99999999999999",
        ] {
            assert_eq!(utc(text), None, "{text}");
        }
    }
}
