//! The one integration binary: the real program on a free loopback port, with real clients.

mod faults;
mod form_php;
mod layers;
mod power_cut;
mod support;
