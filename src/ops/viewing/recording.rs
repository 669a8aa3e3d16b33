//! Part of an archive as it is played: in one piece that may go on, or as a playlist.

use std::{io, time::Duration};

use super::Refusal;
use crate::{
    domain::{
        Error,
        fields::time::UnixTime,
        ids::StreamId,
        viewing::{admission::Rule, window::Window},
    },
    media::archive::{Archive, ListedSegment, Piece, Spans},
    ops::blocking,
};

/// A piece becomes whole so long after its end, in milliseconds: what is played from a moment ago may yet have to come, and what
/// has not come by then never does.
pub const BEHIND: u64 = 180_000;
/// So much of a window that goes on is looked up at once, in milliseconds.
const AT_ONCE: u64 = 3_600_000;

/// Part of an archive as it is sent in one piece.
pub struct Recording {
    /// What is sent.
    pub parts: Spans,
    /// What comes after it, if it goes on.
    pub more: Option<Following>,
    /// Another one for other bytes.
    pub tag: String,
}

/// A window that goes on: what is recorded from a moment on.
pub struct Following {
    archive: Archive,
    stream: StreamId,
    from: u64,
    until: u64,
}

/// Part of an archive as a playlist.
pub struct Playlist {
    /// Its segments, oldest first.
    pub segments: Vec<ListedSegment>,
    /// Whether none follows any more.
    pub is_whole: bool,
}

impl Recording {
    /// A window as it is sent in one piece. It blocks.
    ///
    /// # Errors
    /// [`Refusal`]: nothing of it is recorded.
    pub fn of(archive: &Archive, stream: StreamId, window: Window, now: UnixTime) -> Result<Self, Refusal> {
        let (from, until) = (ms(window.start), window.end.map_or(u64::MAX, ms));
        let is_whole = is_whole(archive, stream, until, ms(now));
        let found = if is_whole {
            look(archive, stream, from, until)?
        } else {
            beginning(archive, stream, from, until)?
        };
        let parts = Spans::of(&found, None, from, until).map_err(|error| unreadable(&error))?;
        let (Some(first), Some(last), false) = (found.first(), found.last(), parts.is_empty()) else {
            return Err(Refusal::Rule(Rule::Archive));
        };
        let tag = format!("{}-{}-{from}-{}", stream.0, first.start, parts.length());
        let following = || Following { archive: archive.clone(), stream, from: last.end(), until };
        Ok(Self { parts, more: (!is_whole).then(following), tag })
    }
}

impl Playlist {
    /// A window as a playlist. It blocks.
    ///
    /// # Errors
    /// [`Refusal`]: nothing of it is recorded.
    pub fn of(archive: &Archive, stream: StreamId, window: Window, now: UnixTime) -> Result<Self, Refusal> {
        let (from, until) = (ms(window.start), ms(window.last()));
        let is_whole = is_whole(archive, stream, until, ms(now));
        let mut pieces = look(archive, stream, from, until)?;
        if pieces.is_empty() && !is_whole {
            pieces = beginning(archive, stream, from, until)?;
        }
        let begin = pieces.first().map_or(from, |piece| from.min(piece.end() - 1));
        let segments = Archive::listed(stream, &pieces, begin, until);
        if segments.is_empty() { Err(Refusal::Rule(Rule::Archive)) } else { Ok(Self { segments, is_whole }) }
    }
}

impl Following {
    /// What was recorded next, once it is; `None` at the end: of the window, or of what is recorded.
    ///
    /// # Errors
    /// What the disk says.
    pub async fn next(&mut self) -> io::Result<Option<Spans>> {
        if self.from >= self.until {
            return Ok(None);
        }
        let newer = self.archive.newer(self.stream, self.from);
        if tokio::time::timeout(Duration::from_millis(BEHIND), newer).await.is_err() {
            return Ok(None);
        }
        let (archive, stream, sent, until) = (self.archive.clone(), self.stream, self.from, self.until);
        let found = blocking(move || {
            let newest = archive.newest(stream).unwrap_or(0);
            let mut from = sent;
            while from < newest.min(until) {
                let mut pieces = archive.pieces(stream, from, (from + AT_ONCE).min(until))?;
                // One that was sent already may reach into this time by its last moments.
                pieces.retain(|piece| piece.start + piece.duration / 2 > sent);
                if let Some(last) = pieces.last() {
                    return Ok((Spans::of(&pieces, Some(sent), from, until)?, last.end()));
                }
                from += AT_ONCE;
            }
            Ok::<_, io::Error>((Spans::default(), until))
        });
        let (parts, end): (Spans, u64) = found.await?;
        self.from = end;
        Ok(Some(parts).filter(|parts| !parts.is_empty()))
    }
}

/// The pieces with which a window begins that goes on: those of its first hour of which any are recorded, or the newest piece if
/// that is only just over.
fn beginning(archive: &Archive, stream: StreamId, from: u64, until: u64) -> Result<Vec<Piece>, Refusal> {
    let newest = archive.newest(stream).unwrap_or(0);
    let mut begin = from;
    while begin < newest.min(until) {
        let found = look(archive, stream, begin, (begin + AT_ONCE).min(until))?;
        if !found.is_empty() {
            return Ok(found);
        }
        begin += AT_ONCE;
    }
    if newest <= from && from < newest + BEHIND {
        look(archive, stream, newest - 1, newest)
    } else {
        Ok(Vec::new())
    }
}

fn look(archive: &Archive, stream: StreamId, from: u64, to: u64) -> Result<Vec<Piece>, Refusal> {
    archive.pieces(stream, from, to).map_err(|error| unreadable(&error))
}

/// Whether nothing of a window that ends then is yet to come.
fn is_whole(archive: &Archive, stream: StreamId, until: u64, now: u64) -> bool {
    until <= now && (archive.newest(stream).is_some_and(|newest| newest >= until) || now > until + BEHIND)
}

/// Unix milliseconds.
pub fn ms(time: UnixTime) -> u64 {
    time.seconds().unsigned_abs() * 1000
}

/// The disk does not give what it holds: that may pass.
pub fn unreadable(error: &io::Error) -> Refusal {
    log::warn!("the archive cannot be read: {error}");
    Refusal::Failed(Error::Busy)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// 2025-11-29 18:00 UTC, in seconds.
    const EVENING: u64 = 490_122 * 3600;
    const NEWS: StreamId = StreamId(7);

    fn at(seconds: u64) -> UnixTime {
        UnixTime::clamped((EVENING + seconds).cast_signed())
    }

    fn length(recording: &Recording) -> u64 {
        recording.parts.length()
    }

    /// A minute of the stream, in a file of one packet.
    fn record(folder: &Path, from: u64) -> Piece {
        let hour = folder.join("7/2025-11-29/18");
        fs::create_dir_all(&hour).unwrap();
        let start = (EVENING + from) * 1000;
        let path = hour.join(format!("{start}-60000.ts"));
        fs::write(&path, [0x47; 188]).unwrap();
        Piece { start, duration: 60_000, bytes: 188, joins: true, path }
    }

    #[tokio::test]
    async fn a_window_that_goes_on_gets_each_piece_once_and_has_no_end_before_it_is_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::below(folder.path().to_owned(), true, folder.path().to_owned());
        record(folder.path(), 0);
        archive.read().unwrap();
        let part = |from, end: Option<u64>, now| {
            Recording::of(&archive, NEWS, Window { start: at(from), end: end.map(at) }, at(now))
        };
        let whole = part(0, Some(60), 61).unwrap();
        assert!(length(&whole) == 188 && whole.more.is_none());
        assert!(part(0, Some(120), 130).unwrap().more.is_some(), "its second minute may yet come");
        assert!(part(0, Some(120), 301).unwrap().more.is_none(), "by now it will not");
        assert!(matches!(part(7_200, Some(7_260), 9_000), Err(Refusal::Rule(Rule::Archive))));

        let open = part(0, None, 61).unwrap();
        assert_eq!(length(&open), 188);
        let mut following = open.more.unwrap();
        for from in [60, 120] {
            archive.add(NEWS, &record(folder.path(), from));
            let next = following.next().await.unwrap().unwrap();
            assert_eq!(next.length(), 188, "the piece from {from} on, and no other");
        }
        let window = Window { start: at(30), end: Some(at(200)) };
        let playlist = Playlist::of(&archive, NEWS, window, at(190)).unwrap();
        assert!(!playlist.is_whole && playlist.segments.len() == 5 + 10 + 10, "{:?}", playlist.segments);
        assert!(Playlist::of(&archive, NEWS, window, at(400)).unwrap().is_whole);
    }
}
