//! Calls on lines and MAGs.

pub(crate) mod batches;
pub(crate) mod bulk;
pub(crate) mod line;
pub(crate) mod mag;

use super::call::Call;
use crate::domain::{Error, Field, Refused, Result, fields::text::Reference, subscribers::named::Named};

/// The line or MAG that the call means: by what it is known by, in that field, or by `reference`.
fn named<N: Field>(call: &mut Call, by: &'static str) -> Result<Named<N>> {
    match (call.params.take(by)?, call.params.take::<Reference>("reference")?) {
        (Some(name), None) => Ok(Named::By(name)),
        (None, Some(reference)) => Ok(Named::Reference(reference)),
        (None, None) => Err(Error::Missing(by)),
        (Some(_), Some(_)) => Err(Refused::NameOrReference(by).into()),
    }
}
