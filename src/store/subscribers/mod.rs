//! Pages of lines and MAGs, and which are chosen.

pub mod figures;

pub(super) mod listing;
pub(super) mod seen;
pub(super) mod selection;
