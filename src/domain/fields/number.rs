//! Whole numbers with bounds.

use crate::domain::{Fact, Field, Kind, Rule, Written};

/// Reads a decimal whole number; `None` for signs other than `-`, spaces, fractions and overflow.
pub fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

macro_rules! number {
    ($(#[doc = $doc:literal])* $name:ident, $least:literal, $most:literal, $rule:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(i64);

        impl $name {
            /// The number, or `None` out of bounds.
            pub fn new(number: i64) -> Option<Self> {
                ($least..=$most).contains(&number).then_some(Self(number))
            }

            /// The number.
            #[allow(dead_code, reason = "SQL alone reckons with some")]
            pub fn get(self) -> i64 {
                self.0
            }
        }

        impl Field for $name {
            const KIND: Kind = Kind::Number;
            fn parse(written: &Written) -> Result<Self, Rule> {
                whole(written.text()?).and_then(Self::new).ok_or_else(|| $rule.into())
            }
            fn fact(&self) -> Fact {
                Fact::Number(self.0)
            }
            fn stored(fact: Fact) -> Option<Self> {
                match fact {
                    Fact::Number(number) => Self::new(number),
                    _ => None,
                }
            }
        }
    };
}

number!(
    /// How many connections may be open at once: 0 (no limit) to 100,000.
    Connections, 0, 100_000, "a whole number from 0 (no limit) to 100000"
);
number!(
    /// A place in an order: lower comes first.
    Position, 0, 1_000_000_000, "a whole number from 0 to 1000000000"
);
number!(
    /// For how many days events are kept: 0 (there are none) to 36,500.
    EventDays, 0, 36_500, "a whole number of days from 0 (no events) to 36500"
);
number!(
    /// For how many days something is kept: 0 (for ever) to 36,500.
    Days, 0, 36_500, "a whole number from 0 (forever) to 36500"
);

number!(
    /// How many seconds a window or a block lasts: 1 to 86,400.
    Seconds, 1, 86_400, "a whole number of seconds from 1 to 86400"
);
number!(
    /// How many failures are let pass: 0 (no limit) to 1,000,000.
    Failures, 0, 1_000_000, "a whole number from 0 (no limit) to 1000000"
);
number!(
    /// How many days of the guide are kept: 0 to 31.
    GuideDays, 0, 31, "a whole number of days from 0 to 31"
);
number!(
    /// An hour of the day: 0 to 23.
    Hour, 0, 23, "an hour of the day from 0 to 23"
);
number!(
    /// Of how many days, weeks or months a backup is kept: 0 to 1,000.
    KeptBackups, 0, 1_000, "a whole number from 0 (none for that) to 1000"
);
number!(
    /// For how many days a stream is recorded: 0 (not at all) to 31.
    ArchiveDays, 0, 31, "a whole number of days from 0 (not recorded) to 31"
);
number!(
    /// How many bytes: 0 to 1,000,000,000,000,000.
    ByteCount, 0, 1_000_000_000_000_000, "a whole number of bytes from 0 to 1000000000000000"
);
number!(
    /// After how many hours something is fetched again: 0 (never by itself) to 8,760.
    RefreshHours, 0, 8_760, "a whole number of hours from 0 (never by itself) to 8760"
);
number!(
    /// By how many minutes times are moved, later or earlier: -1440 to 1440.
    ShiftMinutes, -1_440, 1_440, "a whole number of minutes from -1440 to 1440"
);
number!(
    /// How many minutes are added: 0 to 120.
    Minutes, 0, 120, "a whole number of minutes from 0 to 120"
);
number!(
    /// A TCP port: 1 to 65,535.
    Port, 1, 65_535, "a port from 1 to 65535"
);
number!(
    /// The number of an autonomous system: what a network provider is known by.
    Asn, 1, 4_294_967_295, "the number of an autonomous system, 1 to 4294967295"
);

number!(
    /// How many trials may be sold in a day: 0 (none) to 1,000,000.
    Trials, 0, 1_000_000, "a whole number from 0 (none) to 1000000, or empty for no limit"
);

impl Field for Option<Trials> {
    const KIND: Kind = Kind::Number;

    fn parse(written: &Written) -> Result<Self, Rule> {
        Trials::parse(written).map(Some)
    }

    fn fact(&self) -> Fact {
        self.map_or(Fact::None, |trials| trials.fact())
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::None => Some(None),
            fact => Trials::stored(fact).map(Some),
        }
    }
}

impl Field for Option<Asn> {
    const KIND: Kind = Kind::Number;

    fn parse(written: &Written) -> Result<Self, Rule> {
        Asn::parse(written).map(Some)
    }

    fn fact(&self) -> Fact {
        self.map_or(Fact::None, |asn| asn.fact())
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::None => Some(None),
            fact => Asn::stored(fact).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_no_fraction_no_plus_and_no_space() {
        assert_eq!(whole("-12"), Some(-12));
        for bad in ["", "-", "+1", "1.0", "1e3", " 1", "99999999999999999999", "0x1", "١"] {
            assert_eq!(whole(bad), None, "{bad}");
        }
    }

    #[test]
    fn connections_have_bounds() {
        assert!(Connections::new(0).is_some() && Connections::new(100_000).is_some());
        assert!(Connections::new(-1).is_none() && Connections::new(100_001).is_none());
    }
}
