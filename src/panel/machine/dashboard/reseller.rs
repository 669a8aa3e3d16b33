//! A reseller's dashboard: its own subscribers, viewers and credits, and nothing of anybody else.

use super::{
    COUNTING, Figure, Figures, Part, ROWS, Tile, View, active_figure, credits_tile, ending_tile, number,
    states_tile,
};
use crate::{
    domain::{Result, ids::ResellerId},
    ops::subscribers::counts::Booking,
    panel::{
        kit::{
            show::{self, Moment},
            table::{Cell, Head, Link},
        },
        people::statement,
    },
};

pub async fn parts(view: &View, reseller: ResellerId) -> Result<Vec<Part>> {
    let zone = view.ops.snapshot().settings.time_zone.zone();
    let counted = view.ops.subscribers_by_state(&view.actor).await?;
    let viewers = view.ops.connections_for(&view.actor).await?.len();
    let sold = view.ops.credits_sold(&view.actor).await?;
    let next = view.ops.lines_ending(&view.actor, ROWS).await?;
    let (balance, bookings) = view.ops.account_of(reseller, ROWS).await?;
    let figures = vec![
        Figure {
            value: show::number(i64::try_from(viewers).unwrap_or(i64::MAX)),
            name: if viewers == 1 { "viewer now" } else { "viewers now" },
            more: String::new(),
            href: "/panel/connections",
        },
        active_figure(counted.as_ref()),
        Figure {
            value: show::number(balance),
            name: "credits left",
            more: String::new(),
            href: "/panel/statement",
        },
        Figure {
            value: sold.map_or_else(|| COUNTING.into(), |sold| show::number(sold.today)),
            name: "credits spent today",
            more: String::new(),
            href: "/panel/statement",
        },
    ];
    let spent = credits_tile("Credits spent", Link::new("/panel/statement", "Statement"), sold);
    let booking = |booking: &Booking| {
        vec![
            Cell::Time(Some(Moment::of(booking.at, &zone)), ""),
            Cell::Text(statement::word(&booking.reason).into()),
            number(booking.amount),
            number(booking.balance),
        ]
    };
    let bookings = Tile {
        title: "Latest transactions",
        more: Some(Link::new("/panel/statement", "Statement")),
        heads: vec![Head::new("When"), Head::new("What"), Head::numeric("Credits"), Head::numeric("Balance")],
        rows: bookings.iter().map(booking).collect(),
        empty: "No transactions yet.",
        ..Tile::default()
    };
    Ok(vec![
        Part::of("figures", &Figures { figures }),
        Part::of("subscribers", &states_tile(counted.as_ref())),
        Part::of("ending", &ending_tile(counted.as_ref(), &next, &zone)),
        Part::of("credits", &spent),
        Part::of("bookings", &bookings),
    ])
}
