//! Guides for what players, boxes and pages are shown.

use std::fmt::Write as _;

use super::{put, refreshed, time, titles};
use crate::support::{TestServer, tv::within};

/// A programme: channel, start and stop in minutes from the present half hour, title, description.
pub type Show<'t> = (&'t str, i64, i64, &'t str, &'t str);

#[allow(clippy::disallowed_methods, reason = "programmes are on now")]
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// The present half hour; minutes of programmes count from it.
pub fn half_hour() -> i64 {
    now() / 1_800 * 1_800
}

/// The guide of these channels (id and name) and programmes; `base` is the half hour.
pub fn xml(base: i64, channels: &[(&str, &str)], shows: &[Show<'_>]) -> String {
    let mut text = super::xmltv(channels, &[]).replace("</tv>\n", "");
    for (id, start, stop, title, description) in shows {
        let (start, stop) = (time(base + start * 60), time(base + stop * 60));
        let _ = write!(text, "<programme start=\"{start}\" stop=\"{stop}\" channel=\"{id}\">");
        let _ = writeln!(
            text,
            "<title>{title}</title><desc>{description}</desc><category>Talk</category></programme>"
        );
    }
    text + "</tv>\n"
}

/// Writes the file of source 1, makes the source if it is not there, and waits until stream 1 shows that title.
pub fn read(server: &TestServer, text: &str, title: &str) {
    put(server, "own.xml", text);
    let sources = server.done("guide_sources/list", "");
    if sources["total"] == 0 {
        server.done("guide_sources/new", "data[name]=Own&data[url]=guide/own.xml&data[refresh_hours]=0");
    }
    // A try is told by its second.
    let before = sources["guide_sources"][0]["last_try_at"].as_i64().unwrap_or(0);
    within(10, "another second", || now() > before);
    let row = refreshed(server, 1);
    assert_eq!((&row["last_error"], &row["last_success_at"]), (&"".into(), &row["last_try_at"]), "{row}");
    // Channels are matched once they are known, and their programmes kept from then on.
    within(20, "its programmes", || titles(server, 1).iter().any(|shown| shown == title));
}
