//! How numbers, times and sizes are written for people.

use jiff::tz::TimeZone;

use crate::domain::{fields::time::UnixTime, viewing::session::Ending};

/// `1,234,567`
pub fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        grouped.push('\u{2212}');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Why a session ended, out of the word that the logs have for it.
pub fn ending(word: &str) -> &str {
    Ending::ALL.into_iter().find(|ending| ending.name() == word).map_or(word, |ending| ending.words())
}

/// `1 line`, `1,204 lines`, `2 entries`
pub fn many(count: impl TryInto<i64>, one: &str) -> String {
    let count = count.try_into().unwrap_or(i64::MAX);
    match (count, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{} {stem}ies", number(count)),
        (_, None) => format!("{} {one}s", number(count)),
    }
}

/// `1.5 GB`: decimal units, as disks and networks are sold.
pub fn bytes(bytes: u64) -> String {
    scaled(bytes, &["B", "kB", "MB", "GB", "TB", "PB"])
}

/// `4.1 Mbit/s`, from kilobits.
pub fn rate(kbps: u64) -> String {
    scaled(kbps.saturating_mul(1000), &["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s", "Pbit/s"])
}

fn scaled(value: u64, units: &[&str]) -> String {
    let mut whole = value;
    let mut rest = 0;
    let mut unit = 0;
    while whole >= 1000 && unit + 1 < units.len() {
        (whole, rest) = (whole / 1000, whole % 1000);
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or_default();
    if unit == 0 || whole >= 100 {
        format!("{whole} {name}")
    } else {
        format!("{whole}.{} {name}", rest / 100)
    }
}

/// `3 d 4 h`, `4 h 5 min`, `5 min 6 s`, `6 s`
pub fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |one: String, rest: u64, unit| if rest == 0 { one } else { format!("{one} {rest} {unit}") };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => two(format!("{minutes} min"), seconds % 60, "s"),
        (0, _, _) => two(format!("{hours} h"), minutes % 60, "min"),
        _ => two(format!("{days} d"), hours % 24, "h"),
    }
}

/// `under 1 ms`, `12 ms`, `1.5 s`, `5 min 6 s`: how long something took.
pub fn brief(took: std::time::Duration) -> String {
    match took.as_millis() {
        0 => "under 1 ms".into(),
        millis @ 1..1000 => format!("{millis} ms"),
        millis @ 1000..10_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        _ => duration(took.as_secs()),
    }
}

/// A moment on a page, in the panel's zone as everything else there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// `2026-11-24 09:00:00 Europe/Berlin`: the same with the panel's zone, shown on hover.
    pub title: String,
    /// `2026-11-24T08:00:00Z`, for machines.
    pub iso: String,
    /// `2026-11-24 08:00` in the panel's zone.
    pub text: String,
}

impl Moment {
    /// That moment in the panel's zone.
    pub fn of(time: UnixTime, zone: &TimeZone) -> Self {
        let local = time.local(zone);
        let utc = time.local(&TimeZone::UTC);
        Self {
            title: time.named(zone),
            iso: format!("{}Z", utc.replace(' ', "T")),
            text: local.get(..16).unwrap_or(&local).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let shown = [0, 999, 1_000, 1_234_567, -45_000].map(number);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567", "\u{2212}45,000"]);
    }

    #[test]
    fn one_of_them_is_not_several() {
        let shown =
            [many(0, "line"), many(1, "line"), many(1_204, "line"), many(2, "entry"), many(1, "entry")];
        assert_eq!(shown, ["0 lines", "1 line", "1,204 lines", "2 entries", "1 entry"]);
    }

    #[test]
    fn sizes_and_rates_have_a_unit_that_can_be_read() {
        let shown = [0, 999, 1_500, 15_940_000_000, 250_000_000].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.5 kB", "15.9 GB", "250 MB"]);
        assert_eq!(rate(4_120), "4.1 Mbit/s");
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let shown = [5, 65, 600, 3_700, 90_000, 172_800].map(duration);
        assert_eq!(shown, ["5 s", "1 min 5 s", "10 min", "1 h 1 min", "1 d 1 h", "2 d"]);
    }

    #[test]
    fn what_took_no_time_at_all_is_not_zero() {
        let shown = [300, 12_000, 1_560_000, 65_000_000]
            .map(|micros| brief(std::time::Duration::from_micros(micros)));
        assert_eq!(shown, ["under 1 ms", "12 ms", "1.5 s", "1 min 5 s"]);
    }

    #[test]
    fn a_moment_is_written_in_the_zone_of_the_panel() {
        let moment = Moment::of(UnixTime::clamped(1_795_507_200), &TimeZone::get("Europe/Berlin").unwrap());
        assert_eq!((moment.iso.as_str(), moment.text.as_str()), ("2026-11-24T08:00:00Z", "2026-11-24 09:00"));
        assert_eq!(moment.title, "2026-11-24 09:00:00 Europe/Berlin");
    }
}
