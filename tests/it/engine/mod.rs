//! What holds whatever happens to the database: transactions, repeats, faults, upgrades.

mod busy;
mod database_errors;
pub mod effects;
mod idempotency;
mod in_place;
mod power_cut;
mod upgrades;
