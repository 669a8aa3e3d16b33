//! The plan of the house, what is cited and compared, and the README.

mod citations;
mod fuzzed;
mod layers;
mod readme;
mod sentences;
mod slow;
