//! Moments, expiry and calendar durations.

use jiff::{Span, Timestamp, ToSpan, tz::TimeZone};

use crate::domain::{Fact, Field, Kind, Rule, Written};

/// 9999-12-31T23:59:59Z, the last second that calendars here know.
const LAST: i64 = 253_402_300_799;

/// Unix seconds, from 1 to the end of the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The earliest one.
    pub const FIRST: Self = Self(1);
    /// The latest one: the end of the year 9999.
    pub const LAST: Self = Self(LAST);

    /// The moment, or `None` out of bounds.
    pub fn new(seconds: i64) -> Option<Self> {
        (1..=LAST).contains(&seconds).then_some(Self(seconds))
    }

    /// The moment nearest to the given seconds.
    pub fn clamped(seconds: i64) -> Self {
        Self(seconds.clamp(1, LAST))
    }

    /// Unix seconds.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// Reads decimal unix seconds.
    ///
    /// # Errors
    /// The rule, for anything else.
    pub fn parse(text: &str) -> Result<Self, Rule> {
        let rule = "unix seconds, a whole number from 1 to 253402300799 (the year 9999)";
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let seconds = if digits { text.parse().ok() } else { None };
        seconds.and_then(Self::new).ok_or_else(|| rule.into())
    }
}

impl UnixTime {
    /// `2026-11-24 08:00:00` in that zone, as the player API writes dates.
    pub fn local(self, zone: &TimeZone) -> String {
        let moment = Timestamp::from_second(self.0).unwrap_or_default().to_zoned(zone.clone());
        moment.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// `2026-11-24T08:00:00Z`, as ISO 8601 writes moments.
    pub fn iso(self) -> String {
        Timestamp::from_second(self.0).unwrap_or_default().to_string()
    }

    /// For people, with the zone's name: `2026-11-24 09:00:00 Europe/Berlin`.
    pub fn named(self, zone: &TimeZone) -> String {
        format!("{} {}", self.local(zone), zone.iana_name().unwrap_or("UTC"))
    }

    /// The first moment of its day in that zone.
    #[must_use]
    pub fn midnight(self, zone: &TimeZone) -> Self {
        let moment = Timestamp::from_second(self.0).unwrap_or_default().to_zoned(zone.clone());
        moment.start_of_day().map_or(self, |start| Self::clamped(start.timestamp().as_second()))
    }
}

/// For people: `2026-11-24 08:00:00 UTC`.
impl std::fmt::Display for UnixTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Timestamp::from_second(self.0) {
            Ok(moment) => write!(f, "{} UTC", moment.strftime("%Y-%m-%d %H:%M:%S")),
            Err(_) => write!(f, "{}", self.0),
        }
    }
}

impl Field for UnixTime {
    const KIND: Kind = Kind::Time;

    fn parse(written: &Written) -> Result<Self, Rule> {
        Self::parse(written.text()?)
    }

    fn fact(&self) -> Fact {
        Fact::Number(self.0)
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::Number(seconds) => Self::new(seconds),
            _ => None,
        }
    }
}

/// When a subscription ends; `None` is never. `0` and an empty value mean never, as PHP's `empty` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry(pub Option<UnixTime>);

impl Expiry {
    /// Whether it has ended at that moment: the second of expiry itself is the first one without service.
    pub fn is_over(self, now: UnixTime) -> bool {
        self.0.is_some_and(|end| end <= now)
    }
}

impl Field for Expiry {
    const KIND: Kind = Kind::Time;

    fn parse(written: &Written) -> Result<Self, Rule> {
        match written.text()? {
            "0" => Ok(Self(None)),
            text => UnixTime::parse(text).map(|end| Self(Some(end))),
        }
    }

    fn fact(&self) -> Fact {
        self.0.map_or(Fact::None, |end| Fact::Number(end.0))
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::None => Some(Self(None)),
            Fact::Number(seconds) => UnixTime::new(seconds).map(|end| Self(Some(end))),
            _ => None,
        }
    }
}

/// The zone by whose calendar months are counted, an IANA name such as `Europe/Lisbon`.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneName {
    name: String,
    /// Looked up once: logins tell the time in it.
    zone: TimeZone,
}

impl ZoneName {
    /// Reads an IANA name.
    ///
    /// # Errors
    /// The rule, for a name that the bundled time zone database does not have.
    pub fn new(text: &str) -> Result<Self, Rule> {
        match TimeZone::get(text) {
            Ok(zone) => Ok(Self { name: text.to_owned(), zone }),
            Err(_) => Err("an IANA time zone such as Europe/Lisbon or UTC".into()),
        }
    }

    /// The IANA name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The zone itself.
    pub fn zone(&self) -> TimeZone {
        self.zone.clone()
    }
}

impl Field for ZoneName {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        Self::new(written.text()?)
    }

    fn fact(&self) -> Fact {
        Fact::Text(self.name.clone())
    }

    fn stored(fact: Fact) -> Option<Self> {
        Self::new(&fact.into_text()?).ok()
    }
}

/// The unit of a plan's duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 3,600 seconds.
    Hour,
    /// The same time of day on a later day.
    Day,
    /// The same day of a later month, or that month's last day.
    Month,
    /// The same date of a later year, or 28 February.
    Year,
}

impl Unit {
    const ALL: [(&'static str, Self); 4] =
        [("hour", Self::Hour), ("day", Self::Day), ("month", Self::Month), ("year", Self::Year)];
}

impl Field for Unit {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        let text = written.text()?;
        let unit = Self::ALL.iter().find(|(name, _)| *name == text);
        unit.map(|(_, unit)| *unit).ok_or_else(|| "hour, day, month or year".into())
    }

    fn fact(&self) -> Fact {
        let name = Self::ALL.iter().find(|(_, unit)| unit == self).map_or("", |(name, _)| name);
        Fact::Text(name.to_owned())
    }

    fn stored(fact: Fact) -> Option<Self> {
        Self::parse(&Written::Text(fact.into_text()?)).ok()
    }
}

/// How many units a plan lasts: 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(u16);

impl Count {
    /// The count, or `None` out of bounds.
    pub fn new(count: i64) -> Option<Self> {
        u16::try_from(count).ok().filter(|count| (1..=10_000).contains(count)).map(Self)
    }
}

impl Field for Count {
    const KIND: Kind = Kind::Number;

    fn parse(written: &Written) -> Result<Self, Rule> {
        let count = super::number::whole(written.text()?).and_then(Self::new);
        count.ok_or_else(|| "a whole number from 1 to 10000".into())
    }

    fn fact(&self) -> Fact {
        Fact::Number(self.0.into())
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::Number(count) => Self::new(count),
            _ => None,
        }
    }
}

/// The moment `count` units after `from` by the calendar of `zone`: one month after 31 January is
/// the last day of February. Anything past the year 9999 ends there.
pub fn later(from: UnixTime, count: Count, unit: Unit, zone: &TimeZone) -> UnixTime {
    let count = i64::from(count.0);
    let span: Span = match unit {
        Unit::Hour => count.hours(),
        Unit::Day => count.days(),
        Unit::Month => count.months(),
        Unit::Year => count.years(),
    };
    let end = Timestamp::from_second(from.0)
        .and_then(|start| start.to_zoned(zone.clone()).checked_add(span))
        .map_or(LAST, |end| end.timestamp().as_second());
    UnixTime::clamped(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> UnixTime {
        UnixTime::new(text.parse::<Timestamp>().unwrap().as_second()).unwrap()
    }

    fn after(start: &str, count: i64, unit: Unit, zone: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        let end = later(at(start), Count::new(count).unwrap(), unit, &zone);
        Timestamp::from_second(end.seconds()).unwrap().to_string()
    }

    #[test]
    fn a_month_after_the_31st_is_the_last_day_of_the_next() {
        assert_eq!(after("2027-01-31T12:00:00Z", 1, Unit::Month, "UTC"), "2027-02-28T12:00:00Z");
        assert_eq!(after("2028-01-31T12:00:00Z", 1, Unit::Month, "UTC"), "2028-02-29T12:00:00Z");
        assert_eq!(after("2027-10-31T00:00:00Z", 1, Unit::Month, "UTC"), "2027-11-30T00:00:00Z");
        assert_eq!(after("2027-11-30T00:00:00Z", 3, Unit::Month, "UTC"), "2028-02-29T00:00:00Z");
    }

    #[test]
    fn a_year_after_29_february_is_28_february() {
        assert_eq!(after("2028-02-29T06:30:00Z", 1, Unit::Year, "UTC"), "2029-02-28T06:30:00Z");
    }

    #[test]
    fn days_keep_the_time_of_day_over_a_clock_change_and_hours_do_not() {
        // Lisbon puts its clocks back on 31 October 2027 at 01:00 UTC.
        assert_eq!(after("2027-10-30T20:00:00Z", 1, Unit::Day, "Europe/Lisbon"), "2027-10-31T21:00:00Z");
        assert_eq!(after("2027-10-30T20:00:00Z", 24, Unit::Hour, "Europe/Lisbon"), "2027-10-31T20:00:00Z");
    }

    #[test]
    fn a_month_is_counted_by_the_operators_calendar() {
        // It is already 1 February in Tokyo.
        assert_eq!(after("2027-01-31T20:00:00Z", 1, Unit::Month, "Asia/Tokyo"), "2027-02-28T20:00:00Z");
        assert_eq!(after("2027-01-30T20:00:00Z", 1, Unit::Month, "Asia/Tokyo"), "2027-02-27T20:00:00Z");
    }

    #[test]
    fn a_duration_past_the_last_second_ends_there() {
        assert_eq!(
            later(at("9999-12-01T00:00:00Z"), Count::new(10_000).unwrap(), Unit::Year, &TimeZone::UTC)
                .seconds(),
            LAST
        );
    }

    #[test]
    fn unix_time_is_decimal_seconds_and_no_milliseconds() {
        assert!(UnixTime::parse("1798761600").is_ok());
        for bad in [
            "",
            "0",
            "-5",
            "+5",
            "1e9",
            "1798761600000",
            "12 ",
            "0x10",
            "99999999999999999999999",
            "tomorrow",
        ] {
            assert!(UnixTime::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_expiry_of_zero_is_never_and_its_own_second_is_over() {
        assert_eq!(Expiry::parse(&Written::Text("0".into())), Ok(Expiry(None)));
        let end = UnixTime::clamped(1000);
        assert!(!Expiry(None).is_over(end));
        assert!(Expiry(Some(end)).is_over(end));
        assert!(!Expiry(Some(end)).is_over(UnixTime::clamped(999)));
    }

    proptest! {
        #[test]
        fn later_is_always_later_and_never_panics(from in 1..LAST - 1, count in 1..=10_000_i64, unit in 0..4_usize) {
            let from = UnixTime::clamped(from);
            let end = later(from, Count::new(count).unwrap(), Unit::ALL[unit].1, &TimeZone::UTC);
            prop_assert!(end > from);
        }
    }
}
