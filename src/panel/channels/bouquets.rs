//! Bouquets and categories.

use crate::{
    domain::{
        Resource, Stored,
        channels::bouquet::{Bouquet, Category},
        ids::Id,
    },
    panel::kit::{
        form::{Input, Section, Widget},
        ordered::Ordered,
        records::{About, Shown},
        show,
        table::{Cell, Head, Tone},
    },
};

impl Shown for Bouquet {
    const PATH: &'static str = "bouquets";
    const ONE: &'static str = "bouquet";
    const MANY: &'static str = "Bouquets";
    const ABOUT: &'static str =
        "Ordered lists of streams that plans are made of. A stream that is in none cannot be watched.";
    const REFERS: &'static [Resource] = &[Resource::Streams];
    const IS_ORDERED: bool = true;

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn heads() -> Vec<Head> {
        vec![
            Head::new("Name"),
            Head::numeric("Streams"),
            Head::numeric("Plans"),
            Head::numeric("Added to lines"),
            Head::numeric("Added to MAGs"),
        ]
    }

    fn cells(row: &Stored<Self>, about: &About) -> Vec<Cell> {
        let used = |users| about.used_by(users, row.id.number());
        let streams = i64::try_from(row.record.streams.len()).unwrap_or(i64::MAX);
        vec![
            Cell::Link { href: Self::href(row.id), text: row.record.name.as_str().into() },
            Cell::Number(show::number(streams)),
            used("plans"),
            used("lines"),
            used("MAGs"),
        ]
    }

    fn sections(about: &About) -> Vec<Section> {
        let streams =
            Widget::Ordered(Ordered::new(about.choices(Resource::Streams), "/panel/streams/search?text="));
        vec![
            Section { legend: "Bouquet", inputs: vec![Input::text("name", "Name").required()] },
            Section {
                legend: "",
                inputs: vec![Input::new("streams", "Streams in order", streams).help(
                    "One per line, id first; the rest of the line is only for you to read. Players show channels in this order. You \
                     can also select streams in the list of streams and add them at the end.",
                )],
            },
        ]
    }
}

impl Shown for Category {
    const MOVED: &'static str = "Open Streams, filter by this category, and choose another one with Edit.";
    const PATH: &'static str = "categories";
    const ONE: &'static str = "category";
    const MANY: &'static str = "Categories";
    const ABOUT: &'static str = "The headings under which players and playlists show channels.";
    const IS_ORDERED: bool = true;

    fn name(&self) -> &str {
        self.name.as_str()
    }

    fn heads() -> Vec<Head> {
        vec![Head::new("Name"), Head::numeric("Streams")]
    }

    fn cells(row: &Stored<Self>, about: &About) -> Vec<Cell> {
        let mut name = vec![Cell::Link { href: Self::href(row.id), text: row.record.name.as_str().into() }];
        if row.record.censored {
            name.push(Cell::Badge(Tone::Plain, "censored".into()));
        }
        vec![Cell::Many(name), about.used_by("streams", row.id.number())]
    }

    fn sections(_: &About) -> Vec<Section> {
        let inputs = vec![
            Input::text("name", "Name").required(),
            Input::new("censored", "Censored", Widget::Flag)
                .help("On MAG boxes its channels require the parental PIN."),
        ];
        vec![Section { legend: "", inputs }]
    }
}
