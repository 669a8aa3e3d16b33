//! The files of an archive: where they are and what their names say.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::domain::ids::StreamId;

/// An hour in milliseconds.
pub const HOUR: u64 = 3_600_000;
/// No piece lasts longer, in milliseconds.
pub const LONGEST: u64 = 300_000;

/// A file of the archive: a transport stream that begins with PAT, PMT and a key frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// When it begins, by the server's clock, in unix milliseconds.
    pub start: u64,
    /// How long it plays, in milliseconds; from 1 to 300,000.
    pub duration: u64,
    /// How long the file is.
    pub bytes: u64,
    /// Whether its clocks and counters go on from the piece before it.
    pub joins: bool,
    /// The file.
    pub path: PathBuf,
}

impl Piece {
    /// When it ends, in unix milliseconds.
    pub fn end(&self) -> u64 {
        self.start + self.duration
    }

    /// Whether it goes on from one that ends then: clocks are not exact to a second or two.
    pub fn follows(&self, end: u64) -> bool {
        self.joins && self.start.abs_diff(end) <= 2_000
    }
}

/// What the name of a piece says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// As [`Piece::start`].
    pub start: u64,
    /// As [`Piece::duration`].
    pub duration: u64,
    /// As [`Piece::joins`].
    pub joins: bool,
}

impl Name {
    /// Reads the name of a file; `None` for a file of somebody else's.
    pub fn read(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".ts")?;
        let (stem, joins) = stem.strip_suffix("-d").map_or((stem, true), |stem| (stem, false));
        let (start, duration) = stem.split_once('-')?;
        let read = Self { start: start.parse().ok()?, duration: duration.parse().ok()?, joins };
        // 9999 is the last year that calendars here know.
        let is_sane = read.start < 253_402_300_800_000 && (1..=LONGEST).contains(&read.duration);
        (is_sane && read.file() == name).then_some(read)
    }

    /// The name of its file.
    pub fn file(self) -> String {
        let mark = if self.joins { "" } else { "-d" };
        format!("{}-{}{mark}.ts", self.start, self.duration)
    }
}

/// The folder of one stream.
pub struct StreamFolder {
    folder: PathBuf,
}

impl StreamFolder {
    /// That of a stream below the archive's folder.
    pub fn of(archive: &Path, stream: StreamId) -> Self {
        Self { folder: archive.join(stream.0.to_string()) }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of an hour, counted from 1970: `2026-11-29/18`, in UTC.
    pub fn hour(&self, hour: u64) -> PathBuf {
        let seconds = i64::try_from(hour.saturating_mul(3600)).unwrap_or(i64::MAX);
        let moment = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX).to_zoned(TimeZone::UTC);
        self.folder.join(moment.strftime("%Y-%m-%d").to_string()).join(moment.strftime("%H").to_string())
    }

    /// The hours that have a folder, in no order.
    ///
    /// # Errors
    /// What the disk says.
    pub fn hours(&self) -> io::Result<Vec<u64>> {
        let mut hours = Vec::new();
        for day in names(&self.folder)? {
            let Some(midnight) = midnight(&day) else { continue };
            let found = names(&self.folder.join(&day))?;
            let found = found.iter().filter_map(|name| name.parse::<u64>().ok().filter(|_| name.len() == 2));
            hours.extend(found.filter(|hour| *hour < 24).map(|hour| midnight + hour));
        }
        Ok(hours)
    }

    /// The pieces of an hour, oldest first; empty files, which a power cut leaves behind, are none.
    ///
    /// # Errors
    /// What the disk says.
    pub fn pieces(&self, hour: u64) -> io::Result<Vec<Piece>> {
        let folder = self.hour(hour);
        let mut pieces = Vec::new();
        for file in names(&folder)? {
            let Some(name) = Name::read(&file).filter(|name| name.start / HOUR == hour) else { continue };
            let path = folder.join(file);
            let bytes = match fs::metadata(&path) {
                Ok(about) => about.len(),
                // Deleted just now.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let Name { start, duration, joins } = name;
            pieces.push(Piece { start, duration, bytes, joins, path });
        }
        pieces.retain(|piece| piece.bytes > 0);
        pieces.sort_by_key(|piece| piece.start);
        Ok(pieces)
    }
}

/// The streams that have a folder.
///
/// # Errors
/// What the disk says.
pub fn streams(archive: &Path) -> io::Result<Vec<StreamId>> {
    let ids = names(archive)?;
    let ids = ids.iter().filter_map(|name| name.parse::<i64>().ok().filter(|id| id.to_string() == *name));
    Ok(ids.filter(|id| *id > 0).map(StreamId).collect())
}

/// The names in a folder; none if it is not there.
///
/// # Errors
/// What the disk says.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

/// The first hour of a day that is written as `2026-11-29`.
fn midnight(day: &str) -> Option<u64> {
    let date: Date = day.parse().ok().filter(|date: &Date| date.to_string() == day)?;
    let seconds = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    u64::try_from(seconds / 3600).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_and_how_long_and_whether_it_joins() {
        for (file, name) in [
            ("1764441600123-60040.ts", Some((1_764_441_600_123, 60_040, true))),
            ("1764441600123-60040-d.ts", Some((1_764_441_600_123, 60_040, false))),
            ("1764441600123-0.ts", None),
            ("1764441600123-300001.ts", None),
            ("01764441600123-5.ts", None),
            ("+1764441600123-5.ts", None),
            ("1764441600123-5.part", None),
            ("1764441600123.ts", None),
            ("253402300800000-5.ts", None),
            ("notes.ts", None),
        ] {
            let read = Name::read(file);
            assert_eq!(read.map(|name| (name.start, name.duration, name.joins)), name, "{file}");
            assert!(read.is_none_or(|name| name.file() == file));
        }
    }

    #[test]
    fn hours_have_folders_by_day_and_hour_in_utc() {
        let place = StreamFolder::of(Path::new("/a"), StreamId(7));
        assert_eq!(place.hour(490_122), Path::new("/a/7/2025-11-29/18"));
        assert_eq!(midnight("2025-11-29"), Some(490_122 - 18));
        assert_eq!((midnight("2025-11-9"), midnight("2025-02-30"), midnight("20251129")), (None, None, None));
    }
}
