//! What is recorded of one stream in all, in memory: an entry for each hour.

use std::collections::BTreeMap;

use super::piece::{HOUR, LONGEST, Piece};

/// Pieces with no more than this between them have no gap, in milliseconds: clocks are not that exact.
const NO_GAP: u64 = 2_000;

/// What is recorded of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many files.
    pub pieces: u64,
    /// How much they take.
    pub bytes: u64,
    /// When the first begins, in unix milliseconds.
    pub from: u64,
    /// When the last ends, in unix milliseconds.
    pub to: u64,
    /// How much of that time is recorded, in milliseconds.
    pub recorded: u64,
    /// How often more than two seconds are missing in between.
    pub gaps: u64,
}

/// The hours of a stream, counted from 1970.
#[derive(Default)]
pub struct Book {
    hours: BTreeMap<u64, Hour>,
    /// Moves with every piece that comes or goes.
    pub changes: u64,
}

/// The pieces that begin in an hour.
#[derive(Default)]
struct Hour {
    pieces: u64,
    bytes: u64,
    /// What they cover, from and to, in order.
    spans: Vec<(u64, u64)>,
}

impl Hour {
    fn add(&mut self, piece: &Piece) {
        self.pieces += 1;
        self.bytes += piece.bytes;
        match self.spans.last_mut() {
            Some((_, end)) if piece.start <= *end + NO_GAP => *end = piece.end().max(*end),
            _ => self.spans.push((piece.start, piece.end())),
        }
    }
}

impl Book {
    /// A piece that begins after all others.
    pub fn add(&mut self, piece: &Piece) {
        self.changes += 1;
        self.hours.entry(piece.start / HOUR).or_default().add(piece);
    }

    /// The pieces of an hour, oldest first.
    pub fn set(&mut self, hour: u64, pieces: &[Piece]) {
        self.changes += 1;
        if pieces.is_empty() {
            self.hours.remove(&hour);
            return;
        }
        let mut read = Hour::default();
        for piece in pieces {
            read.add(piece);
        }
        self.hours.insert(hour, read);
    }

    /// The hours of which anything is recorded, from the first to the last, both included.
    pub fn hours(&self, first: u64, last: u64) -> impl Iterator<Item = u64> {
        // A range that ends before it begins panics.
        self.hours.range(first..=last.max(first)).map(|(hour, _)| *hour)
    }

    /// When the first piece begins.
    pub fn oldest(&self) -> Option<u64> {
        self.hours.values().next()?.spans.first().map(|(start, _)| *start)
    }

    /// When the last piece ends.
    pub fn newest(&self) -> Option<u64> {
        self.hours.values().next_back()?.spans.last().map(|(_, end)| *end)
    }

    /// How much is recorded of a time, in milliseconds.
    pub fn recorded(&self, from: u64, to: u64) -> u64 {
        if from >= to {
            return 0;
        }
        let hours = self.hours.range(from.saturating_sub(LONGEST) / HOUR..=to / HOUR);
        let spans = hours.flat_map(|(_, hour)| &hour.spans);
        spans.map(|(start, end)| (*end).min(to).saturating_sub((*start).max(from))).sum()
    }

    /// In all.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { from: self.oldest().unwrap_or(0), ..Totals::default() };
        for hour in self.hours.values() {
            totals.pieces += hour.pieces;
            totals.bytes += hour.bytes;
            for (start, end) in &hour.spans {
                totals.gaps += u64::from(totals.to > 0 && *start > totals.to + NO_GAP);
                totals.recorded += end - start;
                totals.to = totals.to.max(*end);
            }
        }
        totals
    }
}
