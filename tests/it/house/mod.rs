//! The plan of the house, what is cited, and the README.

mod citations;
mod layers;
mod readme;
