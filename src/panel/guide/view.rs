//! The guide view: channels down, hours across, and a line where now is.

use askama::Template;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::grid::{self, COLUMN, COLUMNS, SPAN, Slot};
use crate::{
    domain::{
        Resource, Result, Stored,
        channels::stream::Stream,
        fields::time::UnixTime,
        guide::programme::Programme,
        ids::{CategoryId, Id, StreamId, parse_id},
    },
    ops::{
        channels::streams::{self, StreamSearch},
        clock,
    },
    panel::kit::{
        caller::{Caller, action},
        error::Reply,
        form::Choice,
        frame::Frame,
        records::{About, Shown},
        sent::Query,
        show,
        table::Pager,
        tabs::Tabs,
    },
};

/// Channels on one page.
const ROWS: u16 = 40;
/// Pages begin on the half hour.
const HALF_HOUR: i64 = 1_800;
/// Programmes of one channel on a page: no more cells fit in a row.
const MOST: usize = 40;

#[derive(Template)]
#[template(path = "guide.html")]
struct GuidePage {
    frame: Frame,
    tabs: Tabs,
    asked: GuideQuery,
    categories: Vec<Choice>,
    days: Vec<Choice>,
    day: String,
    /// The days and hours of the page, in words.
    span: String,
    earlier: String,
    now: String,
    later: String,
    hours: Vec<String>,
    /// How far the page's time has gone, in hundredths; `None` if now is on another page.
    line: Option<String>,
    rows: Vec<Row>,
    pager: Pager,
}

/// A channel.
struct Row {
    name: String,
    href: String,
    number: String,
    slots: Vec<Slot<Entry>>,
    /// Whether nothing is known of what it shows.
    is_empty: bool,
}

/// A programme.
struct Entry {
    id: String,
    title: String,
    subtitle: String,
    description: String,
    category: String,
    /// `18:30`
    begins: String,
    /// `18:30–19:15`
    times: String,
    is_on: bool,
    is_recorded: bool,
}

/// What the address asks for.
struct GuideQuery {
    search: String,
    category: String,
    /// The first moment of the page; now if empty.
    at: Option<i64>,
    from: i64,
}

impl GuideQuery {
    /// Out of the address; what cannot be read is the beginning, and now.
    fn of(query: &Query, zone: &TimeZone, now: UnixTime) -> Self {
        let text = |name| query.text(name).trim().to_owned();
        let at = query.text("at").parse().ok().and_then(UnixTime::new);
        // Another day than the page's begins in the morning.
        let day = query.text("day").parse().ok().filter(|day| *day != date(at.unwrap_or(now), zone));
        let day = day.and_then(|day: Date| {
            let morning = day.at(6, 0, 0, 0).to_zoned(zone.clone()).ok()?;
            Some(morning.timestamp().as_second())
        });
        Self {
            search: text("search"),
            category: text("category"),
            at: day.or(at.map(UnixTime::seconds)),
            from: query.text("from").parse().unwrap_or(0).max(0),
        }
    }

    /// The address of another page of it.
    fn href(&self, at: Option<i64>, from: i64) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("search", &self.search), ("category", &self.category)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if let Some(at) = at {
            query.append_pair("at", &at.to_string());
        }
        if from > 0 {
            query.append_pair("from", &from.to_string());
        }
        let query = query.finish();
        if query.is_empty() { "/panel/guide".into() } else { format!("/panel/guide?{query}") }
    }

    fn sought(&self) -> StreamSearch {
        StreamSearch {
            text: self.search.clone(),
            category: parse_id(&self.category).ok().map(CategoryId),
            from: self.from,
            rows: ROWS,
            ..StreamSearch::default()
        }
    }
}

pub async fn show(caller: Caller, query: Query) -> Reply {
    let list = action(Resource::Guide, "show");
    let about = About::ask(&caller, &[Resource::Categories]).await?;
    let zone = &about.zone;
    let now = clock::now();
    let asked = GuideQuery::of(&query, zone, now);
    let sought = asked.sought();
    let seek = caller.ops.read(caller.actor(), list, move |look| streams::seek(look, &sought));
    let found = seek.await?;
    let begins = UnixTime::clamped(half_hour(asked.at.unwrap_or(now.seconds())));
    let ends = UnixTime::clamped(begins.seconds() + SPAN);
    let rows = found.rows.iter().map(|stream| row(&caller, stream, begins, ends, now, zone));
    let (at, from, step) = (asked.at.map(|_| begins.seconds()), asked.from, i64::from(ROWS));
    let moved = |by: i64| asked.href(UnixTime::new(begins.seconds() + by).map(UnixTime::seconds), from);
    let gone = now.seconds() - begins.seconds();
    let page = GuidePage {
        frame: caller.frame("Guide"),
        tabs: super::tabs(super::PATH),
        categories: about.choices_or(Resource::Categories, "Every category"),
        days: days(&caller, now, zone),
        day: date(begins, zone).to_string(),
        span: span(begins, ends, zone),
        earlier: moved(-SPAN),
        now: asked.href(None, from),
        later: moved(SPAN),
        hours: (0..COLUMNS * COLUMN / HALF_HOUR)
            .map(|place| time(UnixTime::clamped(begins.seconds() + place * HALF_HOUR), zone))
            .collect(),
        line: (0..SPAN).contains(&gone).then(|| {
            let hundredths = gone * 10_000 / SPAN;
            format!("{}.{:02}", hundredths / 100, hundredths % 100)
        }),
        rows: rows.collect::<Result<_>>()?,
        pager: Pager {
            summary: show::many(found.total, "channel"),
            previous: (from > 0).then(|| asked.href(at, (from - step).max(0))),
            next: (from + step < found.total).then(|| asked.href(at, from + step)),
        },
        asked,
    };
    Ok(caller.page(&page))
}

fn half_hour(seconds: i64) -> i64 {
    seconds - seconds.rem_euclid(HALF_HOUR)
}

fn row(
    caller: &Caller,
    stream: &Stored<Stream>,
    begins: UnixTime,
    ends: UnixTime,
    now: UnixTime,
    zone: &TimeZone,
) -> Result<Row> {
    let programmes = caller.ops.guide.programmes(stream.id, begins, ends, MOST)?;
    let number = stream.record.number.get();
    let entry = |programme| {
        let is_recorded = caller.ops.viewing.is_recorded(stream.id, &programme, now);
        entry(stream.id, programme, is_recorded, now, zone)
    };
    let slots = grid::row(programmes, begins);
    Ok(Row {
        name: stream.record.name.as_str().to_owned(),
        href: Stream::href(stream.id),
        number: if number > 0 { number.to_string() } else { String::new() },
        is_empty: slots.iter().all(|slot| slot.shown.is_none()),
        slots: slots
            .into_iter()
            .map(|slot| Slot { columns: slot.columns, shown: slot.shown.map(entry) })
            .collect(),
    })
}

fn entry(stream: StreamId, programme: Programme, is_recorded: bool, now: UnixTime, zone: &TimeZone) -> Entry {
    let begins = time(programme.start, zone);
    Entry {
        id: format!("p{}-{}", stream.number(), programme.start.seconds()),
        times: format!("{begins}–{}", time(programme.stop, zone)),
        begins,
        is_on: programme.is_on(now),
        is_recorded,
        title: programme.title,
        subtitle: programme.subtitle,
        description: programme.description,
        category: programme.category,
    }
}

fn date(at: UnixTime, zone: &TimeZone) -> Date {
    Timestamp::from_second(at.seconds()).unwrap_or_default().to_zoned(zone.clone()).date()
}

/// `18:30`
pub fn time(at: UnixTime, zone: &TimeZone) -> String {
    at.local(zone).get(11..16).unwrap_or_default().to_owned()
}

/// `Monday, 30 November 2026, 18:00 to 21:00`
fn span(begins: UnixTime, ends: UnixTime, zone: &TimeZone) -> String {
    format!("{}, {} to {}", words(date(begins, zone)), time(begins, zone), time(ends, zone))
}

fn words(date: Date) -> String {
    date.strftime("%A, %-d %B %Y").to_string()
}

/// The days of which programmes are kept.
fn days(caller: &Caller, now: UnixTime, zone: &TimeZone) -> Vec<Choice> {
    let settings = &caller.ops.snapshot().settings;
    let (past, future) = (settings.guide_past_days.get(), settings.guide_future_days.get());
    let day = |day: i64| {
        let date = date(now, zone).saturating_add(jiff::Span::new().days(day));
        Choice::new(date.to_string(), words(date))
    };
    (-past..=future).map(day).collect()
}
