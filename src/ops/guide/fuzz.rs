//! What fuzzing feeds of what sources of the guide send.

use std::{io::Cursor, sync::atomic::AtomicBool};

use jiff::tz::TimeZone;

use super::{
    input::Input,
    xmltv::{Sink, read},
};
use crate::store::guide::Texts;

/// Takes everything, and holds it to its bounds.
struct Everything;

impl Sink for Everything {
    type Error = String;

    fn channel(&mut self, _: &str, names: Vec<String>) -> Result<(), String> {
        assert!(names.len() <= 20 && names.iter().all(|name| name.chars().count() <= 200));
        Ok(())
    }

    fn wanted(&mut self, _: &str) -> Result<Option<i64>, String> {
        Ok(Some(1))
    }

    fn keeps(&self, _: i64, _: Option<i64>) -> bool {
        true
    }

    fn programme(&mut self, _: i64, _: i64, _: Option<i64>, texts: Texts<'_>) -> Result<(), String> {
        assert!(texts.title.len() <= 1_000 && texts.description.len() <= 16_000);
        Ok(())
    }

    fn left_out(&mut self) {}
}

/// XMLTV in any encoding.
pub fn xmltv(bytes: &[u8]) {
    let stop = AtomicBool::new(false);
    let Ok(input) = Input::new(Box::new(Cursor::new(bytes.to_vec())), &stop) else { return };
    let _ = read(input, &TimeZone::UTC, &mut Everything);
}
