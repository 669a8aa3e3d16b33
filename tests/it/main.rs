//! The one integration binary: the real program on a free loopback port, with real clients.

mod api_line;
mod form_php;
mod layers;
mod support;
