//! Decoding that faces share: bodies, fields, pages, addresses of callers.

pub mod body;
pub mod client_ip;
pub mod cors;
pub mod fields;
pub mod form;
pub mod origin;
pub mod page;
pub mod path;
pub mod redact;
pub mod socket;
pub mod upload;
pub mod visitor;
