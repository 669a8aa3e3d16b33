//! Backups: one file with everything that a dead machine takes with it, written while the server works, verified, and put
//! back.
//!
//! The file is a tar packed with zstd, which ordinary tools read too: `manifest.json`, `linecard.db`, what else was asked for,
//! and `SHA256SUMS` of all of them.

mod before_upgrade;
mod handles;
mod manifest;
mod moment;
mod out;
mod restore;
mod rollback;
mod room;
mod served_by;
mod swap;
mod unpack;
mod verify;
mod write;

pub use before_upgrade::{FOLDER, before_upgrade};
pub use manifest::Manifest;
pub use restore::restore;
pub use rollback::{Rollback, Since};
pub use room::size;
pub use served_by::note as note_version;
pub use swap::{finish, is_unfinished};
pub use unpack::manifest_of;
pub use verify::{Report, verify};
pub use write::{What, write};
