//! The Server API (server-api.md): one table of calls, one file per resource.

mod access;
mod administrators;
mod bouquets;
mod call;
mod calls;
mod connections;
mod explain;
mod line;
mod logs;
mod mag;
mod managed;
pub mod openapi;
mod reply;
mod resellers;
mod security;
mod servers;
mod settings;
mod show;
mod streams;

pub use access::Door;
pub use calls::entry;
