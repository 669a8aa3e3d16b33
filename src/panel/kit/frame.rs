//! What surrounds every page: navigation, who is signed in, what was just done.

use super::{
    assets,
    caller::{Caller, Notice},
    live::Topic,
};
use crate::{domain::Resource, ops::machine::version};

/// What the templates of pages need around their own part.
pub struct Frame {
    /// The title of the page.
    pub title: String,
    /// The operator's name, or the product's.
    pub operator: String,
    /// Who is signed in.
    pub username: String,
    /// The zone of every time on the page.
    pub zone: String,
    /// Which version this is, for those who run it.
    pub version: Option<String>,
    /// What was just done.
    pub notice: Option<Notice>,
    /// The address of the page.
    pub path: String,
    /// The navigation.
    pub nav: Vec<Group>,
    /// The address of the style sheet.
    pub style: String,
    /// The address of the script.
    pub script: String,
    /// Where the page hears what changes in it, if anything does.
    pub live: Option<Events>,
    /// The address of the icons.
    pub icons: String,
    /// The address of the tab's icon.
    pub favicon: String,
}

/// Where a page hears what changes in it.
pub struct Events {
    /// The address of the events.
    pub address: String,
    /// The address of the script that listens.
    pub script: String,
}

/// Pages that stand together.
pub struct Group {
    /// The heading; empty for none.
    pub name: &'static str,
    /// The pages.
    pub items: Vec<Item>,
}

/// One entry of the navigation.
pub struct Item {
    /// What it is called.
    pub label: &'static str,
    /// Its address.
    pub path: &'static str,
    /// Its icon's id in `icons.svg`.
    pub icon: &'static str,
    /// Whether the page stands there.
    pub current: bool,
}

/// Label, address, icon, and the resources of which one must be allowed to look at one; none is everybody's.
type Entry = (&'static str, &'static str, &'static str, &'static [Resource]);

const OPERATOR: &[(&str, &[Entry])] = &[
    ("", &[("Dashboard", "/panel/", "dashboard", &[])]),
    (
        "Subscribers",
        &[
            ("Lines", "/panel/lines", "line", &[Resource::Line]),
            ("MAGs", "/panel/mags", "mag", &[Resource::Mag]),
            ("Connections", "/panel/connections", "connection", &[Resource::Connections]),
        ],
    ),
    (
        "Channels",
        &[
            ("Streams", "/panel/streams", "stream", &[Resource::Streams]),
            ("Guide", "/panel/guide", "guide", &[Resource::Guide]),
            ("Recordings", "/panel/recordings", "recording", &[Resource::Archive]),
            ("Bouquets", "/panel/bouquets", "bouquet", &[Resource::Bouquets]),
            ("Categories", "/panel/categories", "category", &[Resource::Categories]),
            ("Plans", "/panel/plans", "plan", &[Resource::SubscriptionPlans]),
        ],
    ),
    (
        "People",
        &[
            ("Resellers", "/panel/resellers", "reseller", &[Resource::Resellers]),
            ("Administrators", "/panel/administrators", "administrator", &[Resource::Administrators]),
            ("Groups", "/panel/groups", "group", &[Resource::Groups]),
        ],
    ),
    (
        "System",
        &[
            ("Servers", "/panel/servers", "server", &[Resource::Servers]),
            (
                "General Settings",
                "/panel/settings",
                "settings",
                &[Resource::Settings, Resource::Security, Resource::Backups],
            ),
            ("Batches", "/panel/batches", "batch", &[Resource::Batches]),
            ("Events", "/panel/events", "event", &[Resource::Events]),
            ("Logs", "/panel/logs", "log", &[Resource::Logs]),
        ],
    ),
];

const RESELLER: &[(&str, &[Entry])] = &[(
    "",
    &[
        ("Dashboard", "/panel/", "dashboard", &[]),
        ("Lines", "/panel/lines", "line", &[Resource::Line]),
        ("MAGs", "/panel/mags", "mag", &[Resource::Mag]),
        ("Connections", "/panel/connections", "connection", &[Resource::Line]),
        ("Batches", "/panel/batches", "batch", &[Resource::Batches]),
        ("Statement", "/panel/statement", "statement", &[]),
    ],
)];

impl Frame {
    /// The frame of a page at that address.
    pub fn of(caller: &Caller, title: String, path: &str, notice: Option<Notice>) -> Self {
        let entries = if caller.reseller().is_some() { RESELLER } else { OPERATOR };
        let groups =
            entries.iter().map(|(name, entries)| Group { name, items: items(caller, entries, path) });
        let snapshot = caller.ops.snapshot();
        let operator = snapshot.settings.operator_name.as_str().to_owned();
        Self {
            title,
            operator: if operator.is_empty() { "Linecard".into() } else { operator },
            username: caller.signed_in.admin.record.username.as_str().to_owned(),
            zone: snapshot.settings.time_zone.as_str().to_owned(),
            version: caller.reseller().is_none().then(words_of_version),
            notice,
            path: path.to_owned(),
            nav: groups.filter(|group| !group.items.is_empty()).collect(),
            style: assets::STYLE.url(),
            script: assets::SCRIPT.url(),
            live: None,
            icons: assets::ICONS.url(),
            favicon: assets::FAVICON.url(),
        }
    }

    /// Of a page whose parts change; with the query of its address.
    #[must_use]
    pub fn live(mut self, topic: &Topic, query: &str) -> Self {
        let address = format!("/panel/live/{}?{query}", topic.name);
        self.live = Some(Events { address, script: assets::LIVE.url() });
        self
    }
}

fn words_of_version() -> String {
    format!("Linecard {}, schema {}", version::PROGRAM, version::SCHEMA)
}

fn items(caller: &Caller, entries: &[Entry], page: &str) -> Vec<Item> {
    let allowed = entries.iter().filter(|(.., of)| of.is_empty() || of.iter().any(|of| caller.may_read(*of)));
    let item = |(label, path, icon, _): &Entry| {
        let below = page.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        Item { label, path, icon, current: if *path == "/panel/" { page == *path } else { below } }
    };
    allowed.map(item).collect()
}
