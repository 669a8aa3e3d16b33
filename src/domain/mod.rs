//! The meaning of the product: types and rules that know neither HTTP nor SQL nor the clock.

#[macro_use]
pub mod record;
#[macro_use]
pub mod text;

pub mod actor;
pub mod admin;
pub mod admission;
pub mod api_key;
pub mod audit;
pub mod bouquet;
pub mod catalogue;
pub mod container;
pub mod credits;
pub mod device;
pub mod error;
pub mod field;
pub mod figures;
pub mod guard;
pub mod ids;
pub mod import;
pub mod known;
pub mod leap;
pub mod line;
pub mod m3u;
pub mod mac;
pub mod mag;
pub mod mag_event;
pub mod mass_edit;
pub mod net;
pub mod number;
pub mod oddities;
pub mod page;
pub mod plan;
pub mod quota;
pub mod reach;
pub mod reseller;
pub mod resource;
pub mod rights;
pub mod run;
pub mod server;
pub mod session;
pub mod settings;
pub mod source_request;
pub mod stream;
pub mod subscribers;
pub mod subscription;
pub mod time;
pub mod token;
pub mod weak;

pub use error::{Error, Fault, Result};
pub use field::{Fact, Field, Given, Kind, Rule, Written};
pub use record::{Change, Column, Defaults, Record, Stored};
pub use resource::Resource;
