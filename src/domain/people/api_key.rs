//! API keys: who may use the Server API, from where, until when, for what.

use std::net::IpAddr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::rights::{self, Right};
use crate::domain::{
    Error, Resource, Result, Rule,
    field::{Fact, Field, Given, Kind, Written},
    fields::{
        net::Network,
        text::Name,
        time::{Expiry, UnixTime},
    },
    ids::{ApiKeyId, ResellerId},
};

record! {
    /// A named API key; its secret is kept as a hash only.
    pub struct ApiKey / ApiKeyChange, ApiKeyId, Resource::Settings;
    /// The name, unique.
    name: Name,
    /// Only the hash is kept.
    hash: KeyHash,
    /// What it may do: full, read_only, or resources as NAME or NAME:read.
    scope: Vec<Right>,
    /// Addresses and ranges that may use it, within the whitelist; empty is the whole whitelist.
    addresses: Vec<Network>,
    /// When it ends, in unix seconds; none is never.
    expires_at: Expiry,
    /// The reseller that it belongs to: it sees and sells that one's alone, who pays.
    reseller_id: Option<ResellerId>,
}

impl ApiKeyChange {
    /// The same, with all that a key bound to a reseller may have where no right is given.
    #[must_use]
    pub fn decided(mut self) -> Self {
        let none = self.scope.value().is_none_or(Vec::is_empty);
        if none && matches!(self.reseller_id, Given::Value(Some(_))) {
            self.scope = Given::Value(rights::OF_BOUND_KEYS.to_vec());
        }
        self
    }
}

impl ApiKey {
    /// Refuses a scope that reaches beyond what a reseller has, if it is bound to one.
    ///
    /// # Errors
    /// [`Error::Invalid`], with the rights that it may have.
    pub fn check_scope(&self) -> Result<()> {
        if self.reseller_id.is_none() || rights::may_grant(&rights::OF_BOUND_KEYS, &self.scope).is_ok() {
            return Ok(());
        }
        let most = rights::OF_BOUND_KEYS.map(|right| right.to_string()).join(", ");
        Err(Error::invalid("scope", format!("a key bound to a reseller may have: {most}")))
    }

    /// Whether it may be used from that address.
    pub fn usable_from(&self, address: IpAddr) -> bool {
        self.addresses.is_empty() || self.addresses.iter().any(|range| range.contains(address))
    }

    /// Whether it may be used from an address of that range.
    pub fn reaches(&self, range: &Network) -> bool {
        let overlap = |own: &Network| own.covers(range) || range.covers(own);
        self.addresses.is_empty() || self.addresses.iter().any(overlap)
    }

    /// Whether it ends no earlier than the other.
    pub fn outlives(&self, other: &Self) -> bool {
        self.expires_at.0.is_none_or(|end| other.expires_at.0.is_some_and(|other| other <= end))
    }

    /// Whether it works from every address that the other works from.
    pub fn outreaches(&self, other: &Self) -> bool {
        let reached = |range: &Network| self.addresses.iter().any(|own| own.covers(range));
        self.addresses.is_empty() || (!other.addresses.is_empty() && other.addresses.iter().all(reached))
    }

    /// Whether it has ended.
    pub fn is_over(&self, now: UnixTime) -> bool {
        self.expires_at.is_over(now)
    }
}

/// The secret text of a key: 16 to 128 of `A-Z a-z 0-9 - . _ ~`, so that it can stand in a path.
#[derive(Clone)]
pub struct KeyText(String);

impl KeyText {
    /// The fewest characters of a key: a shorter text cannot be one.
    pub const FEWEST: usize = 16;

    /// Reads a key.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, Rule> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if (Self::FEWEST..=128).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err("16 to 128 of A-Z a-z 0-9 - . _ ~".into())
    }

    /// The key itself: to be shown once, hashed, and forgotten.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Field for KeyText {
    const KIND: Kind = Kind::Text;

    fn parse(written: &Written) -> Result<Self, Rule> {
        Self::new(written.text()?)
    }

    fn fact(&self) -> Fact {
        Fact::Hidden(self.0.clone())
    }

    fn stored(_: Fact) -> Option<Self> {
        None
    }
}

/// The SHA-256 of an API key or of a session's token, stored as 64 hexadecimal digits. A key has the entropy of a random number, so a
/// plain hash hides it. No caller can write one, and it never leaves the server.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of a key.
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Its 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().fold(String::with_capacity(64), |hex, byte| hex + &format!("{byte:02x}"))
    }

    /// Compares in constant time.
    pub fn equals(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Field for KeyHash {
    const KIND: Kind = Kind::Hidden;

    fn parse(_: &Written) -> Result<Self, Rule> {
        Err("set by the server".into())
    }

    fn fact(&self) -> Fact {
        Fact::Hidden(self.hex())
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::Text(text) if text.len() == 64 => {
                let mut hash = [0; 32];
                for (byte, place) in hash.iter_mut().zip((0..).step_by(2)) {
                    *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
                }
                Some(Self(hash))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_fits_into_a_path_and_is_long() {
        assert!(KeyText::new("0123456789abcdef").is_ok());
        for bad in ["short", "0123456789abcde/", "0123456789abcde ", &"x".repeat(129), "0123456789abcdeé"] {
            assert!(KeyText::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_compares_its_limits_with_anothers() {
        let key = |addresses: &[&str], end| ApiKey {
            name: Name::new("k").unwrap(),
            hash: KeyHash::of("0123456789abcdef"),
            scope: vec![Right::Full],
            addresses: addresses.iter().map(|text| Network::new(text).unwrap()).collect(),
            expires_at: Expiry(UnixTime::new(end)),
            reseller_id: None,
        };
        assert!(key(&["192.0.2.0/24"], 0).outreaches(&key(&["192.0.2.7"], 0)));
        assert!(!key(&["192.0.2.0/24"], 0).outreaches(&key(&[], 0)));
        assert!(key(&[], 0).outreaches(&key(&[], 0)));
        assert!(key(&[], 100).outlives(&key(&[], 100)) && !key(&[], 100).outlives(&key(&[], 101)));
        assert!(!key(&[], 100).outlives(&key(&[], 0)) && key(&[], 0).outlives(&key(&[], 0)));
    }

    #[test]
    fn a_key_may_be_bound_to_addresses() {
        let mut key = ApiKey {
            name: Name::new("billing").unwrap(),
            hash: KeyHash::of("0123456789abcdef"),
            scope: vec![Right::Full],
            addresses: vec![],
            expires_at: Expiry(None),
            reseller_id: None,
        };
        assert!(key.usable_from("203.0.113.9".parse().unwrap()));
        key.addresses = vec![Network::new("192.0.2.0/24").unwrap()];
        assert!(key.usable_from("::ffff:192.0.2.1".parse().unwrap()));
        assert!(!key.usable_from("203.0.113.9".parse().unwrap()));
    }
}
