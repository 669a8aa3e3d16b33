//! The set-top box of a MAG.

pub(crate) mod set_top_box;
