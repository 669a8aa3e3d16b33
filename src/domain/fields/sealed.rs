//! Secrets that must be readable again: in records only as they are sealed.

use crate::domain::{Fact, Field, Kind, Rule, Written};

/// A sealed secret; empty is none. It never leaves the server, and no caller sends it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sealed(String);

impl Sealed {
    /// What was sealed.
    pub fn of(sealed: String) -> Self {
        Self(sealed)
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// What was sealed, as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Field for Sealed {
    const KIND: Kind = Kind::Hidden;

    fn parse(_: &Written) -> Result<Self, Rule> {
        Err("it is sealed by the server".into())
    }

    fn fact(&self) -> Fact {
        Fact::Hidden(self.0.clone())
    }

    fn stored(fact: Fact) -> Option<Self> {
        match fact {
            Fact::Text(text) => Some(Self(text)),
            _ => None,
        }
    }
}
