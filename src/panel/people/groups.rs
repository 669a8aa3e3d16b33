//! Groups of administrators.

use crate::panel::kit::rights;
use crate::{
    domain::{Stored, people::admin::Group},
    panel::kit::{
        form::{Input, Section, Widget},
        records::{About, Shown},
        table::{Cell, Head},
    },
};

impl Shown for Group {
    const MOVED: &'static str = "Open Administrators, and choose another group for them.";
    const PATH: &'static str = "groups";
    const ONE: &'static str = "group";
    const MANY: &'static str = "Groups";
    const ABOUT: &'static str = "What administrators can do. The first two cannot be deleted: Administrators may do everything, Resellers sell lines and MAGs.";

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn heads() -> Vec<Head> {
        vec![Head::new("Name"), Head::new("Rights")]
    }

    fn cells(row: &Stored<Self>, _: &About) -> Vec<Cell> {
        vec![
            Cell::Link { href: Self::href(row.id), text: row.record.name.as_str().into() },
            Cell::Text(rights::words(&row.record.rights)),
        ]
    }

    fn sections(_: &About) -> Vec<Section> {
        vec![
            Section { legend: "Group", inputs: vec![Input::text("name", "Name").required()] },
            Section {
                legend: "What it may do",
                inputs: vec![Input::new("rights", "Rights", Widget::Rights)],
            },
            Section {
                legend: "Signing in",
                inputs: vec![Input::new("require_2fa", "Must have a second factor", Widget::Flag).help(
                    "Whoever has none sets one up before anything else, also where he is signed in now.",
                )],
            },
        ]
    }
}
