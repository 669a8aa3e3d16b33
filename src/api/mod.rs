//! The Server API (docs/api.md): one table of calls, one file per resource.

mod access;
mod call;
mod calls;
mod channels;
pub mod docs;
mod events;
mod guide;
mod machine;
mod managed;
pub mod openapi;
mod people;
mod reply;
mod show;
mod subscribers;
mod viewing;

pub use calls::entry;
pub use machine::metrics::entry as metrics;
