//! Lists: headings, cells, search, filters, pages. One template draws them all.

use askama::Template;

use super::{audit::Change, form::Choice, live::Part, show::Moment};

/// How something feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
    /// Neither.
    Plain,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Plain => "plain",
        }
    }
}

/// What stands in one cell of a list or beside one name of a description.
#[derive(Template)]
#[template(path = "cell.html")]
pub enum Cell {
    Text(String),
    /// A text that machines read: an address, a MAC, a URL.
    Code(String),
    /// A number, to the right.
    Number(String),
    /// A way to another page.
    Link {
        /// Where it leads.
        href: String,
        /// What it says.
        text: String,
    },
    /// A state.
    Badge(Tone, String),
    /// A moment, or the word for none.
    Time(Option<Moment>, &'static str),
    /// Several of them.
    Many(Vec<Cell>),
    /// One, and a remark in small below it.
    Under(Box<Cell>, String),
    /// One that changes while one looks at it.
    Part(Part),
    /// A box to tick: what it sends, and what it is called.
    Tick {
        /// The id that it sends.
        value: String,
        /// What is ticked.
        label: String,
    },
    /// One, and beside it when the row was last changed: that goes along with the rows that are ticked, as `seen[ID]`.
    Seen {
        /// What is shown.
        cell: Box<Cell>,
        /// The id of the row.
        id: i64,
        /// The row's `updated_at`.
        at: i64,
    },
    /// Columns before and after, side by side; many of them fold away.
    Changes(Vec<Change>),
    /// What can be done with the row.
    Actions(Vec<RowAction>),
}

/// Something that can be done.
pub enum RowAction {
    /// On another page.
    Go {
        /// Where.
        href: String,
        /// What it says.
        label: String,
    },
    /// At once.
    Do {
        /// Where it is posted.
        action: String,
        /// What it says.
        label: String,
    },
}

/// A heading of a column.
#[derive(Default)]
pub struct Head {
    /// What it says.
    pub label: &'static str,
    /// Whether numbers stand below it.
    pub numeric: bool,
    /// The list sorted by it, if it can be.
    pub sort: Option<Sort>,
}

/// A list sorted by a column.
pub struct Sort {
    /// The address of the list so sorted.
    pub href: String,
    /// `ascending` or `descending` if it is sorted so now, else empty.
    pub now: &'static str,
}

impl Head {
    /// A heading.
    pub fn new(label: &'static str) -> Self {
        Self { label, ..Self::default() }
    }

    /// A heading of numbers.
    pub fn numeric(label: &'static str) -> Self {
        Self { label, numeric: true, sort: None }
    }
}

/// What can be done with the rows that are ticked. Their first cell is a [`Cell::Tick`].
pub struct Ticked {
    /// Where it is posted: `ids[]`, and the button's value as `do`.
    pub action: String,
    /// The address to come back to.
    pub back: String,
    /// What each button sends and says.
    pub buttons: Vec<Choice>,
    /// A choice, and the button that sends it.
    pub choice: Option<(Filter, Choice)>,
}

/// A choice above a list.
pub struct Filter {
    /// The parameter that it sets.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// What there is to choose; the first is "all".
    pub choices: Vec<Choice>,
    /// What is chosen.
    pub value: String,
}

/// A way to another page.
pub struct Link {
    /// Where it leads.
    pub href: String,
    /// What it says.
    pub label: String,
}

impl Link {
    /// A way there.
    pub fn new(href: impl Into<String>, label: impl Into<String>) -> Self {
        Self { href: href.into(), label: label.into() }
    }
}

/// Where a page of a list stands among the others.
#[derive(Default)]
pub struct Pager {
    /// How many there are: `1,204 lines`.
    pub summary: String,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
}

#[derive(Template, Default)]
#[template(path = "listing.html")]
pub struct Listing {
    /// What it is called where a page has several.
    pub label: &'static str,
    /// What is done beside the list: the first is the main thing.
    pub links: Vec<Link>,
    /// What is searched for, if one can search.
    pub search: Option<String>,
    /// In which words the search says what it looks through.
    pub search_hint: &'static str,
    /// Choices above it.
    pub filters: Vec<Filter>,
    /// What it is sorted by, kept while searching.
    pub sorted: String,
    /// The headings.
    pub heads: Vec<Head>,
    pub rows: Vec<Vec<Cell>>,
    /// What stands there without rows.
    pub empty: String,
    /// The other pages.
    pub pager: Pager,
    /// What can be done with several rows.
    pub ticked: Option<Ticked>,
    /// Whether rows come and go while one looks at it: [`Rows`] is the part `rows` of the page, the summary
    /// `rows-summary`. One list of a page at most.
    pub flows: bool,
}

/// The rows of a list alone.
#[derive(Template)]
#[template(path = "rows.html")]
pub struct Rows {
    pub rows: Vec<Vec<Cell>>,
    /// What stands there without rows.
    pub empty: String,
}
