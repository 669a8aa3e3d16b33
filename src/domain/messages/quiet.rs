//! Quiet hours: when messages wait.

use jiff::{Timestamp, ToSpan, civil, tz::TimeZone};

use crate::domain::fields::{text::DayTime, time::UnixTime};

/// The end of the quiet hours that a moment lies in; none if it lies in none, and without two different times of day.
pub fn until(
    now: UnixTime,
    zone: &TimeZone,
    from: Option<&DayTime>,
    to: Option<&DayTime>,
) -> Option<UnixTime> {
    let (from, to) = (from?.minutes(), to?.minutes());
    let local = Timestamp::from_second(now.seconds()).ok()?.to_zoned(zone.clone());
    let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
    let is_quiet = if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to };
    if !is_quiet {
        return None;
    }
    let day = if minute >= to { local.date().checked_add(1.day()).ok()? } else { local.date() };
    let time = civil::time(i8::try_from(to / 60).ok()?, i8::try_from(to % 60).ok()?, 0, 0);
    let end = day.to_datetime(time).to_zoned(zone.clone()).ok()?;
    Some(UnixTime::clamped(end.timestamp().as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(now: &str, zone: &str, from: &str, to: &str) -> Option<String> {
        let at = |text: &str| UnixTime::clamped(text.parse::<Timestamp>().unwrap().as_second());
        let zone = TimeZone::get(zone).unwrap();
        let time = |text: &str| DayTime::new(text).unwrap();
        until(at(now), &zone, Some(&time(from)), Some(&time(to))).map(UnixTime::iso)
    }

    #[test]
    fn quiet_hours_end_on_the_same_day_or_the_next() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(end("2026-12-01T23:10:00Z", "UTC", "22:30", "07:00"), some("2026-12-02T07:00:00Z"));
        assert_eq!(end("2026-12-02T06:59:59Z", "UTC", "22:30", "07:00"), some("2026-12-02T07:00:00Z"));
        assert_eq!(end("2026-12-02T07:00:00Z", "UTC", "22:30", "07:00"), None);
        assert_eq!(end("2026-12-02T22:29:59Z", "UTC", "22:30", "07:00"), None);
        assert_eq!(end("2026-12-02T12:00:00Z", "UTC", "12:00", "13:00"), some("2026-12-02T13:00:00Z"));
        assert_eq!(end("2026-12-02T12:00:00Z", "UTC", "12:00", "12:00"), None);
        let time = DayTime::new("08:00").unwrap();
        assert_eq!(until(UnixTime::FIRST, &TimeZone::UTC, Some(&time), None), None);
    }

    #[test]
    fn they_follow_the_zone_and_its_clock_changes() {
        // 22:30 in Lisbon in summer; clocks go back at 01:00 UTC on 31 October 2027, so 07:00 is 07:00 UTC then.
        let quiet = end("2027-10-30T21:30:00Z", "Europe/Lisbon", "22:30", "07:00");
        assert_eq!(quiet.as_deref(), Some("2027-10-31T07:00:00Z"));
        // 02:30 does not exist in Berlin on 28 March 2027: it is over when the clock has jumped.
        let quiet = end("2027-03-28T00:10:00Z", "Europe/Berlin", "00:00", "02:30");
        assert_eq!(quiet.as_deref(), Some("2027-03-28T01:30:00Z"));
    }
}
