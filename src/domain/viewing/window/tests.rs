use super::*;
use crate::domain::guide::{programme::Programme, times, xmltv};

/// 2026-11-29 18:00:00 UTC.
const AT: i64 = 1_795_975_200;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn seconds(text: &str, name: &str) -> Option<i64> {
    start(text, &zone(name)).map(UnixTime::seconds)
}

fn unix(seconds: i64) -> UnixTime {
    UnixTime::clamped(seconds)
}

#[test]
fn every_spelling_of_a_start_is_read() {
    for (text, zone, at) in [
        ("2026-11-29:18-00", "UTC", AT),
        ("2026-11-29:18-00", "Europe/Lisbon", AT),
        ("2026-11-29:19-00", "Europe/Berlin", AT),
        ("2026-11-29:13-00", "America/New_York", AT),
        ("2026-11-29:18-00-05", "UTC", AT + 5),
        ("2026-11-29_18-00", "UTC", AT),
        ("2026-11-29:18:00", "UTC", AT),
        ("2026-11-29:18:00:05", "UTC", AT + 5),
        ("2026-11-29 18:00", "UTC", AT),
        ("2026-11-29 18:00:05", "UTC", AT + 5),
        ("2026-11-29T18:00", "UTC", AT),
        ("2026-11-29T19:00:05", "Europe/Berlin", AT + 5),
        ("2026-11-29T18:00:05.250", "UTC", AT + 5),
        ("2026-11-29T18:00:00Z", "Europe/Berlin", AT),
        ("2026-11-29T19:00:00+01:00", "America/New_York", AT),
        ("2026-11-29T18:00:00.000Z", "Asia/Tokyo", AT),
        ("20261129-18", "UTC", AT),
        ("20261129-19", "Europe/Berlin", AT),
        ("20261129180005", "UTC", AT + 5),
        ("202611291800", "UTC", AT),
        ("1795975200", "Europe/Berlin", AT),
        ("1795975200123", "Europe/Berlin", AT),
        (" 1795975200 ", "UTC", AT),
    ] {
        assert_eq!(seconds(text, zone), Some(at), "{text} in {zone}");
    }
}

#[test]
fn what_is_no_moment_is_none() {
    for text in [
        "",
        "0",
        "now",
        "2026-11-29",
        "2026-11-29:",
        "2026-11-29:18-0",
        "2026-11-29:24-00",
        "2026-02-30:10-00",
        "2026-11-29:18-00-00-00",
        "2026-11-29:1a-00",
        "2026/11/29:18-00",
        "20261129",
        "20261129-1",
        "-1795975200",
        "17959752000",
        "99999999999999",
        "2026-11-29T18:00:00Zx",
        "2026-11-29:18-00\u{0}",
        "２０２６-11-29:18-00",
        "2026-11-29:18-00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        assert_eq!(seconds(text, "UTC"), None, "{text}");
    }
}

#[test]
fn an_hour_that_a_clock_shows_twice_is_the_first_and_one_that_it_leaves_out_is_later() {
    // On 25 October 2026 clocks in Berlin go back from 03:00 to 02:00, at 01:00 UTC.
    let back = 1_792_890_000;
    assert_eq!(seconds("2026-10-25:02-30", "Europe/Berlin"), Some(back - 1800));
    assert_eq!(seconds("2026-10-25:03-00", "Europe/Berlin"), Some(back + 3600));
    assert_eq!(
        seconds("1792891800", "Europe/Berlin"),
        Some(back + 1800),
        "the second is said in unix seconds"
    );
    // On 29 March 2026 they go from 02:00 to 03:00.
    let on = 1_774_746_000;
    assert_eq!(seconds("2026-03-29:02-30", "Europe/Berlin"), Some(on + 1800));
}

#[test]
fn minutes_that_are_none_are_two_hours() {
    for (text, minutes) in
        [("60", 60), ("1", 1), ("1440", 1440), ("1441", 120), ("0", 120), ("", 120), ("-5", 120), ("x", 120)]
    {
        let window = Window::of_minutes(unix(AT), text);
        assert_eq!(window.end, Some(unix(AT + minutes * 60)), "{text}");
    }
}

#[test]
fn a_live_address_says_a_start_and_may_say_an_end() {
    let window = |utc, utcend, duration| Window::of_utc(utc, utcend, duration, &TimeZone::UTC);
    let ends = |seconds| Some(Window { start: unix(AT), end: Some(unix(seconds)) });
    assert_eq!(window("1795975200", "", ""), Some(Window::from(unix(AT))));
    assert_eq!(window("1795975200", "1795978800", ""), ends(AT + 3600));
    assert_eq!(window("1795975200", "", "1800"), ends(AT + 1800));
    assert_eq!(window("1795975200", "", "0"), Some(Window::from(unix(AT))));
    for end in ["1795975200", "1795975100"] {
        assert_eq!(window("1795975200", end, ""), None, "no end at its start or before");
    }
    assert_eq!(window("1795975200", "1895975200", ""), ends(AT + LONGEST), "a window has a longest");
    assert_eq!(window("{utc}", "", ""), None);
}

#[test]
fn addresses_of_the_flussonic_family_are_read() {
    let now = unix(AT + 10_000);
    for (stem, before, from) in [
        ("timeshift_abs-1795975200", "", AT),
        ("timeshift_rel-900", "", AT + 9_100),
        ("7-timeshift_rel-900", "7", AT + 9_100),
        ("7-timeshift_abs-1795975200", "7", AT),
    ] {
        assert_eq!(flussonic(stem, now), Some((before, Window::from(unix(from)))), "{stem}");
    }
    let window = Window { start: unix(AT), end: Some(unix(AT + 3600)) };
    assert_eq!(flussonic("archive-1795975200-3600", now), Some(("", window)));
    assert_eq!(flussonic("7-archive-1795975200-3600", now), Some(("7", window)));
    for stem in [
        "7",
        "timeshift_abs-",
        "timeshift_rel--5",
        "timeshift_rel-x",
        "7timeshift_rel-5",
        "archive-1795975200",
    ] {
        assert_eq!(flussonic(stem, now), None, "{stem}");
    }
}

#[test]
fn a_file_of_a_box_is_an_hour() {
    let berlin = zone("Europe/Berlin");
    let hour = Window { start: unix(AT), end: Some(unix(AT + 3600)) };
    assert_eq!(Window::hour("20261129-19", &berlin), Some(hour));
    for name in ["20261129", "20261129-1900", "20261129-25", "2026112-19", "1795975200"] {
        assert_eq!(Window::hour(name, &berlin), None, "{name}");
    }
}

/// Each zone with the moments at which its clocks change: back in autumn and on in spring. Lord Howe's by half an hour.
const CHANGES: [(&str, [i64; 2]); 3] = [
    ("Europe/Berlin", [1_792_890_000, 1_806_195_600]),
    ("America/New_York", [1_793_512_800, 1_805_007_600]),
    ("Australia/Lord_Howe", [1_806_764_400, 1_791_041_400]),
];

#[test]
fn over_each_change_of_the_clocks_every_moment_is_in_the_hour_that_a_box_asks_for_and_guides_say_when_it_is()
{
    for (name, moments) in CHANGES {
        let zone = zone(name);
        for change in moments {
            let offset = |at: i64| zone.to_offset(Timestamp::from_second(at).unwrap());
            assert_ne!(offset(change - 1), offset(change), "{name}: the clocks change at {change}");
            let mut last: Option<Window> = None;
            for moment in (change - 4 * 3600..change + 4 * 3600).step_by(600) {
                let clock = Timestamp::from_second(moment).unwrap().to_zoned(zone.clone());
                let said = |form| clock.strftime(form).to_string();
                let hour = Window::hour(&said("%Y%m%d-%H"), &zone).unwrap();
                assert!(
                    hour.start <= unix(moment) && unix(moment) < hour.last(),
                    "{name} {moment}: {hour:?}"
                );
                if let Some(last) = last.filter(|last| *last != hour) {
                    assert_eq!(last.end, Some(hour.start), "{name} {moment}: one hour after the other");
                }
                last = Some(hour);
                // What a guide says of it is this moment, whoever reads it in which zone.
                let [title, subtitle, description, category] = [const { String::new() }; 4];
                let (start, stop) = (unix(moment), unix(moment + 600));
                let programme = Programme { start, stop, title, subtitle, description, category };
                let guide = xmltv::programmes("a", &[programme], &zone);
                let times: Vec<i64> =
                    guide.split('"').filter_map(|text| times::parse(text, &TimeZone::UTC)).collect();
                assert_eq!(times, [moment, moment + 600], "{name}: {guide}");
                // A clock that was shown twice is the first of both.
                let asked = seconds(&said("%Y-%m-%d:%H-%M-%S"), name).unwrap();
                let twice = i64::from(offset(change - 1).seconds() - offset(change).seconds()).max(0);
                let is_second = (change..change + twice).contains(&moment);
                assert_eq!(asked, if is_second { moment - twice } else { moment }, "{name} {moment}");
            }
        }
    }
    let berlin = zone("Europe/Berlin");
    assert_eq!(Window::hour("20270328-02", &berlin), None, "there is no such hour");
    let twice = Window::hour("20261025-02", &berlin).unwrap();
    assert_eq!(twice.last().seconds() - twice.start.seconds(), 7200);
}

#[test]
fn a_window_is_widened() {
    let window = Window::of_minutes(unix(AT), "60");
    let wider = window.widened(2, 5);
    assert_eq!((wider.start, wider.end), (unix(AT - 120), Some(unix(AT + 3900))));
    let open = Window::from(unix(AT));
    assert_eq!(open.widened(1, 1).end, None);
    assert_eq!(open.last(), unix(AT + LONGEST));
}
