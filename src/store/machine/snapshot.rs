//! Settings, whitelist and API keys as a snapshot in memory: every call of the Server API asks them.

use std::net::IpAddr;

use crate::{
    domain::{
        Result, Stored,
        fields::net::Network,
        ids::SettingsId,
        machine::settings::Settings,
        people::api_key::{ApiKey, KeyHash},
        record::Columns,
    },
    store::Read,
};

/// What was last committed.
#[derive(Debug)]
pub struct Snapshot {
    /// General Settings.
    pub settings: Settings,
    /// Who may call the Server API from where.
    pub whitelist: Vec<Network>,
    /// The API keys, expired ones too.
    pub keys: Vec<Stored<ApiKey>>,
}

impl Snapshot {
    /// Whether that address is on the whitelist.
    pub fn lists(&self, address: IpAddr) -> bool {
        self.whitelist.iter().any(|range| range.contains(address))
    }

    /// The key of that hash, compared in constant time.
    pub fn key(&self, hash: &KeyHash) -> Option<&Stored<ApiKey>> {
        self.keys.iter().find(|key| key.record.hash.equals(hash))
    }
}

/// Reads them.
pub fn load(read: &Read<'_>) -> Result<Snapshot> {
    let settings = match read.by_id::<Settings>(SettingsId(1))? {
        Some(stored) => stored.record,
        None => Settings::create(<Settings as Columns>::Change::default(), read.defaults::<Settings>()?)?,
    };
    let whitelist = read.whitelist()?.into_iter().map(|entry| entry.address).collect();
    let mut keys = Vec::new();
    read.each(None, |key| keys.push(key))?;
    Ok(Snapshot { settings, whitelist, keys })
}
