//! What faces share: connections and their limits; decoding of bodies, fields, pages, addresses of callers.

pub mod body;
pub mod client_ip;
pub mod connection;
pub mod cors;
pub mod fields;
pub mod form;
pub mod gate;
pub mod listen;
pub mod origin;
pub mod page;
pub mod path;
pub mod pieces;
pub mod redact;
pub mod same_origin;
pub mod socket;
pub mod timed;
pub mod upload;
pub mod visitor;
