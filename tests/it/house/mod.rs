//! The plan of the house and the README.

mod layers;
mod readme;
