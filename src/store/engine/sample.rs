//! Pages of the database by which content is known again: after a checkpoint each holds what it held, or what the log
//! holds for it.

use std::{
    collections::HashMap,
    fs::File,
    hash::{DefaultHasher, Hasher},
    os::unix::fs::FileExt,
};

use super::log_file::{self, Log};

/// At most so many pages are looked at, spread over the file; all of a smaller one.
const MOST: u32 = 512;

/// What those pages held.
#[derive(Default)]
pub struct Sample(HashMap<u32, u64>);

impl Sample {
    /// The pages as they are now. One that cannot be read is not known.
    pub fn of(database: &File, page: u64) -> Self {
        let count = pages(database, page);
        let held = spread(count).filter_map(|number| Some((number, sum(&read(database, page, number)?))));
        Self(held.collect())
    }

    /// Whether the pages hold what they held or what the log has for them; what the log was moved of must be there.
    pub fn may_have_become(&self, database: &File, log: &File, told: &Log) -> bool {
        let there = pages(database, told.page);
        if told.moved == told.frames && told.frames > 0 && there < told.pages {
            return false;
        }
        let count = if told.pages == 0 { there } else { there.min(told.pages) };
        let step = step(count);
        let frames = log_file::frames(log, told, |number| (number - 1).is_multiple_of(step));
        spread(count).all(|number| {
            let Some(now) = read(database, told.page, number) else { return false };
            let known = self.0.get(&number);
            let is_known = || known.is_some_and(|known| *known == sum(&now));
            let holds = |frame: &u32| log_file::content(log, told, *frame).is_some_and(|held| held == now);
            match frames.get(&number).map(Vec::as_slice) {
                None | Some([]) => known.is_none() || is_known(),
                Some([.., newest]) if *newest <= told.moved => holds(newest),
                Some(all) => is_known() || all.iter().any(holds),
            }
        })
    }
}

fn pages(database: &File, page: u64) -> u32 {
    let long = database.metadata().map_or(0, |found| found.len());
    u32::try_from(long / page.max(512)).unwrap_or(u32::MAX)
}

/// Doubles with the file, so that pages which are looked at in a longer file were looked at in the shorter one.
fn step(count: u32) -> u32 {
    count.div_ceil(MOST).max(1).next_power_of_two()
}

fn spread(count: u32) -> impl Iterator<Item = u32> {
    (1..=count).step_by(step(count) as usize)
}

fn read(database: &File, page: u64, number: u32) -> Option<Vec<u8>> {
    let mut held = vec![0; usize::try_from(page).ok()?];
    database.read_exact_at(&mut held, u64::from(number - 1) * page).ok()?;
    Some(held)
}

fn sum(held: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(held);
    hasher.finish()
}
