//! How the certificates of HTTPS are doing.

use jiff::tz::TimeZone;

use super::Tile;
use crate::{
    domain::{fields::time::UnixTime, machine::certificate::Standing},
    panel::kit::table::{Cell, Head, Tone},
};

/// Each certificate, how long it lasts and what is wrong; none without HTTPS.
pub fn tile(all: &[Standing], now: UnixTime, zone: &TimeZone) -> Option<Tile> {
    let row = |standing: &Standing| {
        let names =
            standing.served.as_ref().map_or_else(|| standing.from.clone(), |served| served.shown_names());
        let tone = if standing.needs_somebody(now) { Tone::Bad } else { Tone::Good };
        let mut told = vec![Cell::Badge(tone, standing.words(now))];
        if let Some(served) = &standing.served {
            told.push(Cell::Text(format!("{}, signed by {}", served.ends.named(zone), served.issuer)));
        }
        told.extend(standing.problem.clone().map(Cell::Text));
        vec![Cell::Text(names), Cell::Many(told)]
    };
    (!all.is_empty()).then(|| Tile {
        title: "Certificates of HTTPS",
        heads: ["For", "How long"].map(Head::new).into(),
        rows: all.iter().map(row).collect(),
        ..Tile::default()
    })
}
