//! Programmes as cells of a table in which time goes across: widths are numbers of columns, because pages have no styles of
//! their own in them.

use crate::domain::{fields::time::UnixTime, guide::programme::Programme};

/// Seconds of one column.
pub const COLUMN: i64 = 300;
/// Columns of a page: three hours.
pub const COLUMNS: i64 = 36;
/// Seconds of a page.
pub const SPAN: i64 = COLUMN * COLUMNS;

/// A cell of a row.
#[derive(Debug, PartialEq, Eq)]
pub struct Slot<T> {
    /// How many columns it takes.
    pub columns: i64,
    /// What is in it; `None` is a gap.
    pub shown: Option<T>,
}

/// The cells of a channel from that moment on: each as long as its programme, and at least one column, so that a short one
/// does not vanish. What has no room behind such ones is left out.
pub fn row(programmes: Vec<Programme>, from: UnixTime) -> Vec<Slot<Programme>> {
    let column = |at: UnixTime| (at.seconds() - from.seconds() + COLUMN / 2).div_euclid(COLUMN);
    let mut slots = Vec::new();
    let mut next = 0;
    for programme in programmes {
        let begins = column(programme.start).clamp(next, COLUMNS);
        let ends = column(programme.stop).max(begins + 1).min(COLUMNS);
        if begins >= ends || programme.stop <= from {
            continue;
        }
        if begins > next {
            slots.push(Slot { columns: begins - next, shown: None });
        }
        slots.push(Slot { columns: ends - begins, shown: Some(programme) });
        next = ends;
    }
    if next < COLUMNS {
        slots.push(Slot { columns: COLUMNS - next, shown: None });
    }
    slots
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FROM: i64 = 1_800_000_000;

    fn programme(start: i64, stop: i64) -> Programme {
        Programme {
            start: UnixTime::clamped(FROM + start * 60),
            stop: UnixTime::clamped(FROM + stop * 60),
            title: format!("{start}"),
            subtitle: String::new(),
            description: String::new(),
            category: String::new(),
        }
    }

    fn cells(programmes: &[(i64, i64)]) -> Vec<(i64, String)> {
        let programmes = programmes.iter().map(|(start, stop)| programme(*start, *stop)).collect();
        let slots = row(programmes, UnixTime::clamped(FROM));
        let title = |slot: Slot<Programme>| slot.shown.map_or(String::new(), |programme| programme.title);
        slots.into_iter().map(|slot| (slot.columns, title(slot))).collect()
    }

    #[test]
    fn a_cell_is_as_long_as_its_programme() {
        let none = String::new();
        assert_eq!(cells(&[]), [(36, none.clone())]);
        assert_eq!(
            cells(&[(-30, 30), (30, 60), (90, 400)]),
            [(6, "-30".into()), (6, "30".into()), (6, none.clone()), (18, "90".into())]
        );
        assert_eq!(
            cells(&[(0, 1), (1, 2), (2, 60)]),
            [(1, "0".into()), (1, "1".into()), (10, "2".into()), (24, none)],
            "short ones do not vanish"
        );
    }

    proptest! {
        #[test]
        fn the_cells_of_a_row_fill_it(lengths in prop::collection::vec((0..40_i64, 1..90_i64), 0..60)) {
            let mut at = -60;
            let programmes: Vec<(i64, i64)> = lengths.iter().map(|(gap, length)| {
                let start = at + gap;
                at = start + length;
                (start, at)
            }).collect();
            let cells = cells(&programmes);
            prop_assert_eq!(cells.iter().map(|(columns, _)| columns).sum::<i64>(), COLUMNS);
            prop_assert!(cells.iter().all(|(columns, _)| *columns > 0));
        }
    }
}
