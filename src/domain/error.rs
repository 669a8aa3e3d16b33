//! What can go wrong, in product words. Each face maps these to its own replies, once.

use super::{Resource, Rule};

/// The result of every rule and every use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was refused or failed. Nothing has been changed when one of these comes back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A value breaks the rule of its field.
    #[error("Invalid {field}: {rule}")]
    Invalid {
        /// The field's name as callers write it.
        field: &'static str,
        /// The rule, as the end of a sentence.
        rule: Rule,
    },
    /// A field that has no default was absent or empty.
    #[error("Missing field: {0}")]
    Missing(&'static str),
    /// A field that the call does not know.
    #[error("Unknown field: {field}. {here}")]
    UnknownField {
        /// What the caller wrote, made safe to print.
        field: String,
        /// What the call takes in that place, as a sentence.
        here: String,
    },
    /// Another row has this value already.
    #[error("{field} exists")]
    Taken {
        /// Whose field it is.
        resource: Resource,
        /// The unique column.
        field: &'static str,
    },
    /// The named thing does not exist.
    #[error("{} does not exist{}", resource.noun(), which.as_deref().map(|w| format!(": {w}")).unwrap_or_default())]
    NoSuch {
        /// What kind of thing.
        resource: Resource,
        /// Which one, where a call names several.
        which: Option<String>,
    },
    /// A rule of the product forbids it; the text is a whole sentence that says what to do.
    #[error("{0}")]
    Refused(String),
    /// The row is no longer the one that the caller has seen.
    #[error("Changed meanwhile")]
    Changed,
    /// The caller has no right to do this.
    #[error("{0}")]
    Denied(String),
    /// The reseller's balance does not cover the price.
    #[error("Not enough credits")]
    NotEnoughCredits,
    /// Too much is under way; the same call may go through a moment later.
    #[error("The server is busy: try again in a moment")]
    Busy,
    /// A database statement failed.
    #[error("Database error: {}. It is entry {} of LOGS -> Panel Error Log", .0.what, .0.reference)]
    Database(Fault),
}

impl Error {
    /// A broken rule of one field.
    pub fn invalid(field: &'static str, rule: impl Into<Rule>) -> Self {
        Self::Invalid { field, rule: rule.into() }
    }

    /// The error for the person at the machine while no server runs: nobody can look into the Panel Error Log then.
    pub fn for_operator(&self) -> String {
        match self {
            Self::Database(fault) => {
                let advice = if fault.what.contains("damaged") {
                    ". linecard check tells what is wrong; restore a backup into an empty folder"
                } else {
                    ""
                };
                format!("{} ({}){advice}", fault.what, fault.detail)
            }
            other => other.to_string(),
        }
    }

    /// Whether the same may go through a moment later: too much is under way, or another program writes to the database.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Database(fault) => fault.what == Fault::BUSY,
            _ => false,
        }
    }

    /// A thing that does not exist.
    pub fn no_such(resource: Resource) -> Self {
        Self::NoSuch { resource, which: None }
    }
}

/// A failed statement. `what` and `reference` may be shown to callers, `detail` only to the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The id of its row in the Panel Error Log.
    pub reference: String,
    /// What failed, without SQL or file names: "disk full".
    pub what: &'static str,
    /// The engine's own words and code.
    pub detail: String,
}

impl Fault {
    /// What failed while another program writes to the database.
    pub const BUSY: &'static str = "database busy";
}
