//! What needs a restart to change; everything else is a setting in the database.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use crate::{
    domain::fields::net::Network, host::certificates::Files, ops::machine::first_start::Provided,
    store::Options,
};

/// How one server runs.
#[derive(Clone)]
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// HTTPS beside it.
    pub https: Option<Https>,
    /// The folder of the database.
    pub data: PathBuf,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// The file that knows which provider has which address, in MaxMind's format.
    pub asn_db: Option<PathBuf>,
    /// The key that secrets are sealed with, unless it is in the data folder.
    pub secret_key_file: Option<PathBuf>,
    /// Where streams are recorded, unless it is `archive` in the data folder.
    pub archive: Option<PathBuf>,
    /// About how long each file of a recording is.
    pub archive_piece: Duration,
    /// Whether copies of backups are given to no command, whatever the settings say.
    pub no_backup_command: bool,
    /// What the environment provides for the first start.
    pub provided: Provided,
    /// Whether a backup is made before the schema of the database is upgraded.
    pub backs_up: bool,
    /// How the store is opened.
    pub store: Options,
}

/// How HTTPS is served.
#[derive(Clone)]
pub struct Https {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Certificates and their keys.
    pub files: Vec<Files>,
}
