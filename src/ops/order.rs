//! The order of bouquets, categories and plans: by position, then by id.

use std::collections::HashSet;

use super::{Act, managed::Managed};
use crate::{
    domain::{
        Error, Given, Result, Stored,
        bouquet::{Bouquet, BouquetChange, Category, CategoryChange},
        ids::Id,
        number::Position,
        page::{Limit, Page, Start},
        plan::{Plan, PlanChange},
    },
    store::Read,
};

/// A resource whose rows stand in an order.
pub trait Ordered: Managed {
    /// Its place: lower numbers come first.
    fn position(&self) -> Position;
    /// The change that gives it a place.
    fn at(place: Position) -> Self::Change;
}

macro_rules! ordered {
    ($($record:ident / $change:ident;)*) => { $(
        impl Ordered for $record {
            fn position(&self) -> Position {
                self.position
            }

            fn at(place: Position) -> $change {
                $change { position: Given::Value(place), ..$change::default() }
            }
        }
    )* };
}

ordered! {
    Bouquet / BouquetChange;
    Category / CategoryChange;
    Plan / PlanChange;
}

/// Every row in its order.
///
/// # Errors
/// A database error.
pub fn in_order<R: Ordered>(read: &Read<'_>) -> Result<Vec<Stored<R>>> {
    let mut rows: Vec<Stored<R>> = Vec::new();
    let mut page = Page { limit: Limit::MOST, ..Page::default() };
    loop {
        let found = read.page::<R>(&page)?.rows;
        let Some(last) = found.last() else { break };
        page.start = Start::After(last.id.number());
        rows.extend(found);
    }
    rows.sort_by_key(|row| (row.record.position().get(), row.id.number()));
    Ok(rows)
}

/// Puts rows into that order. Those that are not named come after them, in the order that they had.
///
/// # Errors
/// [`Error::NoSuch`] for an unknown one.
pub fn order<R: Ordered>(act: &Act<'_>, ids: &[R::Id]) -> Result<()> {
    let mut rest = in_order::<R>(act.tx)?;
    let mut ordered = Vec::new();
    let mut seen = HashSet::new();
    for id in ids.iter().filter(|id| seen.insert(id.number())) {
        let at = rest.iter().position(|row| row.id.number() == id.number());
        let missing = || Error::NoSuch { resource: R::RESOURCE, which: Some(id.number().to_string()) };
        ordered.push(rest.remove(at.ok_or_else(missing)?));
    }
    ordered.extend(rest);
    for (place, row) in (1..).zip(&ordered) {
        let Some(place) = Position::new(place).filter(|place| *place != row.record.position()) else {
            continue;
        };
        let after = act.updated(row, R::at(place))?;
        act.replace(row, &after)?;
    }
    Ok(())
}
