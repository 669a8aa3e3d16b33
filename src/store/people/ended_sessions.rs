//! Sessions of the panel that have ended while the database could not be written to: a file beside it, whose room is taken at
//! the start, so that it can be written to on a full disk as well. Without it nobody knows who has signed out.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use parking_lot::Mutex;

use crate::domain::{Fact, Field, people::api_key::KeyHash};

/// The name of the file.
const FILE: &str = "linecard.ended";
/// How many sessions it has room for.
const PLACES: usize = 1024;
/// A place that is free; one that is not holds the hash of a token.
const FREE: [u8; LINE] = [b'-'; LINE];
/// Hexadecimal digits of a hash.
const LINE: usize = 64;
/// A place with its line's end.
const PLACE: usize = LINE + 1;

/// The file of a data folder.
#[derive(Debug)]
pub struct EndedSessions {
    path: PathBuf,
    /// Whoever reads and writes it is alone.
    turn: Mutex<()>,
}

impl EndedSessions {
    /// That of a data folder.
    pub fn below(folder: &Path) -> Self {
        Self { path: folder.join(FILE), turn: Mutex::default() }
    }

    /// The sessions in it, by the hashes of their tokens; `None` if there is no such file, or not a whole one.
    pub fn read(&self) -> Option<Vec<KeyHash>> {
        let _turn = self.turn.lock();
        let text = self.text().ok()?;
        let lines = text.chunks(PLACE).filter_map(|place| std::str::from_utf8(place.get(..LINE)?).ok());
        Some(lines.filter_map(|line| KeyHash::stored(Fact::Text(line.to_owned()))).collect())
    }

    /// Makes an empty one, with its room on the disk, if there is nothing to note.
    ///
    /// # Errors
    /// What the system says.
    pub fn make(&self, nothing_to_note: impl FnOnce() -> bool) -> io::Result<()> {
        let _turn = self.turn.lock();
        // Whoever signs out from now on finds the file.
        if !nothing_to_note() {
            return Ok(());
        }
        let part = self.path.with_extension("ended-part");
        let mut file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        let written = file.write_all(&empty()).and_then(|()| file.sync_all());
        if written.is_err() {
            // What is there of it would keep room that is needed.
            let _ = fs::remove_file(&part);
        }
        written?;
        fs::rename(part, &self.path)
    }

    /// Notes that a session has ended; it is on the disk then. Where that cannot be, the file goes: without it the next start
    /// takes every session for ended.
    ///
    /// # Errors
    /// What the system says to both.
    pub fn note(&self, token: &KeyHash) -> io::Result<()> {
        let _turn = self.turn.lock();
        let noted = self.text().and_then(|text| {
            let free = text.chunks(PLACE).position(|place| place.starts_with(&FREE));
            let free = free.ok_or_else(|| io::Error::other("too many sessions ended"))?;
            self.put(&[free], token.hex().as_bytes())
        });
        noted.or_else(|_| match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }

    /// Forgets sessions that the database no longer has.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget(&self, tokens: &[KeyHash]) -> io::Result<()> {
        let _turn = self.turn.lock();
        let hexes: Vec<String> = tokens.iter().map(KeyHash::hex).collect();
        let text = self.text()?;
        let is_over = |place: &[u8]| hexes.iter().any(|hex| place.starts_with(hex.as_bytes()));
        let over: Vec<usize> =
            text.chunks(PLACE).enumerate().filter(|(_, place)| is_over(place)).map(|(at, _)| at).collect();
        if over.is_empty() { Ok(()) } else { self.put(&over, &FREE) }
    }

    fn text(&self) -> io::Result<Vec<u8>> {
        let text = fs::read(&self.path)?;
        let is_whole = text.len() == PLACES * PLACE;
        if is_whole { Ok(text) } else { Err(io::Error::other("not the file that was made")) }
    }

    fn put(&self, places: &[usize], line: &[u8]) -> io::Result<()> {
        let file = fs::File::options().write(true).open(&self.path)?;
        places.iter().try_for_each(|place| {
            let at = u64::try_from(place * PLACE).map_err(io::Error::other)?;
            file.write_all_at(line, at)
        })?;
        file.sync_data()
    }
}

fn empty() -> Vec<u8> {
    let place: Vec<u8> = FREE.iter().copied().chain([b'\n']).collect();
    place.repeat(PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_ended_is_known_until_it_is_forgotten_and_a_file_that_is_gone_or_cut_says_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = EndedSessions::below(folder.path());
        assert!(file.read().is_none());
        file.make(|| true).expect("a file");
        assert_eq!(file.read(), Some(vec![]));
        let (one, two) = (KeyHash::of("one"), KeyHash::of("two"));
        file.note(&one).expect("room");
        file.note(&two).expect("room");
        file.forget(std::slice::from_ref(&one)).expect("forgotten");
        file.note(&one).expect("room");
        assert_eq!(file.read(), Some(vec![one.clone(), two]));
        for number in 2..PLACES {
            file.note(&KeyHash::of(&number.to_string())).expect("room");
        }
        assert_eq!(file.read().map(|all| all.len()), Some(PLACES));
        file.note(&KeyHash::of("one too many")).expect("the file went instead");
        assert!(file.read().is_none());
        file.make(|| true).expect("a file");
        fs::write(&file.path, "cut").expect("cut");
        assert!(file.read().is_none());
    }
}
