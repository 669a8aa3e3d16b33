//! What the page of each log shows.

use jiff::tz::TimeZone;

use crate::{
    domain::{Fact, Resource, fields::time::UnixTime, viewing::title::TitleKind},
    ops::{
        machine::logs::{Log, LogRow},
        people::sign_in::Outcome,
    },
    panel::kit::{
        audit::{self, Words},
        show::{self, Moment},
        table::{Cell, Head, Tone},
    },
};

/// A log and its page.
pub struct Kind {
    /// Its name in the address and in `logs/list`.
    pub name: &'static str,
    pub log: Log,
    /// What it is called.
    pub title: &'static str,
    /// A sentence above it.
    pub about: &'static str,
    /// What stands there without rows.
    pub empty: &'static str,
    /// The columns that can be looked for, and what they are called.
    sought: &'static [(&'static str, &'static str)],
    heads: &'static [&'static str],
    /// The cells of a row.
    pub cells: fn(&Row<'_>) -> Vec<Cell>,
}

/// A column that can be looked for.
pub struct Column {
    /// Its name in the log and in the address.
    pub name: &'static str,
    /// What it is called.
    pub label: &'static str,
    /// Whether it is a number.
    pub is_id: bool,
}

impl Kind {
    /// The columns that can be looked for.
    pub fn sought(&self) -> impl Iterator<Item = Column> {
        self.sought.iter().map(|(name, label)| Column { name, label, is_id: name.ends_with("_id") })
    }

    /// The headings.
    pub fn heads(&self) -> Vec<Head> {
        let numeric = |label| matches!(label, "Took" | "Sent");
        let head =
            |label: &&'static str| if numeric(label) { Head::numeric(label) } else { Head::new(label) };
        self.heads.iter().map(head).collect()
    }
}

/// Every log, in the order of the tabs.
pub const ALL: &[Kind] = &[
    Kind {
        name: "error",
        log: Log::Error,
        title: "Panel Error Log",
        about: "Database statements that failed, with the database's own message. If you were given an entry, look it up by its reference.",
        empty: "No statement has failed.",
        sought: &[
            ("reference", "Reference"),
            ("resource", "Resource"),
            ("action", "Action"),
            ("actor", "Actor"),
            ("address", "Address"),
        ],
        heads: &["When", "Error", "Detail", "What", "Actor", "Reference"],
        cells: error,
    },
    Kind {
        name: "audit",
        log: Log::Audit,
        title: "Audit",
        about: "Every change: who made it, from where, and the columns before and after.",
        empty: "No changes yet.",
        sought: &[
            ("actor", "Actor"),
            ("resource", "Resource"),
            ("action", "Action"),
            ("target", "Name"),
            ("address", "Address"),
            ("target_id", "Id"),
        ],
        heads: &["When", "Actor", "What", "Which", "Before and after"],
        cells: audit_cells,
    },
    Kind {
        name: "api",
        log: Log::Api,
        title: "API calls",
        about: "Server API calls with a valid key, and their outcome.",
        empty: "No calls yet.",
        sought: &[
            ("key_name", "API key"),
            ("resource", "Resource"),
            ("action", "Action"),
            ("address", "Address"),
            ("outcome", "Outcome"),
        ],
        heads: &["When", "API key", "Address", "Call", "Outcome", "Took"],
        cells: api,
    },
    Kind {
        name: "login",
        log: Log::Login,
        title: "Logins",
        about: "Attempts to sign in to the panel, and wrong API keys from whitelisted addresses.",
        empty: "Nobody has tried to sign in yet.",
        sought: &[
            ("username", "Username"),
            ("address", "Address"),
            ("face", "Where"),
            ("outcome", "Outcome"),
        ],
        heads: &["When", "Where", "Username", "Address", "Outcome"],
        cells: login,
    },
    Kind {
        name: "connection",
        log: Log::Connection,
        title: "Connections",
        about: "Viewing sessions that have ended.",
        empty: "No session has ended yet.",
        sought: &[
            ("subscriber", "Subscriber"),
            ("stream", "Stream"),
            ("address", "Address"),
            ("reason", "Why it ended"),
            ("line_id", "Line"),
            ("mag_id", "MAG"),
            ("stream_id", "Stream id"),
        ],
        heads: &["Ended", "Duration", "Subscriber", "Stream", "Address", "Player", "Sent", "Why it ended"],
        cells: connection,
    },
    Kind {
        name: "refusal",
        log: Log::Refusal,
        title: "Refusals",
        about: "Viewers who were refused, and why.",
        empty: "Nobody has been refused yet.",
        sought: &[
            ("subscriber", "Subscriber"),
            ("address", "Address"),
            ("reason", "Reason"),
            ("line_id", "Line"),
            ("mag_id", "MAG"),
            ("stream_id", "Stream id"),
        ],
        heads: &["When", "Subscriber", "Stream", "Address", "Player", "Reason"],
        cells: refusal,
    },
];

/// A row, and what is needed to tell it.
pub struct Row<'a> {
    /// The columns.
    pub facts: &'a LogRow,
    /// The panel's zone.
    pub zone: &'a TimeZone,
    /// Names and times for what it holds as numbers.
    pub words: &'a Words,
}

/// The rows to which a row refers by id, as far as they are shown.
pub fn referred(kind: &Kind, row: &LogRow) -> Vec<(Resource, i64)> {
    match kind.log {
        Log::Audit => audit::referred(audit::text_of(row, "before"), audit::text_of(row, "after")),
        Log::Refusal => {
            let stream = row.iter().find_map(|(column, fact)| match fact {
                Fact::Number(id) if *column == "stream_id" => Some((Resource::Streams, *id)),
                _ => None,
            });
            stream.into_iter().collect()
        }
        _ => Vec::new(),
    }
}

impl Row<'_> {
    fn fact(&self, column: &str) -> Option<&Fact> {
        self.facts.iter().find(|(name, _)| *name == column).map(|(_, fact)| fact)
    }

    /// The stream that was watched or asked for, and whether its archive was.
    fn watched(&self, stream: Cell) -> Cell {
        let is_archive = self.text("kind") == TitleKind::Archive.name();
        if is_archive { Cell::Under(Box::new(stream), "catch-up".into()) } else { stream }
    }

    fn text(&self, column: &str) -> &str {
        match self.fact(column) {
            Some(Fact::Text(text)) => text,
            _ => "",
        }
    }

    fn number(&self, column: &str) -> Option<i64> {
        match self.fact(column) {
            Some(Fact::Number(number)) => Some(*number),
            _ => None,
        }
    }

    fn at(&self) -> Cell {
        let at = self.number("at").map(|at| Moment::of(UnixTime::clamped(at), self.zone));
        Cell::Time(at, "")
    }

    fn plain(&self, column: &str) -> Cell {
        Cell::Text(self.text(column).to_owned())
    }

    fn code(&self, column: &str) -> Cell {
        Cell::Code(self.text(column).to_owned())
    }

    fn actor(&self) -> Cell {
        Cell::Under(Box::new(self.plain("actor")), self.text("address").to_owned())
    }

    fn call(&self) -> Cell {
        Cell::Text(format!(
            "{} {}",
            self.text("resource").replace('_', " "),
            self.text("action").replace('_', " ")
        ))
    }

    /// The subscriber, and the way to its page if it is somebody's name.
    fn subscriber(&self) -> Cell {
        let name = self.text("subscriber").to_owned();
        match (self.number("line_id"), self.number("mag_id")) {
            (Some(id), _) => Cell::Link { href: format!("/panel/lines/{id}"), text: name },
            (_, Some(id)) => Cell::Link { href: format!("/panel/mags/{id}"), text: name },
            _ => Cell::Text(name),
        }
    }
}

fn error(row: &Row<'_>) -> Vec<Cell> {
    vec![row.at(), row.plain("error"), row.code("detail"), row.call(), row.actor(), row.code("reference")]
}

fn audit_cells(row: &Row<'_>) -> Vec<Cell> {
    let (before, after) = (row.text("before"), row.text("after"));
    let which = match (row.number("target_id"), row.text("target")) {
        (Some(id), "") => format!("id {id}"),
        (_, name) => name.to_owned(),
    };
    let page =
        Resource::named(row.text("resource")).and_then(page_of).filter(|_| row.text("action") != "delete");
    let (page, id) = match row.text("action") {
        // The row is that of what it has become.
        "convert_to_line" => (Some("lines"), audit::converted_to(after)),
        "convert_to_mag" => (Some("mags"), audit::converted_to(after)),
        _ => (page, row.number("target_id")),
    };
    let which = match (page, id) {
        (Some(page), Some(id)) => Cell::Link { href: format!("/panel/{page}/{id}"), text: which },
        _ => Cell::Text(which),
    };
    vec![row.at(), row.actor(), row.call(), which, Cell::Changes(row.words.compared(before, after))]
}

/// The pages of a resource's rows.
fn page_of(resource: Resource) -> Option<&'static str> {
    Some(match resource {
        Resource::Line => "lines",
        Resource::Mag => "mags",
        Resource::Streams => "streams",
        Resource::Bouquets => "bouquets",
        Resource::Categories => "categories",
        Resource::SubscriptionPlans => "plans",
        Resource::Resellers => "resellers",
        Resource::Administrators => "administrators",
        Resource::Groups => "groups",
        Resource::Servers => "servers",
        Resource::GuideSources => "guide/sources",
        Resource::Batches => "batches",
        Resource::Webhooks => "webhooks",
        Resource::MessageTargets => "message-targets",
        Resource::Settings
        | Resource::Logs
        | Resource::Connections
        | Resource::Security
        | Resource::Guide
        | Resource::Archive
        | Resource::Events
        | Resource::Messages
        | Resource::Backups
        | Resource::Metrics
        | Resource::Jobs => return None,
    })
}

fn api(row: &Row<'_>) -> Vec<Cell> {
    let outcome = match row.text("outcome") {
        "ok" => Cell::Badge(Tone::Good, "ok".into()),
        refusal => {
            Cell::Many(vec![Cell::Badge(Tone::Warn, "refused".into()), Cell::Text(refusal.to_owned())])
        }
    };
    let took = match row.number("micros").unwrap_or(0).unsigned_abs() {
        0 => String::new(),
        micros => {
            format!("{}.{} ms", show::number(i64::try_from(micros / 1000).unwrap_or(0)), micros % 1000 / 100)
        }
    };
    let call =
        Cell::Text(format!("{}/{}", row.text("resource"), row.text("action")).trim_matches('/').to_owned());
    vec![row.at(), row.plain("key_name"), row.code("address"), call, outcome, Cell::Number(took)]
}

fn login(row: &Row<'_>) -> Vec<Cell> {
    let outcome = row.text("outcome").to_owned();
    let tone = if outcome == Outcome::SignedIn.name() { Tone::Good } else { Tone::Warn };
    vec![row.at(), row.plain("face"), row.plain("username"), row.code("address"), Cell::Badge(tone, outcome)]
}

fn connection(row: &Row<'_>) -> Vec<Cell> {
    let (began, ended) = (row.number("started_at").unwrap_or(0), row.number("at").unwrap_or(0));
    let stream = match row.number("stream_id") {
        Some(id) => Cell::Link { href: format!("/panel/streams/{id}"), text: row.text("stream").to_owned() },
        None => row.plain("stream"),
    };
    let stream = row.watched(stream);
    vec![
        row.at(),
        Cell::Text(show::duration(ended.saturating_sub(began).unsigned_abs())),
        row.subscriber(),
        stream,
        row.code("address"),
        Cell::Under(Box::new(row.plain("user_agent")), row.text("container").to_owned()),
        Cell::Number(show::bytes(row.number("bytes_sent").unwrap_or(0).unsigned_abs())),
        Cell::Text(show::ending(row.text("reason")).to_owned()),
    ]
}

fn refusal(row: &Row<'_>) -> Vec<Cell> {
    let stream = match row.number("stream_id") {
        Some(id) => match row.words.known(Resource::Streams, id) {
            Some(name) => Cell::Link { href: format!("/panel/streams/{id}"), text: name.to_owned() },
            // It may never have been there: players ask for whatever they were told.
            None => Cell::Text(format!("number {id}: no such stream")),
        },
        None => Cell::Text(String::new()),
    };
    vec![
        row.at(),
        row.subscriber(),
        row.watched(stream),
        row.code("address"),
        row.plain("user_agent"),
        Cell::Text(row.text("reason").replace('_', " ")),
    ]
}
