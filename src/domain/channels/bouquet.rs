//! Bouquets and categories: how streams are put together.

use crate::domain::{
    Resource,
    fields::{number::Position, text::Name},
    ids::{BouquetId, CategoryId, StreamId},
};

record! {
    /// An ordered list of streams.
    pub struct Bouquet / BouquetChange, BouquetId, Resource::Bouquets;
    /// The name.
    name: Name,
    /// Its streams in order, as a list of ids.
    streams: Vec<StreamId>,
    /// Its position among a subscription's bouquets.
    position: Position,
}

record! {
    /// A heading under which streams stand.
    pub struct Category / CategoryChange, CategoryId, Resource::Categories;
    /// The name.
    name: Name,
    /// Its position in lists.
    position: Position,
    /// Shown on MAGs behind the parental PIN only.
    censored: bool,
}
