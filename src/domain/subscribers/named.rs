//! How a call names a line or a MAG.

use crate::domain::fields::text::Reference;

/// One of both: `N` is what it is known by, a username or a MAC address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<N> {
    /// By what it is known by.
    By(N),
    /// By the caller's own number.
    Reference(Reference),
}
