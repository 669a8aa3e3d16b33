//! The logs, newest first: Panel Error Log, audit trail, API calls, logins, connections, refusals.

mod file;
mod kinds;

use actix_web::web::{Path, ServiceConfig, resource};
use askama::Template;
use jiff::{ToSpan, civil::Date, tz::TimeZone};

use self::kinds::Kind;
use crate::{
    domain::{
        Error, Fact, Resource, Result,
        fields::{number::whole, time::UnixTime},
        viewing::session::Ending,
    },
    ops::machine::logs::{self, Count, Log, LogSearch, Turn},
    panel::{
        kit::{
            audit::Words,
            caller::{Caller, action},
            error::{PageError, Reply},
            form::Choice,
            frame::Frame,
            sent::Query,
            show,
            table::{Link, Listing, Pager},
            tabs::{Tab, Tabs},
        },
        moved,
    },
};

/// Rows on one page.
const ROWS: u32 = 50;

/// Mounts them.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/logs").get(async |_: Caller| moved("/panel/logs/error")))
        .service(resource("/logs/{kind}").get(page))
        .service(resource("/logs/{kind}/csv").get(file::get));
}

#[derive(Template)]
#[template(path = "logs.html")]
struct Page {
    frame: Frame,
    tabs: Tabs,
    about: &'static str,
    path: String,
    search: String,
    inputs: Vec<Input>,
    listing: Listing,
}

/// One thing to look for.
struct Input {
    name: &'static str,
    label: &'static str,
    value: String,
    kind: &'static str,
    /// What there is to choose, if not anything can be written.
    choices: Vec<Choice>,
}

/// What the address asks for, beside the place: which is what a file holds too.
struct LogQuery {
    sought: LogSearch,
    /// The parameters that are not empty.
    given: Vec<(&'static str, String)>,
}

impl LogQuery {
    fn of(kind: &Kind, query: &Query, zone: &TimeZone) -> Result<Self> {
        let mut asked = Self { sought: LogSearch::default(), given: Vec::new() };
        let mut text = |name: &'static str| {
            let text = query.text(name).trim().to_owned();
            if !text.is_empty() {
                asked.given.push((name, text.clone()));
            }
            Some(text).filter(|text| !text.is_empty())
        };
        asked.sought.search = text("search");
        for column in kind.sought() {
            let Some(text) = text(column.name) else { continue };
            let value = if column.is_id {
                let rule = "a whole number";
                Fact::Number(whole(&text).ok_or(Error::invalid(column.name, rule))?)
            } else {
                Fact::Text(text)
            };
            asked.sought.columns.push((column.name, value));
        }
        asked.sought.since = text("from").map(|text| day("from", &text, 0, zone)).transpose()?;
        asked.sought.until = text("to").map(|text| day("to", &text, 1, zone)).transpose()?;
        Ok(asked)
    }

    fn given(&self, name: &str) -> String {
        self.given.iter().find(|(given, _)| *given == name).map(|(_, text)| text.clone()).unwrap_or_default()
    }

    /// That address with what is asked for, and the place.
    fn href(&self, path: &str, place: Option<(&str, i64)>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.given.iter().map(|(name, text)| (*name, text.as_str())));
        if let Some((name, id)) = place {
            query.append_pair(name, &id.to_string());
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

/// The beginning of a day, or of this many days later, in the panel's zone.
fn day(field: &'static str, text: &str, later: i64, zone: &TimeZone) -> Result<UnixTime> {
    let date = text.parse::<Date>().ok().and_then(|date| date.checked_add(later.days()).ok());
    let begin = date.and_then(|date| date.to_zoned(zone.clone()).ok());
    let begin = begin.and_then(|begin| UnixTime::new(begin.timestamp().as_second()));
    begin.ok_or(Error::invalid(field, "a date such as 2026-12-31"))
}

fn kind(name: &str) -> Result<&'static Kind, PageError> {
    kinds::ALL.iter().find(|kind| kind.name == name).ok_or(PageError::Error(Error::no_such(Resource::Logs)))
}

async fn page(caller: Caller, name: Path<String>, query: Query) -> Reply {
    let kind = kind(&name)?;
    let zone = caller.ops.snapshot().settings.time_zone.zone();
    let asked = LogQuery::of(kind, &query, &zone)?;
    let id = |name| query.text(name).parse().ok();
    let turn = match (id("older"), id("newer")) {
        (Some(id), _) => Turn::Older(id),
        (None, Some(id)) => Turn::Newer(id),
        (None, None) => Turn::Newest,
    };
    let sought = LogSearch { turn, rows: ROWS, counted: true, ..asked.sought.clone() };
    let log = kind.log;
    let list = action(Resource::Logs, "list");
    let found = caller.ops.read(caller.actor(), list, move |look| logs::seek(look, log, &sought)).await?;
    let words = Words::of(&caller, found.rows.iter().flat_map(|row| kinds::referred(kind, row)))?;
    let path = format!("/panel/logs/{}", kind.name);
    let listing = Listing {
        label: kind.title,
        links: vec![Link::new(asked.href(&format!("{path}/csv"), None), "Download as CSV")],
        heads: kind.heads(),
        rows: found
            .rows
            .iter()
            .map(|row| (kind.cells)(&kinds::Row { facts: row, zone: &zone, words: &words }))
            .collect(),
        empty: match (found.older, asked.given.is_empty()) {
            (Some(_), _) => "No matches so far: continue with Next.",
            (None, true) => kind.empty,
            (None, false) => "No entries match.",
        }
        .into(),
        pager: Pager {
            summary: summary(found.count),
            previous: found.newer.map(|id| asked.href(&path, Some(("newer", id)))),
            next: found.older.map(|id| asked.href(&path, Some(("older", id)))),
        },
        ..Listing::default()
    };
    let page = Page {
        frame: caller.frame(kind.title),
        tabs: tabs(kind),
        about: kind.about,
        search: asked.given("search"),
        inputs: inputs(kind, &asked),
        path,
        listing,
    };
    Ok(caller.page(&page))
}

fn summary(count: Count) -> String {
    match count {
        Count::Exactly(count) => show::many(count, "entry"),
        Count::MoreThan(count) => format!("more than {}", show::many(count, "entry")),
        Count::Among(rows) => format!("looked through {}", show::many(rows, "entry")),
        Count::Unknown => String::new(),
    }
}

fn tabs(shown: &Kind) -> Tabs {
    let tab = |kind: &Kind| Tab {
        label: kind.title,
        href: format!("/panel/logs/{}", kind.name),
        current: kind.name == shown.name,
    };
    Tabs { label: "Logs", tabs: kinds::ALL.iter().map(tab).collect() }
}

fn inputs(kind: &Kind, asked: &LogQuery) -> Vec<Input> {
    let columns = kind.sought().map(|column| {
        let choices = match column.name {
            "resource" => resources(),
            "reason" if kind.log == Log::Connection => endings(),
            _ => Vec::new(),
        };
        let value = asked.given(column.name);
        Input { name: column.name, label: column.label, value, kind: "text", choices }
    });
    let day =
        |name, label| Input { name, label, value: asked.given(name), kind: "date", choices: Vec::new() };
    // An id is asked for by links from other pages.
    let columns = columns.filter(|input| !input.value.is_empty() || !input.name.ends_with("_id"));
    columns.chain([day("from", "From"), day("to", "To")]).collect()
}

fn endings() -> Vec<Choice> {
    let every = Choice::new("", "Any");
    let words = Ending::ALL.map(|ending| Choice::new(ending.name(), ending.words()));
    std::iter::once(every).chain(words).collect()
}

fn resources() -> Vec<Choice> {
    let every = Choice::new("", "Any");
    let names = Resource::ALL.iter().map(|resource| Choice::new(resource, resource.name()));
    std::iter::once(every).chain(names).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_panels_zone_and_the_last_one_counts() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let seconds = |later| day("from", "2026-03-29", later, &zone).map(UnixTime::seconds);
        // The day on which clocks go forward has 23 hours.
        assert_eq!((seconds(0), seconds(1)), (Ok(1_774_738_800), Ok(1_774_738_800 + 23 * 3600)));
        assert!(day("to", "31.12.2026", 0, &zone).is_err());
    }
}
