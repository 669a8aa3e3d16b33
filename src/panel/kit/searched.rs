//! What the addresses of searched lists say: `?search=TEXT&from=ROW`.

use super::{sent::Query, show, table::Pager};
use crate::domain::page::{Limit, Page, Start};

/// Rows on one page of such a list.
pub const ROWS: i64 = 100;

/// Which page of which search was asked for.
#[derive(Default)]
pub struct Searched {
    /// The text, empty if nothing is sought.
    pub text: String,
    /// How many rows come before the page.
    pub from: i64,
}

impl Searched {
    /// Out of the address; what cannot be read is the beginning.
    pub fn read(query: &Query) -> Self {
        let from = query.text("from").parse::<i64>().unwrap_or(0).max(0);
        Self { text: query.text("search").trim().to_owned(), from }
    }

    /// The text, if something is sought.
    pub fn sought(&self) -> Option<String> {
        Some(self.text.clone()).filter(|text| !text.is_empty())
    }

    /// The page in the order of ids.
    pub fn page(&self) -> Page {
        let limit = Limit::new(ROWS).unwrap_or_default();
        Page { limit, start: Start::Offset(self.from), search: self.sought(), ..Page::default() }
    }

    /// The ways to the pages around this one of the list at `path`, of `total` rows each called `one`.
    pub fn pager(&self, path: &str, total: i64, one: &str) -> Pager {
        let turn = |from: i64| {
            let search: String = url::form_urlencoded::byte_serialize(self.text.as_bytes()).collect();
            format!("{path}?search={search}&from={from}")
        };
        Pager {
            summary: show::many(total, one),
            previous: (self.from > 0).then(|| turn((self.from - ROWS).max(0))),
            next: (self.from + ROWS < total).then(|| turn(self.from + ROWS)),
        }
    }

    /// What stands in place of no rows.
    pub fn empty(&self) -> String {
        if self.text.is_empty() { "None yet.".into() } else { "Nothing matches.".into() }
    }
}
