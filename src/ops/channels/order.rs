//! The order of bouquets, categories and plans: by position, then by id.

use std::collections::HashSet;

use crate::{
    domain::{
        Error, Given, Result,
        channels::bouquet::{Bouquet, BouquetChange, Category, CategoryChange},
        fields::number::Position,
        ids::Id,
        subscribers::plan::{Plan, PlanChange},
    },
    ops::{
        Act,
        managed::{self, Managed},
        subscribers::{at_once, batched::Batched},
    },
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

/// Puts rows into that order, out of the order in which they were `seen`. Those that are not named come after them, in
/// the order that they had. It is a batch, which can be undone: its number, if any row has moved.
///
/// # Errors
/// [`Error::Changed`] if they stand in another by now, [`Error::NoSuch`] for an unknown one.
pub fn order<R: Ordered + Batched>(act: &Act<'_>, seen: &[R::Id], ids: &[R::Id]) -> Result<Option<i64>> {
    let mut rest = managed::in_order::<R>(act.tx, None)?;
    if !rest.iter().map(|row| row.id.number()).eq(seen.iter().map(|id| id.number())) {
        return Err(Error::Changed);
    }
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
    at_once::moved(act, &ordered)
}
