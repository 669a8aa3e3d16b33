//! Pages that belong together, each one tab of the others.

use askama::Template;

/// The tabs above a page.
#[derive(Template)]
#[template(path = "tabs.html")]
pub struct Tabs {
    /// What they are together, for whoever does not see them.
    pub label: &'static str,
    /// The pages.
    pub tabs: Vec<Tab>,
}

/// One of the pages.
pub struct Tab {
    /// What it is called.
    pub label: &'static str,
    /// Where it is.
    pub href: String,
    /// Whether it is the one that is shown.
    pub current: bool,
}
