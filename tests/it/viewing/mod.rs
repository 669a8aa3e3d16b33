//! Players, viewers and connections.

mod catchup;
mod clock_changes;
mod encrypted;
mod faults;
mod guesses;
mod panel_connections;
mod parting;
mod paused;
mod players;
mod recording;
mod slow_clients;
mod viewers;
pub mod viewing_faults;
