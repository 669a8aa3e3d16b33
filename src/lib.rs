//! Linecard, the panel server of a small television operator: one binary, one SQLite file.
//!
//! Five layers; imports only point down, and siblings never import each other
//! (`tests/it/house/layers.rs` reads the sources and holds them to it):
//!
//! | layer | modules | what lives there |
//! | --- | --- | --- |
//! | 4 wiring | `cli`, `config`, `app`, `jobs`, `fuzz` | arguments, start-up, routes mounted, periodic work |
//! | 3 faces | `api`, `classic`, `panel`, `player`, `portal`, `delivery` | the Server API; the classic API; the web panel; the player API, playlists, guide; the portal of MAGs; live bytes |
//! | 2 use cases | `ops` | one function per thing that the product does: rights, rules, audit, one transaction |
//! | 1 means | `store`, `media`, `host`, `wire` | SQLite; ffmpeg, fan-out, connections; this machine and its network; decoding and encoding that faces share |
//! | 0 meaning | `domain` | types and rules; no I/O, no clock, no HTTP, no SQL |

// Only what the program and the tests name is public, so that the compiler finds what nobody uses.
mod api;
mod app;
mod classic;
pub mod cli;
mod config;
mod delivery;
mod domain;
#[doc(hidden)]
pub mod fuzz;
mod host;
mod jobs;
mod media;
mod ops;
pub mod panel;
mod player;
mod portal;
mod store;
pub mod wire;
