//! Rights: what an API key or a group of administrators may do.

use std::{fmt, str::FromStr};

use crate::domain::{Denied, Fact, Kind, Resource, Result, Rule, field::Item};

/// What a call does to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It only looks.
    Read,
    /// It may change something.
    Write,
}

/// One right, written as `full`, `read_only`, `line` (look and change) or `line:read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// Everything.
    Full,
    /// Looking at everything.
    ReadOnly,
    /// Looking at and changing one resource.
    On(Resource),
    /// Looking at one resource.
    Reading(Resource),
}

impl Right {
    fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::Full, _) => true,
            (Self::ReadOnly, Self::ReadOnly | Self::Reading(_)) => true,
            (Self::On(mine), Self::On(theirs) | Self::Reading(theirs)) => mine == theirs,
            (Self::Reading(mine), Self::Reading(theirs)) => mine == theirs,
            _ => false,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::ReadOnly => f.write_str("read_only"),
            Self::On(resource) => write!(f, "{resource}"),
            Self::Reading(resource) => write!(f, "{resource}:read"),
        }
    }
}

impl FromStr for Right {
    type Err = Rule;

    fn from_str(text: &str) -> Result<Self, Rule> {
        let resource = |name| Resource::with_rights().find(|resource| resource.name() == name);
        let right = match (text, text.strip_suffix(":read")) {
            ("full", _) => Some(Self::Full),
            ("read_only", _) => Some(Self::ReadOnly),
            (_, Some(name)) => resource(name).map(Self::Reading),
            (name, None) => resource(name).map(Self::On),
        };
        right.ok_or_else(|| {
            let names: Vec<_> = Resource::with_rights().map(Resource::name).collect();
            let names = names.join(", ");
            format!("full, read_only, or resources, each NAME or NAME:read, of: {names}").into()
        })
    }
}

impl Item for Right {
    const KIND: Kind = Kind::List;
    const MOST: usize = 32;

    fn parse_item(text: &str) -> Result<Self, Rule> {
        text.trim_ascii().parse()
    }

    fn list_fact(items: &[Self]) -> Fact {
        Fact::List(items.iter().map(ToString::to_string).collect())
    }

    fn stored_list(fact: Fact) -> Option<Vec<Self>> {
        match fact {
            Fact::List(texts) => texts.iter().map(|text| text.parse().ok()).collect(),
            _ => None,
        }
    }
}

/// The most that a key bound to a reseller may have: each shows and changes that reseller's own alone.
pub const OF_BOUND_KEYS: [Right; 6] = [
    Right::On(Resource::Line),
    Right::On(Resource::Mag),
    Right::On(Resource::Connections),
    Right::Reading(Resource::Events),
    Right::Reading(Resource::SubscriptionPlans),
    Right::Reading(Resource::Resellers),
];

/// Whether those rights allow that access.
pub fn allow(rights: &[Right], resource: Resource, access: Access) -> bool {
    if resource == Resource::Batches {
        return Resource::BATCHED.into_iter().any(|on| allow(rights, on, access));
    }
    let needed = match access {
        Access::Read => Right::Reading(resource.right()),
        Access::Write => Right::On(resource.right()),
    };
    rights.iter().any(|right| right.covers(needed))
}

/// Whether those rights allow everything.
pub fn allow_all(rights: &[Right]) -> bool {
    rights.contains(&Right::Full)
}

/// Whether somebody with the rights `mine` may hand out `theirs`: nobody gives what he has not.
///
/// # Errors
/// [`crate::domain::Error::Denied`], naming the first right that goes too far.
pub fn may_grant(mine: &[Right], theirs: &[Right]) -> Result<()> {
    lacking(mine, theirs).map_or(Ok(()), |right| Err(Denied::NotYoursToGive(right).into()))
}

/// The first right of `theirs` that `mine` do not cover.
pub fn lacking(mine: &[Right], theirs: &[Right]) -> Option<Right> {
    theirs.iter().find(|right| !mine.iter().any(|own| own.covers(**right))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(text: &str) -> Vec<Right> {
        text.split(',').map(|right| right.parse().unwrap()).collect()
    }

    #[test]
    fn a_right_on_one_resource_reaches_no_other() {
        let rights = rights("line,mag:read");
        assert!(allow(&rights, Resource::Line, Access::Write));
        assert!(allow(&rights, Resource::Mag, Access::Read));
        assert!(!allow(&rights, Resource::Mag, Access::Write));
        assert!(!allow(&rights, Resource::Resellers, Access::Read));
        assert!(!allow(&[], Resource::Line, Access::Read));
    }

    #[test]
    fn the_guide_and_its_sources_are_one_right() {
        assert!(allow(&rights("guide"), Resource::GuideSources, Access::Write));
        assert!(!allow(&rights("guide:read"), Resource::GuideSources, Access::Write));
        assert!("guide_sources".parse::<Right>().is_err());
    }

    #[test]
    fn read_only_reads_everything_and_changes_nothing() {
        for resource in Resource::ALL {
            assert!(allow(&rights("read_only"), resource, Access::Read));
            assert!(!allow(&rights("read_only"), resource, Access::Write));
            assert!(allow(&rights("full"), resource, Access::Write));
        }
    }

    #[test]
    fn nobody_gives_a_right_that_he_has_not() {
        assert!(may_grant(&rights("full"), &rights("full,line")).is_ok());
        assert!(may_grant(&rights("settings"), &rights("full")).is_err());
        assert!(may_grant(&rights("settings,line"), &rights("line:read")).is_ok());
        assert!(may_grant(&rights("line:read"), &rights("line")).is_err());
        assert!(may_grant(&rights("read_only"), &rights("mag:read")).is_ok());
    }

    #[test]
    fn every_right_reads_back_as_it_is_written() {
        for resource in Resource::with_rights() {
            for right in [Right::Full, Right::ReadOnly, Right::On(resource), Right::Reading(resource)] {
                assert_eq!(right.to_string().parse(), Ok(right));
            }
        }
        assert!("lines".parse::<Right>().is_err() && "".parse::<Right>().is_err());
    }
}
