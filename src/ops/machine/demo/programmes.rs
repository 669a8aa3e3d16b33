//! What the channels of the demo show: days of invented programmes, the same for everybody who asks on the same day.

use jiff::tz::TimeZone;

use super::CHANNELS;
use crate::domain::{
    channels::catalogue::Channel,
    fields::time::UnixTime,
    guide::{programme::Programme, xmltv},
    ids::StreamId,
};

const DAY: i64 = 86_400;

/// Days from the day before on: as many as are kept, unless somebody asks for more.
const DAYS: i64 = 10;

/// Minutes, title, what it is about.
type Show = (i64, &'static str, &'static str);

/// What channels of each heading show, over and over.
const SHOWS: [(&str, &[Show]); 5] = [
    (
        "News",
        &[
            (30, "The Hour's News", "Headlines from the harbour and the world."),
            (15, "Weather and Tides", "The outlook for coast and hills."),
            (15, "Markets", "Prices of the day, from fish to futures."),
            (60, "Face to Face", "A guest answers for an hour, without a script."),
            (30, "The Hour's News", "Headlines from the harbour and the world."),
            (30, "Street Level", "Reporters walk one street and tell what happens in it."),
            (45, "The Long Read", "One story, with the time that it needs."),
            (15, "Weather and Tides", "The outlook for coast and hills."),
        ],
    ),
    (
        "Sports",
        &[
            (
                105,
                "League Football: Harbour United v Northgate",
                "The match of the round, with the second half uncut.",
            ),
            (30, "Half Time", "Goals, fouls and opinions."),
            (120, "Coast Road Classic", "Cycling: 160 kilometres against the wind."),
            (45, "Ringside", "Three bouts from the old customs hall."),
            (60, "Training Ground", "How a small club prepares for a big one."),
            (90, "Handball: Valley v Quayside", "Second leg; Valley leads by two."),
            (30, "Results", "Every score of the day."),
        ],
    ),
    (
        "Films",
        &[
            (110, "The Lighthouse Keeper's Daughter", "Drama. A letter arrives thirty years late."),
            (95, "Nine Bridges", "Thriller. A courier must cross a city that is closing."),
            (15, "In the Projection Room", "Short talks about long films."),
            (125, "Salt", "Epic. Three generations and one mine."),
            (100, "A Room with Two Doors", "Comedy. Two tenants, one lease."),
            (85, "The Last Tram", "Romance. It runs at ten past one."),
        ],
    ),
    (
        "Children",
        &[
            (15, "Pip and the Paper Boat", "Pip sails across a puddle as wide as a sea."),
            (10, "Count with Cranes", "Numbers from one to ten, at the docks."),
            (25, "The Night Zoo", "Who is awake when everybody sleeps?"),
            (20, "Tin Robot School", "A new pupil rusts in the rain."),
            (30, "Story Hour", "Somebody reads and everybody listens."),
            (20, "Make It Yourself", "A kite out of a newspaper."),
        ],
    ),
    (
        "Music",
        &[
            (60, "Morning Session", "Live from a kitchen with good light."),
            (120, "An Evening at the Opera", "Two acts, one interval."),
            (45, "Fiddle and Drum", "Dances from five valleys."),
            (30, "The Charts", "Thirty songs in thirty minutes."),
            (90, "Concert Hall", "A symphony and what came before it."),
            (15, "One Song", "How it was written, and then the song."),
        ],
    ),
];

/// The id of a channel in the guide.
pub fn guide_id(name: &str) -> String {
    let words: Vec<String> = name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
    format!("{}.demo", words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-"))
}

/// The guide of all channels, as XMLTV.
pub fn guide(now: UnixTime) -> String {
    let headed = CHANNELS.iter().flat_map(|(heading, names)| names.iter().map(move |name| (*heading, *name)));
    let channels: Vec<(&str, Channel)> =
        headed.map(|(heading, name)| (heading, channel(name, now))).collect();
    let mut text = xmltv::head(channels.iter().map(|(_, channel)| channel));
    for (number, (heading, channel)) in channels.iter().enumerate() {
        let programmes = of(heading, number, now, DAYS);
        text.push_str(&xmltv::programmes(&channel.guide_id, &programmes, &TimeZone::UTC));
    }
    text + xmltv::END
}

/// What the channel of that name showed yesterday for half an hour, as late as it did.
pub fn yesterday(name: &str, now: UnixTime) -> Option<Programme> {
    let headed = CHANNELS.iter().flat_map(|(heading, names)| names.iter().map(move |name| (*heading, *name)));
    let (number, (heading, _)) = headed.enumerate().find(|(_, (_, channel))| *channel == name)?;
    let is_half_an_hour = |one: &Programme| one.stop.seconds() - one.start.seconds() == 30 * 60;
    of(heading, number, now, 1).into_iter().rfind(is_half_an_hour)
}

fn channel(name: &str, now: UnixTime) -> Channel {
    Channel {
        id: StreamId(0),
        name: name.to_owned(),
        logo: String::new(),
        guide_id: guide_id(name),
        number: 0,
        added: now,
        heading: None,
    }
}

/// Programmes of the channel of that number under that heading, over this many days from the day before. They follow each
/// other without gaps, and none goes on over midnight UTC.
fn of(heading: &str, number: usize, now: UnixTime, days: i64) -> Vec<Programme> {
    let Some((_, shows)) = SHOWS.iter().find(|(name, _)| *name == heading) else { return Vec::new() };
    let yesterday = now.seconds() - now.seconds().rem_euclid(DAY) - DAY;
    let mut programmes = Vec::new();
    for day in 0..days {
        let midnight = yesterday + day * DAY;
        // Another order each day and on each channel.
        let turn = usize::try_from(midnight / DAY).unwrap_or(0) + number * 2;
        let mut at = midnight;
        for (minutes, title, description) in shows.iter().cycle().skip(turn % shows.len()) {
            if at >= midnight + DAY {
                break;
            }
            let stop = (at + minutes * 60).min(midnight + DAY);
            programmes.push(Programme {
                start: UnixTime::clamped(at),
                stop: UnixTime::clamped(stop),
                title: (*title).to_owned(),
                subtitle: String::new(),
                description: (*description).to_owned(),
                category: heading.to_owned(),
            });
            at = stop;
        }
    }
    programmes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_shows_something_at_every_moment_of_its_days() {
        let now = UnixTime::clamped(1_796_045_000);
        for (number, (heading, _)) in SHOWS.iter().enumerate() {
            let programmes = of(heading, number, now, 9);
            let (first, last) = (programmes.first().unwrap(), programmes.last().unwrap());
            let (past, future) = (now.seconds() - DAY, now.seconds() + 7 * DAY);
            assert!(first.start.seconds() <= past && last.stop.seconds() >= future);
            assert!(programmes.windows(2).all(|pair| pair[0].stop == pair[1].start), "{heading}");
            assert!(programmes.iter().all(|one| one.start < one.stop), "{heading}");
            assert_eq!(programmes.iter().filter(|one| one.is_on(now)).count(), 1, "{heading}");
        }
        assert_eq!(of("Cooking", 1, now, 9), []);
    }

    #[test]
    fn there_is_always_something_of_yesterday() {
        for days in 0..20 {
            let now = UnixTime::clamped(1_796_041_723 + days * DAY);
            let shown = yesterday(super::super::RECORDED, now).unwrap();
            assert!(shown.stop < now && now.seconds() - shown.start.seconds() < 2 * DAY);
        }
    }

    #[test]
    fn every_channel_of_the_demo_is_in_its_guide() {
        let text = guide(UnixTime::clamped(1_796_045_000));
        for (_, names) in CHANNELS {
            for name in names {
                let id = guide_id(name);
                assert!(text.contains(&format!("<channel id=\"{id}\">")), "{id}");
                assert!(text.matches(&format!("channel=\"{id}\"")).count() > 50, "{id}");
            }
        }
        assert_eq!(guide_id("Folk & Roots"), "folk-roots.demo");
    }
}
