//! How a subscription is told in words.

use jiff::tz::TimeZone;

use super::super::kit::{
    show::Moment,
    table::{Cell, Tone},
};
use crate::domain::{
    fields::{container::Container, time::UnixTime},
    subscribers::{
        listing::{SOON, State},
        subscription::Subscription,
    },
};

/// What a state is called in a choice.
pub fn state(state: State) -> &'static str {
    match state {
        State::Active => "Active",
        State::Expired => "Expired",
        State::Expiring => "Expires within 7 days",
        State::Disabled => "Disabled",
        State::Banned => "Banned",
        State::Trial => "Trial",
        State::Watching => "Watching now",
    }
}

/// The state of a row: what keeps it from watching first.
pub fn badge(subscription: &Subscription, now: UnixTime) -> Cell {
    let (tone, text) = told(subscription, now);
    let badge = Cell::Badge(tone, text.into());
    if subscription.is_trial {
        Cell::Many(vec![badge, Cell::Badge(Tone::Plain, "trial".into())])
    } else {
        badge
    }
}

fn told(subscription: &Subscription, now: UnixTime) -> (Tone, &'static str) {
    let end = subscription.expire_date.0.map(UnixTime::seconds);
    if subscription.banned {
        (Tone::Bad, "banned")
    } else if subscription.disabled {
        (Tone::Bad, "disabled")
    } else if subscription.expire_date.is_over(now) {
        (Tone::Bad, "expired")
    } else if end.is_some_and(|end| end <= now.seconds() + SOON) {
        (Tone::Warn, "expires soon")
    } else {
        (Tone::Good, "active")
    }
}

/// The end, or the word for none.
pub fn end(subscription: &Subscription, zone: &TimeZone) -> Cell {
    Cell::Time(subscription.expire_date.0.map(|end| Moment::of(end, zone)), "never")
}

/// How a form of delivery is called.
pub fn form(form: Container) -> &'static str {
    match form {
        Container::Ts => "MPEG\u{2011}TS",
        Container::Hls => "HLS",
    }
}

/// `1 of 3`, `1, no limit`
pub fn connections(open: usize, subscription: &Subscription) -> String {
    match subscription.max_allowed_connections.get() {
        0 => format!("{open}, no limit"),
        limit => format!("{open} of {limit}"),
    }
}
