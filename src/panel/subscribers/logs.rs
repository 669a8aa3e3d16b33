//! What the logs say of one line or MAG.

use actix_web::web;

use super::{
    super::kit::{
        audit,
        caller::Caller,
        error::Reply,
        pages::ListPage,
        sent::Query,
        show::{self, Moment},
        table::{Cell, Head, Link, Listing, Pager},
    },
    Kind, find,
};
use crate::{
    domain::{Error, Fact, Resource, Result, fields::time::UnixTime, ids::parse_id},
    ops::machine::logs::{Log, LogRow},
};

/// Rows on one page.
const ROWS: u32 = 100;

/// What is kept of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryOf {
    /// Connections that have ended.
    Connections,
    /// When it was turned away.
    Refusals,
    /// Who changed it.
    Audit,
}

impl HistoryOf {
    const ALL: [Self; 3] = [Self::Connections, Self::Refusals, Self::Audit];

    fn path(self) -> &'static str {
        match self {
            Self::Connections => "history",
            Self::Refusals => "refusals",
            Self::Audit => "audit",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Connections => "Connections of",
            Self::Refusals => "Refusals of",
            Self::Audit => "Changes of",
        }
    }

    fn log(self) -> Log {
        match self {
            Self::Connections => Log::Connection,
            Self::Refusals => Log::Refusal,
            Self::Audit => Log::Audit,
        }
    }

    fn heads(self) -> Vec<Head> {
        match self {
            Self::Connections => vec![
                Head::new("Ended"),
                Head::new("Stream"),
                Head::new("Address"),
                Head::new("Player"),
                Head::new("Duration"),
                Head::numeric("Sent"),
                Head::new("Why it ended"),
            ],
            Self::Refusals => ["Time", "Why", "Address", "Player"].map(Head::new).into(),
            Self::Audit => ["Time", "Who", "From", "What", "Changed"].map(Head::new).into(),
        }
    }

    fn empty(self) -> &'static str {
        match self {
            Self::Connections => "Nothing watched yet.",
            Self::Refusals => "No refusals.",
            Self::Audit => "No changes.",
        }
    }
}

/// The page of one of its logs.
pub async fn show<S: Kind>(caller: Caller, at: web::Path<(String, String)>, query: Query) -> Reply {
    let (id, log) = at.into_inner();
    let row = find::<S>(&caller, &id)?;
    let kept = HistoryOf::ALL
        .into_iter()
        .find(|kept| kept.path() == log && (*kept != HistoryOf::Audit || caller.may_read(Resource::Logs)));
    let kept = kept.ok_or(Error::NoSuch { resource: S::RESOURCE, which: Some(log) })?;
    let before = parse_id(query.text("before")).ok();
    let mut listing = listing::<S>(&caller, row.id, kept, before, ROWS).await?;
    let name = row.record.name();
    listing.links = vec![Link::new(S::href(row.id), format!("Back to {name}"))];
    let frame = caller.frame(format!("{} {name}", kept.title()));
    Ok(caller.page(&ListPage { frame, about: "", listing }))
}

/// At most `most` rows of one of its logs older than row `before`, the newest first.
pub async fn listing<S: Kind>(
    caller: &Caller,
    id: S::Id,
    kept: HistoryOf,
    before: Option<i64>,
    most: u32,
) -> Result<Listing> {
    let mut rows = caller.ops.history_of::<S>(caller.actor(), id, kept.log(), before, most + 1).await?;
    let more = rows.len() > most as usize;
    rows.truncate(most as usize);
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let referred = |row: &LogRow| audit::referred(text(row, "before"), text(row, "after"));
    let words = audit::Words::of(caller, rows.iter().flat_map(referred))?;
    let oldest = rows.last().and_then(|row| number(row, "id"));
    let href = format!("{}/{}", S::href(id), kept.path());
    Ok(Listing {
        label: kept.title(),
        heads: kept.heads(),
        rows: rows.iter().map(|row| cells(kept, row, &zone, &words)).collect(),
        empty: kept.empty().into(),
        pager: Pager {
            summary: String::new(),
            previous: before.map(|_| href.clone()),
            next: oldest.filter(|_| more).map(|oldest| format!("{href}?before={oldest}")),
        },
        ..Listing::default()
    })
}

fn cells(kept: HistoryOf, row: &LogRow, zone: &jiff::tz::TimeZone, words: &audit::Words) -> Vec<Cell> {
    let text = |name| Cell::Text(text(row, name).to_owned());
    let time = |name| Cell::Time(number(row, name).map(|at| Moment::of(UnixTime::clamped(at), zone)), "");
    let address = Cell::Code(self::text(row, "address").to_owned());
    match kept {
        HistoryOf::Connections => {
            let lasted = number(row, "at").unwrap_or(0) - number(row, "started_at").unwrap_or(0);
            let sent = number(row, "bytes_sent").and_then(|bytes| u64::try_from(bytes).ok());
            vec![
                time("at"),
                text("stream"),
                address,
                text("user_agent"),
                Cell::Text(show::duration(u64::try_from(lasted).unwrap_or(0))),
                Cell::Number(show::bytes(sent.unwrap_or(0))),
                Cell::Text(show::ending(self::text(row, "reason")).to_owned()),
            ]
        }
        HistoryOf::Refusals => vec![time("at"), text("reason"), address, text("user_agent")],
        HistoryOf::Audit => vec![
            time("at"),
            text("actor"),
            address,
            text("action"),
            Cell::Text(words.changes(self::text(row, "before"), self::text(row, "after"))),
        ],
    }
}

fn text<'r>(row: &'r LogRow, name: &str) -> &'r str {
    match row.iter().find(|(column, _)| *column == name) {
        Some((_, Fact::Text(text))) => text,
        _ => "",
    }
}

fn number(row: &LogRow, name: &str) -> Option<i64> {
    match row.iter().find(|(column, _)| *column == name) {
        Some((_, Fact::Number(number))) => Some(*number),
        _ => None,
    }
}
