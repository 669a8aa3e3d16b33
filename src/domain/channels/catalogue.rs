//! Channels as players list them.

use std::{collections::HashSet, ops::Deref};

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

/// Channels in order, and the other orders in which they are asked for: sorted once, because thousands ask.
#[derive(Debug, Default)]
pub struct Channels {
    all: Vec<Channel>,
    by_number: Vec<u32>,
    by_name: Vec<u32>,
    by_id: Vec<u32>,
    headings: Vec<u32>,
}

impl Channels {
    /// Channels in that order, each with a number.
    pub fn of(mut all: Vec<Channel>) -> Self {
        number(&mut all);
        all.shrink_to_fit();
        let sorted = |sort: &dyn Fn(&mut Vec<u32>)| {
            let mut places: Vec<u32> = (0..).take(all.len()).collect();
            sort(&mut places);
            places
        };
        let channel = |place: u32| &all[place as usize];
        let by_number = sorted(&|places| places.sort_by_key(|place| channel(*place).number));
        let by_name =
            sorted(&|places| places.sort_by_cached_key(|place| channel(*place).name.to_lowercase()));
        let by_id = sorted(&|places| places.sort_by_key(|place| channel(*place).id.0));
        let headings = sorted(&|places| {
            let mut seen = HashSet::new();
            places.retain(|place| seen.insert(channel(*place).category()));
        });
        Self { all, by_number, by_name, by_id, headings }
    }

    /// The places of all, sorted by number.
    pub fn by_number(&self) -> &[u32] {
        &self.by_number
    }

    /// The places of all, sorted by name without regard to case.
    pub fn by_name(&self) -> &[u32] {
        &self.by_name
    }

    /// The channel at that place.
    pub fn at(&self, place: u32) -> &Channel {
        &self.all[place as usize]
    }

    /// The place of a stream.
    pub fn place(&self, stream: StreamId) -> Option<u32> {
        let found = self.by_id.binary_search_by_key(&stream.0, |place| self.at(*place).id.0);
        found.ok().map(|at| self.by_id[at])
    }

    /// The first channel of each category, in the order of the channels.
    pub fn headings(&self) -> impl Iterator<Item = &Channel> {
        self.headings.iter().map(|place| self.at(*place))
    }
}

impl Deref for Channels {
    type Target = [Channel];

    fn deref(&self) -> &[Channel] {
        &self.all
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
    fn channels_are_found_in_every_order() {
        let channel = |id: i64, name: &str, number: i64, category: i64| Channel {
            id: StreamId(id),
            name: name.into(),
            logo: String::new(),
            guide_id: String::new(),
            number,
            added: UnixTime::clamped(1),
            heading: (category > 0).then(|| Heading {
                id: CategoryId(category),
                name: format!("C{category}"),
                censored: false,
            }),
        };
        let all =
            vec![channel(9, "b", 7, 2), channel(4, "C", 0, 0), channel(6, "a", 1, 2), channel(1, "B", 3, 1)];
        let channels = Channels::of(all);
        assert_eq!((channels.by_number(), channels.by_name()), (&[2, 1, 3, 0][..], &[2, 0, 3, 1][..]));
        let headings: Vec<&str> = channels.headings().map(Channel::category_name).collect();
        assert_eq!(headings, ["C2", NO_HEADING, "C1"]);
        assert_eq!(
            [9, 4, 6, 1, 5].map(|id| channels.place(StreamId(id))),
            [Some(0), Some(1), Some(2), Some(3), None]
        );
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
