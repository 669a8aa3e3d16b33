//! The programme guide: sources, matches, and what is on.

mod boxes;
mod faults;
mod matching;
mod pages;
mod panel;
mod players;
mod recorded;
mod shows;
mod sources;
mod widths;

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::{TestServer, tv::within};

/// XMLTV with a channel `ID NAME` each, and programmes `ID, start, stop, title` in unix seconds.
pub fn xmltv(channels: &[(&str, &str)], programmes: &[(&str, i64, i64, &str)]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<tv>\n".to_owned();
    for (id, name) in channels {
        let _ = writeln!(text, "<channel id=\"{id}\"><display-name>{name}</display-name></channel>");
    }
    for (id, start, stop, title) in programmes {
        let (start, stop) = (time(*start), time(*stop));
        let _ = writeln!(
            text,
            "<programme channel=\"{id}\" start=\"{start}\" stop=\"{stop}\"><title>{title}</title></programme>"
        );
    }
    text + "</tv>\n"
}

/// As XMLTV writes it.
pub fn time(seconds: i64) -> String {
    let moment = jiff::Timestamp::from_second(seconds).unwrap();
    moment.strftime("%Y%m%d%H%M%S +0000").to_string()
}

/// The beginning of this hour.
#[allow(clippy::disallowed_methods, reason = "programmes are on now")]
pub fn hour() -> i64 {
    jiff::Timestamp::now().as_second() / 3_600 * 3_600
}

/// Puts a file below `guide/` of the data folder.
pub fn put(server: &TestServer, name: &str, bytes: impl AsRef<[u8]>) {
    let folder = server.data().join("guide");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

/// Refreshes a source and waits for the end; its row.
pub fn refreshed(server: &TestServer, id: i64) -> Value {
    let row = || server.done("guide_sources/info", &format!("id={id}"))["guide_source"].clone();
    let before = row()["last_try_at"].clone();
    server.done("guide_sources/refresh", &format!("id={id}"));
    within(20, "the refresh ends", || row()["last_try_at"] != before);
    row()
}

/// The titles of a stream's programmes.
pub fn titles(server: &TestServer, stream: i64) -> Vec<String> {
    let found = server.done("guide/programmes", &format!("stream_id={stream}"));
    let programmes = found["programmes"].as_array().unwrap();
    programmes.iter().map(|programme| programme["title"].as_str().unwrap().to_owned()).collect()
}
