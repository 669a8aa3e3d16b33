//! The dashboard: what an operator or a reseller wants to know first.

mod certificates;
mod load;
mod operator;
mod reseller;
mod usage;

use actix_web::web::{ServiceConfig, resource};
use askama::Template;

pub use load::Meters;

use crate::{
    domain::{
        Result,
        subscribers::counts::{Sold, States},
    },
    ops::subscribers::counts::{Ending, Subscribers},
    panel::kit::{
        caller::{Caller, done},
        error::Reply,
        frame::Frame,
        live::{Part, Topic, View},
        sent::Query,
        show,
        table::{Cell, Head, Link},
    },
};

/// Everything on it changes.
pub const TOPIC: Topic =
    Topic { name: "dashboard", parts: |view| Box::pin(async move { parts(&view).await }) };

/// Rows of a tile that could go on.
const ROWS: u32 = 8;

/// In the place of figures while the first count after a start is not done; the live page fills them in.
const COUNTING: &str = "counting \u{2026}";

/// Mounts it.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource("/").get(page)).service(resource("/confirm-clock").post(confirm_clock));
}

#[derive(Template)]
#[template(path = "dashboard/page.html")]
struct Dashboard {
    frame: Frame,
    parts: Vec<Part>,
}

async fn page(caller: Caller, query: Query) -> Reply {
    let parts = parts(&View::of(&caller, query)).await?;
    Ok(caller.page(&Dashboard { frame: caller.frame("Dashboard").live(&TOPIC, ""), parts }))
}

async fn confirm_clock(caller: Caller) -> Reply {
    caller.ops.confirm_clock(caller.actor().clone()).await?;
    Ok(done("/panel/", "The clock was confirmed."))
}

async fn parts(view: &View) -> Result<Vec<Part>> {
    match view.actor.reseller() {
        Some(reseller) => reseller::parts(view, reseller).await,
        None => operator::parts(view).await,
    }
}

/// A number with a name, at the top.
struct Figure {
    value: String,
    name: &'static str,
    /// A word on it; empty for none.
    more: String,
    /// The page that tells all of it; empty for none.
    href: &'static str,
}

#[derive(Template)]
#[template(path = "dashboard/figures.html")]
struct Figures {
    figures: Vec<Figure>,
}

/// A heading and a few rows.
#[derive(Template, Default)]
#[template(path = "dashboard/tile.html")]
struct Tile {
    title: &'static str,
    /// The page that tells all of it.
    more: Option<Link>,
    heads: Vec<Head>,
    rows: Vec<Vec<Cell>>,
    /// What stands there without rows.
    empty: &'static str,
    /// A word on the rows; empty for none.
    note: String,
}

fn number(number: i64) -> Cell {
    Cell::Number(show::number(number))
}

/// Each state and how many are in it.
fn states_rows(lines: &States, mags: &States) -> Vec<Vec<Cell>> {
    let rows = [
        ("Active", lines.active, mags.active),
        ("of which trials", lines.trial, mags.trial),
        ("Expired", lines.expired, mags.expired),
        ("Disabled", lines.disabled, mags.disabled),
        ("Banned", lines.banned, mags.banned),
        ("All", lines.total(), mags.total()),
    ];
    rows.map(|(name, lines, mags)| vec![Cell::Text(name.into()), number(lines), number(mags)]).into()
}

fn active_figure(counted: Option<&Subscribers>) -> Figure {
    let number = |number: fn(&States) -> i64| {
        counted.map_or_else(|| COUNTING.into(), |counted| show::number(number(&counted.lines)))
    };
    Figure {
        value: number(|lines| lines.active),
        name: if counted.is_some_and(|counted| counted.lines.active == 1) {
            "active line"
        } else {
            "active lines"
        },
        more: if counted.is_some() { format!("of {}", number(States::total)) } else { String::new() },
        href: "/panel/lines",
    }
}

fn states_tile(counted: Option<&Subscribers>) -> Tile {
    Tile {
        title: "Subscribers",
        more: Some(Link::new("/panel/lines", "Lines")),
        heads: vec![Head::new("State"), Head::numeric("Lines"), Head::numeric("MAGs")],
        rows: counted.map(|counted| states_rows(&counted.lines, &counted.mags)).unwrap_or_default(),
        empty: COUNTING,
        ..Tile::default()
    }
}

/// What was sold or spent.
fn credits_tile(title: &'static str, more: Link, sold: Option<Sold>) -> Tile {
    let rows = |sold: Sold| [("Today", sold.today), ("Last 7 days", sold.week), ("Last 30 days", sold.month)];
    let row = |(when, credits): (&str, i64)| vec![Cell::Text(when.into()), number(credits)];
    Tile {
        title,
        more: Some(more),
        heads: vec![Head::new("When"), Head::numeric("Credits")],
        rows: sold.map(rows).into_iter().flatten().map(row).collect(),
        empty: COUNTING,
        ..Tile::default()
    }
}

fn ending_tile(counted: Option<&Subscribers>, next: &[Ending], zone: &jiff::tz::TimeZone) -> Tile {
    let row = |line: &Ending| {
        let href = format!("/panel/lines/{}", line.id.0);
        vec![
            Cell::Link { href, text: line.username.clone() },
            Cell::Time(line.end.0.map(|end| show::Moment::of(end, zone)), "never"),
        ]
    };
    let soon = counted.map_or(0, |counted| counted.lines.soon);
    let shown = i64::try_from(next.len()).unwrap_or(0);
    Tile {
        title: "Lines that end within 7 days",
        heads: vec![Head::new("Line"), Head::new("Ends")],
        rows: next.iter().map(row).collect(),
        empty: "None of the active lines ends within 7 days.",
        note: if soon > shown {
            format!("{} in all; these end first.", show::number(soon))
        } else {
            String::new()
        },
        ..Tile::default()
    }
}
