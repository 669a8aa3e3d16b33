//! Channels as players list them.

use std::collections::HashSet;

use crate::domain::{
    fields::time::UnixTime,
    ids::{CategoryId, StreamId},
};

/// A channel that a subscriber may watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    pub id: StreamId,
    pub name: String,
    /// The URL of its picture; may be empty.
    pub logo: String,
    /// Its id in the programme guide; may be empty.
    pub guide_id: String,
    /// Its channel number: the stream's own, or 0 for none until [`number`] has given it one.
    pub number: i64,
    /// When it was made.
    pub added: UnixTime,
    /// The category in which it is listed.
    pub heading: Option<Heading>,
}

/// A heading of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    pub id: CategoryId,
    pub name: String,
    /// Shown behind a parental PIN only.
    pub censored: bool,
}

/// What channels without a category stand under: players want one for each.
pub const NO_HEADING: &str = "Uncategorised";

/// Gives every channel of a list a number that no other has. The first channel keeps a number that several
/// streams were given by hand; every other takes its place in the list, or the next number that is free.
pub fn number(channels: &mut [Channel]) {
    let mut taken = HashSet::with_capacity(channels.len());
    for channel in channels.iter_mut().filter(|channel| channel.number > 0) {
        if !taken.insert(channel.number) {
            channel.number = 0;
        }
    }
    let mut next = 0;
    for (place, channel) in (1..).zip(channels).filter(|(_, channel)| channel.number <= 0) {
        next = place.max(next + 1);
        while taken.contains(&next) {
            next += 1;
        }
        channel.number = next;
    }
}

impl Channel {
    /// The number of its category on the wire; 0 if it has none.
    pub fn category(&self) -> i64 {
        self.heading.as_ref().map_or(0, |heading| heading.id.0)
    }

    /// Whether it is to be shown behind a parental PIN only.
    pub fn is_censored(&self) -> bool {
        self.heading.as_ref().is_some_and(|heading| heading.censored)
    }

    /// The name of its category.
    pub fn category_name(&self) -> &str {
        self.heading.as_ref().map_or(NO_HEADING, |heading| &heading.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(own: &[i64]) -> Vec<i64> {
        let channel = |number: &i64| Channel {
            id: StreamId(1),
            name: String::new(),
            logo: String::new(),
            guide_id: String::new(),
            number: *number,
            added: UnixTime::clamped(1),
            heading: None,
        };
        let mut channels: Vec<Channel> = own.iter().map(channel).collect();
        number(&mut channels);
        channels.into_iter().map(|channel| channel.number).collect()
    }

    #[test]
    fn no_number_is_given_twice() {
        assert_eq!(numbered(&[0, 0, 0]), [1, 2, 3]);
        assert_eq!(numbered(&[0, 7, 0]), [1, 7, 3]);
        assert_eq!(numbered(&[0, 0, 1, 2]), [3, 4, 1, 2]);
        assert_eq!(numbered(&[5, 5, 0, 0, 0]), [5, 2, 3, 4, 6]);
        assert_eq!(numbered(&[2, 0, 0, 4]), [2, 3, 5, 4]);
        let many: Vec<i64> = (0..100_000).map(|n| if n % 3 == 0 { 100_000 - n } else { 0 }).collect();
        let given = numbered(&many);
        assert_eq!(given.iter().collect::<HashSet<_>>().len(), many.len());
    }
}
