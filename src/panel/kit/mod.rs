//! What the pages are made of.

pub(crate) mod assets;
pub(crate) mod audit;
pub(crate) mod caller;
pub(crate) mod csv;
pub(crate) mod error;
pub(crate) mod form;
pub(crate) mod frame;
pub(crate) mod live;
pub(crate) mod order;
pub(crate) mod ordered;
pub(crate) mod pages;
pub(crate) mod qr;
pub(crate) mod records;
pub(crate) mod rights;
pub(crate) mod searched;
pub(crate) mod seen;
pub(crate) mod sent;
pub(crate) mod show;
pub(crate) mod table;
pub(crate) mod tabs;
