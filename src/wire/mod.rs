//! What faces share: connections and their limits; decoding of bodies, fields, pages, addresses of callers.

pub(crate) mod body;
pub(crate) mod client_ip;
pub(crate) mod connection;
pub(crate) mod cors;
pub(crate) mod fetching;
pub(crate) mod fields;
pub mod form;
pub(crate) mod gate;
pub(crate) mod https;
pub(crate) mod listen;
pub(crate) mod method;
pub(crate) mod origin;
pub(crate) mod page;
pub(crate) mod path;
pub(crate) mod pieces;
pub(crate) mod redact;
pub(crate) mod same_origin;
pub(crate) mod socket;
pub(crate) mod stream;
pub(crate) mod timed;
pub(crate) mod upload;
pub(crate) mod visitor;
