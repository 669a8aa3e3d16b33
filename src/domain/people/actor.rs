//! Who acts, and what that one may do.

use std::net::IpAddr;

use super::{
    api_key::ApiKey,
    rights::{self, Access, Right},
};
use crate::domain::{
    Denied, Error, Resource, Result, Stored,
    ids::{AdminId, ApiKeyId, ResellerId},
};

/// Who asks for something.
#[derive(Clone, Debug, PartialEq)]
pub enum Who {
    /// A caller of the Server API.
    ApiKey {
        id: ApiKeyId,
        /// The key's name.
        name: String,
        scope: Vec<Right>,
        /// The reseller to whose own it is confined.
        reseller: Option<ResellerId>,
    },
    /// Somebody in the panel.
    Administrator {
        /// The administrator's id.
        id: AdminId,
        /// The administrator's username.
        username: String,
        /// The rights of its group.
        rights: Vec<Right>,
        /// The reseller to whose own it is confined.
        reseller: Option<ResellerId>,
    },
    /// A caller of the classic API, known by its address alone.
    ClassicApi,
    /// The box of a MAG, which changes what is its own.
    SetTopBox {
        /// The MAC of its MAG.
        mac: String,
    },
    /// The operator at the command line of the machine.
    CommandLine,
    /// The program itself: first start, retention.
    Linecard,
}

/// What the calls of the classic API are about.
pub const CLASSIC: [Right; 5] = [
    Right::On(Resource::Line),
    Right::On(Resource::Mag),
    Right::On(Resource::Resellers),
    Right::On(Resource::Streams),
    Right::Reading(Resource::Servers),
];

impl Who {
    /// The caller with that key.
    pub fn of_key(key: &Stored<ApiKey>) -> Self {
        Self::ApiKey {
            id: key.id,
            name: key.record.name.as_str().to_owned(),
            scope: key.record.scope.clone(),
            reseller: key.record.reseller_id,
        }
    }
}

/// Somebody who acts, and from where.
#[derive(Clone, Debug, PartialEq)]
pub struct Actor {
    pub who: Who,
    /// The address that the request came from, if it came over the network.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// The operator at the command line.
    pub const COMMAND_LINE: Self = Self { who: Who::CommandLine, address: None };
    /// The program itself.
    pub const LINECARD: Self = Self { who: Who::Linecard, address: None };

    /// The kind of actor, as logs name it.
    pub fn kind(&self) -> &'static str {
        match self.who {
            Who::ApiKey { .. } => "api_key",
            Who::Administrator { .. } => "administrator",
            Who::ClassicApi => "classic_api",
            Who::SetTopBox { .. } => "mag",
            Who::CommandLine => "command_line",
            Who::Linecard => "linecard",
        }
    }

    /// The actor's name in logs.
    pub fn name(&self) -> &str {
        match &self.who {
            Who::ApiKey { name, .. } => name,
            Who::Administrator { username, .. } => username,
            Who::ClassicApi => "classic API",
            Who::SetTopBox { mac } => mac,
            Who::CommandLine => "command line",
            Who::Linecard => "linecard",
        }
    }

    /// Its rights, or those of its group.
    pub fn rights(&self) -> &[Right] {
        match &self.who {
            Who::ApiKey { scope, .. } => scope,
            Who::Administrator { rights, .. } => rights,
            Who::ClassicApi => &CLASSIC,
            Who::SetTopBox { .. } => &[],
            Who::CommandLine | Who::Linecard => &[Right::Full],
        }
    }

    /// Whether it may look at or change that resource.
    ///
    /// # Errors
    /// [`Error::Denied`], saying what is missing.
    pub fn may(&self, resource: Resource, access: Access) -> Result<()> {
        if self.reseller().is_some() && !self.is_for_resellers(resource, access) {
            return Err(Denied::NotForResellers(resource).into());
        }
        if rights::allow(self.rights(), resource, access) {
            return Ok(());
        }
        let is_key = matches!(self.who, Who::ApiKey { .. });
        Err(Denied::NoRight { resource, access, is_key }.into())
    }

    /// Whether somebody confined to a reseller has that at all. People have pages of their own for what keys ask of more.
    fn is_for_resellers(&self, resource: Resource, access: Access) -> bool {
        match self.who {
            // Not what only goes by the right to something else: who is told of events is told of everybody's.
            Who::ApiKey { .. } => {
                let is_itself = resource == resource.right() || resource == Resource::Batches;
                is_itself && rights::allow(&rights::OF_BOUND_KEYS, resource, access)
            }
            _ => matches!(resource, Resource::Line | Resource::Mag | Resource::Batches),
        }
    }

    /// Whether it may hand out those rights.
    ///
    /// # Errors
    /// [`Error::Denied`] for a right that it does not have itself.
    pub fn may_grant(&self, rights: &[Right]) -> Result<()> {
        rights::may_grant(self.rights(), rights)
    }

    /// Whether it may do what only somebody with every right may: give something away for free.
    ///
    /// # Errors
    /// [`Error::Denied`] for everybody else.
    pub fn may_waive_price(&self) -> Result<()> {
        if self.reseller().is_none() && rights::allow_all(self.rights()) {
            return Ok(());
        }
        Err(Denied::FreeNeedsFull.into())
    }

    /// Whether it may set `banned`, the operator's own switch.
    ///
    /// # Errors
    /// [`Error::Denied`] for a reseller's people.
    pub fn may_ban(&self) -> Result<()> {
        match self.reseller() {
            None => Ok(()),
            Some(_) => Err(Denied::BannedIsOperators.into()),
        }
    }

    /// Whether it may reach what belongs to `owner`.
    ///
    /// # Errors
    /// [`Error::NoSuch`] for a reseller's people and anything that is not that reseller's: they
    /// cannot even learn that it exists.
    pub fn may_reach(&self, resource: Resource, owner: Option<ResellerId>) -> Result<()> {
        match self.reseller() {
            Some(own) if owner != Some(own) => Err(Error::no_such(resource)),
            _ => Ok(()),
        }
    }

    /// The reseller to whose own it is confined.
    pub fn reseller(&self) -> Option<ResellerId> {
        match self.who {
            Who::ApiKey { reseller, .. } | Who::Administrator { reseller, .. } => reseller,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scope: &[Right]) -> Actor {
        Actor {
            who: Who::ApiKey {
                id: ApiKeyId(1),
                name: "billing".into(),
                scope: scope.to_vec(),
                reseller: None,
            },
            address: None,
        }
    }

    fn bound_key(scope: &[Right]) -> Actor {
        let mut key = key(scope);
        if let Who::ApiKey { reseller, .. } = &mut key.who {
            *reseller = Some(ResellerId(5));
        }
        key
    }

    fn seller() -> Actor {
        let who = Who::Administrator {
            id: AdminId(2),
            username: "sara".into(),
            rights: vec![Right::On(Resource::Line), Right::On(Resource::Mag)],
            reseller: Some(ResellerId(5)),
        };
        Actor { who, address: None }
    }

    #[test]
    fn a_denial_names_the_right_that_is_missing() {
        let denied = key(&[Right::ReadOnly]).may(Resource::Line, Access::Write);
        let words = denied.map_err(|denied| denied.to_string());
        assert_eq!(words, Err("Not allowed to change line: add line to the scope of this API key".into()));
        assert!(key(&[Right::ReadOnly]).may(Resource::Line, Access::Read).is_ok());
    }

    #[test]
    fn only_a_full_key_gives_something_away() {
        assert!(key(&[Right::Full]).may_waive_price().is_ok());
        assert!(key(&[Right::On(Resource::Line)]).may_waive_price().is_err());
        assert!(seller().may_waive_price().is_err());
        assert!(Actor::COMMAND_LINE.may_waive_price().is_ok());
    }

    #[test]
    fn whatever_rights_its_group_has_a_resellers_people_reach_lines_mags_and_batches_alone() {
        let who = Who::Administrator {
            id: AdminId(2),
            username: "sara".into(),
            rights: vec![Right::Full],
            reseller: Some(ResellerId(5)),
        };
        let full = Actor { who, address: None };
        for resource in Resource::ALL {
            let theirs = matches!(resource, Resource::Line | Resource::Mag | Resource::Batches);
            assert_eq!(full.may(resource, Access::Read).is_ok(), theirs, "{resource}");
        }
    }

    #[test]
    fn whatever_its_scope_a_bound_key_has_what_is_a_resellers_alone() {
        let full = bound_key(&[Right::Full]);
        let read = [Resource::Line, Resource::Mag, Resource::Connections, Resource::Batches]
            .into_iter()
            .chain([Resource::Events, Resource::SubscriptionPlans, Resource::Resellers]);
        let read: Vec<Resource> = read.collect();
        for resource in Resource::ALL {
            let at = read.iter().position(|own| *own == resource);
            assert_eq!(full.may(resource, Access::Read).is_ok(), at.is_some(), "{resource}");
            assert_eq!(full.may(resource, Access::Write).is_ok(), at.is_some_and(|at| at < 4), "{resource}");
        }
        assert!(full.may_waive_price().is_err() && full.may_ban().is_err());
        assert!(bound_key(&[Right::On(Resource::Mag)]).may(Resource::Line, Access::Read).is_err());
    }

    #[test]
    fn a_resellers_people_cannot_ban_and_reach_only_their_own() {
        assert!(seller().may_ban().is_err() && key(&[Right::On(Resource::Line)]).may_ban().is_ok());
        assert!(seller().may_reach(Resource::Line, Some(ResellerId(5))).is_ok());
        assert_eq!(
            seller().may_reach(Resource::Line, Some(ResellerId(6))),
            Err(Error::no_such(Resource::Line))
        );
        assert!(seller().may_reach(Resource::Line, None).is_err());
    }
}
