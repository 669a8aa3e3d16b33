//! The meaning of the product: types and rules that know neither HTTP nor SQL nor the clock.

#[macro_use]
pub mod record;
#[macro_use]
pub mod fields;

pub mod channels;
pub mod events;
pub mod guide;
pub mod machine;
pub mod messages;
pub mod people;
pub mod portal;
pub mod subscribers;
pub mod viewing;

pub mod error;
pub mod field;
pub mod ids;
pub mod json;
pub mod kept_fields;
pub mod page;
pub mod refused;
pub mod resource;

pub use error::{Error, Failure, Fault, Result};
pub use field::{Fact, Field, Given, Kind, Rule, Written};
pub use json::JsonObject;
pub use record::{Change, Column, Columns, Defaults, Record, Stored};
pub use refused::{Denied, Refused};
pub use resource::Resource;
