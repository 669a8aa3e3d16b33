//! Who may use the classic API: addresses of its own whitelist, while it is switched on.

use std::net::IpAddr;

use crate::{
    domain::people::actor::{Actor, Who},
    ops::Ops,
};

/// Why the classic API does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassicRefusal {
    /// It is switched off.
    Off,
    /// The address is not on its whitelist.
    Address,
}

impl Ops {
    /// Who the caller of the classic API from that address is.
    ///
    /// # Errors
    /// Why it does not answer.
    pub fn classic_caller(&self, address: IpAddr) -> Result<Actor, ClassicRefusal> {
        let settings = &self.snapshot().settings;
        if !settings.classic_api {
            return Err(ClassicRefusal::Off);
        }
        if !settings.classic_api_allow.iter().any(|range| range.contains(address)) {
            return Err(ClassicRefusal::Address);
        }
        Ok(Actor { who: Who::ClassicApi, address: Some(address) })
    }
}
