//! Pages of lists: which rows, from where, how many (docs/api.md, "Lists").

use super::{Fact, fields::time::UnixTime};

/// How many rows a page has: 1 to 1,000; 100 unless told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    /// The longest page.
    pub const MOST: Self = Self(1000);

    /// The limit, or `None` out of bounds.
    pub fn new(rows: i64) -> Option<Self> {
        u16::try_from(rows).ok().filter(|rows| (1..=1000).contains(rows)).map(Self)
    }

    /// The number of rows.
    pub fn rows(self) -> u16 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

/// Where a page begins. Pages after an id cost the same however deep they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// After this many rows.
    Offset(i64),
    /// After the row of this id.
    After(i64),
}

/// A page of a list, in the order of ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// How many rows at most.
    pub limit: Limit,
    /// Where it begins.
    pub start: Start,
    /// Only rows with this text in one of their names, usernames or notes.
    pub search: Option<String>,
    /// Only rows changed at or after this moment.
    pub changed_since: Option<UnixTime>,
    /// Only rows whose column has this value; for lists, holds this value.
    pub filters: Vec<(&'static str, Fact)>,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            limit: Limit::default(),
            start: Start::Offset(0),
            search: None,
            changed_since: None,
            filters: Vec::new(),
        }
    }
}

/// A page's rows and how many there are in all.
#[derive(Clone, Debug)]
pub struct Rows<T> {
    /// Exactly how many rows match.
    pub total: i64,
    /// The rows of this page.
    pub rows: Vec<T>,
}
