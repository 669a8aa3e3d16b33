//! A reseller's statement: every movement of its credits, newest first, and as a file.

use actix_web::{
    HttpResponse,
    web::{ServiceConfig, resource},
};
use askama::Template;
use futures_util::stream;
use jiff::{civil::Date, tz::TimeZone};

use crate::{
    domain::{
        Error, Resource, Result,
        fields::time::{UnixTime, ZoneName},
        ids::ResellerId,
        page::{Limit, Page, Rows, Start},
    },
    ops::people::resellers::{Booking, REASONS, Wanted},
    panel::kit::{
        caller::Caller,
        csv,
        error::Reply,
        form::Choice,
        frame::Frame,
        sent::Query,
        show::{self, Moment},
        table::{Cell, Head, Listing, Pager},
    },
};

/// Where a reseller finds its own.
const OWN: &str = "/panel/statement";

/// Mounts a reseller's own.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/statement").get(own)).service(resource("/statement.csv").get(own_download));
}

/// Which part of a statement is asked for.
pub struct StatementQuery {
    /// The first day, as it was typed.
    from: String,
    /// The last day, as it was typed.
    to: String,
    reason: &'static str,
    offset: i64,
    zone: TimeZone,
}

impl StatementQuery {
    /// Reads the parameters; what is no date or no reason asks for everything.
    pub fn read(query: &Query, zone: &ZoneName) -> Self {
        let day = |name| {
            let text = query.text(name);
            text.parse::<Date>().map_or(String::new(), |date| date.to_string())
        };
        let reason = REASONS.into_iter().find(|reason| *reason == query.text("reason"));
        Self {
            from: day("from"),
            to: day("to"),
            reason: reason.unwrap_or_default(),
            offset: query.text("offset").parse::<i64>().unwrap_or(0).max(0),
            zone: zone.zone(),
        }
    }

    fn wanted(&self, newest_first: bool) -> Wanted {
        let begin = |date: Date| {
            let begun = date.to_zoned(self.zone.clone()).ok()?;
            Some(UnixTime::clamped(begun.timestamp().as_second()))
        };
        Wanted {
            since: self.from.parse().ok().and_then(begin),
            before: self.to.parse::<Date>().ok().and_then(|last| last.tomorrow().ok()).and_then(begin),
            reason: Some(self.reason).filter(|reason| !reason.is_empty()),
            newest_first,
        }
    }

    fn query(&self, offset: i64) -> String {
        let Self { from, to, reason, .. } = self;
        format!("?from={from}&to={to}&reason={reason}&offset={offset}")
    }
}

/// A page of a statement, with what can be filtered.
#[derive(Template)]
#[template(path = "statement_part.html")]
pub struct Statement {
    action: String,
    csv: String,
    from: String,
    to: String,
    reasons: Vec<Choice>,
    reason: &'static str,
    listing: Listing,
}

#[derive(Template)]
#[template(path = "statement.html")]
struct OwnPage {
    frame: Frame,
    name: String,
    credits: String,
    statement: Statement,
}

/// Rows on one page.
const ROWS: i64 = 50;

/// A page of the statement of that reseller, which stands at that address. Whether the caller may see it is
/// asked before.
///
/// # Errors
/// [`Error::NoSuch`].
pub async fn of(caller: &Caller, id: ResellerId, at: &str, asked: StatementQuery) -> Result<Statement> {
    let page = Page {
        limit: Limit::new(ROWS).unwrap_or_default(),
        start: Start::Offset(asked.offset),
        ..Page::default()
    };
    let rows = caller.ops.bookings(caller.actor(), id, asked.wanted(true), page).await?;
    let reasons = REASONS.map(|reason| Choice::new(reason, word(reason)));
    let all = std::iter::once(Choice::new("", "Every reason"));
    let href = |offset| format!("{at}{}", asked.query(offset));
    Ok(Statement {
        action: at.to_owned(),
        csv: format!(
            "{}.csv{}",
            if at == OWN { OWN.into() } else { format!("{at}/statement") },
            asked.query(0)
        ),
        from: asked.from.clone(),
        to: asked.to.clone(),
        reasons: all.chain(reasons).collect(),
        reason: asked.reason,
        listing: Listing {
            heads: vec![
                Head::new("When"),
                Head::numeric("Credits"),
                Head::numeric("Balance"),
                Head::new("Reason"),
                Head::new("By"),
            ],
            rows: rows.rows.iter().map(|booking| row(caller, booking, &asked.zone)).collect(),
            empty: "No transactions.".into(),
            pager: Pager {
                summary: show::many(rows.total, "movement"),
                previous: (asked.offset > 0).then(|| href((asked.offset - ROWS).max(0))),
                next: (asked.offset + ROWS < rows.total).then(|| href(asked.offset + ROWS)),
            },
            ..Listing::default()
        },
    })
}

fn row(caller: &Caller, booking: &Booking, zone: &TimeZone) -> Vec<Cell> {
    let sign = if booking.amount > 0 { "+" } else { "" };
    let mut reason = vec![Cell::Text(word(&booking.reason).into())];
    reason.extend(sold(caller, booking));
    if !booking.note.is_empty() {
        reason.push(Cell::Text(booking.note.clone()));
    }
    vec![
        Cell::Time(Some(Moment::of(booking.at, zone)), ""),
        Cell::Number(format!("{sign}{}", show::number(booking.amount))),
        Cell::Number(show::number(booking.balance)),
        Cell::Many(reason),
        Cell::Text(booking.actor.clone()),
    ]
}

/// What was sold, with the way to it while it is there.
fn sold(caller: &Caller, booking: &Booking) -> Option<Cell> {
    let line = booking.line_id.map(|id| ("line", "lines", id, Resource::Line));
    let (one, path, id, resource) = line.or(booking.mag_id.map(|id| ("MAG", "mags", id, Resource::Mag)))?;
    Some(match &booking.sold {
        None => Cell::Text(format!("{one} {id}, deleted")),
        Some(name) if caller.may_read(resource) => {
            Cell::Link { href: format!("/panel/{path}/{id}"), text: name.clone() }
        }
        Some(name) => Cell::Text(name.clone()),
    })
}

/// What a reason of the ledger means.
pub fn word(reason: &str) -> &'static str {
    match reason {
        "opening" => "Opening balance",
        "added" => "Credits adjusted",
        "set" => "Balance set",
        "sale" => "Sale",
        "extension" => "Extension",
        "undone" => "Undone",
        "closing" => "Closed",
        _ => "Other",
    }
}

/// The reseller of whoever is signed in.
fn own_id(caller: &Caller) -> Result<ResellerId> {
    caller.reseller().ok_or(Error::no_such(Resource::Resellers))
}

async fn own(caller: Caller, query: Query) -> Reply {
    let id = own_id(&caller)?;
    let own = caller.ops.reseller(caller.actor(), id).await?;
    let asked = StatementQuery::read(&query, &caller.ops.snapshot().settings.time_zone);
    let statement = of(&caller, id, OWN, asked).await?;
    let frame = caller.frame("Statement");
    let (name, credits) = (own.reseller.record.name.as_str().to_owned(), show::number(own.credits.get()));
    Ok(caller.page(&OwnPage { frame, name, credits, statement }))
}

async fn own_download(caller: Caller, query: Query) -> Reply {
    let id = own_id(&caller)?;
    let asked = StatementQuery::read(&query, &caller.ops.snapshot().settings.time_zone);
    Ok(download(&caller, id, &asked))
}

/// The statement of that reseller as a file, oldest first. Whether the caller may see it is asked before.
pub fn download(caller: &Caller, id: ResellerId, asked: &StatementQuery) -> HttpResponse {
    let head = [
        "time",
        "unix_time",
        "credits",
        "balance",
        "reason",
        "note",
        "actor",
        "line_id",
        "mag_id",
        "plan_id",
        "sold",
    ];
    let (ops, actor, wanted, zone) =
        (caller.ops.clone(), caller.actor().clone(), asked.wanted(false), asked.zone.clone());
    let rows = stream::try_unfold((0, false), move |(after, over)| {
        let (ops, actor, wanted, zone) = (ops.clone(), actor.clone(), wanted.clone(), zone.clone());
        async move {
            if over {
                return Ok(None);
            }
            let page = Page { limit: Limit::MOST, start: Start::After(after), ..Page::default() };
            let Rows { rows, .. } = ops.bookings(&actor, id, wanted, page).await?;
            let last = rows.last().map_or(after, |booking| booking.id);
            let over = rows.len() < usize::from(Limit::MOST.rows());
            let text = csv::rows(rows.iter().map(|booking| cells(booking, &zone)))?;
            Ok::<_, Error>(Some((text, (last, over))))
        }
    });
    csv::download(&format!("statement-{}.csv", id.0), &head, rows)
}

fn cells(booking: &Booking, zone: &TimeZone) -> Vec<String> {
    let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    vec![
        booking.at.local(zone),
        booking.at.seconds().to_string(),
        booking.amount.to_string(),
        booking.balance.to_string(),
        booking.reason.clone(),
        booking.note.clone(),
        booking.actor.clone(),
        id(booking.line_id),
        id(booking.mag_id),
        id(booking.plan_id),
        booking.sold.clone().unwrap_or_default(),
    ]
}
