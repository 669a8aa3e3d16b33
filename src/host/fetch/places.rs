//! Where a typed address may lead: never where a machine keeps its secrets, and to local networks only if that is set.

use std::net::SocketAddr;

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

use crate::domain::channels::reach::NetworkScope;

/// Resolves names, and refuses those that lead to a forbidden place.
#[derive(Debug)]
pub struct Places {
    /// Whether loopback and private networks may be reached.
    pub local: bool,
    /// The host that was typed, if it is one: another one is where it leads.
    pub host: Option<String>,
}

impl Places {
    /// Why that address may not be reached, if it may not.
    fn refused(&self, address: SocketAddr) -> Option<String> {
        let local = |what: &str| {
            format!("its address {} {what}, which the setting fetch_local does not allow", address.ip())
        };
        match NetworkScope::of(address.ip()) {
            NetworkScope::Public => None,
            NetworkScope::Private | NetworkScope::Loopback if self.local => None,
            NetworkScope::Private => Some(local("is in a private network")),
            NetworkScope::Loopback => Some(local("is this machine's own")),
            NetworkScope::LinkLocal | NetworkScope::Nowhere => {
                Some(format!("its address {} is one that nothing may be fetched from", address.ip()))
            }
        }
    }
}

impl Resolver for Places {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        // What the system says when it finds none is an error of reading.
        let found =
            DefaultResolver::default().resolve(uri, config, timeout).map_err(|error| match error {
                Error::Io(_) => Error::HostNotFound,
                error => error,
            })?;
        // One bad address is enough: whoever names it means it.
        match found.iter().find_map(|address| self.refused(*address)) {
            Some(why) => {
                let host = uri.host().unwrap_or_default();
                let is_typed = self.host.as_ref().is_none_or(|typed| host.eq_ignore_ascii_case(typed));
                Err(Error::Other(if is_typed { why } else { format!("it leads to {host}: {why}") }.into()))
            }
            None => Ok(found),
        }
    }
}
