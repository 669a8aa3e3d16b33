//! What the dashboard counts: subscribers by state, and credits that were sold.

use super::listing::SOON;
use crate::domain::fields::time::UnixTime;

/// How many subscribers of a kind are in which state. A banned one counts as banned whatever else it is, a
/// disabled one as disabled even after its end: the four add up to all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct States {
    /// Those that may watch.
    pub active: i64,
    /// Those that have ended.
    pub expired: i64,
    /// Those that are switched off.
    pub disabled: i64,
    /// Those that the operator has switched off.
    pub banned: i64,
    /// How many of the active ones are trials.
    pub trial: i64,
    /// How many of the active ones end within [`SOON`].
    pub soon: i64,
}

/// What decides about the state of a subscriber.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Switched off by the operator.
    pub banned: bool,
    /// Switched off.
    pub disabled: bool,
    /// Sold as a trial.
    pub trial: bool,
    /// When it ends, in unix seconds; none is after every time.
    pub end: i64,
}

impl States {
    /// Counts one more.
    pub fn count(&mut self, one: Standing, now: UnixTime) {
        let now = now.seconds();
        match one {
            Standing { banned: true, .. } => self.banned += 1,
            Standing { disabled: true, .. } => self.disabled += 1,
            Standing { end, .. } if end <= now => self.expired += 1,
            Standing { trial, end, .. } => {
                self.active += 1;
                self.trial += i64::from(trial);
                self.soon += i64::from(end <= now + SOON);
            }
        }
    }

    /// All of them.
    pub fn total(&self) -> i64 {
        self.active + self.expired + self.disabled + self.banned
    }
}

/// Credits that were paid for sales and extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sold {
    /// Since midnight in the panel's time zone.
    pub today: i64,
    /// In the last 7 days of 24 hours.
    pub week: i64,
    /// In the last 30 days of 24 hours.
    pub month: i64,
}

impl Sold {
    /// Adds a payment of that moment. Nothing before the last 30 days is asked about.
    pub fn add(&mut self, credits: i64, at: i64, now: UnixTime, midnight: UnixTime) {
        self.month += credits;
        if at > now.seconds() - 7 * 86_400 {
            self.week += credits;
        }
        if at >= midnight.seconds() {
            self.today += credits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_in_one_state_and_a_ban_goes_first() {
        let now = UnixTime::clamped(1_000_000);
        let plain = Standing { banned: false, disabled: false, trial: false, end: i64::MAX };
        let mut states = States::default();
        for one in [
            plain,
            Standing { end: 1_000_001, trial: true, ..plain },
            Standing { end: 1_000_000, trial: true, ..plain },
            Standing { disabled: true, end: 5, ..plain },
            Standing { banned: true, disabled: true, end: 5, ..plain },
        ] {
            states.count(one, now);
        }
        let expected = States { active: 2, expired: 1, disabled: 1, banned: 1, trial: 1, soon: 1 };
        assert_eq!((states, states.total()), (expected, 5));
    }

    #[test]
    fn what_was_sold_today_was_also_sold_this_week() {
        let (now, midnight) = (UnixTime::clamped(90 * 86_400 + 100), UnixTime::clamped(90 * 86_400));
        let mut sold = Sold::default();
        for (credits, days) in [(1, 0), (10, 1), (100, 6), (1000, 8)] {
            sold.add(credits, now.seconds() - days * 86_400, now, midnight);
        }
        assert_eq!(sold, Sold { today: 1, week: 111, month: 1111 });
    }
}
